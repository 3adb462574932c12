"""
HDF5 writer: one database as a folder of HDF5 files that Caffe and Torch read, too.

    with Hdf5Writer(path, "../20260105-101500-0a1b/train_db", (3, 32, 32), "gzip") as writer:
        writer.append(labels, values)
        writer.flush()

`0.h5`, `<entries before it>.h5` and so on hold `data` (float32, N x C x H x W, RGB, 0 to 255)
and `label` (float32, N). `list.txt` names them.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from netloom.datasets.writer import Writer
from netloom.images import unpack_datum

LIST = "list.txt"
DATA, LABEL = "data", "label"
_MOST_ELEMENTS = 2**31  # pixel values of one file; readers count them in 32 bits
_CHUNK = 2**16  # bytes of floats that lie, and are compressed, together: at least one image
_PIECE = 2**22  # bytes of floats written at a time
_LABEL_CHUNK = 1024


class Hdf5Writer(Writer):
    """HDF5, in files of a bounded size, and their list."""

    def __init__(
        self, path: Path, listed: str, shape: tuple[int, int, int], compression: str
    ) -> None:
        super().__init__()
        self._path = path
        self._listed = listed  # where readers of the list find the folder
        self._shape = shape  # channels, height, width
        self._compression = None if compression == "none" else compression
        self._file: _File | None = None
        self._names: list[str] = []

    def _close(self) -> None:
        if self._file:
            self._file.close()

    def _append(self, labels: NDArray[np.int32], values: Sequence[memoryview | bytes]) -> None:
        """Write entries, unencoded Datums."""
        size = math.prod(self._shape)
        done = 0
        while done < len(values):
            if self._file is None or (self._file.count + 1) * size > _MOST_ELEMENTS:
                self._begin_file(self.count + done)
            assert self._file is not None
            room = _MOST_ELEMENTS // size - self._file.count
            end = done + max(1, min(room, _PIECE // (4 * size)))
            self._file.append(labels[done:end], values[done:end])
            done = min(end, len(values))

    def flush(self) -> None:
        """Finish the last file and the list, and wait until everything is on the disk."""
        self._end_file()
        with (self._path / LIST).open("w") as file:
            file.writelines(f"{self._listed}/{name}\n" for name in self._names)
            file.flush()
            os.fsync(file.fileno())

    def _begin_file(self, entry: int) -> None:
        self._end_file()
        self._names.append(f"{entry}.h5")
        self._file = _File(self._path / self._names[-1], self._shape, self._compression)

    def _end_file(self) -> None:
        if self._file:
            self._file.close()
            self._file.check()
            self._file = None


class _File:
    """One file of a database."""

    def __init__(self, path: Path, shape: tuple[int, int, int], compression: str | None) -> None:
        self.count = 0
        self._shape = shape
        self._raw = _Undisturbed(path)
        self._file = h5py.File(self._raw, "w")
        together = max(1, _CHUNK // (4 * math.prod(shape)))
        self._data = self._create(DATA, shape, together, compression)
        self._label = self._create(LABEL, (), _LABEL_CHUNK, None)

    def _create(
        self, name: str, shape: tuple[int, ...], together: int, compression: str | None
    ) -> Any:
        return self._file.create_dataset(
            name,
            (0, *shape),
            np.float32,
            maxshape=(None, *shape),
            chunks=(together, *shape),
            compression=compression,
        )

    def append(self, labels: NDArray[np.int32], values: Sequence[memoryview | bytes]) -> None:
        """Write entries; raise OSError if they found no room."""
        planes = np.empty((len(values), *self._shape), np.float32)
        for row, value in enumerate(values):
            stored = np.frombuffer(unpack_datum(bytes(value)).data, np.uint8)
            planes[row] = stored.reshape(self._shape)[::-1]  # BGR in a Datum
        end = self.count + len(values)
        for dataset, rows in ((self._data, planes), (self._label, labels)):
            dataset.resize(end, axis=0)
            dataset[self.count : end] = rows
        self.count = end
        self.check()

    def check(self) -> None:
        """Raise the first error that writing has met."""
        if self._raw.error is not None:
            raise self._raw.error

    def close(self) -> None:
        """Finish the file."""
        self._file.close()
        self._raw.close()


class _Undisturbed(io.RawIOBase):
    """
    A file that seems to take whatever is written, and keeps the first error for its owner.

    The HDF5 library cannot get over a write that fails: it tries again when the file is
    closed, and then brings down the process. What found no room is kept in memory, so that
    the library can read it back until the file is closed.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.error: OSError | None = None
        self._file = path.open("x+b", buffering=0)
        self._lost: dict[int, bytes] = {}  # by offset

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any, /) -> int:
        lost = self._lost.get(self._file.tell())
        if lost is None:
            return self._file.readinto(buffer) or 0
        count = min(len(lost), len(buffer))
        buffer[:count] = lost[:count]
        return count

    def write(self, data: Any, /) -> int:
        place, left = self._file.tell(), memoryview(data)
        try:
            while left and self.error is None:
                left = left[self._file.write(left) :]
        except OSError as error:
            self.error = error
        if left:
            self._lost[place] = bytes(data)
        return len(data)

    def truncate(self, size: int | None = None, /) -> int:
        try:
            return self._file.truncate(size)
        except OSError as error:
            self.error = self.error or error
            return size or 0

    def close(self) -> None:
        if not self._file.closed:
            if self.error is None:
                try:
                    os.fsync(self._file.fileno())
                except OSError as error:
                    self.error = error
            self._file.close()
        super().close()
