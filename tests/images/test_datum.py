"""Database entries: what goes in comes out, byte for byte as Caffe lays it out."""

from __future__ import annotations

import numpy as np
import pytest

from netloom import images
from netloom.errors import UnreadableImage
from netloom.images import caffe_pb2
from tests.images.pictures import difference, smooth


@pytest.mark.parametrize("channels", [1, 3])
def test_raw_entries_hold_planes_in_bgr_order(channels: int) -> None:
    image = smooth(5, 4, channels).reshape(4, 5, channels)
    data = images.raw_bytes(image)
    planes = np.frombuffer(data, np.uint8).reshape(channels, 4, 5)
    assert np.array_equal(planes[::-1], image.transpose(2, 0, 1))
    value = images.pack_datum(data, 5, 4, channels, label=3, encoded=False)
    entry = images.unpack_datum(value)
    assert (entry.width, entry.height, entry.channels, entry.label) == (5, 4, channels, 3)
    assert not entry.encoded
    assert np.array_equal(entry.pixels(), image)
    assert np.array_equal(entry.pixels(order="bgr"), image[:, :, ::-1])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("format", ["png", "jpg"])
def test_encoded_entries_hold_files(channels: int, format: images.ImageFormat) -> None:
    image = smooth(50, 40, channels)
    data = images.encode(image, format)
    entry = images.unpack_datum(
        images.pack_datum(data, 50, 40, channels, label=2**31 - 1, encoded=True)
    )
    assert (entry.encoded, entry.data, entry.label) == (True, data, 2**31 - 1)
    assert difference(entry.pixels(), image.reshape(40, 50, channels)) < (
        40 if format == "jpg" else 1
    )


def test_the_bytes_are_those_of_the_caffe_message() -> None:
    value = images.pack_datum(b"\x09", 1, 1, 1, label=5, encoded=True)
    assert value == bytes.fromhex("08011001180122010928053801")


def test_entries_of_floats() -> None:
    floats = np.arange(6, dtype=np.float32) / 4
    message = caffe_pb2.Datum(channels=1, height=2, width=3, float_data=floats.tolist())
    entry = images.unpack_datum(message.SerializeToString())
    assert entry.floats is not None
    assert np.array_equal(entry.floats, floats.reshape(1, 2, 3))


def test_an_encoded_entry_may_leave_its_size_to_the_file() -> None:
    message = caffe_pb2.Datum(data=images.encode(smooth(), "png"), encoded=True, label=1)
    assert np.array_equal(images.unpack_datum(message.SerializeToString()).pixels(), smooth())


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (b"not a message", "not a Caffe Datum"),
        (images.pack_datum(b"123", 2, 2, 1, label=0, encoded=False), "has 3 bytes; 1 x 2 x 2"),
        (images.pack_datum(b"123", 2, 2, 1, label=0, encoded=True), "not an image"),
        (caffe_pb2.Datum(channels=2, float_data=[1.0]).SerializeToString(), "has 1 values"),
    ],
)
def test_broken_entries_are_refused(value: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableImage, match=sentence):
        images.unpack_datum(value).pixels()
