"""The scheduler with steps in threads: order, dependencies, models and datasets, leases."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from netloom import jobs
from netloom.errors import NotRunning
from netloom.interfaces.job import Needs, StepPlan
from netloom.jobs import Gpu, InProcessExecutor, LocalExecutor, Scheduler, status_of_tasks
from netloom.jobs.executors import Worker
from netloom.jobs.leadership import LEASE
from netloom.jobs.processes import this_machine, this_process
from netloom.jobs.resources import Lent
from netloom.store import Job, Process, Status, Step, Store
from netloom.testing.executors import until
from netloom.testing.steps import Count, Fail, Nothing, Sleep

GPUS = (Gpu(id="0", name="Card", memory=2**30),)


@pytest.fixture
def scheduler(store: Store) -> Iterator[Scheduler]:
    with Scheduler(store, InProcessExecutor(store), gpus=lambda: GPUS) as scheduler:
        yield scheduler


def add(store: Store, *plan: StepPlan, **about: object) -> Job:
    words = {"kind": "dataset", "type": "Test", "name": "test", "owner": "ada"}
    return store.add_job(**{"options": {}, "form": {}, **words, **about}, plan=plan)


def one(work: object, key: str = "work", **more: object) -> StepPlan:
    return StepPlan(key=key, title=key.title(), step=work, **more)


def statuses(store: Store, job: Job) -> str:
    row = store.job(job.id)
    return row.status + "".join(step.status for step in row.steps)


def test_steps_run_after_their_parents(run_job: Callable[..., Job]) -> None:
    job = run_job(
        [
            one(Nothing(), "parse"),
            one(Nothing(), "train_db", parents=("parse",)),
            one(Nothing(), "val_db", parents=("parse",)),
            one(Nothing(), "check", parents=("train_db", "val_db")),
        ]
    )
    assert job.status == "D"
    parse, train, val, check = job.steps
    for step in (train, val):
        assert step.started is not None
        assert parse.stopped is not None
        assert step.started >= parse.stopped
    assert check.started is not None
    assert check.started >= max(train.stopped or 0, val.stopped or 0)


def test_a_failing_step_ends_its_job(run_job: Callable[..., Job]) -> None:
    job = run_job([one(Fail(), "a"), one(Nothing(), "b", parents=("a",))])
    assert [job.status, *(step.status for step in job.steps)] == ["E", "E", "A"]
    assert job.steps[0].error == "The folder is empty."


@pytest.mark.usefixtures("scheduler")
def test_a_failing_step_stops_its_running_siblings(store: Store) -> None:
    job = add(store, one(Sleep(), "a"), one(Fail(), "b"))
    until(lambda: statuses(store, job) == "EAE")


@pytest.mark.usefixtures("scheduler")
def test_a_model_waits_for_its_dataset(store: Store) -> None:
    dataset = add(store, one(Sleep(seconds=0.5)))
    model = add(store, one(Nothing()), kind="model", dataset_id=dataset.id)
    until(lambda: statuses(store, model) == "WI")
    until(lambda: statuses(store, model) == "DD")
    begun, done = store.history(model.id)[2][1], store.history(dataset.id)[-1][1]
    assert begun >= done


@pytest.mark.usefixtures("scheduler")
@pytest.mark.parametrize("how", ["failed", "aborted"])
def test_a_model_goes_down_with_its_dataset(store: Store, how: str) -> None:
    dataset = add(store, one(Fail() if how == "failed" else Sleep()))
    model = add(store, one(Nothing()), kind="model", dataset_id=dataset.id)
    if how == "aborted":
        jobs.abort(store, dataset.id)
    until(lambda: statuses(store, model) == "AA")


@pytest.mark.usefixtures("scheduler")
def test_a_step_waits_for_a_gpu(store: Store) -> None:
    first = add(store, one(Sleep(), needs=Needs(gpus=1)))
    until(lambda: statuses(store, first) == "RR")
    second = add(store, one(Nothing(), needs=Needs(gpus=1)))
    until(lambda: statuses(store, second) == "RW")
    assert status_of_tasks(store.job(second.id)) is Status.WAITING
    gpu = next(row for row in store.resources() if row.kind == "gpu")
    assert (gpu.used, gpu.detail["name"]) == (1, "Card")
    jobs.abort(store, first.id)
    until(lambda: statuses(store, second) == "DD")
    assert store.job(second.id).steps[0].facts["gpus"] == ["0"]
    until(lambda: all(row.used == 0 for row in store.resources()))


@pytest.mark.usefixtures("scheduler")
def test_a_gpu_that_does_not_exist(store: Store) -> None:
    job = add(store, one(Nothing(), needs=Needs(gpu_ids=("5",))))
    until(lambda: statuses(store, job) == "EE")
    assert store.job(job.id).steps[0].error == "This machine has no GPU 5."


@pytest.mark.usefixtures("scheduler")
def test_abort_and_delete(store: Store) -> None:
    job = add(store, one(Sleep(), "a"), one(Nothing(), "b", parents=("a",)))
    until(lambda: store.job(job.id).steps[0].status == "R")
    jobs.abort(store, job.id)
    until(lambda: statuses(store, job) == "AAA")
    with pytest.raises(NotRunning, match="Job not aborted"):
        jobs.abort(store, job.id)
    other = add(store, one(Sleep()))
    until(lambda: store.job(other.id).steps[0].status == "R")
    jobs.delete(store, other.id)
    assert [row.id for row in store.jobs()[0]] == [job.id]
    assert not store.files.directory(other.id).exists()


def test_a_job_that_ends_while_it_is_deleted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    job = add(store, one(Nothing()))
    before = store.job(job.id)  # still running, as far as the one who deletes knows
    jobs.abort(store, job.id)
    monkeypatch.setattr(store, "job", lambda job_id: before)
    jobs.delete(store, job.id)
    assert store.jobs()[0] == []


def test_a_job_that_is_deleted_before_it_starts_disturbs_nobody(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    gone, kept = (add(store, one(Nothing())) for _ in range(2))
    jobs.abort(store, gone.id)
    doomed = store.job(gone.id).steps
    read, unstarted = store.queue, store.unstarted_jobs

    def queue() -> list[Step]:
        return [*doomed, *read()]

    def before_running() -> list[tuple[str, str, str | None]]:
        return [(gone.id, "I", None), *unstarted()]

    store.delete_job(gone.id)
    monkeypatch.setattr(store, "queue", queue)
    monkeypatch.setattr(store, "unstarted_jobs", before_running)
    with Scheduler(store, InProcessExecutor(store)):
        until(lambda: statuses(store, kept) == "DD")
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_a_stopped_scheduler_leaves_its_steps_waiting(store: Store) -> None:
    job = add(store, one(Count(to=60, pause=0.01, every=5)))
    with Scheduler(store, InProcessExecutor(store)):
        until(lambda: len(store.snapshots(job.id)) >= 2)
    assert statuses(store, job) == "RW"
    assert store.holder(LEASE) is None
    done = jobs.run_until_done(store, job.id, executor=InProcessExecutor(store), timeout=30)
    assert done.status == "D"
    assert done.steps[0].attempt == 2
    curve = store.curves(job.id)["train", "loss"]
    assert curve.iterations == list(range(1, 61))


def test_steps_of_a_dead_process_are_resumed_at_the_start(store: Store) -> None:
    dead = Process(pid=2**22 + 1, started=1.0, machine=this_machine())
    job = add(store, one(Nothing()))
    store.set_job_status(job.id, Status.RUNNING)
    store.claim_step(job.steps[0].id, {}, this_machine())
    store.set_process(job.steps[0].id, 1, dead)
    store.acquire(LEASE, "old", 1000, dead)  # its holder is dead, too
    with Scheduler(store, InProcessExecutor(store)):
        until(lambda: statuses(store, job) == "DD")
    assert store.job(job.id).steps[0].attempt == 2


def test_a_worker_of_another_machine_is_believed_for_a_while(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Process(pid=1, started=1.0, machine="elsewhere/12345678")
    job = add(store, one(Nothing()))
    store.set_job_status(job.id, Status.RUNNING)
    store.claim_step(job.steps[0].id, {}, away.machine)
    store.set_process(job.steps[0].id, 1, away)
    with Scheduler(store, InProcessExecutor(store)) as scheduler:
        until(lambda: scheduler.leads)
        time.sleep(0.6)
        assert statuses(store, job) == "RR"
        monkeypatch.setattr("netloom.jobs.watch.SILENT_SECONDS", 0.5)
        until(lambda: statuses(store, job) == "DD")


def test_the_second_scheduler_waits_for_the_first(store: Store) -> None:
    first = Scheduler(store, InProcessExecutor(store))
    first.start()
    until(lambda: first.leads)
    with Scheduler(store, InProcessExecutor(store)) as second:
        time.sleep(0.5)
        assert not second.leads
        first.stop()
        until(lambda: second.leads)


def test_the_command_line_does_its_own_job_only(store: Store) -> None:
    other = add(store, one(Nothing()))
    mine = add(store, one(Nothing()))
    jobs.run_until_done(store, mine.id, executor=InProcessExecutor(store), timeout=30)
    assert statuses(store, other) == "II"


def test_a_command_makes_way_for_a_server(store: Store) -> None:
    mine = add(store, one(Sleep(seconds=1)))
    with Scheduler(store, InProcessExecutor(store), only={mine.id}) as command:
        until(lambda: command.leads)
        with Scheduler(store, InProcessExecutor(store)) as server:
            until(lambda: server.leads)
            until(lambda: not command.leads)


def test_a_step_that_is_being_started_is_not_started_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is killed just then leaves a worker that has not said yet who it is."""
    monkeypatch.setattr("netloom.jobs.watch.STARTING_SECONDS", 0.8)
    job = add(store, one(Nothing()))
    store.set_job_status(job.id, Status.RUNNING)
    store.claim_step(job.steps[0].id, {}, this_machine())
    with Scheduler(store, InProcessExecutor(store)) as scheduler:
        until(lambda: scheduler.leads)
        time.sleep(0.3)
        assert store.job(job.id).steps[0].attempt == 1
        until(lambda: statuses(store, job) == "DD")
    assert store.job(job.id).steps[0].attempt == 2


def test_waiting_for_a_job_ends_in_time(store: Store) -> None:
    job = add(store, one(Sleep()))
    with pytest.raises(TimeoutError):
        jobs.run_until_done(store, job.id, executor=InProcessExecutor(store), timeout=0.3)


def test_a_scheduler_survives_a_database_that_is_away(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netloom.jobs.scheduler.TROUBLE_SECONDS", 0.05)
    real = store.queue

    def broken() -> list[object]:
        monkeypatch.setattr(store, "queue", real)
        raise OSError("away")

    monkeypatch.setattr(store, "queue", broken)
    job = add(store, one(Nothing()))
    with Scheduler(store, InProcessExecutor(store)):
        until(lambda: statuses(store, job) == "DD")


def test_a_worker_that_cannot_be_started(store: Store, tmp_path: Path) -> None:
    job = add(store, one(Nothing()))
    store.files.directory(job.id).rmdir()
    with Scheduler(store, LocalExecutor(store)):
        until(lambda: statuses(store, job) == "EE")
    error = store.job(job.id).steps[0].error
    assert error.startswith("The worker of this step could not be started: No such file or dir")


def test_an_interpreter_that_is_not_there(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    job = add(store, one(Nothing(), "a"), one(Nothing(), "b", parents=("a",)))
    with Scheduler(store, LocalExecutor(store)):
        until(lambda: statuses(store, job) == "EEA")
    step = store.job(job.id).steps[0]
    assert step.error == (
        "The worker of this step could not be started: No such file or directory: /nowhere/python."
    )
    assert (step.attempt, step.crashes) == (1, 0)
    assert "FileNotFoundError" in step.trace


class Reluctant(InProcessExecutor):
    """Fails to start a worker some times."""

    def __init__(self, store: Store, *errors: Exception) -> None:
        super().__init__(store)
        self.errors = list(errors)

    def start(self, step: Step, lent: Lent) -> Worker:
        if self.errors:
            raise self.errors.pop(0)
        return super().start(step, lent)


BUSY = OSError(errno.EAGAIN, "Resource temporarily unavailable")


def test_a_busy_machine_is_asked_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netloom.jobs.starts.PAUSES", (0.02, 0.02, 0.02))
    job = add(store, one(Nothing()))
    with Scheduler(store, Reluctant(store, BUSY, BUSY)):
        until(lambda: statuses(store, job) == "DD")
    assert store.job(job.id).steps[0].attempt == 1
    assert "It is tried again in 0.02 s." in store.log(job.steps[0].id)[0].text


def test_a_machine_that_stays_busy(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netloom.jobs.starts.PAUSES", (0.02, 0.02))
    job, after = add(store, one(Nothing())), add(store, one(Nothing()))
    with Scheduler(store, Reluctant(store, *[BUSY] * 3), only={job.id}):
        until(lambda: statuses(store, job) == "EE")
    step = store.job(job.id).steps[0]
    assert step.error == (
        "The worker of this step could not be started, tried 3 times:"
        " Resource temporarily unavailable."
    )
    assert "short of processes" in step.hint
    assert statuses(store, after) == "II"


def test_a_step_that_waits_for_its_worker_can_be_aborted_and_put_off(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netloom.jobs.starts.PAUSES", (60.0,))
    aborted, put_off = add(store, one(Nothing())), add(store, one(Nothing()))
    with Scheduler(store, Reluctant(store, BUSY, BUSY)):
        until(lambda: all(store.log(job.steps[0].id) for job in (aborted, put_off)))
        jobs.abort(store, aborted.id)
        until(lambda: statuses(store, aborted) == "AA")
        assert statuses(store, put_off) == "RR"
    assert statuses(store, put_off) == "RW"


def test_the_end_of_a_failed_start_is_written_when_the_database_is_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netloom.jobs.scheduler.TROUBLE_SECONDS", 0.02)
    real, away = store.error, iter(range(3))

    def error(*arguments: Any, **words: Any) -> bool:
        if next(away, None) is not None:
            raise OSError("away")
        return real(*arguments, **words)

    monkeypatch.setattr(store, "error", error)
    monkeypatch.setattr("netloom.jobs.watch.STARTING_SECONDS", 0.0)
    job = add(store, one(Nothing()))
    with Scheduler(store, Reluctant(store, RuntimeError("no luck."))):
        until(lambda: statuses(store, job) == "EE")
    assert store.job(job.id).steps[0].error == (
        "The worker of this step could not be started: RuntimeError: no luck."
    )


def test_this_process_is_known() -> None:
    assert this_process() == this_process()
    assert this_process().machine == this_machine()
