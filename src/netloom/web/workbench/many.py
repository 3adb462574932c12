"""
A list of images on its way through a network: answers one by one, what failed, how good it is.

Nothing here grows with the number of images.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import anyio

from netloom.errors import InvalidInput, UnreadableImage
from netloom.web.site import Site
from netloom.web.workbench.asked import Asked, image_list, reader
from netloom.web.workbench.model_parts import ConfusionRow, ManySummary

if TYPE_CHECKING:
    from netloom.inference import Entry, Evaluation
    from netloom.interfaces.prediction import Prediction

MOST_FAILED = 1000  # unreadable images that are named; all are counted


class ManyImages:
    """The images of one request. Made and used in a thread, not on the event loop."""

    def __init__(self, site: Site, asked: Asked) -> None:
        """Open model and list and classify the first images; raise what is wrong with them."""
        from netloom.inference import Evaluation

        self.target = site.models.target(asked.job_id, asked.epoch)
        images = image_list(site, asked)
        predictor = site.models.predictor(self.target)
        self.classes = predictor.model.card.classes
        self.evaluation: Evaluation = Evaluation(self.classes)
        self.count = 0
        self.failed: list[tuple[str, str]] = []
        self.failed_total = 0
        self._begun = time.perf_counter()
        self._results = predictor.classify_many(images.entries(), reader(site))
        # An answer that began with status 200 could not turn into an error any more.
        self._first = next(self._readable(), None)
        if self._first is None:
            raise self._nothing()

    def answers(self) -> Iterator[tuple[Entry, Prediction]]:
        """Yield the images that could be read with their predictions, in order; once."""
        assert self._first is not None
        yield from itertools.chain([self._first], self._readable())

    def close(self) -> None:
        """Stop early."""
        self._results.close()

    def summary(self) -> ManySummary:
        """Return what is known when all images were classified."""
        rows = [row for row in range(len(self.classes)) if self.evaluation.confusion[row].any()]
        shares = self.evaluation.per_class
        return ManySummary(
            images=self.count,
            failed=tuple(self.failed[:100]),
            failed_total=self.failed_total,
            seconds=time.perf_counter() - self._begun,
            top1=_percent(self.evaluation.top1),
            top5=_percent(self.evaluation.top5),
            classes=tuple(self.classes) if rows else (),
            confusion=tuple(
                ConfusionRow(
                    name=self.classes[row],
                    index=row,
                    counts=tuple(int(cell) for cell in self.evaluation.confusion[row]),
                    accuracy=_percent(shares[row]) or 0.0,
                )
                for row in rows
            ),
            largest=max(1, int(self.evaluation.confusion.max(initial=0))),
        )

    def _readable(self) -> Iterator[tuple[Entry, Prediction]]:
        for entry, result in self._results:
            if isinstance(result, UnreadableImage):
                self.failed_total += 1
                if len(self.failed) < MOST_FAILED:
                    self.failed.append((entry.name, str(result)))
            else:
                self.count += 1
                self.evaluation.add(result, entry.truth)
                yield entry, result

    def _nothing(self) -> InvalidInput:
        if not self.failed:
            return InvalidInput("The image list is empty.", field="image_list")
        path, reason = self.failed[0]
        return UnreadableImage(
            f"None of the {self.failed_total:,} images can be read. The first, {path}: {reason}",
            field="image_list",
        )


async def in_turn(site: Site, pieces: Iterator[bytes], many: ManyImages) -> AsyncIterator[bytes]:
    """Yield what an iterator makes in a thread; stop its work when the client has gone."""
    try:
        while piece := await anyio.to_thread.run_sync(next, pieces, b"", limiter=site.models.lists):
            yield piece
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(many.close)


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 2)
