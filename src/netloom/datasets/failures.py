"""
Unreadable files: `<split>_unreadable.jsonl`, one line {"path", "class", "reason"} per file.

Parsing leaves those that it cannot put into `<split>.txt`, in lines of the same form, in
`<split>_left_out.jsonl`; the build of the split begins its own list with them. A file that
belongs to no split is counted with the first split of its folder.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def unreadable_name(split: str) -> str:
    """Return the file name of the list of a split."""
    return f"{split}_unreadable.jsonl"


def left_out_name(split: str) -> str:
    """Return the file name of what parsing could not put into the list of a split."""
    return f"{split}_left_out.jsonl"


def read_left_out(directory: Path, split: str) -> Iterator[dict[str, str]]:
    """Yield what parsing left out, row by row; nothing if there is no such file."""
    try:
        with (directory / left_out_name(split)).open(encoding="utf-8") as file:
            yield from map(json.loads, file)
    except FileNotFoundError:
        return


def add_unreadable(file: BinaryIO, path: str, name: str, reason: str) -> None:
    """Append one file to the list."""
    file.write(json.dumps({"path": path, "class": name, "reason": reason}).encode() + b"\n")


def unreadable(
    directory: Path, split: str, offset: int = 0, limit: int = 100
) -> tuple[list[dict[str, str]], int]:
    """Return some of the unreadable files of a split and how many there are in all."""
    try:
        with (directory / unreadable_name(split)).open(encoding="utf-8") as file:
            before = sum(1 for _ in itertools.islice(file, offset))
            rows = [json.loads(line) for line in itertools.islice(file, limit)]
            return rows, before + len(rows) + sum(1 for _ in file)
    except FileNotFoundError:
        return [], 0
