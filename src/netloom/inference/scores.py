"""
Scores: how good a classifier is, from its results on a split.

Everything is a share from 0 to 1; NaN where there is nothing to divide by. The curves
compare one class with all others, in the steps of the histograms. By hand:

    table = per_class(results)
    print(table.f1, curve(results, [3]).area)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.inference.results import Ints, Results, score_at

Shares = NDArray[np.float64]
Counts = NDArray[np.int64]

CALIBRATION_STEPS = 15


@dataclass(frozen=True, eq=False)
class PerClass:
    """One entry per class of the model."""

    images: Counts
    said: Counts  # how often the class was said
    right: Counts
    precision: Shares  # of what was said, how much is right
    recall: Shares  # of what is there, how much was found
    f1: Shares  # harmonic mean of both

    def macro(self, values: Shares) -> float:
        """Return the mean over the classes that have images."""
        return mean(values[self.images > 0])


def per_class(results: Results) -> PerClass:
    """Return precision, recall and F1 of each class."""
    classes = len(results.scores)
    images = np.bincount(results.truth, minlength=classes)
    said = np.bincount(results.said, minlength=classes)
    right = np.bincount(results.truth[results.right], minlength=classes)
    return PerClass(
        images=images,
        said=said,
        right=right,
        precision=_share(right, said),
        recall=_share(right, images),
        f1=_share(2 * right, images + said),
    )


def confusion(results: Results) -> dict[tuple[int, int], int]:
    """Return how many images of a class were taken for a class, by both; without zeros."""
    classes = len(results.scores)
    cells, counts = np.unique(
        results.truth.astype(np.int64) * classes + results.said, return_counts=True
    )
    return {
        (int(cell) // classes, int(cell) % classes): int(count)
        for cell, count in zip(cells, counts, strict=True)
    }


@dataclass(frozen=True, eq=False)
class Curve:
    """The curves of one or more classes against the others, by falling threshold."""

    threshold: Shares
    recall: Shares  # also the rate of true positives; begins with 0
    precision: Shares  # begins with 1
    false_positives: Shares  # the rate of false positives; begins with 0
    area: float  # under recall over false positives (ROC)
    average_precision: float


def curve(results: Results, classes: Sequence[int]) -> Curve:
    """Return the curves of some classes together, each image counted once for each of them."""
    chosen = np.asarray(classes, np.int64)
    true = results.scores_of_true[chosen].sum(axis=0, dtype=np.int64)[::-1]
    false = results.scores[chosen].sum(axis=0, dtype=np.int64)[::-1] - true
    used = (true + false) > 0
    found, wrong = np.cumsum(true[used]), np.cumsum(false[used])
    positives, negatives = int(true.sum()), int(false.sum())
    steps = results.scores.shape[1]
    recall = np.concatenate([[0.0], _share(found, positives)])
    precision = np.concatenate([[1.0], _share(found, found + wrong)])
    rate = np.concatenate([[0.0], _share(wrong, negatives)])
    starts = score_at(np.arange(steps)[::-1][used], steps)
    return Curve(
        threshold=np.concatenate([[1.0], starts]),
        recall=recall,
        precision=precision,
        false_positives=rate,
        area=float(np.trapezoid(recall, rate)),
        average_precision=float(np.sum(np.diff(recall) * precision[1:])),
    )


@dataclass(frozen=True, eq=False)
class Calibration:
    """How often a model is right when it is so sure, in steps of equal width."""

    images: Counts
    confidence: Shares  # mean score of what was said
    accuracy: Shares
    error: float  # expected calibration error: the mean distance of the two


def calibration(results: Results, steps: int = CALIBRATION_STEPS) -> Calibration:
    """Return how far scores are shares of being right."""
    step = np.minimum((results.score * steps).astype(np.int64), steps - 1)
    images = np.bincount(step, minlength=steps)
    confidence = _share(np.bincount(step, results.score, minlength=steps), images)
    accuracy = _share(np.bincount(step, results.right, minlength=steps), images)
    distance = np.abs(np.nan_to_num(confidence - accuracy))
    error = float((distance * images).sum() / max(1, len(results)))
    return Calibration(images=images, confidence=confidence, accuracy=accuracy, error=error)


def log_loss(results: Results) -> float:
    """Return the mean of -log of the score of the truth."""
    smallest = np.finfo(np.float32).tiny
    return mean(-np.log(np.maximum(results.truth_score.astype(np.float64), smallest)))


def found(
    results: Results,
    *,
    truth: int | None = None,
    said: int | None = None,
    right: bool | None = None,
) -> Ints:
    """Return the indices of the images that match, the surest answers first."""
    matches = np.ones(len(results), np.bool_)
    if truth is not None:
        matches &= results.truth == truth
    if said is not None:
        matches &= results.said == said
    if right is not None:
        matches &= results.right == right
    places = np.flatnonzero(matches)
    order = np.argsort(-results.score[places], kind="stable")
    return places[order].astype(np.int32)


def mean(values: NDArray[np.generic]) -> float:
    """Return the mean of what is a number; NaN of nothing."""
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else float("nan")


def _share(part: NDArray[np.generic], whole: NDArray[np.generic] | int) -> Shares:
    with np.errstate(divide="ignore", invalid="ignore"):
        shares: Shares = np.asarray(part, np.float64) / np.asarray(whole, np.float64)
    shares[~np.isfinite(shares)] = np.nan
    return shares
