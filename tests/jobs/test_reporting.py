"""What a step tells reaches the store: batched, fenced, and in spite of a busy database."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from netloom.errors import StaleAttempt
from netloom.interfaces.job import MetricPoint, SnapshotFile, StepRun
from netloom.jobs.reporting import StoreRun, patiently
from netloom.store import Step, Store
from netloom.testing import RecordingRun
from netloom.testing.executors import claimed, until
from netloom.testing.steps import Count, Nothing


@pytest.fixture
def step(store: Store) -> Step:
    return claimed(store, Nothing())


def points(first: int, end: int) -> list[MetricPoint]:
    return [
        MetricPoint(series="loss", split="train", iteration=i, epoch=i / 10, value=1.0)
        for i in range(first, end)
    ]


def snapshot(iteration: int, best: bool = False) -> SnapshotFile:
    name = f"snapshot_{iteration}.safetensors"
    return SnapshotFile(epoch=iteration / 10, iteration=iteration, weights=name, best=best)


def test_everything_arrives_by_itself(store: Store, step: Step) -> None:
    with StoreRun(store, step, threading.Event()) as run:
        run.progress(0.25, "1 of 4", done=1, total=4, rate=2.0)
        run.metrics(points(0, 5))
        run.log("hello")
        run.log("careful", level="warning")
        until(lambda: store.step(step.id).progress == 0.25)
        until(lambda: bool(store.curves(step.job_id)))
    row = store.step(step.id)
    assert (row.message, row.done, row.total, row.rate) == ("1 of 4", 1, 4, 2.0)
    assert [(line.level, line.text) for line in store.log(step.id)] == [
        ("info", "hello"),
        ("warning", "careful"),
    ]


def test_writes_are_few(store: Store, step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    with StoreRun(store, step, threading.Event()) as run:
        before = store.last_event_id()
        began = time.monotonic()
        for number in range(3000):
            run.progress(number / 3000)
            run.metrics(points(number, number + 1))
        while time.monotonic() - began < 0.6:
            time.sleep(0.01)
    taken = time.monotonic() - began
    told = [event.kind for event in store.events_after(before)]
    assert told.count("progress") <= taken * 4 + 3000 / 200 + 2
    assert told.count("metrics") <= taken * 4 + 3000 / 200 + 2
    assert store.curves(step.job_id)["train", "loss"].count == 3000


def test_the_curve_is_there_before_the_snapshot(store: Store, step: Step) -> None:
    with StoreRun(store, step, threading.Event()) as run:
        run.metrics(points(0, 11))
        run.snapshot(snapshot(10))
        assert store.curves(step.job_id)["train", "loss"].iterations[-1] == 10
        assert store.snapshot(step.job_id).iteration == 10


def test_a_rewind_takes_points_snapshots_and_files(store: Store, step: Step) -> None:
    with StoreRun(store, step, threading.Event()) as run:
        run.metrics(points(0, 31))
        for iteration in (10, 20, 30):
            file = snapshot(iteration, best=True)
            (run.directory / file.weights).write_text("x")
            run.snapshot(file)
        run.metrics(points(31, 40))
        run.rewind(20)
    assert store.curves(step.job_id)["train", "loss"].iterations == list(range(21))
    assert [(row.iteration, row.best) for row in store.snapshots(step.job_id)] == [
        (10, False),
        (20, True),
    ]
    assert not (run.directory / "snapshot_30.safetensors").exists()
    assert (run.directory / "snapshot_20.safetensors").exists()


def test_a_stale_run_stops(store: Store, step: Step) -> None:
    heard = threading.Event()
    stop = threading.Event()
    with StoreRun(store, step, stop, heard.set) as run:
        store.requeue(step.id, 1, crashed=True)
        with pytest.raises(StaleAttempt):
            run.record({"a": 1})
        assert heard.is_set()
        assert run.stop_requested
        run.metrics(points(0, 5))
    assert store.curves(step.job_id) == {}
    assert store.step(step.id).facts == {}


def test_a_run_reads_for_itself_that_it_was_aborted(store: Store, step: Step) -> None:
    """As a worker on another machine has to."""
    with StoreRun(store, step, threading.Event()) as run:
        run.progress(0.1)
        run.flush()
        assert not run.stop_requested
        store.abort_job(step.job_id)
        run.progress(0.2)
        run.flush()
        assert run.stop_requested


def test_the_time_left_counts_from_this_attempt(store: Store, step: Step) -> None:
    with StoreRun(store, step, threading.Event()) as run:
        run.progress(0.5)
        time.sleep(0.55)
        run.progress(0.6)
        until(lambda: store.step(step.id).eta is not None)
    eta = store.step(step.id).eta
    assert eta is not None
    assert 1.5 < eta < 5  # not (1 - 0.6) * 0.55 / 0.6


def test_a_busy_database_is_waited_for(store: Store, step: Step) -> None:
    calls = []

    def locked_twice() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise OperationalError("x", {}, sqlite3.OperationalError("database is locked"))
        return "done"

    assert patiently(locked_twice) == "done"
    with pytest.raises(OperationalError):
        patiently(lambda: _always("database is locked"), patience=0.2)
    with pytest.raises(OperationalError):
        patiently(lambda: _always("no such table: steps"), patience=60)


def _always(message: str) -> None:
    raise OperationalError("x", {}, sqlite3.OperationalError(message))


@pytest.mark.parametrize("kind", ["store", "recording"])
def test_both_runs_tell_the_same_story(store: Store, step: Step, tmp_path: Path, kind: str) -> None:
    """`RecordingRun` stands in for the worker's run in tests of other rooms."""
    directory = tmp_path if kind == "recording" else store.files.directory(step.job_id)
    (directory / "checkpoint.json").write_text("10")
    (directory / "snapshot_20.safetensors").write_text("late")
    recording = RecordingRun(tmp_path)
    stored = StoreRun(store, step, threading.Event())
    run: StepRun = recording if kind == "recording" else stored
    run.metrics(points(0, 21))
    run.snapshot(snapshot(20))
    with stored:
        Count(to=35, pause=0).run(run)
    if kind == "recording":
        iterations = [point.iteration for point in recording.points]
        names = [file.weights for file in recording.snapshots]
        assert recording.curve("loss")[-1] == (35, pytest.approx(1 / 35))
        assert recording.fraction == 1
    else:
        iterations = store.curves(step.job_id)["train", "loss"].iterations
        names = [row.weights for row in store.snapshots(step.job_id)]
        assert store.step(step.id).progress == 1
    assert iterations == list(range(36))
    assert names == ["snapshot_20.safetensors", "snapshot_30.safetensors"]


def test_a_recording_run_can_be_asked_to_stop(tmp_path: Path) -> None:
    run = RecordingRun(tmp_path, stop_after=3)
    Count(to=10, pause=0).run(run)
    assert len(run.points) == 3
