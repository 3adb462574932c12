"""
Preprocessing: the one way from the bytes of an image to the numbers a network gets.

The same frozen record is used when a dataset is built, when training validates and when
a model predicts, and it is stored with each, so the same image gives the same numbers
everywhere. It has two halves:

    pixels   decode, resize, and for datasets kept as JPEG the loss of that
             encoding: the uint8 image that a database holds
    tensor   channel order, scale, mean, centre crop, layout: the network's input

The arithmetic of `tensor` is float32 and one operation per step, so that any library
can repeat it bit by bit (c is the channel, in `channel_order`):

    v = float32(pixel)
    v = v * float32(scale / 255)      left out if scale is 255
    v = v - float32(mean)             mean[c], or mean[c, y, x] before cropping
    v = v[top : top + crop_height, left : left + crop_width]
        where top = (height - crop_height) // 2 and left = (width - crop_width) // 2
    m = mean of v over the whole image                   these four lines if whiten is true;
    v = v - float32(m)                                   means are taken in float64
    d = square root of the mean of v * v
    v = v / float32(max(d, 1 / square root of the number of values))

By hand:

    from netloom import images
    small = images.Preprocessing(width=32, height=32, mean="pixel", mean_pixel=(127, 127, 127))
    small(images.sample()).shape  # (1, 3, 32, 32)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from netloom.errors import InvalidInput
from netloom.images.datum import raw_bytes
from netloom.images.decode import MAX_PIXELS, Pixels, decode, swap_order
from netloom.images.encode import encode
from netloom.images.header import is_plain_png
from netloom.images.record import PreprocessingRecord
from netloom.images.resize import resize


@dataclass(frozen=True, eq=False)
class StoredImage:
    """One image as a database keeps it."""

    data: bytes  # PNG or JPEG file, or raw C x H x W bytes (BGR)
    encoded: bool
    bgr: Pixels  # H x W x C, what the data gives when it is decoded; for the mean image


class Preprocessing(PreprocessingRecord):
    """What happens to an image before a network sees it."""

    # From bytes to the pixels of a database.

    def pixels(self, data: bytes, *, max_pixels: int = MAX_PIXELS) -> Pixels:
        """Return height x width x channels pixels, RGB; raise UnreadableImage."""
        if self.stored == "jpg":
            bgr = self.store(data, max_pixels=max_pixels).bgr
        else:
            bgr = self._resized(data, max_pixels)
        if self.channels == 3:
            return swap_order(bgr)
        return bgr.reshape(self.height, self.width, 1)

    def store(self, data: bytes, *, max_pixels: int = MAX_PIXELS) -> StoredImage:
        """Return what a database keeps of the image; raise UnreadableImage."""
        bgr = self._resized(data, max_pixels)
        shape = (self.height, self.width, self.channels)
        if self.stored == "none":
            return StoredImage(raw_bytes(bgr, order="bgr"), False, bgr.reshape(shape))
        if self.stored == "png" and is_plain_png(data, self.width, self.height, self.channels):
            return StoredImage(data, True, bgr.reshape(shape))  # already as we would write it
        kept = encode(bgr, self.stored, order="bgr")
        if self.stored == "jpg":
            bgr = decode(kept, self.channels, order="bgr")
        return StoredImage(kept, True, bgr.reshape(shape))

    def _resized(self, data: bytes, max_pixels: int) -> Pixels:
        # BGR throughout: it saves passes over the pixels, and the noise must not
        # depend on which order a caller wants.
        image = decode(data, self.channels, max_pixels=max_pixels, order="bgr")
        fill = self.fill if self.fill == "noise" else self.fill[::-1]
        return resize(
            image,
            self.width,
            self.height,
            self.resize_mode,
            interpolation=self.interpolation,
            fill=fill,
        )

    # From pixels to the input of the network.

    def tensor(self, pixels: Pixels) -> npt.NDArray[Any]:
        """Return the network's input for N x height x width x channels RGB pixels.

        The input is N x C x H x W float32 unless dimension_order and dtype say otherwise; H and W
        are those of the crop, if any. Raises InvalidInput if the pixels have another shape.
        """
        if pixels.shape[1:] != (self.height, self.width, self.channels):
            raise InvalidInput(
                f"The images have the shape {pixels.shape[1:]}; "
                f"{(self.height, self.width, self.channels)} is needed."
            )
        rows, columns = self.crop_window
        planes = pixels[:, rows, columns].transpose(0, 3, 1, 2)
        if self.channel_order == "bgr":
            planes = planes[:, ::-1]
        values = planes.astype(np.float32, order="C")
        if self.scale != 255:
            values *= np.float32(self.scale / 255)
        if self._cropped_mean is not None:
            values -= self._cropped_mean
        return self._laid_out(whitened(values) if self.whiten else values)

    def __call__(self, data: bytes, *, max_pixels: int = MAX_PIXELS) -> npt.NDArray[Any]:
        """Return the network's input for one image file, N = 1; raise UnreadableImage."""
        return self.tensor(self.pixels(data, max_pixels=max_pixels)[np.newaxis])

    def _laid_out(self, values: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        if self.dimension_order != "NCHW":
            axes = ["NCHW".index(axis) for axis in self.dimension_order]
            values = np.ascontiguousarray(values.transpose(axes))
        if self.dtype == "uint8":
            return np.clip(np.rint(values), 0, 255).astype(np.uint8)
        return values

    @cached_property
    def _cropped_mean(self) -> npt.NDArray[np.float32] | None:
        mean = self.mean_values
        if mean is None or self.mean == "pixel":
            return mean
        rows, columns = self.crop_window
        return np.ascontiguousarray(mean[:, rows, columns])


def whitened(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return N x C x H x W values, each image brought to mean 0 and deviation 1."""
    axes = (1, 2, 3)
    values = values - values.mean(axes, np.float64, keepdims=True).astype(np.float32)
    deviation = np.sqrt((values.astype(np.float64) ** 2).mean(axes, keepdims=True))
    # An image of one colour has no deviation: then it stays at 0.
    smallest = 1 / np.sqrt(values[0].size) if len(values) else 1.0
    spread: npt.NDArray[np.float32] = np.maximum(deviation, smallest).astype(np.float32)
    return values / spread
