"""Classification datasets: creation, page, description, explorer, resize example."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from netloom.errors import InvalidInput, InvalidOptions, JobNotFound
from netloom.store import Job
from netloom.web.auth import User, named_in
from netloom.web.format import data_url
from netloom.web.negotiation import wants_json
from netloom.web.posted import Posted, read_posted
from netloom.web.site import Here, Site
from netloom.web.workbench import creation, dataset_view, forms, panels
from netloom.web.workbench.described import brief, dataset_json
from netloom.web.workbench.fragments import (
    DatabasesFragment,
    DatasetSummaryFragment,
    ResizeExampleFragment,
)
from netloom.web.workbench.pages import DatasetNewPage, DatasetPage
from netloom.web.workbench.render import render

if TYPE_CHECKING:
    from netloom.datasets import ClassificationDataset
    from netloom.images import Pixels

router = APIRouter(tags=["datasets"])

Fields = Annotated[Posted, Depends(read_posted)]
CREATE = "/datasets/images/classification"
MOST_EXAMPLE_PIXELS = 4_000_000
MOST_MODELS = 100  # on the page of a dataset


@router.get(f"{CREATE}/new")
def new(request: Request, user: User, here: Here) -> Response:
    """Show the form of a new dataset; `clone` fills it with the fields of another."""
    clone, values = creation.remembered(here, request, "dataset")
    return _form_page(request, here, values, {}, clone=clone)


@router.post(CREATE, response_model=None)
@router.post(f"{CREATE}/", include_in_schema=False, response_model=None)
@router.post(f"{CREATE}.json", response_model=None)
@router.post(f"{CREATE}.json/", include_in_schema=False, response_model=None)
def create(request: Request, user: User, here: Here, posted: Fields) -> Response | dict[str, Any]:
    """Create a dataset and start to build it."""
    from netloom.datasets import ClassificationDataset

    values = creation.values_for(here, request, posted)
    as_json = wants_json(request) or posted.is_json or request.url.path.endswith(".json/")
    try:
        options = ClassificationDataset.from_form(
            values,
            check_path=lambda path: here.roots.check(Path(path)),
            files=creation.uploads(posted),
            fetch_page=creation.page_fetcher(here),
        )
        creation.check_names(options, "dataset_name", "group_name")
    except InvalidOptions as error:
        if as_json:
            return creation.errors_json(error)
        return _form_page(request, here, values, error.errors, status=400)
    job = creation.add_dataset(here, user, options, posted.files)
    return brief(job) if as_json else RedirectResponse(f"/datasets/{job.id}", 302)


@router.get("/datasets/summary")
@router.post("/datasets/summary", include_in_schema=False)
def summary(request: Request, here: Here, posted: Fields, job_id: str = "") -> Response:
    """Show a dataset in a few lines of HTML."""
    job_id = job_id or posted.text("job_id")
    if not job_id:
        raise InvalidInput("job_id is a required field", field="job_id")
    dataset = dataset_view.summary(dataset_job(here, job_id))
    return render(request, DatasetSummaryFragment(dataset=dataset))


@router.post("/datasets/images/resize-example")
def resize_example(request: Request, here: Here, posted: Fields) -> Response:
    """Show a sample picture as the dataset would hold it; errors are plain text, status 200."""
    try:
        return render(request, _resized(posted))
    except InvalidOptions as error:
        told = [f"{name}: {' '.join(texts)}" for name, texts in error.errors.items()]
        return PlainTextResponse(" ".join(told))


# After all the fixed paths below /datasets: `{job_id}` fits them, too.


@router.get("/datasets/{job_id}", response_model=None)
@router.get("/datasets/{job_id}.json", response_model=None)
def show(request: Request, job_id: str, here: Here) -> Response | dict[str, Any]:
    """Show a dataset, or describe it in JSON."""
    job = dataset_job(here, job_id)
    if wants_json(request):
        return dataset_json(here.store, job)
    return render(request, _page(request, here, job))


@router.get("/datasets/{job_id}/databases", include_in_schema=False)
def databases(request: Request, job_id: str, here: Here) -> Response:
    """Show parse results and class charts while the dataset is built."""
    job = dataset_job(here, job_id)
    fragment = DatabasesFragment(
        job=panels.header(job, named_in(request)),
        parses=dataset_view.parses(job),
        databases=dataset_view.databases(here.store, job),
    )
    return render(request, fragment)


def dataset_job(site: Site, job_id: str) -> Job:
    """Return a dataset; raise JobNotFound."""
    job = site.store.job(job_id)
    if job.kind != "dataset":
        raise JobNotFound
    return job


def _page(request: Request, site: Site, job: Job) -> DatasetPage:
    directory = site.store.files.directory(job.id)
    models = site.store.briefs("model", dataset_id=job.id, limit=MOST_MODELS, steps=True)
    return DatasetPage(
        job=panels.header(job, named_in(request)),
        summary=dataset_view.summary(job),
        directory=str(directory),
        bytes=panels.disk(site.store, job),
        compression=str(job.options.get("compression", "")),
        parses=dataset_view.parses(job),
        databases=dataset_view.databases(site.store, job),
        steps=panels.steps(job),
        history=panels.history(site.store, job),
        models=panels.model_links(site.store, models),
        files=panels.files(directory, dataset_view.PURPOSES),
    )


def _form_page(
    request: Request,
    site: Site,
    values: dict[str, Any] | None,
    errors: dict[str, list[str]],
    *,
    clone: str = "",
    status: int = 200,
) -> Response:
    from netloom.datasets import ClassificationDataset

    form = forms.build(
        ClassificationDataset, action=CREATE, values=values, errors=errors, clone=clone
    )
    roots = tuple(str(folder) for folder in site.roots.folders)
    return render(request, DatasetNewPage(form=form, roots=roots), status=status)


def _resized(posted: Posted) -> ResizeExampleFragment:
    from netloom import images
    from netloom.datasets import ClassificationDataset

    # The other fields of the form are not filled in yet.
    wanted = {
        "dataset_name": "example",
        "folder_train": "/",
        "resize_width": posted.text("width"),
        "resize_height": posted.text("height"),
        "resize_channels": posted.text("channels") or "3",
        "resize_mode": posted.text("resize_mode") or "squash",
        "encoding": posted.text("encoding") or "png",
        "backend": posted.text("backend") or "lmdb",
        "compression": posted.text("compression") or "none",
    }
    try:
        options = ClassificationDataset.from_form(wanted)
    except InvalidOptions as error:
        names = {name: name.removeprefix("resize_") for name in error.errors}
        raise InvalidOptions({names[name]: texts for name, texts in error.errors.items()}) from None
    made = options.preprocessing()
    if made.width * made.height > MOST_EXAMPLE_PIXELS:
        raise InvalidOptions({"width": ["The example is too large to be shown."]})
    pixels = made.pixels(images.sample())
    shown = images.encode(pixels, "jpg" if made.stored == "jpg" else "png")
    return ResizeExampleFragment(
        image_url=data_url(shown),
        bytes=_kept(pixels, options) if made.stored == "none" else len(shown),
        width=made.width,
        height=made.height,
    )


def _kept(pixels: Pixels, options: ClassificationDataset) -> int:
    """Return the bytes that raw pixels take in a database."""
    if options.backend == "lmdb":
        return pixels.nbytes
    floats = pixels.transpose(2, 0, 1).astype("float32")
    return (
        len(zlib.compress(floats.tobytes(), 4)) if options.compression == "gzip" else floats.nbytes
    )
