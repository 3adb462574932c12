"""
Database: the entries of one split as they lie on disk, whatever wrote them.

    lmdb_database    LMDB with Caffe Datum values
    hdf5_database    a folder of HDF5 files with float pixels
    caffe_database   LMDB written by another program, without a manifest

Databases are opened when they are first used in a process, so they may be handed to
others. `netloom.datasets.reader` puts the names of the classes and the rest to them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from netloom.atomic import whole_file
from netloom.datasets.writer import key
from netloom.errors import BadDataset

Backend = Literal["lmdb", "hdf5"]
Compression = Literal["none", "gzip"]

LABEL_INDEX = "labels.npy"  # class number of every entry; made again when missing


class Database(ABC):
    """Random access to entries by their number, in the order in which they were written."""

    hint = "Create the dataset again."  # what to do if it is damaged

    def __init__(self, path: Path, count: int, shape: tuple[int, int, int]) -> None:
        self.path = path
        self.count = count
        self.shape = shape  # height, width, channels

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        state.pop("labels", None)
        return state

    @cached_property
    def labels(self) -> NDArray[np.int32]:
        """Return the class number of every entry."""
        path = self.path / LABEL_INDEX
        try:
            labels: NDArray[np.int32] = np.load(path, mmap_mode="r", allow_pickle=False)
            if labels.shape == (self.count,):
                return labels.view(np.ndarray)
        except (OSError, ValueError, EOFError):
            pass
        labels = self.find_labels()
        if len(labels) != self.count:
            raise self.damaged(f"has {len(labels):,} entries instead of {self.count:,}")
        try:
            with whole_file(path) as file:
                np.save(file, labels)
        except OSError:
            pass  # a folder that cannot be written to is read all the same
        return labels

    def key(self, index: int) -> bytes:
        """Return the key of an entry."""
        return key(index, int(self.labels[index]))

    @abstractmethod
    def open(self) -> None:
        """Open what lies on disk, if it is not open yet; raise BadDataset."""

    @abstractmethod
    def find_labels(self) -> NDArray[np.int32]:
        """Read the class number of every entry."""

    @abstractmethod
    def value(self, index: int) -> bytes:
        """Return an entry as a Caffe Datum."""

    @abstractmethod
    def read(self, indices: Sequence[int], out: NDArray[np.uint8]) -> None:
        """Decode entries into `out`, N x H x W x C, RGB or grey."""

    @abstractmethod
    def read_range(self, start: int, out: NDArray[np.uint8]) -> None:
        """Decode entries that follow one another, as many as `out` has room for."""

    def check_index(self, index: int) -> None:
        """Raise IndexError if there can be no such entry."""
        if not 0 <= index < self.count:
            raise IndexError(f"{index} is not below {self.count}")

    def lacks(self, index: int) -> BadDataset:
        """Return the error for an entry that is not there."""
        return self.damaged(f"has no entry {index}")

    def damaged(self, what: str) -> BadDataset:
        """Return the error that says what is wrong with the database."""
        return BadDataset(f"The database {self.path.name} {what}.", hint=self.hint)


def database_at(path: Path, backend: Backend, count: int, shape: tuple[int, int, int]) -> Database:
    """Return the database that a build left at a path."""
    # The libraries are loaded for the databases that need them.
    if backend == "hdf5":
        from netloom.datasets.hdf5_database import Hdf5Database

        return Hdf5Database(path, count, shape)
    from netloom.datasets.lmdb_database import LmdbDatabase

    return LmdbDatabase(path, count, shape)
