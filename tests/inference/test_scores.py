"""The figures of an evaluation agree with scikit-learn's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics

from netloom.errors import InvalidInput
from netloom.images import Preprocessing
from netloom.inference import Predictor, evaluate_split, scores
from netloom.inference.results import Collector, Results, check_fit, collect, numbers_of
from netloom.interfaces.prediction import Prediction
from tests.inference import steps as small

CLASSES = tuple("abcdefg")


def made(images: int = 3000, sharpness: float = 3.0) -> tuple[Results, np.ndarray, np.ndarray]:
    """Return results with the scores and truths they come from."""
    random = np.random.default_rng(2)
    truth = random.integers(0, len(CLASSES) - 1, images)  # the last class has no image
    logits = random.normal(0, 2, (images, len(CLASSES)))
    logits[np.arange(images), truth] += sharpness
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    shares = shares.astype(np.float32)
    collector = Collector(len(CLASSES), images)
    for start in range(0, images, 64):
        rows = slice(start, start + 64)
        answers = [
            Prediction(classes=CLASSES, scores=s, outputs=o)
            for s, o in zip(shares[rows], logits[rows].astype(np.float32), strict=True)
        ]
        collector.add(answers, truth[rows].astype(np.int32))
    return collector.results(), truth, shares


def test_per_class() -> None:
    results, truth, shares = made()
    said = shares.argmax(axis=1)
    table = scores.per_class(results)
    numbers = range(len(CLASSES))
    expected = metrics.precision_recall_fscore_support(
        truth, said, labels=numbers, zero_division=np.nan
    )
    np.testing.assert_allclose(table.precision, expected[0])
    np.testing.assert_allclose(table.recall, expected[1])
    np.testing.assert_allclose(np.nan_to_num(table.f1), np.nan_to_num(expected[2]))
    np.testing.assert_array_equal(table.images, expected[3])
    matrix = metrics.confusion_matrix(truth, said, labels=numbers)
    cells = scores.confusion(results)
    assert {place: int(matrix[place]) for place in zip(*matrix.nonzero(), strict=True)} == cells
    balanced = metrics.recall_score(truth, said, labels=range(len(CLASSES) - 1), average="macro")
    assert table.macro(table.recall) == pytest.approx(balanced)
    assert scores.mean(results.among_five) == pytest.approx(
        metrics.top_k_accuracy_score(truth, shares, k=5, labels=numbers)
    )
    assert scores.log_loss(results) == pytest.approx(
        metrics.log_loss(truth, shares, labels=numbers), rel=1e-4
    )


@pytest.mark.parametrize("sharpness", [0.5, 3.0, 12.0])
def test_curves(sharpness: float) -> None:
    results, truth, shares = made(sharpness=sharpness)
    for number in range(len(CLASSES) - 1):
        curve = scores.curve(results, [number])
        area = metrics.roc_auc_score(truth == number, shares[:, number])
        precision = metrics.average_precision_score(truth == number, shares[:, number])
        assert curve.area == pytest.approx(area, abs=2e-3)
        assert curve.average_precision == pytest.approx(precision, abs=1e-2)
        for values in (curve.recall, curve.false_positives, -curve.threshold):
            assert (np.diff(values) >= 0).all()
    whole = scores.curve(results, range(len(CLASSES)))
    ones = np.eye(len(CLASSES))[truth]
    area = metrics.roc_auc_score(ones.ravel(), shares.ravel())
    assert whole.area == pytest.approx(area, abs=2e-3)
    assert np.isnan(scores.curve(results, [len(CLASSES) - 1]).area)


def test_calibration() -> None:
    results, _, _ = made()
    table = scores.calibration(results)
    assert table.images.sum() == len(results)
    bins = np.minimum((results.score * 15).astype(int), 14)
    distance = [
        abs(results.score[bins == b].mean() - results.right[bins == b].mean()) * (bins == b).mean()
        for b in np.unique(bins)
    ]
    assert table.error == pytest.approx(sum(distance), abs=1e-6)


def test_images_are_found_by_what_was_said() -> None:
    results, _, _ = made()
    wrong = scores.found(results, right=False)
    assert not results.right[wrong].any()
    assert (np.diff(results.score[wrong]) <= 0).all()
    cell = scores.found(results, truth=1, said=2)
    assert len(cell) == scores.confusion(results)[1, 2]
    assert len(scores.found(results)) == len(results)


def test_results_are_kept_in_a_file(tmp_path: Path) -> None:
    results, _, _ = made(images=100)
    path = tmp_path / "folder" / "results.npz"
    assert Results.read(path) is None
    results.write(path)
    again = Results.read(path)
    assert again is not None
    np.testing.assert_array_equal(again.scores, results.scores)
    np.testing.assert_array_equal(again.said, results.said)
    path.write_bytes(path.read_bytes()[:200])
    assert Results.read(path) is None


def test_many_classes_have_coarser_curves() -> None:
    assert Collector(40_000, 0).results().bytes < 2 * 4 * 2**22 + 100


def test_classes_are_matched_by_name() -> None:
    assert numbers_of(("b", "a"), ("a", "c", "b")).tolist() == [2, 0]
    with pytest.raises(InvalidInput, match=r"2 of the 3 .*'x', 'y'"):
        numbers_of(("a", "x", "y"), ("a", "b"))


def test_images_must_fit() -> None:
    own = Preprocessing(width=8, height=6, channels=1)
    assert check_fit(own, own) == ""
    assert "resize mode" in check_fit(own.with_changes(resize_mode="crop"), own)
    assert "encoding" in check_fit(own.with_changes(stored="jpg"), own)
    with pytest.raises(InvalidInput, match="8 x 6 colour; the model takes 8 x 6 grey"):
        check_fit(Preprocessing(width=8, height=6), own)


def test_a_split_gives_what_its_images_give(tmp_path: Path) -> None:
    from netloom import datasets

    directory = small.build(tmp_path)
    small.train(tmp_path, directory, epochs=1)
    split = datasets.open(directory).split("val")
    predictor = Predictor.open(tmp_path / "model", "snapshot_1.onnx")
    numbers = np.arange(len(split.classes), dtype=np.int32)
    seen: list[int] = []
    results = collect(predictor, split, numbers, go_on=lambda n: not seen.append(n))
    assert results is not None
    assert seen[-1] == len(split)
    evaluation = evaluate_split(predictor, split)
    cells = scores.confusion(results)
    assert cells == {
        tuple(map(int, place)): int(evaluation.confusion[tuple(place)])
        for place in np.argwhere(evaluation.confusion)
    }
    assert scores.mean(results.right) == evaluation.top1
    assert scores.mean(results.among_five) == evaluation.top5
    assert collect(predictor, split, numbers, go_on=lambda _: False) is None
