"""
LMDB database: Caffe Datum values, opened for reading once per process.

LMDB refuses to open a file twice in one process, so everyone who reads a database here
shares one handle; it is closed when the last of them has let go of it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import lmdb
import numpy as np
from numpy.typing import NDArray

from netloom.datasets.database import Database
from netloom.errors import BadDataset
from netloom.images import Pixels, unpack_datum

# A forked process goes on with the handles of its parent: read-only and without locks,
# they are nothing but a map of the file.
_open: WeakValueDictionary[str, Any] = WeakValueDictionary()
_lock = threading.Lock()


class LmdbDatabase(Database):
    """A database whose keys are the running number and the class number of each entry."""

    _environment: Any = None  # opened when first used, in every process by itself

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state.pop("_environment", None)
        return state

    def open(self) -> None:
        """Open the environment."""
        if self._environment is None:
            self._environment = open_environment(self.path, self.hint)

    def find_labels(self) -> NDArray[np.int32]:
        """Take the class numbers from the keys."""
        with self.begin() as transaction:
            keys = transaction.cursor().iternext(keys=True, values=False)
            return np.fromiter((int(k[k.index(b"_") + 1 :]) for k in keys), np.int32)

    def value(self, index: int) -> bytes:
        """Return an entry as a Caffe Datum."""
        with self.begin() as transaction:
            return self._value(transaction, index)

    def read(self, indices: Sequence[int], out: NDArray[np.uint8]) -> None:
        """Decode entries into `out`."""
        with self.begin() as transaction:
            for row, index in enumerate(indices):
                self._decode(self._value(transaction, index), out[row])

    def read_range(self, start: int, out: NDArray[np.uint8]) -> None:
        """Decode entries that follow one another."""
        with self.begin() as transaction:
            cursor = transaction.cursor()
            if not cursor.set_key(self.key(start)):
                raise self.lacks(start)
            values = cursor.iternext(keys=False, values=True)
            count = 0
            for row, value in zip(out, values, strict=False):
                self._decode(value, row)
                count += 1
        if count < len(out):
            raise self.lacks(start + count)

    def begin(self) -> Any:
        """Return a read-only transaction."""
        self.open()
        return self._environment.begin()

    def pixels(self, value: bytes) -> Pixels:
        """Return the pixels of an entry, H x W x C; raise UnreadableImage."""
        return unpack_datum(value).pixels()

    def _value(self, transaction: Any, index: int) -> bytes:
        self.check_index(index)
        value: bytes | None = transaction.get(self.key(index))
        if value is None:
            raise self.lacks(index)
        return value

    def _decode(self, value: bytes, out: NDArray[np.uint8]) -> None:
        pixels = self.pixels(value)
        if pixels.shape != out.shape:
            raise BadDataset(
                f"An entry of {self.path.name} has the shape {pixels.shape} instead of"
                f" {out.shape}.",
                hint=self.hint,
            )
        out[...] = pixels


def open_environment(path: Path, hint: str = Database.hint) -> Any:
    """Return the LMDB environment of a database; raise BadDataset if it cannot be opened."""
    name = os.path.realpath(path)
    with _lock:
        environment = _open.get(name)
        if environment is None:
            environment = _open[name] = _opened(path, hint)
        return environment


def _opened(path: Path, hint: str) -> Any:
    try:
        # Without locks: nothing writes to a finished database, and its folder may not be
        # writable.
        return lmdb.open(str(path), readonly=True, lock=False, readahead=False, create=False)
    except lmdb.Error as error:
        reason = getattr(error, "reason", "") or str(error)
        raise BadDataset(
            f"The database {path.name} cannot be opened: {reason}.", hint=hint
        ) from error
