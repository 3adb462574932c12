"""Control: abort and delete jobs, and wait for them."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable

from netloom.errors import NotRunning, StaleAttempt
from netloom.jobs.executors import Executor
from netloom.jobs.leadership import is_led
from netloom.jobs.processes import is_alive, kill_orphans, signal_group
from netloom.jobs.scheduler import Scheduler
from netloom.store import Job, Process, Status, Step, Store
from netloom.store.status import is_running

DELETE_SECONDS = 5.0  # that a scheduler may take to end the steps of a job
_POLL_SECONDS = 0.1


def abort(store: Store, job_id: str) -> None:
    """Abort a job; raise NotRunning when it has ended.

    What waits ends at once; what runs is asked to stop, and killed within two seconds.
    """
    store.abort_job(job_id)
    if not is_led(store):
        _end_steps(store, job_id)


def delete(store: Store, job_id: str) -> None:
    """Delete a job, aborted first when it runs; raise DatasetInUse when models need it."""
    store.refuse_if_used(job_id)
    if is_running(store.job(job_id).status):
        with contextlib.suppress(NotRunning):  # it ended just now, or someone else deletes it
            abort(store, job_id)
    limit = time.monotonic() + DELETE_SECONDS
    while any(step.status == Status.RUNNING for step in store.steps(job_id)):
        if time.monotonic() > limit:
            _end_steps(store, job_id)
            break
        time.sleep(0.02)
    store.delete_job(job_id)


def run_until_done(
    store: Store,
    job_id: str,
    *,
    on_change: Callable[[Job], None] = lambda job: None,
    executor: Executor | None = None,
    timeout: float | None = None,
) -> Job:
    """Wait until a job has ended, and return it; raise TimeoutError.

    Works with or without a server: where no scheduler holds the lease, one of this process
    does this job and its dataset.
    """
    wake = threading.Event()
    unlisten = store.database.listen(wake.set)
    limit = None if timeout is None else time.monotonic() + timeout
    wanted = {job_id, store.job(job_id).dataset_id or job_id}
    try:
        with Scheduler(store, executor, only=wanted):
            while True:
                job = store.job(job_id)
                on_change(job)
                if _has_ended(job):
                    return job
                if limit is not None and time.monotonic() > limit:
                    raise TimeoutError(f"Job {job_id} still runs after {timeout:g} s.")
                wake.wait(_POLL_SECONDS)
                wake.clear()
    finally:
        unlisten()


def _has_ended(job: Job) -> bool:
    working = any(step.status == Status.RUNNING for step in job.steps)
    return not is_running(job.status) and not working


def _end_steps(store: Store, job_id: str) -> None:
    """Kill the workers of a job here, because no scheduler is there to do it."""
    for step in store.steps(job_id):
        if step.status == Status.RUNNING:
            _kill(step)
            try:
                store.set_step_status(step.id, Status.ABORTED, attempt=step.attempt)
            except StaleAttempt:
                continue


def _kill(step: Step) -> None:
    if step.pid is None or step.pid_started is None:
        return
    process = Process(pid=step.pid, started=step.pid_started, machine=step.machine)
    if is_alive(process):
        signal_group(process, signal.SIGKILL)
        while is_alive(process):
            time.sleep(0.01)
        kill_orphans(process.pid)
