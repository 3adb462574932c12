"""Leases: a task that only one process may do, held for some seconds at a time."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError

from netloom.store.part import Part
from netloom.store.records import Lease
from netloom.store.steps import Process


def _trust(_: Lease) -> bool:
    return False


class Leases(Part):
    """Part of the store."""

    def acquire(
        self,
        name: str,
        holder: str,
        ttl: float,
        process: Process,
        is_dead: Callable[[Lease], bool] = _trust,
    ) -> bool:
        """Take a lease that is free, expired, one's own, or of a process that is dead."""
        now = time.time()
        try:
            with self.database.write() as session:
                row = session.scalar(_named(name).with_for_update())
                if row is None:
                    row = Lease(name=name)
                    session.add(row)
                elif row.holder != holder and row.expires > now and not is_dead(row):
                    return False
                row.holder, row.expires = holder, now + ttl
                row.machine, row.pid = process.machine, process.pid
                row.pid_started = process.started
            return True
        except IntegrityError:  # another process was the first to write the row
            return False

    def renew(self, name: str, holder: str, ttl: float) -> bool:
        """Hold a lease for longer; return False when it was lost."""
        with self.database.write() as session:
            row = session.scalar(_named(name).with_for_update())
            if row is None or row.holder != holder:
                return False
            row.expires = time.time() + ttl
            return True

    def release(self, name: str, holder: str) -> None:
        """Give a lease back."""
        with self.database.write() as session:
            row = session.scalar(_named(name).with_for_update())
            if row is not None and row.holder == holder:
                session.delete(row)

    def holder(self, name: str) -> Lease | None:
        """Return who holds a lease; None when it is free or expired."""
        with self.database.read() as session:
            row = session.scalar(_named(name))
        return row if row is not None and row.expires > time.time() else None


def _named(name: str) -> Select[Lease]:
    return select(Lease).where(Lease.name == name)
