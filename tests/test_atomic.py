"""Files that several write at once are one of what they wrote, never a mix or nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from netloom.atomic import whole_file


def test_writers_that_meet_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"

    def write(number: int) -> None:
        with whole_file(path) as file:
            for _ in range(20):
                file.write(b"%d\n" % number)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(400)))
    lines = path.read_bytes().splitlines()
    assert len(lines) == 20
    assert len(set(lines)) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_writer_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    path.write_text("old")

    def fail_half_way() -> None:
        with whole_file(path) as file:
            file.write(b"new")
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        fail_half_way()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
