"""
Text files that users bring: lists of images with class numbers, and the names of the classes.

    img/a cat.png 3
    /data/pets/dog.png 0
    https://example.org/wren.png 1

A line is a path or URL, blanks and a class number; a labels file has one name per line,
the first of class 0. Files are read line by line, names in the bytes of the file system.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from netloom.errors import DatasetFailed, TooFewClasses
from netloom.interfaces.source import shown

LONGEST_LINE = 16_384  # bytes; a file of longer ones is no list
LONGEST_NAME = 1_000  # characters of a class name
MOST_CLASSES = 100_000
MOST_BYTES = 4 * 2**20  # of a labels file
_MARK = b"\xef\xbb\xbf"  # what some editors put before UTF-8
_EXAMPLE = 'Write one image per line: a path, a blank and a class number, like "img/a.png 3".'


class NoEntry(Exception):
    """A line that names no image; the text says why not."""


def numbered_lines(file: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    """Yield each line of a text file with its number, from 1, and its end as it stands.

    `name` is what messages call the file, for example "training list".
    """
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if b"\0" in line:
            raise DatasetFailed(
                f"The {name} is not a text file.", hint="Save it as plain text in UTF-8."
            )
        if len(line) > LONGEST_LINE:
            raise DatasetFailed(
                f"Line {number} of the {name} is longer than {LONGEST_LINE:,} bytes.", hint=_EXAMPLE
            )
        yield number, line.removeprefix(_MARK) if number == 1 else line


def parse_line(line: bytes) -> tuple[bytes, int]:
    """Return the path and the class number of a line; raise NoEntry."""
    parts = line.rsplit(None, 1)
    if not parts:
        raise NoEntry("The line is empty.")
    label = parts[-1]
    if label[:1] == b"-" and label[1:].isdigit():
        raise NoEntry("The class number is negative.")
    if not label.isdigit():
        raise NoEntry("The line does not end with a class number.")
    path = parts[0].strip()
    if len(parts) == 1 or not path:
        raise NoEntry("The line has no path.")
    if b"\r" in path:
        raise NoEntry("The path contains a line break.")
    return path, int(label[:18])  # enough to be beyond any list of names


def read_names(file: BinaryIO) -> list[str]:
    """Return the names of the classes; raise DatasetFailed for what cannot name them."""
    lines: dict[str, int] = {}  # where each name stands
    size = 0
    for number, line in numbered_lines(file, "labels file"):
        size += len(line)
        if len(lines) == MOST_CLASSES or size > MOST_BYTES:
            raise DatasetFailed(
                f"The labels file has more than {MOST_CLASSES:,} names or {MOST_BYTES:,} bytes.",
                hint="Give the file with one class name per line.",
            )
        name = _name(number, line)
        if not name:
            continue
        if name in lines:
            raise DatasetFailed(
                f"The labels file has the name {name!r} twice: in lines {lines[name]}"
                f" and {number}.",
                hint="Give every class a name of its own.",
            )
        lines[name] = number
    if len(lines) < 2:
        raise TooFewClasses(
            f"The labels file has {'one name' if lines else 'no names'}; at least two are needed.",
            hint="Write one class name per line, that of class 0 first.",
        )
    return list(lines)


def _name(number: int, line: bytes) -> str:
    try:
        name = line.decode().strip()
    except UnicodeDecodeError:
        raise DatasetFailed(
            f"Line {number} of the labels file, '{_start(line)}', is not UTF-8.",
            hint="Save the labels file as UTF-8.",
        ) from None
    if len(name) > LONGEST_NAME or "\r" in name:
        what = f"is longer than {LONGEST_NAME:,} characters"
        if "\r" in name:
            what = "holds several names: its lines end in a way that is no longer in use"
        raise DatasetFailed(
            f"Line {number} of the labels file {what}.", hint="Write one class name per line."
        )
    return name


def _start(line: bytes) -> str:
    """Return the beginning of a line as text that can be shown."""
    return shown(line.strip()[:60].decode("utf-8", "surrogateescape"))
