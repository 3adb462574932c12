"""
Steps: claimed by a scheduler, told about by their worker, ended by one of both.

Whatever a worker writes passes a fence: it counts only while its attempt is the running
one. Job rows are locked before step rows, always, so that no two writers block each other.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from netloom.errors import InvalidInput, NotRunning, StaleAttempt
from netloom.store.database import tell
from netloom.store.history import change_status
from netloom.store.part import Part, find_job, find_step, pass_fence
from netloom.store.records import Job, LogLine, Step
from netloom.store.status import RUNNING, Status, after_steps, is_running
from netloom.store.values import plain


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process that cannot be mistaken for a later one with the same id."""

    pid: int
    started: float  # seconds after the start of the machine
    machine: str


class Steps(Part):
    """Part of the store."""

    def steps(self, job_id: str) -> list[Step]:
        """Return the steps of a job in their order."""
        query = select(Step).where(Step.job_id == job_id).order_by(Step.place)
        with self.database.read() as session:
            return list(session.scalars(query))

    def step(self, step_id: int) -> Step:
        """Return one step; raise JobNotFound when its job was deleted."""
        with self.database.read() as session:
            return find_step(session, step_id)

    def claim_step(self, step_id: int, lent: Mapping[str, Any], machine: str) -> int | None:
        """Make a waiting step Running; return the number of the attempt, None if it was gone."""
        with self.database.write() as session:
            job, step = _lock(session, step_id)
            if step.abort_requested or job.status != Status.RUNNING:
                return None
            if step.status == Status.RUNNING or not change_status(session, step, Status.RUNNING):
                return None
            step.attempt += 1
            step.lent = dict(lent)
            step.started = step.started or time.time()
            step.heartbeat = time.time()
            step.pid = step.pid_started = step.stopped = None
            step.machine = machine
            return step.attempt

    def set_process(self, step_id: int, attempt: int, process: Process) -> None:
        """Note which process does an attempt; raise StaleAttempt when it is over."""
        with self.database.write() as session:
            step = pass_fence(session, step_id, attempt)
            step.pid, step.pid_started = process.pid, process.started
            step.machine, step.heartbeat = process.machine, time.time()

    def beat(self, step_id: int, attempt: int) -> bool:
        """Give a sign of life; return whether to abort; raise StaleAttempt."""
        with self.database.write() as session:
            step = pass_fence(session, step_id, attempt)
            step.heartbeat = time.time()
            return step.abort_requested

    def progress(
        self,
        step_id: int,
        fraction: float,
        message: str = "",
        *,
        done: int | None = None,
        total: int | None = None,
        rate: float | None = None,
        eta: float | None = None,
        attempt: int | None = None,
    ) -> bool:
        """Note how far a step is (0..1), with the seconds left; return whether to abort it."""
        with self.database.write() as session:
            step = pass_fence(session, step_id, attempt)
            step.progress, step.message = min(max(fraction, 0.0), 1.0), plain(message)
            step.done, step.total, step.rate, step.eta = done, total, rate, eta
            step.heartbeat = time.time()
            data = {
                "step": step.key,
                "progress": step.progress,
                "done": done,
                "total": total,
                "rate": rate,
                "eta": eta,
                "message": step.message,
            }
            tell(session, step.job_id, "progress", data)
            return step.abort_requested

    def facts(self, step_id: int, facts: Mapping[str, Any], *, attempt: int | None = None) -> None:
        """Merge facts into the row of a step."""
        with self.database.write() as session:
            step = pass_fence(session, step_id, attempt)
            step.facts = {**step.facts, **facts}
            tell(session, step.job_id, "facts", {"step": step.key})

    def error(
        self,
        step_id: int,
        message: str,
        *,
        hint: str = "",
        field: str = "",
        trace: str = "",
        attempt: int | None = None,
    ) -> bool:
        """End a step in Error with a sentence; the other steps of the job are aborted."""
        with self.database.write() as session:
            job, step = _lock(session, step_id, attempt)
            if not change_status(session, step, Status.ERROR):
                return False
            step.error, step.hint = plain(message), plain(hint)
            step.field, step.trace = plain(field), plain(trace)
            said = f"{step.error} {step.hint}".strip()
            session.add(LogLine(step_id=step.id, time=time.time(), level="error", text=said))
            _after_change(session, job, step)
            return True

    def set_step_status(self, step_id: int, status: Status, *, attempt: int | None = None) -> bool:
        """Give a step a new status, and its job what follows from it.

        Return False where the table does not allow it; raise StaleAttempt for a worker whose
        attempt is over.
        """
        with self.database.write() as session:
            job, step = _lock(session, step_id, attempt)
            if not change_status(session, step, Status(status)):
                return False
            _after_change(session, job, step)
            return True

    def requeue(self, step_id: int, attempt: int, *, crashed: bool) -> bool:
        """Put an interrupted step back to Waiting; return False when its attempt was over.

        `crashed` counts against the times a step is resumed without having got on.
        """
        with self.database.write() as session:
            try:
                _, step = _lock(session, step_id, attempt)
            except StaleAttempt:
                return False
            if step.abort_requested or not change_status(session, step, Status.WAITING):
                return False
            step.crashes = step.crashes + 1 if crashed else 0
            step.pid, step.pid_started, step.lent = None, None, {}
            return True

    def abort_job(self, job_id: str) -> None:
        """Abort a job: what waits ends now, what runs is asked to; raise NotRunning."""
        with self.database.write() as session:
            job = find_job(session, job_id, lock=True)
            if not is_running(job.status):
                raise NotRunning
            change_status(session, job, Status.ABORTED)
            _end_others(session, job)

    def resume_job(self, job_id: str) -> None:
        """Let an aborted job wait to go on; raise InvalidInput where it cannot."""
        with self.database.write() as session:
            job = find_job(session, job_id, lock=True)
            query = select(Step).where(Step.job_id == job.id).order_by(Step.id).with_for_update()
            steps = list(session.scalars(query))
            if any(step.status == Status.RUNNING for step in steps):
                raise InvalidInput(f'"{job.name}" is still stopping.', hint="Try again soon.")
            dataset = find_job(session, job.dataset_id).status if job.dataset_id else Status.DONE
            if dataset in (Status.ABORTED, Status.ERROR):
                raise InvalidInput("Its dataset is not complete.", hint="Build the dataset again.")
            if not change_status(session, job, Status.WAITING, asked=True):
                raise InvalidInput(f'"{job.name}" was not aborted.')
            for step in steps:
                if change_status(session, step, Status.WAITING, asked=True):
                    step.abort_requested, step.crashes, step.stopped = False, 0, None


def _lock(session: Session, step_id: int, attempt: int | None = None) -> tuple[Job, Step]:
    job_id = find_step(session, step_id).job_id
    job = find_job(session, job_id, lock=True)
    return job, pass_fence(session, step_id, attempt)


def _after_change(session: Session, job: Job, step: Step) -> None:
    if not is_running(step.status):
        step.stopped = time.time()
        step.lent = {}
        step.pid = step.pid_started = step.eta = None
    if step.status == Status.DONE:
        step.progress = 1.0
    session.flush()
    statuses = session.scalars(select(Step.status).where(Step.job_id == job.id))
    new = after_steps(job.status, statuses)
    if new != job.status:
        change_status(session, job, new)
        if new is Status.ERROR:
            _end_others(session, job)


def _end_others(session: Session, job: Job) -> None:
    """Abort the steps that wait, and have those that run aborted."""
    query = select(Step).where(Step.job_id == job.id, Step.status.in_(sorted(RUNNING)))
    for step in session.scalars(query.order_by(Step.id).with_for_update()):
        if step.status == Status.RUNNING:
            step.abort_requested = True
        else:
            change_status(session, step, Status.ABORTED)
            step.stopped = time.time() if step.started else None
