"""
The splits that the explorer reads, kept open: LMDB lets a process open a database once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from netloom.store import Event, Store
from netloom.web.events import EventStream

if TYPE_CHECKING:
    from netloom.datasets import Split

MOST_OPEN = 32


class OpenDatasets:
    """Splits of built datasets by job id and name; may be used from many threads."""

    def __init__(self, store: Store, events: EventStream) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._splits: OrderedDict[tuple[str, str], Split] = OrderedDict()
        events.watch(self._on_event)

    def split(self, job_id: str, name: str) -> Split:
        """Return a split; raise BadDataset if there is none or it cannot be opened."""
        from netloom import datasets

        with self._lock:
            split = self._splits.get((job_id, name))
            if split is None:
                split = datasets.open(self._store.files.directory(job_id)).split(name)
                if len(split):
                    split.raw(0)  # opens the database while no other thread can
                self._splits[job_id, name] = split
            self._splits.move_to_end((job_id, name))
            while len(self._splits) > MOST_OPEN:
                self._splits.popitem(last=False)
            return split

    def _on_event(self, event: Event) -> None:
        if event.kind == "deleted":
            self.forget(event.job_id)

    def forget(self, job_id: str) -> None:
        """Close the databases of a job that was deleted."""
        with self._lock:
            for key in [key for key in self._splits if key[0] == job_id]:
                del self._splits[key]
