"""
Image lists: one path or URL per line, with the true class number after it if it is known.

    /data/pets/a cat.png 3
    birds/robin.jpg
    https://example.org/wren.png 1

The `val.txt` of a dataset is such a list. Lines are read as they are needed, names in
the bytes of the file system; the images are opened by a `Reader`. By hand:

    for entry in read_list(open("val.txt", "rb"), folder="/data"):
        print(entry.source, entry.truth)
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from netloom.errors import InvalidInput, PathNotAllowed, UnreadableImage
from netloom.images import is_url

Check = Callable[[Path], Path]  # returns the path to open; raises PathNotAllowed

MAX_LINE = 16_384  # bytes
MAX_LINES = 10_000_000
MAX_FILE = 256 * 2**20  # bytes of one image file

_WITH_TRUTH = re.compile(r"(.*?)\s([+-]?[0-9]{1,18})", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One image of a list."""

    source: str  # absolute path (undecodable bytes as surrogates) or URL
    truth: int | None = None  # as written; it may lie outside the classes
    line: int = 0  # number of the line in the list, from 1

    @property
    def name(self) -> str:
        """Return the source as text that can be shown and sent as JSON."""
        return os.fsencode(self.source).decode("utf-8", "replace")


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Reads the bytes of an image by its server path or URL."""

    check: Check  # confines server paths to the data roots
    fetch: Callable[[str], bytes]  # for example `images.fetch`
    max_bytes: int = MAX_FILE

    def __call__(self, entry: Entry) -> bytes:
        """Return the bytes of an entry of a list; raise as `read` does."""
        return self.read(entry.source)

    def read(self, source: str) -> bytes:
        """Return the bytes behind a path or URL.

        Raise PathNotAllowed outside the data roots, UnreadableImage where there is
        no readable file.
        """
        if is_url(source):
            return self.fetch(source)
        if not os.path.isabs(source):
            raise UnreadableImage("The path is not absolute.", hint="Give the image folder.")
        try:
            return _read_file(self.check(Path(source)), self.max_bytes)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            reason = error.strerror if isinstance(error, OSError) else "not a path"
            raise UnreadableImage(f"The file cannot be read: {reason}.") from error


def read_list(
    file: BinaryIO, *, folder: str = "", limit: int | None = None, check: Check | None = None
) -> Iterator[Entry]:
    """Yield the entries of a list; blank lines are skipped, `limit` entries are read.

    Relative paths are joined to `folder`. A name that itself ends in a blank and a
    number counts as a name where that file exists within the roots (`check`). Raise InvalidInput
    for what cannot be a list.
    """
    found = 0
    for number, line in _lines(file):
        if limit is not None and found >= limit:
            return
        if text := line.strip(" \t\r\n\v\f"):
            source, truth = _parse(line.rstrip("\r\n").lstrip(), text, folder, check)
            yield Entry(source=source, truth=truth, line=number)
            found += 1


def check_list(file: BinaryIO) -> None:
    """Raise InvalidInput now for what `read_list` would stumble over somewhere later.

    The file is read to its end, and left at its start.
    """
    for _ in _raw_lines(file):
        pass
    file.seek(0)


def _lines(file: BinaryIO) -> Iterator[tuple[int, str]]:
    for number, line in _raw_lines(file):
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")  # the mark some editors put before UTF-8
        yield number, os.fsdecode(line)


def _raw_lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if b"\0" in line:
            raise InvalidInput(
                "The image list is not a text file.",
                hint="Send a text file with one path or URL per line.",
                field="image_list",
            )
        if len(line) > MAX_LINE or number > MAX_LINES:
            what = f"Line {number} is longer than {MAX_LINE:,} bytes"
            if number > MAX_LINES:
                what = f"The image list has more than {MAX_LINES:,} lines"
            raise InvalidInput(
                f"{what}.", hint="Send one path or URL per line.", field="image_list"
            )
        yield number, line


def _parse(line: str, text: str, folder: str, check: Check | None) -> tuple[str, int | None]:
    match = _WITH_TRUTH.fullmatch(text)
    if is_url(text):
        return (match[1].rstrip(), int(match[2])) if match else (text, None)
    if match is None:
        # Blanks at the end belong to the name only where such a file exists.
        return _first_existing([text, line], folder, check), None
    spaced, truth = match[1], int(match[2])
    path = _first_existing([spaced, spaced.rstrip(), text], folder, check)
    if path == os.path.join(folder, text):
        return path, None
    return path, truth


def _first_existing(names: list[str], folder: str, check: Check | None) -> str:
    """Return the first name that is a file; the stripped one where none is."""
    paths = [os.path.join(folder, name) for name in names]
    # Without the check, which is slow: the answer is the same as if nothing were there.
    if os.path.isfile(paths[0]) or len(set(paths)) == 1:
        return paths[0]
    for path in paths[1:]:
        if _is_file(path, check):
            return path
    return os.path.join(folder, names[0].rstrip())


def _is_file(path: str, check: Check | None) -> bool:
    try:
        return (check(Path(path)) if check else Path(path)).is_file()
    except (PathNotAllowed, OSError, ValueError):
        return False


def _read_file(path: Path, max_bytes: int) -> bytes:
    # Not blocking: a pipe without a writer would hold the thread for good.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableImage("The path is not a file.")
        if status.st_size > max_bytes:
            raise UnreadableImage(f"The file has more than {max_bytes:,} bytes.")
        return _read_all(descriptor, status.st_size)
    finally:
        os.close(descriptor)


def _read_all(descriptor: int, size: int) -> bytes:
    data = os.read(descriptor, size)
    if len(data) == size:
        return data
    parts = [data]  # one call reads 2 GiB at most, and less from some network file systems
    while parts[-1] and (missing := size - sum(map(len, parts))):
        parts.append(os.read(descriptor, missing))
    return b"".join(parts)
