"""
What is drawn for each image: from the seed, the epoch and its place in the epoch's order.

Any part of an epoch is drawn alone and comes out the same, so a training that was interrupted
goes on as if it had not been, and an epoch of any length takes no memory. By hand:

    Draws(seed=7, epoch=0).warps(Augmentations(rot=10), 64, 128, (28, 28))  # 64 matrices
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from netloom.training.augment.record import QUARTERS, Augmentations

Floats = NDArray[np.float64]

VARIATION, NOISE = 2, 3  # streams; 0 and 1 are the order and the corners, see training.data
STEPS = 3  # of the generator, per image; each gives 4 numbers
SMALLEST_FACTOR = 0.1  # of scaling; nearer to 0 a picture would be one pixel large

# cos and sin of quarter turns, without rounding.
_TURNS = np.array([(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)])


@dataclass(frozen=True)
class Draws:
    """The draws of one epoch."""

    seed: int
    epoch: int

    @cached_property
    def _key(self) -> NDArray[np.uint64]:
        sequence = np.random.SeedSequence([self.seed, self.epoch, VARIATION])
        return sequence.generate_state(2, np.uint64).astype(np.uint64)

    def images(self, begin: int, end: int) -> ImageDraws:
        """Return what is drawn for the images from place `begin` up to `end`."""
        stream = np.random.Philox(key=self._key)
        stream.advance(begin * STEPS)
        return ImageDraws(np.random.Generator(stream).random((end - begin, 4 * STEPS)))

    def noise_seed(self, begin: int) -> int:
        """Return the seed of the noise of the batch that begins at a place."""
        sequence = np.random.SeedSequence([self.seed, self.epoch, NOISE, begin])
        return int(sequence.generate_state(1, np.uint64)[0] >> 1)


@dataclass(frozen=True)
class ImageDraws:
    """Independent numbers for each image, uniform in 0..1; each column has one use."""

    uniform: Floats  # N x 12

    def warps(self, wanted: Augmentations, width: int, height: int) -> Floats:
        """
        Return N x 2 x 2 matrices from a place in the result to the place in the image.

        Places are -1..1 from edge to edge. The image is flipped, then turned by quarters, then
        turned and scaled. Quarter turns of an image that is not square stretch it to its size.
        """
        quarters = np.array(QUARTERS[wanted.quad_rot])
        turned = _TURNS[quarters[(self.uniform[:, 2] * len(quarters)).astype(np.int64)]]
        angle = np.radians(wanted.rot) * (2 * self.uniform[:, 3] - 1)
        factor = np.maximum(SMALLEST_FACTOR, 1 + wanted.scale * self._normal(0))
        free = _rotation(np.cos(angle) / factor, np.sin(angle) / factor)
        free *= [[1, height / width], [width / height, 1]]  # it turns in pixels, not in -1..1
        return self._signs(wanted)[:, :, None] * (_rotation(*turned.T) @ free)

    def _signs(self, wanted: Augmentations) -> Floats:
        allowed = ("lr" in wanted.flip, "ud" in wanted.flip)
        return np.where((self.uniform[:, :2] < 0.5) & allowed, -1.0, 1.0)

    def shifts(self, wanted: Augmentations) -> Floats:
        """Return N x 3 shifts of hue, saturation and value."""
        columns = (self._normal(1), self._normal(2), self._normal(3))
        return np.stack(columns, 1) * (wanted.hue, wanted.saturation, wanted.value)

    def contrasts(self, wanted: Augmentations) -> Floats:
        """Return N factors of the contrast."""
        smallest = max(0.0, 1 - wanted.contrast)
        return smallest + (1 + wanted.contrast - smallest) * self.uniform[:, 4]

    def _normal(self, number: int) -> Floats:
        """Return the normally distributed number 0, 1, 2 or 3 of each image."""
        pair = 6 + 2 * (number // 2)
        radius = np.sqrt(-2 * np.log1p(-self.uniform[:, pair]))
        angle = 2 * np.pi * self.uniform[:, pair + 1]
        normal: Floats = radius * (np.sin(angle) if number % 2 else np.cos(angle))
        return normal


def _rotation(cosine: Floats, sine: Floats) -> Floats:
    return np.stack([cosine, -sine, sine, cosine], 1).reshape(-1, 2, 2)
