"""Reading: random access, the label index, and databases that are damaged."""

from __future__ import annotations

import json
import multiprocessing
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from netloom import datasets
from netloom.errors import BadDataset
from tests.datasets.conftest import write_classes


@pytest.fixture
def directory(tmp_path, build) -> Path:
    folder = write_classes(tmp_path / "t", cat=12, dog=8, fox=4)
    return build(folder, folder_pct_val="25")[0]


def test_read_and_decode_all_give_the_same(directory):
    split = datasets.open(directory).split("train")
    everything = split.decode_all()
    assert everything.shape == (len(split), 6, 8, 3) == (18, 6, 8, 3)
    np.testing.assert_array_equal(split.read([5, 0, 17]), everything[[5, 0, 17]])
    np.testing.assert_array_equal(split.read(np.array([3])), everything[3:4])
    out = np.zeros_like(everything)
    assert split.decode_all(out, threads=3) is out
    np.testing.assert_array_equal(out, everything)


def test_grey_pixels_have_one_channel(tmp_path, build):
    folder = write_classes(tmp_path / "g", cat=4, dog=4)
    directory, _ = build(folder, name="grey", resize_channels="1", encoding="jpg")
    split = datasets.open(directory).split("train")
    assert split.read([0]).shape == (1, 6, 8, 1)
    assert split.image_bytes(0).startswith(b"\xff\xd8")


def test_keys_raw_values_and_images(directory):
    split = datasets.open(directory).split("train")
    keys = list(split.keys)
    assert keys == [b"%08d_%d" % pair for pair in enumerate(split.labels().tolist())]
    assert split.datum(4).label == split.labels()[4]
    png = cv2.imdecode(np.frombuffer(split.image_bytes(4), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(png[:, :, ::-1], split.read([4])[0])
    with pytest.raises(IndexError):
        split.raw(len(split))


def test_pages_for_the_explorer(directory):
    split = datasets.open(directory).split("train")
    labels = split.labels()
    page = split.page(4, 5)
    assert [entry.index for entry in page] == [4, 5, 6, 7, 8]
    assert [entry.label for entry in page] == labels[4:9].tolist()
    assert {entry.name for entry in split.page(0, 100)} == {"cat", "dog", "fox"}
    of_dog = np.flatnonzero(labels == 1)
    assert [entry.index for entry in split.page(2, 3, label=1)] == of_dog[2:5].tolist()
    assert split.page(100, 5) == split.page(0, 5, label=9) == []
    assert (split.count(), split.count(1), split.count(9)) == (18, 6, 0)


def test_a_missing_or_damaged_index_is_made_again(directory):
    index = directory / "train_db/labels.npy"
    expected = datasets.open(directory).split("train").labels()
    for damage in (b"", b"text", None):
        index.unlink()
        if damage is not None:
            index.write_bytes(damage)
        np.testing.assert_array_equal(datasets.open(directory).split("train").labels(), expected)
        assert np.load(index).shape == (18,)


def test_an_index_that_cannot_be_written_does_no_harm(directory, monkeypatch):
    (directory / "train_db/labels.npy").unlink()

    def refuse(*arguments: object) -> None:
        raise PermissionError

    monkeypatch.setattr(np, "save", refuse)
    assert len(datasets.open(directory).split("train").labels()) == 18


def sum_of(split: datasets.Split) -> int:
    return int(split.decode_all().astype(int).sum())


def test_a_split_can_be_handed_to_other_processes(directory):
    split = datasets.open(directory).split("train")
    expected = sum_of(split)
    assert sum_of(pickle.loads(pickle.dumps(split))) == expected
    for method in ("spawn", "fork"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            assert pool.apply(sum_of, (split,)) == expected


def test_a_database_may_be_read_by_many_at_once(directory):
    splits = [datasets.open(directory).split("train") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(sum_of, splits))) == 1


def test_what_is_missing_is_said(directory, tmp_path):
    with pytest.raises(BadDataset, match=r"no test split.*train, val"):
        datasets.open(directory).split("test")
    with pytest.raises(BadDataset, match=r"dataset.json of the dataset cannot be read"):
        datasets.open(tmp_path)
    shutil.rmtree(directory / "val_db")
    with pytest.raises(BadDataset, match="val_db cannot be opened"):
        datasets.open(directory).split("val").read([0])


def test_a_damaged_manifest_is_said(directory):
    manifest = directory / "dataset.json"
    for text in ("{", "[]", json.dumps({"version": 2})):
        manifest.write_text(text)
        with pytest.raises(BadDataset, match="is damaged"):
            datasets.open(directory)


def test_a_database_that_lacks_entries_is_said(directory):
    told = json.loads((directory / "dataset.json").read_text())
    told["splits"]["train"]["entries"] = 30
    (directory / "dataset.json").write_text(json.dumps(told))
    with pytest.raises(BadDataset, match="18 entries instead of 30"):
        datasets.open(directory).split("train").labels()
