"""
Afterwards: what is done once a job has ended, beside the scheduler and never in its way.

The scheduler that works looks for ends among the events; a thread measures what the job
takes on the disk and has webhooks told. Each end is done once, also by schedulers that
follow one another: the job's facts tell which was the last.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from queue import SimpleQueue

from netloom.errors import JobNotFound
from netloom.jobs.webhooks import Webhooks
from netloom.store import Ending, Job, Store

log = logging.getLogger(__name__)

DONE = "ended"  # the fact that tells the last end that was done, by the id of its event


class Afterwards:
    """A thread that deals with jobs that have ended."""

    def __init__(self, store: Store, only: Collection[str] | None = None) -> None:
        """`only` limits whose ends are dealt with."""
        self._store = store
        self._only = only
        self._webhooks = Webhooks(store.settings)
        self._seen = 0
        self._queue: SimpleQueue[Ending | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Look at all ends that are known, as an earlier scheduler may have missed some."""
        self._seen = 0

    def look(self) -> None:
        """Take up the ends that are new."""
        for ending in self._store.endings_after(self._seen):
            self._seen = ending.event
            if self._only is None or ending.job_id in self._only:
                self._queue.put(ending)
                self._start()

    def stop(self) -> None:
        """Finish what was taken up."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None
        self._webhooks.stop()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="afterwards", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while (ending := self._queue.get()) is not None:
            try:
                self._deal_with(ending)
            except JobNotFound:
                log.debug("job %s was deleted at once", ending.job_id)
            except Exception as error:  # a full disk, a database that is away
                log.warning("the end of job %s was not dealt with: %s", ending.job_id, error)

    def _deal_with(self, ending: Ending) -> None:
        job = self._store.job(ending.job_id)
        if job.facts.get(DONE, 0) < ending.event:
            measure(self._store, job)
            self._webhooks.tell(job, ending.event)
            self._store.set_job_facts(job.id, {DONE: ending.event})


def measure(store: Store, job: Job) -> int:
    """Return the bytes in the files of a job, and keep the number for tables if it is new."""
    size = store.files.size(job.id)
    if job.facts.get("bytes") != size:
        store.set_job_facts(job.id, {"bytes": size})
        store.add_event(job.id, "disk", {"bytes": size})
    return size
