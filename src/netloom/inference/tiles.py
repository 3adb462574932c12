"""
A tensor as one picture: a tile per channel, in a grid that is about square.

    Path("a.png").write_bytes(tiles.draw(activation).png)
"""

from __future__ import annotations

import functools
import io
import math
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Colours = Literal["jet", "grey"]

GAP = 1
WIDEST, NARROWEST = 1200, 100  # pixels
WHITE = 255  # the last colour of each palette; values have the others


@dataclass(frozen=True)
class Picture:
    """A picture of a tensor."""

    png: bytes
    width: int  # pixels
    height: int


def draw(values: NDArray[Any], *, colours: Colours = "jet", normalise: bool = True) -> Picture:
    """Return the picture of a tensor without its batch.

    One and two dimensions become tiles of one pixel; three channels, first or after the number
    of kernels, are the parts of a colour. Without `normalise` the values are taken as 0 to 1.
    """
    stack = _stack(np.asarray(values))
    columns, rows = _grid(stack.shape)
    # Normalised over all tiles, also over those that are cut.
    low, high = _range(stack) if normalise else (0.0, 1.0)
    grid = _sized(_tiled(_bytes(stack[: rows * columns], low, high), rows, columns))
    coloured = grid.shape[2] == 3
    image = Image.fromarray(grid) if coloured else _with_palette(grid[..., 0], colours)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return Picture(file.getvalue(), image.width, image.height)


@functools.cache
def palette(colours: Colours) -> Pixels:
    """Return 256 RGB colours, the last one white."""
    ramp = np.rint(np.linspace(0, 255, WHITE)).astype(np.uint8).reshape(-1, 1)
    if colours == "jet":
        shades = cv2.applyColorMap(ramp, cv2.COLORMAP_JET)[:, 0, ::-1]
    else:
        shades = ramp.repeat(3, axis=1)
    return np.vstack([shades, np.full((1, 3), 255, np.uint8)])


def _stack(values: NDArray[Any]) -> NDArray[Any]:
    """Return N x H x W x 1 tiles, or N x H x W x 3 coloured ones."""
    if values.ndim <= 2:
        return values.reshape(-1, 1, 1, 1)
    values = values.reshape(-1, *values.shape[-3:])
    if values.shape[1] == 3:
        return values.transpose(0, 2, 3, 1)
    return values.reshape(-1, *values.shape[2:], 1)


def _grid(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return columns and rows of a grid that is not larger than a picture may be."""
    number, height, width = shape[:3]
    columns = min(math.ceil(math.sqrt(number)), max(1, (WIDEST + GAP) // (width + GAP)))
    rows = min(math.ceil(number / columns), max(1, (WIDEST + GAP) // (height + GAP)))
    return columns, rows


def _range(values: NDArray[Any]) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def _bytes(values: NDArray[Any], low: float, high: float) -> Pixels:
    most = WHITE - 1 if values.shape[-1] == 1 else 255
    shares = (values.astype(np.float32) - low) / ((high - low) or 1.0)
    shares = np.clip(np.nan_to_num(shares, nan=0, posinf=1, neginf=0), 0, 1)
    shown: Pixels = np.rint(most * shares).astype(np.uint8)
    return shown


def _tiled(tiles: Pixels, rows: int, columns: int) -> Pixels:
    number, height, width, channels = tiles.shape
    canvas = np.full((rows * columns, height + GAP, width + GAP, channels), WHITE, np.uint8)
    canvas[:number, :height, :width] = tiles
    grid = canvas.reshape(rows, columns, height + GAP, width + GAP, channels).swapaxes(1, 2)
    size = (rows * (height + GAP), columns * (width + GAP), channels)
    return grid.reshape(size)[:-GAP, :-GAP]


def _sized(picture: Pixels) -> Pixels:
    """Return at most 1200 and at least 100 pixels, where both can be; small ones stay sharp."""
    picture = picture[:WIDEST, :WIDEST]  # one tile alone may be larger
    height, width = picture.shape[:2]
    wanted = math.ceil(NARROWEST / min(height, width))
    factor = max(1, min(wanted, WIDEST // max(height, width)))
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def _with_palette(indices: Pixels, colours: Colours) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(indices))
    image.putpalette(palette(colours).tobytes())  # one byte per pixel instead of three
    return image
