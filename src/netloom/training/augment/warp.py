"""Flips, turns, scaling and the crop: one sampling of the whole batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def warp(
    pixels: Tensor,
    matrices: Tensor,
    corners: Tensor | None,
    size: tuple[int, int],
    *,
    between: bool,
) -> Tensor:
    """
    Return N x C x h x w floats of N x H x W x C pixels.

    `matrices` lead from the result back to the image, in -1..1 from edge to edge; `size` (h, w)
    of the result is cut out at `corners` (row, column), or is all of it. Beyond its edge an image
    goes on with the pixels of the edge. `between` blends four neighbours; without it each pixel
    is taken as it is.
    """
    import torch
    from torch.nn import functional

    height, width = pixels.shape[1:3]
    values = pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
    rows = _places(size[0], height, None if corners is None else corners[:, 0], pixels)
    columns = _places(size[1], width, None if corners is None else corners[:, 1], pixels)
    x, y = columns[:, None, :], rows[:, :, None]
    a, b, c, d = matrices.reshape(-1, 4, 1, 1).unbind(1)
    grid = torch.stack((a * x + b * y, c * x + d * y), 3)
    mode = "bilinear" if between else "nearest"
    return functional.grid_sample(values, grid, mode, "border", align_corners=False)


def _places(count: int, whole: int, first: Tensor | None, like: Tensor) -> Tensor:
    """Return the centres of `count` pixels from `first`, 1 or N x count, in -1..1 of `whole`."""
    import torch

    steps = torch.arange(count, device=like.device, dtype=torch.float32)[None]
    if first is not None:
        steps = steps + first[:, None]
    return (2 * steps + 1) / whole - 1
