"""
Briefs: jobs in a few columns, for lists that show many of them.

A job's row and those of its steps hold options, forms and network texts, which take far
longer to read than what a list shows. Here only that is read, one query per kind of row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from netloom.store.listing import conditions
from netloom.store.part import Part
from netloom.store.records import Job, Step

AT_ONCE = 500  # jobs: a moment's work, so that whoever walks through all lets others in between


class BriefStep(NamedTuple):
    """How far a step is, and when it ran."""

    status: str
    progress: float
    started: float | None
    stopped: float | None


class Brief(NamedTuple):
    """A job as lists show it."""

    id: str
    kind: str
    name: str
    owner: str | None
    group: str
    status: str
    created: float
    dataset_id: str | None
    framework: str
    version: str
    facts: dict[str, Any]
    steps: tuple[BriefStep, ...] = ()  # where they were asked for


_COLUMNS = [getattr(Job, name) for name in Brief._fields if name != "steps"]
_STEP_COLUMNS = [getattr(Step, name) for name in BriefStep._fields]


class Briefs(Part):
    """Part of the store."""

    def briefs(
        self,
        kind: str | None = None,
        *,
        status: Collection[str] | None = None,
        running: bool | None = None,
        dataset_id: str | None = None,
        before: Brief | None = None,
        limit: int | None = None,
        steps: bool = False,
    ) -> list[Brief]:
        """Return the newest jobs, newest first; with `before` those older than it.

        There are at most `limit`, or as many as are read at once.
        """
        wanted = conditions(kind, status, running=running, dataset_id=dataset_id)
        if before is not None:
            wanted.append(tuple_(Job.created, Job.id) < (before.created, before.id))
        query = select(*_COLUMNS).where(*wanted).order_by(Job.created.desc(), Job.id.desc())
        with self.database.read() as session:
            found = [Brief(*row) for row in session.execute(query.limit(limit or AT_ONCE))]
            return _with_steps(session, found) if steps else found

    def all_briefs(
        self, kind: str | None = None, *, running: bool | None = None, steps: bool = False
    ) -> Iterator[list[Brief]]:
        """Yield all jobs, newest first, some at a time, each time in a transaction of its own."""
        found = self.briefs(kind, running=running, steps=steps)
        while found:
            yield found
            found = self.briefs(kind, running=running, steps=steps, before=found[-1])

    def options_of(self, job_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the options of these jobs by id; those that do not exist are left out."""
        query = select(Job.id, Job.options).where(Job.id.in_(list(job_ids)))
        with self.database.read() as session:
            return dict(session.execute(query).all())


def _with_steps(session: Session, found: list[Brief]) -> list[Brief]:
    steps: dict[str, list[BriefStep]] = {}
    query = select(Step.job_id, *_STEP_COLUMNS).where(Step.job_id.in_([job.id for job in found]))
    for job_id, *columns in session.execute(query.order_by(Step.job_id, Step.place)):
        steps.setdefault(job_id, []).append(BriefStep(*columns))
    return [job._replace(steps=tuple(steps.get(job.id, ()))) for job in found]
