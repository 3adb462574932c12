"""
Executors: start the worker of a step, and know how to stop it.

`LocalExecutor` in `netloom.jobs.local` starts one process per step; `InProcessExecutor` runs
the step in a thread, for tests. `netloom.testing.ExecutorContract` says what both must do.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol

from netloom.jobs.processes import this_process
from netloom.jobs.resources import Lent
from netloom.store import Process, Step, Store


@dataclass(frozen=True)
class Ended:
    """How a worker ended."""

    code: int | None = 0  # negative for a signal; None where nobody saw it


class Worker(Protocol):
    """A worker that was started or found again."""

    process: Process | None  # None when it was gone before anybody looked

    def ended(self) -> Ended | None:
        """Return how it ended; None while it works. Nothing of it is left after that."""
        ...

    def stop(self) -> None:
        """Ask it to save what it needs and end."""
        ...

    def kill(self) -> None:
        """End it now, with its children."""
        ...


class Executor(Protocol):
    """Starts workers."""

    def start(self, step: Step, lent: Lent) -> Worker:
        """Start the worker of a step that was claimed; raise OSError when it cannot be."""
        ...

    def find(self, step: Step) -> Worker | None:
        """Return the worker of a running step, started by an earlier server; None if dead."""
        ...

    def printed(self, step: Step) -> str:
        """Return the end of what the worker of a step printed."""
        ...


class InProcessExecutor:
    """Runs steps in threads of this process, for tests; a thread cannot be killed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def start(self, step: Step, lent: Lent) -> Worker:
        return Threaded(self._store, step)

    def find(self, step: Step) -> Worker | None:
        return None

    def printed(self, step: Step) -> str:
        return ""


class Threaded:
    """A step that runs in a thread."""

    def __init__(self, store: Store, step: Step) -> None:
        from netloom.jobs.worker import perform

        self.process: Process | None = this_process()
        self._stop = threading.Event()
        arguments = (store, step.id, step.attempt, self._stop)
        self._thread = threading.Thread(target=perform, args=arguments, daemon=True)
        self._thread.start()

    def ended(self) -> Ended | None:
        return None if self._thread.is_alive() else Ended()

    def stop(self) -> None:
        self._stop.set()

    def kill(self) -> None:
        self._stop.set()
