"""Curves, snapshots, events, logs and leases; on SQLite and PostgreSQL."""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from itertools import pairwise

import pytest
from sqlalchemy import delete, event, select

from netloom.errors import SnapshotNotFound
from netloom.interfaces.job import (
    ExportedModel,
    MetricPoint,
    SnapshotFile,
    Step,
    StepPlan,
    StepRun,
)
from netloom.store import Process, Resource, Store
from netloom.store.curves import rank_of
from netloom.store.records import Event, Point

ME = Process(pid=1, started=2.0, machine="here")


@pytest.fixture
def job_id(store: Store) -> str:
    return store.add_job("model", "Image Model", "net", "ada", {}, {}, []).id


def points(first: int, end: int, series: str = "loss") -> list[MetricPoint]:
    return [
        MetricPoint(series=series, split="train", iteration=i, epoch=i / 10, value=float(i))
        for i in range(first, end)
    ]


def test_a_short_curve_comes_whole(store: Store, job_id: str) -> None:
    store.append_points(job_id, points(0, 7))
    store.append_points(job_id, points(7, 10))
    curve = store.curves(job_id)["train", "loss"]
    assert curve.iterations == list(range(10))
    assert curve.values == [float(i) for i in range(10)]
    assert (curve.count, curve.last, curve.smallest, curve.largest) == (10, 9, 0, 9)


@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 1000, 1025])
def test_a_long_curve_is_thinned_evenly_and_keeps_its_end(
    store: Store, job_id: str, count: int
) -> None:
    store.append_points(job_id, points(0, count))
    for limit in (2, 10, 64, 200):
        curve = store.curves(job_id, max_points=limit)["train", "loss"]
        assert len(curve.values) <= limit
        assert len(curve.values) >= min(count, limit // 2)
        assert curve.iterations[0] == 0
        assert curve.iterations[-1] == count - 1
        assert len({b - a for a, b in pairwise(curve.iterations[:-1])}) <= 1


def test_points_are_not_doubled(store: Store, job_id: str) -> None:
    store.append_points(job_id, points(0, 5))
    store.append_points(job_id, points(0, 8))
    assert store.curves(job_id)["train", "loss"].iterations == list(range(8))


def test_values_that_are_not_finite_are_gaps(store: Store, job_id: str) -> None:
    nan = MetricPoint(series="loss", split="val", iteration=0, epoch=0, value=float("nan"))
    store.append_points(job_id, [nan])
    curve = store.curves(job_id)["val", "loss"]
    assert curve.values == [None]
    assert (curve.last, curve.smallest, curve.largest) == (None, None, None)


def test_a_rewound_curve_goes_on_without_holes_or_doubles(store: Store, job_id: str) -> None:
    store.append_points(job_id, [*points(0, 50), *points(0, 50, "accuracy")])
    store.rewind(job_id, 19)
    curve = store.curves(job_id)["train", "loss"]
    assert (curve.count, curve.last, curve.smallest, curve.largest) == (20, 19, 0, 19)
    store.append_points(job_id, points(20, 40))
    assert store.curves(job_id)["train", "loss"].iterations == list(range(40))
    assert store.curves(job_id)["train", "accuracy"].iterations == list(range(20))
    with store.database.read() as session:
        rows = session.execute(select(Point.place, Point.rank)).all()
    assert all(rank == rank_of(place) for place, rank in rows)
    store.rewind(job_id, -1)
    assert store.curves(job_id)["train", "loss"].values == []


def test_tables_get_summaries_and_sparklines(store: Store, job_id: str) -> None:
    store.append_points(job_id, [*points(0, 500), *points(0, 500, "accuracy")])
    asked = [job_id, "other"]
    assert store.series_summary(asked)[job_id]["train", "loss"] == (499, 0, 499)
    assert list(store.series_summary(asked, ["loss"])[job_id]) == [("train", "loss")]
    curve = store.curves(job_id, max_points=20)["train", "loss"]
    assert store.sparklines(asked, "train", "loss", 20) == {job_id: curve.values}
    assert 10 <= len(curve.values) <= 20
    ends = (curve.epochs[0], curve.epochs[-1])
    assert store.curve_epochs(asked, "loss") == {job_id: {"train": ends}}


def test_the_sparkline_of_a_curve_that_is_short_or_not_finite(store: Store, job_id: str) -> None:
    store.append_points(job_id, points(0, 1))
    assert store.sparklines([job_id], "train", "loss", 20) == {job_id: [0]}
    assert store.curve_epochs([job_id], "loss")[job_id]["train"] == (0, 0)
    odd = [dataclasses.replace(point, value=math.nan) for point in points(1, 98)]
    store.append_points(job_id, odd)
    assert store.sparklines([job_id], "train", "loss", 20) == {job_id: [0]}
    store.append_points(job_id, points(98, 100))
    assert store.sparklines([job_id], "train", "loss", 20) == {job_id: [0, 99]}
    store.rewind(job_id, -1)
    assert store.sparklines([job_id], "train", "loss", 20) == {job_id: []}
    assert store.curve_epochs([job_id], "loss") == {}


def test_reading_a_curve_takes_few_small_queries(store: Store, job_id: str) -> None:
    store.append_points(job_id, points(0, 5000))
    texts: list[str] = []
    event.listen(
        store.database.engine, "before_cursor_execute", lambda c, k, text, *_: texts.append(text)
    )
    store.curves(job_id, max_points=100)
    assert len([text for text in texts if text.startswith("SELECT")]) <= 3


def snapshot(iteration: int, best: bool = False, **metrics: float) -> SnapshotFile:
    return SnapshotFile(
        epoch=iteration / 10,
        iteration=iteration,
        weights=f"snapshot_{iteration}.safetensors",
        metrics=metrics,
        best=best,
    )


def test_snapshots_by_epoch_and_the_best(store: Store, job_id: str) -> None:
    with pytest.raises(SnapshotNotFound, match="no snapshot yet"):
        store.snapshot(job_id)
    store.add_snapshot(job_id, snapshot(10, best=True, accuracy=0.9))
    store.add_snapshot(job_id, snapshot(20, best=True, accuracy=0.95))
    store.add_snapshot(job_id, snapshot(30, accuracy=0.8))
    assert [row.best for row in store.snapshots(job_id)] == [False, True, False]
    assert store.snapshot(job_id).epoch == 3
    assert store.snapshot(job_id, -1).epoch == 3
    assert store.snapshot(job_id, 2).weights == "snapshot_20.safetensors"
    with pytest.raises(SnapshotNotFound, match="epoch 7"):
        store.snapshot(job_id, 7)
    assert store.rewind(job_id, 15) == ["snapshot_20.safetensors", "snapshot_30.safetensors"]
    assert [(row.epoch, row.best) for row in store.snapshots(job_id)] == [(1, True)]


def test_an_exported_model_replaces_the_earlier_one(store: Store, job_id: str) -> None:
    row = store.add_snapshot(job_id, snapshot(10))
    assert store.model(job_id, row.id) is None
    exported = ExportedModel(task="classification", classes=("a", "b"), difference=1e-6)
    for network in ("a.onnx", "b.onnx"):
        file = dataclasses.replace(snapshot(10), network=network, model=exported)
        assert store.add_snapshot(job_id, file).id == row.id
    found = store.model(job_id, row.id)
    assert found is not None
    assert (found.network, found.classes) == ("b.onnx", ["a", "b"])
    assert store.rewind(job_id, 5) == ["snapshot_10.safetensors", "b.onnx"]
    assert store.model(job_id, row.id) is None


def test_no_event_is_missed_by_a_reader_that_follows(store: Store) -> None:
    """Ids become visible in their order, however many write at once."""
    seen: list[int] = []

    def write() -> None:
        for _ in range(20):
            store.add_event("", "x", {})

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    last = 0
    while any(writer.is_alive() for writer in writers) or store.last_event_id() > last:
        for row in store.events_after(last, limit=7):
            seen.append(row.id)
            last = row.id
    assert len(seen) == len(set(seen)) == 80


def test_old_events_go_and_ids_only_grow(store: Store) -> None:
    for _ in range(3):
        store.add_event("", "x", {})
    last = store.last_event_id()
    time.sleep(0.01)
    assert store.prune_events(kept_seconds=0) == 2
    store.add_event("", "x", {})
    assert store.last_event_id() > last
    with store.database.write() as session:
        session.execute(delete(Event))
    assert store.last_event_id() == 0


def test_listeners_hear_of_events(store: Store) -> None:
    heard = threading.Event()
    stop = store.database.listen(heard.set)
    store.add_event("", "x", {})
    assert heard.is_set()
    stop()
    heard.clear()
    store.add_event("", "x", {})
    assert not heard.is_set()


class Idle(Step):
    name = "idle"

    def run(self, run: StepRun) -> None: ...


def test_a_log_keeps_its_order(store: Store, job_id: str) -> None:
    plan = [StepPlan(key="idle", title="Idle", step=Idle())]
    job = store.add_job("dataset", "Dataset", "x", None, {}, {}, plan)
    step_id = job.steps[0].id
    store.add_log(step_id, [f"line {number}" for number in range(10)])
    store.add_log(step_id, [(1.0, "error", "bad \udcff\0 bytes")])
    assert [row.text for row in store.log(step_id, tail=3)] == ["line 8", "line 9", "bad ? bytes"]
    assert store.log(step_id)[-1].level == "error"


def test_a_lease_has_one_holder(store: Store) -> None:
    assert store.acquire("scheduler", "a", 30, ME)
    assert store.acquire("scheduler", "a", 30, ME)
    assert not store.acquire("scheduler", "b", 30, ME)
    assert store.renew("scheduler", "a", 30)
    assert not store.renew("scheduler", "b", 30)
    lease = store.holder("scheduler")
    assert lease is not None
    assert (lease.holder, lease.pid) == ("a", 1)
    store.release("scheduler", "b")
    assert store.holder("scheduler") is not None
    store.release("scheduler", "a")
    assert store.holder("scheduler") is None


def test_a_lease_is_taken_over_from_the_dead_and_after_its_time(store: Store) -> None:
    assert store.acquire("scheduler", "a", 30, ME)
    assert store.acquire("scheduler", "b", -1, ME, is_dead=lambda lease: lease.holder == "a")
    assert store.holder("scheduler") is None
    assert store.acquire("scheduler", "c", 30, ME)
    assert not store.renew("scheduler", "b", 30)


def test_resources_are_told(store: Store) -> None:
    store.put_resources([Resource(name="0", kind="gpu", capacity=1, used=1)])
    store.put_resources(
        [
            Resource(name="0", kind="gpu", capacity=1, used=0),
            Resource(name="cpus", kind="cpu", capacity=4, used=1),
        ]
    )
    assert [row.name for row in store.resources()] == ["cpus", "0"]
    told = store.events_after(0)[-1].data
    assert told == {"gpus": 1, "gpus_free": 1, "cpus": 4, "cpus_free": 3}
