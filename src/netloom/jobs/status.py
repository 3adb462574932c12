"""Status of whole jobs, as tables and pages show it. The table itself is in `netloom.store`."""

from __future__ import annotations

import time

from netloom.store.briefs import Brief
from netloom.store.records import Job
from netloom.store.status import (
    BRIEF_WAIT,
    FINISHED,
    NEXT,
    RUNNING,
    Status,
    after_steps,
    css,
    is_running,
    label,
    may_follow,
    shown,
)

__all__ = [
    "BRIEF_WAIT",
    "FINISHED",
    "NEXT",
    "RUNNING",
    "Status",
    "after_steps",
    "css",
    "elapsed",
    "is_running",
    "label",
    "may_follow",
    "progress",
    "shown",
    "status_of_tasks",
]


def status_of_tasks(job: Job | Brief) -> Status:
    """Return the status that tables show: a model that waits for a GPU is Waiting there."""
    return shown(job.status, (step.status for step in job.steps))


def progress(job: Job | Brief) -> float:
    """Return the mean progress of the steps, 0..1."""
    if not job.steps:
        return 1.0
    return sum(step.progress for step in job.steps) / len(job.steps)


def elapsed(job: Job | Brief, now: float | None = None) -> float:
    """Return the seconds from the first start to the last stop, or until now while it runs."""
    starts = [step.started for step in job.steps if step.started is not None]
    stops = [step.stopped for step in job.steps if step.stopped is not None]
    if not starts:
        return 0.0
    works = any(step.status == Status.RUNNING for step in job.steps)
    end = max(stops) if stops and not works else (now or time.time())
    return max(end - min(starts), 0.0)
