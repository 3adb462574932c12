"""
Hardware: what a running job and this machine use at this moment.

Nothing is kept: it is measured when somebody looks, once a second however many do. By hand:

    curl http://localhost:5000/jobs/20260105-103000-2c3d/hardware.json
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psutil

from netloom.jobs.gpus import GpuUse, use_of
from netloom.jobs.processes import is_alive
from netloom.store import Job, Process, Status, Step

PACE = 0.9  # seconds for which a look is good enough for the next one, too
FIRST = 0.1  # seconds that a first look takes: use is a difference
STALE = 5.0  # seconds after which a look is a first one again


@dataclass(frozen=True, kw_only=True)
class ProcessUse:
    """What the worker of a step uses, its children included."""

    step: str  # title
    pid: int
    cpu_percent: float  # 100 is one core
    memory: int  # resident bytes
    memory_percent: float  # of the machine


@dataclass(frozen=True, kw_only=True)
class MachineUse:
    """What all programs of this machine use together."""

    cpu_percent: float  # 100 is all cores
    cpus: int
    memory: int  # bytes in use
    memory_total: int
    memory_percent: float


@dataclass(frozen=True, kw_only=True)
class Use:
    """What a job uses, and what stands around it."""

    processes: tuple[ProcessUse, ...]
    machine: MachineUse
    gpus: tuple[GpuUse, ...]  # those lent to the job


class Hardware:
    """Looks at processes and at the machine; one for a server, as use is told between two looks."""

    def __init__(self) -> None:
        self._clocks: dict[tuple[int, float], _Clock] = {}
        self._machine = _Clock()
        self._lock = threading.Lock()

    def use_of(self, job: Job) -> Use | None:
        """Return what a job uses; None where nothing of it runs on this machine."""
        steps = [step for step in job.steps if step.status == Status.RUNNING]
        alive = [(step, found) for step in steps if (found := _process(step)) is not None]
        if not alive:
            return None
        with self._lock:
            self._forget()
            machine = self._look_at_machine()
            processes = [
                self._look_at(step, process, machine.memory_total) for step, process in alive
            ]
        gpus = (gpu for step, _ in alive for gpu in step.lent.get("gpus", ()))
        return Use(
            processes=tuple(use for use in processes if use is not None),
            machine=machine,
            gpus=use_of(gpus),
        )

    def _look_at(self, step: Step, process: Process, memory_total: int) -> ProcessUse | None:
        clock = self._clocks.setdefault((process.pid, process.started), _Clock())
        try:
            family = _family(process.pid)
            cores = clock.look(lambda: _seconds(family))
            memory = _resident(family)
        except psutil.Error:  # it has just ended
            return None
        return ProcessUse(
            step=step.title,
            pid=process.pid,
            cpu_percent=round(100 * cores, 1),
            memory=memory,
            memory_percent=round(100 * memory / memory_total, 1),
        )

    def _look_at_machine(self) -> MachineUse:
        cpus = psutil.cpu_count() or 1
        memory = psutil.virtual_memory()
        cores = self._machine.look(_busy_seconds)
        return MachineUse(
            cpu_percent=round(min(100.0, 100 * cores / cpus), 1),
            cpus=cpus,
            memory=memory.total - memory.available,
            memory_total=memory.total,
            memory_percent=memory.percent,
        )

    def _forget(self) -> None:
        old = [key for key, clock in self._clocks.items() if clock.age > STALE]
        for key in old:
            del self._clocks[key]


class _Clock:
    """Seconds of work per second, between two looks that are not too close."""

    def __init__(self) -> None:
        self._time = -STALE
        self._used = 0.0
        self._cores = 0.0

    @property
    def age(self) -> float:
        """Return the seconds since the last look."""
        return time.monotonic() - self._time

    def look(self, read: Callable[[], float]) -> float:
        """Return the mean number of busy cores."""
        first = self.age > STALE
        if first:
            self._time, self._used = time.monotonic(), read()
            time.sleep(FIRST)
        if first or self.age > PACE:
            now, used = time.monotonic(), read()
            # Of children that ended meanwhile the seconds are gone.
            self._cores = max(0.0, used - self._used) / (now - self._time)
            self._time, self._used = now, used
        return self._cores


def _process(step: Step) -> Process | None:
    """Return the process of a step, if it works on this machine."""
    if step.pid is None or step.pid_started is None:
        return None
    process = Process(pid=step.pid, started=step.pid_started, machine=step.machine)
    return process if is_alive(process) else None


def _family(pid: int) -> list[psutil.Process]:
    worker = psutil.Process(pid)
    return [worker, *worker.children(recursive=True)]


def _seconds(family: Iterable[psutil.Process]) -> float:
    seconds = 0.0
    for process in family:
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            seconds += times.user + times.system
    return seconds


def _resident(family: Iterable[psutil.Process]) -> int:
    memory = 0
    for process in family:
        with contextlib.suppress(psutil.Error):
            memory += process.memory_info().rss
    return memory


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    # Time of guests is counted as that of users already.
    idle = times.idle + getattr(times, "iowait", 0.0)
    guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return float(sum(times) - idle - guests)
