"""What the creation of any job has in common: posted and cloned fields, and errors."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse

from netloom.errors import InvalidOptions, JobNotFound
from netloom.interfaces.options import Options
from netloom.store import Job
from netloom.web.posted import Posted
from netloom.web.site import Site

if TYPE_CHECKING:
    from netloom.datasets import ClassificationDataset
    from netloom.datasets.methods import FetchPage, Upload

LONGEST_NAME = 1000  # characters
LONGEST_FILE_NAME = 200  # characters, the last ones
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


def add_dataset(
    site: Site,
    user: str,
    options: ClassificationDataset,
    files: Mapping[str, UploadFile] | None = None,
) -> Job:
    """Add a dataset, which a scheduler will build; uploads that it uses are kept with it."""
    site.store.ensure_user(user)
    return site.store.add_job(
        kind="dataset",
        type=options.type,
        name=options.dataset_name,
        owner=user,
        options=options.model_dump(mode="json"),
        form=options.remembered(),
        plan=options.plan(roots=tuple(map(str, site.roots.folders))),
        group=options.group_name,
        files={name: (files or {})[field].file for field, name in options.uploads().items()},
    )


def page_fetcher(site: Site) -> FetchPage:
    """Return how pages that list a folder are fetched for a user."""
    from netloom.datasets.folders import fetch_listing

    return functools.partial(fetch_listing, allow_private=site.settings.fetch_private)


def uploads(posted: Posted) -> dict[str, Upload]:
    """Return the files of a form; a box in which none was chosen sends one without a name."""
    from netloom.datasets.methods import Upload

    return {
        field: Upload(name=(file.filename or field)[-LONGEST_FILE_NAME:], file=file.file)
        for field, file in posted.files.items()
        if file.filename or file.size
    }


def errors_json(error: InvalidOptions) -> JSONResponse:
    """Return the errors of a creation form, by field."""
    return JSONResponse({"errors": error.errors}, 400)
