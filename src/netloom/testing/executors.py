"""The contract of executors: subclass it and give an `executor` fixture over the `store`."""

from __future__ import annotations

import time
from collections.abc import Callable

from netloom.interfaces.job import Step as Work
from netloom.interfaces.job import StepPlan
from netloom.jobs.executors import Ended, Executor, Worker
from netloom.jobs.resources import Lent
from netloom.store import Process, Status, Step, Store
from netloom.testing.steps import Count, Fail, Nothing, Sleep

PATIENCE = 30.0  # seconds


def claimed(store: Store, work: Work) -> Step:
    """Add a job of one step and claim it, as a scheduler does."""
    plan = [StepPlan(key="work", title="Work", step=work)]
    job = store.add_job("dataset", "Test", "test", None, {}, {}, plan)
    store.set_job_status(job.id, Status.RUNNING)
    assert store.claim_step(job.steps[0].id, Lent(cpus=1).as_row(), "") == 1
    return store.step(job.steps[0].id)


def until(condition: Callable[[], object], patience: float = PATIENCE) -> None:
    """Wait until a condition holds; raise TimeoutError."""
    limit = time.monotonic() + patience
    while not condition():
        if time.monotonic() > limit:
            raise TimeoutError
        time.sleep(0.01)


def end_of(worker: Worker) -> Ended:
    """Wait for the end of a worker."""
    until(lambda: worker.ended() is not None)
    end = worker.ended()
    assert end is not None
    return end


class ExecutorContract:
    """What every executor has to do."""

    def test_a_step_is_done(self, store: Store, executor: Executor) -> None:
        step = claimed(store, Nothing())
        worker = executor.start(step, Lent(cpus=1))
        assert end_of(worker) == Ended(0)
        row = store.step(step.id)
        assert (row.status, row.progress) == (Status.DONE, 1.0)
        assert row.facts == {"gpus": [], "cpus": 1, "attempt": 1}

    def test_a_step_fails_with_its_sentence(self, store: Store, executor: Executor) -> None:
        step = claimed(store, Fail())
        end_of(executor.start(step, Lent()))
        row = store.step(step.id)
        assert (row.status, row.error, row.hint, row.field) == (
            Status.ERROR,
            "The folder is empty.",
            "Choose another one.",
            "folder",
        )
        assert "StepFailed" in row.trace

    def test_all_that_a_step_tells_arrives(self, store: Store, executor: Executor) -> None:
        step = claimed(store, Count(to=25, pause=0))
        end_of(executor.start(step, Lent()))
        curve = store.curves(step.job_id)["train", "loss"]
        assert curve.iterations == list(range(1, 26))
        assert [row.iteration for row in store.snapshots(step.job_id)] == [10, 20]
        row = store.step(step.id)
        assert (row.done, row.total) == (25, 25)

    def test_a_stopped_step_waits_to_be_resumed(self, store: Store, executor: Executor) -> None:
        step = claimed(store, Sleep())
        worker = executor.start(step, Lent())
        until(lambda: store.step(step.id).progress > 0)
        worker.stop()
        end_of(worker)
        row = store.step(step.id)
        assert (row.status, row.crashes) == (Status.WAITING, 0)

    def test_an_aborted_step_ends_aborted(self, store: Store, executor: Executor) -> None:
        step = claimed(store, Sleep())
        worker = executor.start(step, Lent())
        until(lambda: store.step(step.id).progress > 0)
        store.abort_job(step.job_id)
        worker.stop()
        end_of(worker)
        assert store.step(step.id).status == Status.ABORTED

    def test_it_is_known_who_works(self, store: Store, executor: Executor) -> None:
        step = claimed(store, Sleep())
        worker = executor.start(step, Lent())
        until(lambda: store.step(step.id).pid is not None)
        row = store.step(step.id)
        assert row.pid is not None
        assert row.pid_started is not None
        process = Process(pid=row.pid, started=row.pid_started, machine=row.machine)
        assert process == worker.process
        worker.stop()
        end_of(worker)

    def test_a_stale_attempt_does_nothing(self, store: Store, executor: Executor) -> None:
        step = claimed(store, Nothing())
        assert store.requeue(step.id, 1, crashed=True)
        end_of(executor.start(step, Lent()))
        row = store.step(step.id)
        assert (row.status, row.facts) == (Status.WAITING, {})
