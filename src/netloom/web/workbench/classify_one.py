"""
Classify one image. The JSON route is the hottest of all: no framework between the request and
the network, no database, and no thread while the network is quick.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from netloom.web.auth import named_in
from netloom.web.format import data_url
from netloom.web.models import Target
from netloom.web.posted import Posted, read_posted
from netloom.web.site import Here, Site, site_of
from netloom.web.workbench import inside, panels
from netloom.web.workbench.asked import Asked, image_bytes, reader
from netloom.web.workbench.described import plain_epoch
from netloom.web.workbench.fragments import PredictionFragment
from netloom.web.workbench.model_parts import Score
from netloom.web.workbench.pages import ClassifyOnePage
from netloom.web.workbench.render import render

if TYPE_CHECKING:
    from netloom.inference import Predictor
    from netloom.interfaces.prediction import Prediction

router = APIRouter(tags=["inference"])

PATH = "/models/images/classification/classify_one"
SHOWN = 5  # classes of an answer
SMALL_PIXELS = 256 * 256


async def classify_one_json(request: Request) -> Response:
    """Classify an image: `{"predictions": [[class, percent], ...]}`, five at most.

    With show_visualizations also `layers` and `parameters`, with show_maps also `maps`.
    """
    site = site_of(request)
    asked = Asked(request, await read_posted(request))
    target = await _found(site, asked)
    with asked.naming_image():
        data = await _image(site, asked)
        if inside.is_wanted(asked):
            behind = await inside.look(site, target, data, asked)
            said = {"predictions": behind.prediction.top(SHOWN), **inside.as_json(behind)}
            return Response(json.dumps(said), media_type="application/json")
        top = await site.models.run(
            target, lambda predictor: predictor.classify(data).top(SHOWN), small=_is_small(data)
        )
    return Response(json.dumps({"predictions": top}), media_type="application/json")


@router.get(PATH)
@router.post(PATH)
async def classify_one(
    request: Request, here: Here, posted: Annotated[Posted, Depends(read_posted)]
) -> Response:
    """Classify an image and show the answer as a page."""
    asked = Asked(request, posted)
    target = await _found(here, asked)
    with asked.naming_image():
        data = await _image(here, asked)
        begun = time.perf_counter()
        prediction, image_url = await _answer(here, target, data)
        took = 1000 * (time.perf_counter() - begun)
        behind = await inside.look(here, target, data, asked) if inside.is_wanted(asked) else None
    about = (request, here, asked, target, prediction, image_url, took, behind)
    return await run_in_threadpool(_page, *about)


async def _answer(site: Site, target: Target, data: bytes) -> tuple[Prediction, str]:
    """Return the prediction and the image as the network sees it, before the mean is taken."""
    from netloom import images

    def work(predictor: Predictor) -> tuple[Prediction, str]:
        pixels = predictor.pixels(data)
        prediction = predictor.classify_pixels(pixels[None])[0]
        return prediction, data_url(images.encode(pixels, "png"))

    return await site.models.run(target, work, small=_is_small(data))


def _is_small(data: bytes) -> bool:
    """Return whether an image is decoded in well under a millisecond; raise UnreadableImage."""
    from netloom.images import header

    found = header.read(data)
    return 0 < found.width * found.height <= SMALL_PIXELS


async def _found(site: Site, asked: Asked) -> Target:
    known = site.models.remembered(asked.job_id, asked.epoch)
    if known is not None:
        return known
    return await run_in_threadpool(site.models.target, asked.job_id, asked.epoch)


async def _image(site: Site, asked: Asked) -> bytes:
    uploaded = await image_bytes(asked)
    if uploaded is not None:
        return uploaded
    return await run_in_threadpool(reader(site).read, asked.text("image_path"))


def _page(
    request: Request,
    site: Site,
    asked: Asked,
    target: Target,
    prediction: Prediction,
    image_url: str,
    milliseconds: float,
    behind: inside.Behind | None,
) -> Response:
    epoch = str(plain_epoch(target.epoch))
    if request.headers.get("hx-request"):
        fragment = PredictionFragment(
            epoch=epoch,
            image=asked.image_name,
            image_url=image_url,
            scores=scores(prediction),
            milliseconds=milliseconds,
        )
        return render(request, fragment)
    page = ClassifyOnePage(
        job=panels.header(site.store.job(target.job_id), named_in(request)),
        epoch=epoch,
        image=asked.image_name,
        image_url=image_url,
        scores=scores(prediction),
        milliseconds=milliseconds,
        inside=inside.inside_part(site, behind) if behind else None,
        maps=inside.maps_part(behind) if behind else None,
        again=_again(asked, behind),
    )
    return render(request, page)


def _again(asked: Asked, behind: inside.Behind | None) -> str:
    """Return the address that shows more of the same image, empty for uploads."""
    if behind is not None or not asked.text("image_path"):
        return ""
    names = ("job_id", "snapshot_epoch", "image_path")
    values = {name: asked.text(name) for name in names if asked.text(name)}
    return f"{PATH}?{urlencode({**values, 'show_visualizations': 1, 'show_maps': 1})}"


def scores(prediction: Prediction, count: int = SHOWN) -> tuple[Score, ...]:
    """Return the best classes as they are shown."""
    pairs = zip(prediction.ranking(count), prediction.top(count), strict=True)
    return tuple(Score(label=label, index=i, percent=percent) for i, (label, percent) in pairs)
