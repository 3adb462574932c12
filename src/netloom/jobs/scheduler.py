"""
Scheduler: matches waiting steps to resources, and looks after the running ones.

One scheduler works at a time, by a lease in the database; the others wait for it. Its
thread is woken by events of its own process and looks around a few times a second.

    with Scheduler(store, LocalExecutor(store), settings):
        ...
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection

from netloom.errors import JobNotFound, NotRunning
from netloom.jobs.afterwards import Afterwards
from netloom.jobs.executors import Executor
from netloom.jobs.leadership import Leadership
from netloom.jobs.local import LocalExecutor
from netloom.jobs.processes import this_machine
from netloom.jobs.queue import Decision, decide
from netloom.jobs.resources import Free, Gpu, Lent, find_gpus
from netloom.jobs.watch import Watch
from netloom.settings import Settings
from netloom.store import Status, Step, Store, is_passing

log = logging.getLogger(__name__)

TICK_SECONDS = 0.25
HURRY_SECONDS = 0.03
TROUBLE_SECONDS = 1.0
PRUNE_SECONDS = 60.0
STOP_SECONDS = 15.0


class Scheduler:
    """A thread that gets steps done."""

    def __init__(
        self,
        store: Store,
        executor: Executor | None = None,
        settings: Settings | None = None,
        *,
        gpus: Callable[[], tuple[Gpu, ...]] = find_gpus,
        only: Collection[str] | None = None,
    ) -> None:
        """`only` limits which jobs are started and stopped; the command line has one to do."""
        self._store = store
        self._cpus = (settings or store.settings).cpu_slots
        self._find_gpus = gpus
        self._gpus: tuple[Gpu, ...] = ()
        self._only = only
        self._leadership = Leadership(store, modest=only is not None)
        self._watch = Watch(store, executor or LocalExecutor(store))
        self._afterwards = Afterwards(store, only)
        self._wake = threading.Event()
        self._stopping = False
        self._seen_event = -1
        self._told: list[tuple[str, int]] = []
        self._pruned = 0.0
        self._thread = threading.Thread(target=self._work, name="scheduler", daemon=True)

    @property
    def leads(self) -> bool:
        """Whether this scheduler is the one that works."""
        return self._leadership.held

    def start(self) -> None:
        """Begin to work, or to wait for the lease."""
        self._unlisten = self._store.database.listen(self._wake.set)
        self._thread.start()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Stop; running steps save what they need and wait for the next scheduler."""
        self._stopping = True
        self._wake.set()
        self._thread.join()
        self._unlisten()
        if self._leadership.held:
            self._watch.stop(seconds, self._only)
            try:
                self._afterwards.look()
            finally:
                self._leadership.give_up()
        self._afterwards.stop()

    def __enter__(self) -> Scheduler:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _work(self) -> None:
        self._gpus = self._find_gpus()
        while not self._stopping:
            pause = HURRY_SECONDS if self._watch.hurried else TICK_SECONDS
            try:
                self._turn()
            except Exception as error:  # a full disk, a database that is away: it may come back
                known = is_passing(error) or isinstance(error, JobNotFound)
                log.warning("scheduling is tried again after: %s", error, exc_info=not known)
                pause = TROUBLE_SECONDS
            self._wake.wait(pause)
            self._wake.clear()

    def _turn(self) -> None:
        before = self._leadership.held
        if not self._leadership.hold():
            return
        if not before:
            log.info("this process schedules")
            self._begin()
        ended = self._watch.look()
        event = self._store.last_event_id()
        if ended or event != self._seen_event:
            self._begin_jobs()
            self._start_steps()
            self._tell_resources()
            self._afterwards.look()
            self._seen_event = event
        self._prune()

    def _begin(self) -> None:
        self._seen_event = -1
        self._told = []
        self._watch.begin()
        self._afterwards.begin()
        if self._only is None:
            self._store.files.empty_trash()

    def _begin_jobs(self) -> None:
        """Let jobs begin; a model waits for its dataset and goes down with it."""
        for job_id, status, dataset in self._store.unstarted_jobs():
            if self._is_ours(job_id):
                with contextlib.suppress(JobNotFound, NotRunning):  # ended since it was read
                    self._begin_job(job_id, status, dataset)

    def _begin_job(self, job_id: str, status: str, dataset: str | None) -> None:
        if dataset in (None, Status.DONE):
            self._store.set_job_status(job_id, Status.RUNNING)
        elif dataset in (Status.ABORTED, Status.ERROR):
            self._store.abort_job(job_id)
        elif status == Status.INITIALIZED:
            self._store.set_job_status(job_id, Status.WAITING)

    def _start_steps(self) -> None:
        # A worker that is still on its way out keeps its step from being started again.
        queue = [
            step
            for step in self._store.queue()
            if self._is_ours(step.job_id) and step.id not in self._watch
        ]
        if queue:
            done = self._store.done_keys({step.job_id for step in queue})
            for decision in decide(queue, done, self._free()):
                with contextlib.suppress(JobNotFound):  # deleted since the queue was read
                    self._carry_out(decision)

    def _is_ours(self, job_id: str) -> bool:
        return self._only is None or job_id in self._only

    def _carry_out(self, decision: Decision) -> None:
        step = decision.step
        if decision.missing:
            names = ", ".join(decision.missing)
            hint = "Choose among the GPUs that the home page shows."
            self._store.error(step.id, f"This machine has no GPU {names}.", hint=hint)
        elif decision.lent is not None:
            self._start(step, decision.lent)
        elif step.status == Status.INITIALIZED:
            self._store.set_step_status(step.id, Status.WAITING)

    def _start(self, step: Step, lent: Lent) -> None:
        attempt = self._store.claim_step(step.id, lent.as_row(), this_machine())
        if attempt is not None:
            log.info("step %s of %s starts, attempt %d", step.key, step.job_id, attempt)
            self._watch.start(self._store.step(step.id), lent)

    def _free(self) -> Free:
        return Free.of(self._gpus, self._cpus, self._watch.lent)

    def _tell_resources(self) -> None:
        rows = self._free().rows(self._gpus)
        told = [(row.name, row.used) for row in rows]
        if told != self._told:
            self._store.put_resources(rows)
            self._told = told

    def _prune(self) -> None:
        if time.monotonic() - self._pruned > PRUNE_SECONDS:
            self._pruned = time.monotonic()
            self._store.prune_events()
