"""Status: every pair of the transition table, and what follows for jobs and tables."""

from __future__ import annotations

from itertools import product

import pytest

from netloom.jobs import status
from netloom.jobs.status import Status
from netloom.store import Job, Step, Store
from netloom.store.records import StatusChange

ALLOWED = {"IW", "IR", "IA", "IE", "WR", "WA", "WE", "RW", "RD", "RA", "RE"}


@pytest.mark.parametrize(("old", "new"), list(product("IWRDAE", repeat=2)))
def test_what_may_follow_what(store: Store, old: str, new: str) -> None:
    assert status.may_follow(old, new) == (old + new in ALLOWED)
    job = store.add_job("dataset", "Test", "test", None, {}, {}, [])
    with store.database.write() as session:
        row = session.get_one(Job, job.id)
        row.status = old
        session.add(StatusChange(job_id=job.id, status=old, time=1.0))
    before = store.history(job.id)
    assert store.set_job_status(job.id, Status(new)) == (old + new in ALLOWED)
    changed = old + new in ALLOWED
    assert store.job(job.id).status == (new if changed else old)
    assert len(store.history(job.id)) == len(before) + changed


@pytest.mark.parametrize(
    ("code", "label", "css", "running"),
    [
        ("I", "Initialized", "warning", True),
        ("W", "Waiting", "warning", True),
        ("R", "Running", "info", True),
        ("D", "Done", "success", False),
        ("A", "Aborted", "warning", False),
        ("E", "Error", "danger", False),
        ("X", "?", "default", False),
    ],
)
def test_words_for_a_status(code: str, label: str, css: str, running: bool) -> None:
    assert (status.label(code), status.css(code), status.is_running(code)) == (label, css, running)


@pytest.mark.parametrize(
    ("job", "steps", "shown"),
    [
        ("R", "DIR", "R"), ("R", "DW", "W"), ("R", "DI", "I"), ("R", "AWR", "A"), ("R", "ER", "E"),
        ("A", "DD", "A"), ("E", "DD", "E"), ("D", "DD", "D"), ("W", "I", "I"), ("D", "", "D"),
    ],
)  # fmt: skip
def test_the_status_of_tasks(job: str, steps: str, shown: str) -> None:
    rows = [Step(status=code) for code in steps]
    assert status.status_of_tasks(Job(status=job, steps=rows)) == shown


@pytest.mark.parametrize(
    ("job", "steps", "after"),
    [
        ("R", "DD", "D"), ("R", "DA", "D"), ("R", "DR", "R"), ("R", "DE", "E"), ("R", "ERI", "E"),
        ("A", "DD", "A"), ("E", "DD", "E"), ("R", "W", "R"), ("R", "", "R"),
    ],
)  # fmt: skip
def test_a_job_follows_its_steps(job: str, steps: str, after: str) -> None:
    assert status.after_steps(job, steps) == after


def test_elapsed_time_and_progress() -> None:
    def job(*steps: Step) -> Job:
        return Job(status="R", steps=list(steps))

    first = Step(status="D", started=10.0, stopped=14.0, progress=1.0)
    assert status.elapsed(job(), now=50) == 0
    assert status.elapsed(job(Step(status="I")), now=50) == 0
    assert status.elapsed(job(first), now=50) == 4
    assert status.elapsed(job(first, Step(status="R", started=14.0)), now=50) == 40
    assert status.elapsed(job(first, Step(status="D", started=14, stopped=20.0)), now=50) == 10
    assert status.progress(job(first, Step(progress=0.0))) == 0.5
