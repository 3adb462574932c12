"""
Networks opened to look into, and the pictures of what was seen, until a page has fetched them.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from netloom.errors import NotFound

if TYPE_CHECKING:
    from netloom.inference.inside import Inside
    from netloom.inference.session import OpenThings

PICTURE_BYTES = 128 * 2**20  # of pictures that are kept for pages


class OpenInsides:
    """Layers of models by directory and network file; may be used from many threads."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._things: OpenThings[Inside] | None = None
        self.pictures = Pictures(PICTURE_BYTES)

    def get(self, directory: Path, network_file: str) -> Inside:
        """Return the opened layers; raise BadModel."""
        if self._things is None:
            from netloom.inference.inside import Inside
            from netloom.inference.session import OpenThings

            self._things = OpenThings(self._limit, Inside.open)
        return self._things.get(directory, network_file)

    def forget(self, directory: Path) -> None:
        """Close the networks of a directory, before it is deleted."""
        if self._things is not None:
            self._things.forget(directory)


class Pictures:
    """PNG files by an unguessable name and a number; the oldest go first."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[bytes, ...]] = OrderedDict()

    def keep(self, files: tuple[bytes, ...]) -> str:
        """Keep the pictures of one answer; return the name by which they are found."""
        name = secrets.token_urlsafe(12)
        with self._lock:
            self._kept[name] = files
            while len(self._kept) > 1 and self._total() > self._limit:
                self._kept.popitem(last=False)
        return name

    def get(self, name: str, number: int) -> bytes:
        """Return a picture; raise NotFound when it is gone."""
        with self._lock:
            files = self._kept.get(name, ())
        if not 0 <= number < len(files):
            raise NotFound("The picture is not kept any more.", hint="Classify the image again.")
        return files[number]

    def _total(self) -> int:
        return sum(len(file) for files in self._kept.values() for file in files)
