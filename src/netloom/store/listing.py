"""Lists of jobs: filtered, sorted and paginated by the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import aliased, selectinload

from netloom.errors import InvalidInput
from netloom.store.part import Part
from netloom.store.records import Job, Step
from netloom.store.status import FINISHED, RUNNING

_ELAPSED = (
    select(func.max(Step.stopped) - func.min(Step.started))
    .where(Step.job_id == Job.id)
    .scalar_subquery()
)
_MODEL = aliased(Job)
_REFS = (
    select(func.count()).select_from(_MODEL).where(_MODEL.dataset_id == Job.id).scalar_subquery()
)
SORTS: dict[str, Any] = {
    "created": Job.created,
    "id": Job.created,
    "name": Job.name,
    "status": Job.status,
    "type": Job.type,
    "owner": Job.owner,
    "framework": Job.framework,
    "group": Job.group,
    "refs": _REFS,
    "disk": func.coalesce(Job.facts["bytes"].as_float(), -1.0),
    "elapsed": func.coalesce(_ELAPSED, 0.0),
}


class Listing(Part):
    """Part of the store."""

    def jobs(
        self,
        kind: str | None = None,
        status: str | Collection[str] | None = None,
        text: str = "",
        sort: str = "created",
        descending: bool = True,
        offset: int = 0,
        limit: int = 100,
        running: bool | None = None,
        group: str | None = None,
        owner: str | None = None,
        then: tuple[str, bool] | None = None,
        by_group: bool = False,
    ) -> tuple[list[Job], int]:
        """Return one page of jobs with their steps, and how many there are in all.

        `status` is one code or several; `text` is looked for in names and ids; `sort` is
        one of `SORTS`. `then` is a second one and whether it descends; with `by_group` groups
        come first, by name, and jobs without one last.
        """
        wanted = conditions(kind, status, text, running, group, owner)
        query = select(Job).where(*wanted).order_by(*_order(sort, descending, then, by_group))
        query = query.offset(offset).limit(limit).options(selectinload(Job.steps))
        with self.database.read() as session:
            total = session.scalar(select(func.count()).select_from(Job).where(*wanted)) or 0
            return list(session.scalars(query)), total

    def count_jobs(self) -> dict[str, dict[str, int]]:
        """Return how many jobs there are, by kind and then by status code."""
        query = select(Job.kind, Job.status, func.count()).group_by(Job.kind, Job.status)
        counts: dict[str, dict[str, int]] = {}
        with self.database.read() as session:
            for kind, status, count in session.execute(query):
                counts.setdefault(kind, {})[status] = count
        return counts

    def count_groups(
        self,
        kind: str | None = None,
        status: str | Collection[str] | None = None,
        text: str = "",
        running: bool | None = None,
    ) -> dict[str, int]:
        """Return how many of these jobs each group has."""
        wanted = conditions(kind, status, text, running)
        query = select(Job.group, func.count()).where(*wanted).group_by(Job.group)
        with self.database.read() as session:
            return {str(group): count for group, count in session.execute(query)}

    def count_models(self, dataset_ids: Iterable[str]) -> dict[str, int]:
        """Return how many models use each of these datasets; those without any are left out."""
        query = (
            select(Job.dataset_id, func.count())
            .where(Job.dataset_id.in_(list(dataset_ids)))
            .group_by(Job.dataset_id)
        )
        with self.database.read() as session:
            return {str(dataset_id): count for dataset_id, count in session.execute(query)}

    def job_names(self, job_ids: Iterable[str]) -> dict[str, str]:
        """Return the names of these jobs by id; those that do not exist are left out."""
        query = select(Job.id, Job.name).where(Job.id.in_(list(job_ids)))
        with self.database.read() as session:
            return {row.id: row.name for row in session.execute(query)}


def conditions(
    kind: str | None = None,
    status: str | Collection[str] | None = None,
    text: str = "",
    running: bool | None = None,
    group: str | None = None,
    owner: str | None = None,
    dataset_id: str | None = None,
) -> list[ColumnElement[bool]]:
    """Return what picks these jobs; None lets every one through."""
    wanted: list[ColumnElement[bool]] = []
    if kind is not None:
        wanted.append(Job.kind == kind)
    if status is not None:
        wanted.append(Job.status.in_([status] if isinstance(status, str) else list(status)))
    if running is not None:
        wanted.append(Job.status.in_(sorted(RUNNING if running else FINISHED)))
    if group is not None:
        wanted.append(Job.group == group)
    if owner is not None:
        wanted.append(Job.owner == owner)
    if dataset_id is not None:
        wanted.append(Job.dataset_id == dataset_id)
    if text:
        in_id = Job.id.startswith(text, autoescape=True)
        wanted.append(Job.name.icontains(text, autoescape=True) | in_id)
    return wanted


def _order(sort: str, descending: bool, then: tuple[str, bool] | None, by_group: bool) -> list[Any]:
    keys = [(sort, descending), *([then] if then else [])]
    for name, _ in keys:
        if name not in SORTS:
            raise InvalidInput(
                f"Jobs cannot be sorted by {name!r}.", hint=f"Use one of {', '.join(SORTS)}."
            )
    columns = [(SORTS[name], down) for name, down in keys]
    columns += [(Job.created, descending), (Job.id, descending)]
    groups = [(Job.group == "").asc(), Job.group.asc()] if by_group else []
    return [*groups, *(column.desc() if down else column.asc() for column, down in columns)]
