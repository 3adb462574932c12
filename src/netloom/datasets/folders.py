"""
Folders: whether a path on the server can be read as a folder of images.
"""

from __future__ import annotations

import os

from netloom.datasets.methods import CheckPath, FetchPage
from netloom.errors import InvalidInput
from netloom.images import fetch, is_url
from netloom.interfaces.options import MISSING
from netloom.settings import Settings

PATIENCE = 6.0  # seconds for a page, while somebody waits for the answer to a form
LARGEST_LISTING = 16 * 2**20  # bytes of a page that lists a folder


def wrong_with(
    path: object, check_path: CheckPath | None, fetch_page: FetchPage | None = None
) -> str:
    """Return one sentence on why a folder cannot be read, or nothing.

    A URL is a folder that a web server lists, where the caller gives a way to fetch it.
    """
    if not isinstance(path, str) or not path.strip():
        return MISSING
    if is_url(path):
        return _wrong_page(path, fetch_page)
    if not os.path.isabs(path):
        return f"{path!r} is not an absolute path. It must start with '/'."
    try:
        if check_path is not None:
            check_path(path)
        if not os.path.exists(path):
            return f"The folder {path!r} does not exist on the server."
        if not os.path.isdir(path):
            return f"{path!r} is not a folder."
        os.listdir(path)
    except InvalidInput as error:
        return str(error)
    except OSError as error:
        return f"The folder {path!r} cannot be read: {error.strerror}."
    return ""


def fetch_listing(url: str, *, allow_private: bool | None = None) -> object:
    """Ask for a folder on the web; None leaves private addresses to the settings."""
    return fetch(
        url,
        allow_private=Settings().fetch_private if allow_private is None else allow_private,
        seconds=PATIENCE,
        max_bytes=LARGEST_LISTING,
    )


def _wrong_page(url: str, fetch_page: FetchPage | None) -> str:
    if fetch_page is None:
        return "This must be a path on the server, not a URL."
    if "@" in url.partition("://")[2].partition("/")[0]:
        return "The URL must not hold a user name or password: its dataset would show them."
    try:
        fetch_page(url)
    except InvalidInput as error:
        return str(error)
    return ""
