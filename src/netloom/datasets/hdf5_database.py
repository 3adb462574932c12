"""
HDF5 database: a folder of files with float pixels, as `hdf5_writer` leaves it.

`list.txt` names the files in order. Pixels are whole numbers from 0 to 255, so they are
the same bytes again when they are read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from netloom.datasets.database import Database
from netloom.datasets.hdf5_writer import DATA, LABEL, LIST
from netloom.images import pack_datum, raw_bytes

_PIECE = 2**22  # bytes of floats read at a time


class Hdf5Database(Database):
    """A database whose entries have no keys but their place."""

    _files: tuple[int, list[Any]] | None = None  # process that opened them, and datasets

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state.pop("_files", None)
        return state

    def open(self) -> None:
        """Open all files; a forked process opens them anew."""
        if self._files is None or self._files[0] != os.getpid():
            with self._errors():
                self._files = os.getpid(), [self._opened(name) for name in self._names()]

    def find_labels(self) -> NDArray[np.int32]:
        """Read the class numbers."""
        with self._errors():
            found = [data.parent[LABEL][:] for data in self._datasets()]
        return np.concatenate([np.zeros(0), *found]).astype(np.int32)

    def value(self, index: int) -> bytes:
        """Return an entry as an unencoded Caffe Datum, as LMDB would have it."""
        height, width, channels = self.shape
        pixels = np.empty((1, *self.shape), np.uint8)
        self.read([index], pixels)
        return pack_datum(
            raw_bytes(pixels[0]),
            width,
            height,
            channels,
            label=int(self.labels[index]),
            encoded=False,
        )

    def read(self, indices: Sequence[int], out: NDArray[np.uint8]) -> None:
        """Read entries into `out`."""
        starts = self._starts()
        height, width, channels = self.shape
        planes = np.empty((channels, height, width), np.float32)
        with self._errors():
            for row, index in enumerate(indices):
                self.check_index(index)
                file = int(np.searchsorted(starts, index, "right")) - 1
                if file + 1 == len(starts):
                    raise self.lacks(index)
                self._datasets()[file].read_direct(planes, np.s_[index - starts[file]])
                out[row] = planes.transpose(1, 2, 0)

    def read_range(self, start: int, out: NDArray[np.uint8]) -> None:
        """Read entries that follow one another."""
        starts = self._starts()
        if start + len(out) > starts[-1]:
            raise self.lacks(int(starts[-1]))
        most = max(1, _PIECE // (4 * int(np.prod(self.shape))))
        done = 0
        with self._errors():
            while done < len(out):
                file = int(np.searchsorted(starts, start + done, "right")) - 1
                first = start + done - int(starts[file])
                data = self._datasets()[file]
                planes = data[first : min(first + min(most, len(out) - done), len(data))]
                out[done : done + len(planes)] = planes.transpose(0, 2, 3, 1)
                done += len(planes)

    def _starts(self) -> NDArray[np.int64]:
        """Return the number of the first entry of each file, and the number of all."""
        return np.cumsum([0, *(len(data) for data in self._datasets())])

    def _datasets(self) -> list[Any]:
        self.open()
        assert self._files is not None
        return self._files[1]

    def _names(self) -> list[str]:
        # Lines lead through the directory of the job; the files lie beside the list.
        lines = (self.path / LIST).read_text().splitlines()
        return [Path(line).name for line in lines if line.strip()]

    def _opened(self, name: str) -> Any:
        # Without locks: nothing writes to a finished database.
        file = h5py.File(self.path / name, "r", locking=False)
        data, labels = file[DATA], file[LABEL]
        height, width, channels = self.shape
        if data.shape[1:] != (channels, height, width):
            raise self.damaged(
                f"has the shape {data.shape[1:]} in {name} instead of {(channels, height, width)}"
            )
        if labels.shape != data.shape[:1]:
            raise self.damaged(f"has {len(labels):,} labels for {len(data):,} images in {name}")
        return data

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what the library says of missing and damaged files into BadDataset."""
        try:
            yield
        except (OSError, KeyError) as error:
            reason = str(error.strerror or error) if isinstance(error, OSError) else str(error)
            raise self.damaged(f"cannot be opened: {reason.strip(chr(39))}") from error
