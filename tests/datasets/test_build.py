"""Building: what is in a database, and what is left when a build cannot end well."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import lmdb
import numpy as np
import pytest

from netloom import datasets
from netloom.datasets import build as building
from netloom.errors import DatasetFailed, DiskFull, NoReadableImages, WorkerLost
from netloom.images import caffe_pb2, pack_datum, read_mean
from tests.datasets.conftest import plans, run_in, write_classes, write_image


def database(path: Path) -> dict[bytes, bytes]:
    """Return all entries of a database in order of their keys."""
    with lmdb.open(str(path), readonly=True, lock=False) as env, env.begin() as transaction:
        return dict(transaction.cursor())


def parsed(folder: Path, directory: Path, **fields: Any) -> list[Any]:
    """Run the parse steps; return the steps that create databases."""
    directory.mkdir(exist_ok=True)
    steps = [plan.step for plan in plans(folder, **fields)]
    steps[0].run(run_in(directory))
    return steps[1:]


def test_entries_are_datums_under_running_keys(tmp_path, build):
    folder = write_classes(tmp_path / "t", cat=12, dog=8)
    directory, facts = build(folder)
    entries = database(directory / "train_db")
    assert len(entries) == facts["create_db-train"]["entries"] == 15
    for number, (key, value) in enumerate(entries.items()):
        datum = caffe_pb2.Datum.FromString(value)
        assert key == b"%08d_%d" % (number, datum.label)
        assert (datum.channels, datum.height, datum.width, datum.encoded) == (3, 6, 8, True)
        assert datum.data.startswith(b"\x89PNG")
        packed = pack_datum(datum.data, 8, 6, 3, label=datum.label, encoded=True)
        assert packed == value == datum.SerializeToString()
    labels = [int(key.split(b"_")[1]) for key in entries]
    assert Counter(labels) == {0: 9, 1: 6}
    assert labels != sorted(labels)  # shuffled


def test_pixels_are_those_of_the_files(tmp_path, build):
    folder = write_classes(tmp_path / "t", cat=3, dog=3)
    for encoding in ("png", "none"):
        directory, _ = build(folder, name=encoding, encoding=encoding, folder_pct_val="0")
        found = datasets.open(directory).split("train").decode_all()
        expected = [cv2.imread(str(path))[:, :, ::-1].tobytes() for path in folder.rglob("*.png")]
        assert Counter(image.tobytes() for image in found) == Counter(expected)


def test_raw_entries_are_planes_in_bgr(tmp_path, build):
    folder = write_classes(tmp_path / "t", cat=2, dog=2)
    directory, _ = build(folder, encoding="none", folder_pct_val="0")
    expected = {
        cv2.imread(str(path)).transpose(2, 0, 1).tobytes() for path in folder.rglob("*.png")
    }
    datums = [caffe_pb2.Datum.FromString(v) for v in database(directory / "train_db").values()]
    assert {datum.data for datum in datums} == expected
    assert not any(datum.encoded for datum in datums)


def test_facts_and_manifest(tmp_path, build):
    folder = write_classes(tmp_path / "t", a_cat=8, dog=8)
    (folder / "dog/empty.png").write_bytes(b"")
    directory, facts = build(folder, folder_pct_test="25", encoding="jpg", resize_channels="1")
    assert [key for key in facts if key.startswith("create")] == [
        "create_db-train",
        "create_db-val",
        "create_db-test",
    ]
    train = facts["create_db-train"]
    failed = sum(facts[f"create_db-{split}"]["failed"] for split in ("train", "val", "test"))
    assert failed == 1
    assert train["bytes"] > 0
    assert {name: train[name] for name in ("db", "split", "backend", "encoding")} == {
        "db": "train_db",
        "split": "train",
        "backend": "lmdb",
        "encoding": "jpg",
    }
    shape = [train[f"image_{name}"] for name in ("width", "height", "channels")]
    assert shape == [8, 6, 1]
    assert (train["compression"], train["mean"], train["seed"]) == ("none", True, 7)
    assert facts["create_db-val"]["mean"] is False
    told = json.loads((directory / "dataset.json").read_text())
    assert told["classes"] == ["a cat", "dog"]
    assert set(told["splits"]) == {"train", "val", "test"}
    for split, info in told["splits"].items():
        step = facts[f"create_db-{split}"]
        assert info["class_counts"] == step["class_counts"]
        assert (info["entries"], info["failed"]) == (step["entries"], step["failed"])
        assert info["failed_per_class"] == step["failed_counts"]
    assert not [name for name in os.listdir(directory) if name.startswith(".")]


def test_the_mean_is_exact_and_of_the_training_split(tmp_path, build):
    folder = write_classes(tmp_path / "t", cat=30, dog=30)
    directory, _ = build(folder, encoding="none")
    dataset = datasets.open(directory)
    pixels = dataset.split("train").decode_all().astype(np.float64)
    expected = pixels.mean(axis=0).transpose(2, 0, 1)  # RGB
    np.testing.assert_array_equal(dataset.mean, expected.astype(np.float32))
    stored = read_mean(directory / "mean.binaryproto")
    np.testing.assert_array_equal(stored, dataset.mean[::-1])  # BGR, as Caffe reads it
    picture = cv2.imread(str(directory / "mean.jpg"))
    assert picture.shape == (6, 8, 3)


def test_the_order_does_not_depend_on_the_number_of_processes(tmp_path, build, monkeypatch):
    monkeypatch.setattr(building, "_CHUNK_ENTRIES", 4)
    folder = write_classes(tmp_path / "t", cat=30, dog=30)
    (folder / "cat/bad.png").write_bytes(b"text")
    found = []
    for cpus in (1, 3):
        directory, _ = build(folder, name=f"job{cpus}", cpus=cpus, folder_pct_val="0")
        mean = (directory / "mean.binaryproto").read_bytes()
        found.append((list(database(directory / "train_db").items()), mean))
    assert found[0] == found[1]


def test_another_seed_gives_another_order(tmp_path, build):
    folder = write_classes(tmp_path / "t", cat=20, dog=20)
    first, again, other = (
        list(database(build(folder, name=name, seed=seed)[0] / "train_db").values())
        for name, seed in (("a", "1"), ("b", "1"), ("c", "2"))
    )
    assert first == again != other


def test_unreadable_files_are_counted_and_listed(tmp_path, build):
    folder = write_classes(tmp_path / "t", cat=6, dog=6)
    good = (folder / "cat/000.png").read_bytes()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    bad = {
        "empty.png": b"",
        "text.png": b"this is no image",
        "short.jpg": cv2.imencode(".jpg", noise)[1].tobytes()[:900],
        "half.png": good[: len(good) // 2],
        "name, \u00fc.png": b"x",
    }
    for name, data in bad.items():
        (folder / "dog" / name).write_bytes(data)
    (folder / "dog/broken link.png").symlink_to(tmp_path / "nowhere")
    write_image(folder / "dog/odd.png")
    os.rename(folder / "dog/odd.png", os.fsencode(folder) + b"/dog/\xff.png")
    directory, facts = build(folder, folder_pct_val="0")
    step = facts["create_db-train"]
    assert (step["entries"], step["failed"]) == (13, 6)
    assert step["class_counts"] == {"cat": 6, "dog": 7}
    assert step["failed_counts"] == {"dog": 6}
    rows, total = datasets.unreadable(directory, "train", 0, 100)
    assert total == 6
    assert {Path(row["path"]).name for row in rows} == {*bad, "broken link.png"}
    assert all(row["class"] == "dog" and row["reason"].endswith(".") for row in rows)
    assert datasets.unreadable(directory, "train", 4, 1) == (rows[4:5], 6)
    assert datasets.unreadable(directory, "train", 9, 5) == ([], 6)
    assert datasets.unreadable(directory, "val") == ([], 0)
    assert sum(datasets.open(directory).split("train").labels()) == 7


def test_what_no_list_can_hold_is_among_the_unreadable(tmp_path, build):
    folder = write_classes(tmp_path / "t", cat=6, dog=6, **{"two\nlines": 2})
    other = write_classes(tmp_path / "v", cat=3, dog=3)
    write_image(folder / "cat/a\nb.png")
    write_image(other / "dog/c\rd.png")
    (folder / "dog/empty.png").write_bytes(b"")
    os.mkfifo(folder / "dog/pipe.png")
    directory, facts = build(folder, has_val_folder="1", folder_val=str(other))
    step = facts["create_db-train"]
    assert (step["entries"], step["failed"]) == (12, 5)
    assert step["failed_counts"] == {"cat": 1, "dog": 2}  # the other two have no class
    rows, total = datasets.unreadable(directory, "train")
    assert total == 5
    assert {(row["path"].removeprefix(f"{folder}/"), row["class"]) for row in rows} == {
        ("cat/a\\nb.png", "cat"),
        ("dog/pipe.png", "dog"),
        ("two\\nlines/000.png", "two\\nlines"),
        ("two\\nlines/001.png", "two\\nlines"),
        ("dog/empty.png", "dog"),
    }
    assert facts["create_db-val"]["failed_counts"] == {"dog": 1}
    rows, total = datasets.unreadable(directory, "val")
    assert [(row["path"], row["reason"]) for row in rows] == [
        (f"{other}/dog/c\\rd.png", "The path contains a line break.")
    ]


@pytest.mark.parametrize("lost", ["nothing", "the database", "all but the folder"])
def test_a_build_that_is_done_again_lists_each_unreadable_file_once(tmp_path, lost):
    folder = write_classes(tmp_path / "t", cat=3, dog=3)
    write_image(folder / "cat/a\nb.png")
    (folder / "dog/empty.png").write_bytes(b"")
    directory = tmp_path / "job"
    step = parsed(folder, directory, folder_pct_val="0")[0]
    step.run(run_in(directory))
    if lost == "the database":
        shutil.rmtree(directory / "train_db")
    elif lost == "all but the folder":
        shutil.rmtree(directory)
        parsed(folder, directory, folder_pct_val="0")
    parsed(folder, directory, folder_pct_val="0")
    again = run_in(directory, attempt=2)
    step.run(again)
    assert again.facts["failed"] == 2
    rows, total = datasets.unreadable(directory, "train")
    assert (total, [Path(row["path"]).name for row in rows]) == (2, ["a\\nb.png", "empty.png"])


def test_a_picture_with_too_many_pixels_is_unreadable(tmp_path, build, monkeypatch):
    monkeypatch.setenv("NETLOOM_DECODE_PIXELS", "60")
    folder = write_classes(tmp_path / "t", cat=3, dog=3)
    write_image(folder / "cat/large.png", width=9, height=9)
    directory, _ = build(folder, folder_pct_val="0")
    rows, _ = datasets.unreadable(directory, "train")
    assert [Path(row["path"]).name for row in rows] == ["large.png"]
    assert "9 x 9 pixels" in rows[0]["reason"]


def test_no_readable_image_is_an_error_with_the_first_reason(tmp_path):
    folder = tmp_path / "t"
    for name in ("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    step = parsed(folder, tmp_path / "job", folder_pct_val="0")[0]
    run = run_in(tmp_path / "job")
    with pytest.raises(NoReadableImages) as caught:
        step.run(run)
    assert run.facts == {"failed": 4, "failed_counts": {"cat": 2, "dog": 2}}
    assert "None of the 4 images of the train split can be read." in caught.value.message
    assert "empty" in caught.value.message
    assert datasets.unreadable(tmp_path / "job", "train")[1] == 4
    assert not (tmp_path / "job/train_db").exists()
    assert not (tmp_path / "job/dataset.json").exists()
    assert not [name for name in os.listdir(tmp_path / "job") if name.startswith(".")]


def test_an_empty_list_is_an_error(tmp_path):
    folder = write_classes(tmp_path / "t", cat=3, dog=3)
    step = parsed(folder, tmp_path / "job")[0]
    (tmp_path / "job/train.txt").write_bytes(b"")
    with pytest.raises(DatasetFailed, match="list of the train split is empty"):
        step.run(run_in(tmp_path / "job"))


def test_the_map_grows(tmp_path, build, monkeypatch):
    monkeypatch.setattr("netloom.datasets.writer._FIRST_SIZE", 2**15)
    folder = write_classes(tmp_path / "t", cat=50, dog=50)
    directory, facts = build(folder, encoding="none", resize_width="64", resize_height="64")
    assert facts["create_db-train"]["entries"] == 76
    assert len(database(directory / "train_db")) == 76
    assert (directory / "train_db/data.mdb").stat().st_size > 2**15


def test_progress_tells_counts_and_rate(tmp_path, monkeypatch):
    monkeypatch.setattr(building, "_CHUNK_ENTRIES", 5)
    folder = write_classes(tmp_path / "t", cat=10, dog=10)
    step = parsed(folder, tmp_path / "job", folder_pct_val="0")[0]
    run = run_in(tmp_path / "job")
    step.run(run)
    assert run.fractions == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert [told.done for told in run.told] == [5, 10, 15, 20, None]
    assert run.told[0].total == 20
    assert run.told[0].rate > 0


def test_a_stop_leaves_nothing_and_another_attempt_ends_well(tmp_path, monkeypatch):
    monkeypatch.setattr(building, "_CHUNK_ENTRIES", 2)
    folder = write_classes(tmp_path / "t", cat=10, dog=10)
    step = parsed(folder, tmp_path / "job", folder_pct_val="0")[0]
    before = sorted(os.listdir(tmp_path / "job"))
    run = run_in(tmp_path / "job")
    run.stop_when = lambda run: len(run.told) >= 2
    step.run(run)
    assert sorted(os.listdir(tmp_path / "job")) == before
    assert run.facts == {}
    step.run(run_in(tmp_path / "job", attempt=2))
    assert len(datasets.open(tmp_path / "job").split("train")) == 20


def test_the_manifest_waits_for_every_split(tmp_path):
    folder = write_classes(tmp_path / "t", cat=8, dog=8)
    train, val = parsed(folder, tmp_path / "job")
    val.run(run_in(tmp_path / "job"))
    assert not (tmp_path / "job/dataset.json").exists()
    train.run(run_in(tmp_path / "job"))
    dataset = datasets.open(tmp_path / "job")
    assert dataset.splits == ("train", "val")
    # Done again after it was complete, a step keeps its database and tells the same.
    run = run_in(tmp_path / "job", attempt=2)
    inode = (tmp_path / "job/train_db").stat().st_ino
    train.run(run)
    assert (tmp_path / "job/train_db").stat().st_ino == inode
    assert run.facts["entries"] == len(dataset.split("train"))


# What goes wrong outside.

CHILD = """
import sys, resource
from pathlib import Path
from netloom.datasets import CreateDb
from netloom.datasets import build
from tests.datasets.conftest import run_in
build._CHUNK_ENTRIES = 4
if int(sys.argv[3]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
step = CreateDb.model_validate_json(Path(sys.argv[2]).read_text())
run = run_in(Path(sys.argv[1]))
told = run.progress
run.progress = lambda *a, **k: (told(*a, **k), print("progress", flush=True))
try:
    step.run(run)
except Exception as error:
    print(type(error).__name__, error)
"""


def start_step(step: Any, directory: Path, limit: int = 0) -> subprocess.Popen[str]:
    """Run a step in a process of its own; `limit` is the largest file it may write."""
    options = directory.parent / "step.json"
    options.write_text(step.model_dump_json())
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(directory), str(options), str(limit)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path):
    folder = write_classes(tmp_path / "t", cat=20, dog=20)
    step = parsed(
        folder, tmp_path / "job", encoding="none", resize_width="100", resize_height="100"
    )[0]
    before = sorted(os.listdir(tmp_path / "job"))
    # The kernel refuses to write further than a limit, as it does on a full disk.
    process = start_step(step, tmp_path / "job", limit=300_000)
    output, _ = process.communicate(timeout=60)
    assert "DiskFull The disk became full while the train database was written" in output
    assert sorted(os.listdir(tmp_path / "job")) == before
    step.run(run_in(tmp_path / "job", attempt=2))
    assert (tmp_path / "job/dataset.json").exists() is False  # val is still to be built
    assert (tmp_path / "job/train_db/split.json").exists()


def test_other_errors_of_the_disk_are_not_called_full(tmp_path, monkeypatch):
    def fail(*arguments: object) -> None:
        raise OSError(error, os.strerror(error))

    folder = write_classes(tmp_path / "t", cat=2, dog=2)
    step = parsed(folder, tmp_path / "job", folder_pct_val="0")[0]
    monkeypatch.setattr(building, "write_mean", fail)
    for error, raised in ((errno.ENOSPC, DiskFull), (errno.EIO, OSError)):  # noqa: B007
        with pytest.raises(raised):
            step.run(run_in(tmp_path / "job"))


def test_a_killed_build_can_be_done_again(tmp_path):
    folder = write_classes(tmp_path / "t", cat=200, dog=200)
    step = parsed(folder, tmp_path / "job", folder_pct_val="0")[0]
    process = start_step(step, tmp_path / "job")
    assert process.stdout is not None
    for _ in range(3):
        process.stdout.readline()
    encoders = children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert len(encoders) == 2
    assert (tmp_path / "job/.train_db.partial").exists()
    assert not (tmp_path / "job/train_db").exists()
    wait_until_gone(encoders)
    step.run(run_in(tmp_path / "job", attempt=2))
    assert not (tmp_path / "job/.train_db.partial").exists()
    assert len(datasets.open(tmp_path / "job").split("train").decode_all()) == 400


def children(pid: int) -> list[int]:
    return [int(part) for part in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}/cmdline").exists() and command(pid) for pid in pids):
        assert time.monotonic() < deadline, "an encoder outlived its parent"
        time.sleep(0.02)


def command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()  # empty once it has ended
    except (FileNotFoundError, ProcessLookupError):
        return b""


def test_a_lost_encoder_is_an_error_that_says_so(tmp_path, monkeypatch):
    folder = write_classes(tmp_path / "t", cat=4, dog=4)
    step = parsed(folder, tmp_path / "job", folder_pct_val="0")[0]
    monkeypatch.setattr("netloom.datasets.crew._MAIN", "raise SystemExit(3)")
    with pytest.raises(WorkerLost, match="exit code 3"):
        step.run(run_in(tmp_path / "job"))
    assert not (tmp_path / "job/.train_db.partial").exists()


def test_a_crew_that_cannot_start_leaves_no_process(tmp_path, monkeypatch):
    folder = write_classes(tmp_path / "t", cat=4, dog=4)
    step = parsed(folder, tmp_path / "job", folder_pct_val="0")[0]
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))
    before = children(os.getpid())  # servers that other tests keep for the whole session
    with pytest.raises(FileNotFoundError):
        step.run(run_in(tmp_path / "job"))
    assert children(os.getpid()) == before
