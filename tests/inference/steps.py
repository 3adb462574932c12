"""A small dataset and a small training, made by the steps that users' jobs are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from netloom.datasets import ClassificationDataset
from netloom.interfaces.job import Facts, MetricPoint, SnapshotFile
from netloom.training import Train
from tests.inference.small_models import png

NETWORK = """
from torch import nn


def build(p):
    channels, height, width = p.input_shape
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, p.classes))
"""


@dataclass
class QuietRun:
    """A step run that keeps what a test looks at."""

    directory: Path
    dataset: Path
    job_id: str = "20260101-000000-abcd"
    step_key: str = "step"
    attempt: int = 1
    gpus: tuple[str, ...] = ()
    cpus: int = 1
    stop_requested: bool = False
    points: list[MetricPoint] = field(default_factory=list)
    snapshots: list[SnapshotFile] = field(default_factory=list)

    def directory_of(self, job_id: str) -> Path:
        return self.dataset

    def progress(self, fraction: float, message: str = "", **numbers: Any) -> None: ...

    def record(self, facts: Facts) -> None: ...

    def log(self, message: str, level: str = "info") -> None: ...

    def rewind(self, iteration: int) -> None: ...

    def metrics(self, points: Sequence[MetricPoint]) -> None:
        self.points.extend(points)

    def snapshot(self, file: SnapshotFile) -> None:
        self.snapshots.append(file)


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
        plan.step.run(QuietRun(directory, directory))
    return directory


def train(folder: Path, dataset: Path, **options: Any) -> QuietRun:
    """Train a linear network on a dataset; return the run with what it recorded."""
    directory = folder / "model"
    directory.mkdir()
    run = QuietRun(directory, dataset)
    Train(dataset="20260101-000000-0001", network=NETWORK, seed=1, **options).run(run)
    return run
