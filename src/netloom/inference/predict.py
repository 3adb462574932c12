"""
Predictions: one image, or as many as there are.

An image goes the same way alone and in a list: bytes, pixels, tensor, network,
soft-max. On the CPU the scores of an image are the same to the last bit whatever
the batch around it; GPU kernels may choose another order of summation per batch
size, and then the last digits of float32 can differ. By hand:

    Predictor.open(directory, "snapshot_3.onnx").classify(image.read_bytes()).top()
"""

from __future__ import annotations

import itertools
import math
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from netloom.errors import InferenceFailed, InvalidInput, UnreadableImage
from netloom.images import MAX_PIXELS, Pixels
from netloom.inference.model import Model
from netloom.inference.network import Floats
from netloom.interfaces.prediction import Prediction

Item = TypeVar("Item")

BATCH = 16  # images; larger batches are not faster on a CPU
BATCH_BYTES = 2 * 2**20  # of input tensor; beyond the processor's cache they are slower


@dataclass(frozen=True)
class Predictor:
    """Classifies images with an opened model; may be used from several threads at once."""

    model: Model
    max_pixels: int = MAX_PIXELS  # larger images are not decoded

    @classmethod
    def open(cls, directory: Path, network_file: str) -> Predictor:
        """Open a model that is used for a while, without a cache; raise BadModel."""
        return cls(Model.open(directory, network_file))

    def classify(self, data: bytes) -> Prediction:
        """Classify one encoded image; raise UnreadableImage if it is none."""
        return self.classify_pixels(self.pixels(data)[np.newaxis])[0]

    def pixels(self, data: bytes) -> Pixels:
        """Return an image as the network's dataset would hold it; raise UnreadableImage."""
        return self.model.card.preprocessing.pixels(data, max_pixels=self.max_pixels)

    def classify_pixels(self, pixels: Pixels) -> list[Prediction]:
        """Classify a batch of images as a dataset holds them, N x H x W x C."""
        return self.predict(self.model.card.preprocessing.tensor(pixels))

    def classify_many(
        self,
        items: Iterable[Item],
        read: Callable[[Item], bytes],
        *,
        threads: int | None = None,
    ) -> Generator[tuple[Item, Prediction | UnreadableImage], None, None]:
        """Yield every item with its prediction, or with the reason why it has none, in order.

        `read` gives the bytes of an item; it runs in several threads, and what it
        raises as OSError or InvalidInput becomes the reason. Items are taken a few
        batches ahead of the reader and no more, so a list of any length needs the
        same memory. Close the iterator to stop early. More threads than the default
        pay where reading waits, for example for URLs.
        """
        # Two even on one core, to read while the other computes; beyond eight they only
        # get in each other's way.
        threads = threads or min(max(2, len(os.sched_getaffinity(0))), 8)
        batches = _batched(items, self.batch_size)
        waiting: deque[tuple[list[Item], Future[list[Prediction | UnreadableImage]]]] = deque()
        pool = ThreadPoolExecutor(threads, thread_name_prefix="classify")
        stopped = threading.Event()
        try:
            for batch in batches:
                waiting.append((batch, pool.submit(self._classify_batch, batch, read, stopped)))
                if len(waiting) > threads:  # one batch each, and one to take up next
                    yield from _finish(*waiting.popleft())
            while waiting:
                yield from _finish(*waiting.popleft())
        finally:
            stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)

    @property
    def batch_size(self) -> int:
        """Return how many images `classify_many` gives to the network at once."""
        image_bytes = 4 * math.prod(self.model.card.input_shape)
        return self.model.network.fixed_batch or min(BATCH, max(4, BATCH_BYTES // image_bytes))

    def predict(self, batch: Floats) -> list[Prediction]:
        """Return a prediction for each preprocessed image of a batch; raise InferenceFailed."""
        card = self.model.card
        outputs = self._run(batch).astype(np.float32, copy=False).reshape(len(batch), -1)
        if not np.isfinite(outputs).all():
            raise InferenceFailed(
                "The network's answer is not a number.",
                hint="Its training diverged; choose an earlier snapshot.",
            )
        known = len(card.classes)
        if outputs.shape[1] < known:
            raise InferenceFailed(
                f"The network gave {outputs.shape[1]} score(s) for {known} classes."
            )
        scores = softmax(outputs) if card.outputs_are == "logits" else outputs
        rows = zip(scores[:, :known], outputs[:, :known], strict=True)
        return [Prediction(classes=card.classes, scores=s, outputs=o) for s, o in rows]

    def _run(self, batch: Floats) -> NDArray[Any]:
        network, outputs = self.model.network, self.model.card.outputs[-1:]
        fixed = network.fixed_batch
        if fixed is None or fixed == len(batch):
            return network.run(batch, outputs)[0]
        parts = []
        for start in range(0, len(batch), fixed):
            part = batch[start : start + fixed]
            padding = np.repeat(part[-1:], fixed - len(part), axis=0)
            parts.append(network.run(np.concatenate((part, padding)), outputs)[0][: len(part)])
        return np.concatenate(parts)

    def _classify_batch(
        self, batch: list[Item], read: Callable[[Item], bytes], stopped: threading.Event
    ) -> list[Prediction | UnreadableImage]:
        images = []
        for item in batch:
            if stopped.is_set():  # nobody waits for the answer, and reading may be slow
                return []
            images.append(self._pixels(item, read))
        readable = [image for image in images if not isinstance(image, UnreadableImage)]
        predictions = iter(self.classify_pixels(np.stack(readable)) if readable else ())
        return [
            image if isinstance(image, UnreadableImage) else next(predictions) for image in images
        ]

    def _pixels(self, item: Item, read: Callable[[Item], bytes]) -> Pixels | UnreadableImage:
        try:
            return self.pixels(read(item))
        except UnreadableImage as error:
            return error
        except InvalidInput as error:  # for example a path outside the data roots
            return UnreadableImage(error.message, hint=error.hint)
        except OSError as error:
            return UnreadableImage(f"The file cannot be read: {error.strerror or error}.")


def softmax(logits: Floats) -> Floats:
    """Return the soft-max of each row, in float32; large logits do not overflow."""
    exponentials: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
    exponentials /= exponentials.sum(axis=1, keepdims=True)
    return exponentials


def _batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, size)):
        yield batch


def _finish(
    batch: list[Item], future: Future[list[Prediction | UnreadableImage]]
) -> Iterator[tuple[Item, Prediction | UnreadableImage]]:
    yield from zip(batch, future.result(), strict=True)
