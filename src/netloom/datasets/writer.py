"""
Writer: one database, filled in the order of its entries; here LMDB, HDF5 in `hdf5_writer`.

    with LmdbWriter(path) as writer:
        writer.append(labels, values)

Keys of LMDB are `%08d_%d`: the running number of the entry and its class number.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import lmdb
import numpy as np
from numpy.typing import NDArray

_FIRST_SIZE = 64 * 2**20  # bytes; doubled whenever the database is full


def key(number: int, label: int) -> bytes:
    """Return the key of an entry."""
    return b"%08d_%d" % (number, label)


class Writer(ABC):
    """A new database that is written by one process."""

    def __init__(self) -> None:
        self._labels: list[NDArray[np.int32]] = []
        self.count = 0  # entries so far

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def append(self, labels: NDArray[np.int32], values: Sequence[memoryview | bytes]) -> None:
        """Write entries, each a Datum, after those already there; raise OSError."""
        self._append(labels, values)
        self._labels.append(labels.copy())  # a copy: the original is a view of a whole message
        self.count += len(values)

    def labels(self) -> NDArray[np.int32]:
        """Return the class number of every entry written."""
        return np.concatenate([np.zeros(0, np.int32), *self._labels])

    @abstractmethod
    def flush(self) -> None:
        """Wait until everything is on the disk."""

    @abstractmethod
    def _append(self, labels: NDArray[np.int32], values: Sequence[memoryview | bytes]) -> None:
        """Write entries, of which the first has the number `count`."""

    @abstractmethod
    def _close(self) -> None:
        """Let go of what is open."""


class LmdbWriter(Writer):
    """LMDB, a key per entry."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._map_size = _FIRST_SIZE
        # Not synchronised at each commit: a build that is interrupted is done again, so it
        # is enough to flush once at the end. Not as a writable map: a full disk would then
        # kill the process instead of raising an error.
        self._environment = lmdb.open(
            str(path), map_size=self._map_size, sync=False, writemap=False
        )

    def flush(self) -> None:
        """Wait until everything is on the disk."""
        self._environment.sync(True)

    def _close(self) -> None:
        self._environment.close()

    def _append(self, labels: NDArray[np.int32], values: Sequence[memoryview | bytes]) -> None:
        numbers = range(self.count, self.count + len(values))
        keys = [key(number, label) for number, label in zip(numbers, labels.tolist(), strict=True)]
        while not self._put(keys, values):
            self._map_size *= 2
            self._environment.set_mapsize(self._map_size)

    def _put(self, keys: Sequence[bytes], values: Sequence[memoryview | bytes]) -> bool:
        """Write all entries or none; return whether they found room."""
        try:
            with self._environment.begin(write=True) as transaction:
                pairs = list(zip(keys, values, strict=True))
                transaction.cursor().putmulti(pairs, append=True)
        except lmdb.MapFullError:
            return False
        return True
