"""Trainings that go on: aborted ones where they stopped, finished ones for more epochs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from netloom.errors import InvalidInput, JobNotFound
from netloom.store import Job
from netloom.web.auth import User, check_owner
from netloom.web.errors import answers_text
from netloom.web.negotiation import wants_json
from netloom.web.posted import Posted, read_posted
from netloom.web.site import Here, Site
from netloom.web.workbench.actions import form_body
from netloom.web.workbench.described import model_json

router = APIRouter(tags=["models"])

Fields = Annotated[Posted, Depends(read_posted)]


@router.post("/models/{job_id}/resume", dependencies=[Depends(answers_text)])
def resume(job_id: str, user: User, here: Here) -> PlainTextResponse:
    """Let an aborted training go on from its checkpoint, as if it had not been stopped."""
    job = _model(here, job_id)
    check_owner(user, job)
    here.store.resume_job(job.id)
    return PlainTextResponse("Job resumed.")


@router.post(
    "/models/{job_id}/continue",
    response_model=None,
    openapi_extra=form_body(more_epochs="How many epochs are added"),
)
def train_on(
    request: Request, job_id: str, user: User, here: Here, posted: Fields
) -> Response | dict[str, Any]:
    """Train a finished model for more epochs, as a new job that begins with its checkpoint."""
    from netloom.training import train_on

    text = posted.text("more_epochs")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise InvalidInput(f"more_epochs: {text!r} is not a whole number.", field="more_epochs")
    job = _model(here, job_id)
    here.store.ensure_user(user)
    added = train_on(here.store, job, int(text), user)
    if wants_json(request) or posted.is_json:
        return model_json(here.store, added)
    return RedirectResponse(f"/models/{added.id}", 302)


def _model(site: Site, job_id: str) -> Job:
    job = site.store.job(job_id)
    if job.kind != "model":
        raise JobNotFound
    return job
