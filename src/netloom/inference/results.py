"""
Results: what a model said about every image of a split, few bytes for each.

Kept are the truth, the class said, its score and the score of the truth; the scores of all
classes only as histograms, from which the curves are drawn. A million images need 16 MB.
The classes of the dataset are those of the model by name; their order may differ. By hand:

    results = Collector(classes, len(split)) ... .results()
    results.write(path)
    Results.read(path).truth
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from netloom.atomic import whole_file
from netloom.errors import InvalidInput
from netloom.images import Preprocessing
from netloom.interfaces.prediction import Prediction

if TYPE_CHECKING:
    from netloom.datasets import Split
    from netloom.inference.predict import Predictor

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]

BATCH = 64  # images that are read together
LARGEST = 2**22  # cells of a histogram of scores; with many classes the steps get coarser
STEPS = 1024
# Scores are counted by their log-odds, as those of a sure network are all next to 0 and 1;
# float32 has nothing between 1 and what has log-odds of 16.6.
WIDEST = 17.0


@dataclass(frozen=True, eq=False)
class Results:
    """One entry per image of a split, in its order, and two histograms."""

    truth: Ints  # class numbers of the model
    said: Ints
    score: Floats  # of the class that was said, 0..1
    truth_score: Floats
    among_five: NDArray[np.bool_]  # whether the truth was among the best five
    scores: Ints  # classes x steps: images by the score of the class
    scores_of_true: Ints  # the same of the images of that class alone

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Return which images were told right."""
        right: NDArray[np.bool_] = self.truth == self.said
        return right

    @property
    def bytes(self) -> int:
        """Return the memory it takes."""
        return sum(getattr(self, field.name).nbytes for field in fields(self))

    def write(self, path: Path) -> None:
        """Write a file, all of it or nothing."""
        path.parent.mkdir(exist_ok=True)
        arrays: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        with whole_file(path) as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def read(cls, path: Path) -> Results | None:
        """Return what a file holds, None if there is no usable one."""
        try:
            with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                return cls(**{field.name: file[field.name] for field in fields(cls)})
        except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error):
            return None


class Collector:
    """Takes predictions in the order of the images."""

    def __init__(self, classes: int, images: int) -> None:
        steps = max(32, min(STEPS, LARGEST // max(1, classes)))
        self._end = 0
        self._made = Results(
            truth=np.empty(images, np.int32),
            said=np.empty(images, np.int32),
            score=np.empty(images, np.float32),
            truth_score=np.empty(images, np.float32),
            among_five=np.empty(images, np.bool_),
            scores=np.zeros((classes, steps), np.int32),
            scores_of_true=np.zeros((classes, steps), np.int32),
        )

    def add(self, predictions: Sequence[Prediction], truth: Ints) -> None:
        """Take the predictions of the next images."""
        made, rows = self._made, slice(self._end, self._end + len(predictions))
        scores = np.stack([one.scores for one in predictions])
        ranks = np.stack(
            [one.scores if one.outputs is None else one.outputs for one in predictions]
        )
        each = np.arange(len(predictions))
        said = ranks.argmax(axis=1)  # the lower number wins a tie, as in `Prediction.ranking`
        made.truth[rows], made.said[rows] = truth, said
        made.score[rows], made.truth_score[rows] = scores[each, said], scores[each, truth]
        made.among_five[rows] = _rank(ranks, truth) < 5
        steps = _step(scores, made.scores.shape[1])
        classes = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
        np.add.at(made.scores, (classes, steps), 1)
        np.add.at(made.scores_of_true, (truth, steps[each, truth]), 1)
        self._end = rows.stop

    def results(self) -> Results:
        """Return the results of all images."""
        assert self._end == len(self._made)
        return self._made


def collect(
    predictor: Predictor, split: Split, numbers: Ints, *, go_on: Callable[[int], bool]
) -> Results | None:
    """Return the results of a model on a split of a built dataset; None if told to stop.

    `numbers` are the numbers that the split's classes have in the model, see `numbers_of`.
    `go_on` is told after each batch how many images are done, and says whether to go on.
    """
    collector = Collector(len(predictor.model.card.classes), len(split))
    truth = numbers[split.labels()]
    for start in range(0, len(split), BATCH):
        rows = range(start, min(start + BATCH, len(split)))
        collector.add(predictor.classify_pixels(split.read(rows)), truth[start : rows.stop])
        if not go_on(rows.stop):
            return None
    return collector.results()


def numbers_of(classes: Sequence[str], known: Sequence[str]) -> Ints:
    """Return the numbers of a dataset's classes in a model; raise InvalidInput for unknown ones."""
    numbers = {name: number for number, name in enumerate(known)}
    missing = [name for name in classes if name not in numbers]
    if missing:
        shown = ", ".join(map(repr, missing[:3])) + (" ..." if len(missing) > 3 else "")
        raise InvalidInput(
            f"The model does not know {len(missing):,} of the {len(classes):,} classes of the"
            f" dataset: {shown}.",
            hint="Choose a dataset with the classes of the model.",
            field="dataset_id",
        )
    return np.array([numbers[name] for name in classes], np.int32)


def check_fit(made: Preprocessing, needed: Preprocessing) -> str:
    """Raise InvalidInput if images made one way are no input for a model that needs another.

    Return a remark where they can be used but were made in another way than the model's own.
    """
    if (made.width, made.height, made.channels) != (needed.width, needed.height, needed.channels):
        raise InvalidInput(
            f"The images of the dataset are {_described(made)}; the model takes"
            f" {_described(needed)}.",
            hint="Create the dataset again in the size and colours of the model.",
            field="dataset_id",
        )
    differing = [
        f"{label} ({theirs}; the model: {own})"
        for label, theirs, own in (
            ("resize mode", made.resize_mode, needed.resize_mode),
            ("encoding", _lossy(made), _lossy(needed)),
        )
        if theirs != own
    ]
    return " and ".join(differing)


def _described(made: Preprocessing) -> str:
    colours = "grey" if made.channels == 1 else "colour"
    return f"{made.width} x {made.height} {colours}"


def _lossy(made: Preprocessing) -> str:
    return "JPEG" if made.stored == "jpg" else "lossless"


def _rank(values: Floats, truth: Ints) -> NDArray[np.int64]:
    """Return how many classes come before the true one."""
    own = np.take_along_axis(values, truth[:, None].astype(np.int64), axis=1)
    earlier = np.arange(values.shape[1]) < truth[:, None]
    ranks: NDArray[np.int64] = ((values > own) | ((values == own) & earlier)).sum(axis=1)
    return ranks


def _step(scores: Floats, steps: int) -> NDArray[np.int64]:
    with np.errstate(divide="ignore"):
        exact = scores.astype(np.float64)
        odds = np.clip(np.log(exact) - np.log1p(-np.minimum(exact, 1)), -WIDEST, WIDEST)
    place: NDArray[np.int64] = ((odds + WIDEST) / (2 * WIDEST) * steps).astype(np.int64)
    return np.minimum(place, steps - 1)


def score_at(step: NDArray[np.int64], steps: int) -> NDArray[np.float64]:
    """Return the score at which a step of the histograms begins."""
    odds = step / steps * 2 * WIDEST - WIDEST
    shares: NDArray[np.float64] = 1 / (1 + np.exp(-odds))
    return shares
