"""
Folders on the web: the pages by which nginx, Apache and others list a folder.

    WebFolderSource(root="https://example.org/pets/").classes()

Only links to what lies directly below a page count, so a listing leads to no other host.
Everything is fetched by the rules of `netloom.images.fetch`.
"""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import ClassVar
from urllib.parse import quote, unquote, unquote_to_bytes, urljoin, urlsplit

from pydantic import Field

from netloom.datasets.folders import LARGEST_LISTING
from netloom.errors import DatasetFailed, InvalidInput, UnreadableImage
from netloom.images import fetch
from netloom.interfaces.source import Skipped, Source, SourceClass
from netloom.plugins.sources.folder import SUFFIXES
from netloom.settings import Settings

MOST_LISTINGS = 10_000  # of one class; a server could make up folders without end
DEEPEST = 20  # folders below that of a class
_KEPT = "/:?#[]@!$&'()*+,;=%-._~"  # characters of a URL that are not escaped again


class WebFolderSource(Source):
    """A folder that a web server lists, with one sub-folder of images per class."""

    title: ClassVar[str] = "Folder on the web"

    root: str = Field(description="URL of a folder with one sub-folder per class")

    def classes(self) -> list[SourceClass]:
        """Return the sub-folders in byte order of their names; `_` stands for a blank."""
        root = _folder_url(self.root)
        try:
            below = self._listed(root)
        except InvalidInput as error:
            raise DatasetFailed(
                f"The folder {self.root} cannot be listed: {error.message}",
                hint=error.hint or "The web server must list the folder (autoindex).",
            ) from error
        return [
            SourceClass(name=_name(url).replace("_", " "), where=url)
            for url in below
            if url.endswith("/")
        ]

    def itemize(self, of: SourceClass, skipped: Skipped) -> Iterator[str]:
        """Yield every image below a class folder: files of a folder first, then its sub-folders."""
        waiting, listings = [(of.where, 0)], 0
        while waiting:
            folder, depth = waiting.pop()
            if depth > DEEPEST or listings == MOST_LISTINGS:
                skipped(folder, "The folder lies too deep, or there are too many of them.")
                continue
            listings += 1
            try:
                below = self._listed(folder)
            except InvalidInput as error:
                skipped(folder, f"The folder cannot be listed: {error.message}")
                continue
            yield from (url for url in below if url.lower().endswith(SUFFIXES))
            waiting += [(url, depth + 1) for url in reversed(below) if url.endswith("/")]

    def read(self, address: str) -> bytes:
        """Return the bytes behind a URL."""
        try:
            return fetch(address, allow_private=Settings().fetch_private)
        except InvalidInput as error:
            raise UnreadableImage(error.message, hint=error.hint) from error

    def _listed(self, folder: str) -> list[str]:
        """Return the URLs that a page lists, in byte order of their names."""
        page = fetch(folder, allow_private=Settings().fetch_private, max_bytes=LARGEST_LISTING)
        return sorted(links_below(folder, page), key=unquote_to_bytes)


class _Links(HTMLParser):
    """Collects where the links of a page lead."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def links_below(folder: str, page: bytes) -> set[str]:
    """Return the links of a page that lead to files and folders directly below it."""
    links = _Links()
    links.feed(page.decode("utf-8", "replace"))
    below = set()
    for link in links.found:
        try:
            url = urljoin(folder, link.strip())
            parts = urlsplit(url)
        except ValueError:
            continue
        name = url.removeprefix(folder)
        plain = not parts.query and not parts.fragment and "\\" not in name
        # What is sorted or led up to has no name of its own: "?C=N;O=D", "../", "/".
        up = unquote(name).strip("/") in ("", ".", "..")
        if plain and name != url and not up and "/" not in name[:-1]:
            below.add(quote(url, safe=_KEPT))
    return below


def _folder_url(url: str) -> str:
    """Return the URL of a folder with the slash at its end that links are relative to."""
    plain = quote(url.strip().partition("#")[0].partition("?")[0], safe=_KEPT)
    return plain if plain.endswith("/") else f"{plain}/"


def _name(url: str) -> str:
    """Return the name of a folder as it can be shown."""
    return unquote_to_bytes(url.rstrip("/").rpartition("/")[2]).decode("utf-8", "backslashreplace")
