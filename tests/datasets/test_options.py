"""The form of a classification dataset: what it takes, what it refuses, what it plans."""

from __future__ import annotations

from pathlib import Path

import pytest

from netloom.datasets import ClassificationDataset
from netloom.errors import InvalidOptions, PathNotAllowed
from tests.datasets.conftest import form, plans, write_classes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_classes(tmp_path / "train", cat=2, dog=2)


def errors_of(values: dict[str, object], **rules: object) -> dict[str, list[str]]:
    with pytest.raises(InvalidOptions) as caught:
        ClassificationDataset.from_form(values, **rules)
    assert all(text.endswith(".") for texts in caught.value.errors.values() for text in texts)
    return caught.value.errors


def test_defaults_are_those_of_digits(folder):
    options = ClassificationDataset.from_form({"dataset_name": "pets", "folder_train": str(folder)})
    assert (options.method, options.backend, options.encoding) == ("folder", "lmdb", "png")
    assert (options.resize_width, options.resize_height, options.resize_mode) == (
        256,
        256,
        "squash",
    )
    assert (options.folder_pct_val, options.folder_pct_test) == (25, 0)
    assert (options.folder_train_min_per_class, options.folder_train_max_per_class) == (2, None)
    assert options.preprocessing().channels == 3
    assert ClassificationDataset.type == "Image Classification Dataset"


def test_one_folder_is_parsed_once_for_all_splits(folder):
    steps = plans(folder, folder_pct_test="10")
    assert [(plan.key, plan.title, plan.parents) for plan in steps] == [
        ("parse-folder-train-val-test", "Parse Folder (train/val/test)", ()),
        ("create_db-train", "Create DB (train)", ("parse-folder-train-val-test",)),
        ("create_db-val", "Create DB (val)", ("parse-folder-train-val-test",)),
        ("create_db-test", "Create DB (test)", ("parse-folder-train-val-test",)),
    ]
    assert steps[0].step.shares == {"train": 65, "val": 25, "test": 10}
    assert [plan.needs.pool for plan in steps] == ["parse_folder_task_pool"] + 3 * [
        "create_db_task_pool"
    ]


def test_separate_folders_have_parse_steps_of_their_own(folder):
    steps = plans(
        folder,
        has_val_folder="y",
        folder_val=str(folder),
        folder_val_min_per_class="",
        has_test_folder=True,
        folder_test=str(folder),
        folder_pct_val="90",
        folder_pct_test="90",
    )
    assert [(plan.key, plan.title, plan.parents) for plan in steps[:3]] == [
        ("parse-folder-train", "Parse Folder (train)", ()),
        ("parse-folder-val", "Parse Folder (val)", ("parse-folder-train",)),
        ("parse-folder-test", "Parse Folder (test)", ("parse-folder-train",)),
    ]
    assert [plan.step.shares for plan in steps[:3]] == [{"train": 100}, {"val": 100}, {"test": 100}]
    assert [plan.step.minimum for plan in steps[:3]] == [2, 1, 2]
    assert [plan.parents for plan in steps[3:]] == [(plan.key,) for plan in steps[:3]]


def test_steps_survive_storage(folder):
    for plan in plans(folder):
        stored = plan.step.model_dump_json()
        assert type(plan.step).model_validate_json(stored) == plan.step


def test_a_blank_seed_is_drawn_and_recorded(folder):
    drawn = {plans(folder, seed="")[0].step.seed for _ in range(5)}
    assert len(drawn) > 1
    seeds = {plan.step.seed for plan in plans(folder, seed="3")}
    assert seeds == {3}


@pytest.mark.parametrize(
    ("fields", "name", "part"),
    [
        ({"dataset_name": ""}, "dataset_name", "required"),
        ({"folder_train": ""}, "folder_train", "required"),
        ({"folder_train": "pets"}, "folder_train", "not an absolute path"),
        ({"folder_train": "/no/such/folder"}, "folder_train", "does not exist"),
        ({"folder_train": __file__}, "folder_train", "not a folder"),
        ({"folder_train": "/a\0b"}, "folder_train", "null"),
        ({"folder_train": "http://127.0.0.1/pets"}, "folder_train", "private address"),
        ({"folder_train": 7}, "folder_train", "not a text"),
        ({"resize_width": "0"}, "resize_width", "at least 1"),
        ({"resize_width": ""}, "resize_width", "required"),
        ({"resize_height": "-3"}, "resize_height", "at least 1"),
        ({"resize_height": "tall"}, "resize_height", "whole number"),
        ({"resize_width": "1000000"}, "resize_width", "at most"),
        ({"resize_mode": "stretch"}, "resize_mode", "squash"),
        ({"resize_channels": "4"}, "resize_channels", "not one of"),
        ({"encoding": "gif"}, "encoding", "not one of"),
        ({"backend": "csv"}, "backend", "not one of: 'lmdb' or 'hdf5'"),
        ({"backend": "hdf5", "encoding": "gif"}, "encoding", "not one of"),
        ({"compression": "zip"}, "compression", "not one of"),
        ({"method": "s3"}, "method", "Available: folder"),
        ({"method": "ftp"}, "method", "not one of"),
        ({"folder_pct_val": "101"}, "folder_pct_val", "at most 100"),
        ({"folder_pct_val": "60", "folder_pct_test": "60"}, "folder_pct_val", "nothing to train"),
        ({"folder_pct_val": "100"}, "folder_pct_val", "nothing to train"),
        ({"folder_train_min_per_class": "0"}, "folder_train_min_per_class", "at least 1"),
        (
            {"folder_train_min_per_class": "5", "folder_train_max_per_class": "4"},
            "folder_train_max_per_class",
            "minimum, which is 5",
        ),
        ({"has_val_folder": "1"}, "folder_val", "required"),
        ({"has_val_folder": "1", "folder_val": "/no/such"}, "folder_val", "does not exist"),
        ({"has_test_folder": "1", "folder_test": "/no/such"}, "folder_test", "does not exist"),
        (
            {"has_val_folder": True, "folder_val": "/tmp", "folder_val_max_per_class": "1"},
            "folder_val_max_per_class",
            "minimum",
        ),
    ],
)
def test_what_is_refused(folder, fields, name, part):
    errors = errors_of(form(folder, **fields))
    assert list(errors) == [name]
    assert part in errors[name][0]


def test_every_wrong_field_is_named_at_once(folder):
    errors = errors_of(
        form(folder, dataset_name="", folder_train="/no/such", resize_width="x", encoding="x")
    )
    assert set(errors) == {"dataset_name", "folder_train", "resize_width", "encoding"}


def test_fields_of_folders_that_are_not_used_are_not_checked(folder):
    plans(folder, folder_val="/no/such", folder_val_min_per_class="x", folder_test_max_per_class=-1)


def test_paths_outside_the_data_roots_are_refused_without_telling_whether_they_exist(folder):
    def check_path(path: str) -> None:
        if not path.startswith(str(folder)):
            raise PathNotAllowed(f"{path} is outside the data roots.")

    ClassificationDataset.from_form(form(folder), check_path=check_path)
    for path in ("/no/such", "/tmp"):
        errors = errors_of(form(folder, folder_train=path), check_path=check_path)
        assert errors == {"folder_train": [f"{path} is outside the data roots."]}


def test_json_numbers_are_taken_like_texts(folder):
    options = ClassificationDataset.from_form(
        form(folder, resize_channels=1, resize_width=32, has_val_folder=False)
    )
    assert options.preprocessing().channels == 1
    assert options.preprocessing().width == 32
