"""A `StepRun` that keeps in memory what a step tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netloom.interfaces.job import Facts, MetricPoint, SnapshotFile


@dataclass(frozen=True)
class Told:
    """One call of `progress`."""

    fraction: float
    message: str = ""
    done: int | None = None
    total: int | None = None
    rate: float | None = None


class RecordingRun:
    """Stands in for the run of a worker; `stop_after` or `stop_when` asks the step to stop."""

    def __init__(
        self,
        directory: Path,
        *,
        directories: Mapping[str, Path] | None = None,
        job_id: str = "20240105-101500-0a1b",
        step_key: str = "step",
        attempt: int = 1,
        gpus: tuple[str, ...] = (),
        cpus: int = 1,
        stop_after: int | None = None,  # how often the step may look before it is asked
        stop_when: Callable[[RecordingRun], bool] = lambda run: False,
    ) -> None:
        self.directory = directory
        self.job_id = job_id
        self.step_key = step_key
        self.attempt = attempt
        self.gpus = gpus
        self.cpus = cpus
        self.stop_after = stop_after
        self.stop_when = stop_when
        self.told: list[Told] = []
        self.facts: dict[str, Any] = {}
        self.lines: list[tuple[str, str]] = []  # (level, text)
        self.points: list[MetricPoint] = []
        self.snapshots: list[SnapshotFile] = []
        self._directories = dict(directories or {})
        self._looks = 0

    @property
    def stop_requested(self) -> bool:
        self._looks += 1
        too_often = self.stop_after is not None and self._looks > self.stop_after
        return too_often or self.stop_when(self)

    @property
    def fractions(self) -> list[float]:
        """Return how far the step said it was (0..1), call by call."""
        return [told.fraction for told in self.told]

    @property
    def fraction(self) -> float:
        """Return how far the step said it was at last."""
        return self.told[-1].fraction if self.told else 0.0

    def directory_of(self, job_id: str) -> Path:
        return self._directories[job_id]

    def progress(
        self,
        fraction: float,
        message: str = "",
        *,
        done: int | None = None,
        total: int | None = None,
        rate: float | None = None,
    ) -> None:
        self.told.append(Told(fraction, message, done, total, rate))

    def record(self, facts: Facts) -> None:
        self.facts.update(facts)

    def log(self, message: str, level: str = "info") -> None:
        self.lines.append((level, message))

    def metrics(self, points: Sequence[MetricPoint]) -> None:
        self.points.extend(points)

    def rewind(self, iteration: int) -> None:
        self.points = [point for point in self.points if point.iteration <= iteration]
        for file in self.snapshots:
            if file.iteration > iteration:
                for name in (file.weights, file.network):
                    if name:
                        (self.directory / name).unlink(missing_ok=True)
        self.snapshots = [file for file in self.snapshots if file.iteration <= iteration]

    def snapshot(self, file: SnapshotFile) -> None:
        kept = [other for other in self.snapshots if other.iteration != file.iteration]
        self.snapshots = [*kept, file]

    def curve(self, series: str, split: str = "train") -> list[tuple[int, float]]:
        """Return (iteration, value) of one curve in its order."""
        return [
            (point.iteration, point.value)
            for point in self.points
            if (point.series, point.split) == (series, split)
        ]
