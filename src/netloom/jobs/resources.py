"""
Resources: what this machine has, and who is lent what.

GPUs are lent whole, CPU cores by number; pools limit how many steps of a kind run at once.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netloom.interfaces.job import Needs
from netloom.store import Resource

log = logging.getLogger(__name__)

POOLS = {
    "parse_folder_task_pool": 1,
    "create_db_task_pool": 2,
    "analyze_db_task_pool": 4,
    "inference_task_pool": 4,
}
_OTHER_POOL = 1  # what a pool that only a plugin knows can hold

_ASK_TORCH = """
import json, torch
cuda = torch.cuda
print(json.dumps([
    {
        "id": str(index),
        "name": cuda.get_device_name(index),
        "memory": cuda.get_device_properties(index).total_memory,
    }
    for index in range(cuda.device_count())
]))
"""


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One GPU that steps may use."""

    id: str  # as CUDA_VISIBLE_DEVICES counts
    name: str = ""
    memory: int = 0  # bytes


@dataclass(frozen=True, kw_only=True)
class Lent:
    """What a step is lent while it runs."""

    gpus: tuple[str, ...] = ()
    cpus: int = 0
    pool: str = ""

    def as_row(self) -> dict[str, Any]:
        return {"gpus": list(self.gpus), "cpus": self.cpus, "pool": self.pool}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Lent:
        gpus = tuple(row.get("gpus", ()))
        return cls(gpus=gpus, cpus=row.get("cpus", 0), pool=row.get("pool", ""))


@dataclass
class Free:
    """What is not lent; `lend` and `reserve` take from it."""

    gpus: list[str]
    cpus: int
    all_gpus: tuple[str, ...]
    all_cpus: int
    pools: dict[str, int] = field(default_factory=lambda: dict(POOLS))

    @classmethod
    def of(cls, gpus: Iterable[Gpu], cpus: int, lent: Iterable[Lent]) -> Free:
        """Return what is left of a machine."""
        ids = tuple(gpu.id for gpu in gpus)
        free = cls(gpus=list(ids), cpus=cpus, all_gpus=ids, all_cpus=cpus)
        for part in lent:
            free.take(part)
        return free

    def missing(self, needs: Needs) -> list[str]:
        """Return the GPUs asked for by name that this machine does not have."""
        if not self.all_gpus:  # such a step runs on the CPU
            return []
        return [gpu for gpu in needs.gpu_ids if gpu not in self.all_gpus]

    def lend(self, needs: Needs) -> Lent | None:
        """Take what a step needs; return None, and take nothing, when it is not all free."""
        wanted = self._wanted(needs)
        chosen = tuple(gpu for gpu in self.gpus if gpu in needs.gpu_ids or not needs.gpu_ids)
        lent = Lent(gpus=chosen[: wanted.gpus], cpus=wanted.cpus, pool=needs.pool)
        short = len(lent.gpus) < wanted.gpus or self.cpus < lent.cpus
        if short or (lent.pool and self._in_pool(lent.pool) < 1):
            return None
        self.take(lent)
        return lent

    def reserve(self, needs: Needs) -> None:
        """Keep what a waiting step needs from those behind it, so that its turn comes."""
        wanted = self._wanted(needs)
        chosen = [gpu for gpu in self.gpus if gpu in needs.gpu_ids or not needs.gpu_ids]
        cpus = min(wanted.cpus, self.cpus)
        self.take(Lent(gpus=tuple(chosen[: wanted.gpus]), cpus=cpus, pool=needs.pool))

    def take(self, lent: Lent) -> None:
        """Take what is lent already."""
        self.gpus = [gpu for gpu in self.gpus if gpu not in lent.gpus]
        self.cpus -= lent.cpus
        if lent.pool:
            self.pools[lent.pool] = self._in_pool(lent.pool) - 1

    def rows(self, gpus: Iterable[Gpu]) -> list[Resource]:
        """Return what the store keeps of it."""
        free = [
            Resource(
                name=gpu.id,
                kind="gpu",
                capacity=1,
                used=int(gpu.id not in self.gpus),
                detail={"name": gpu.name, "memory": gpu.memory},
            )
            for gpu in gpus
        ]
        used = self.all_cpus - self.cpus
        free.append(Resource(name="cpus", kind="cpu", capacity=self.all_cpus, used=used))
        for name, left in self.pools.items():
            size = POOLS.get(name, _OTHER_POOL)
            free.append(Resource(name=name, kind="pool", capacity=size, used=size - left))
        return free

    def _wanted(self, needs: Needs) -> _Wanted:
        # Whoever asks for more than there is gets all of it, alone.
        gpus = len(needs.gpu_ids) or needs.gpus
        return _Wanted(min(gpus, len(self.all_gpus)), min(needs.cpus, self.all_cpus))

    def _in_pool(self, name: str) -> int:
        return self.pools.get(name, _OTHER_POOL)


@dataclass(frozen=True)
class _Wanted:
    gpus: int
    cpus: int


def find_gpus() -> tuple[Gpu, ...]:
    """Return the GPUs of this machine that CUDA_VISIBLE_DEVICES leaves visible."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and visible.strip() in ("", "-1"):
        return ()
    try:
        found = _ask_nvml()
    except Exception as error:  # no NVIDIA driver here, or one that does not answer
        log.debug("NVML does not answer: %s", error)
        return _ask_torch()
    if visible is None:
        return tuple(gpu for gpu, _ in found)
    names = [name.strip() for name in visible.split(",")]
    return tuple(gpu for gpu, uuid in found if gpu.id in names or uuid in names)


def _ask_nvml() -> list[tuple[Gpu, str]]:
    import pynvml

    pynvml.nvmlInit()
    try:
        return [_nvml_gpu(index) for index in range(pynvml.nvmlDeviceGetCount())]
    finally:
        pynvml.nvmlShutdown()


def _nvml_gpu(index: int) -> tuple[Gpu, str]:
    import pynvml

    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    memory = int(pynvml.nvmlDeviceGetMemoryInfo(handle).total)
    name = str(pynvml.nvmlDeviceGetName(handle))
    return Gpu(id=str(index), name=name, memory=memory), str(pynvml.nvmlDeviceGetUUID(handle))


def _ask_torch() -> tuple[Gpu, ...]:
    """Ask torch in a process of its own, where there is any sign of a GPU: it takes seconds."""
    if not any(Path(path).exists() for path in ("/dev/kfd", "/dev/nvidiactl", "/dev/dxg")):
        return ()
    command = [sys.executable, "-P", "-c", _ASK_TORCH]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        return tuple(Gpu(**found) for found in json.loads(done.stdout))
    except (subprocess.SubprocessError, ValueError, OSError) as error:
        log.warning("torch could not be asked for GPUs: %s", error)
        return ()
