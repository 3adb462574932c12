"""What a job uses, looked at while a real worker process runs."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from collections.abc import Iterator

import pytest

from netloom import jobs
from netloom.interfaces.job import StepPlan
from netloom.jobs import gpus, hardware
from netloom.jobs.processes import this_machine, this_process
from netloom.store import Job, Status, Store


@pytest.fixture
def running(store: Store) -> Job:
    """A job whose worker is this process, lent GPU 1."""
    from netloom.testing.steps import Nothing

    plan = [StepPlan(key="train", title="Train Model", step=Nothing())]
    job = store.add_job("model", "Test", "test", None, {}, {}, plan)
    store.set_job_status(job.id, Status.RUNNING)
    attempt = store.claim_step(job.steps[0].id, {"gpus": ["1"], "cpus": 1}, this_machine())
    assert attempt is not None
    store.set_process(job.steps[0].id, attempt, this_process())
    return store.job(job.id)


@pytest.fixture
def child() -> Iterator[int]:
    """A process that holds some memory and computes for ever."""
    code = "held = bytearray(b'x' * 64_000_000); print(flush=True)\nwhile held: pass"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child.pid
        child.kill()


def test_a_worker_is_measured_with_its_children(running: Job, child: int) -> None:
    use = jobs.Hardware().use_of(running)
    assert use is not None
    (worker,) = use.processes
    assert worker.pid == os.getpid()
    assert worker.step == "Train Model"
    assert worker.cpu_percent > 0
    assert worker.memory > 64_000_000
    assert 0 < worker.memory_percent < 100
    assert 0 < use.machine.cpu_percent <= 100
    assert use.machine.cpus >= 1
    assert worker.memory < use.machine.memory_total


def test_several_who_look_get_the_same(running: Job) -> None:
    looks = jobs.Hardware()
    first, second = looks.use_of(running), looks.use_of(running)
    assert first is not None
    assert second is not None
    assert first.processes[0].cpu_percent == second.processes[0].cpu_percent


def test_a_job_that_does_not_run_uses_nothing(running: Job, store: Store) -> None:
    store.set_step_status(running.steps[0].id, Status.DONE)
    assert jobs.Hardware().use_of(store.job(running.id)) is None
    running.steps[0].machine = "elsewhere/0"
    assert jobs.Hardware().use_of(running) is None


class NvmlError(Exception):
    """As the driver raises it."""


def no_such_gpu(index: int) -> int:
    if index != 1:
        raise NvmlError("no such GPU")
    return index


def not_supported(*_: object) -> int:
    raise NvmlError("not supported")


def driver() -> types.SimpleNamespace:
    """Return what stands for NVML: GPU 1 tells all but its temperature, others do not exist."""
    return types.SimpleNamespace(
        NVMLError=NvmlError,
        NVML_TEMPERATURE_GPU=0,
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByIndex=no_such_gpu,
        nvmlDeviceGetName=lambda handle: "Test GPU",
        nvmlDeviceGetMemoryInfo=lambda handle: types.SimpleNamespace(used=2e9, total=8e9),
        nvmlDeviceGetUtilizationRates=lambda handle: types.SimpleNamespace(gpu=87),
        nvmlDeviceGetTemperature=not_supported,
    )


def test_the_gpus_of_a_job_are_told(running: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", driver())
    monkeypatch.setattr(gpus, "_begin", lambda: True)
    use = jobs.Hardware().use_of(running)
    assert use is not None
    (gpu,) = use.gpus
    assert (gpu.index, gpu.name, gpu.utilisation, gpu.temperature) == ("1", "Test GPU", 87, None)
    assert (gpu.memory, gpu.memory_percent) == (2 * 10**9, 25.0)
    assert gpus.use_of(["0", "UUID"]) == ()


def test_old_processes_are_forgotten(running: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "FIRST", 0.001)
    looks = jobs.Hardware()
    looks.use_of(running)
    monkeypatch.setattr(hardware, "STALE", 0.0)
    looks._forget()
    assert not looks._clocks
