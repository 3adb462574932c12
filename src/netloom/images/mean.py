"""
Mean: the average of many images, and the files it is kept in.

`RunningMean` adds up pixels of whole numbers in float64, exactly up to 2^53, so the parts
that several processes added merge into the same mean in any order. `mean.binaryproto` is
the file Caffe reads: a BlobProto of 1 x C x H x W floats, BGR for colour. By hand:

    from netloom import images
    mean = images.RunningMean()
    mean.add(images.decode(images.sample(), 3))
    images.write_mean(path, images.swap_planes(mean.planes()))
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from netloom.errors import InvalidInput
from netloom.images import caffe_pb2
from netloom.images.decode import Order, Pixels
from netloom.images.encode import encode

Floats = npt.NDArray[np.floating[Any]]


@dataclass
class RunningMean:
    """The sum of the images so far; small enough to be sent between processes."""

    count: int = 0
    total: npt.NDArray[np.float64] | None = None  # H x W or H x W x C; None before the first image

    def add(self, pixels: Pixels) -> None:
        """Add one image. Every image must have the same shape and channel order."""
        if self.total is None:
            self.total = np.zeros(pixels.shape)
        elif pixels.shape != self.total.shape:
            raise InvalidInput(
                f"An image of shape {pixels.shape} cannot be added to those of {self.total.shape}."
            )
        cv2.accumulate(pixels, self.total)
        self.count += 1

    def merge(self, other: RunningMean) -> None:
        """Add what another process has added up."""
        if other.total is None:
            return
        self.total = other.total.copy() if self.total is None else self.total + other.total
        self.count += other.count

    def planes(self) -> npt.NDArray[np.float64]:
        """Return the mean image, C x H x W, in the channel order of the pixels."""
        if self.total is None:
            raise InvalidInput("There is no mean of no images.")
        mean = self.total / self.count
        return np.ascontiguousarray(np.atleast_3d(mean).transpose(2, 0, 1))


def swap_planes(planes: Floats) -> Floats:
    """Return C x H x W planes with RGB turned into BGR or back; a single plane stays as it is."""
    return np.ascontiguousarray(planes[::-1])


def pixel_mean(planes: Floats) -> tuple[float, ...]:
    """Return the average of each plane of a mean image."""
    return tuple(float(value) for value in planes.mean(axis=(1, 2), dtype=np.float64))


def write_mean(path: Path, bgr_planes: Floats) -> None:
    """Write a mean image, C x H x W with BGR planes (or one grey plane), as a binaryproto file."""
    channels, height, width = bgr_planes.shape
    values = np.ascontiguousarray(bgr_planes, np.float32).ravel()
    blob = caffe_pb2.BlobProto(
        num=1, channels=channels, height=height, width=width, data=values.tolist()
    )
    path.write_bytes(blob.SerializeToString())


def read_mean(path: Path) -> npt.NDArray[np.float32]:
    """Return the mean image of a binaryproto file, C x H x W, planes in the order of the file.

    That order is BGR in every file Caffe or Netloom writes. Raises InvalidInput.
    """
    blob = caffe_pb2.BlobProto()
    try:
        blob.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise InvalidInput(f"{path.name} is not a binaryproto file.") from error
    values = np.array(blob.data or blob.double_data, np.float32)
    shape = tuple(blob.shape.dim) or (blob.num, blob.channels, blob.height, blob.width)
    # Before the size in `shape`, files of one image had four numbers, some with num left out.
    while len(shape) > 3 and shape[0] in (0, 1):
        shape = shape[1:]
    if len(shape) != 3 or values.size == 0 or values.size != np.prod(shape):
        raise InvalidInput(f"{path.name} does not hold one image of channels x height x width.")
    return cast(npt.NDArray[np.float32], values.reshape(shape))


def mean_picture(planes: Floats, *, order: Order = "rgb") -> bytes:
    """Return the mean image as a JPEG file to look at."""
    pixels = np.clip(np.rint(planes.transpose(1, 2, 0)), 0, 255).astype(np.uint8)
    return encode(np.ascontiguousarray(pixels), "jpg", order=order)
