"""
Evaluation of a model on a split of any dataset with its classes: figures, curves, pictures.

A POST starts it, a GET shows what is known; both answer at once, with how far it is. JSON
answers may be waited for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import anyio
from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from netloom.errors import InvalidInput, NetloomError, NotFound
from netloom.store import Job
from netloom.web.auth import named_in
from netloom.web.evaluations import Running
from netloom.web.posted import Posted, read_posted
from netloom.web.site import Here, Site
from netloom.web.workbench import evaluation_export, model_view, panels
from netloom.web.workbench.asked import Asked
from netloom.web.workbench.evaluation_asked import PATH, Subject, model_of, subject_of
from netloom.web.workbench.evaluation_parts import Evaluating, EvaluationForm
from netloom.web.workbench.evaluation_view import SORTS, answer, evaluated
from netloom.web.workbench.fragments import EvaluatingFragment
from netloom.web.workbench.pages import EvaluateImagesPage, EvaluatePage
from netloom.web.workbench.render import render

if TYPE_CHECKING:
    from netloom.inference.results import Results

router = APIRouter(tags=["inference"])

MOST_DATASETS = 500  # in the select
MOST_SIZE = 500  # images of a page
LONGEST_WAIT = 60  # seconds

Fields = Annotated[Posted, Depends(read_posted)]


@router.get(PATH)
def show(request: Request, here: Here, posted: Fields) -> Response:
    """Show what is known of an evaluation, how far it is, or the form that starts one."""
    asked = Asked(request, posted)
    job = model_of(here, asked)
    if not asked.text("dataset_id"):
        return _page(request, here, asked, job)
    subject = subject_of(here, asked, job)
    results = here.evaluations.results(subject.wanted)
    running = None if results else here.evaluations.running(subject.wanted)
    return _page(request, here, asked, job, subject=subject, results=results, running=running)


@router.post(PATH)
def start(request: Request, here: Here, posted: Fields) -> Response:
    """Start an evaluation, if its results are not known yet, and lead to its page."""
    asked = Asked(request, posted)
    job = model_of(here, asked)
    try:
        subject = subject_of(here, asked, job)
    except (InvalidInput, NotFound) as error:
        return _page(request, here, asked, job, error=error)
    _begin(here, subject)
    return RedirectResponse(subject.url(), 303)


@router.get(f"{PATH}.json")
async def show_json(request: Request, here: Here, posted: Fields) -> Response:
    """Return the figures of an evaluation; 202 with how far it is while it runs."""
    return await _json(here, Asked(request, posted), begin=False)


@router.post(f"{PATH}.json")
async def start_json(request: Request, here: Here, posted: Fields) -> Response:
    """Start an evaluation if need be and return its figures, or 202 and how far it is.

    `wait` is how many seconds the answer may take, 0 to 60.
    """
    return await _json(here, Asked(request, posted), begin=True)


@router.post(f"{PATH}/stop")
def stop(request: Request, here: Here, posted: Fields) -> Response:
    """Stop an evaluation that runs."""
    asked = Asked(request, posted)
    subject = subject_of(here, asked, model_of(here, asked))
    here.evaluations.stop(subject.wanted)
    return RedirectResponse(subject.url(), 303)


@router.get(f"{PATH}/progress", include_in_schema=False)
def progress(request: Request, here: Here, posted: Fields) -> Response:
    """Show how far an evaluation is; the page is loaded anew when it has ended."""
    asked = Asked(request, posted)
    subject = subject_of(here, asked, model_of(here, asked))
    running = here.evaluations.running(subject.wanted)
    if running is None or running.ended.is_set():
        return Response(headers={"hx-redirect": subject.url()})
    return render(request, EvaluatingFragment(evaluating=_evaluating(subject, running)))


@router.get(f"{PATH}.csv")
def table(request: Request, here: Here, posted: Fields, what: str = "classes") -> Response:
    """Return the results as CSV: `classes`, `confusion` or `images`."""
    if what not in evaluation_export.TABLES:
        known = ", ".join(evaluation_export.TABLES)
        raise InvalidInput(f"what: There is no table {what!r}.", hint=f"Use {known}.", field="what")
    subject, results = _known(request, here, posted)
    name = f"{subject.job.id}_{subject.split}_{what}.csv"
    return StreamingResponse(
        evaluation_export.as_csv(subject, results, what),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f"attachment; filename={name}"},
    )


@router.get(f"{PATH}/images")
def images(
    request: Request,
    here: Here,
    posted: Fields,
    right: Annotated[str, Query(description="yes, no, or empty for both")] = "",
    page: Annotated[int, Query(ge=0, le=10**9, description="From 0")] = 0,
    size: Annotated[int, Query(ge=1, le=MOST_SIZE, description="Images per page")] = 50,
) -> Response:
    """Show the images of a class, of a cell of the confusion matrix, or all mistakes."""
    from netloom.inference import scores

    subject, results = _known(request, here, posted)
    asked = Asked(request, posted)
    if right not in ("", "yes", "no"):
        raise InvalidInput(f"right: {right!r} is neither yes nor no.", field="right")
    truth, said = (_class(asked, subject, name) for name in ("truth", "said"))
    chosen = scores.found(
        results, truth=truth, said=said, right=None if not right else right == "yes"
    )
    pages = max(1, -(-len(chosen) // size))
    page = min(page, pages - 1)

    def to(number: int) -> str:
        about = {"truth": truth, "said": said, "right": right, "page": number, "size": size}
        return subject.url("/images", **about) if 0 <= number < pages else ""

    shown = chosen[page * size : (page + 1) * size].tolist()
    return render(
        request,
        EvaluateImagesPage(
            job=panels.header(subject.job, named_in(request)),
            dataset=subject.dataset.name,
            split=subject.split,
            epoch=str(subject.epoch),
            evaluation_url=subject.url(),
            truth="" if truth is None else subject.classes[truth],
            said="" if said is None else subject.classes[said],
            right=right,
            images=tuple(answer(subject, results, index) for index in shown),
            total=len(chosen),
            page=page,
            pages=pages,
            previous_url=to(page - 1),
            next_url=to(page + 1),
        ),
    )


def _begin(site: Site, subject: Subject) -> Running | None:
    """Return the evaluation that runs, None where the results are known."""
    if site.evaluations.results(subject.wanted) is not None:
        return None
    return site.evaluations.start(subject.wanted, subject.numbers, subject.images)


async def _json(site: Site, asked: Asked, *, begin: bool) -> Response:
    wait = asked.whole("wait", 0, LONGEST_WAIT) or 0

    def look() -> Subject:
        subject = subject_of(site, asked, model_of(site, asked))
        if begin:
            _begin(site, subject)
        return subject

    subject = await run_in_threadpool(look)
    chosen = _class(asked, subject, "curves")
    with anyio.move_on_after(wait):
        while (running := site.evaluations.running(subject.wanted)) and not running.ended.is_set():
            await anyio.sleep(0.05)
    return await run_in_threadpool(_json_now, site, subject, chosen)


def _json_now(site: Site, subject: Subject, chosen: int | None) -> Response:
    running = site.evaluations.running(subject.wanted)
    results = site.evaluations.results(subject.wanted)
    if results is not None:
        return JSONResponse(evaluation_export.as_json(subject, results, chosen))
    if running is None:
        raise NotFound("This evaluation was not made yet.", hint="Start it with a POST.")
    if running.error is not None:
        raise running.error
    far: dict[str, Any] = {"done": running.done, "total": running.total, "eta": running.eta}
    return JSONResponse({"status": "running", **subject.fields(), **far}, 202)


def _known(request: Request, site: Site, posted: Posted) -> tuple[Subject, Results]:
    asked = Asked(request, posted)
    subject = subject_of(site, asked, model_of(site, asked))
    results = site.evaluations.results(subject.wanted)
    if results is None:
        raise NotFound("This evaluation was not made yet.", hint="Start it on the model's page.")
    return subject, results


def _class(asked: Asked, subject: Subject, name: str) -> int | None:
    return asked.whole(name, 0, len(subject.classes) - 1)


def _page(
    request: Request,
    site: Site,
    asked: Asked,
    job: Job,
    *,
    subject: Subject | None = None,
    results: Results | None = None,
    running: Running | None = None,
    error: NetloomError | None = None,
) -> Response:
    sort = asked.text("sort") if asked.text("sort") in dict(SORTS) else ""
    failed = running.error if running is not None else None
    told = error or failed
    page = EvaluatePage(
        job=panels.header(job, named_in(request)),
        form=_form(site, asked, job, f"{told.message} {told.hint}".strip() if told else ""),
        dataset=subject.dataset.name if subject else "",
        dataset_url=f"/datasets/{subject.dataset.id}" if subject else "",
        split=subject.split if subject else "",
        epoch=str(subject.epoch) if subject else "",
        evaluating=_evaluating(subject, running)
        if subject and running and not running.ended.is_set()
        else None,
        result=evaluated(subject, results, sort, _class(asked, subject, "curves"))
        if subject and results
        else None,
    )
    return render(request, page, status=error.status if error else 200)


def _form(site: Site, asked: Asked, job: Job, error: str) -> EvaluationForm:
    found = site.store.briefs("dataset", status=["D"], limit=MOST_DATASETS)
    snapshots = [one for one in model_view.snapshots(site.store, job.id) if one.usable]
    return EvaluationForm(
        snapshots=tuple((one.epoch, one.label) for one in snapshots),
        epoch=asked.epoch,
        datasets=tuple((dataset.id, dataset.name) for dataset in found),
        dataset=asked.text("dataset_id") or job.dataset_id or "",
        split=asked.text("split") or "val",
        error=error,
    )


def _evaluating(subject: Subject, running: Running) -> Evaluating:
    return Evaluating(
        done=running.done,
        total=running.total,
        eta=running.eta,
        waits=not running.begun,
        url=subject.url("/progress"),
        page_url=subject.url(),
        fields=tuple(subject.fields().items()),
    )
