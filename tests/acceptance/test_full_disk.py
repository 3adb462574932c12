"""A disk that fills up in the middle of a build."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import draw
from tests.acceptance.judging import failed
from tests.acceptance.workbench import Workbench


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(place)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a small disk can be mounted by root only")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_during_a_build_is_an_error_that_says_so(
    start: Callable[..., Workbench], small_disk: Path, tmp_path: Path
) -> None:
    folder = draw(tmp_path / "train", each=150, size=256)
    bench = start(small_disk / "data")
    answer = bench.dataset(folder, encoding="none", resize_width=256, resize_height=256)
    sentence = failed(bench, answer)
    assert "disk" in sentence.lower()
    directory = bench.store.files.directory(answer.json()["id"])
    # The other split may have been complete; nothing half-made stays.
    assert all((path / "split.json").exists() for path in directory.glob("*_db"))
    assert not list(directory.glob(".*.partial"))
    assert not (directory / "dataset.json").exists()
    # There is room again, and the server goes on.
    assert bench.http.get("/").status_code == 200
    bench.built(folder, resize_width=28, resize_height=28)
