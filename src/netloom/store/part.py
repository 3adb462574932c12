"""What every part of the store works on."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from netloom.errors import JobNotFound, StaleAttempt
from netloom.settings import Settings
from netloom.store.database import Database
from netloom.store.files import DataFolder
from netloom.store.records import Job, Step
from netloom.store.status import Status


class Part:
    """One idea of the store; `Store` is all of them together."""

    def __init__(self, database: Database, files: DataFolder, settings: Settings) -> None:
        self.database = database
        self.files = files
        self.settings = settings


class Fence(NamedTuple):
    """One attempt at a step. What it writes counts only while it is the running one."""

    step_id: int
    attempt: int


def find_job(session: Session, job_id: str, *, lock: bool = False) -> Job:
    """Return the row of a job; raise JobNotFound."""
    query = select(Job).where(Job.id == job_id)
    job = session.scalar(_locked(query) if lock else query)
    if job is None:
        raise JobNotFound
    return job


def find_step(session: Session, step_id: int, *, lock: bool = False) -> Step:
    """Return the row of a step; raise JobNotFound when it was deleted."""
    query = select(Step).where(Step.id == step_id)
    step = session.scalar(_locked(query) if lock else query)
    if step is None:
        raise JobNotFound
    return step


def _locked(query: Select[Any]) -> Select[Any]:
    # What this transaction has read before the lock may be out of date.
    return query.with_for_update().execution_options(populate_existing=True)


def pass_fence(session: Session, step_id: int, attempt: int | None) -> Step:
    """Lock a step and return it; raise StaleAttempt unless this attempt is the running one."""
    step = find_step(session, step_id, lock=True)
    if attempt is not None and (step.attempt, step.status) != (attempt, Status.RUNNING):
        raise StaleAttempt
    return step
