"""HDF5 databases: what is in the files, and that they read like LMDB with raw pixels."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest

from netloom import datasets
from netloom.datasets import build as building
from netloom.datasets import hdf5_writer
from netloom.errors import BadDataset
from netloom.images import unpack_datum
from tests.datasets.conftest import plans, run_in, write_classes
from tests.datasets.test_build import parsed, start_step


@pytest.fixture
def folder(tmp_path) -> Path:
    return write_classes(tmp_path / "t", cat=12, dog=8, fox=4)


@pytest.fixture
def directory(folder, build, monkeypatch) -> Path:
    """A dataset whose training database takes three files."""
    monkeypatch.setattr(hdf5_writer, "_MOST_ELEMENTS", 7 * 6 * 8 * 3 + 1)
    monkeypatch.setattr(building, "_CHUNK_ENTRIES", 5)
    return build(folder, backend="hdf5", compression="gzip")[0]


def test_files_are_what_caffe_reads(directory):
    database = directory / "train_db"
    lines = (database / "list.txt").read_text().splitlines()
    assert lines == [f"../{directory.name}/train_db/{name}.h5" for name in (0, 7, 14)]
    model = directory.parent / "model"
    model.mkdir()
    labels = []
    for line, count in zip(lines, (7, 7, 4), strict=True):
        with h5py.File(model / line) as file:
            assert set(file) == {"data", "label"}
            assert file["data"].shape == (count, 3, 6, 8)
            assert file["data"].dtype == file["label"].dtype == np.float32
            assert file["data"].compression == "gzip"
            assert 200 < file["data"][:].max() <= 255
            labels += file["label"][:].tolist()
    assert labels == datasets.open(directory).split("train").labels().tolist()


def test_planes_are_rgb(folder, build):
    directory, _ = build(folder, backend="hdf5", folder_pct_val="0")
    expected = {
        cv2.imread(str(path))[:, :, ::-1].transpose(2, 0, 1).astype(np.float32).tobytes()
        for path in folder.rglob("*.png")
    }
    with h5py.File(directory / "train_db/0.h5") as file:
        assert {image.tobytes() for image in file["data"]} == expected
        assert file["data"].compression is None


@pytest.mark.parametrize("channels", ["1", "3"])
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_everything_reads_like_lmdb(folder, build, channels, compression, monkeypatch):
    monkeypatch.setattr(hdf5_writer, "_MOST_ELEMENTS", 400)
    kind = {"resize_channels": channels, "folder_pct_test": "20"}
    lmdb = datasets.open(build(folder, name="lmdb", encoding="none", **kind)[0])
    kind |= {"backend": "hdf5", "compression": compression, "encoding": "jpg"}
    hdf5 = datasets.open(build(folder, name="hdf5", **kind)[0])
    assert (hdf5.manifest.backend, hdf5.manifest.encoding) == ("hdf5", "none")
    assert hdf5.manifest.compression == compression
    assert hdf5.preprocessing == lmdb.preprocessing
    np.testing.assert_array_equal(hdf5.mean, lmdb.mean)
    for name in ("train", "val", "test"):
        ours, theirs = hdf5.split(name), lmdb.split(name)
        np.testing.assert_array_equal(ours.labels(), theirs.labels())
        np.testing.assert_array_equal(ours.decode_all(threads=2), theirs.decode_all())
        chosen = [len(ours) - 1, 0, 1]
        np.testing.assert_array_equal(ours.read(chosen), theirs.read(chosen))
        assert list(ours.keys) == list(theirs.keys)
        assert ours.page(0, 50) == theirs.page(0, 50)
        assert [ours.raw(i) for i in chosen] == [theirs.raw(i) for i in chosen]
        assert ours.image_bytes(1) == theirs.image_bytes(1)
        assert ours.info.class_counts == theirs.info.class_counts
    with pytest.raises(IndexError):
        ours.raw(len(ours))


def test_facts_tell_the_store(folder, build):
    (folder / "cat/bad.png").write_bytes(b"text")
    directory, facts = build(
        folder, backend="hdf5", compression="gzip", encoding="png", folder_pct_val="0"
    )
    told = facts["create_db-train"]
    assert {name: told[name] for name in ("backend", "encoding", "compression")} == {
        "backend": "hdf5",
        "encoding": "none",
        "compression": "gzip",
    }
    assert (told["entries"], told["failed"], told["failed_counts"]) == (24, 1, {"cat": 1})
    assert datasets.unreadable(directory, "train")[1] == 1
    assert told["bytes"] > 0
    assert sorted(os.listdir(directory / "train_db")) == [
        "0.h5",
        "labels.npy",
        "list.txt",
        "split.json",
    ]


def test_lmdb_is_not_compressed(folder, build):
    directory, facts = build(folder, compression="gzip")
    assert facts["create_db-train"]["compression"] == "none"
    assert datasets.open(directory).manifest.compression == "none"


def test_the_files_do_not_depend_on_the_number_of_processes(folder, build, monkeypatch):
    monkeypatch.setattr(building, "_CHUNK_ENTRIES", 4)
    found = [
        (build(folder, name=f"job{cpus}", cpus=cpus, backend="hdf5")[0] / "train_db/0.h5")
        for cpus in (1, 3)
    ]
    assert found[0].read_bytes() == found[1].read_bytes()


def sum_of(split: datasets.Split) -> int:
    return int(split.decode_all().astype(int).sum()) + int(split.read([3, 9]).astype(int).sum())


def test_a_split_can_be_handed_to_other_processes(directory):
    split = datasets.open(directory).split("train")
    expected = sum_of(split)
    assert sum_of(pickle.loads(pickle.dumps(split))) == expected
    for method in ("spawn", "fork"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            assert pool.apply(sum_of, (split,)) == expected
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(sum_of, [split] * 8)) == {expected}


def test_labels_are_found_again(directory):
    split = datasets.open(directory).split("train")
    expected = split.labels()
    (directory / "train_db/labels.npy").unlink()
    np.testing.assert_array_equal(datasets.open(directory).split("train").labels(), expected)
    assert unpack_datum(split.raw(4)).label == expected[4]


def test_a_directory_may_be_moved(directory):
    moved = directory.rename(directory.with_name("elsewhere"))
    assert len(datasets.open(moved).split("train").decode_all()) == 18


def test_what_is_wrong_with_the_files_is_said(directory):
    database = directory / "train_db"
    split = datasets.open(directory).split("train")
    with h5py.File(database / "7.h5", "r+") as file:
        del file["label"]
        file["label"] = np.zeros(3, np.float32)
    with pytest.raises(BadDataset, match=r"has 3 labels for 7 images in 7\.h5"):
        split.read([0])
    (database / "7.h5").write_bytes(b"no HDF5 file")
    with pytest.raises(BadDataset, match=r"train_db cannot be opened: .*signature"):
        split.read([0])
    (database / "7.h5").unlink()
    with pytest.raises(BadDataset, match=r"train_db cannot be opened: .*No such file"):
        split.decode_all()
    (database / "list.txt").write_text("../x/train_db/0.h5\n")
    with pytest.raises(BadDataset, match="has no entry 7"):
        split.read([7])
    with pytest.raises(BadDataset, match="has no entry 7"):
        split.decode_all()
    (database / "labels.npy").unlink()
    with pytest.raises(BadDataset, match="7 entries instead of 18"):
        split.labels()


@pytest.mark.parametrize("limit", [1_000, 300_000])
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path, folder, limit, compression):
    step = parsed(
        folder,
        tmp_path / "job",
        backend="hdf5",
        compression=compression,
        resize_width="100",
        resize_height="100",
        folder_pct_val="0",
    )[0]
    before = sorted(os.listdir(tmp_path / "job"))
    process = start_step(step, tmp_path / "job", limit=limit)
    output, _ = process.communicate(timeout=60)
    assert "DiskFull The disk became full while the train database was written" in output
    assert process.returncode == 0  # the library has let go of the file
    assert sorted(os.listdir(tmp_path / "job")) == before
    step.run(run_in(tmp_path / "job", attempt=2))
    assert len(datasets.open(tmp_path / "job").split("train").decode_all()) == 24


def test_a_stop_leaves_nothing_and_another_attempt_ends_well(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(building, "_CHUNK_ENTRIES", 2)
    step = parsed(folder, tmp_path / "job", folder_pct_val="0", backend="hdf5")[0]
    before = sorted(os.listdir(tmp_path / "job"))
    run = run_in(tmp_path / "job")
    run.stop_when = lambda run: len(run.told) >= 2
    step.run(run)
    assert sorted(os.listdir(tmp_path / "job")) == before
    step.run(run_in(tmp_path / "job", attempt=2))
    assert len(datasets.open(tmp_path / "job").split("train")) == 24


def test_a_step_is_kept_with_its_store(folder):
    step = plans(folder, backend="hdf5", compression="gzip")[1].step
    again = type(step).model_validate_json(step.model_dump_json())
    assert again == step
