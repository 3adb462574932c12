"""
Images named by text files: paths on the server and URLs.

    TextFileSource(roots=("/data",)).read("/data/pets/cat.png")

Paths are confined to the data roots, and URLs fetched by the rules of `netloom.images.fetch`.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from netloom.errors import InvalidInput, UnreadableImage
from netloom.images import fetch, is_url
from netloom.interfaces.source import ImageReader
from netloom.plugins.sources.folder import read_file
from netloom.roots import DataRoots
from netloom.settings import Settings


class TextFileSource(ImageReader):
    """Images that a list names by path or URL."""

    title: ClassVar[str] = "Text files"

    roots: tuple[str, ...] | None = Field(
        None, description="Folders that may be read; none given: all of them"
    )

    def read(self, address: str) -> bytes:
        """Return the bytes behind a path or URL."""
        if is_url(address):
            try:
                return fetch(address, allow_private=Settings().fetch_private)
            except InvalidInput as error:
                raise UnreadableImage(error.message, hint=error.hint) from error
        if not os.path.isabs(address):
            raise UnreadableImage("The path is relative, and no image folder was given.")
        return read_file(address if self.roots is None else self._within(address, self.roots))

    def _within(self, address: str, roots: tuple[str, ...]) -> str:
        try:
            return str(_data_roots(roots).check(Path(address)))
        except InvalidInput:
            # Without the path, which stands beside the reason, and the roots, for every file.
            raise UnreadableImage("The path is outside the folders that may be read.") from None


@functools.cache
def _data_roots(roots: tuple[str, ...]) -> DataRoots:
    return DataRoots(map(Path, roots))
