"""Behind an answer: layers and maps of one image, for the page and for scripts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from fastapi import APIRouter
from starlette.responses import Response

from netloom.web.format import data_url, figure
from netloom.web.models import Target
from netloom.web.site import Here, Site
from netloom.web.workbench.asked import Asked
from netloom.web.workbench.inside_parts import InsidePart, LayerFigure, LayerPart, MapsPart

if TYPE_CHECKING:
    from netloom.images import Pixels
    from netloom.inference.inside import Inside, Looked, View
    from netloom.inference.maps import HeatMap
    from netloom.interfaces.prediction import Prediction

router = APIRouter(tags=["inference"])

PICTURES = "/models/images/classification/layers"


@dataclass(frozen=True)
class Behind:
    """One answer, and what led to it."""

    prediction: Prediction
    pixels: Pixels
    input: View  # the image after preprocessing
    looked: Looked | None  # layers, if asked for
    occlusion: HeatMap | None  # maps, if asked for
    grad_cam: HeatMap | None


def is_wanted(asked: Asked) -> bool:
    """Return whether more than the answer is asked for."""
    return bool(asked.text("show_visualizations") or asked.text("show_maps"))


async def look(site: Site, target: Target, data: bytes, asked: Asked) -> Behind:
    """Classify an image and look at what led to the answer; a few requests at a time."""
    layers, maps = bool(asked.text("show_visualizations")), bool(asked.text("show_maps"))

    def work() -> Behind:
        return _behind(site, target, data, layers=layers, maps=maps)

    return await anyio.to_thread.run_sync(work, limiter=site.models.lists)


def as_json(behind: Behind) -> dict[str, Any]:
    """Return what scripts get beside the predictions; no pictures."""
    said: dict[str, Any] = {}
    if behind.looked is not None:
        said["layers"] = [view.as_json() for view in behind.looked.views]
        said["parameters"] = behind.looked.parameters
    if behind.occlusion is not None:
        cam = behind.grad_cam
        said["maps"] = {
            "class": behind.prediction.top(1)[0][0],
            "occlusion": _rows(behind.occlusion),
            "grad_cam": None if cam is None else {"layer": cam.layer, "values": _rows(cam)},
        }
    return said


def inside_part(site: Site, behind: Behind) -> InsidePart | None:
    """Return the layers as the page shows them; their pictures are kept until it fetches them."""
    if behind.looked is None:
        return None
    views = behind.looked.views
    files = tuple(view.picture.png for view in views if view.picture)
    kept = site.models.insides.pictures.keep(files)
    layers: list[LayerPart] = []
    number = 0
    for view in views:
        shown = _figure(view, f"{PICTURES}/{kept}/{number}.png" if view.picture else "")
        number += view.picture is not None
        if layers and view.kind == "Activation" and layers[-1].figures[-1].title == "Weights":
            last = layers.pop()
            figures = (*last.figures, shown)
            layers.append(LayerPart(name=last.name, type=last.type, figures=figures))
        else:
            layers.append(LayerPart(name=view.name, type=view.layer_type, figures=(shown,)))
    return InsidePart(layers=tuple(layers), parameters=behind.looked.parameters)


def maps_part(behind: Behind) -> MapsPart | None:
    """Return the maps as the page shows them."""
    if behind.occlusion is None:
        return None
    cam, seen = behind.grad_cam, behind.input
    assert seen.picture is not None
    low, high = figure(seen.figures.ticks[0]), figure(seen.figures.ticks[2])
    return MapsPart(
        label=behind.prediction.top(1)[0][0],
        input_url=data_url(seen.picture.png),
        input_words=f"{_shape(seen)}, values from {low} to {high}",
        occlusion_url=data_url(behind.occlusion.over(behind.pixels)),
        fall=100 * max(0.0, float(behind.occlusion.values.max())),
        grad_cam_url="" if cam is None else data_url(cam.over(behind.pixels)),
        layer="" if cam is None else cam.layer,
    )


@router.get(f"{PICTURES}/{{name}}/{{number}}.png", include_in_schema=False)
def picture(name: str, number: int, here: Here) -> Response:
    """Return a picture of an answer that was given lately."""
    png = here.models.insides.pictures.get(name, number)
    headers = {"cache-control": "private, max-age=3600, immutable"}
    return Response(png, media_type="image/png", headers=headers)


def _behind(site: Site, target: Target, data: bytes, *, layers: bool, maps: bool) -> Behind:
    from netloom.inference.inside import as_seen, input_view
    from netloom.inference.maps import class_activation, occlusion

    predictor = site.models.predictor(target)
    card = predictor.model.card
    pixels = predictor.pixels(data)
    prediction = predictor.classify_pixels(pixels[None])[0]
    tensor = card.preprocessing.tensor(pixels[None])
    seen = as_seen(tensor, card.preprocessing)
    inside: Inside = site.models.insides.get(target.directory, target.network)
    covered = cam = None
    if maps:
        number = int(prediction.ranking(1)[0])
        covered = occlusion(predictor, pixels, number)
        cam = class_activation(
            inside,
            tensor,
            number,
            output=card.outputs[-1],
            preprocessing=card.preprocessing,
        )
    looked = inside.look(tensor, prediction.scores, seen) if layers else None
    return Behind(prediction, pixels, input_view(inside, seen), looked, covered, cam)


def _rows(heat: HeatMap) -> list[list[float]]:
    return [[round(float(value), 6) for value in row] for row in heat.values]


def _figure(view: View, url: str) -> LayerFigure:
    highest = max(view.figures.counts) or 1
    return LayerFigure(
        title=_title(view),
        shape=_shape(view),
        mean=view.figures.mean,
        stddev=view.figures.stddev,
        bars=tuple(count / highest for count in view.figures.counts),
        ticks=view.figures.ticks,
        picture_url=url,
        width=view.picture.width if view.picture else 0,
        height=view.picture.height if view.picture else 0,
        parameters=view.parameters,
    )


def _title(view: View) -> str:
    if view.kind == "Weights":
        return "Weights"
    return "Output" if view.layer_type else "Input"


def _shape(view: View) -> str:
    return " × ".join(map(str, view.figures.shape))
