"""What tests of every room stand on: an empty installation in a temporary folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from netloom.settings import Settings
from netloom.store import Store, open_store


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation of its own; users may read files below `tmp_path`."""
    return Settings(data=tmp_path / "data", data_roots=(tmp_path,), database="", port=0)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    store = open_store(settings)
    yield store
    store.close()
