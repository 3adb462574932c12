"""
Curves: appended in batches while training, read downsampled.

The place of a point in its series has a rank, the number of its trailing zero bits. The
points of rank k and more are every 2^k-th one, so a chart of N points reads about N rows
however long the curve is, and the choice stays the same while the curve grows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from sqlalchemy import Select, delete, func, insert, select
from sqlalchemy.orm import Session

from netloom.interfaces.job import MetricPoint
from netloom.store.database import Database, tell
from netloom.store.part import Fence, Part, find_job, pass_fence
from netloom.store.records import Point, Series

_FIRST_RANK = 62
_DELETED_AT_ONCE = 20_000  # points; others want to write, too


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One curve, thinned out to what a chart draws, and what a table shows of all of it."""

    name: str
    split: str
    count: int  # points kept; `values` may hold fewer
    last: float | None
    smallest: float | None
    largest: float | None
    iterations: list[int] = field(default_factory=list)
    epochs: list[float] = field(default_factory=list)
    values: list[float | None] = field(default_factory=list)  # None where not finite


CurvesByName = dict[tuple[str, str], Curve]
Columns = tuple[list[int], list[float], list[float | None]]


class Curves(Part):
    """Part of the store."""

    def append_points(
        self, job_id: str, points: Iterable[MetricPoint], *, fence: Fence | None = None
    ) -> None:
        """Append points, in order of their iterations. What a curve has already is skipped."""
        batches: dict[tuple[str, str], list[MetricPoint]] = {}
        for point in points:
            batches.setdefault((point.split, point.series), []).append(point)
        if not batches:
            return
        with self.database.write() as session:
            _pass(session, job_id, fence)
            added = 0
            for (split, name), batch in sorted(batches.items()):
                added += _append(session, _series(session, job_id, split, name), batch)
            tell(session, job_id, "metrics", {"count": added})

    def curves(
        self, job_id: str, max_points: int = 200, names: Collection[str] | None = None
    ) -> CurvesByName:
        """Return the curves of a job by (split, name), each with at most `max_points` points.

        The last point is always among them.
        """
        with self.database.read() as session:
            rows = session.scalars(_select_series([job_id], names))
            return {
                (row.split, row.name): _curve(row, *_read(session, row, max_points)) for row in rows
            }

    def rewind_points(self, job_id: str, iteration: int, *, fence: Fence | None = None) -> None:
        """Drop the points after an iteration, before a training goes on from there."""
        with self.database.write() as session:
            _pass(session, job_id, fence)
            dropped = sum(
                _truncate(session, row, iteration)
                for row in session.scalars(_select_series([job_id], None))
            )
            if dropped:
                tell(session, job_id, "metrics", {"count": -dropped})


def drop_points(database: Database, job_id: str) -> None:
    """Delete the curves of a job, some points at a time."""
    with database.read() as session:
        rows = [(row.id, row.count) for row in session.scalars(_select_series([job_id], None))]
    for series_id, count in rows:
        for end in range(count, _DELETED_AT_ONCE, -_DELETED_AT_ONCE):
            with database.write() as session:
                first = max(end - _DELETED_AT_ONCE, 0)
                session.execute(
                    delete(Point).where(Point.series_id == series_id, Point.place >= first)
                )


def rank_of(place: int) -> int:
    """Return the number of trailing zero bits of a place."""
    return (place & -place).bit_length() - 1 if place else _FIRST_RANK


def rank_for(count: int, limit: int) -> int:
    """Return the smallest rank that leaves at most `limit` of `count` points, the last included."""
    rank = 0
    while rank < _FIRST_RANK and _left(count, rank) > max(limit, 2):
        rank += 1
    return rank


def _pass(session: Session, job_id: str, fence: Fence | None) -> None:
    if fence is None:
        find_job(session, job_id)
    else:
        pass_fence(session, *fence)


def _select_series(job_ids: Iterable[str], names: Collection[str] | None) -> Select[Series]:
    query = select(Series).where(Series.job_id.in_(list(job_ids)))
    if names is not None:
        query = query.where(Series.name.in_(list(names)))
    return query.order_by(Series.job_id, Series.split, Series.name)


def _series(session: Session, job_id: str, split: str, name: str) -> Series:
    query = select(Series).where(
        Series.job_id == job_id, Series.split == split, Series.name == name
    )
    row = session.scalar(query.with_for_update())
    if row is None:
        row = Series(job_id=job_id, split=split, name=name, count=0)
        session.add(row)
        session.flush()
    return row


def _append(session: Session, row: Series, batch: Sequence[MetricPoint]) -> int:
    last = _last_iteration(session, row)
    # Skipping what is there makes it safe to repeat an append whose answer got lost.
    new = [point for point in batch if point.iteration > last]
    if not new:
        return 0
    session.execute(insert(Point), _rows(row, new))
    finite = [point.value for point in new if isfinite(point.value)]
    row.count += len(new)
    row.last = new[-1].value if isfinite(new[-1].value) else None
    row.smallest = min([*finite, *_known(row.smallest)], default=None)
    row.largest = max([*finite, *_known(row.largest)], default=None)
    return len(new)


def _rows(row: Series, points: Sequence[MetricPoint]) -> list[dict[str, Any]]:
    return [
        {
            "series_id": row.id,
            "place": place,
            "rank": rank_of(place),
            "iteration": point.iteration,
            "epoch": float(point.epoch),
            "value": float(point.value) if isfinite(point.value) else None,
        }
        for place, point in enumerate(points, row.count)
    ]


def _last_iteration(session: Session, row: Series) -> int:
    query = select(Point.iteration).where(Point.series_id == row.id, Point.place == row.count - 1)
    last = session.scalar(query)
    return -1 if last is None else last


def _truncate(session: Session, row: Series, iteration: int) -> int:
    of_series = Point.series_id == row.id
    session.execute(delete(Point).where(of_series, Point.iteration > iteration))
    query = select(func.count(), func.min(Point.value), func.max(Point.value)).where(of_series)
    before = row.count
    row.count, row.smallest, row.largest = session.execute(query).one()
    row.last = session.scalar(select(Point.value).where(of_series, Point.place == row.count - 1))
    return before - row.count


def _read(session: Session, row: Series, limit: int) -> Columns:
    rank = rank_for(row.count, limit)
    columns = select(Point.place, Point.iteration, Point.epoch, Point.value)
    query = columns.where(Point.series_id == row.id, Point.rank >= rank).order_by(Point.place)
    rows = list(session.execute(query))
    if not rows or rows[-1].place != row.count - 1:
        last = columns.where(Point.series_id == row.id, Point.place == row.count - 1)
        rows += session.execute(last)
    return [r.iteration for r in rows], [r.epoch for r in rows], [r.value for r in rows]


def _left(count: int, rank: int) -> int:
    step = 1 << rank
    return -(-count // step) + (1 if (count - 1) % step else 0)


def _curve(
    row: Series, iterations: list[int], epochs: list[float], values: list[float | None]
) -> Curve:
    return Curve(
        name=row.name,
        split=row.split,
        count=row.count,
        last=row.last,
        smallest=row.smallest,
        largest=row.largest,
        iterations=iterations,
        epochs=epochs,
        values=values,
    )


def _known(value: float | None) -> tuple[float, ...]:
    return () if value is None else (value,)
