"""Accuracies and the confusion matrix, against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, top_k_accuracy_score

from netloom import inference
from netloom.interfaces.prediction import Prediction

CLASSES = tuple("abcdefgh")


def predicted(scores: np.ndarray) -> Prediction:
    return Prediction(classes=CLASSES[: len(scores)], scores=scores.astype(np.float32))


def test_agrees_with_scikit_learn() -> None:
    random = np.random.default_rng(0)
    scores = random.dirichlet(np.ones(8), 300).astype(np.float32)
    truth = random.integers(0, 8, 300)
    evaluation = inference.Evaluation(CLASSES)
    for row, label in zip(scores, truth, strict=True):
        assert evaluation.add(predicted(row), int(label))
    expected = confusion_matrix(truth, scores.argmax(1))
    np.testing.assert_array_equal(evaluation.confusion, expected)
    assert evaluation.count == 300
    assert evaluation.top1 == pytest.approx(accuracy_score(truth, scores.argmax(1)))
    assert evaluation.top5 == pytest.approx(top_k_accuracy_score(truth, scores, k=5))
    assert evaluation.per_class == pytest.approx(expected.diagonal() / expected.sum(1))


def test_rows_are_true_and_columns_predicted() -> None:
    evaluation = inference.Evaluation(CLASSES[:3])
    evaluation.add(predicted(np.array([0.1, 0.7, 0.2])), 0)
    evaluation.add(predicted(np.array([0.9, 0.1, 0.0])), 0)
    assert evaluation.confusion.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert evaluation.per_class == [0.5, None, None]
    assert evaluation.top5 == 1


@pytest.mark.parametrize("truth", [None, -1, 3, 10**17])
def test_truth_outside_the_classes_is_absent(truth: int | None) -> None:
    evaluation = inference.Evaluation(CLASSES[:3])
    assert not evaluation.add(predicted(np.array([0.1, 0.7, 0.2])), truth)
    assert (evaluation.count, evaluation.top1, evaluation.top5) == (0, None, None)
