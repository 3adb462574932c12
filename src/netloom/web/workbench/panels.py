"""What every job page shows: header, steps, history, log, files."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from netloom import jobs
from netloom.errors import JobNotFound
from netloom.store import Brief, Job, Step, Store
from netloom.store import status as states
from netloom.web.auth import may_edit
from netloom.web.workbench.model_parts import ModelLink
from netloom.web.workbench.parts import Change, FileLink, History, JobHeader, LogEntry, StepPanel
from netloom.web.workbench.rows import (
    address,
    eta,
    failed_step,
    job_eta,
    progress,
    status_of,
    status_of_tasks,
)

LOG_LINES = 200
WHOLE_LOG = 100_000  # lines
MOST_FILES = 500
CREATION_PAGES = {
    "dataset": "/datasets/images/classification/new",
    "model": "/models/images/classification/new",
}


def header(job: Job, user: str) -> JobHeader:
    """Return the head of a job's page."""
    failed = failed_step(job)
    editable = may_edit(user, job)
    url = address(job)
    return JobHeader(
        id=job.id,
        kind=job.kind,
        type=job.type,
        name=job.name,
        group=job.group,
        notes=job.notes,
        owner=job.owner or "",
        url=url,
        json_url=f"{url}.json",
        status=status_of_tasks(job),
        progress=progress(job),
        created=job.created,
        elapsed=jobs.elapsed(job),
        eta=job_eta(job),
        editable=editable,
        abortable=editable and states.is_running(job.status),
        clone_url=f"{CREATION_PAGES[job.kind]}?clone={job.id}"
        if job.kind in CREATION_PAGES
        else "",
        error=failed.error if failed else "",
        hint=failed.hint if failed else "",
        error_field=failed.field if failed else "",
        failed_step=failed.title if failed else "",
    )


def steps(job: Job) -> tuple[StepPanel, ...]:
    """Return one panel per step."""
    return tuple(_step(job, step) for step in job.steps)


def history(store: Store, job: Job) -> History:
    """Return the status history of a job."""
    entries = store.history(job.id)
    ended = len(entries) > 1 and not states.is_running(entries[-1][0])
    total = entries[-1][1] - entries[0][1] if ended else None
    return History(job_id=job.id, changes=_changes(entries), total=total)


def log(store: Store, job: Job, lines: int = LOG_LINES) -> tuple[LogEntry, ...]:
    """Return the last lines that the steps of a job said, oldest first."""
    found = [
        LogEntry(time=line.time, level=line.level, text=line.text)
        for step in job.steps
        for line in store.log(step.id, tail=lines)
    ]
    return tuple(sorted(found, key=lambda entry: entry.time)[-lines:])


def disk(store: Store, job: Job) -> int:
    """Return what a job takes on the disk; for one that has ended, tables learn of it, too."""
    with contextlib.suppress(JobNotFound):  # just deleted
        if not states.is_running(job.status):
            return jobs.measure(store, job)
    return store.files.size(job.id)


def files(directory: Path, purposes: dict[str, str]) -> tuple[FileLink, ...]:
    """Return the files of a job's directory by name; what is hidden or half-written is not told."""
    found = []
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False) and not entry.name.startswith("."):
                    size = entry.stat(follow_symlinks=False).st_size
                    found.append((entry.name, size))
    except FileNotFoundError:  # just deleted
        return ()
    return tuple(
        FileLink(
            name=name,
            url=file_url(directory.name, name),
            bytes=size,
            purpose=purposes.get(name, ""),
        )
        for name, size in sorted(found)[:MOST_FILES]
    )


def file_url(job_id: str, name: str) -> str:
    """Return the address of a file of a job."""
    return f"/files/{job_id}/{quote(name)}"


def model_links(store: Store, models: Sequence[Brief]) -> tuple[ModelLink, ...]:
    """Return models as links; they must have come with their steps."""
    curves = store.series_summary([job.id for job in models], names=["accuracy"])
    links = []
    for job in models:
        accuracy = curves.get(job.id, {}).get(("val", "accuracy"))
        last = accuracy.last if accuracy else None
        links.append(
            ModelLink(
                id=job.id,
                name=job.name,
                url=address(job),
                status=status_of_tasks(job),
                accuracy=None if last is None else 100 * last,
                framework=job.framework,
            )
        )
    return tuple(links)


def _step(job: Job, step: Step) -> StepPanel:
    end = time.time() if step.status == "R" or not step.stopped else step.stopped
    return StepPanel(
        element=f"task-{step.key}",
        key=step.key,
        title=step.title,
        status=status_of(step.status),
        progress=int(100 * step.progress),
        message=step.message,
        done=step.done,
        total=step.total,
        rate=step.rate,
        eta=eta(step),
        elapsed=max(0.0, end - step.started) if step.started else 0.0,
        error=step.error,
        hint=step.hint,
        trace=step.trace,
        log_url=f"{address(job)}/log?step={quote(step.key)}&format=text",
    )


def _changes(entries: list[tuple[str, float]]) -> tuple[Change, ...]:
    ends: list[float | None] = [*(when for _, when in entries[1:]), None]
    return tuple(
        Change(
            status=status_of(code), time=when, seconds=None if end is None else max(0.0, end - when)
        )
        for (code, when), end in zip(entries, ends, strict=False)
    )
