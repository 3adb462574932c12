"""
Mixup and cutmix: a batch mixed with itself in another order, inputs and labels alike.

Mixup blends two inputs, cutmix puts a rectangle of one into the other; the loss counts both
labels by their shares. If both are wanted, each batch draws one of them. What is drawn depends
on the seed, the epoch and the place of the batch alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from netloom.training.objective import Loss

if TYPE_CHECKING:
    from torch import Tensor

MIXING = 4  # a stream of its own beside those of training.data and training.augment


@dataclass(frozen=True, kw_only=True)
class Mixed:
    """A batch that may be mixed."""

    inputs: Tensor
    partners: Tensor | None = None  # per image the other one; None: nothing is mixed
    share: float = 1.0  # of the image itself

    def loss(self, own: Loss, output: Any, labels: Tensor) -> Tensor:
        """Return the loss of the network's output, each label by its share."""
        loss = own(output, labels)
        if self.partners is None:
            return loss
        return self.share * loss + (1 - self.share) * own(output, labels[self.partners])


@dataclass(frozen=True, kw_only=True)
class Mixing:
    """How batches are mixed: the parameters of the beta distributions of the share, 0 is off."""

    mixup: float
    cutmix: float
    seed: int

    def mix(self, inputs: Tensor, epoch: int, place: int) -> Mixed:
        """Return N x C x H x W inputs mixed; `place` is where the batch begins in the epoch."""
        import torch

        if not self.mixup and not self.cutmix:
            return Mixed(inputs=inputs)
        random = np.random.default_rng([self.seed, epoch, MIXING, place])
        cuts = random.random() < 0.5 if self.mixup and self.cutmix else bool(self.cutmix)
        alpha = self.cutmix if cuts else self.mixup
        share = float(random.beta(alpha, alpha))
        partners = torch.from_numpy(random.permutation(len(inputs))).to(inputs.device)
        if not cuts:
            return Mixed(
                inputs=torch.lerp(inputs[partners], inputs, share), partners=partners, share=share
            )
        rows, columns = _rectangle(random, inputs.shape[-2:], 1 - share)
        mixed = inputs.clone()
        mixed[..., rows, columns] = inputs[partners][..., rows, columns]
        kept = 1 - mixed[0, 0, rows, columns].numel() / mixed[0, 0].numel()
        return Mixed(inputs=mixed, partners=partners, share=kept)


def _rectangle(
    random: np.random.Generator, size: tuple[int, ...], area: float
) -> tuple[slice, slice]:
    """Return rows and columns of a rectangle of that share of the area, cut off at the edges."""
    sides = []
    for length in size:
        middle = int(random.integers(length))
        half = length * math.sqrt(area) / 2
        sides.append(slice(max(0, round(middle - half)), min(length, round(middle + half))))
    return sides[0], sides[1]
