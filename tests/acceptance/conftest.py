"""A real server on a data folder of its own, and small real images to feed it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from netloom import images
from netloom.demo import Server
from tests.acceptance.workbench import Workbench

Draw = Callable[..., Path]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.acceptance)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Workbench]]:
    """Start servers, each with its own client; stopped when the test ends."""
    benches: list[Workbench] = []

    def begin(data: Path | None = None, **environment: str) -> Workbench:
        folder = data or tmp_path / "data"
        server = Server(data=folder, roots=[tmp_path.parent], environment=environment)
        bench = Workbench(server.start())
        benches.append(bench)
        return bench

    yield begin
    for bench in benches:
        for job in (
            bench.http.get("/completed_jobs.json").json()["running"] if bench.server.process else ()
        ):
            bench.http.post(f"/jobs/{job['id']}/abort")
        bench.close()
        bench.server.stop()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """One server for the tests of a module that do not harm it."""
    root = tmp_path_factory.mktemp("bench")
    roots = [tmp_path_factory.getbasetemp()]
    with Server(data=root / "data", roots=roots) as server, Workbench(server) as bench:
        yield bench


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of bars that stand or lie: two classes that a network tells apart in an epoch."""
    return draw(tmp_path_factory.mktemp("shapes") / "train", each=60)


@pytest.fixture(scope="session")
def many_shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough images that a build can be killed in the middle of it."""
    return draw(tmp_path_factory.mktemp("many") / "train", each=1500, size=160)


def draw(folder: Path, *, each: int, size: int = 28) -> Path:
    """Write `each` PNG images of each class; return the folder."""
    random = np.random.default_rng(1)
    for label in ("lying", "standing"):
        (folder / label).mkdir(parents=True)
        for number in range(each):
            pixels = random.integers(0, 60, (size, size), np.uint8)
            at = int(random.integers(2, size - 6))
            pixels[at : at + 4, 2:-2] = 255
            if label == "standing":
                pixels = np.ascontiguousarray(pixels.T)
            (folder / label / f"{number:05d}.png").write_bytes(images.encode(pixels, "png"))
    return folder


@pytest.fixture(scope="module")
def dataset(bench: Workbench, shapes: Path) -> str:
    return bench.built(shapes)


@pytest.fixture
def nothing_half_made(bench: Workbench) -> Iterator[None]:
    """Check that a test leaves no trace of what was refused or failed."""
    yield
    known = {path.name for path in bench.store.files.jobs.iterdir()}
    rows, _ = bench.store.jobs(limit=1000)
    assert known == {row.id for row in rows}
    for row in rows:
        if row.status == "E" and row.kind == "dataset":
            directory = bench.store.files.directory(row.id)
            assert not list(directory.glob("*_db")), row.name
    assert not list((bench.store.files.root / "temporary").glob("*"))
