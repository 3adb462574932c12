"""
The database: SQLite by default, PostgreSQL by a URL, one way to use both.

Reads and writes are short transactions of their own:

    with database.read() as session: ...
    with database.write() as session: ...

Events told inside a write are inserted at its end, so that their ids follow the order
in which transactions become visible and a reader of "everything after id N" misses none.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from netloom.errors import DatabaseUnusable
from netloom.store import migrations
from netloom.store.files import DataFolder
from netloom.store.records import Event
from netloom.store.values import dumps

BUSY_SECONDS = 10.0
_EVENTS_LOCK = 0x6E65746C  # any constant; PostgreSQL's advisory locks are told apart by number
_MIGRATION_LOCK = _EVENTS_LOCK + 1


class Database:
    """A pool of connections and the two kinds of transaction."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self._writing = self.engine.execution_options(netloom_write=True)
        self._listeners: list[Callable[[], None]] = []
        self._guard = threading.Lock()

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction that changes nothing; rows stay usable after it."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction that is committed at the end of the block."""
        with Session(self._writing, expire_on_commit=False) as session:
            yield session
            told = _insert_events(session)
            session.commit()
        if told:
            self._call_listeners()

    def listen(self, call: Callable[[], None]) -> Callable[[], None]:
        """Call after each transaction of this process that told events; return a way to stop."""
        with self._guard:
            self._listeners.append(call)
        return lambda: self._listeners.remove(call)

    def close(self) -> None:
        self.engine.dispose()

    def migrate(self, files: DataFolder) -> None:
        """Bring the tables up to date; of several processes at once, one does it."""
        try:
            if self.is_sqlite:
                with files.lock():
                    self._prepare_sqlite()
                    self._upgrade()
            else:
                self._upgrade()
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise DatabaseUnusable(
                f"The database cannot be opened: {_first_line(error)}",
                hint="Check the data folder, its permissions and the database URL.",
            ) from error

    def _upgrade(self) -> None:
        with self._writing.begin() as connection:
            if not self.is_sqlite:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            migrations.upgrade(connection)

    def _prepare_sqlite(self) -> None:
        # Kept in the file, and not allowed inside a transaction.
        raw = self.engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA journal_mode=WAL")
        finally:
            raw.close()

    def _call_listeners(self) -> None:
        with self._guard:
            listeners = tuple(self._listeners)
        for call in listeners:
            call()


def tell(session: Session, job_id: str, kind: str, data: dict[str, Any]) -> None:
    """Add an event to the end of this transaction."""
    events = session.info.setdefault("events", [])
    events.append(Event(time=time.time(), job_id=job_id, kind=kind, data=data))


def is_passing(error: BaseException) -> bool:
    """Return whether a failed transaction may succeed when it is tried again."""
    if not isinstance(error, OperationalError):
        return False
    if "disk" in str(error.orig) and "full" in str(error.orig):
        return True
    words = ("locked", "busy", "connection", "connect", "shut", "starting up", "recovery", "closed")
    return error.connection_invalidated or any(word in str(error.orig).lower() for word in words)


def _insert_events(session: Session) -> bool:
    events: list[Event] = session.info.pop("events", [])
    if not events:
        return False
    session.flush()  # takes every other lock first, so that two writers cannot block each other
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SELECT pg_advisory_xact_lock({_EVENTS_LOCK})"))
    session.add_all(events)
    return True


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    # Every request thread of the server may hold one for a moment.
    pool = {"pool_size": 10, "max_overflow": 50, "json_serializer": dumps}
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True, **pool)
    engine = create_engine(parsed, **pool)
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver shall not begin transactions by itself
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    # A write that begins as a read may find the database changed and cannot wait for it.
    writes = connection.get_execution_options().get("netloom_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
