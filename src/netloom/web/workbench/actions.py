"""What can be done to jobs: rename, regroup, abort, delete; one or many. Answers are plain text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse

from netloom import jobs
from netloom.errors import InvalidInput, JobNotFound, NetloomError, NotPermitted
from netloom.store import Job
from netloom.web.auth import User, check_owner
from netloom.web.errors import answers_text
from netloom.web.posted import Posted, read_posted
from netloom.web.site import Here, Site
from netloom.web.workbench.panels import CREATION_PAGES
from netloom.web.workbench.rows import PLACES

router = APIRouter(tags=["jobs"])
action = APIRouter(tags=["jobs"], dependencies=[Depends(answers_text)])

Fields = Annotated[Posted, Depends(read_posted)]
LONGEST_NAME = 1000
LONGEST_NOTES = 100_000
MOST_AT_ONCE = 10_000

FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


def form_body(**fields: str) -> dict[str, object]:
    """Return what the description of the interface says about a form's fields."""
    properties = {
        name: {"type": "string", "description": text}
        if not name.endswith("[]")
        else {"type": "array", "items": {"type": "string"}, "description": text}
        for name, text in fields.items()
    }
    schema = {"schema": {"type": "object", "properties": properties}}
    return {"requestBody": {"content": dict.fromkeys(FORMS, schema)}}


MANY = form_body(**{"job_ids[]": "Ids of jobs, repeated"})


@action.put(
    "/jobs/{job_id}",
    openapi_extra=form_body(job_name="New name", job_notes="New notes; blank clears them"),
)
def edit(job_id: str, user: User, here: Here, posted: Fields) -> PlainTextResponse:
    """Rename a job or change its notes."""
    job = here.store.job(job_id)
    check_owner(user, job)
    name = posted.text("job_name") if "job_name" in posted.values else None
    notes = posted.text("job_notes") if "job_notes" in posted.values else None
    if name is None and notes is None:
        raise InvalidInput("Give job_name or job_notes.")
    if name == "":
        raise InvalidInput("name cannot be blank", field="job_name")
    _check_length(name, LONGEST_NAME, "job_name")
    _check_length(notes, LONGEST_NOTES, "job_notes")
    here.store.edit_job(job_id, name=name, notes=notes)
    return PlainTextResponse(f"{job.type} updated.")


@action.delete("/jobs/{job_id}")
@action.delete("/datasets/{job_id}")
@action.delete("/models/{job_id}")
@action.delete("/pretrained_models/{job_id}")
def delete(request: Request, job_id: str, user: User, here: Here) -> PlainTextResponse:
    """Delete a job and its files; a running one is aborted first."""
    _delete(here, user, _fitting(request, here, job_id))
    return PlainTextResponse("Job deleted.")


@action.delete("/jobs", openapi_extra=MANY)
def delete_many(user: User, here: Here, posted: Fields) -> PlainTextResponse:
    """Delete several jobs; models before the datasets they were trained on."""
    _each(here, posted, lambda job: _delete(here, user, job), "deleted")
    return PlainTextResponse("Jobs deleted.")


@action.post("/jobs/{job_id}/abort")
@action.post("/datasets/{job_id}/abort")
@action.post("/models/{job_id}/abort")
def abort(request: Request, job_id: str, user: User, here: Here) -> PlainTextResponse:
    """Abort a running job; its snapshots stay."""
    _abort(here, user, _fitting(request, here, job_id))
    return PlainTextResponse("Job aborted.")


@action.post("/abort_jobs", openapi_extra=MANY)
def abort_many(user: User, here: Here, posted: Fields) -> PlainTextResponse:
    """Abort several jobs."""
    _each(here, posted, lambda job: _abort(here, user, job), "aborted")
    return PlainTextResponse("Jobs aborted.")


@action.get("/group")
@action.post(
    "/group",
    openapi_extra=form_body(
        **{"group_name": "Group; blank takes the jobs out of theirs", "job_ids[]": "Ids of jobs"}
    ),
)
def group(request: Request, user: User, here: Here, posted: Fields) -> PlainTextResponse:
    """Put jobs into a group."""
    name = request.query_params.get("group_name") or posted.text("group_name")
    _check_length(name, LONGEST_NAME, "group_name")
    ids = [*posted.all("job_ids[]"), *request.query_params.getlist("job_ids[]")]

    def regroup(job: Job) -> None:
        check_owner(user, job)
        here.store.edit_job(job.id, group=name)

    _each(here, Posted(values={"job_ids[]": ids}), regroup, "regrouped")
    return PlainTextResponse("Jobs regrouped.")


@router.get("/clone/{job_id}")
@router.post("/clone/{job_id}")
def clone(job_id: str, user: User, here: Here) -> RedirectResponse:
    """Go on to the creation page with the fields of a job filled in."""
    job = here.store.job(job_id)
    if job.kind not in CREATION_PAGES:
        raise InvalidInput("Invalid job type")
    return RedirectResponse(f"{CREATION_PAGES[job.kind]}?clone={job.id}", 302)


def _fitting(request: Request, site: Site, job_id: str) -> Job:
    """Return the job; under /datasets and /models only one of that kind."""
    job = site.store.job(job_id)
    if request.url.path.split("/")[1] not in ("jobs", PLACES[job.kind]):
        raise JobNotFound
    return job


def _abort(site: Site, user: str, job: Job) -> None:
    check_owner(user, job)
    jobs.abort(site.store, job.id)


def _delete(site: Site, user: str, job: Job) -> None:
    check_owner(user, job)
    jobs.delete(site.store, job.id)
    site.models.forget(job.id)
    site.datasets.forget(job.id)


def _each(site: Site, posted: Posted, act: Callable[[Job], None], done: str) -> None:
    """Do something to each job that was posted; raise InvalidInput that counts what failed."""
    ids = list(dict.fromkeys(posted.all("job_ids[]") or posted.all("job_ids")))
    if not ids:
        raise InvalidInput("job_ids[] is a required field", field="job_ids[]")
    if len(ids) > MOST_AT_ONCE:
        raise InvalidInput(f"At most {MOST_AT_ONCE:,} jobs at once.", field="job_ids[]")
    found: list[Job] = []
    missing, forbidden, failed = 0, 0, 0
    for job_id in ids:
        try:
            found.append(site.store.job(job_id))
        except JobNotFound:
            missing += 1
    for job in sorted(found, key=lambda job: job.kind != "model"):
        try:
            act(job)
        except JobNotFound:
            missing += 1
        except NotPermitted as error:
            owned = type(error) is NotPermitted
            forbidden, failed = forbidden + owned, failed + (not owned)
        except NetloomError:
            failed += 1
    told = (
        _counted(missing, "not found"),
        _counted(forbidden, f"not permitted to be {done}"),
        _counted(failed, f"failed to be {done}"),
    )
    if any(told):
        raise InvalidInput(" ".join(text for text in told if text))


def _counted(number: int, what: str) -> str:
    return f"{number} job{'' if number == 1 else 's'} {what}." if number else ""


def _check_length(text: str | None, most: int, field: str) -> None:
    if text is not None and len(text) > most:
        raise InvalidInput(f"{field}: Use at most {most:,} characters.", field=field)
