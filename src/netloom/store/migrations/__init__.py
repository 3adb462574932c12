"""
Migrations: one file per change of the rows, applied when a store is opened.

After a change of `records.py`, write the next file with

    .venv/bin/python -m netloom.store.migrations "why the rows change"
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config

log = logging.getLogger(__name__)

HERE = Path(__file__).parent


def upgrade(connection: Connection) -> None:
    """Apply what is missing. Cheap when nothing is: Alembic is not even imported."""
    old, new = current(connection), newest()
    if old == new:
        return
    log.info("the tables are changed from revision %s to %s", old or "none", new)
    from alembic import command

    command.upgrade(config(connection), "head")


def current(connection: Connection) -> str | None:
    """Return the revision of the tables; None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def newest() -> str:
    """Return the last revision; files are named <revision>_<reason>.py and sort by revision."""
    return max(path.stem.split("_")[0] for path in (HERE / "versions").glob("[0-9]*.py"))


def config(connection: Connection) -> Config:
    """Return what Alembic needs to work on this connection."""
    from alembic.config import Config

    result = Config()
    result.set_main_option("script_location", str(HERE))
    result.set_main_option("path_separator", "os")
    result.attributes["connection"] = connection
    return result
