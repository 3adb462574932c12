"""Any job: status, live fragments, log, events, files."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)

from netloom.errors import InvalidInput, JobNotFound, NotFound
from netloom.store import Job
from netloom.web.auth import named_in
from netloom.web.negotiation import json_as_text
from netloom.web.paths import below, media_type
from netloom.web.site import Here, Site
from netloom.web.workbench import panels
from netloom.web.workbench.fragments import (
    HistoryFragment,
    JobHeaderFragment,
    LogFragment,
    StepsFragment,
)
from netloom.web.workbench.parts import LogEntry
from netloom.web.workbench.render import render
from netloom.web.workbench.rows import address, status_of

router = APIRouter(tags=["jobs"])

# What a job wrote is shown by itself, never as part of this site.
FILE_HEADERS = {"content-security-policy": "sandbox; default-src 'none'; img-src 'self'"}


@router.get("/jobs/{job_id}")
def show(job_id: str, here: Here) -> RedirectResponse:
    """Go on to the page of a job."""
    return RedirectResponse(address(here.store.job(job_id)), 302)


@router.get("/jobs/{job_id}/status")
@router.get("/datasets/{job_id}/status")
@router.get("/models/{job_id}/status")
def status(request: Request, job_id: str, here: Here) -> Response:
    """Return error, status, name and type; always with status 200."""
    try:
        job = here.store.job(job_id)
    except JobNotFound:
        return json_as_text(request, {"error": "Job not found."})
    answer = {"status": status_of(job.status).name, "name": job.name, "type": job.type}
    return json_as_text(request, {"error": None, **answer})


@router.get("/jobs/{job_id}/header", include_in_schema=False)
def header(request: Request, job_id: str, here: Here) -> Response:
    """Show the head of a job's page."""
    job = here.store.job(job_id)
    return render(request, JobHeaderFragment(job=panels.header(job, named_in(request))))


@router.get("/jobs/{job_id}/steps", include_in_schema=False)
def steps(request: Request, job_id: str, here: Here) -> Response:
    """Show the steps of a job."""
    job = here.store.job(job_id)
    fragment = StepsFragment(job=panels.header(job, named_in(request)), steps=panels.steps(job))
    return render(request, fragment)


@router.get("/jobs/{job_id}/history", include_in_schema=False)
def history(request: Request, job_id: str, here: Here) -> Response:
    """Show the status history of a job."""
    job = here.store.job(job_id)
    return render(request, HistoryFragment(history=panels.history(here.store, job)))


@router.get("/datasets/{job_id}/log")
@router.get("/models/{job_id}/log")
def log(
    request: Request,
    job_id: str,
    here: Here,
    step: Annotated[str, Query(description="Key of a step; all steps if empty")] = "",
    format: Annotated[str, Query(description='"text" for the whole log')] = "",
) -> Response:
    """Show the last lines of a job's log, or all of it as text."""
    job = _narrowed(here.store.job(job_id), step)
    if format == "text":
        return PlainTextResponse(_log_text(here, job))
    entries = panels.log(here.store, job)
    return render(request, LogFragment(job_id=job_id, entries=entries))


@router.get("/events", responses={200: {"content": {"text/event-stream": {}}}})
async def events(
    request: Request,
    here: Here,
    job: Annotated[str, Query(description="Only events of this job; all if empty")] = "",
    after: Annotated[str, Query(description="Id of the last event seen")] = "",
) -> StreamingResponse:
    """Stream what happens as Server-Sent Events; `Last-Event-ID` goes on after a break.

    Events are named added, deleted, status, progress, facts, metrics, snapshot, name, group,
    notes, disk and resources; their data is a JSON object with `job_id` and `time`.
    """
    seen = request.headers.get("last-event-id") or after
    if seen and not (seen.isdecimal() and len(seen) < 19):
        raise InvalidInput(f"after: {seen!r} is not the id of an event.", field="after")
    return StreamingResponse(
        here.events.listen(job, int(seen) if seen else None),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


@router.get("/files/{path:path}", response_model=None)
@router.head("/files/{path:path}", include_in_schema=False, response_model=None)
def file(path: str, here: Here) -> FileResponse:
    """Return a file of a job, by its path below the jobs directory; parts by `Range`."""
    found = below(here.store.files.jobs, path)
    if found is None:
        raise NotFound(f"There is no file {path!r}.")
    return FileResponse(found, media_type=media_type(found.name), headers=FILE_HEADERS)


def _narrowed(job: Job, key: str) -> Job:
    if key:
        job.steps = [step for step in job.steps if step.key == key]
        if not job.steps:
            raise NotFound(f"The job has no step {key!r}.")
    return job


def _log_text(site: Site, job: Job) -> str:
    def line(entry: LogEntry) -> str:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.time))
        return f"{when} [{entry.level.upper():<7}] {entry.text}\n"

    entries = panels.log(site.store, job, panels.WHOLE_LOG)
    return "".join(line(entry) for entry in entries)
