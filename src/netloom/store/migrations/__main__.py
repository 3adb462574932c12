"""Write the migration from the last revision to the rows as they are now."""

from __future__ import annotations

import re
import sys

from alembic import command
from sqlalchemy import create_engine

from netloom.store import migrations


def main(reason: str) -> None:
    files = list((migrations.HERE / "versions").glob("[0-9]*.py"))
    number = f"{len(files) + 1:04d}"
    with create_engine("sqlite://").begin() as connection:
        config = migrations.config(connection)
        config.set_main_option("file_template", f"%%(rev)s_{re.sub(r'[^a-z0-9]+', '_', reason)}")
        command.upgrade(config, "head")
        command.revision(config, reason, autogenerate=True, rev_id=number)


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]).lower())
