"""
Processes: told apart for good, found alive or dead, stopped with their children.

An id alone may be used again by another process; with its start time, counted from the
start of the machine so that no change of the clock matters, it is unique.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil

from netloom.store import Process

_SAME_START = 0.05  # seconds; start times are kept as floating point numbers


@functools.cache
def this_machine() -> str:
    """Return a name for this machine since it was started."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    run = boot.read_text()[:8] if boot.exists() else f"{psutil.boot_time():.0f}"
    return f"{socket.gethostname()[:80]}/{run}"


def identify(pid: int) -> Process | None:
    """Return a process of this machine; None when it is dead, even if not yet reaped."""
    started = _started(pid)
    return None if started is None else Process(pid=pid, started=started, machine=this_machine())


def this_process() -> Process:
    """Return the process that asks."""
    found = identify(os.getpid())
    assert found is not None
    return found


def is_here(machine: str) -> bool:
    """Return whether this machine can tell if a process lives: its own ones, also before a boot."""
    return machine.rpartition("/")[0] == this_machine().rpartition("/")[0]


def is_alive(process: Process) -> bool:
    """Return whether a process of this machine still works."""
    found = identify(process.pid) if process.machine == this_machine() else None
    return found is not None and abs(found.started - process.started) < _SAME_START


def signal_group(process: Process, number: signal.Signals) -> None:
    """Send a signal to the process group that a process leads, if it is alive."""
    if is_alive(process):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)


def kill_orphans(leader: int) -> None:
    """Kill what is left of the group of a leader that is dead."""
    for pid in _members(leader):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _members(leader: int) -> Iterator[int]:
    if psutil.pid_exists(leader) and identify(leader) is not None:
        return  # the id belongs to another process by now
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(pid) == leader and os.getsid(pid) == leader:
                yield pid


def _started(pid: int) -> float | None:
    stat = Path(f"/proc/{pid}/stat")
    if not stat.parent.parent.joinpath("self").exists():
        return _started_elsewhere(pid)
    try:
        fields = stat.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19]) / os.sysconf("SC_CLK_TCK")


def _started_elsewhere(pid: int) -> float | None:
    try:
        process = psutil.Process(pid)
        dead = process.status() == psutil.STATUS_ZOMBIE
        return None if dead else process.create_time() - psutil.boot_time()
    except psutil.NoSuchProcess:
        return None
