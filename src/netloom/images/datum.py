"""
Datum: the value of one database entry, as Caffe defines it.

A raw entry holds C x H x W bytes, BGR for colour; an encoded one holds a PNG or JPEG
file. By hand:

    from netloom import images
    value = images.pack_datum(images.encode(pixels, "png"), 28, 28, 1, label=3, encoded=True)
    images.unpack_datum(value).pixels()
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from netloom.errors import UnreadableImage
from netloom.images import caffe_pb2
from netloom.images.decode import MAX_PIXELS, Channels, Order, Pixels, decode


@dataclass(frozen=True)
class Datum:
    """One entry of a database."""

    data: bytes  # raw C x H x W values (BGR), or a PNG or JPEG file
    width: int  # 0 in databases that leave the size to the encoded file
    height: int
    channels: int
    label: int
    encoded: bool
    floats: npt.NDArray[np.float32] | None = None  # C x H x W; then there is no data

    def pixels(self, *, order: Order = "rgb", max_pixels: int = MAX_PIXELS) -> Pixels:
        """Return H x W x C pixels; raise UnreadableImage if the entry holds none."""
        if self.encoded:
            channels: Channels = 1 if self.channels == 1 else 3
            image = decode(self.data, channels, max_pixels=max_pixels, order=order)
            return image.reshape(*image.shape[:2], channels)
        expected = self.channels * self.height * self.width
        if len(self.data) != expected:
            raise UnreadableImage(
                f"The entry has {len(self.data)} bytes; {self.channels} x {self.height} x "
                f"{self.width} values need {expected}."
            )
        planes = np.frombuffer(self.data, np.uint8)
        planes = planes.reshape(self.channels, self.height, self.width)
        if self.channels == 3 and order == "rgb":
            planes = planes[::-1]
        return np.ascontiguousarray(planes.transpose(1, 2, 0))


def pack_datum(
    data: bytes, width: int, height: int, channels: int, *, label: int, encoded: bool
) -> bytes:
    """Return the entry as bytes. `data` as in Datum; `raw_bytes` makes it from pixels."""
    return caffe_pb2.Datum(
        channels=channels,
        height=height,
        width=width,
        data=data,
        label=label,
        encoded=encoded,
    ).SerializeToString()


def raw_bytes(pixels: Pixels, *, order: Order = "rgb") -> bytes:
    """Return H x W or H x W x C pixels as the raw data of an entry: C x H x W, BGR for colour."""
    if pixels.ndim == 3:
        if pixels.shape[2] == 3 and order == "rgb":
            pixels = pixels[:, :, ::-1]
        pixels = pixels.transpose(2, 0, 1)
    return pixels.tobytes()


def unpack_datum(value: bytes) -> Datum:
    """Return the entry; raise UnreadableImage if the bytes are no Datum."""
    message = caffe_pb2.Datum()
    try:
        message.ParseFromString(value)
    except DecodeError as error:
        raise UnreadableImage("The database entry is not a Caffe Datum.") from error
    floats = None
    if message.float_data:
        floats = _floats(message)
    return Datum(
        data=message.data,
        width=message.width,
        height=message.height,
        channels=message.channels,
        label=message.label,
        encoded=message.encoded,
        floats=floats,
    )


def _floats(message: caffe_pb2.Datum) -> npt.NDArray[np.float32]:
    shape = (message.channels, message.height, message.width)
    floats = np.array(message.float_data, np.float32)
    if floats.size != np.prod(shape):
        raise UnreadableImage(
            f"The entry has {floats.size} values; its size {' x '.join(map(str, shape))} "
            "needs another number."
        )
    return floats.reshape(shape)
