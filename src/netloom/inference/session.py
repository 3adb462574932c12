"""
Sessions: the models kept open between requests.

The least recently used model goes first when their estimated memory passes the
limit; the last one used always stays. A model that changed on disk is opened anew. By hand:

    Sessions(2**30).get(directory, "snapshot_3.onnx")
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from netloom.errors import BadModel
from netloom.inference.model import Model
from netloom.networks.card import CARD

log = logging.getLogger(__name__)

Key = tuple[Path, str, int, int]  # directory, network file, and when the network and card changed


class Opened(Protocol):
    """What is kept open."""

    @property
    def bytes(self) -> int:
        """Return the estimated memory it holds while idle."""
        ...


Thing = TypeVar("Thing", bound=Opened)


class OpenThings(Generic[Thing]):
    """What was opened of models, by directory and network file; for many threads."""

    def __init__(self, limit_bytes: int, open_model: Callable[[Path, str], Thing]) -> None:
        self._limit = limit_bytes
        self._open = open_model
        self._lock = threading.Lock()
        self._models: OrderedDict[Key, Future[Thing]] = OrderedDict()  # least recently used first

    def get(self, directory: Path, network_file: str) -> Thing:
        """Return the opened model; raise BadModel if it cannot be opened.

        Threads that ask for a model while it loads wait for that one load; other
        models are answered meanwhile. A failed load is tried again by the next caller.
        """
        key = _key(directory, network_file)
        with self._lock:
            future = self._models.get(key)
            waits = future is not None
            if future is None:
                future = self._models[key] = Future()
            self._models.move_to_end(key)
        if not waits:
            self._load(key, future)
        return future.result()

    @property
    def bytes(self) -> int:
        """Return the estimated memory of the models that are open."""
        with self._lock:
            return self._total()

    def __len__(self) -> int:
        return len(self._models)

    def forget(self, directory: Path) -> None:
        """Close every model of a directory, before it is deleted."""
        with self._lock:
            for key in [key for key in self._models if key[0] == directory]:
                del self._models[key]

    def _load(self, key: Key, future: Future[Thing]) -> None:
        try:
            model = self._open(key[0], key[1])
        except BaseException as error:
            with self._lock:
                if self._models.get(key) is future:
                    del self._models[key]
            future.set_exception(error)
            return
        future.set_result(model)
        with self._lock:
            if self._models.get(key) is future:  # not forgotten while it loaded
                self._drop_older(key)
                self._evict()

    def _drop_older(self, key: Key) -> None:
        for other in [other for other in self._models if other[:2] == key[:2] and other != key]:
            del self._models[other]

    def _evict(self) -> None:
        for key in list(self._models):
            if self._total() <= self._limit or len(self._models) == 1:
                return
            if self._models[key].done():  # requests that still use it keep it alive until they end
                log.info("closing %s of %s to make room", key[1], key[0].name)
                del self._models[key]

    def _total(self) -> int:
        return sum(future.result().bytes for future in self._models.values() if future.done())


class Sessions(OpenThings[Model]):
    """Open models by directory and network file; may be used from many threads."""

    def __init__(
        self, limit_bytes: int, *, open_model: Callable[[Path, str], Model] = Model.open
    ) -> None:
        super().__init__(limit_bytes, open_model)


def _key(directory: Path, network_file: str) -> Key:
    try:
        return (
            directory,
            network_file,
            (directory / network_file).stat().st_mtime_ns,
            (directory / CARD).stat().st_mtime_ns,
        )
    except FileNotFoundError as error:
        raise BadModel(
            f"The model {directory.name!r} has no file {Path(str(error.filename)).name!r}.",
            hint="Choose another snapshot, or wait for the first one.",
        ) from None
    except (OSError, ValueError) as error:
        raise BadModel(f"The model {directory.name!r} cannot be read.") from error
