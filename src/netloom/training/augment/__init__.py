"""
Augmentation: training images are varied, each anew in every epoch.

    record   which variations, and how strong
    draws    what is drawn for each image, from the seed, the epoch and its place
    warp     flip, turns, scaling and crop in one sampling of the batch
    colour   hue, saturation, value, contrast, noise

The order: flip, quarter turns, rotation and scaling, crop; then hue, saturation and value;
contrast; noise; all on pixels of 0..255, red first. The mean is subtracted after that. What the
crop cuts out is chosen as without augmentation, on the varied image. Validation and prediction
see images as they are.

All of it is plain torch on whole batches, on the device: a library of augmentations such as
Kornia samples a batch once for each kind of movement and keeps a graph of its transformations;
here it is sampled once for all of them, together with the crop. By hand:

    views = Augmenter(Augmentations(flip="fliplr", rot=10), seed=7)
    views(pixels, epoch=0, place=0, corners=None, size=(28, 28))  # N x C x 28 x 28 floats
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netloom.training.augment.draws import Draws, ImageDraws
from netloom.training.augment.record import Augmentations
from netloom.training.data import cut

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Augmentations", "Augmenter"]


class Augmenter:
    """Varies batches of training images."""

    def __init__(self, wanted: Augmentations, *, seed: int) -> None:
        self._wanted = wanted
        self._seed = seed

    def __call__(
        self,
        pixels: Tensor,
        *,
        epoch: int,
        place: int,
        corners: Tensor | None,
        size: tuple[int, int],
    ) -> Tensor:
        """
        Return N x C x h x w floats of N x H x W x C pixels, RGB, 0..255.

        `place` is that of the first image in the order of the epoch; `size` (h, w) is cut out at
        `corners` (row and column of each image), or is all of the image where they are None.
        """
        wanted, draws = self._wanted, Draws(self._seed, epoch)
        drawn = draws.images(place, place + len(pixels))
        values = self._placed(pixels, drawn, corners, size)
        values = self._coloured(values, drawn)
        if not wanted.noise:
            return values
        return _noisy(values, wanted.noise, draws.noise_seed(place))

    def _placed(
        self, pixels: Tensor, drawn: ImageDraws, corners: Tensor | None, size: tuple[int, int]
    ) -> Tensor:
        from netloom.training.augment.warp import warp

        wanted = self._wanted
        if not wanted.moves:
            window = pixels if corners is None else cut(pixels, corners, size)
            return window.permute(0, 3, 1, 2).float()
        height, width = pixels.shape[1:3]
        matrices = _like(pixels, drawn.warps(wanted, width, height))
        return warp(pixels, matrices, corners, size, between=wanted.between)

    def _coloured(self, values: Tensor, drawn: ImageDraws) -> Tensor:
        from netloom.training.augment.colour import change_contrast, shift_colours

        wanted = self._wanted
        if wanted.shifts:
            values = shift_colours(values, _like(values, drawn.shifts(wanted)))
        if wanted.contrast:
            values = change_contrast(values, _like(values, drawn.contrasts(wanted)))
        return values


def _noisy(values: Tensor, deviation: float, seed: int) -> Tensor:
    import torch

    from netloom.training.augment.colour import add_noise

    generator = torch.Generator(values.device).manual_seed(seed)
    return add_noise(values, deviation, generator)


def _like(tensor: Tensor, numbers: Any) -> Tensor:
    import torch

    return torch.from_numpy(numbers.astype(np.float32)).to(tensor.device)
