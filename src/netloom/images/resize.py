"""
Resize: four ways to bring an image to the size a network wants.

    squash      scale both sides on their own; the ratio is lost
    crop        scale so that the image covers the target, cut out the centre
    fill        scale so that the image fits inside, pad the rest
    half_crop   scale by the mean of both ratios, cut one side and pad the other

Sides are rounded half up, in whole numbers, so no machine rounds differently. If the
missing rows or columns are odd in number, the image is scaled one pixel longer so that
both ends get the same padding. Padding is noise (uniform 0..254) or one colour. The
noise is seeded by the scaled pixels: the same image gets the same noise wherever and
whenever it is resized, for training and for prediction. By hand:

    python -c "from netloom import images; print(images.plan_resize(640, 480, 256, 256, 'crop'))"
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Literal, NamedTuple, cast, get_args

import cv2
import numpy as np

from netloom.errors import ImageTooLarge, InvalidInput
from netloom.images.decode import MAX_PIXELS, Pixels

ResizeMode = Literal["squash", "crop", "fill", "half_crop"]
Interpolation = Literal["auto", "nearest", "linear", "cubic", "area", "lanczos"]
Fill = Literal["noise"] | Sequence[int]

_FILTERS = {
    "nearest": cv2.INTER_NEAREST,
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    "lanczos": cv2.INTER_LANCZOS4,
}


class ResizePlan(NamedTuple):
    """What is done to an image: scale it to width x height, then cut, then pad."""

    width: int
    height: int
    cut: tuple[int, int]  # first column, first row that is kept
    pad: tuple[int, int]  # columns added left and right each, rows added above and below each


def resize(
    image: Pixels,
    width: int,
    height: int,
    mode: ResizeMode = "squash",
    *,
    interpolation: Interpolation = "auto",
    fill: Fill = "noise",
) -> Pixels:
    """Return H x W or H x W x C pixels of the wanted size; the same object if it has it already.

    "auto" averages areas along a side that shrinks (no aliasing) and interpolates linearly along
    a side that grows. `fill` is "noise", or one value per channel in the image's channel order.
    Raises ImageTooLarge if an extreme shape would need a huge intermediate image.
    """
    if image.shape[:2] == (height, width):
        return image
    plan = plan_resize(image.shape[1], image.shape[0], width, height, mode)
    if plan.width * plan.height > max(MAX_PIXELS, 4 * width * height):
        raise ImageTooLarge(
            f"The image has {image.shape[1]} x {image.shape[0]} pixels and would have "
            f"{plan.width} x {plan.height} before it is cut to {width} x {height}.",
            hint="Choose another resize mode, such as squash.",
        )
    scaled = _scale(image, plan.width, plan.height, interpolation)
    column, row = plan.cut
    kept = scaled[row : row + height, column : column + width]
    if plan.pad != (0, 0):
        kept = _pad(kept, width, height, fill)
    return np.ascontiguousarray(kept)


def plan_resize(
    width: int, height: int, target_width: int, target_height: int, mode: ResizeMode
) -> ResizePlan:
    """Return how an image of width x height comes to the target size. All in pixels."""
    if mode not in get_args(ResizeMode):
        raise InvalidInput(
            f"There is no resize mode {mode!r}.", hint=f"Known: {', '.join(get_args(ResizeMode))}."
        )
    if min(target_width, target_height) < 1:
        raise InvalidInput(f"An image cannot be resized to {target_width} x {target_height}.")
    # Ratios W/w and H/h are compared as W*h and H*w: whole numbers, no rounding errors.
    wide, high = width * target_height, height * target_width
    if mode == "squash" or wide == high:
        return ResizePlan(target_width, target_height, (0, 0), (0, 0))
    over, under = _scale_factor(mode, wide, high, target_width, target_height)
    scaled_width = max(1, _round(width * over, under))
    scaled_height = max(1, _round(height * over, under))
    if mode != "crop":
        if wide > high:
            scaled_height = _same_parity(scaled_height, target_height)
        else:
            scaled_width = _same_parity(scaled_width, target_width)
    cut_x, pad_x = _cut_or_pad(scaled_width, target_width)
    cut_y, pad_y = _cut_or_pad(scaled_height, target_height)
    return ResizePlan(scaled_width, scaled_height, (cut_x, cut_y), (pad_x, pad_y))


def _scale_factor(
    mode: ResizeMode, wide: int, high: int, target_width: int, target_height: int
) -> tuple[int, int]:
    """Return the factor for both sides as numerator and denominator."""
    area = target_width * target_height
    if mode == "crop":
        return area, min(wide, high)
    if mode == "fill":
        return area, max(wide, high)
    return 2 * area, wide + high


def _round(over: int, under: int) -> int:
    """Return over / under rounded half up."""
    return (2 * over + under) // (2 * under)


def _same_parity(side: int, target: int) -> int:
    return side + (target - side) % 2


def _cut_or_pad(side: int, target: int) -> tuple[int, int]:
    """Return the first index kept of a side that is too long, and the padding of one too short."""
    return max(0, _round(side - target, 2)), max(0, (target - side) // 2)


def _scale(image: Pixels, width: int, height: int, interpolation: Interpolation) -> Pixels:
    if interpolation != "auto":
        return cast(
            Pixels, cv2.resize(image, (width, height), interpolation=_filter(interpolation))
        )
    old_height, old_width = image.shape[:2]
    shrunk = (min(width, old_width), min(height, old_height))
    # Two passes where one side shrinks and the other grows: OpenCV's area filter would
    # silently become a linear one for both.
    if shrunk != (old_width, old_height):
        image = cast(Pixels, cv2.resize(image, shrunk, interpolation=cv2.INTER_AREA))
    if shrunk != (width, height):
        image = cast(Pixels, cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR))
    return image


def _filter(interpolation: str) -> int:
    if interpolation not in _FILTERS:
        known = ", ".join(("auto", *_FILTERS))
        raise InvalidInput(f"There is no interpolation {interpolation!r}.", hint=f"Known: {known}.")
    return _FILTERS[interpolation]


def _pad(image: Pixels, width: int, height: int, fill: Fill) -> Pixels:
    """Return the image in the centre of width x height pixels of noise or colour."""
    shape = (height, width, *image.shape[2:])
    if fill == "noise":
        # RandomState and not a Generator: NumPy has frozen its stream for all versions to come.
        random = np.random.RandomState(zlib.crc32(image.tobytes()))
        padded = random.randint(0, 255, shape, dtype=np.uint8)
    else:
        padded = _coloured(shape, fill)
    top, left = (height - image.shape[0]) // 2, (width - image.shape[1]) // 2
    padded[top : top + image.shape[0], left : left + image.shape[1]] = image
    return padded


def _coloured(shape: tuple[int, ...], colour: Sequence[int]) -> Pixels:
    channels = shape[2] if len(shape) == 3 else 1
    if len(colour) != channels:
        raise InvalidInput(f"The fill colour has {len(colour)} values; the image has {channels}.")
    return np.full(shape, colour[0] if len(shape) == 2 else list(colour), np.uint8)
