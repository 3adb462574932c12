"""
The images with the highest score for each class, and one picture of them.

Every image is a candidate for every class. By hand:

    best = TopN(classes=10, count=9)
    best.add("a.png", prediction)
    best.of(3)
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from netloom.interfaces.prediction import Prediction

Item = TypeVar("Item")
Pixels = NDArray[np.uint8]


class TopN(Generic[Item]):
    """Keeps the `count` best items of each class; earlier items win a tie."""

    def __init__(self, *, classes: int, count: int) -> None:
        self._count = count
        self._heaps: list[list[tuple[float, int, Item]]] = [[] for _ in range(classes)]
        # The lowest score that is kept, per class: most images pass no threshold, in one comparison
        self._floor = np.full(classes, -1.0, np.float32)
        self._order = itertools.count(0, -1)

    def add(self, item: Item, prediction: Prediction) -> None:
        """Offer an image to every class."""
        if self._count < 1:
            return
        order = next(self._order)
        for number in np.flatnonzero(prediction.scores > self._floor):
            heap = self._heaps[number]
            entry = (float(prediction.scores[number]), order, item)
            if len(heap) < self._count:
                heapq.heappush(heap, entry)
            else:
                heapq.heapreplace(heap, entry)
            if len(heap) == self._count:
                self._floor[number] = heap[0][0]

    def of(self, number: int) -> list[tuple[float, Item]]:
        """Return the best items of a class with their scores, best first."""
        return [(score, item) for score, _, item in sorted(self._heaps[number], reverse=True)]


def tiled(images: Sequence[Pixels], *, gap: int = 1) -> Pixels:
    """Return one picture of images of the same shape (H x W x C), row by row on white."""
    columns = math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    height, width, channels = images[0].shape
    size = (rows * (height + gap) - gap, columns * (width + gap) - gap, channels)
    picture = np.full(size, 255, np.uint8)
    for index, image in enumerate(images):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        picture[top : top + height, left : left + width] = image
    return picture
