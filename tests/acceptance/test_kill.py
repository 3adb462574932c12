"""Servers and workers that die at the worst moment, and what the next start makes of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from netloom import datasets
from netloom.demo import Server
from tests.acceptance.workbench import Workbench, until

Start = Callable[..., Workbench]

TRAINING = {
    "train_epochs": 20,
    "snapshot_interval": 5,
    "batch_size": 10,
    "random_seed": 7,
}
# Moments at which the axe falls, as shares of the progress; each is one more repetition.
MOMENTS = (0.05, 0.3, 0.6)


def kill(bench: Workbench, job: str, *, with_worker: bool) -> None:
    worker = bench.worker_of(job)
    bench.kill_server()
    if with_worker and worker is not None:
        bench.kill(worker)


def assert_nothing_runs_without_a_process(bench: Workbench) -> None:
    rows, _ = bench.store.jobs()
    for job in rows:
        for step in job.steps:
            if step.status == "R":
                assert step.pid is not None
                assert psutil.pid_exists(step.pid), f"{job.id} {step.key}"


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("with_worker", [False, True], ids=["server", "server and worker"])
def test_a_build_is_finished_after_a_kill(
    start: Start, many_shapes: Path, moment: float, with_worker: bool
) -> None:
    bench = start()
    job = bench.dataset(many_shapes, resize_width=192, resize_height=192).json()["id"]

    def building() -> bool:
        step = next(step for step in bench.store.job(job).steps if step.key == "create_db-train")
        assert step.status != "D", "the build was too quick to be killed"
        return step.status == "R" and step.progress >= moment

    until(building, "build under way")
    kill(bench, job, with_worker=with_worker)

    again = start(bench.server.data)
    assert again.ended(job)["status"] == "Done", again.sentence(job)
    directory = again.store.files.directory(job)
    count = sum(1 for _ in many_shapes.rglob("*.png"))
    opened = datasets.open(directory)
    assert len(opened.split("train")) + len(opened.split("val")) == count
    assert len(set(opened.split("train").keys)) == len(opened.split("train"))
    left = {path.name for path in directory.iterdir() if path.is_dir()}
    assert left == {"train_db", "val_db"}
    assert_nothing_runs_without_a_process(again)


@dataclass(frozen=True, kw_only=True)
class Undisturbed:
    """A data folder with one dataset, and the curves of a training that nobody disturbed."""

    data: Path
    dataset: str
    curves: dict[tuple[str, str], list[tuple[int, float]]]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, shapes: Path) -> Undisturbed:
    data = tmp_path_factory.mktemp("undisturbed") / "data"
    with Server(data=data, roots=[shapes]) as server, Workbench(server) as bench:
        dataset = bench.built(shapes)
        model = bench.done(bench.model(dataset, **TRAINING).json()["id"])
        found = curves(bench, model)
        assert bench.http.delete(f"/models/{model}").status_code == 200
    return Undisturbed(data=data, dataset=dataset, curves=found)


def curves(bench: Workbench, job: str) -> dict[tuple[str, str], list[tuple[int, float]]]:
    return {
        name: list(zip(curve.iterations, curve.values, strict=True))
        for name, curve in bench.store.curves(job, max_points=10**6).items()
    }


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("with_worker", [False, True], ids=["server", "server and worker"])
def test_a_training_goes_on_after_a_kill(
    start: Start, undisturbed: Undisturbed, tmp_path: Path, moment: float, with_worker: bool
) -> None:
    bench = start(shutil.copytree(undisturbed.data, tmp_path / "data"))
    job = bench.model(undisturbed.dataset, **TRAINING).json()["id"]

    def training() -> bool:
        (step,) = bench.store.job(job).steps
        assert step.status != "D", "the training was too quick to be killed"
        return step.status == "R" and step.progress >= moment

    until(training, "training under way")
    kill(bench, job, with_worker=with_worker)

    again = start(bench.server.data)
    assert again.ended(job)["status"] == "Done", again.sentence(job)
    assert_nothing_runs_without_a_process(again)
    epochs = again.http.get(f"/models/{job}.json").json()["snapshots"]
    assert epochs == [5, 10, 15, 20]

    found = curves(again, job)
    assert found.keys() == undisturbed.curves.keys()
    for name, expected in undisturbed.curves.items():
        assert [at for at, _ in found[name]] == [at for at, _ in expected], name
        if "throughput" not in name:
            values = [value for _, value in found[name]]
            assert values == pytest.approx([value for _, value in expected], abs=1e-3), name


@pytest.mark.parametrize("repetition", range(3))
def test_a_killed_worker_is_one_error_and_nobody_else_notices(
    bench: Workbench, shapes: Path, repetition: int
) -> None:
    dataset = bench.built(shapes)
    victim = bench.model(dataset, train_epochs=5000).json()["id"]
    until(lambda: bench.worker_of(victim), "worker")
    other = bench.dataset(shapes).json()["id"]
    worker = bench.worker_of(victim)
    assert worker is not None
    bench.kill(worker)
    assert bench.ended(victim)["status"] == "Error"
    assert "killed" in bench.sentence(victim)
    assert bench.http.get(f"/models/{victim}").status_code == 200
    assert bench.ended(other)["status"] == "Done"
    assert_nothing_runs_without_a_process(bench)


def test_of_two_servers_one_schedules_and_both_serve(start: Start, shapes: Path) -> None:
    first = start()
    second = start(first.server.data)
    job = second.dataset(shapes).json()["id"]
    assert second.ended(job)["status"] == "Done"
    assert second.http.get(f"/datasets/{job}").status_code == 200
    # Only the first had the right to start it.
    assert first.server.process is not None
    assert second.server.process is not None
    first.kill_server()
    other = second.dataset(shapes).json()["id"]
    assert second.ended(other)["status"] == "Done"  # the survivor takes over


def test_a_stopped_server_leaves_no_process(start: Start, shapes: Path) -> None:
    bench = start()
    dataset = bench.built(shapes)
    job = bench.model(dataset, train_epochs=5000).json()["id"]
    worker = until(lambda: bench.worker_of(job), "worker")
    bench.server.stop()
    again = start(bench.server.data)
    until(lambda: again.worker_of(job), "worker at work again")
    assert_nothing_runs_without_a_process(again)
    assert again.http.post(f"/models/{job}/abort").status_code == 200
    until(lambda: again.row(job)["status"] == "Aborted", "abort", 5)
    until(lambda: not psutil.pid_exists(worker), "end of the first worker", 5)
