"""
Watch: the workers of running steps, from their start to their end.

A worker writes its own end to the store. One that vanishes while it is watched has died by
itself, which is an error; one that is found gone when the watch begins went down with an
earlier server or with the machine, and its step is resumed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from dataclasses import dataclass

from netloom.errors import StaleAttempt
from netloom.jobs import failures
from netloom.jobs.endings import end_aborted, fail
from netloom.jobs.executors import Ended, Executor, Worker
from netloom.jobs.processes import is_here
from netloom.jobs.resources import Lent
from netloom.jobs.starts import Starts
from netloom.store import Process, Status, Step, Store

log = logging.getLogger(__name__)

KILL_SECONDS = 1.2  # after a step was asked to stop because its job was aborted
LINGER_SECONDS = 10.0  # for which a worker may take to end when its step has
STARTING_SECONDS = 5.0  # that a worker may take to say who it is
SILENT_SECONDS = 60.0  # after which a worker on another machine is taken for dead
MOST_CRASHES = 3  # resumptions without a new snapshot


@dataclass
class Watched:
    """A worker, and since when it was asked to end."""

    step: Step  # as it was claimed or found
    worker: Worker
    lent: Lent
    asked: float | None = None
    over: float | None = None  # since when its attempt is


class Watch:
    """The workers this scheduler answers for."""

    def __init__(self, store: Store, executor: Executor) -> None:
        self._store = store
        self._executor = executor
        self._watched: dict[int, Watched] = {}
        self._starts = Starts(store, executor)

    @property
    def lent(self) -> list[Lent]:
        """What is lent now. A worker on its way out still has its GPU."""
        working = [watched.lent for watched in self._watched.values()]
        return working + [failed.lent for failed in self._starts.failed]

    @property
    def hurried(self) -> bool:
        """Whether a worker is about to end and should be looked at often."""
        return any(watched.asked or watched.over for watched in self._watched.values())

    def __contains__(self, step_id: int) -> bool:
        return step_id in self._watched or step_id in self._starts

    def begin(self) -> None:
        """Find the workers of an earlier server; resume the steps whose workers are gone."""
        self._watched.clear()
        self._starts.clear()
        for step in self._store.active_steps():
            self._find(step)

    def start(self, step: Step, lent: Lent) -> None:
        """Start the worker of a step that was claimed."""
        worker = self._starts.start(step, lent)
        if worker is not None:
            self._begun(step, lent, worker)

    def _begun(self, step: Step, lent: Lent, worker: Worker) -> None:
        self._watched[step.id] = Watched(step, worker, lent)
        try:
            if worker.process is not None:
                self._store.set_process(step.id, step.attempt, worker.process)
        except StaleAttempt:
            log.debug("step %d ended before it was noted who does it", step.id)

    def look(self) -> bool:
        """Look after every worker; return whether one has ended."""
        rows = {step.id: step for step in self._store.active_steps()}
        for step in [row for row in rows.values() if row.id not in self]:
            self._find(step)
        for failed, worker in self._starts.again(rows):
            self._begun(failed.step, failed.lent, worker)
        ended = [self._look_at(watched, rows) for watched in list(self._watched.values())]
        return any(ended)

    def stop(self, seconds: float, only: Collection[str] | None) -> None:
        """Have workers save what they need and end; their steps wait for the next server."""

        def is_ours(step: Step) -> bool:
            return only is None or step.job_id in only

        chosen = [
            watched
            for watched in self._watched.values()
            if is_ours(watched.step) and not isinstance(watched.worker, _Distant)
        ]
        for watched in chosen:
            watched.worker.stop()
        limit = time.monotonic() + seconds
        while any(watched.worker.ended() is None for watched in chosen):
            if time.monotonic() > limit:
                for watched in chosen:
                    watched.worker.kill()
                break
            time.sleep(0.02)
        waiting = [failed.step for failed in self._starts.failed if is_ours(failed.step)]
        for step in (*(watched.step for watched in chosen), *waiting):
            self._requeue(step)

    def _requeue(self, step: Step) -> None:
        if not self._store.requeue(step.id, step.attempt, crashed=False):
            end_aborted(self._store, step)
        self._watched.pop(step.id, None)
        self._starts.forget(step.id)

    def _find(self, step: Step) -> None:
        claimed = time.time() - (step.heartbeat or 0.0)
        if step.pid is None and claimed < STARTING_SECONDS:
            return  # its worker may be about to say who it is
        worker = self._executor.find(step) if is_here(step.machine) else _Distant(self._store, step)
        if worker is not None:
            self._watched[step.id] = Watched(step, worker, Lent.from_row(step.lent))
        else:
            self._resume(step)

    def _look_at(self, watched: Watched, rows: dict[int, Step]) -> bool:
        step = watched.step
        row = rows.get(step.id)
        over = row is None or row.attempt != step.attempt
        end = watched.worker.ended()
        if end is None:
            self._hurry(watched, over=over, aborted=row is not None and row.abort_requested)
            return False
        # Read again: the worker may have written its end just before it ended.
        row = self._store.step(step.id) if not over else None
        if row is not None and (row.attempt, row.status) == (step.attempt, Status.RUNNING):
            self._lost(row, end, watched.worker)
        # Not before: were the store away just now, its end would be taken for a crash later.
        del self._watched[step.id]
        return True

    def _hurry(self, watched: Watched, *, over: bool, aborted: bool) -> None:
        now = time.monotonic()
        if over:
            watched.over = watched.over or now
            if now - watched.over > LINGER_SECONDS:
                watched.worker.kill()
        elif aborted and watched.asked is None:
            watched.asked = now
            watched.worker.stop()
        elif watched.asked is not None and now - watched.asked > KILL_SECONDS:
            watched.worker.kill()

    def _lost(self, step: Step, end: Ended, worker: Worker) -> None:
        if step.abort_requested:
            end_aborted(self._store, step)
        elif isinstance(worker, _Distant):
            self._resume(step)
        else:
            log.warning("the worker of step %d ended without a word (%s)", step.id, end.code)
            fail(self._store, step, failures.of_end(end.code, self._executor.printed(step)))

    def _resume(self, step: Step) -> None:
        if step.abort_requested:
            end_aborted(self._store, step)
        elif step.crashes >= MOST_CRASHES:
            fail(
                self._store,
                step,
                failures.of_crashes(step.crashes + 1, started=step.pid is not None),
            )
        elif self._store.requeue(step.id, step.attempt, crashed=True):
            log.info("step %s of %s was interrupted and is resumed", step.key, step.job_id)


class _Distant:
    """A worker on another machine, known by its signs of life alone."""

    def __init__(self, store: Store, step: Step) -> None:
        self.process: Process | None = None
        self._store = store
        self._step_id = step.id

    def ended(self) -> Ended | None:
        heartbeat = self._store.step(self._step_id).heartbeat or 0.0
        return Ended(None) if time.time() - heartbeat > SILENT_SECONDS else None

    def stop(self) -> None:
        """Do nothing: it will read for itself that its job was aborted."""

    def kill(self) -> None:
        """Do nothing: its own machine has to."""
