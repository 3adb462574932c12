"""
Server paths that users give: confined to the data roots, and completed while they are typed.
"""

from __future__ import annotations

import heapq
import itertools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from netloom.errors import PathNotAllowed
from netloom.roots import DataRoots

MOST_SUGGESTIONS = 100
MOST_SCANNED = 100_000  # entries of one folder

TEXT_SUFFIXES = frozenset(
    [".txt", ".log", ".json", ".jsonl", ".csv", ".py", ".lua", ".prototxt", ".md", ".yaml", ".yml"]
)
IMAGE_TYPES: Mapping[str, str] = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".bmp": "image/bmp",
}


class Roots(DataRoots):
    """The folders from which users may read."""

    def complete(self, query: str) -> list[str]:
        """Return sorted absolute paths within the roots that start with the query."""
        query = query if query.startswith("/") else f"/{query}"
        above = [str(root) for root in self.folders if str(root).startswith(query)]
        inside = heapq.nsmallest(MOST_SUGGESTIONS, self._inside(query))
        return sorted({*above, *inside})[:MOST_SUGGESTIONS]

    def _inside(self, query: str) -> Iterator[str]:
        folder, _, start = query.rpartition("/")
        try:
            self.check(Path(folder or "/"))
            with os.scandir(folder or "/") as entries:
                for entry in itertools.islice(entries, MOST_SCANNED):
                    hidden = entry.name.startswith(".") and not start
                    if entry.name.startswith(start) and not hidden and _is_text(entry.name):
                        yield f"{folder}/{entry.name}"
        except (PathNotAllowed, OSError, ValueError):
            return


def _is_text(name: str) -> bool:
    # A name whose bytes are no characters could not be sent back by a form.
    return not any("\ud800" <= sign <= "\udfff" for sign in name)


def media_type(name: str) -> str:
    """Return the type under which a file is served: nothing that a browser would run."""
    suffix = Path(name).suffix.lower()
    if suffix == ".json":
        return "application/json"
    if suffix in TEXT_SUFFIXES:
        return "text/plain; charset=utf-8"
    return IMAGE_TYPES.get(suffix, "application/octet-stream")


def below(folder: Path, relative: str) -> Path | None:
    """Return the file at a relative path inside a job's directory, None if there is none.

    `folder` holds one directory per job; links that lead out of the job's own directory,
    `..` and hidden names give None.
    """
    parts = relative.split("/")
    if len(parts) < 2 or any(part.startswith(".") or not part or "\0" in part for part in parts):
        return None
    job = (folder / parts[0]).resolve()
    try:
        path = folder.joinpath(*parts).resolve(strict=True)
    except (OSError, RuntimeError):
        return None
    inside = job.parent == folder.resolve() and path.is_relative_to(job)
    return path if inside and path.is_file() else None
