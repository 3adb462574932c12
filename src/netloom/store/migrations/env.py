"""Tells Alembic which connection and which rows to work with."""

from __future__ import annotations

from alembic import context

from netloom.store.records import Row

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    render_as_batch=True,  # SQLite changes a table by making it anew
)
with context.begin_transaction():
    context.run_migrations()
