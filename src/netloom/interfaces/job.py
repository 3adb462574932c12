"""
Jobs and steps: the work that runs in worker processes.

A job kind is a model of options with a `plan`; the plan is a list of steps with
dependencies. A step is a small Pydantic class registered under the entry point
group `netloom.jobs`; its fields are the stored row, its `run` does the work in a
worker process of its own and tells a `StepRun` how it goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

Facts = Mapping[str, Any]  # JSON values


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a step must be lent before it starts."""

    pool: str = ""  # a named pool with a capacity, e.g. "create_db_task_pool"
    cpus: int = 0  # CPU slots; 0 does not count against them
    gpus: int = 0  # how many free GPUs; taken only where the machine has any
    gpu_ids: tuple[str, ...] = ()  # or exactly these


@dataclass(frozen=True, kw_only=True)
class StepPlan:
    """One step of a job, before it is stored."""

    key: str  # unique in the job, e.g. "create_db-train"; the page's element id is "task-" + key
    title: str  # shown to users, e.g. "Create DB (train)"
    step: Step
    parents: tuple[str, ...] = ()  # keys of steps that must be Done first
    needs: Needs = field(default_factory=Needs)


class Step(BaseModel):
    """Options of one step, and the work itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: ClassVar[str]  # the entry point name in `netloom.jobs`

    def environment(self) -> dict[str, str]:
        """Return the environment variables that the executor sets before the process starts."""
        return {}

    def run(self, run: StepRun) -> None:
        """Do the work in `run.directory`; raise a `NetloomError` that says why it cannot."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class MetricPoint:
    """One value of one curve."""

    series: str  # "loss", "accuracy", "learning_rate", "throughput" ...
    split: str  # "train" or "val"
    iteration: int  # optimiser steps since the start; orders the points and is unique per series
    epoch: float  # the horizontal axis
    value: float


@dataclass(frozen=True, kw_only=True)
class ExportedModel:
    """What an exported network answers, and to what."""

    task: str  # "classification" ...
    classes: tuple[str, ...] = ()
    preprocessing: Facts = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    difference: float | None = None  # largest one from the trained network, on real samples


@dataclass(frozen=True, kw_only=True)
class SnapshotFile:
    """Weights written while training."""

    epoch: float
    iteration: int
    weights: str  # file name in the job directory, safetensors
    network: str = ""  # file name of the exported ONNX network; empty while there is none
    model: ExportedModel | None = None  # of the exported network
    # Of the last validation, for example {"loss": 0.1, "accuracy": 0.98}.
    metrics: Facts = field(default_factory=dict)
    best: bool = False  # at most one snapshot of a job is the best


class StepRun(Protocol):
    """What a running step is told and may tell. Implemented by `netloom.jobs.worker`."""

    job_id: str
    step_key: str
    directory: Path  # the directory of the job; exists
    attempt: int  # 1 at first, more when the step is done again after an interruption
    gpus: tuple[str, ...]  # ids of the GPUs lent; empty means CPU
    cpus: int  # cores this step may use

    @property
    def stop_requested(self) -> bool:
        """Whether the step should save what it needs and return soon."""
        ...

    def directory_of(self, job_id: str) -> Path:
        """Return the directory of another job, for example the dataset of a model."""
        ...

    def progress(
        self,
        fraction: float,
        message: str = "",
        *,
        done: int | None = None,
        total: int | None = None,
        rate: float | None = None,
    ) -> None:
        """Say how far the work is (0..1). Cheap: written to the store a few times a second."""
        ...

    def record(self, facts: Facts) -> None:
        """Merge facts into the step's row at once; the page shows them while the step runs."""
        ...

    def log(self, message: str, level: str = "info") -> None:
        """Add a line to the step's log."""
        ...

    def metrics(self, points: Sequence[MetricPoint]) -> None:
        """Append points to the curves; they are written in batches."""
        ...

    def rewind(self, iteration: int) -> None:
        """Drop every point and snapshot after `iteration`, before a training goes on from there."""
        ...

    def snapshot(self, file: SnapshotFile) -> None:
        """Tell of a snapshot; the newest becomes the latest."""
        ...
