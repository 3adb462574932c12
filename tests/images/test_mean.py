"""The mean image: exact, the same however the work is divided, and kept in Caffe's file."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from netloom import images
from netloom.errors import InvalidInput
from netloom.images import RunningMean, caffe_pb2

RANDOM = np.random.default_rng(0)
PICTURES = RANDOM.integers(0, 256, (50, 6, 7, 3), dtype=np.uint8)
PLANES = PICTURES.mean(axis=0).transpose(2, 0, 1)


def mean_of(pictures: images.Pixels) -> RunningMean:
    mean = RunningMean()
    for picture in pictures:
        mean.add(picture)
    return mean


def test_the_mean_is_that_of_all_images() -> None:
    mean = mean_of(PICTURES)
    assert mean.count == 50
    assert np.allclose(mean.planes(), PLANES, rtol=1e-15)
    assert images.pixel_mean(mean.planes()) == pytest.approx(PICTURES.mean(axis=(0, 1, 2)))


@pytest.mark.parametrize("shape", [(50, 6, 21), (50, 6, 21, 1), (50, 6, 7, 3)], ids=str)
def test_parts_merge_into_exactly_the_same_mean(shape: tuple[int, ...]) -> None:
    pictures = PICTURES.reshape(shape)
    whole = mean_of(pictures).planes()
    assert np.allclose(whole, np.atleast_3d(pictures.mean(axis=0)).transpose(2, 0, 1))
    for cuts in ([10, 30], [0, 49], [25, 25]):
        merged = RunningMean()
        for part in reversed(np.split(pictures, cuts)):
            merged.merge(pickle.loads(pickle.dumps(mean_of(part))))
        assert np.array_equal(merged.planes(), whole)


def test_merging_leaves_the_other_alone() -> None:
    one, other = RunningMean(), mean_of(PICTURES[:2])
    one.merge(other)
    one.add(PICTURES[3])
    assert np.array_equal(other.planes(), mean_of(PICTURES[:2]).planes())


def test_impossible_means_are_refused() -> None:
    with pytest.raises(InvalidInput, match="no mean of no images"):
        RunningMean().planes()
    mean = mean_of(PICTURES[:1])
    with pytest.raises(InvalidInput, match="cannot be added"):
        mean.add(PICTURES[0, :3])


def test_the_file_is_a_blob_of_bgr_planes(tmp_path: Path) -> None:
    path = tmp_path / "mean.binaryproto"
    images.write_mean(path, images.swap_planes(PLANES))
    blob = caffe_pb2.BlobProto.FromString(path.read_bytes())
    assert (blob.num, blob.channels, blob.height, blob.width) == (1, 3, 6, 7)
    assert np.allclose(np.array(blob.data).reshape(3, 6, 7), PLANES[::-1])
    assert np.array_equal(images.swap_planes(images.read_mean(path)), PLANES.astype(np.float32))


def test_other_ways_to_write_the_shape_are_read(tmp_path: Path) -> None:
    path = tmp_path / "mean.binaryproto"
    values = PLANES.astype(np.float32)
    for dims in ([1, 3, 6, 7], [3, 6, 7]):
        blob = caffe_pb2.BlobProto(
            shape=caffe_pb2.BlobShape(dim=dims), data=values.ravel().tolist()
        )
        path.write_bytes(blob.SerializeToString())
        assert np.array_equal(images.read_mean(path), values)
    doubles = caffe_pb2.BlobProto(
        channels=3, height=6, width=7, double_data=PLANES.ravel().tolist()
    )
    path.write_bytes(doubles.SerializeToString())
    assert np.array_equal(images.read_mean(path), values)


@pytest.mark.parametrize("content", [b"", b"text", b"\x20\x01"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mean.binaryproto"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"mean\.binaryproto"):
        images.read_mean(path)


def test_the_picture_shows_the_mean() -> None:
    planes = np.stack([np.full((16, 16), value) for value in (200.4, 90.0, 10.0)])
    for order in ("rgb", "bgr"):
        swapped = planes if order == "rgb" else planes[::-1]
        pixels = images.decode(images.mean_picture(swapped, order=order), 3)
        assert np.allclose(pixels.mean(axis=(0, 1)), (200, 90, 10), atol=3)
    assert images.decode(images.mean_picture(planes[:1]), 1).shape == (16, 16)
