"""
Hue, saturation, value, contrast and noise of a batch; values are 0..255.

HSV is that of the hexagon: value is the largest of red, green and blue, saturation its
distance to the smallest as a share of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

LARGEST = 255.0
_TINY = 1e-6


def shift_colours(values: Tensor, shifts: Tensor) -> Tensor:
    """
    Return N x C x H x W values with N x 3 shifts added to hue, saturation and value.

    Hue goes round; the other two stay in 0..1. Grey stays grey, as it has no hue to
    strengthen; of images of one channel the value alone changes.
    """
    hue, saturation, value = shifts[:, :, None, None].unbind(1)
    if values.shape[1] == 1:
        return (values + LARGEST * value[:, None]).clamp_(0, LARGEST)
    red, green, blue = values.unbind(1)
    brightest = values.amax(1)
    chroma = brightest - values.amin(1)
    angle = _hue(red, green, blue, brightest, chroma)
    share = chroma / brightest.clamp_min(_TINY)
    share.addcmul_((chroma > 0).to(share.dtype), saturation).clamp_(0, 1)
    brightest = (brightest + LARGEST * value).clamp_(0, LARGEST)
    # Each channel lies below the brightest by what the angle between hue and channel says.
    places = values.new_tensor([5.0, 3.0, 1.0])[None, :, None, None] + 6 * hue[:, None]
    fall = angle[:, None] + places
    fall.sub_(6 * (fall / 6).floor_()).sub_(2).abs_().neg_().add_(2).clamp_(0, 1)
    return brightest[:, None] - fall.mul_((brightest * share)[:, None])


def _hue(red: Tensor, green: Tensor, blue: Tensor, brightest: Tensor, chroma: Tensor) -> Tensor:
    """Return the hue in sixths of the circle, -1..5; 0 for grey."""
    import torch

    of_red, of_green, of_blue = green - blue, blue - red, red - green
    nearest = torch.where(brightest == green, of_green, of_blue)
    nearest = torch.where(brightest == red, of_red, nearest)
    nearest.div_(chroma.clamp_min(_TINY))
    sector = torch.where(brightest == green, 2.0, 4.0).masked_fill_(brightest == red, 0.0)
    return nearest.add_(sector)


def change_contrast(values: Tensor, factors: Tensor) -> Tensor:
    """Return values whose distance to the mean of their channel and image is multiplied."""
    factors = factors[:, None, None, None]
    means = values.mean((2, 3), keepdim=True)
    return (values * factors).add_(means * (1 - factors)).clamp_(0, LARGEST)


def add_noise(values: Tensor, deviation: float, generator: torch.Generator) -> Tensor:
    """Return values with normal noise; they may leave 0..255 a little, so that no mean moves."""
    import torch

    noise = torch.empty_like(values).normal_(0, LARGEST * deviation, generator=generator)
    return noise.add_(values)
