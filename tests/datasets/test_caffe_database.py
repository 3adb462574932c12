"""Databases of other programs open here, and ours open there."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import lmdb
import numpy as np
import pytest

from netloom import datasets
from netloom.errors import BadDataset
from netloom.images import caffe_pb2
from tests.datasets.conftest import write_classes

NAMES = ("cat", "dog", "fox")


def pictures(channels: int = 3, count: int = 7) -> Iterator[np.ndarray]:
    """Yield pictures as OpenCV reads them, H x W x C in BGR."""
    random = np.random.default_rng(5)
    for _ in range(count):
        yield random.integers(0, 256, (6, 8, channels), np.uint8)


def raw(image: np.ndarray, label: int) -> caffe_pb2.Datum:
    """Return a picture as convert_imageset keeps it."""
    height, width, channels = image.shape
    data = image.transpose(2, 0, 1).tobytes()
    return caffe_pb2.Datum(
        channels=channels, height=height, width=width, data=data, label=label, encoded=False
    )


def encoded(image: np.ndarray, label: int) -> caffe_pb2.Datum:
    """Return the same with --encoded: the file alone, without its size."""
    done, data = cv2.imencode(".png", image)
    assert done
    return caffe_pb2.Datum(data=data.tobytes(), label=label, encoded=True)


def write(path: Path, datums: list[Any]) -> Path:
    """Write entries under the keys of convert_imageset."""
    opened = lmdb.open(str(path), map_size=2**24)
    with opened as environment, environment.begin(write=True) as entries:
        for number, datum in enumerate(datums):
            value = datum if isinstance(datum, bytes) else datum.SerializeToString()
            entries.put(b"%08d_class_%d/image %d.png" % (number, number % 3, number), value)
    return path


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("pack", [raw, encoded])
def test_what_convert_imageset_writes_opens(tmp_path, pack, channels):
    images = list(pictures(channels))
    path = write(tmp_path / "db", [pack(image, n % 3) for n, image in enumerate(images)])
    before = {file.name: file.read_bytes() for file in path.iterdir()}
    split = datasets.open_database(path / "data.mdb", NAMES)
    assert (len(split), split.shape) == (7, (6, 8, channels))
    assert split.labels().tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert split.info.class_counts == {"cat": 3, "dog": 2, "fox": 2}
    expected = np.stack([image[:, :, ::-1] for image in images])
    np.testing.assert_array_equal(split.decode_all(), expected)
    np.testing.assert_array_equal(split.read([6, 0]), expected[[6, 0]])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(split)).read([2]), expected[2:3])
    assert list(split.keys)[4] == b"00000004_class_1/image 4.png"
    assert [(entry.index, entry.name) for entry in split.page(0, 9, label=1)] == [
        (1, "dog"),
        (4, "dog"),
    ]
    shown = cv2.imdecode(np.frombuffer(split.image_bytes(3), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(shown[:, :, :channels], images[3])
    assert {file.name: file.read_bytes() for file in path.iterdir()} == before


def test_classes_without_names_are_called_by_their_numbers(tmp_path):
    path = write(tmp_path / "db", [raw(image, 4) for image in pictures()])
    split = datasets.open_database(path)
    assert split.classes == ("0", "1", "2", "3", "4")
    assert split.info.class_counts == {"0": 0, "1": 0, "2": 0, "3": 0, "4": 7}


@pytest.mark.parametrize("encoding", ["none", "png", "jpg"])
def test_ours_open_without_their_manifest_and_elsewhere(tmp_path, build, encoding):
    folder = write_classes(tmp_path / "t", cat=6, dog=5)
    directory, _ = build(folder, encoding=encoding, folder_pct_val="0")
    opened = lmdb.open(str(directory / "train_db"), readonly=True, lock=False)
    with opened as environment, environment.begin() as transaction:
        values = [value for _, value in transaction.cursor()]
    ours = datasets.open(directory).split("train")
    split = datasets.open_database(directory / "train_db", ours.classes)
    np.testing.assert_array_equal(split.decode_all(), ours.decode_all())
    np.testing.assert_array_equal(split.labels(), ours.labels())
    assert split.info.class_counts == ours.info.class_counts
    # A reader that knows nothing but LMDB, the message and OpenCV.
    for value, pixels, label in zip(values, ours.decode_all(), ours.labels(), strict=True):
        datum = caffe_pb2.Datum.FromString(value)
        if datum.encoded:
            bgr = cv2.imdecode(np.frombuffer(datum.data, np.uint8), cv2.IMREAD_UNCHANGED)
        else:
            planes = np.frombuffer(datum.data, np.uint8)
            bgr = planes.reshape(datum.channels, datum.height, datum.width).transpose(1, 2, 0)
        np.testing.assert_array_equal(bgr[:, :, ::-1], pixels)
        assert datum.label == label


def wrong_entries() -> Iterator[tuple[list[Any], str]]:
    image, other = next(pictures()), np.zeros((4, 8, 3), np.uint8)
    yield [], "has no entries"
    yield [b"\xff\xff not a message"], "'00000000_class_0/image 0.png' is no Datum"
    yield [raw(image, 0), raw(other, 1)], "has 8 x 4 x 3 values, others 8 x 6 x 3"
    yield [encoded(image, 0), encoded(other, 1)], "has 8 x 4 x 3 values, others 8 x 6 x 3"
    yield [caffe_pb2.Datum(label=1)], "has no image"
    yield [caffe_pb2.Datum(data=b"123", label=1)], "has neither a size nor an image file"
    yield [caffe_pb2.Datum(data=b"text", encoded=True)], "has no readable image"
    yield [caffe_pb2.Datum(channels=1, height=1, width=1, float_data=[0.5])], "has floats"
    yield [raw(np.zeros((2, 2, 4), np.uint8), 0)], "has 4 channels; 1 and 3 can be read"
    yield [raw(image, -1)], "has the class number -1; 0 to 2 can be"
    yield [raw(image, 3)], "has the class number 3; 0 to 2 can be"


@pytest.mark.parametrize(("entries", "message"), list(wrong_entries()), ids=lambda value: None)
def test_what_is_wrong_is_said(tmp_path, entries, message):
    path = write(tmp_path / "db", entries)
    with pytest.raises(BadDataset, match=message):
        datasets.open_database(path, NAMES)


def test_a_short_entry_is_said_when_it_is_read(tmp_path):
    short = raw(next(pictures()), 0)
    short.data = short.data[:-1]
    split = datasets.open_database(write(tmp_path / "db", [short]))
    with pytest.raises(BadDataset, match="without a readable image"):
        split.read([0])


def test_a_folder_that_is_no_database_is_said(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(BadDataset, match="cannot be opened"):
            datasets.open_database(path)
    assert not list(tmp_path.iterdir())
