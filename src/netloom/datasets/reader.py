"""
Reader: random access to the samples of a built dataset.

    dataset = datasets.open(directory)
    train = dataset.split("train")
    train.read([0, 5])      # uint8, 2 x H x W x C, RGB or grey
    train.labels()          # class numbers

Databases are opened read-only when they are first used in a process, so a `Split` may be
handed to other processes; nothing is loaded that is not asked for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netloom.datasets import manifest
from netloom.datasets.database import Database, database_at
from netloom.datasets.manifest import Manifest, SplitInfo
from netloom.errors import BadDataset
from netloom.images import Datum, Preprocessing, encode, read_mean, unpack_datum
from netloom.interfaces.source import SplitName

_SMALL = 64 * 64  # pixels
_DECODE_BATCH = 256  # entries that a thread decodes between two looks at the queue


@dataclass(frozen=True, kw_only=True)
class PageEntry:
    """One image as the explorer lists it."""

    index: int
    label: int
    name: str  # of the class


class Split:
    """The samples of one split, in the order in which they were written."""

    def __init__(self, database: Database, info: SplitInfo, classes: Sequence[str]) -> None:
        self.database = database
        self.info = info
        self.classes = tuple(classes)

    def __len__(self) -> int:
        return self.info.entries

    @property
    def path(self) -> Path:
        """Return the folder of the database."""
        return self.database.path

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return height, width and channels of every image."""
        return self.database.shape

    def open(self) -> None:
        """Open the database now; else that happens when it is first used in a process."""
        self.database.open()

    def labels(self) -> NDArray[np.int64]:
        """Return the class number of every sample."""
        return self.database.labels.astype(np.int64)

    @property
    def keys(self) -> Iterator[bytes]:
        """Yield the keys of all samples."""
        return map(self.database.key, range(len(self)))

    def raw(self, index: int) -> bytes:
        """Return a sample as a Caffe Datum."""
        return self.database.value(index)

    def datum(self, index: int) -> Datum:
        """Return a sample as a Caffe Datum, taken apart."""
        return unpack_datum(self.raw(index))

    def image_bytes(self, index: int) -> bytes:
        """Return a sample as a PNG or JPEG file."""
        datum = self.datum(index)
        return datum.data if datum.encoded else encode(datum.pixels(), "png")

    def read(self, indices: Sequence[int] | NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
        """Return the pixels of samples, N x H x W x C, RGB or grey."""
        out = np.empty((len(indices), *self.shape), np.uint8)
        self.database.read(np.asarray(indices).tolist(), out)
        return out

    def decode_all(
        self, out: NDArray[np.uint8] | None = None, threads: int = 0
    ) -> NDArray[np.uint8]:
        """Return all pixels, N x H x W x C, decoded into `out` by threads (0: as many as help)."""
        if out is None:
            out = np.empty((len(self), *self.shape), np.uint8)
        starts = range(0, len(self), _DECODE_BATCH)

        def decode(start: int) -> None:
            self.database.read_range(start, out[start : start + _DECODE_BATCH])

        with ThreadPoolExecutor(threads or self._decode_threads()) as pool:
            for _ in pool.map(decode, starts):
                pass
        return out

    def page(self, offset: int, size: int, label: int | None = None) -> list[PageEntry]:
        """Return some samples in order, of one class only if its number is given."""
        labels = self.database.labels
        if label is None:
            found = range(offset, min(offset + size, len(self)))
        else:
            found = np.flatnonzero(labels == label)[offset : offset + size].tolist()
        return [
            PageEntry(index=index, label=int(labels[index]), name=self.classes[labels[index]])
            for index in found
        ]

    def count(self, label: int | None = None) -> int:
        """Return the number of samples, of one class only if its number is given."""
        return len(self) if label is None else int(np.count_nonzero(self.database.labels == label))

    def _decode_threads(self) -> int:
        # Threads that decode tiny images only wait for each other to leave the interpreter.
        small = self.shape[0] * self.shape[1] < _SMALL
        return 1 if small else len(os.sched_getaffinity(0))


class Dataset:
    """A built dataset."""

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory)
        self.manifest = Manifest.read(self.directory / manifest.MANIFEST)

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes; the class number is the index."""
        return self.manifest.classes

    @property
    def preprocessing(self) -> Preprocessing:
        """Return how files became the pixels in the databases."""
        return self.manifest.preprocessing

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """Return the names of the splits there are."""
        return tuple(self.manifest.splits)

    @cached_property
    def mean(self) -> NDArray[np.float32] | None:
        """Return the mean image of the training split, C x H x W, RGB or grey."""
        if not self.manifest.mean:
            return None
        planes = read_mean(self.directory / self.manifest.mean)
        return np.ascontiguousarray(planes[::-1])

    def split(self, name: str) -> Split:
        """Return a split; raise BadDataset if the dataset has none of this name."""
        for split, info in self.manifest.splits.items():
            if split == name:
                made = self.preprocessing
                shape = (made.height, made.width, made.channels)
                path = self.directory / info.db
                database = database_at(path, self.manifest.backend, info.entries, shape)
                return Split(database, info, self.classes)
        raise BadDataset(
            f"The dataset has no {name} split.", hint=f"It has: {', '.join(self.splits)}."
        )


def open(directory: Path) -> Dataset:
    """Open the dataset in a directory; raise BadDataset that says what is wrong with it."""
    return Dataset(directory)
