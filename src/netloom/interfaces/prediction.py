"""
What a model says about one image.

Every door, the command line and the evaluation inside training show a prediction
through the same two methods, so that one image has the same numbers everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """The scores of a classifier for one image."""

    classes: tuple[str, ...]  # class number = index
    scores: NDArray[np.float32]  # one per class, 0..1 after soft-max
    # What ranks the classes, if not the scores: the outputs before soft-max, which makes 0 of
    # everything that is far below the best.
    outputs: NDArray[np.float32] | None = None

    def ranking(self, count: int = 5) -> list[int]:
        """Return the numbers of the best classes, best first; the lower number wins a tie."""
        values = self.scores if self.outputs is None else self.outputs
        return [int(number) for number in np.argsort(-values, kind="stable")[:count]]

    def top(self, count: int = 5) -> list[tuple[str, float]]:
        """Return the best classes with their score in percent, rounded to two decimals."""
        return [
            (self.classes[number], round(100 * float(self.scores[number]), 2))
            for number in self.ranking(count)
        ]
