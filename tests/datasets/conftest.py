"""Small real folders of images, and the steps that make a dataset of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from netloom.datasets import ClassificationDataset
from netloom.interfaces.job import StepPlan
from netloom.testing import RecordingRun


def run_in(directory: Path, attempt: int = 1, cpus: int = 2) -> RecordingRun:
    """Return a run that remembers what a step tells it."""
    return RecordingRun(directory, attempt=attempt, cpus=cpus)


def write_image(path: Path, seed: int = 0, width: int = 8, height: int = 6) -> Path:
    """Write a small picture of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    done, data = cv2.imencode(path.suffix.lower() or ".png", pixels)
    assert done
    path.write_bytes(data.tobytes())
    return path


def write_classes(root: Path, **counts: int) -> Path:
    """Write a folder with some images per class."""
    root.mkdir(parents=True, exist_ok=True)
    for number, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(exist_ok=True)
        for index in range(count):
            write_image(root / name / f"{index:03d}.png", seed=1000 * number + index)
    return root


def form(folder: Path, **fields: Any) -> dict[str, Any]:
    """Return a form for a small dataset."""
    return {
        "dataset_name": "pets",
        "folder_train": str(folder),
        "resize_width": "8",
        "resize_height": "6",
        "seed": "7",
        **fields,
    }


def plans(folder: Path, **fields: Any) -> list[StepPlan]:
    return ClassificationDataset.from_form(form(folder, **fields)).plan()


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., tuple[Path, dict[str, dict[str, Any]]]]:
    """Run every step of a dataset; return its directory and the facts of each step."""

    def run_all(
        folder: Path, *, name: str = "job", cpus: int = 2, **fields: Any
    ) -> tuple[Path, dict[str, dict[str, Any]]]:
        directory = tmp_path / name
        directory.mkdir(exist_ok=True)
        facts = {}
        for plan in plans(folder, **fields):
            run = run_in(directory, cpus=cpus)
            plan.step.run(run)
            facts[plan.key] = run.facts
            assert run.fraction == 1
        return directory, facts

    return run_all
