"""Classification models: creation, page, description, curves, network texts, rate preview."""

from __future__ import annotations

import os
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from netloom import registry
from netloom.errors import (
    BadWeights,
    InvalidInput,
    InvalidOptions,
    JobNotFound,
    NotFound,
    SnapshotNotFound,
)
from netloom.store import Job
from netloom.web.auth import User, named_in
from netloom.web.models import parsed_epoch
from netloom.web.negotiation import json_as_text, wants_json
from netloom.web.posted import Posted, read_posted
from netloom.web.site import Here, Site
from netloom.web.workbench import creation, dataset_view, forms, model_view, panels, pretrained
from netloom.web.workbench.curves import combined_graph, graph, rate_graph
from netloom.web.workbench.dataset_parts import DatasetSummary
from netloom.web.workbench.described import model_json
from netloom.web.workbench.fragments import SnapshotsFragment
from netloom.web.workbench.model_parts import DatasetChoice
from netloom.web.workbench.pages import LargeGraphPage, ModelNewPage, ModelPage
from netloom.web.workbench.render import render
from netloom.web.workbench.rows import status_of_tasks

router = APIRouter(tags=["models"])

Fields = Annotated[Posted, Depends(read_posted)]
CREATE = "/models/images/classification"
MOST_POINTS = 1_000_000
MOST_DATASETS = 500  # in the select
MOST_SIBLINGS = 20
SNAPSHOT = "previous_snapshot"  # the field that forms call "<model id>-snapshot"


@router.get(f"{CREATE}/new")
def new(request: Request, user: User, here: Here) -> Response:
    """Show the form of a new model; `clone` fills it with the fields of another."""
    clone, values = creation.remembered(here, request, "model")
    return _form_page(request, here, values, {}, clone=clone)


@router.post(CREATE, response_model=None)
@router.post(f"{CREATE}/", include_in_schema=False, response_model=None)
@router.post(f"{CREATE}.json", response_model=None)
@router.post(f"{CREATE}.json/", include_in_schema=False, response_model=None)
def create(request: Request, user: User, here: Here, posted: Fields) -> Response | dict[str, Any]:
    """Create a model and start to train it; several rates or batch sizes make one model each."""
    from netloom.training import ClassificationModel

    values = creation.values_for(here, request, posted)
    as_json = wants_json(request) or posted.is_json or request.url.path.endswith(".json/")
    try:
        options = ClassificationModel.from_form(values)
        creation.check_names(options, "model_name", "group_name")
        here.store.ensure_user(user)
        form = options.model_dump(mode="json")
        jobs = options.submit(here.store, form, owner=user, check_path=here.roots.check)
    except InvalidOptions as error:
        if as_json:
            return creation.errors_json(error)
        return _form_page(request, here, values, error.errors, status=400)
    if as_json:
        described = [model_json(here.store, job) for job in jobs]
        return described[0] if len(described) == 1 else {"jobs": described}
    if len(jobs) == 1:
        return RedirectResponse(f"/models/{jobs[0].id}", 302)
    return RedirectResponse(f"/?started={len(jobs)}", 302)


@router.post("/models/visualize-lr")
def visualize_lr(request: Request, posted: Fields) -> Response:
    """Return the learning rate at 0, 1 ... 100 % of the training, one column per base rate."""
    from netloom.training.fields import RateFields

    fields = {name: value for name, value in posted.values.items() if value not in ("", None)}
    try:
        curves = RateFields.from_form(fields).preview()
    except OverflowError:
        raise InvalidInput("The rate grows beyond all bounds.", hint="Lower gamma.") from None
    columns = [[f"Learning Rate {place}", *curve] for place, curve in enumerate(curves)]
    return json_as_text(request, {"data": {"columns": columns}})


@router.post("/models/customize")
def customize(
    request: Request,
    here: Here,
    posted: Fields,
    network: Annotated[str, Query(description="Standard network or id of a model")] = "",
    framework: Annotated[str, Query(description="Of the standard network")] = "pytorch",
) -> Response:
    """Return the text of a network, for a model also the file of its weights."""
    if not network:
        raise InvalidInput("network not provided", field="network")
    standard = registry.find("netloom.frameworks", framework or "pytorch")().networks()
    if network in standard:
        return json_as_text(request, {"network": standard[network].text})
    try:
        job = here.store.job(network)
        if job.kind not in ("model", "pretrained"):
            raise JobNotFound
    except JobNotFound:
        known = ", ".join(standard)
        raise NotFound(f"Network {network!r} not found.", hint=f"There are: {known}.") from None
    answer = {
        "network": _text(here, job),
        "snapshot": _weights(here, job, posted.text("snapshot_epoch")),
        "python_layer": None,
    }
    return json_as_text(request, answer)


@router.get(f"{CREATE}/large_graph")
def large_graph(request: Request, here: Here, job_id: str = "") -> Response:
    """Show one tall graph of all points."""
    if not job_id:
        raise InvalidInput("job_id is a required field", field="job_id")
    job = _model(here, job_id)
    url = f"/models/{job.id}/curves.json?points={MOST_POINTS}"
    page = LargeGraphPage(job=panels.header(job, named_in(request)), curves_url=url)
    return render(request, page)


# After all the fixed paths below /models: `{job_id}` fits them, too.


@router.get("/models/{job_id}", response_model=None)
@router.get("/models/{job_id}.json", response_model=None)
def show(request: Request, job_id: str, here: Here) -> Response | dict[str, Any]:
    """Show a model, or describe it in JSON."""
    job = _model(here, job_id)
    if wants_json(request):
        return model_json(here.store, job, detailed=True)
    return render(request, _page(request, here, job))


@router.get("/models/{job_id}/snapshots", include_in_schema=False)
def snapshots(request: Request, job_id: str, here: Here) -> Response:
    """Show the snapshots to choose from."""
    job = _model(here, job_id)
    fragment = SnapshotsFragment(
        job=panels.header(job, named_in(request)),
        snapshots=model_view.snapshots(here.store, job.id),
    )
    return render(request, fragment)


@router.get("/models/{job_id}/curves.json")
def curves(
    job_id: str,
    here: Here,
    points: Annotated[int, Query(ge=1, le=MOST_POINTS, description="At most, per curve")] = 200,
    names: Annotated[str, Query(description="Of curves, comma separated; blank: the usual")] = "",
) -> dict[str, Any]:
    """Return losses and accuracies over the epochs, thinned out."""
    job = _model(here, job_id)
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    found = here.store.curves(job.id, max_points=points, names=wanted or None)
    return graph(found.values()) if wanted else combined_graph(found)


@router.get("/models/{job_id}/lr_curves.json")
def lr_curves(
    job_id: str,
    here: Here,
    points: Annotated[int, Query(ge=1, le=MOST_POINTS, description="At most")] = 200,
) -> dict[str, Any]:
    """Return the learning rate over the epochs, thinned out."""
    job = _model(here, job_id)
    return rate_graph(here.store.curves(job.id, max_points=points, names=["learning_rate"]))


def _model(site: Site, job_id: str) -> Job:
    job = site.store.job(job_id)
    if job.kind != "model":
        raise JobNotFound
    return job


def _text(site: Site, job: Job) -> str:
    from netloom.training import text_of

    if job.kind == "model":
        return model_view.network_text(job)
    try:
        return text_of(site.store, job)
    except BadWeights as error:
        raise NotFound(error.message) from None


def _weights(site: Site, job: Job, epoch: str) -> str | None:
    """Return the files of a snapshot, as the field of initial weights takes them."""
    from netloom.training import paths_of, weights_in, weights_of

    if job.kind == "pretrained":
        return str(paths_of(site.store, weights_in(job))[0])
    wanted = parsed_epoch(epoch or "0")
    try:
        initial = weights_of(site.store, job, -1.0 if wanted is None else wanted)
    except BadWeights as error:
        raise SnapshotNotFound(error.message, hint=error.hint) from None
    return os.pathsep.join(map(str, paths_of(site.store, initial))) if initial else None


def _page(request: Request, site: Site, job: Job) -> ModelPage:
    store, directory = site.store, site.store.files.directory(job.id)
    of_dataset = store.briefs(
        "model", dataset_id=job.dataset_id or "", limit=MOST_SIBLINGS + 1, steps=True
    )
    siblings = [other for other in of_dataset if other.id != job.id][:MOST_SIBLINGS]
    return ModelPage(
        job=panels.header(job, named_in(request)),
        dataset=model_view.dataset_of(store, job),
        directory=str(directory),
        bytes=panels.disk(store, job),
        framework=job.framework,
        epochs=model_view.epochs_wanted(job),
        epoch=model_view.epoch_reached(job),
        settings=model_view.settings(job),
        snapshots=model_view.snapshots(store, job.id),
        curves_url=f"/models/{job.id}/curves.json",
        lr_curves_url=f"/models/{job.id}/lr_curves.json",
        large_graph_url=f"{CREATE}/large_graph?job_id={job.id}",
        network_text=model_view.network_text(job),
        facts=model_view.facts(job),
        steps=panels.steps(job),
        history=panels.history(store, job),
        files=panels.files(directory, model_view.PURPOSES),
        siblings=panels.model_links(store, siblings),
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
    from netloom.training import ClassificationModel, with_snapshot

    values = None if values is None else dict(with_snapshot(values))
    errors = {SNAPSHOT if f.endswith("-snapshot") else f: texts for f, texts in errors.items()}
    found = site.store.briefs("dataset", status=list("IWRD"), limit=MOST_DATASETS, steps=True)
    first = found[0].id if found else ""
    form = forms.build(
        ClassificationModel,
        action=CREATE,
        values=values,
        errors=errors,
        clone=clone,
        choices={"dataset": [(job.id, job.name, job.id) for job in found]},
        chosen={"dataset": request.query_params.get("dataset") or first, **_network(request)},
    )
    chosen = form.field("dataset").value
    page = ModelNewPage(
        form=form,
        datasets=tuple(
            DatasetChoice(id=job.id, name=job.name, status=status_of_tasks(job)) for job in found
        ),
        dataset=_summary(site, chosen if chosen in {job.id for job in found} else first),
        networks=model_view.networks(),
        previous=model_view.previous(
            site.store, form.field("previous_networks").value, form.field(SNAPSHOT).value
        ),
        pretrained=pretrained.rows(site, named_in(request)),
        gpus=tuple(
            (row.name, str(row.detail.get("name", row.name)))
            for row in site.store.resources()
            if row.kind == "gpu"
        ),
    )
    return render(request, page, status=status)


def _network(request: Request) -> dict[str, str]:
    """Return the network that the address names: `?pretrained=` or `?previous=` with an id."""
    for method in ("pretrained", "previous"):
        if job_id := request.query_params.get(method):
            return {"method": method, f"{method}_networks": job_id}
    return {}


def _summary(site: Site, dataset_id: str) -> DatasetSummary | None:
    return dataset_view.summary(site.store.job(dataset_id)) if dataset_id else None
