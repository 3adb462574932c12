"""What the creation of any job has in common: posted and cloned fields, and errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from netloom.errors import InvalidOptions, JobNotFound
from netloom.interfaces.options import Options
from netloom.store import Job
from netloom.web.posted import Posted
from netloom.web.site import Site

if TYPE_CHECKING:
    from netloom.datasets import ClassificationDataset

LONGEST_NAME = 1000  # characters
NOT_FIELDS = ("username", "clone")


def cloned_id(request: Request, posted: Posted) -> str:
    """Return the id of the job to take fields from, empty if there is none."""
    return request.query_params.get("clone", "") or posted.text("clone")


def values_for(site: Site, request: Request, posted: Posted) -> dict[str, Any]:
    """Return the fields of a creation; those remembered with a cloned job win over posted ones."""
    values = {name: value for name, value in posted.values.items() if name not in NOT_FIELDS}
    clone = cloned_id(request, posted)
    return {**values, **site.store.job(clone).form} if clone else values


def remembered(site: Site, request: Request, kind: str) -> tuple[str, dict[str, Any] | None]:
    """Return the id of the job in `?clone=` and its fields; nothing if there is no such job."""
    clone = request.query_params.get("clone", "")
    if not clone:
        return "", None
    job: Job = site.store.job(clone)
    if job.kind != kind:
        raise JobNotFound(f'"{job.name}" is not a {kind} and cannot be cloned here.')
    return clone, job.form


def check_names(options: Options, *names: str) -> None:
    """Raise InvalidOptions for a name or group that no table could show."""
    errors: Mapping[str, list[str]] = {
        name: [f"Use at most {LONGEST_NAME:,} characters."]
        for name in names
        if len(str(getattr(options, name, ""))) > LONGEST_NAME
    }
    if errors:
        raise InvalidOptions(errors)


def add_dataset(site: Site, user: str, options: ClassificationDataset) -> Job:
    """Add a dataset, which a scheduler will build."""
    site.store.ensure_user(user)
    stored = options.model_dump(mode="json")
    return site.store.add_job(
        kind="dataset",
        type=options.type,
        name=options.dataset_name,
        owner=user,
        options=stored,
        form=stored,
        plan=options.plan(),
        group=options.group_name,
    )


def errors_json(error: InvalidOptions) -> JSONResponse:
    """Return the errors of a creation form, by field."""
    return JSONResponse({"errors": error.errors}, 400)
