"""Home: the tables of jobs, as a page, as fragments and as JSON."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from netloom.web.auth import named_in
from netloom.web.negotiation import wants_json
from netloom.web.site import Here, Site
from netloom.web.streamed import streamed
from netloom.web.workbench import lists, pretrained, tables
from netloom.web.workbench.fragments import MetersFragment, RunningFragment, TableFragment
from netloom.web.workbench.pages import HomePage
from netloom.web.workbench.parts import JobRow
from netloom.web.workbench.render import frame_of, render
from netloom.web.workbench.rows import NO_CURVES, backend, curves_of, job_rows, row_json

router = APIRouter(tags=["home"])

MOST_RUNNING = 200  # rows on the page
TABS = {"2": "models", "3": "pretrained"}


@router.get("/", response_model=None)
@router.get("/index.json", response_model=None)
def home(request: Request, here: Here) -> Response:
    """Show the jobs; `/index.json` lists datasets and models, running ones first."""
    if wants_json(request):
        return streamed(lists.index(here))
    user = named_in(request)
    tab = TABS.get(tables.asked_for(request).get("tab", ""), "datasets")
    page = HomePage(
        tab=tab,
        running=_running(here, user),
        datasets=tables.table(request, here, "dataset", user, shown=tab == "datasets"),
        models=tables.table(request, here, "model", user, shown=tab == "models"),
        pretrained=pretrained.rows(here, user, shown=tab == "pretrained"),
        first_dataset=_first_dataset(here),
        first_model=here.store.newest_answering() or "",
    )
    return render(request, page)


@router.get("/fragments/meters", include_in_schema=False)
def meters(request: Request) -> Response:
    """Show in the header how many jobs run and which cores are free."""
    return render(request, MetersFragment(frame=frame_of(request, "")))


@router.get("/fragments/running", include_in_schema=False)
def running(request: Request, here: Here) -> Response:
    """Show the running jobs."""
    return render(request, RunningFragment(running=_running(here, named_in(request))))


@router.get("/fragments/datasets", include_in_schema=False)
@router.get("/fragments/models", include_in_schema=False)
def table(request: Request, here: Here) -> Response:
    """Show one page of a table."""
    kind = request.url.path.rpartition("/")[2].removesuffix("s")
    shown = tables.table(request, here, kind, named_in(request))
    return render(request, TableFragment(table=shown))


@router.get("/completed_jobs.json")
def completed_jobs(here: Here) -> Response:
    """List the rows of the home tables: running jobs, and finished datasets and models."""
    return streamed(lists.completed(here.store))


@router.get("/jobs/{job_id}/table_data.json")
def table_data(job_id: str, here: Here) -> dict[str, Any]:
    """Return the row of one job."""
    job = here.store.job(job_id)
    curves = curves_of(here.store, [job.id]).get(job.id, NO_CURVES)
    return {"job": row_json(job, curves, backend(job))}


def _running(site: Site, user: str) -> tuple[JobRow, ...]:
    jobs, _ = site.store.jobs(running=True, limit=MOST_RUNNING)
    return job_rows(site.store, jobs, user)


def _first_dataset(site: Site) -> str:
    """Return the id of the newest dataset that is Done; empty if there is none."""
    found = site.store.briefs("dataset", status="D", limit=1)
    return found[0].id if found else ""
