"""
Starts: steps that are claimed, and whose worker does not work yet.

A machine that is short of processes, memory or open files may have some again in a moment,
so the start is tried a few times. Any other failure, and the last of these, ends the step.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from netloom.jobs import failures
from netloom.jobs.endings import end_aborted, fail
from netloom.jobs.executors import Executor, Worker
from netloom.jobs.resources import Lent
from netloom.store import Step, Store

log = logging.getLogger(__name__)

PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)  # seconds after the first failure, the second ...


@dataclass
class Failed:
    """A step whose worker could not be started."""

    step: Step
    lent: Lent
    error: Exception
    tries: int
    again: float | None  # when it is tried again; None where that makes no sense


class Starts:
    """Starts workers, if need be more than once."""

    def __init__(self, store: Store, executor: Executor) -> None:
        self._store = store
        self._executor = executor
        self._failed: dict[int, Failed] = {}

    def __contains__(self, step_id: int) -> bool:
        return step_id in self._failed

    @property
    def failed(self) -> list[Failed]:
        """The steps that wait for another try, or for their end to be written."""
        return list(self._failed.values())

    def clear(self) -> None:
        """Forget them all."""
        self._failed.clear()

    def forget(self, step_id: int) -> None:
        """Leave a step to somebody else."""
        self._failed.pop(step_id, None)

    def start(self, step: Step, lent: Lent, tries: int = 1) -> Worker | None:
        """Start the worker of a step; return None if that failed, which is seen to."""
        try:
            worker = self._executor.start(step, lent)
        except Exception as error:  # whatever it is, the step must not stay without a worker
            pause = _pause(error, tries)
            again = None if pause is None else time.monotonic() + pause
            # Kept first: should the store be away as well, the end is written when it is back.
            self._failed[step.id] = Failed(step, lent, error, tries, again)
            self._tell(step, error, pause)
            if pause is None:
                self._end(self._failed[step.id])
            return None
        self.forget(step.id)
        return worker

    def again(self, rows: Mapping[int, Step]) -> Iterator[tuple[Failed, Worker]]:
        """Try again what is due, of the running steps in `rows`; yield what has started."""
        for failed in self.failed:
            step = failed.step
            row = rows.get(step.id)
            if row is None or row.attempt != step.attempt:
                self.forget(step.id)
            elif row.abort_requested:
                end_aborted(self._store, step)
                self.forget(step.id)
            elif failed.again is None:
                self._end(failed)
            elif time.monotonic() >= failed.again:
                worker = self.start(step, failed.lent, failed.tries + 1)
                if worker is not None:
                    yield failed, worker

    def _tell(self, step: Step, error: Exception, pause: float | None) -> None:
        text = f"The worker could not be started: {failures.reason(error)}."
        if pause is not None:
            text += f" It is tried again in {pause:g} s."
            self._store.add_log(step.id, [(time.time(), "warning", text)])
        log.warning("step %s of %s: %s", step.key, step.job_id, text)

    def _end(self, failed: Failed) -> None:
        fail(self._store, failed.step, failures.of_start(failed.error, failed.tries))
        self.forget(failed.step.id)


def _pause(error: Exception, tries: int) -> float | None:
    return PAUSES[tries - 1] if failures.is_shortage(error) and tries <= len(PAUSES) else None
