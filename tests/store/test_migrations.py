"""The tables that migrations make are those the rows need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from netloom.errors import DatabaseUnusable
from netloom.settings import Settings
from netloom.store import Store, migrations, open_store
from netloom.store.records import Row


def test_migrations_lead_to_the_rows(store: Store) -> None:
    with store.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Row.metadata) == []


def test_the_newest_revision_is_the_head() -> None:
    with create_engine("sqlite://").connect() as connection:
        heads = ScriptDirectory.from_config(migrations.config(connection)).get_heads()
    assert heads == [migrations.newest()]


def test_processes_that_open_at_once_migrate_once(settings: Settings) -> None:
    code = (
        "import sys; from netloom.settings import Settings; from netloom.store import open_store;"
        "open_store(Settings(data=sys.argv[1], database=sys.argv[2])).jobs()"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(settings.data), settings.database]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors


def test_sqlite_is_set_up_to_be_shared(tmp_path: Path) -> None:
    store = open_store(Settings(data=tmp_path))
    with store.database.engine.connect() as connection:
        pragmas = ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        values = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas]
    store.close()
    assert values == ["wal", 1, 1, 10_000]


def test_a_database_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "netloom.db").write_text("This is no database. " * 200)
    with pytest.raises(DatabaseUnusable, match="not a database"):
        open_store(Settings(data=tmp_path))
