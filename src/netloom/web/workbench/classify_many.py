"""
Classify many images: the answer is sent while the images are read, so that neither memory nor
time-outs limit how many there are.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import anyio
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from netloom.errors import InvalidInput, UnreadableImage
from netloom.web.auth import named_in
from netloom.web.format import data_url
from netloom.web.posted import Posted, read_posted
from netloom.web.site import Here, Site
from netloom.web.workbench import panels
from netloom.web.workbench.asked import Asked, reader
from netloom.web.workbench.classify_one import SHOWN, scores
from netloom.web.workbench.described import plain_epoch
from netloom.web.workbench.many import ManyImages, in_turn
from netloom.web.workbench.model_parts import ManyRow, TopClass, TopImage
from netloom.web.workbench.pages import ClassifyManyPage, TopNPage
from netloom.web.workbench.render import render, stream

if TYPE_CHECKING:
    from netloom.inference import Entry, TopN
    from netloom.interfaces.prediction import Prediction

router = APIRouter(tags=["inference"])

PATH = "/models/images/classification/classify_many"
TOP_N = "/models/images/classification/top_n"
AT_ONCE = 64  # rows that are sent together
MOST_PICTURES = 10_000  # on a page of best images

Fields = Annotated[Posted, Depends(read_posted)]


@router.post(f"{PATH}.json")
async def classify_many_json(request: Request, here: Here, posted: Fields) -> Response:
    """Classify the images of a list: `{"classifications": {path: [[class, percent], ...]}}`.

    Images that cannot be read are left out there and named under `failed`.
    """
    many = await _opened(here, Asked(request, posted))
    pieces = in_turn(here, _as_json(many), many)
    return StreamingResponse(pieces, media_type="application/json")


@router.get(PATH)
@router.post(PATH)
async def classify_many(request: Request, here: Here, posted: Fields) -> Response:
    """Classify the images of a list and show them as a page, with accuracies if truth is given."""
    many = await _opened(here, Asked(request, posted))

    def pieces() -> Iterator[bytes]:
        page = ClassifyManyPage(
            job=panels.header(here.store.job(many.target.job_id), named_in(request)),
            epoch=str(plain_epoch(many.target.epoch)),
            rows=_rows(many),
            summary=many.summary,
        )
        yield from stream(request, page)

    return StreamingResponse(in_turn(here, pieces(), many), media_type="text/html")


@router.post(TOP_N)
async def top_n(request: Request, here: Here, posted: Fields) -> Response:
    """Show for each class the images of a list with the highest score."""
    asked = Asked(request, posted)
    wanted = asked.whole("top_n", 1, 1000) or 9
    many = await _opened(here, asked)

    def page() -> Response:
        try:
            return render(request, _best(request, here, many, wanted))
        finally:
            many.close()

    return await anyio.to_thread.run_sync(page, limiter=here.models.lists)


async def _opened(site: Site, asked: Asked) -> ManyImages:
    return await anyio.to_thread.run_sync(ManyImages, site, asked, limiter=site.models.lists)


def _as_json(many: ManyImages) -> Iterator[bytes]:
    yield b'{"classifications": {'
    answers = many.answers()
    separator = ""
    while batch := list(itertools.islice(answers, AT_ONCE)):
        pairs = (f"{json.dumps(e.name)}: {json.dumps(p.top(SHOWN))}" for e, p in batch)
        yield (separator + ", ".join(pairs)).encode()
        separator = ", "
    end: dict[str, object] = {}
    if many.failed_total:
        end = {"failed": dict(many.failed), "failed_count": many.failed_total}
    yield ("}" + "".join(f", {json.dumps(k)}: {json.dumps(v)}" for k, v in end.items())).encode()
    yield b"}"


def _rows(many: ManyImages) -> Iterator[ManyRow]:
    for number, (entry, prediction) in enumerate(many.answers(), 1):
        yield _row(number, entry, prediction, many.classes)


def _row(number: int, entry: Entry, prediction: Prediction, classes: tuple[str, ...]) -> ManyRow:
    truth = entry.truth
    known = truth if truth is not None and 0 <= truth < len(classes) else None
    best = scores(prediction)
    return ManyRow(
        number=number,
        path=entry.name,
        truth="" if known is None else classes[known],
        truth_index=known,
        scores=best,
        right=None if known is None else best[0].index == known,
    )


def _best(request: Request, site: Site, many: ManyImages, wanted: int) -> TopNPage:
    from netloom.inference import TopN

    if wanted * len(many.classes) > MOST_PICTURES:
        most = MOST_PICTURES // len(many.classes)
        raise InvalidInput(f"top_n: At most {most} for {len(many.classes)} classes.", field="top_n")
    best: TopN[Entry] = TopN(classes=len(many.classes), count=wanted)
    for entry, prediction in many.answers():
        best.add(entry, prediction)
    pictures = _Pictures(site, many)
    return TopNPage(
        job=panels.header(site.store.job(many.target.job_id), named_in(request)),
        epoch=str(plain_epoch(many.target.epoch)),
        top_n=wanted,
        classes=tuple(
            TopClass(name=name, index=index, images=pictures.of(best, index))
            for index, name in enumerate(many.classes)
        ),
        images=many.count,
        failed=many.failed_total,
    )


class _Pictures:
    """The best images, read again: holding on to all that were ever best would take memory."""

    def __init__(self, site: Site, many: ManyImages) -> None:
        self._read = reader(site)
        self._predictor = site.models.predictor(many.target)
        self._shown: dict[str, str] = {}

    def of(self, best: TopN[Entry], index: int) -> tuple[TopImage, ...]:
        """Return the best images of a class."""
        return tuple(
            TopImage(url=url, path=entry.name, percent=round(100 * score, 2))
            for score, entry in best.of(index)
            if (url := self._url(entry))
        )

    def _url(self, entry: Entry) -> str:
        from netloom import images

        if entry.source not in self._shown:
            try:
                pixels = self._predictor.pixels(self._read(entry))
                self._shown[entry.source] = data_url(images.encode(pixels, "png"))
            except UnreadableImage:  # it has gone meanwhile
                self._shown[entry.source] = ""
        return self._shown[entry.source]
