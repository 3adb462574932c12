"""
Local: one worker process per step on this machine.

A worker has a session of its own, so that it survives the server and can be stopped with
its children.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from netloom.jobs.executors import Ended, Worker
from netloom.jobs.processes import identify, is_alive, kill_orphans, signal_group
from netloom.jobs.resources import Lent
from netloom.jobs.runners import find_work
from netloom.settings import FOR_SERVERS_ONLY, Settings
from netloom.store import Process, Step, Store

Environment = Callable[[Step, Lent], Mapping[str, str]]


def environment(step: Step, lent: Lent) -> Mapping[str, str]:
    """Return the variables that keep a worker to what it was lent."""
    threads = str(lent.cpus or len(os.sched_getaffinity(0)))
    return {
        "CUDA_VISIBLE_DEVICES": ",".join(lent.gpus),
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        # Threads that spin while they wait make everybody slow as soon as a core is busy.
        "OMP_WAIT_POLICY": "PASSIVE",
        "PYTHONUNBUFFERED": "1",
        **_wanted(step),  # a step may know better
    }


def _wanted(step: Step) -> Mapping[str, str]:
    try:
        return find_work(step.runner).model_validate(step.options).environment()
    except Exception:  # the worker will meet the same, and say so in the job
        return {}


class LocalExecutor:
    """One process per step on this machine."""

    def __init__(self, store: Store, environment: Environment = environment) -> None:
        self._store = store
        self._environment = environment

    def start(self, step: Step, lent: Lent) -> Worker:
        directory = self._store.files.directory(step.job_id)
        command = [sys.executable, "-P", "-m", "netloom.jobs.worker"]
        command += [str(step.id), "--attempt", str(step.attempt)]
        variables = {**os.environ, **as_variables(self._store.settings)}
        with self._log(step).open("ab") as log:
            child = subprocess.Popen(
                command,
                cwd=directory,
                env={**variables, **self._environment(step, lent)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                close_fds=True,  # above all the server's sockets
            )
        try:
            return Child(child)
        except BaseException:
            # Whoever asked will take it for not started, and may start another.
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            raise

    def find(self, step: Step) -> Worker | None:
        if step.pid is None or step.pid_started is None:
            return None
        process = Process(pid=step.pid, started=step.pid_started, machine=step.machine)
        if is_alive(process):
            return Found(process)
        kill_orphans(process.pid)
        return None

    def printed(self, step: Step) -> str:
        return tail(self._log(step))

    def _log(self, step: Step) -> Path:
        return self._store.files.step_log(step.job_id, step.key)


class Child:
    """A process that this one started: its exit code will be known."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self.process = identify(child.pid)

    def ended(self) -> Ended | None:
        if self._child.returncode is None and not self._exited():
            return None
        if self._child.returncode is None:
            # While the dead leader is not waited for, its group cannot be another one's.
            self._signal(signal.SIGKILL)
        return Ended(self._child.wait())

    def stop(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _exited(self) -> bool:
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self._child.pid, flags) is not None

    def _signal(self, number: signal.Signals) -> None:
        if self._child.returncode is None:
            try:
                os.killpg(self._child.pid, number)
            except ProcessLookupError:
                return


class Found:
    """A process that an earlier server started."""

    def __init__(self, process: Process) -> None:
        self.process: Process | None = process
        self._found = process

    def ended(self) -> Ended | None:
        if is_alive(self._found):
            return None
        kill_orphans(self._found.pid)
        return Ended(None)

    def stop(self) -> None:
        signal_group(self._found, signal.SIGTERM)

    def kill(self) -> None:
        signal_group(self._found, signal.SIGKILL)


def as_variables(settings: Settings) -> dict[str, str]:
    """Return settings as the environment variables from which a worker reads them."""
    return {
        f"NETLOOM_{name.upper()}": ""
        if name in FOR_SERVERS_ONLY
        else _as_text(getattr(settings, name))
        for name in type(settings).model_fields
    }


def tail(path: Path, size: int = 8192) -> str:
    """Return the end of a text file; nothing when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - size, 0))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


def _as_text(value: object) -> str:
    if isinstance(value, tuple):
        between = os.pathsep if value and isinstance(value[0], Path) else ","
        return between.join(map(str, value))
    return str(value)
