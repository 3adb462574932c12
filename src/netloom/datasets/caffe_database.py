"""
Caffe database: an LMDB of Datum values that another program wrote, opened as it is.

    split = open_database(Path("/data/ilsvrc12_val_lmdb"))
    split.read([0, 5]), split.labels()

`convert_imageset` and its kin call their entries what they like (`00000000_cat/1.png`) and
have no list of classes, so every entry is looked at once, and its class number comes from the
Datum. Nothing is written beside the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netloom.datasets.lmdb_database import LmdbDatabase
from netloom.datasets.manifest import SplitInfo
from netloom.datasets.reader import Split
from netloom.errors import UnreadableImage
from netloom.images import Datum, Pixels, header, unpack_datum

_MOST_CLASSES = 1_000_000


class CaffeDatabase(LmdbDatabase):
    """A database of which nothing is known but where it lies; raise BadDataset for others."""

    hint = "It must be an LMDB database of Caffe Datum values with images of one size."

    def __init__(self, path: Path) -> None:
        super().__init__(path, 0, (0, 0, 0))
        keys: list[bytes] = []
        labels: list[int] = []
        with self.begin() as transaction:
            for name, value in transaction.cursor():
                datum = self._datum(value, name)
                self._check_shape(datum, name)
                keys.append(name)
                labels.append(datum.label)
        if not keys:
            raise self.damaged("has no entries")
        self.count = len(keys)
        self.labels = np.array(labels, np.int32)
        self._keys = b"".join(keys)  # millions of small objects would take many times as much
        self._ends = np.cumsum([0, *map(len, keys)])

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "labels": self.labels}

    def key(self, index: int) -> bytes:
        """Return the key of an entry."""
        return self._keys[self._ends[index] : self._ends[index + 1]]

    def pixels(self, value: bytes) -> Pixels:
        """Return the pixels of an entry; raise BadDataset if there are none."""
        try:
            datum = unpack_datum(value)
            return replace(datum, channels=self.shape[2]).pixels()
        except UnreadableImage as error:
            raise self.damaged(f"has an entry without a readable image. {error}") from error

    def _datum(self, value: bytes, name: bytes) -> Datum:
        try:
            datum = unpack_datum(value)
        except UnreadableImage as error:
            raise self._bad(name, "is no Datum") from error
        if not datum.data:
            raise self._bad(name, "has no image" if datum.floats is None else "has floats")
        return datum

    def _check_shape(self, datum: Datum, name: bytes) -> None:
        shape = self._shape_of(datum, name)
        if not self.shape[0]:
            if shape[2] not in (1, 3):
                raise self._bad(name, f"has {shape[2]} channels; 1 and 3 can be read")
            self.shape = shape
        # How an image file without a declared shape is coloured does not matter: it is
        # decoded like the first.
        compared = 3 if datum.channels else 2
        if shape[:compared] != self.shape[:compared]:
            sizes = ["{1} x {0} x {2}".format(*size) for size in (shape, self.shape)]
            raise self._bad(name, f"has {sizes[0]} values, others {sizes[1]}")

    def _shape_of(self, datum: Datum, name: bytes) -> tuple[int, int, int]:
        if datum.width and datum.height and datum.channels:
            return datum.height, datum.width, datum.channels
        if not datum.encoded:
            raise self._bad(name, "has neither a size nor an image file")
        try:
            found = header.read(datum.data)
            height, width = found.height, found.width
            if not width:  # of formats that only decoding tells
                height, width = datum.pixels().shape[:2]
        except UnreadableImage as error:
            raise self._bad(name, f"has no readable image: {error}") from error
        return height, width, 1 if found.kind == "grey" else 3

    def _bad(self, name: bytes, what: str) -> Exception:
        shown = name[:100].decode(errors="backslashreplace")
        return self.damaged(f"cannot be used: the entry {shown!r} {what.removesuffix('.')}")


def open_database(path: Path, classes: Sequence[str] = ()) -> Split:
    """
    Return the samples of an LMDB database that any program wrote.

    `path` is its folder, or a file in it. Classes without names are called by their numbers.
    Raises BadDataset that says what is wrong with it.
    """
    folder = path.parent if path.is_file() else path
    database = CaffeDatabase(folder)
    lowest, highest = int(database.labels.min()), int(database.labels.max())
    known = len(classes) or _MOST_CLASSES
    if lowest < 0 or highest >= known:
        wrong = lowest if lowest < 0 else highest
        raise database.damaged(f"has the class number {wrong}; 0 to {known - 1} can be")
    names = tuple(classes) or tuple(map(str, range(highest + 1)))
    return Split(database, _info(database, names), names)


def _info(database: CaffeDatabase, names: Sequence[str]) -> SplitInfo:
    counts: NDArray[np.int64] = np.bincount(database.labels, minlength=len(names))
    return SplitInfo(
        db=database.path.name,
        entries=database.count,
        class_counts=dict(zip(names, counts.tolist(), strict=True)),
        bytes=sum(file.stat().st_blocks * 512 for file in database.path.iterdir()),
    )
