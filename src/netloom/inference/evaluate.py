"""
Evaluation: how good a classifier is, counted while the predictions stream by.

Nothing here grows with the number of images. By hand:

    evaluation = Evaluation(classes)
    for prediction, truth in results:
        evaluation.add(prediction, truth)
    print(evaluation.top1, evaluation.top5)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from netloom.interfaces.prediction import Prediction

if TYPE_CHECKING:
    from netloom.datasets import Split
    from netloom.inference.predict import Predictor


class Evaluation:
    """Confusion matrix and accuracies of the images with a known class."""

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        size = len(self.classes)
        self.confusion: NDArray[np.int64] = np.zeros((size, size), np.int64)  # true x predicted
        self._among_five = 0

    def add(self, prediction: Prediction, truth: int | None) -> bool:
        """Count one image; return whether it had a ground truth among the classes."""
        if truth is None or not 0 <= truth < len(self.classes):
            return False
        best = prediction.ranking(5)
        self.confusion[truth, best[0]] += 1
        self._among_five += truth in best
        return True

    @property
    def count(self) -> int:
        """Return how many images had a ground truth."""
        return int(self.confusion.sum())

    @property
    def top1(self) -> float | None:
        """Return the share (0..1) whose best class is the true one; None without any image."""
        return int(self.confusion.trace()) / self.count if self.count else None

    @property
    def top5(self) -> float | None:
        """Return the share (0..1) whose true class is among the best five; None without any."""
        return self._among_five / self.count if self.count else None

    @property
    def per_class(self) -> list[float | None]:
        """Return the share (0..1) of each true class that was found; None for an unseen class."""
        found, seen = self.confusion.diagonal(), self.confusion.sum(axis=1)
        return [int(f) / int(s) if s else None for f, s in zip(found, seen, strict=True)]


def evaluate_split(predictor: Predictor, split: Split, *, batch: int = 64) -> Evaluation:
    """Evaluate a model on a split of a built dataset, image by image as inference sees them."""
    evaluation = Evaluation(predictor.model.card.classes)
    labels = split.labels()
    for start in range(0, len(split), batch):
        rows = range(start, min(start + batch, len(split)))
        predictions = predictor.classify_pixels(split.read(rows))
        for prediction, truth in zip(predictions, labels[start : rows.stop], strict=True):
            evaluation.add(prediction, int(truth))
    return evaluation
