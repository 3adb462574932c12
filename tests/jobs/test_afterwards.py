"""What is done once a job has ended: the disk it takes is measured, by one scheduler, once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netloom.interfaces.job import Step, StepPlan, StepRun
from netloom.jobs import InProcessExecutor, Scheduler, afterwards
from netloom.store import Job, Status, Store
from netloom.testing.executors import until
from netloom.testing.steps import Fail


class Write(Step):
    name = "tests.jobs.test_afterwards:Write"
    size: int = 1234

    def run(self, run: StepRun) -> None:
        (run.directory / "weights").write_bytes(b"x" * self.size)


PLAN = [StepPlan(key="work", title="Work", step=Write())]


def test_a_job_is_measured_when_it_ends(store: Store, run_job: Callable[..., Job]) -> None:
    job = run_job(PLAN)
    facts = store.job(job.id).facts
    assert facts["bytes"] == store.files.size(job.id) >= 1234
    assert [event.data for event in store.events_after(0) if event.kind == "disk"] == [
        {"bytes": facts["bytes"]}
    ]


def test_a_failed_job_is_measured_too(store: Store, run_job: Callable[..., Job]) -> None:
    job = run_job([StepPlan(key="work", title="Work", step=Fail())])
    assert "bytes" in store.job(job.id).facts


def test_an_end_that_nobody_saw_is_made_up_for_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = store.add_job("model", "Test", "test", "ada", {}, {}, PLAN)
    store.set_job_status(job.id, Status.RUNNING)
    store.abort_job(job.id)  # while no scheduler runs
    (store.files.directory(job.id) / "left").write_bytes(b"12345")
    with Scheduler(store, InProcessExecutor(store), gpus=tuple):
        until(lambda: store.job(job.id).facts.get("bytes") == 5)
    measured = []
    monkeypatch.setattr(afterwards, "measure", lambda store, job: measured.append(job.id))
    with Scheduler(store, InProcessExecutor(store), gpus=tuple) as scheduler:
        until(lambda: scheduler.leads)
    assert measured == []


def test_a_job_that_was_deleted_at_once_is_no_trouble(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    job = store.add_job("model", "Test", "test", "ada", {}, {}, PLAN)
    store.abort_job(job.id)
    store.delete_job(job.id)
    looks = afterwards.Afterwards(store)
    looks.look()
    looks.stop()
    assert "was not dealt with" not in caplog.text
