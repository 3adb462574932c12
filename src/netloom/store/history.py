"""Status changes of jobs and steps: checked against the table, kept, and told."""

from __future__ import annotations

import time

from sqlalchemy import select
from sqlalchemy.orm import Session

from netloom.store.database import tell
from netloom.store.part import Part
from netloom.store.records import Job, StatusChange, Step
from netloom.store.status import BRIEF_WAIT, Status, css, is_running, may_follow


class History(Part):
    """Part of the store."""

    def history(self, job_id: str, step_id: int | None = None) -> list[tuple[str, float]]:
        """Return the (status, time) of a job, or of one of its steps, oldest first."""
        query = (
            select(StatusChange.status, StatusChange.time)
            .where(StatusChange.job_id == job_id, StatusChange.step_id == step_id)
            .order_by(StatusChange.id)
        )
        with self.database.read() as session:
            return [(status, when) for status, when in session.execute(query)]


def begin_history(session: Session, row: Job | Step) -> None:
    """Note the first status of a new job or step."""
    job_id, step_id = _ids(row)
    session.add(StatusChange(job_id=job_id, step_id=step_id, status=row.status, time=row.created))


def change_status(session: Session, row: Job | Step, new: Status, *, asked: bool = False) -> bool:
    """Give a locked row a new status; return False where the table does not allow it.

    `asked` says that a user wants what does not happen by itself.
    """
    if row.status == new or not may_follow(row.status, new, asked=asked):
        return False
    row.status = new.value
    job_id, step_id = _ids(row)
    now = time.time()
    last = _last(session, job_id, step_id)
    if last is not None and _too_brief(last, new, now):
        session.delete(last)
        session.flush()
        last = _last(session, job_id, step_id)
    if last is None or last.status != new:
        session.add(StatusChange(job_id=job_id, step_id=step_id, status=new.value, time=now))
    key = row.key if isinstance(row, Step) else None
    data = {"status": new.value, "css": css(new), "running": is_running(new), "step": key}
    tell(session, job_id, "status", data)
    return True


def _too_brief(last: StatusChange, new: Status, now: float) -> bool:
    waited = last.status == Status.WAITING and new is Status.RUNNING
    return waited and now - last.time < BRIEF_WAIT


def _last(session: Session, job_id: str, step_id: int | None) -> StatusChange | None:
    return session.scalar(
        select(StatusChange)
        .where(StatusChange.job_id == job_id, StatusChange.step_id == step_id)
        .order_by(StatusChange.id.desc())
        .limit(1)
    )


def _ids(row: Job | Step) -> tuple[str, int | None]:
    return (row.job_id, row.id) if isinstance(row, Step) else (row.id, None)
