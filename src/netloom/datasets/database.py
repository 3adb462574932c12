"""
Databases: finished LMDB databases, opened for reading once per process.

LMDB refuses to open a file twice in one process, so everyone who reads a database here
shares one handle; it is closed when the last of them has let go of it.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import lmdb

from netloom.errors import BadDataset

# A forked process goes on with the handles of its parent: read-only and without locks,
# they are nothing but a map of the file.
_open: WeakValueDictionary[str, Any] = WeakValueDictionary()
_lock = threading.Lock()


def open_database(path: Path) -> Any:
    """Return the LMDB environment of a database; raise BadDataset if it cannot be opened."""
    name = os.path.realpath(path)
    with _lock:
        environment = _open.get(name)
        if environment is None:
            environment = _open[name] = _opened(path)
        return environment


def _opened(path: Path) -> Any:
    try:
        # Without locks: nothing writes to a finished database, and its folder may not be
        # writable.
        return lmdb.open(str(path), readonly=True, lock=False, readahead=False, create=False)
    except lmdb.Error as error:
        reason = getattr(error, "reason", "") or str(error)
        raise BadDataset(
            f"The database {path.name} cannot be opened: {reason}.",
            hint="Create the dataset again.",
        ) from error
