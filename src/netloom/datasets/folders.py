"""
Folders: whether a path on the server can be read as a folder of images.
"""

from __future__ import annotations

import os

from netloom.datasets.methods import CheckPath
from netloom.errors import InvalidInput
from netloom.interfaces.options import MISSING


def wrong_with(path: object, check_path: CheckPath | None) -> str:
    """Return one sentence on why a folder cannot be read, or nothing."""
    if not isinstance(path, str) or not path.strip():
        return MISSING
    if path.startswith(("http://", "https://")):
        return "Folders on the web are not available yet. Give the path of a folder on the server."
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
