"""The drawing of a network on the page of a new model, before anything is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from netloom import registry
from netloom.errors import InvalidInput, JobNotFound, NetworkTextError, NotFound
from netloom.interfaces.framework import BuildInputs
from netloom.networks.drawing import Drawing, DrawnLayer, draw
from netloom.web.auth import User
from netloom.web.negotiation import wants_json
from netloom.web.posted import Posted, read_posted
from netloom.web.site import Here, Site
from netloom.web.workbench import dataset_view
from netloom.web.workbench.fragments import Fragment
from netloom.web.workbench.render import render

router = APIRouter(tags=["models"])

PATH = "/models/visualize-network"
WITHOUT = BuildInputs(input_shape=(3, 224, 224), classes=1000)  # no dataset: as for ImageNet
LARGEST = 4096  # pixels of a crop
WIDTH, HEIGHT = 56, 28  # of a layer's block, in pixels
KINDS = {
    "conv": ("Conv",),
    "dense": ("Linear",),
    "pool": ("Pool",),
    "norm": ("Norm",),
}


@dataclass(frozen=True, kw_only=True)
class DrawnRow:
    """One layer of a drawing."""

    name: str
    type: str
    kind: str  # conv, dense, pool, norm, other: its colour
    shape: str  # "64 × 112 × 112"
    parameters: int
    parameters_share: float  # of the largest layer
    flops: str  # "236 M"
    flops_share: float
    width: float  # of its block, by channels
    height: float  # by rows


@dataclass(frozen=True, kw_only=True)
class NetworkDrawingFragment(Fragment):
    """POST /models/visualize-network: the layers of a network."""

    input_shape: str
    classes: int | None
    rows: tuple[DrawnRow, ...]
    parameters: int
    trainable: int
    flops: str


@router.post(PATH)
async def visualize_network(
    request: Request, user: User, here: Here, posted: Annotated[Posted, Depends(read_posted)]
) -> Response:
    """Draw a network: its layers with output shapes, parameters and operations.

    The text is built in a process of its own. Only who is logged in may run code.
    """
    name = posted.text("framework") or request.query_params.get("framework", "")
    if not name:
        raise InvalidInput("framework not provided", field="framework")
    text = _text(name, posted)
    inputs = await run_in_threadpool(_inputs, here, posted)
    try:
        drawing = await anyio.to_thread.run_sync(
            draw, name, text, inputs, limiter=here.models.lists
        )
    except NetworkTextError as error:
        error.field = "custom_network"
        raise
    if wants_json(request):
        return JSONResponse(drawing.as_json())
    return render(request, fragment(drawing))


def fragment(drawing: Drawing) -> NetworkDrawingFragment:
    """Return a drawing as it is shown."""
    layers = drawing.layers
    channels = (layer.output_shape[0] for layer in layers if layer.output_shape)
    most = (
        max([1, *(layer.parameters for layer in layers)]),
        max([1, *(layer.flops for layer in layers)]),
        max([2, drawing.input_shape[0], *channels]),
    )
    return NetworkDrawingFragment(
        input_shape=_product(drawing.input_shape),
        classes=drawing.classes,
        rows=tuple(_row(layer, most, drawing.input_shape[1]) for layer in layers),
        parameters=drawing.parameters,
        trainable=drawing.trainable,
        flops=short(drawing.flops),
    )


def short(number: int) -> str:
    """Return a large number with three digits that count: "236 M"."""
    value = float(number)
    for unit in ("", " k", " M", " G", " T"):
        if value < 999.5 or unit == " T":
            return f"{value:.3g}{unit}"
        value /= 1000
    raise AssertionError


def _text(name: str, posted: Posted) -> str:
    framework = registry.find("netloom.frameworks", name)()
    text, standard = posted.text("custom_network"), posted.text("standard_networks")
    if not text:
        known = framework.networks()
        if not standard:
            raise InvalidInput(
                "custom_network is a required field",
                hint="Give the text of a network, or standard_networks with a name.",
                field="custom_network",
            )
        if standard not in known:
            raise NotFound(
                f"Network {standard!r} not found.", hint=f"There are: {', '.join(known)}."
            )
        text = known[standard].text
    try:
        framework.check(text)
    except NetworkTextError as error:
        error.field = "custom_network"
        raise
    return text


def _inputs(site: Site, posted: Posted) -> BuildInputs:
    """Return what the network is told, from the dataset and the crop."""
    shape, classes = WITHOUT.input_shape, WITHOUT.classes
    if dataset_id := posted.text("dataset_id") or posted.text("dataset"):
        job = site.store.job(dataset_id)
        if job.kind != "dataset":
            raise JobNotFound(f'"{job.name}" is not a dataset.', hint="Give the id of a dataset.")
        found = dataset_view.summary(job)
        shape = (found.channels or 3, found.height or shape[1], found.width or shape[2])
        if not found.classes:
            raise InvalidInput(
                "The classes of the dataset are not known yet.",
                hint="Wait until its images are listed.",
                field="dataset_id",
            )
        classes = found.classes
    crop = _crop(posted.text("crop_size"))
    if crop:
        shape = (shape[0], min(crop, shape[1]), min(crop, shape[2]))
    return BuildInputs(input_shape=shape, classes=classes, crop_size=crop)


def _crop(text: str) -> int | None:
    if not text or text == "none":
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= LARGEST):
        raise InvalidInput(
            f"crop_size: {text[:40]!r} is not a whole number from 1 to {LARGEST:,}.",
            field="crop_size",
        )
    return int(text)


def _row(layer: DrawnLayer, most: tuple[int, int, int], rows: int) -> DrawnRow:
    shape = layer.output_shape
    kinds = (kind for kind, ends in KINDS.items() if any(end in layer.type for end in ends))
    channels = math.log2(1 + shape[0]) / math.log2(1 + most[2]) if shape else 0.0
    height = shape[1] / rows if len(shape) == 3 else 0.0
    return DrawnRow(
        name=layer.name,
        type=layer.type,
        kind=next(kinds, "other"),
        shape=_product(shape) or "–",
        parameters=layer.parameters,
        parameters_share=layer.parameters / most[0],
        flops=short(layer.flops) if layer.flops else "",
        flops_share=layer.flops / most[1],
        width=max(4.0, WIDTH * channels),
        height=min(float(HEIGHT), max(3.0, HEIGHT * math.sqrt(height))),
    )


def _product(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
