"""The explorer: the images of a database, page by page and class by class."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from netloom.errors import InvalidInput, NotFound
from netloom.store import Job
from netloom.web.auth import named_in
from netloom.web.site import Here, Site
from netloom.web.workbench import panels
from netloom.web.workbench.dataset_parts import ClassFilter, ExplorerImage
from netloom.web.workbench.dataset_view import SPLITS, class_names, explore_url, split_of
from netloom.web.workbench.datasets import dataset_job
from netloom.web.workbench.described import is_create
from netloom.web.workbench.pages import ExplorePage
from netloom.web.workbench.render import render

router = APIRouter(tags=["datasets"])

SIZES = (10, 25, 50, 100)
MOST = 500  # images of a page
AROUND = 5  # page links on each side


@router.get("/datasets/images/classification/explore")
def explore(
    request: Request,
    here: Here,
    job_id: Annotated[str, Query(description="Dataset")] = "",
    db: Annotated[str, Query(description="Contains train, val or test")] = "train",
    page: Annotated[int, Query(ge=0, le=10**9, description="From 0")] = 0,
    size: Annotated[int, Query(ge=1, le=MOST, description="Images per page")] = 25,
    label: Annotated[str, Query(description="Class number; all classes if empty")] = "",
) -> Response:
    """Show the images of a database."""
    if not job_id:
        raise InvalidInput("job_id is a required field", field="job_id")
    job = dataset_job(here, job_id)
    split = next((name for name in SPLITS if name in db), "")
    if not split:
        raise InvalidInput(f"db: {db!r} names none of {', '.join(SPLITS)}.", field="db")
    check_done(job, split)
    return render(request, _page(request, here, job, split, page, size, _class(job, label)))


@router.get("/datasets/{job_id}/images/{split}/{index}")
def image(job_id: str, split: str, index: int, here: Here) -> Response:
    """Return one image of a database, a PNG or JPEG file."""
    job = dataset_job(here, job_id)
    check_done(job, split)
    try:
        data = here.datasets.split(job.id, split).image_bytes(index)
    except IndexError:
        raise NotFound(f"There is no image {index} in {split}.") from None
    kind = "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
    # A finished database never changes.
    headers = {"cache-control": "private, max-age=31536000, immutable"}
    return Response(data, media_type=kind, headers=headers)


def check_done(job: Job, split: str) -> None:
    """Raise NotFound or InvalidInput unless the database of a split is built."""
    made = [step for step in job.steps if is_create(step) and split_of(step) == split]
    if not made:
        raise NotFound(f'"{job.name}" has no {split} database.')
    if made[0].status != "D":
        raise InvalidInput(
            f"The {split} database is not complete.", hint="Wait until its step is Done."
        )


def _class(job: Job, label: str) -> int | None:
    if not label.strip():
        return None
    count = len(class_names(job))
    if not (label.strip().isdecimal() and len(label) < 10 and int(label) < count):
        raise InvalidInput(
            f"label: {label!r} is not a class number.", hint=f"Use 0 to {count - 1}.", field="label"
        )
    return int(label)


def _page(
    request: Request, site: Site, job: Job, split: str, page: int, size: int, label: int | None
) -> ExplorePage:
    data = site.datasets.split(job.id, split)
    total = data.count(label)
    pages = max(1, -(-total // size))
    page = min(page, pages - 1)
    chosen = {} if label is None else {"label": label}

    def to(number: int, images: int = size) -> str:
        return explore_url(job.id, split, page=number, size=images, **chosen)

    near = range(max(0, page - AROUND), min(pages, page + AROUND + 1))
    return ExplorePage(
        job=panels.header(job, named_in(request)),
        split=split,
        splits=_splits(job, size),
        classes=_classes(job, split, size, label),
        label=label,
        all_url=explore_url(job.id, split, size=size),
        images=tuple(
            ExplorerImage(
                url=f"/datasets/{job.id}/images/{split}/{entry.index}",
                label=entry.label,
                label_name=entry.name,
                key=f"{entry.index:08d}_{entry.label}",
                index=entry.index,
            )
            for entry in data.page(page * size, size, label)
        ),
        total=total,
        page=page,
        pages=pages,
        size=size,
        sizes=tuple((number, to(0, number)) for number in SIZES),
        page_urls=tuple((number, to(number)) for number in sorted({0, *near, pages - 1})),
        previous_url=to(page - 1) if page else "",
        next_url=to(page + 1) if page + 1 < pages else "",
    )


def _splits(job: Job, size: int) -> tuple[tuple[str, int, str], ...]:
    return tuple(
        (name, int(step.facts.get("entries") or 0), explore_url(job.id, name, size=size))
        for step in job.steps
        if is_create(step) and step.status == "D"
        for name in (split_of(step),)
    )


def _classes(job: Job, split: str, size: int, label: int | None) -> tuple[ClassFilter, ...]:
    step = next(step for step in job.steps if is_create(step) and split_of(step) == split)
    counts = step.facts.get("class_counts") or {}
    failed = step.facts.get("failed_counts") or {}
    return tuple(
        ClassFilter(
            index=index,
            name=name,
            count=int(counts.get(name, 0)),
            failed=int(failed.get(name, 0)),
            url=explore_url(job.id, split, size=size, label=index),
            current=index == label,
        )
        for index, name in enumerate(class_names(job))
    )
