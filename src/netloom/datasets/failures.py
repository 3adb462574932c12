"""
Unreadable files: `<split>_unreadable.jsonl`, one line {"path", "class", "reason"} per file.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TextIO


def unreadable_name(split: str) -> str:
    """Return the file name of the list of a split."""
    return f"{split}_unreadable.jsonl"


def add_unreadable(file: TextIO, path: str, name: str, reason: str) -> None:
    """Append one file to the list."""
    file.write(json.dumps({"path": path, "class": name, "reason": reason}) + "\n")


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
