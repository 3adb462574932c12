"""A tiny dataset of real files, a network that learns it, and runs that train on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from netloom.datasets import ClassificationDataset
from netloom.interfaces.job import StepPlan
from netloom.testing import RecordingRun
from netloom.training import Train

NETWORK = """
from torch import nn


def build(p):
    channels, height, width = p.input_shape
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Flatten(),
        nn.Linear(4 * (height - 2) * (width - 2), p.classes),
    )
"""


DATASET = "20260101-000000-0001"


def draw(folder: Path, *, classes: int = 3, count: int = 24, size: int = 10) -> None:
    """Write PNG files: each class is bright in columns of its own, on noise."""
    noise = np.random.default_rng(1)
    for label in range(classes):
        (folder / f"class {label}").mkdir(parents=True)
        for number in range(count):
            image = noise.integers(0, 90, (size, size, 3), np.uint8)
            image[:, 3 * label : 3 * label + 3] += 150
            cv2.imwrite(str(folder / f"class {label}/{number}.png"), image)


def perform(plan: Sequence[StepPlan], run: RecordingRun) -> None:
    """Run the steps of a plan, one after the other."""
    for part in plan:
        part.step.run(run)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of 3 classes: 54 training and 18 validation images of 10 x 10 pixels."""
    root = tmp_path_factory.mktemp("dataset")
    draw(root / "images")
    directory = root / "job"
    directory.mkdir()
    options = ClassificationDataset.from_form(
        {
            "dataset_name": "stripes",
            "folder_train": str(root / "images"),
            "resize_width": 10,
            "resize_height": 10,
            "seed": 1,
        }
    )
    perform(options.plan(), RecordingRun(directory))
    return directory


@pytest.fixture
def make_run(dataset: Path, tmp_path: Path) -> Iterator[Callable[..., RecordingRun]]:
    """Return a function that gives a run with a directory of its own."""
    import torch

    threads = torch.get_num_threads()
    count = 0

    def make(**about: Any) -> RecordingRun:
        nonlocal count
        count += 1
        directory = tmp_path / f"model-{count}"
        directory.mkdir()
        return RecordingRun(directory, directories={DATASET: dataset}, **about)

    yield make
    torch.set_num_threads(threads)


@pytest.fixture
def step() -> Callable[..., Train]:
    """Return a function that gives a small training step."""

    def make(**changes: Any) -> Train:
        values: dict[str, Any] = {
            "dataset": DATASET,
            "network": NETWORK,
            "epochs": 3,
            "batch_size": 8,
            "seed": 3,
            "repeatable": True,
            "rate": 0.001,
        }
        return Train(**{**values, **changes})

    return make
