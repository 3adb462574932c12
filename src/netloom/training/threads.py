"""
How many cores a training uses, and how its threads wait for each other.

All parts of a parallel computation end together, so one thread that has to share its
core with another program holds up the others. Measured with LeNet on two cores, in
images per second: alone 9,700 with two threads and 6,000 with one; beside one busy
process 500 to 2,500 with two threads, depending on how long they spin while they wait,
4,500 when they never spin (which costs a fifth of the idle speed), and 6,100 with one.
So a training watches what other programs use and leaves those cores to them.

The number of threads changes the order in which numbers are added, and so the last
bits of the weights. A training with a given seed keeps its number of threads.
"""

from __future__ import annotations

import math
import os
import time
from typing import Any

WINDOW = 1.0  # seconds between two looks
TOLERATED = 0.35  # cores that others may use without a thread giving way
CALM_WINDOWS = 2  # before a core is taken back

# How often a waiting thread looks before it sleeps (about 0.1 ms for 3000). With a fixed number
# of threads short waits limit what other programs can cost.
_SPINS = 10_000
_SPINS_FIXED = 1_000


def environment(*, repeatable: bool) -> dict[str, str]:
    """Return what must be set before the process starts: OpenMP reads it once."""
    return {"GOMP_SPINCOUNT": str(_SPINS_FIXED if repeatable else _SPINS)}


def available_cores() -> int:
    """Return the number of cores this process may run on."""
    return len(os.sched_getaffinity(0))


def wanted_threads(cores: int, others: float) -> int:
    """Return how many threads to use when other programs keep `others` cores busy."""
    return max(1, cores - max(0, math.ceil(others - TOLERATED)))


class Threads:
    """The number of threads of this process, adapted to what other programs leave."""

    def __init__(self, torch: Any, most: int, *, adaptive: bool) -> None:
        self._torch = torch
        self.most = most
        self.count = most
        self._adaptive = adaptive and most > 1
        self._calm = 0
        torch.set_num_threads(most)
        self._since = self._measure()

    def look(self) -> None:
        """Adapt, if a second has passed since the last look."""
        if not self._adaptive or time.perf_counter() - self._since[0] < WINDOW:
            return
        now = self._measure()
        wall, busy, own = (after - before for after, before in zip(now, self._since, strict=True))
        self._since = now
        wanted = wanted_threads(self.most, (busy - own) / wall)
        self._calm = self._calm + 1 if wanted > self.count else 0
        if wanted < self.count or self._calm >= CALM_WINDOWS:
            self.count = wanted
            self._torch.set_num_threads(wanted)

    def _measure(self) -> tuple[float, float, float]:
        """Return the time, the seconds our cores were busy, and our own part of them."""
        return time.perf_counter(), _busy_seconds(), time.process_time()


def _busy_seconds() -> float:
    import psutil

    times = psutil.cpu_times(percpu=True)
    ours = [times[core] for core in os.sched_getaffinity(0) if core < len(times)]
    return sum(sum(core) - core.idle - getattr(core, "iowait", 0.0) for core in ours)
