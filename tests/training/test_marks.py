"""When to log, validate and take snapshots."""

from __future__ import annotations

import pytest

from netloom.training.marks import Marks


def marks(**changes: float) -> Marks:
    values = {"images": 100, "steps": 10, "epochs": 4, "snapshot_interval": 1, "val_interval": 1}
    return Marks.of(**{**values, **changes})


def due(of: Marks, what: str) -> list[int]:
    return [iteration for iteration in range(of.total + 1) if getattr(of, what)(iteration)]


@pytest.mark.parametrize(
    ("interval", "iterations"),
    [
        (1, [10, 20, 30, 40]),
        (0.5, [5, 10, 15, 20, 25, 30, 35, 40]),
        (1.5, [15, 30, 40]),
        (0, [40]),
        (100, [40]),
        (0.001, list(range(1, 41))),
        (0.3, [3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 40]),
    ],
)
def test_snapshots(interval, iterations):
    assert due(marks(snapshot_interval=interval), "snapshot_due") == iterations


@pytest.mark.parametrize(
    ("interval", "iterations"),
    [(1, [0, 10, 20, 30, 40]), (3, [0, 30, 40]), (0, []), (0.75, [0, 8, 15, 23, 30, 38, 40])],
)
def test_validations(interval, iterations):
    assert due(marks(val_interval=interval), "validation_due") == iterations


def test_the_curve_gets_eight_points_an_epoch_or_one_every_5000_images():
    assert len(due(marks(images=800, steps=80, epochs=1), "log_due")) == 8
    assert len(due(marks(images=100_000, steps=300, epochs=1), "log_due")) == 20
    assert due(marks(images=30, steps=3, epochs=1), "log_due") == [1, 2, 3]
    assert 80 in due(marks(images=800, steps=80, epochs=1), "log_due")  # the end of the epoch


def test_epochs_are_rounded():
    assert marks(steps=3).epoch(1) == 0.333
    assert marks().epoch(20) == 2
