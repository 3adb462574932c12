"""GPUs at this moment, as NVML tells it; without an NVIDIA driver there are none."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class GpuUse:
    """One GPU; None stands for what it does not tell."""

    index: str
    name: str
    memory: int | None  # bytes in use
    memory_total: int | None
    memory_percent: float | None
    utilisation: int | None  # percent of the time in which it worked
    temperature: int | None  # degrees Celsius


def use_of(indices: Iterable[str]) -> tuple[GpuUse, ...]:
    """Return what these GPUs do; those that NVML does not know are left out."""
    wanted = [index for index in indices if index.isdecimal()]
    if not wanted or not _begin():
        return ()
    return tuple(use for index in wanted if (use := _look_at(index)) is not None)


@functools.cache
def _begin() -> bool:
    """Open NVML once: doing it for each look would take longer than the look."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception as error:  # no NVIDIA driver here, or one that does not answer
        log.debug("NVML does not answer: %s", error)
        return False
    return True


def _look_at(index: str) -> GpuUse | None:
    import pynvml

    try:
        handle = pynvml.nvmlDeviceGetHandleByIndex(int(index))
        name = str(pynvml.nvmlDeviceGetName(handle))
    except pynvml.NVMLError as error:
        log.debug("GPU %s does not answer: %s", index, error)
        return None
    memory = _ask(lambda: pynvml.nvmlDeviceGetMemoryInfo(handle))
    rates = _ask(lambda: pynvml.nvmlDeviceGetUtilizationRates(handle))
    heat = _ask(lambda: pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU))
    return GpuUse(
        index=index,
        name=name,
        memory=int(memory.used) if memory else None,
        memory_total=int(memory.total) if memory else None,
        memory_percent=round(100 * memory.used / memory.total, 1) if memory else None,
        utilisation=int(rates.gpu) if rates else None,
        temperature=int(heat) if heat is not None else None,
    )


def _ask(question: Callable[[], Any]) -> Any:
    """Return an answer; None where this GPU does not give it, for example when it is divided."""
    import pynvml

    try:
        return question()
    except pynvml.NVMLError:
        return None
