"""Snapshots: weights written while training, one of them the best."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from netloom.errors import SnapshotNotFound
from netloom.interfaces.job import SnapshotFile
from netloom.store.database import tell
from netloom.store.models import put_model
from netloom.store.part import Fence, Part, find_job, pass_fence
from netloom.store.records import Snapshot


class Snapshots(Part):
    """Part of the store."""

    def add_snapshot(
        self, job_id: str, file: SnapshotFile, *, fence: Fence | None = None
    ) -> Snapshot:
        """Add a snapshot, or bring the one of the same iteration up to date."""
        with self.database.write() as session:
            if fence is None:
                find_job(session, job_id)
            else:
                # The step has got on: earlier crashes do not count any more.
                pass_fence(session, *fence).crashes = 0
            row = _at(session, job_id, file.iteration)
            row.epoch, row.weights, row.network = file.epoch, file.weights, file.network
            row.metrics = dict(file.metrics)
            if file.best:
                _mark(_all(session, job_id), None)
            row.best = file.best
            if file.model is not None:
                put_model(session, row, file.model)
            tell(session, job_id, "snapshot", {"epoch": file.epoch})
            return row

    def snapshots(self, job_id: str) -> list[Snapshot]:
        """Return the snapshots of a job, oldest first."""
        with self.database.read() as session:
            return _all(session, job_id)

    def snapshot(self, job_id: str, epoch: float | None = None) -> Snapshot:
        """Return the snapshot of an epoch, the latest for None or -1; raise SnapshotNotFound."""
        latest = epoch is None or epoch == -1
        query = select(Snapshot).where(Snapshot.job_id == job_id)
        if not latest:
            query = query.where(Snapshot.epoch == epoch)
        with self.database.read() as session:
            row = session.scalar(query.order_by(Snapshot.iteration.desc()).limit(1))
        if row is None:
            raise SnapshotNotFound(
                "This model has no snapshot yet."
                if latest
                else f"This model has no snapshot of epoch {epoch:g}."
            )
        return row

    def newest_answering(self) -> str | None:
        """Return the id of the job with the newest snapshot that is exported; None without one."""
        query = select(Snapshot.job_id).where(Snapshot.network != "").order_by(Snapshot.id.desc())
        with self.database.read() as session:
            return session.scalar(query.limit(1))

    def latest_weights(self, job_ids: Iterable[str]) -> dict[str, str]:
        """Return the file name of the newest snapshot of each of these jobs that has one."""
        newest = (
            select(Snapshot.job_id, func.max(Snapshot.iteration).label("iteration"))
            .where(Snapshot.job_id.in_(list(job_ids)))
            .group_by(Snapshot.job_id)
            .subquery()
        )
        query = select(Snapshot.job_id, Snapshot.weights).join(
            newest,
            (Snapshot.job_id == newest.c.job_id) & (Snapshot.iteration == newest.c.iteration),
        )
        with self.database.read() as session:
            return dict(session.execute(query).all())

    def snapshot_epochs(
        self, job_ids: Iterable[str], most: int = 50
    ) -> dict[str, list[tuple[float, bool]]]:
        """Return (epoch, best) of the newest snapshots of each of these jobs, newest first.

        The best one is always among them; jobs without any are left out.
        """
        newest = func.row_number().over(
            partition_by=Snapshot.job_id, order_by=Snapshot.iteration.desc()
        )
        ranked = (
            select(Snapshot.job_id, Snapshot.epoch, Snapshot.best, newest.label("place"))
            .where(Snapshot.job_id.in_(list(job_ids)))
            .subquery()
        )
        query = select(ranked.c.job_id, ranked.c.epoch, ranked.c.best)
        query = query.where((ranked.c.place <= most) | ranked.c.best)
        found: dict[str, list[tuple[float, bool]]] = {}
        with self.database.read() as session:
            for job_id, epoch, best in session.execute(query.order_by(ranked.c.place)):
                found.setdefault(job_id, []).append((epoch, best))
        return found

    def rewind_snapshots(
        self, job_id: str, iteration: int, *, fence: Fence | None = None
    ) -> list[str]:
        """Drop the snapshots after an iteration; return the names of their files."""
        with self.database.write() as session:
            if fence is not None:
                pass_fence(session, *fence)
            rows = _all(session, job_id)
            kept = [row for row in rows if row.iteration <= iteration]
            dropped = [row for row in rows if row.iteration > iteration]
            for row in dropped:
                session.delete(row)
            if any(row.best for row in dropped) and kept:
                _mark(kept, max(reversed(kept), key=lambda row: _quality(row.metrics)))
            if dropped:
                tell(session, job_id, "snapshot", {"epoch": kept[-1].epoch if kept else None})
        return [name for row in dropped for name in (row.weights, row.network) if name]


def _all(session: Session, job_id: str) -> list[Snapshot]:
    query = select(Snapshot).where(Snapshot.job_id == job_id).order_by(Snapshot.iteration)
    return list(session.scalars(query))


def _at(session: Session, job_id: str, iteration: int) -> Snapshot:
    query = select(Snapshot).where(Snapshot.job_id == job_id, Snapshot.iteration == iteration)
    row = session.scalar(query)
    if row is None:
        row = Snapshot(job_id=job_id, iteration=iteration, created=time.time())
        session.add(row)
    return row


def _mark(rows: list[Snapshot], best: Snapshot | None) -> None:
    for row in rows:
        row.best = row is best


def _quality(metrics: Mapping[str, Any]) -> tuple[float, float]:
    accuracy, loss = metrics.get("accuracy"), metrics.get("loss")
    return (-1.0 if accuracy is None else accuracy, float("-inf") if loss is None else -loss)
