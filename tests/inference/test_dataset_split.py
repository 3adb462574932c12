"""A split of a built dataset and the list of its files give the same answers, to the last bit."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest

from netloom import datasets, inference
from netloom.datasets import ClassificationDataset
from netloom.interfaces.prediction import Prediction
from netloom.networks.card import ModelCard
from tests.inference.small_models import network, png


class QuietRun(SimpleNamespace):
    """A step run that nobody listens to."""

    stop_requested = False

    def progress(self, *args: Any, **options: Any) -> None: ...

    def record(self, facts: Any) -> None: ...

    def log(self, message: str, level: str = "info") -> None: ...


def built(tmp_path: Path, **options: str) -> Path:
    """Build a dataset of thirty shaded pictures of three classes; return its directory."""
    random = np.random.default_rng(3)
    for number in range(30):
        folder = tmp_path / "pictures" / f"class {number % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        size = (9 + number % 7, 10 + number % 4)
        (folder / f"{number}.png").write_bytes(png(random.integers(0, 256, size)))
    directory = tmp_path / "dataset"
    directory.mkdir()
    form = {
        "dataset_name": "pictures",
        "folder_train": str(tmp_path / "pictures"),
        "resize_channels": "1",
        "resize_width": "14",
        "resize_height": "14",
        "folder_pct_val": "50",
        "seed": "1",
    }
    for plan in ClassificationDataset.from_form(form | options).plan():
        run: Any = QuietRun(
            job_id="", step_key=plan.key, directory=directory, attempt=1, gpus=(), cpus=1
        )
        plan.step.run(run)
    return directory


def trained(tmp_path: Path, dataset: datasets.Dataset) -> inference.Predictor:
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


@pytest.mark.parametrize("encoding", ["png", "jpg", "none"])
@pytest.mark.parametrize("mode", ["squash", "half_crop"])
def test_split_and_files_agree(tmp_path: Path, encoding: str, mode: str) -> None:
    directory = built(tmp_path, encoding=encoding, resize_mode=mode)
    dataset = datasets.open(directory)
    predictor = trained(tmp_path, dataset)

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
    directory = built(tmp_path, encoding="jpg", resize_mode="fill")
    dataset = datasets.open(directory)
    predictor = trained(tmp_path, dataset)
    split = dataset.split("val")
    of_split = {
        prediction.scores.tobytes()
        for prediction in predictor.classify_pixels(split.read(range(len(split))))
    }
    with (directory / "val.txt").open("rb") as file:
        paths = [Path(entry.source) for entry in inference.read_list(file)]
    assert {predictor.classify(path.read_bytes()).scores.tobytes() for path in paths} == of_split
