"""Resources: what the scheduler can lend and what it has lent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, select

from netloom.store.database import tell
from netloom.store.part import Part
from netloom.store.records import Resource


class Resources(Part):
    """Part of the store."""

    def put_resources(self, rows: Iterable[Resource]) -> None:
        """Replace what is known of the resources."""
        new = list(rows)
        with self.database.write() as session:
            session.execute(delete(Resource))
            session.add_all(new)
            tell(session, "", "resources", summary(new))

    def resources(self) -> list[Resource]:
        """Return what the scheduler can lend, by name."""
        with self.database.read() as session:
            return list(session.scalars(select(Resource).order_by(Resource.kind, Resource.name)))


def summary(rows: Iterable[Resource]) -> dict[str, Any]:
    """Return the counts that pages show: GPUs and cores, in all and free."""
    counts = {"gpus": 0, "gpus_free": 0, "cpus": 0, "cpus_free": 0}
    for row in rows:
        if row.kind in ("gpu", "cpu"):
            counts[f"{row.kind}s"] += row.capacity
            counts[f"{row.kind}s_free"] += row.capacity - row.used
    return counts
