"""The log of `netloom serve`: what an operator needs."""

from __future__ import annotations

from pathlib import Path

from netloom.demo import Server


def test_the_log_of_a_first_start(tmp_path: Path) -> None:
    with Server(data=tmp_path) as server:
        pass
    told = server.log.read_text()
    assert "the tables are changed from revision none to" in told
    assert "alembic" not in told
