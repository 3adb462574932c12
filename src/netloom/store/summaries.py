"""
Summaries: what tables show of the curves of many jobs.

The extremes stand in the row of a curve. Of the points a table needs the ends, and for a
line of a few pixels some of the values.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from netloom.store.curves import rank_for
from netloom.store.part import Part
from netloom.store.records import Point, Series

_READ_AT_ONCE = 500  # curves


class CurveSummary(NamedTuple):
    """One curve in a few numbers; None where not finite."""

    last: float | None
    smallest: float | None
    largest: float | None


SummariesByName = dict[tuple[str, str], CurveSummary]  # by split and name


class Summaries(Part):
    """Part of the store."""

    def series_summary(
        self, job_ids: Iterable[str], names: Collection[str] | None = None
    ) -> dict[str, SummariesByName]:
        """Return the curves of several jobs, by job and then by (split, name)."""
        of_jobs = [Series.job_id.in_(list(job_ids))]
        if names is not None:
            of_jobs.append(Series.name.in_(list(names)))
        columns = (Series.job_id, Series.split, Series.name)
        query = select(*columns, Series.last, Series.smallest, Series.largest).where(*of_jobs)
        found: dict[str, SummariesByName] = {}
        with self.database.read() as session:
            for job_id, split, name, *numbers in session.execute(query.order_by(*columns)):
                found.setdefault(job_id, {})[split, name] = CurveSummary(*numbers)
        return found

    def curve_epochs(
        self, job_ids: Iterable[str], name: str
    ) -> dict[str, dict[str, tuple[float, float]]]:
        """Return the first and the last epoch of the curves of a name, by job and split."""
        query = (
            select(Series.job_id, Series.split, Point.epoch)
            .join(Point, Point.series_id == Series.id)
            .where(Series.job_id.in_(list(job_ids)), Series.name == name)
            .where(Point.place.in_([0, Series.count - 1]))
            .order_by(Series.job_id, Series.split, Point.place)
        )
        found: dict[str, dict[str, tuple[float, float]]] = {}
        with self.database.read() as session:
            for job_id, split, epoch in session.execute(query):
                ends = found.setdefault(job_id, {})
                ends[split] = (ends[split][0] if split in ends else epoch, epoch)
        return found

    def sparklines(
        self, job_ids: Iterable[str], split: str, name: str, points: int
    ) -> dict[str, list[float]]:
        """Return at most `points` values of one curve of each job, evenly spread, by job.

        The last is among them; those that are not finite are left out.
        """
        wanted = (Series.job_id.in_(list(job_ids)), Series.split == split, Series.name == name)
        query = select(Series.id, Series.job_id, Series.count, Series.last).where(*wanted)
        with self.database.read() as session:
            rows = session.execute(query).all()
            values: dict[int, list[float | None]] = {number: [] for number, *_ in rows}
            counts = {number: count for number, _, count, _ in rows}
            for number, value in _thinned_out(session, counts, points):
                values[number].append(value)
        for number, _, count, last in rows:
            if (count - 1) % (1 << rank_for(count, points)):
                values[number].append(last)
        return {job_id: [v for v in values[number] if v is not None] for number, job_id, *_ in rows}


def _thinned_out(
    session: Session, counts: Mapping[int, int], points: int
) -> Iterator[tuple[int, float | None]]:
    """Yield (series id, value) in order; the last value is not among them at every rank."""
    by_rank: dict[int, list[int]] = {}
    for number, count in counts.items():
        by_rank.setdefault(rank_for(count, points), []).append(number)
    for rank, series in by_rank.items():
        for start in range(0, len(series), _READ_AT_ONCE):
            chosen = Point.series_id.in_(series[start : start + _READ_AT_ONCE])
            query = select(Point.series_id, Point.value).where(chosen, Point.rank >= rank)
            ordered = query.order_by(Point.series_id, Point.place)
            # Past the session, whose work on each row costs as much as reading it.
            yield from session.connection().execute(ordered).all()
