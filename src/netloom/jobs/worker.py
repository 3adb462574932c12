"""
Worker: runs one step and writes how it ended.

Started by an executor; by hand, for a step that is claimed:

    python -m netloom.jobs.worker 12 --attempt 1

The step reports through `StoreRun`. SIGTERM asks it to stop; a second one ends it.
"""

from __future__ import annotations

import argparse
import faulthandler
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType

from sqlalchemy.exc import SQLAlchemyError

from netloom.errors import JobNotFound, StaleAttempt
from netloom.jobs import failures
from netloom.jobs.processes import this_process
from netloom.jobs.reporting import StoreRun, patiently
from netloom.jobs.runners import find_work
from netloom.settings import Settings
from netloom.store import Status, Step, Store, open_store

log = logging.getLogger(__name__)

STOP_SECONDS = 60.0  # that a step may take to save what it needs


class Interrupted(BaseException):
    """The step was asked to stop a second time."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the step that the arguments name; return the exit code of the process."""
    parser = argparse.ArgumentParser(prog="netloom worker", description="Run one step.")
    parser.add_argument("step", type=int, help="number of the step")
    parser.add_argument("--attempt", type=int, required=True, help="number of the attempt")
    chosen = parser.parse_args(arguments)
    faulthandler.enable()
    settings = Settings()
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s [%(levelname)-7s] %(message)s"
    )
    stop = threading.Event()
    _heed_signals(stop)
    store = patiently(lambda: open_store(settings))
    try:
        perform(store, chosen.step, chosen.attempt, stop, on_stale=_vanish)
    except SQLAlchemyError as error:
        log.exception("the end of the step could not be written")
        return failures.FULL_DISK_CODE if failures.is_full_disk(error) else 1
    return 0


def perform(
    store: Store,
    step_id: int,
    attempt: int,
    stop: threading.Event,
    on_stale: Callable[[], None] = lambda: None,
) -> None:
    """Do an attempt at a step; leave it Done, in Error, Aborted or Waiting to be resumed."""
    try:
        patiently(lambda: store.set_process(step_id, attempt, this_process()))
        step = patiently(lambda: store.step(step_id))
        run = StoreRun(store, step, stop, on_stale)
        error = _run(step, run)
        _end(store, step, error, stopped=run.told_to_stop or (error is not None and stop.is_set()))
    except (StaleAttempt, JobNotFound):
        log.info("attempt %d at step %d is over", attempt, step_id)


def _run(step: Step, run: StoreRun) -> BaseException | None:
    try:
        with run:
            work = find_work(step.runner).model_validate(step.options)
            work.run(run)
    except StaleAttempt:
        raise
    except BaseException as error:
        log.error("step %s of %s failed", step.key, step.job_id, exc_info=True)
        return error
    return None


def _end(store: Store, step: Step, error: BaseException | None, *, stopped: bool) -> None:
    if stopped:
        patiently(lambda: _leave(store, step))
    elif error is None:
        patiently(lambda: store.set_step_status(step.id, Status.DONE, attempt=step.attempt))
    else:
        failure = failures.of_exception(error)
        patiently(
            lambda: store.error(
                step.id,
                failure.message,
                hint=failure.hint,
                field=failure.field,
                trace=failure.trace,
                attempt=step.attempt,
            )
        )


def _leave(store: Store, step: Step) -> None:
    if store.step(step.id).abort_requested:
        store.set_step_status(step.id, Status.ABORTED, attempt=step.attempt)
    elif not store.requeue(step.id, step.attempt, crashed=False):
        # Aborted in between; the scheduler sees the process end and says so.
        log.info("step %s of %s was aborted", step.key, step.job_id)


def _heed_signals(stop: threading.Event) -> None:
    main_process = os.getpid()

    def on_signal(number: int, _: FrameType | None) -> None:
        if os.getpid() != main_process:  # a forked child: it shall just end
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        if stop.is_set():
            raise Interrupted
        stop.set()
        late = threading.Timer(STOP_SECONDS, os.kill, (main_process, signal.SIGTERM))
        late.daemon = True
        late.start()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)


def _vanish() -> None:
    """End at once, with all children: another process may be doing the step."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
