"""
The fragments: parts of pages that are fetched alone, a frozen record each.

A template's name is the fragment's name in snake case without "Fragment" and with an
underscore before it: `_dataset_summary.html`. The pages themselves include the same templates.
"""

from __future__ import annotations

from dataclasses import dataclass

from netloom.jobs import Use
from netloom.web.workbench.dataset_parts import DatabasePanel, DatasetSummary, ParsePanel
from netloom.web.workbench.evaluation_parts import Evaluating
from netloom.web.workbench.model_parts import PretrainedTable, Score, SnapshotChoice
from netloom.web.workbench.parts import (
    Frame,
    History,
    JobHeader,
    JobRow,
    LogEntry,
    StepPanel,
    Table,
)


@dataclass(frozen=True, kw_only=True)
class Fragment:
    """Base of what htmx exchanges: rendered without `frame`."""


@dataclass(frozen=True, kw_only=True)
class EvaluatingFragment(Fragment):
    """GET evaluate/progress: how far an evaluation is."""

    evaluating: Evaluating


@dataclass(frozen=True, kw_only=True)
class MetersFragment(Fragment):
    """GET /fragments/meters: running jobs and free cores in the header."""

    frame: Frame


@dataclass(frozen=True, kw_only=True)
class DatasetSummaryFragment(Fragment):
    """GET /datasets/summary?job_id=..."""

    dataset: DatasetSummary


@dataclass(frozen=True, kw_only=True)
class JobHeaderFragment(Fragment):
    """GET /jobs/{id}/header."""

    job: JobHeader


@dataclass(frozen=True, kw_only=True)
class StepsFragment(Fragment):
    """GET /jobs/{id}/steps."""

    job: JobHeader
    steps: tuple[StepPanel, ...]


@dataclass(frozen=True, kw_only=True)
class HardwareFragment(Fragment):
    """GET /jobs/{id}/hardware, every second while somebody looks."""

    job_id: str
    hardware: Use | None  # None: nothing of the job runs on this machine
    running: bool  # it may still come


@dataclass(frozen=True, kw_only=True)
class HistoryFragment(Fragment):
    """GET /jobs/{id}/history."""

    history: History


@dataclass(frozen=True, kw_only=True)
class LogFragment(Fragment):
    """GET /datasets/{id}/log, /models/{id}/log: the last lines, oldest first."""

    job_id: str
    entries: tuple[LogEntry, ...]


@dataclass(frozen=True, kw_only=True)
class RunningFragment(Fragment):
    """GET /fragments/running: the table of running jobs on the home page."""

    running: tuple[JobRow, ...]


@dataclass(frozen=True, kw_only=True)
class TableFragment(Fragment):
    """GET /fragments/datasets and /fragments/models with the table's parameters."""

    table: Table


@dataclass(frozen=True, kw_only=True)
class PretrainedFragment(Fragment):
    """GET /fragments/pretrained: the table of pretrained models."""

    pretrained: PretrainedTable


@dataclass(frozen=True, kw_only=True)
class DatabasesFragment(Fragment):
    """GET /datasets/{id}/databases: parse results and class charts while the dataset is built."""

    job: JobHeader
    parses: tuple[ParsePanel, ...]
    databases: tuple[DatabasePanel, ...]


@dataclass(frozen=True, kw_only=True)
class SnapshotsFragment(Fragment):
    """GET /models/{id}/snapshots: the snapshot select and what can be done with it."""

    job: JobHeader
    snapshots: tuple[SnapshotChoice, ...]


@dataclass(frozen=True, kw_only=True)
class ResizeExampleFragment(Fragment):
    """POST /datasets/images/resize-example; an error is a sentence in plain text instead."""

    image_url: str  # data URL
    bytes: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class PredictionFragment(Fragment):
    """POST classify_one with the header HX-Request: the answer for the model page."""

    epoch: str
    image: str
    image_url: str
    scores: tuple[Score, ...]
    milliseconds: float
