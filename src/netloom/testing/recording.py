"""A `StepRun` that keeps in memory what a step tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from netloom.interfaces.job import Facts, MetricPoint, SnapshotFile


class RecordingRun:
    """Stands in for the run of a worker; set `stop_after` to ask the step to stop."""

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
    ) -> None:
        self.directory = directory
        self.job_id = job_id
        self.step_key = step_key
        self.attempt = attempt
        self.gpus = gpus
        self.cpus = cpus
        self.stop_after = stop_after
        self.fraction = 0.0
        self.messages: list[str] = []
        self.facts: dict[str, Any] = {}
        self.lines: list[tuple[str, str]] = []  # (level, text)
        self.points: list[MetricPoint] = []
        self.snapshots: list[SnapshotFile] = []
        self._directories = dict(directories or {})
        self._looks = 0

    @property
    def stop_requested(self) -> bool:
        self._looks += 1
        return self.stop_after is not None and self._looks > self.stop_after

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
        self.fraction = fraction
        if message:
            self.messages.append(message)

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

    def values(self, series: str, split: str) -> list[float]:
        """Return the values of one curve in their order."""
        return [
            point.value for point in self.points if (point.series, point.split) == (series, split)
        ]
