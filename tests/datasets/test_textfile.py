"""The text file method: lists of images become a dataset; bad lines are named."""

from __future__ import annotations

import io
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netloom import datasets
from netloom.datasets import ClassificationDataset
from netloom.datasets.methods import Upload
from netloom.datasets.textfile_lines import LONGEST_LINE
from netloom.errors import DatasetFailed, InvalidOptions, NoReadableImages, PathNotAllowed
from netloom.testing import RecordingRun
from tests.datasets.conftest import write_image

Build = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Six pictures: 0.png to 5.png."""
    for number in range(6):
        write_image(tmp_path / f"images/{number}.png", seed=number)
    return tmp_path / "images"


def form(tmp_path: Path, **texts: Any) -> dict[str, Any]:
    """Write lists of these texts on the server; return the form that names them."""
    values: dict[str, Any] = {
        "dataset_name": "pets",
        "method": "textfile",
        "textfile_use_local_files": "y",
        "textfile_train_folder": str(tmp_path / "images"),
        "resize_width": "8",
        "resize_height": "6",
        "seed": "7",
    }
    for name, text in {"labels": "cat\ndog\n", **texts}.items():
        path = tmp_path / f"{name}.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        if name == "labels":
            values["textfile_local_labels_file"] = str(path)
        else:
            values[f"textfile_use_{name}"] = "y"
            values[f"textfile_local_{name}_images"] = str(path)
    return values


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Run every step of a dataset; return the facts of each."""

    def run_all(values: dict[str, Any], roots: Any = None) -> dict[str, dict[str, Any]]:
        directory = tmp_path / "job"
        directory.mkdir(exist_ok=True)
        facts = {}
        for plan in ClassificationDataset.from_form(values).plan(roots=roots):
            run = RecordingRun(directory, cpus=1)
            plan.step.run(run)
            facts[plan.key] = run.facts
        return facts

    return run_all


def errors_of(values: dict[str, Any], **about: Any) -> dict[str, list[str]]:
    with pytest.raises(InvalidOptions) as caught:
        ClassificationDataset.from_form(values, **about)
    assert all(text.endswith(".") for texts in caught.value.errors.values() for text in texts)
    return caught.value.errors


GOOD = "0.png 0\n1.png 1\n2.png 0\n"


def test_lists_become_a_dataset(tmp_path, images, build):
    val = tmp_path / "elsewhere"
    write_image(val / "deep/a b 7.png")
    values = form(tmp_path, train=GOOD, val=f"deep/a b 7.png 1\n{images}/3.png\t0", test="4.png 1")
    values |= {"textfile_val_folder": str(val), "textfile_test_folder": str(images)}
    facts = build(values)
    assert list(facts) == ["read-lists", "create_db-train", "create_db-val", "create_db-test"]
    counts = {"label_count": 2, "train_count": 3, "val_count": 2, "test_count": 1}
    assert facts["read-lists"] == {**counts, "labels": ["cat", "dog"], "skipped": []}
    assert (tmp_path / "job/val.txt").read_text().splitlines() == [
        f"{val}/deep/a b 7.png 1",
        f"{images}/3.png 0",
    ]
    made = datasets.open(tmp_path / "job")
    assert made.classes == ("cat", "dog")
    assert {name: len(made.split(name)) for name in ("train", "val", "test")} == {
        "train": 3,
        "val": 2,
        "test": 1,
    }
    assert facts["create_db-train"]["class_counts"] == {"cat": 2, "dog": 1}


def test_without_shuffling_the_order_of_the_list_stays(tmp_path, images, build):
    labels = [0, 1, 1, 0, 1, 0] * 5
    lines = "".join(f"{number % 6}.png {label}\n" for number, label in enumerate(labels))
    build(form(tmp_path, train=lines) | {"textfile_shuffle": "0"})
    assert datasets.open(tmp_path / "job").split("train").labels().tolist() == labels
    build(form(tmp_path, train=lines))
    shuffled = datasets.open(tmp_path / "job").split("train").labels().tolist()
    assert shuffled != labels
    assert sorted(shuffled) == sorted(labels)


def test_uploads_are_read_from_the_directory_of_the_job(tmp_path, images):
    values = form(tmp_path) | {"textfile_use_local_files": ""}
    del values["textfile_local_labels_file"]
    texts = {"textfile_train_images": GOOD, "textfile_labels_file": "cat\ndog\n"}
    files = {
        field: Upload(name=f"my {field}.txt", file=io.BytesIO(text.encode()))
        for field, text in texts.items()
    }
    options = ClassificationDataset.from_form(values, files=files)
    assert options.uploads() == {
        "textfile_train_images": "uploaded_train.txt",
        "textfile_labels_file": "uploaded_labels.txt",
    }
    assert options.textfile_train_images == "my textfile_train_images.txt"
    assert not options.uploads().keys() & options.remembered().keys()
    assert options.remembered()["textfile_train_folder"] == str(images)
    for field, name in options.uploads().items():
        (tmp_path / name).write_bytes(files[field].file.read())
    run = RecordingRun(tmp_path)
    options.plan()[0].step.run(run)
    assert run.facts["train_count"] == 3


def test_lines_that_name_no_image_are_left_out_and_counted(tmp_path, images, build):
    lines = b"\xef\xbb\xbf0.png 0\r\n\r\n1.png -1\r\n2.png\r\n3\r\n  \r\n1.png 1.5\r\n1.png 1  \r\n"
    facts = build(
        form(tmp_path, train=lines + b"0.png\r1.png 1\r\n1.png\t 1", labels="cat\r\n dog")
    )
    assert facts["read-lists"]["labels"] == ["cat", "dog"]
    assert facts["create_db-train"]["class_counts"] == {"cat": 1, "dog": 2}
    assert facts["create_db-train"]["failed"] == 0
    assert [(row["count"], row["reason"]) for row in facts["read-lists"]["skipped"]] == [
        (2, "The line is empty. The first is line 2."),
        (1, "The class number is negative. The first is line 3."),
        (2, "The line does not end with a class number. The first is line 4."),
        (1, "The line has no path. The first is line 5."),
        (1, "The path contains a line break. The first is line 9."),
    ]
    assert {row["name"] for row in facts["read-lists"]["skipped"]} == {"Training list"}


def test_what_cannot_be_read_is_counted_and_named(tmp_path, images, build, monkeypatch):
    monkeypatch.setenv("NETLOOM_FETCH_PRIVATE", "0")
    outside = write_image(tmp_path / "outside/secret.png")
    (images / "link.png").symlink_to(outside)
    (images / "text.png").write_text("no image")
    lines = (
        f"0.png 0\n1.png 1\nmissing.png 1\n{outside} 0\n../outside/secret.png 0\nlink.png 0\n"
        "text.png 1\nhttp://127.0.0.1:9/a.png 1\n"
    )
    roots = tuple(str(tmp_path / name) for name in ("images", "train.txt", "labels.txt"))
    facts = build(form(tmp_path, train=lines) | {"textfile_shuffle": "0"}, roots=roots)
    assert facts["create_db-train"]["entries"] == 2
    assert facts["create_db-train"]["failed_counts"] == {"cat": 3, "dog": 3}
    rows, total = datasets.unreadable(tmp_path / "job", "train")
    assert total == 6
    beyond = "The path is outside the folders that may be read."
    assert [row["reason"] for row in rows[:4]] == [
        "The file cannot be opened: No such file or directory.",
        beyond,
        beyond,
        beyond,
    ]
    assert rows[1]["path"] == str(outside)
    assert "private address" in rows[5]["reason"]


def test_relative_paths_need_the_image_folder(tmp_path, images, build):
    values = form(tmp_path, train=GOOD) | {"textfile_train_folder": ""}
    with pytest.raises(NoReadableImages, match="no image folder was given"):
        build(values)


def test_names_that_are_not_utf8_survive(tmp_path, images, build):
    os.link(images / "0.png", os.path.join(os.fsencode(images), b"caf\xe9.png"))
    facts = build(form(tmp_path, train=b"caf\xe9.png 0\n1.png 1\n"))
    assert facts["create_db-train"]["entries"] == 2


@pytest.mark.parametrize(
    ("texts", "part", "field"),
    [
        ({"train": "0.png 0\n1.png 2\n"}, "Line 2 of the training list has the class number 2, but",
         "textfile_local_train_images"),
        ({"train": GOOD, "val": "0.png " + "9" * 5000}, "of the validation list has the class",
         "textfile_local_val_images"),
        ({"train": "0.png\n\n1.png\n"}, "names no image", "textfile_local_train_images"),
        ({"train": "0.png 0\n1.png 0\n"}, "has the class 'cat'; at least two",
         "textfile_local_train_images"),
        ({"train": GOOD + "x" * LONGEST_LINE + " 1\n"}, "Line 4 of the training list is longer",
         "textfile_local_train_images"),
        ({"train": GOOD * 9000 + "\0"}, "is not a text file", "textfile_local_train_images"),
    ],
)  # fmt: skip
def test_lists_that_cannot_be_meant_end_with_a_sentence(
    tmp_path, images, build, texts, part, field
):
    with pytest.raises(DatasetFailed, match=part) as caught:
        build(form(tmp_path, **texts))
    assert caught.value.field == field
    assert caught.value.hint
    assert os.listdir(tmp_path / "job") == []


@pytest.mark.parametrize(
    ("labels", "part"),
    [
        ("", "no names"),
        ("cat\n\n", "one name"),
        ("cat\ndog\ncat\n", "'cat' twice: in lines 1 and 3"),
        ("cat\rdog", "holds several names"),
        (b"cat\nH\xfchner\n", "Line 2 of the labels file, 'H\\xfchner', is not UTF-8"),
        ("cat\ndog".encode("utf-16"), "not a text file"),
        ("cat\n" + "d" * 1001, "longer than 1,000 characters"),
        ("\n" * 4_200_000, "4,194,304 bytes"),
    ],
)
def test_labels_that_name_no_classes_are_refused_at_once(tmp_path, images, labels, part):
    errors = errors_of(form(tmp_path, train=GOOD, labels=labels))
    assert list(errors) == ["textfile_local_labels_file"]
    assert part in errors["textfile_local_labels_file"][0]


@pytest.mark.parametrize(
    ("fields", "name", "part"),
    [
        ({"textfile_local_train_images": ""}, "textfile_local_train_images", "required"),
        ({"textfile_local_train_images": "a.txt"}, "textfile_local_train_images", "absolute"),
        ({"textfile_local_train_images": "/a\0b"}, "textfile_local_train_images", "null"),
        ({"textfile_local_train_images": 7}, "textfile_local_train_images", "not a text"),
        ({"textfile_local_train_images": "/no/such"}, "textfile_local_train_images", "No such"),
        ({"textfile_local_train_images": "/tmp"}, "textfile_local_train_images", "not a file"),
        ({"textfile_train_folder": "/no/such"}, "textfile_train_folder", "does not exist"),
        ({"textfile_train_folder": __file__}, "textfile_train_folder", "not a folder"),
        ({"textfile_use_val": "y"}, "textfile_local_val_images", "required"),
        ({"textfile_use_test": "y"}, "textfile_local_test_images", "required"),
        ({"textfile_shuffle": "maybe"}, "textfile_shuffle", "not one of"),
        ({"textfile_local_labels_file": ""}, "textfile_local_labels_file", "required"),
    ],
)
def test_what_is_refused(tmp_path, images, fields, name, part):
    errors = errors_of(form(tmp_path, train=GOOD) | fields)
    assert list(errors) == [name]
    assert part in errors[name][0]


def test_uploads_that_are_missing_empty_or_no_text_are_refused(tmp_path, images):
    values = form(tmp_path, val="") | {
        "textfile_use_local_files": "",
        "textfile_train_images": "/a",
    }
    given = {
        "textfile_val_images": b" \n",
        "textfile_labels_file": b"cat\ndog\n",
        "textfile_test_images": b"not used",
    }
    files = {field: Upload(name="a.txt", file=io.BytesIO(data)) for field, data in given.items()}
    errors = errors_of(values, files=files)
    assert "must be an upload" in errors["textfile_train_images"][0]
    assert "empty" in errors["textfile_val_images"][0]
    assert len(errors) == 2
    del values["textfile_train_images"]
    files["textfile_val_images"] = Upload(name="a.txt", file=io.BytesIO(b"\x89PNG\0"))
    errors = errors_of(values, files=files)
    assert "Choose a file" in errors["textfile_train_images"][0]
    assert "not a text file" in errors["textfile_val_images"][0]


def test_fields_of_other_methods_are_not_checked(tmp_path, images):
    values = form(tmp_path, train=GOOD) | {
        "folder_train": "/no/such",
        "folder_pct_val": "900",
        "textfile_local_val_images": "/no/such",
        "textfile_val_folder": "/no/such",
    }
    assert ClassificationDataset.from_form(values).folder_pct_val == 25
    errors = errors_of({"dataset_name": "a", "textfile_shuffle": "maybe"})
    assert list(errors) == ["folder_train"]


def test_lists_outside_the_data_roots_are_refused(tmp_path, images):
    def check_path(path: str) -> None:
        if not path.startswith(str(images)):
            raise PathNotAllowed(f"{path} is outside the data roots.")

    errors = errors_of(form(tmp_path, train=GOOD), check_path=check_path)
    assert set(errors) == {"textfile_local_train_images", "textfile_local_labels_file"}


def test_a_list_that_was_moved_away_or_out_of_the_roots_ends_with_a_sentence(tmp_path, images):
    (tmp_path / "job").mkdir()
    options = ClassificationDataset.from_form(form(tmp_path, train=GOOD))
    with pytest.raises(DatasetFailed, match="outside the folders") as caught:
        options.plan(roots=(str(images),))[0].step.run(RecordingRun(tmp_path / "job"))
    assert caught.value.field == "textfile_local_labels_file"
    (tmp_path / "train.txt").unlink()
    with pytest.raises(DatasetFailed, match=r"training list .* cannot be read: No such file"):
        options.plan()[0].step.run(RecordingRun(tmp_path / "job"))
    assert os.listdir(tmp_path / "job") == []


def test_steps_survive_storage(tmp_path, images):
    for plan in ClassificationDataset.from_form(form(tmp_path, train=GOOD)).plan(roots=("/data",)):
        assert type(plan.step).model_validate_json(plan.step.model_dump_json()) == plan.step


def test_a_stop_leaves_nothing(tmp_path, images):
    run = RecordingRun(tmp_path / "job", stop_after=0)
    run.directory.mkdir()
    ClassificationDataset.from_form(form(tmp_path, train=GOOD * 5000)).plan()[0].step.run(run)
    assert os.listdir(run.directory) == []
    assert run.facts == {}


def test_memory_does_not_grow_with_the_number_of_lines(tmp_path, images):
    (tmp_path / "job").mkdir()
    peaks = []
    for count in (1_000, 20_000):
        values = form(tmp_path, train=GOOD * count)
        step = ClassificationDataset.from_form(values).plan()[0].step
        tracemalloc.start()
        step.run(RecordingRun(tmp_path / "job"))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 100_000
