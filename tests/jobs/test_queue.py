"""The queue and the resources: who is served, who waits, and that nobody waits for ever."""

from __future__ import annotations

import dataclasses
import sys
import types
from pathlib import Path

import pytest

from netloom.interfaces.job import Needs
from netloom.jobs import resources
from netloom.jobs.queue import decide
from netloom.jobs.resources import Free, Gpu, Lent
from netloom.store import Step

TWO = (Gpu(id="0"), Gpu(id="1"))


def waiting(number: int, parents: tuple[str, ...] = (), **needs: object) -> Step:
    row = dataclasses.asdict(Needs(**needs))
    return Step(id=number, job_id="j", key=f"s{number}", needs=row, parents=list(parents))


def served(queue: list[Step], free: Free, done: set[str] = frozenset()) -> dict[int, Lent | None]:
    pairs = {("j", key) for key in done}
    return {decision.step.id: decision.lent for decision in decide(queue, pairs, free)}


def test_first_come_first_served() -> None:
    queue = [waiting(1, gpus=1), waiting(2, gpus=1), waiting(3, gpus=1), waiting(4)]
    assert served(queue, Free.of(TWO, 4, [])) == {
        1: Lent(gpus=("0",)),
        2: Lent(gpus=("1",)),
        3: None,
        4: Lent(),
    }


def test_parents_come_first() -> None:
    queue = [waiting(1, parents=("a", "b"))]
    assert served(queue, Free.of((), 1, []), {"a"}) == {}
    assert served(queue, Free.of((), 1, []), {"a", "b"}) == {1: Lent()}


def test_a_big_request_is_not_passed_by_small_ones() -> None:
    queue = [waiting(1, gpus=2), waiting(2, gpus=1), waiting(3, cpus=1)]
    free = Free.of(TWO, 4, [Lent(gpus=("0",))])
    assert served(queue, free) == {1: None, 2: None, 3: Lent(cpus=1)}


def test_named_gpus_leave_the_others_free() -> None:
    queue = [waiting(1, gpu_ids=("0",)), waiting(2, gpus=1), waiting(3, gpu_ids=("7",))]
    decisions = list(decide(queue, set(), Free.of(TWO, 4, [Lent(gpus=("0",))])))
    assert [decision.lent for decision in decisions] == [None, Lent(gpus=("1",)), None]
    assert decisions[2].missing == ("7",)


def test_without_gpus_training_runs_on_the_cpu() -> None:
    queue = [waiting(1, gpus=2), waiting(2, gpu_ids=("0",))]
    assert served(queue, Free.of((), 2, [])) == {1: Lent(), 2: Lent()}


def test_whoever_wants_more_than_there_is_gets_all() -> None:
    assert served([waiting(1, cpus=64, gpus=8)], Free.of(TWO, 4, [])) == {
        1: Lent(gpus=("0", "1"), cpus=4)
    }


def test_pools_limit_how_many_run() -> None:
    pools = ["create_db_task_pool"] * 3 + ["parse_folder_task_pool"] * 2 + ["other"] * 2
    queue = [waiting(number, pool=pool) for number, pool in enumerate(pools)]
    running = [lent is not None for lent in served(queue, Free.of((), 1, [])).values()]
    assert running == [True, True, False, True, False, True, False]


def test_rows_say_what_is_used() -> None:
    free = Free.of(TWO, 4, [Lent(gpus=("1",), cpus=3, pool="create_db_task_pool")])
    rows = {row.name: (row.kind, row.capacity, row.used) for row in free.rows(TWO)}
    assert rows["0"] == ("gpu", 1, 0)
    assert rows["1"] == ("gpu", 1, 1)
    assert rows["cpus"] == ("cpu", 4, 3)
    assert rows["create_db_task_pool"] == ("pool", 2, 1)
    assert rows["inference_task_pool"] == ("pool", 4, 0)


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two GPUs, as the driver's library would name them."""
    memory = types.SimpleNamespace(total=16 * 2**30)
    library = types.SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetMemoryInfo=lambda handle: memory,
        nvmlDeviceGetName=lambda handle: f"Card {handle}",
        nvmlDeviceGetUUID=lambda handle: f"GPU-{handle}",
    )
    monkeypatch.setitem(sys.modules, "pynvml", library)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.usefixtures("nvml")
@pytest.mark.parametrize(
    ("visible", "ids"),
    [(None, ["0", "1"]), ("1", ["1"]), ("GPU-0", ["0"]), ("", []), ("-1", []), ("0,1", ["0", "1"])],
)
def test_gpus_are_found(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, ids: list[str]
) -> None:
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = resources.find_gpus()
    assert [gpu.id for gpu in found] == ids
    assert all(gpu.name == f"Card {gpu.id}" and gpu.memory == 2**34 for gpu in found)


def test_a_machine_without_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    monkeypatch.setattr(Path, "exists", lambda path: False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert resources.find_gpus() == ()
