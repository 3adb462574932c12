"""Pretrained models: made of a snapshot, uploaded, shown."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from netloom.errors import BadWeights, InvalidInput, InvalidOptions, JobNotFound
from netloom.store import Job
from netloom.web.auth import User, may_edit, named_in
from netloom.web.models import parsed_epoch
from netloom.web.negotiation import wants_json
from netloom.web.posted import Posted, read_posted
from netloom.web.site import Here, Site
from netloom.web.workbench import creation, forms, panels
from netloom.web.workbench.described import brief
from netloom.web.workbench.fragments import PretrainedFragment
from netloom.web.workbench.model_parts import PretrainedRow, PretrainedTable
from netloom.web.workbench.pages import PretrainedNewPage, PretrainedPage
from netloom.web.workbench.render import render
from netloom.web.workbench.rows import address

router = APIRouter(tags=["pretrained models"])

Fields = Annotated[Posted, Depends(read_posted)]
Epoch = Annotated[str, Query(description="Of the snapshot; the latest if absent")]
TABLE = "/?tab=3"
NEW = "/pretrained_models/new"
MOST_ROWS = 500
MOST_LABELS = 1000  # on the page of one
PURPOSES = {"network.py": "Network text", "labels.txt": "Class names, one per line"}
WEIGHTS = (".safetensors", ".pt", ".pth")
LARGEST_TEXT = 1_000_000  # bytes of a network text
LARGEST_LABELS = 10_000_000  # bytes


@router.get("/models/{job_id}/to_pretrained", response_model=None)
@router.post("/models/{job_id}/to_pretrained", response_model=None)
def to_pretrained(
    request: Request, job_id: str, user: User, here: Here, posted: Fields, epoch: Epoch = ""
) -> Response | dict[str, Any]:
    """Keep a snapshot as a pretrained model, from which other trainings start."""
    from netloom.training import from_snapshot

    wanted = parsed_epoch(epoch or posted.text("snapshot_epoch"))
    here.store.ensure_user(user)
    job = from_snapshot(here.store, here.store.job(job_id), wanted, user)
    return brief(job) if wants_json(request) else RedirectResponse(TABLE, 302)


@router.get(NEW)
def new(request: Request, user: User) -> Response:
    """Show the form of an upload."""
    return _form_page(request, None, {})


@router.post(NEW, response_model=None)
@router.post(f"{NEW}.json", response_model=None)
def upload(request: Request, user: User, here: Here, posted: Fields) -> Response | dict[str, Any]:
    """Keep an uploaded network text with its weights and class names."""
    as_json = wants_json(request)
    try:
        job = _uploaded(here, user, posted)
    except InvalidOptions as error:
        if as_json:
            return creation.errors_json(error)
        return _form_page(request, posted.values, error.errors, status=400)
    return brief(job) if as_json else RedirectResponse(TABLE, 302)


@router.get("/pretrained_models/{job_id}", response_model=None)
@router.get("/pretrained_models/{job_id}.json", response_model=None)
def show(request: Request, job_id: str, here: Here) -> Response | dict[str, Any]:
    """Show a pretrained model, or describe it in JSON."""
    job = pretrained_job(here, job_id)
    if not wants_json(request):
        return render(request, _page(request, here, job))
    return {
        **brief(job),
        "directory": str(here.store.files.directory(job.id)),
        "framework": job.framework,
        "username": job.owner,
        "has_labels": bool(job.facts.get("labels")),
        "image dimensions": job.facts.get("image_dimensions"),
        "image resize mode": job.facts.get("resize_mode"),
        "snapshot file": job.facts.get("weights_file"),
    }


@router.get("/fragments/pretrained", include_in_schema=False)
def table(request: Request, here: Here) -> Response:
    """Show the pretrained models."""
    return render(request, PretrainedFragment(pretrained=rows(here, named_in(request))))


def rows(site: Site, user: str, *, shown: bool = True) -> PretrainedTable:
    """Return the table of pretrained models, newest first; one not shown is only counted."""
    jobs, total = site.store.jobs(kind="pretrained", limit=MOST_ROWS if shown else 0)
    return PretrainedTable(
        total=total,
        rows=tuple(
            PretrainedRow(
                id=job.id,
                url=address(job),
                name=job.name,
                framework=job.framework,
                owner=job.owner or "",
                labels=int(job.facts.get("labels") or 0),
                images=images_in_words(job),
                submitted=job.created,
                editable=may_edit(user, job),
            )
            for job in jobs
        ),
    )


def images_in_words(job: Job) -> str:
    """Return what images a network is for: "28 × 28, grey"; empty if that is not known."""
    height, width, channels = job.facts.get("image_dimensions") or (0, 0, 0)
    return f"{width} × {height}, {'grey' if channels == 1 else 'colour'}" if width else ""


def _page(request: Request, site: Site, job: Job) -> PretrainedPage:
    from netloom.datasets.entries import LABELS, read_labels
    from netloom.training import text_of

    directory = site.store.files.directory(job.id)
    labels = directory / LABELS
    try:
        text = text_of(site.store, job)
    except BadWeights:
        text = ""
    return PretrainedPage(
        job=panels.header(job, named_in(request)),
        framework=job.framework,
        images=images_in_words(job),
        resize_mode=str(job.facts.get("resize_mode") or ""),
        labels=tuple(read_labels(labels)[:MOST_LABELS]) if labels.exists() else (),
        labels_total=int(job.facts.get("labels") or 0),
        network_text=text,
        directory=str(directory),
        bytes=site.store.files.size(job.id),
        files=panels.files(directory, {**PURPOSES, str(job.facts["weights_file"]): "Weights"}),
    )


def _form_page(
    request: Request,
    values: Mapping[str, Any] | None,
    errors: Mapping[str, list[str]],
    *,
    status: int = 200,
) -> Response:
    from netloom.training import PretrainedFields

    form = forms.build(PretrainedFields, action=NEW, values=values, errors=errors)
    return render(request, PretrainedNewPage(form=form), status=status)


def pretrained_job(site: Site, job_id: str) -> Job:
    """Return a pretrained model; raise JobNotFound."""
    job = site.store.job(job_id)
    if job.kind != "pretrained":
        raise JobNotFound
    return job


def _uploaded(site: Site, user: str, posted: Posted) -> Job:
    """Add the pretrained model of a form; raise InvalidOptions with every field that is wrong."""
    from netloom.training import PretrainedFields, add_pretrained

    errors: dict[str, list[str]] = {}
    with _collected(errors):
        fields = PretrainedFields.from_form(posted.values)
    with _collected(errors, "weights_file"):
        weights = _file(posted, "weights_file", WEIGHTS)
    with _collected(errors, "model_def_file"):
        _file(posted, "model_def_file", (".py",))
        text = _text(posted, "model_def_file", LARGEST_TEXT)
    with _collected(errors, "labels_file"):
        labels = _text(posted, "labels_file", LARGEST_LABELS)
    if errors:
        raise InvalidOptions(errors)
    site.store.ensure_user(user)
    with _collected(errors, "weights_file"), _saved(site, weights) as path:
        return add_pretrained(
            site.store,
            name=fields.job_name,
            owner=user,
            framework=fields.framework,
            text=text,
            weights=path,
            labels=[line.strip() for line in labels.split("\n") if line.strip()],
            facts=fields.facts(),
        )
    raise InvalidOptions(errors)


@contextmanager
def _collected(errors: dict[str, list[str]], field: str = "") -> Iterator[None]:
    """Keep what is wrong with a field, to tell of all of them at once."""
    try:
        yield
    except InvalidOptions as error:
        errors.update(error.errors)
    except InvalidInput as error:
        errors.setdefault(error.field or field, []).append(str(error))


def _file(posted: Posted, field: str, suffixes: tuple[str, ...]) -> UploadFile:
    upload = posted.files.get(field)
    if upload is None or not upload.filename:
        raise InvalidInput("Choose a file.")
    if Path(upload.filename).suffix.lower() not in suffixes:
        raise InvalidInput(f"{upload.filename!r} is not {' or '.join(suffixes)}.")
    return upload


def _text(posted: Posted, field: str, most: int) -> str:
    """Return an uploaded text, empty if there is none."""
    upload = posted.files.get(field)
    if upload is None or not upload.filename:
        return ""
    data = upload.file.read(most + 1)
    if len(data) > most:
        raise InvalidInput(f"{upload.filename!r} has more than {most:,} bytes.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput(f"{upload.filename!r} is not a text in UTF-8.") from None
    if "\0" in text:
        raise InvalidInput(f"{upload.filename!r} is not a text.")
    return text


@contextmanager
def _saved(site: Site, upload: UploadFile) -> Iterator[Path]:
    """Lend an upload as a file of a name that was not sent."""
    with site.store.files.temporary() as folder:
        path = folder / f"weights{Path(upload.filename or '').suffix.lower()}"
        with path.open("wb") as file:
            shutil.copyfileobj(upload.file, file, 2**20)
        yield path
