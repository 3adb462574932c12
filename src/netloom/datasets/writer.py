"""
Writer: one database, filled in the order of its entries; here LMDB, HDF5 in `hdf5_writer`.

    with LmdbWriter(path) as writer:
        writer.append(labels, values)

Keys of LMDB are `%08d_%d`: the running number of the entry and its class number.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import lmdb
import numpy as np
from numpy.typing import NDArray

_FIRST_SIZE = 64 * 2**20  # bytes; doubled whenever the database is full


def key(number: int, label: int) -> bytes:
    """Return the key of an entry."""
    return b"%08d_%d" % (number, label)


class Writer(Protocol):
    """What a build needs of a new database."""

    count: int  # entries so far

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def append(self, labels: NDArray[np.int32], values: Sequence[memoryview | bytes]) -> None:
        """Write entries, each a Datum, after those already there."""
        ...

    def flush(self) -> None:
        """Wait until everything is on the disk."""
        ...

    def labels(self) -> NDArray[np.int32]:
        """Return the class number of every entry written."""
        ...


class LmdbWriter:
    """A new database that is written by one process."""

    def __init__(self, path: Path) -> None:
        self._map_size = _FIRST_SIZE
        # Not synchronised at each commit: a build that is interrupted is done again, so it
        # is enough to flush once at the end. Not as a writable map: a full disk would then
        # kill the process instead of raising an error.
        self._environment = lmdb.open(
            str(path), map_size=self._map_size, sync=False, writemap=False
        )
        self._labels: list[NDArray[np.int32]] = []
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._environment.close()

    def append(self, labels: NDArray[np.int32], values: Sequence[memoryview | bytes]) -> None:
        """Write entries after those already there."""
        numbers = range(self.count, self.count + len(values))
        keys = [key(number, label) for number, label in zip(numbers, labels.tolist(), strict=True)]
        while not self._put(keys, values):
            self._map_size *= 2
            self._environment.set_mapsize(self._map_size)
        self._labels.append(labels.copy())  # a copy: the original is a view of a whole message
        self.count += len(values)

    def _put(self, keys: Sequence[bytes], values: Sequence[memoryview | bytes]) -> bool:
        """Write all entries or none; return whether they found room."""
        try:
            with self._environment.begin(write=True) as transaction:
                pairs = list(zip(keys, values, strict=True))
                transaction.cursor().putmulti(pairs, append=True)
        except lmdb.MapFullError:
            return False
        return True

    def flush(self) -> None:
        """Wait until everything is on the disk."""
        self._environment.sync(True)

    def labels(self) -> NDArray[np.int32]:
        """Return the class number of every entry written."""
        return np.concatenate([np.zeros(0, np.int32), *self._labels])
