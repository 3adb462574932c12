"""Logs: the lines a step said."""

from __future__ import annotations

import time
from collections.abc import Iterable

from sqlalchemy import insert, select

from netloom.store.part import Part
from netloom.store.records import LogLine
from netloom.store.values import plain


class Logs(Part):
    """Part of the store."""

    def add_log(self, step_id: int, lines: Iterable[str | tuple[float, str, str]]) -> None:
        """Add lines: texts, or (time, level, text)."""
        now = time.time()
        whole = [(now, "info", line) if isinstance(line, str) else line for line in lines]
        rows = [
            {"step_id": step_id, "time": when, "level": level, "text": plain(text)}
            for when, level, text in whole
        ]
        if rows:
            with self.database.write() as session:
                session.execute(insert(LogLine), rows)

    def log(self, step_id: int, tail: int = 200) -> list[LogLine]:
        """Return the last lines of a step, oldest first."""
        query = select(LogLine).where(LogLine.step_id == step_id)
        with self.database.read() as session:
            newest = session.scalars(query.order_by(LogLine.id.desc()).limit(tail))
            return list(newest)[::-1]
