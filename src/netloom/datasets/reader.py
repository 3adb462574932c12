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

from netloom.atomic import whole_file
from netloom.datasets import manifest
from netloom.datasets.database import open_database
from netloom.datasets.manifest import Manifest, SplitInfo
from netloom.datasets.writer import key
from netloom.errors import BadDataset
from netloom.images import Datum, Preprocessing, encode, read_mean, unpack_datum
from netloom.interfaces.source import SplitName

LABEL_INDEX = "labels.npy"  # class number of every entry; made again when missing
_SMALL = 64 * 64  # pixels
_DECODE_BATCH = 256  # entries that a thread decodes between two looks at the queue


@dataclass(frozen=True, kw_only=True)
class PageEntry:
    """One image as the explorer lists it."""

    index: int
    label: int
    name: str  # of the class


class Split:
    """The samples of one split, in the order of their keys."""

    def __init__(
        self, directory: Path, info: SplitInfo, classes: Sequence[str], made: Preprocessing
    ) -> None:
        self.path = directory / info.db
        self.info = info
        self.classes = tuple(classes)
        self.shape = (made.height, made.width, made.channels)
        self._database: Any = None  # opened when first used, in every process by itself

    def __len__(self) -> int:
        return self.info.entries

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        state.update(_database=None)
        state.pop("_labels", None)
        return state

    def labels(self) -> NDArray[np.int64]:
        """Return the class number of every sample."""
        return self._labels.astype(np.int64)

    @cached_property
    def _labels(self) -> NDArray[np.int32]:
        path = self.path / LABEL_INDEX
        try:
            labels: NDArray[np.int32] = np.load(path, mmap_mode="r", allow_pickle=False)
            if labels.shape == (len(self),):
                return labels.view(np.ndarray)
        except (OSError, ValueError, EOFError):
            pass
        return self._make_index(path)

    def _make_index(self, path: Path) -> NDArray[np.int32]:
        with self._begin() as transaction:
            keys = transaction.cursor().iternext(keys=True, values=False)
            labels = np.fromiter((int(k[k.index(b"_") + 1 :]) for k in keys), np.int32)
        if len(labels) != len(self):
            raise BadDataset(
                f"The database {self.path.name} has {len(labels):,} entries instead of"
                f" {len(self):,}.",
                hint="Create the dataset again.",
            )
        try:
            with whole_file(path) as file:
                np.save(file, labels)
        except OSError:
            pass  # a folder that cannot be written to is read all the same
        return labels

    @property
    def keys(self) -> Iterator[bytes]:
        """Yield the keys of all samples."""
        return (key(index, label) for index, label in enumerate(self._labels.tolist()))

    def raw(self, index: int) -> bytes:
        """Return the stored value of a sample, a Caffe Datum."""
        with self._begin() as transaction:
            return self._value(transaction, index)

    def datum(self, index: int) -> Datum:
        """Return a sample as it is stored."""
        return unpack_datum(self.raw(index))

    def image_bytes(self, index: int) -> bytes:
        """Return a sample as a PNG or JPEG file."""
        datum = self.datum(index)
        return datum.data if datum.encoded else encode(datum.pixels(), "png")

    def read(self, indices: Sequence[int] | NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
        """Return the pixels of samples, N x H x W x C, RGB or grey."""
        out = np.empty((len(indices), *self.shape), np.uint8)
        with self._begin() as transaction:
            for row, index in enumerate(np.asarray(indices).tolist()):
                self._decode(self._value(transaction, index), out[row])
        return out

    def decode_all(
        self, out: NDArray[np.uint8] | None = None, threads: int = 0
    ) -> NDArray[np.uint8]:
        """Return all pixels, N x H x W x C, decoded into `out` by threads (0: as many as help)."""
        if out is None:
            out = np.empty((len(self), *self.shape), np.uint8)
        starts = range(0, len(self), _DECODE_BATCH)
        with ThreadPoolExecutor(threads or self._decode_threads()) as pool:
            for _ in pool.map(lambda start: self._decode_range(out, start), starts):
                pass
        return out

    def page(self, offset: int, size: int, label: int | None = None) -> list[PageEntry]:
        """Return some samples in order, of one class only if its number is given."""
        labels = self._labels
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
        return len(self) if label is None else int(np.count_nonzero(self._labels == label))

    def _decode_threads(self) -> int:
        # Threads that decode tiny images only wait for each other to leave the interpreter.
        small = self.shape[0] * self.shape[1] < _SMALL
        return 1 if small else len(os.sched_getaffinity(0))

    def _decode_range(self, out: NDArray[np.uint8], start: int) -> None:
        rows = out[start : start + _DECODE_BATCH]
        with self._begin() as transaction:
            cursor = transaction.cursor()
            if not cursor.set_key(key(start, int(self._labels[start]))):
                raise self._lacks(start)
            values = cursor.iternext(keys=False, values=True)
            count = 0
            for row, value in zip(rows, values, strict=False):
                self._decode(value, row)
                count += 1
        if count < len(rows):
            raise self._lacks(start + count)

    def _decode(self, value: bytes, out: NDArray[np.uint8]) -> None:
        pixels = unpack_datum(value).pixels()
        if pixels.shape != out.shape:
            raise BadDataset(
                f"An entry of {self.path.name} has the shape {pixels.shape} instead of"
                f" {out.shape}.",
                hint="Create the dataset again.",
            )
        out[...] = pixels

    def _value(self, transaction: Any, index: int) -> bytes:
        if not 0 <= index < len(self):
            raise IndexError(f"{index} is not below {len(self)}")
        value: bytes | None = transaction.get(key(index, int(self._labels[index])))
        if value is None:
            raise self._lacks(index)
        return value

    def _lacks(self, index: int) -> BadDataset:
        return BadDataset(
            f"The database {self.path.name} has no entry {index}.",
            hint="Create the dataset again.",
        )

    def _begin(self) -> Any:
        """Return a read-only transaction."""
        if self._database is None:
            self._database = open_database(self.path)
        return self._database.begin()


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
                return Split(self.directory, info, self.classes, self.preprocessing)
        raise BadDataset(
            f"The dataset has no {name} split.", hint=f"It has: {', '.join(self.splits)}."
        )


def open(directory: Path) -> Dataset:
    """Open the dataset in a directory; raise BadDataset that says what is wrong with it."""
    return Dataset(directory)
