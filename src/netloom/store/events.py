"""Events: what pages may want to show at once, in the order it became visible."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select

from netloom.store.database import tell
from netloom.store.part import Part
from netloom.store.records import Event
from netloom.store.status import is_running

KEPT_SECONDS = 600.0


class Ending(NamedTuple):
    """The end of a job."""

    event: int  # its id; ids only grow
    job_id: str


class Events(Part):
    """Part of the store."""

    def add_event(self, job_id: str, kind: str, data: Mapping[str, Any]) -> None:
        """Tell pages of something; an empty job id means the whole installation."""
        with self.database.write() as session:
            tell(session, job_id, kind, dict(data))

    def events_after(self, event_id: int, limit: int = 500) -> list[Event]:
        """Return the events after one, oldest first."""
        query = select(Event).where(Event.id > event_id).order_by(Event.id).limit(limit)
        with self.database.read() as session:
            return list(session.scalars(query))

    def endings_after(self, event_id: int) -> list[Ending]:
        """Return the ends of jobs after an event, oldest first."""
        query = select(Event.id, Event.job_id, Event.data)
        query = query.where(Event.id > event_id, Event.kind == "status").order_by(Event.id)
        with self.database.read() as session:
            return [
                Ending(number, job_id)
                for number, job_id, data in session.execute(query)
                if data["step"] is None and not is_running(data["status"])
            ]

    def last_event_id(self) -> int:
        """Return the id of the newest event, 0 when there is none."""
        with self.database.read() as session:
            return session.scalar(select(func.max(Event.id))) or 0

    def prune_events(self, kept_seconds: float = KEPT_SECONDS) -> int:
        """Delete old events; return how many. The newest stays, so that ids only grow."""
        old = (Event.time < time.time() - kept_seconds, Event.id < self.last_event_id())
        with self.database.write() as session:
            query = select(func.count()).select_from(Event).where(*old)
            count = session.scalar(query) or 0
            session.execute(delete(Event).where(*old))
            return count
