"""
The models that doors classify with: found once, kept open, answered fast.

Which file answers for (job, epoch) is remembered until an event says that the job changed,
so a request on a warm model asks no database. A small network runs on the event loop
itself, as handing it to a thread would take longer than its answer; a slow one never does.
"""

from __future__ import annotations

import math
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import anyio
from starlette.concurrency import run_in_threadpool

from netloom.errors import InvalidInput, JobNotFound, SnapshotNotFound
from netloom.settings import Settings
from netloom.store import Event, Snapshot, Store
from netloom.web.events import EventStream
from netloom.web.insides import OpenInsides

if TYPE_CHECKING:
    from netloom.inference import Model, Predictor, Sessions

Answer = TypeVar("Answer")

INLINE_SECONDS = 0.003  # a run on the event loop may take this long
MOST_TARGETS = 10_000
INSIDE_SHARE = 4  # of the memory for networks: a quarter more for those that are looked into
LISTS_AT_ONCE = 4  # lists of images that are classified at the same time; others take turns
CHANGES = ("snapshot", "status")


@dataclass
class Target:
    """The network file that answers for a job and an epoch."""

    job_id: str
    directory: Path
    network: str
    epoch: float
    seconds: float = math.inf  # what an answer took lately; infinite until it is known
    # Dead once the network was closed to make room; holding it here would keep it open.
    opened: weakref.ref[Model] | None = field(default=None, repr=False)


class OpenModels:
    """Models by job and epoch."""

    def __init__(self, store: Store, events: EventStream, settings: Settings) -> None:
        self._store = store
        self._events = events
        self._settings = settings
        self._targets: dict[tuple[str, str], Target] = {}
        self._sessions: Sessions | None = None
        self.insides = OpenInsides(settings.session_bytes // INSIDE_SHARE)
        self.lists = anyio.CapacityLimiter(LISTS_AT_ONCE)
        events.watch(self._on_event)

    @property
    def sessions(self) -> Sessions:
        """Return the open networks; the engine is loaded with the first of them."""
        if self._sessions is None:
            from netloom.inference import Sessions

            self._sessions = Sessions(self._settings.session_bytes)
        return self._sessions

    def target(self, job_id: str, epoch: str = "") -> Target:
        """Return what answers; raise JobNotFound, InvalidInput or SnapshotNotFound.

        `epoch` is text as posted; empty and "-1" mean the latest exported snapshot.
        """
        found = self.remembered(job_id, epoch)
        if found is None:
            found = self._look_up(job_id, epoch)
            if len(self._targets) >= MOST_TARGETS:
                self._targets.clear()
            self._targets[job_id, epoch] = found
        return found

    def remembered(self, job_id: str, epoch: str) -> Target | None:
        """Return what answers if that is known without asking the database."""
        # Without the stream nobody would say that a job changed.
        return self._targets.get((job_id, epoch)) if self._events.running else None

    def predictor(self, target: Target) -> Predictor:
        """Return the opened model; opens it if need be."""
        from netloom.inference import Predictor

        model = self.sessions.get(target.directory, target.network)
        target.opened = weakref.ref(model)
        return Predictor(model, max_pixels=self._settings.decode_pixels)

    async def run(
        self, target: Target, work: Callable[[Predictor], Answer], *, small: bool
    ) -> Answer:
        """Do brief work with a model: on the event loop if it is open and quick.

        `small` says that the image itself cannot take long; others always go to a thread.
        """
        warm = target.opened is not None and target.opened() is not None
        if small and warm and target.seconds < INLINE_SECONDS:
            return self._timed(target, work)
        if small:
            return await run_in_threadpool(self._timed, target, work)
        return await run_in_threadpool(lambda: work(self.predictor(target)))

    def _timed(self, target: Target, work: Callable[[Predictor], Answer]) -> Answer:
        predictor = self.predictor(target)
        begun = time.perf_counter()
        answer = work(predictor)
        took = time.perf_counter() - begun
        # Slower at once, faster bit by bit: one long run sends the next ones to a thread.
        known = target.seconds if math.isfinite(target.seconds) else took
        target.seconds = max(took, 0.8 * known + 0.2 * took)
        return answer

    def forget(self, job_id: str) -> None:
        """Close the networks of a job that is deleted."""
        self._drop(job_id)
        directory = self._store.files.directory(job_id)
        self.insides.forget(directory)
        if self._sessions is not None:
            self._sessions.forget(directory)

    def _look_up(self, job_id: str, epoch: str) -> Target:
        wanted = parsed_epoch(epoch)
        job = self._store.job(job_id)
        if job.kind != "model":
            raise JobNotFound(f'"{job.name}" is not a model.', hint="Give the id of a model.")
        snapshot = choose_snapshot(self._store.snapshots(job_id), wanted)
        return Target(
            job_id=job_id,
            directory=self._store.files.directory(job_id),
            network=snapshot.network,
            epoch=snapshot.epoch,
        )

    def _on_event(self, event: Event) -> None:
        if event.kind == "deleted":  # by another process, perhaps
            self.forget(event.job_id)
        elif event.kind in CHANGES:
            self._drop(event.job_id)

    def _drop(self, job_id: str) -> None:
        for key in [key for key in self._targets if key[0] == job_id]:
            del self._targets[key]


def parsed_epoch(text: str) -> float | None:
    """Return a posted epoch, None for the latest; raise InvalidInput."""
    try:
        epoch = float(text) if text.strip() else -1.0
    except ValueError:
        epoch = math.nan
    if not math.isfinite(epoch):
        raise InvalidInput(
            f"snapshot_epoch: {text!r} is not a number.",
            hint="Leave it out for the latest snapshot.",
            field="snapshot_epoch",
        )
    return None if epoch == -1 else epoch


def choose_snapshot(snapshots: list[Snapshot], wanted: float | None) -> Snapshot:
    """Return the snapshot of an epoch that can answer, the latest for None."""
    exported = [snapshot for snapshot in snapshots if snapshot.network]
    # Epochs are shown rounded to three decimals.
    fitting = [s for s in exported if wanted is None or abs(s.epoch - wanted) < 0.0005]
    if fitting:
        return fitting[-1]
    if wanted is None:
        raise SnapshotNotFound(
            "The model has no snapshot that can answer yet.", hint="Wait for the first one."
        )
    known = ", ".join(f"{snapshot.epoch:g}" for snapshot in exported) or "none"
    raise SnapshotNotFound(
        f"The model has no snapshot of epoch {wanted:g}.", hint=f"Epochs: {known}."
    )
