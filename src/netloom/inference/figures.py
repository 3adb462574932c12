"""
Statistics of a tensor: shape, mean, standard deviation, histogram.

Large tensors are read piece by piece, so that weights mapped from a file stay there. By hand:

    figures.of(np.arange(6.0).reshape(2, 3)).mean
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 20
PIECE = 2**20  # numbers that are looked at together


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a tensor holds, in a few numbers."""

    shape: tuple[int, ...]
    mean: float
    stddev: float
    counts: tuple[int, ...]  # of the 20 bins between the smallest and the largest number
    centres: tuple[float, ...]
    ticks: tuple[float, float, float]  # smallest, middle, largest

    def as_json(self) -> dict[str, Any]:
        """Return the object that scripts read."""
        return {
            "shape": list(self.shape),
            "mean": self.mean,
            "stddev": self.stddev,
            "histogram": [list(self.counts), list(self.centres), list(self.ticks)],
        }


def of(values: NDArray[Any]) -> Figures:
    """Return the statistics of a tensor; numbers that are none, and infinite ones, do not count."""
    number, total, low, high = 0, 0.0, math.inf, -math.inf
    for piece in _pieces(values):
        number += piece.size
        total += float(piece.sum())
        low, high = min(low, float(piece.min())), max(high, float(piece.max()))
    if not number:
        low = high = 0.0
    mean = total / number if number else 0.0
    width = (high - low) or 1.0  # all the same: they stand in the middle
    start = low if high > low else low - 0.5
    squares, counts = 0.0, np.zeros(BINS, np.int64)
    for piece in _pieces(values):
        squares += float(np.square(piece - mean).sum())
        counts += np.histogram(piece, BINS, (start, start + width))[0]
    edges = np.linspace(start, start + width, BINS + 1)
    return Figures(
        shape=tuple(values.shape),
        mean=mean,
        stddev=math.sqrt(squares / number) if number else 0.0,
        counts=tuple(int(count) for count in counts),
        centres=tuple(float(centre) for centre in (edges[1:] + edges[:-1]) / 2),
        ticks=(float(edges[0]), float((edges[0] + edges[-1]) / 2), float(edges[-1])),
    )


def _pieces(values: NDArray[Any]) -> Iterator[NDArray[np.float64]]:
    flat = values.reshape(-1)
    for start in range(0, flat.size, PIECE):
        piece = flat[start : start + PIECE].astype(np.float64)
        finite = piece[np.isfinite(piece)]
        if finite.size:
            yield finite
