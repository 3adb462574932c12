"""A split of a built dataset and the list of its files give the same answers, to the last bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from netloom import datasets, inference
from netloom.interfaces.prediction import Prediction
from netloom.networks.card import ModelCard
from tests.inference.small_models import network
from tests.inference.steps import build, train


def predictor_for(tmp_path: Path, dataset: datasets.Dataset) -> inference.Predictor:
    """Return a predictor that subtracts the mean image and crops."""
    directory = tmp_path / "model"
    directory.mkdir()
    onnx.save(network(classes=3), directory / "snapshot_1.onnx")
    ModelCard(
        framework="pytorch",
        classes=dataset.classes,
        preprocessing=dataset.preprocessing.with_changes(crop_width=12, crop_height=12).with_mean(
            "image", dataset.mean
        ),
    ).write(directory)
    return inference.Predictor.open(directory, "snapshot_1.onnx")


@pytest.mark.parametrize("stored", ["png", "jpg", "none", "hdf5"])
@pytest.mark.parametrize("mode", ["squash", "half_crop"])
def test_split_and_files_agree(tmp_path: Path, stored: str, mode: str) -> None:
    kind = {"backend": stored} if stored == "hdf5" else {"encoding": stored}
    directory = build(tmp_path, resize_mode=mode, **kind)
    dataset = datasets.open(directory)
    predictor = predictor_for(tmp_path, dataset)

    of_split = inference.evaluate_split(predictor, dataset.split("val"), batch=4)
    of_files = inference.Evaluation(dataset.classes)
    reader = inference.Reader(check=lambda path: path, fetch=lambda url: b"")
    with (directory / "val.txt").open("rb") as file:
        for entry, result in predictor.classify_many(inference.read_list(file), reader):
            assert isinstance(result, Prediction)
            assert of_files.add(result, entry.truth)

    assert of_split.count == len(dataset.split("val")) == 15
    np.testing.assert_array_equal(of_split.confusion, of_files.confusion)
    assert (of_split.top1, of_split.top5) == (of_files.top1, of_files.top5)


def test_an_entry_scores_like_its_file(tmp_path: Path) -> None:
    directory = build(tmp_path, encoding="jpg", resize_mode="fill")
    dataset = datasets.open(directory)
    predictor = predictor_for(tmp_path, dataset)
    split = dataset.split("val")
    of_split = {
        prediction.scores.tobytes()
        for prediction in predictor.classify_pixels(split.read(range(len(split))))
    }
    with (directory / "val.txt").open("rb") as file:
        paths = [Path(entry.source) for entry in inference.read_list(file)]
    assert {predictor.classify(path.read_bytes()).scores.tobytes() for path in paths} == of_split


def test_inference_finds_the_accuracy_that_training_found(tmp_path: Path) -> None:
    directory = build(tmp_path, classes=7, count=210, encoding="jpg", resize_mode="crop")
    run = train(
        tmp_path,
        directory,
        epochs=30,
        batch_size=5,
        rate=1e-5,
        crop_size=12,
        snapshot_interval=15,
        val_interval=15,
    )
    dataset = datasets.open(directory)
    for snapshot in run.snapshots:
        predictor = inference.Predictor.open(run.directory, snapshot.network)
        evaluation = inference.evaluate_split(predictor, dataset.split("val"))
        assert evaluation.top1 == pytest.approx(snapshot.metrics["accuracy"], abs=1e-9)
        assert evaluation.top5 == pytest.approx(snapshot.metrics["accuracy_top5"], abs=1e-9)
    assert 0.2 < run.snapshots[-1].metrics["accuracy"] < 1
