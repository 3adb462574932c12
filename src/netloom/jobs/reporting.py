"""
Reporting: what a running step tells, on its way to the store.

Telling is cheap for the step: progress, points and log lines are kept for a moment and
written together by a thread. Everything written passes the fence of the attempt.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from netloom.errors import StaleAttempt
from netloom.interfaces.job import Facts, MetricPoint, SnapshotFile
from netloom.jobs.resources import Lent
from netloom.store import Fence, Step, Store, is_passing

log = logging.getLogger(__name__)

T = TypeVar("T")

FLUSH_SECONDS = 0.25
POINTS_AT_ONCE = 200
POINT_SECONDS = 0.5
BEAT_SECONDS = 5.0
PATIENCE = 120.0  # seconds for which a database may be away


def patiently(call: Callable[[], T], patience: float = PATIENCE) -> T:
    """Call until the database answers; give up after `patience` seconds."""
    limit = time.monotonic() + patience
    pause = 0.05
    while True:
        try:
            return call()
        except Exception as error:
            if not is_passing(error) or time.monotonic() + pause > limit:
                raise
            log.warning("the database does not answer, trying again: %s", error)
        time.sleep(pause)
        pause = min(pause * 2, 2.0)


class StoreRun:
    """A `StepRun` over the store. Use it as a context: leaving it writes what is left."""

    def __init__(
        self,
        store: Store,
        step: Step,
        stop: threading.Event,
        on_stale: Callable[[], None] = lambda: None,
    ) -> None:
        lent = Lent.from_row(step.lent)
        self.job_id = step.job_id
        self.step_key = step.key
        self.directory = store.files.directory(step.job_id)
        self.attempt = step.attempt
        self.gpus = lent.gpus
        self.cpus = lent.cpus or store.settings.cpu_slots
        self.told_to_stop = False  # whether the step has looked, and knows
        self._store = store
        self._fence = Fence(step.id, step.attempt)
        self._stop = stop
        self._on_stale = on_stale
        self._guard = threading.Lock()  # of what is kept for the moment
        self._writing = threading.Lock()  # one flush at a time, in order
        self._wake = threading.Event()
        self._closed = False
        self._progress: Callable[[], bool] | None = None  # writes it; whether to abort
        self._first: tuple[float, float] | None = None
        self._points: list[MetricPoint] = []
        self._lines: list[tuple[float, str, str]] = []
        self._points_written = self._beat = time.monotonic()
        self._thread = threading.Thread(target=self._write_on, name="reporting", daemon=True)

    # What a step may ask and tell.

    @property
    def stop_requested(self) -> bool:
        self.told_to_stop = self.told_to_stop or self._stop.is_set()
        return self.told_to_stop

    def directory_of(self, job_id: str) -> Path:
        return self._store.files.directory(job_id)

    def progress(
        self,
        fraction: float,
        message: str = "",
        *,
        done: int | None = None,
        total: int | None = None,
        rate: float | None = None,
    ) -> None:
        step_id, attempt = self._fence
        write = partial(
            self._store.progress,
            step_id,
            float(fraction),
            message,
            done=None if done is None else int(done),
            total=None if total is None else int(total),
            rate=None if rate is None else float(rate),
            eta=self._seconds_left(fraction),
            attempt=attempt,
        )
        with self._guard:
            self._progress = write

    def record(self, facts: Facts) -> None:
        self.flush()  # what was told before is in the store first: checkpoints rely on it
        step_id, attempt = self._fence
        self._tell(lambda: self._store.facts(step_id, facts, attempt=attempt))

    def log(self, message: str, level: str = "info") -> None:
        with self._guard:
            self._lines.append((time.time(), level, message))

    def metrics(self, points: Sequence[MetricPoint]) -> None:
        with self._guard:
            self._points.extend(points)
            many = len(self._points) >= POINTS_AT_ONCE
        if many:
            self._wake.set()

    def rewind(self, iteration: int) -> None:
        with self._guard:
            self._points = [point for point in self._points if point.iteration <= iteration]
        self.flush()
        store, fence = self._store, self._fence
        files = self._tell(lambda: store.rewind(self.job_id, iteration, fence=fence))
        for name in files or ():
            (self.directory / name).unlink(missing_ok=True)

    def snapshot(self, file: SnapshotFile) -> None:
        self.flush()  # the curve first: nobody shall see a snapshot beyond its end
        store, fence = self._store, self._fence
        self._tell(lambda: store.add_snapshot(self.job_id, file, fence=fence))

    # How it gets to the store.

    def __enter__(self) -> StoreRun:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._wake.set()
        self._thread.join()
        with contextlib.suppress(StaleAttempt):
            self.flush()

    def flush(self) -> None:
        """Write what is kept for the moment."""
        with self._writing:
            with self._guard:
                progress, self._progress = self._progress, None
                points, self._points = self._points, []
                lines, self._lines = self._lines, []
            self._points_written = time.monotonic()
            self._tell(lambda: self._write(progress, points, lines))

    def _write(
        self,
        progress: Callable[[], bool] | None,
        points: list[MetricPoint],
        lines: list[tuple[float, str, str]],
    ) -> None:
        step_id, attempt = self._fence
        # Lines and points that were written before a failure are taken out, so that a second
        # try does not write them again.
        if lines:
            self._store.add_log(step_id, lines)
            lines.clear()
        if points:
            self._store.append_points(self.job_id, points, fence=self._fence)
            points.clear()
        if progress is not None:
            aborted = progress()
        elif time.monotonic() - self._beat > BEAT_SECONDS:
            aborted = self._store.beat(step_id, attempt)
        else:
            return
        self._beat = time.monotonic()
        if aborted:  # a signal is faster, but may not reach another machine
            self._stop.set()

    def _write_on(self) -> None:
        while not self._closed:
            self._wake.wait(FLUSH_SECONDS)
            self._wake.clear()
            try:
                self._write_due()
            except StaleAttempt:
                return
            except Exception:  # the step itself will meet it when it writes, and say so
                log.exception("what the step told could not be written")

    def _write_due(self) -> None:
        waited = time.monotonic() - self._points_written
        with self._guard:
            late = bool(self._points) and waited >= POINT_SECONDS
            due = late or len(self._points) >= POINTS_AT_ONCE
            due = due or self._progress is not None or bool(self._lines)
        if due or time.monotonic() - self._beat > BEAT_SECONDS:
            self.flush()

    def _tell(self, call: Callable[[], T]) -> T:
        try:
            return patiently(call)
        except StaleAttempt:
            self._stop.set()
            self._on_stale()
            raise

    def _seconds_left(self, fraction: float) -> float | None:
        now = time.monotonic()
        if self._first is None:
            self._first = (now, fraction)
        start, begun = self._first
        # By what this attempt has done: a resumed one has not worked for the whole share.
        if fraction <= begun or now - start < 0.5:
            return None
        return (1.0 - fraction) * (now - start) / (fraction - begun)
