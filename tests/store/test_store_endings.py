"""What is known of jobs that have ended: their ends as events, their facts; on both databases."""

from __future__ import annotations

from netloom.store import Ending, Job, Status, Store
from tests.store.test_store_jobs import add, start


def ended(store: Store, name: str) -> Job:
    job = add(store, name)
    start(store, job)
    store.abort_job(job.id)
    return job


def test_the_end_of_a_job_is_told_once(store: Store) -> None:
    first, running = ended(store, "first"), add(store, "running")
    store.set_job_status(running.id, Status.RUNNING)
    (ending,) = store.endings_after(0)
    assert ending.job_id == first.id
    second = ended(store, "second")
    assert [job_id for _, job_id in store.endings_after(ending.event)] == [second.id]
    assert isinstance(store.endings_after(0)[0], Ending)


def test_jobs_are_sorted_by_what_they_take_on_the_disk(store: Store) -> None:
    names = ("unknown", "small", "huge")
    jobs = {name: add(store, name) for name in names}
    store.set_job_facts(jobs["huge"].id, {"bytes": 9 * 10**12})
    store.set_job_facts(jobs["small"].id, {"bytes": 10, "other": "kept"})
    store.set_job_facts(jobs["small"].id, {"bytes": 12})
    found, _ = store.jobs(sort="disk", descending=True)
    assert [job.name for job in found] == ["huge", "small", "unknown"]
    assert found[1].facts == {"bytes": 12, "other": "kept"}
