"""The best images per class, and their picture."""

from __future__ import annotations

import numpy as np
import pytest

from netloom import inference
from netloom.interfaces.prediction import Prediction


def predicted(*scores: float) -> Prediction:
    return Prediction(classes=("a", "b", "c")[: len(scores)], scores=np.array(scores, np.float32))


def test_keeps_the_best_of_each_class() -> None:
    scores = np.random.default_rng(0).dirichlet(np.ones(3), 200).astype(np.float32)
    best: inference.TopN[int] = inference.TopN(classes=3, count=9)
    for item, row in enumerate(scores):
        best.add(item, predicted(*row))
    for number in range(3):
        expected = np.argsort(-scores[:, number], kind="stable")[:9]
        assert [item for _, item in best.of(number)] == expected.tolist()
        assert [score for score, _ in best.of(number)] == scores[expected, number].tolist()


def test_earlier_images_win_a_tie_and_items_are_never_compared() -> None:
    best: inference.TopN[object] = inference.TopN(classes=2, count=2)
    items = [object() for _ in range(4)]
    for item in items:
        best.add(item, predicted(1, 0))
    assert [item for _, item in best.of(0)] == items[:2]
    assert [item for _, item in best.of(1)] == items[:2]


def test_fewer_images_than_wanted_and_none_wanted() -> None:
    few: inference.TopN[str] = inference.TopN(classes=2, count=9)
    few.add("x", predicted(0.5, 0.5))
    assert few.of(0) == [(0.5, "x")]
    none: inference.TopN[str] = inference.TopN(classes=2, count=0)
    none.add("x", predicted(0.5, 0.5))
    assert none.of(0) == []


@pytest.mark.parametrize(
    ("count", "shape"), [(1, (4, 6)), (2, (4, 13)), (5, (9, 20)), (9, (14, 20))]
)
def test_tiles_fill_a_grid(count: int, shape: tuple[int, int]) -> None:
    images = [np.full((4, 6, 3), number, np.uint8) for number in range(count)]
    picture = inference.tiled(images)
    assert picture.shape == (*shape, 3)
    assert [int((picture == number).all(axis=2).sum()) for number in range(count)] == [24] * count
