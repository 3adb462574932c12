"""
Lists: `train.txt`, `val.txt`, `test.txt` and `labels.txt` in the directory of a dataset.

A list has one line `<path> <class number>` per image, in the bytes of the file system,
so that any name but one with a line break can be written. Lists are read in place:
only the offsets of the lines are held in memory.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

LABELS = "labels.txt"
_BLOCK = 2**24  # bytes searched for line ends at a time


def list_name(split: str) -> str:
    """Return the file name of the list of a split."""
    return f"{split}.txt"


def fits_a_line(path: str) -> bool:
    """Return whether a path can stand in a list."""
    return "\n" not in path and "\r" not in path


def write_entries(file: BinaryIO, paths: Iterable[str], label: int) -> None:
    """Append one line per path."""
    end = f" {label}\n".encode()
    file.writelines(os.fsencode(path) + end for path in paths)


def write_labels(path: Path, names: Sequence[str]) -> None:
    """Write the names of the classes, one per line."""
    path.write_bytes("".join(f"{name}\n" for name in names).encode())


def read_labels(path: Path) -> list[str]:
    """Return the names of the classes; blank lines do not count."""
    # Not splitlines(): names may contain what Unicode calls a line separator.
    return [line for line in path.read_bytes().decode().split("\n") if line]


class EntryList:
    """The lines of one list, read in place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb")
        empty = os.fstat(self._file.fileno()).st_size == 0
        self._map = b"" if empty else mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(self._map, mmap.mmap):
            self._map.close()
        self._file.close()

    def offsets(self) -> NDArray[np.int64]:
        """Return where each line starts, in bytes."""
        ends = [
            np.flatnonzero(np.frombuffer(self._map[start : start + _BLOCK], np.uint8) == 10) + start
            for start in range(0, len(self._map), _BLOCK)
        ]
        if not ends:
            return np.zeros(0, np.int64)
        after = np.concatenate(ends).astype(np.int64) + 1
        return np.concatenate([np.zeros(1, np.int64), after[:-1]])

    def entry(self, offset: int) -> tuple[str, int]:
        """Return the path and the class number of the line at an offset."""
        line = self._map[offset : self._map.find(b"\n", offset)]
        path, _, label = line.rpartition(b" ")
        return os.fsdecode(path), int(label)
