"""
Views: what the network sees of each training image, another one in each epoch.

A crop from anywhere and the augmentations, each image its own; without both, the image as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netloom.training.augment import Augmentations, Augmenter
from netloom.training.data import Input, epoch_corners

if TYPE_CHECKING:
    from torch import Tensor


class Views:
    """Turns batches of an epoch into inputs of the network."""

    def __init__(self, prepare: Input, augmentations: Augmentations, *, seed: int) -> None:
        self._prepare = prepare
        self._augmenter = Augmenter(augmentations, seed=seed) if augmentations.any else None
        self._seed = seed
        self.epoch = 0
        self._corners: Any = None

    def begin(self, epoch: int, count: int, device: Any) -> None:
        """Draw what is drawn for an epoch of `count` images."""
        import torch

        self.epoch, self._corners = epoch, None
        if self._prepare.crops:
            chosen = epoch_corners(count, self._prepare.room, seed=self._seed, epoch=epoch)
            self._corners = torch.from_numpy(chosen).to(device)

    def __call__(self, pixels: Tensor, place: int) -> Tensor:
        """Return N x C x h x w floats; `place` is that of the first image in the epoch's order."""
        corners = None if self._corners is None else self._corners[place : place + len(pixels)]
        if self._augmenter is None:
            return self._prepare(pixels, corners)
        values = self._augmenter(
            pixels, epoch=self.epoch, place=place, corners=corners, size=self._prepare.size
        )
        return self._prepare.of_varied(values, corners)
