"""Home: the tables of jobs, as a page, as fragments and as JSON."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from netloom.store import SORTS
from netloom.web.auth import named_in
from netloom.web.negotiation import wants_json
from netloom.web.site import Here, Site
from netloom.web.streamed import streamed
from netloom.web.workbench import lists, pretrained
from netloom.web.workbench.pages import HomePage, MetersFragment, RunningFragment, TableFragment
from netloom.web.workbench.parts import JobRow, Table
from netloom.web.workbench.render import frame_of, render
from netloom.web.workbench.rows import NO_CURVES, backend, curves_of, job_rows, row_json

router = APIRouter(tags=["home"])

MOST_RUNNING = 200  # rows on the page
PAGE = 50  # rows of a table
LONGEST_PAGE = 500
TABS = {"2": "models", "3": "pretrained"}
SORT_NAMES = {"submitted": "created"}


@router.get("/", response_model=None)
@router.get("/index.json", response_model=None)
def home(request: Request, here: Here) -> Response:
    """Show the jobs; `/index.json` lists datasets and models, running ones first."""
    if wants_json(request):
        return streamed(lists.index(here))
    user = named_in(request)
    tab = TABS.get(request.query_params.get("tab", ""), "datasets")
    page = HomePage(
        tab=tab,
        running=_running(here, user),
        datasets=_table(request, here, "dataset", user, shown=tab == "datasets"),
        models=_table(request, here, "model", user, shown=tab == "models"),
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
    return render(request, TableFragment(table=_table(request, here, kind, named_in(request))))


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


def _table(request: Request, site: Site, kind: str, user: str, *, shown: bool = True) -> Table:
    """Return the page of a table that the query asks for; what cannot be read is left aside.

    A table that is not shown has its figures but no rows.
    """
    name = f"{kind}s"
    given = request.query_params

    def number(word: str, default: int, most: int) -> int:
        text = given.get(f"{name}_{word}", "")
        return min(int(text), most) if text.isdecimal() and len(text) < 10 else default

    sort = given.get(f"{name}_sort", "submitted")
    column = SORT_NAMES.get(sort, sort)
    sort, column = (sort, column) if column in SORTS else ("submitted", "created")
    status = given.get(f"{name}_status", "")
    status = status if len(status) == 1 and status in "DAE" else ""
    limit = max(1, number("limit", PAGE, LONGEST_PAGE))
    offset = number("offset", 0, 10**9)
    text = given.get(f"{name}_text", "").replace("\0", "").strip()
    descending = given.get(f"{name}_order", "desc") != "asc"
    jobs, total = site.store.jobs(
        kind=kind,
        status=status or None,
        text=text,
        sort=column,
        descending=descending,
        offset=offset,
        limit=limit if shown else 0,
        running=False,
    )
    rows = job_rows(site.store, jobs, user) if shown else ()
    return Table(
        name=name,
        rows=rows,
        total=total,
        offset=offset,
        limit=limit,
        sort=sort,
        descending=descending,
        text=text,
        status=status,
        columns=tuple(sorted({column for row in rows for column in row.outputs})),
    )


def _first_dataset(site: Site) -> str:
    """Return the id of the newest dataset that is Done; empty if there is none."""
    found = site.store.briefs("dataset", status="D", limit=1)
    return found[0].id if found else ""
