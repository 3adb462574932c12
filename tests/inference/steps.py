"""A small dataset and a small training, made by the steps that users' jobs are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from netloom.datasets import ClassificationDataset
from netloom.testing import RecordingRun
from netloom.training import Train
from tests.inference.small_models import png

NETWORK = """
from torch import nn


def build(p):
    channels, height, width = p.input_shape
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, p.classes))
"""


DATASET = "20260101-000000-0001"


def draw(folder: Path, *, classes: int, count: int) -> None:
    """Write noisy pictures of different sizes; each class is a little brighter in two rows."""
    random = np.random.default_rng(3)
    for number in range(count):
        label = number % classes
        pixels = random.integers(0, 180, (14 + number % 3, 14 + number % 4))
        pixels[2 * label : 2 * label + 2] += 70
        path = folder / f"class {label}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(pixels))


def build(folder: Path, *, classes: int = 3, count: int = 30, **options: str) -> Path:
    """Build a dataset of 14 x 14 grey pictures, half for validation; return its directory."""
    draw(folder / "pictures", classes=classes, count=count)
    directory = folder / "dataset"
    directory.mkdir()
    form = {
        "dataset_name": "pictures",
        "folder_train": str(folder / "pictures"),
        "resize_channels": "1",
        "resize_width": "14",
        "resize_height": "14",
        "folder_pct_val": "50",
        "seed": "1",
    }
    for plan in ClassificationDataset.from_form(form | options).plan():
        plan.step.run(RecordingRun(directory))
    return directory


def train(folder: Path, dataset: Path, **options: Any) -> RecordingRun:
    """Train a linear network on a dataset; return the run with what it recorded."""
    directory = folder / "model"
    directory.mkdir()
    run = RecordingRun(directory, directories={DATASET: dataset})
    Train(dataset=DATASET, network=NETWORK, seed=1, **options).run(run)
    return run
