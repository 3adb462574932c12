"""Jobs in the store: added, read, listed, edited, deleted; on SQLite and PostgreSQL."""

from __future__ import annotations

import errno
import io
import re
import time

import pytest
from sqlalchemy import event, update

from netloom.errors import (
    DatasetInUse,
    DiskFull,
    InvalidInput,
    JobNotFound,
    NotRunning,
    StaleAttempt,
)
from netloom.interfaces.job import MetricPoint, Needs, Step, StepPlan, StepRun
from netloom.store import Job, Status, Store


class Idle(Step):
    name = "idle"
    size: int = 3

    def run(self, run: StepRun) -> None: ...


def add(store: Store, name: str = "birds", kind: str = "dataset", **more: object) -> Job:
    plan = [
        StepPlan(key="parse", title="Parse", step=Idle(), needs=Needs(pool="one")),
        StepPlan(key="build", title="Build", step=Idle(size=4), parents=("parse",)),
    ]
    job = store.add_job(kind, "Image Dataset", name, "ada", {"a": 1}, {"b": "2"}, plan, **more)
    return store.job(job.id)


def start(store: Store, job: Job, place: int = 0) -> int:
    store.set_job_status(job.id, Status.RUNNING)
    attempt = store.claim_step(job.steps[place].id, {"cpus": 1}, "here")
    assert attempt is not None
    return attempt


def test_a_job_has_an_id_a_directory_and_its_steps(store: Store) -> None:
    job = add(store)
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", job.id)
    assert store.files.directory(job.id).is_dir()
    assert (job.status, job.owner, job.options, job.form) == ("I", "ada", {"a": 1}, {"b": "2"})
    assert [step.key for step in job.steps] == ["parse", "build"]
    assert job.steps[1].options == {"size": 4}
    assert job.steps[1].parents == ["parse"]
    assert job.steps[0].needs["pool"] == "one"
    assert [status for status, _ in store.history(job.id)] == ["I"]
    assert [event.kind for event in store.events_after(0)] == ["added"]


def test_a_job_that_is_not_there(store: Store) -> None:
    for wrong in ("20240105-101500-0a1b", "../etc", "", "x" * 300):
        with pytest.raises(JobNotFound):
            store.job(wrong)
    with pytest.raises(JobNotFound):
        store.files.directory("../../etc")


def test_a_model_of_a_missing_dataset_leaves_nothing(store: Store) -> None:
    with pytest.raises(JobNotFound):
        add(store, kind="model", dataset_id="20240105-101500-0a1b")
    assert list(store.files.jobs.iterdir()) == []


def test_lists_are_filtered_sorted_and_paginated(store: Store) -> None:
    names = [add(store, f"Bird {number % 4}_{number:02d}").name for number in range(12)]
    add(store, "net", kind="model")
    rows, total = store.jobs(kind="dataset", limit=5)
    assert total == 12
    assert [row.name for row in rows] == names[:-6:-1]
    assert len(rows[0].steps) == 2
    rows, total = store.jobs(text="bird 1_", sort="name", descending=False)
    assert [row.name for row in rows] == ["Bird 1_01", "Bird 1_05", "Bird 1_09"]
    assert store.jobs(text="%")[1] == 0
    assert store.jobs(running=True)[1] == 13
    assert store.jobs(running=False)[1] == 0
    assert store.jobs(status=["D", "E"])[1] == 0
    assert store.jobs(sort="elapsed", offset=12)[1] == 13
    assert store.count_jobs() == {"dataset": {"I": 12}, "model": {"I": 1}}
    with pytest.raises(InvalidInput, match="'colour'"):
        store.jobs(sort="colour")


def test_a_page_of_jobs_takes_three_queries(store: Store) -> None:
    for number in range(30):
        add(store, f"job {number}")
    texts: list[str] = []
    event.listen(
        store.database.engine, "before_cursor_execute", lambda c, k, text, *_: texts.append(text)
    )
    rows, total = store.jobs(kind="dataset", limit=10)
    assert (len(rows), len(rows[0].steps), total) == (10, 2, 30)
    assert len([text for text in texts if text.startswith("SELECT")]) == 3


def test_all_jobs_some_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = sorted((add(store, f"job {number}").id for number in range(7)), reverse=True)
    add(store, "net", kind="model", dataset_id=ids[0])
    with store.database.write() as session:
        session.execute(update(Job).values(created=1.7e9))  # so that ids decide the order
    monkeypatch.setattr("netloom.store.briefs.AT_ONCE", 3)
    parts = list(store.all_briefs("dataset", running=True, steps=True))
    assert [[job.id for job in part] for part in parts] == [ids[:3], ids[3:6], ids[6:]]
    assert [step.status for step in parts[0][0].steps] == ["I", "I"]
    assert list(store.all_briefs(running=False)) == []
    assert [job.name for job in store.briefs("model", dataset_id=ids[0])] == ["net"]
    assert store.options_of([ids[0], "other"]) == {ids[0]: {"a": 1}}


def test_edits_reach_the_row_the_form_and_the_pages(store: Store) -> None:
    job = add(store)
    store.edit_job(job.id, name="owls\0", group="night")
    store.edit_job(job.id, notes="")
    job = store.job(job.id)
    assert (job.name, job.group, job.notes) == ("owls", "night", "")
    told = [(event.kind, event.data) for event in store.events_after(0)][1:]
    assert told == [("name", {"value": "owls"}), ("group", {"value": "night"})]


def test_a_deleted_job_leaves_nothing(store: Store) -> None:
    job = add(store)
    start(store, job)
    store.append_points(
        job.id,
        [
            MetricPoint(series="loss", split="train", iteration=i, epoch=i, value=1)
            for i in range(30)
        ],
    )
    store.add_log(job.steps[0].id, ["hello"])
    (store.files.directory(job.id) / "train.txt").write_text("x")
    store.delete_job(job.id)
    with pytest.raises(JobNotFound):
        store.job(job.id)
    assert not store.files.directory(job.id).exists()
    assert store.curves(job.id) == {}
    assert store.log(job.steps[0].id) == []
    assert store.history(job.id) == []
    assert store.events_after(0)[-1].kind == "deleted"


def test_a_dataset_in_use_stays(store: Store) -> None:
    dataset = add(store)
    model = add(store, "birds-net", kind="model", dataset_id=dataset.id)
    with pytest.raises(DatasetInUse) as refusal:
        store.delete_job(dataset.id)
    assert str(refusal.value) == (
        'Cannot delete "birds" because 1 model depends on it: "birds-net"'
    )
    assert [row.id for row in store.briefs(dataset_id=dataset.id)] == [model.id]
    assert store.count_models([dataset.id, model.id]) == {dataset.id: 1}
    store.delete_job(model.id)
    store.delete_job(dataset.id)


def test_a_step_is_claimed_once(store: Store) -> None:
    job = add(store)
    assert store.claim_step(job.steps[0].id, {}, "here") is None  # its job does not run yet
    assert start(store, job) == 1
    assert store.claim_step(job.steps[0].id, {}, "here") is None


def test_a_step_lives_and_its_job_follows(store: Store) -> None:
    job = add(store)
    first, second = job.steps
    start(store, job)
    store.progress(first.id, 0.5, "half", done=1, total=2, rate=3.0, eta=4.0, attempt=1)
    store.facts(first.id, {"a": 1}, attempt=1)
    store.facts(first.id, {"b": float("nan")}, attempt=1)
    row = store.step(first.id)
    assert (row.progress, row.message, row.facts) == (0.5, "half", {"a": 1, "b": None})
    assert store.set_step_status(first.id, Status.DONE, attempt=1)
    assert store.step(first.id).progress == 1
    assert store.job(job.id).status == "R"
    start(store, job, 1)
    store.set_step_status(second.id, Status.DONE, attempt=1)
    done = store.job(job.id)
    assert done.status == "D"
    assert [status for status, _ in store.history(job.id)] == ["I", "R", "D"]
    assert [status for status, _ in store.history(job.id, first.id)] == ["I", "R", "D"]
    progress = next(event for event in store.events_after(0) if event.kind == "progress")
    assert progress.data == {
        "step": "parse", "progress": 0.5, "done": 1, "total": 2,
        "rate": 3.0, "eta": 4.0, "message": "half",
    }  # fmt: skip
    status = [event.data for event in store.events_after(0) if event.kind == "status"]
    assert status[-1] == {"status": "D", "css": "success", "running": False, "step": None}


def test_an_error_ends_the_job_and_its_other_steps(store: Store) -> None:
    job = add(store)
    start(store, job)
    store.error(job.steps[0].id, "It broke.", hint="Mend it.", trace="line 1", attempt=1)
    job = store.job(job.id)
    assert [job.status, *(step.status for step in job.steps)] == ["E", "E", "A"]
    assert (job.steps[0].error, job.steps[0].hint) == ("It broke.", "Mend it.")
    (line,) = store.log(job.steps[0].id)
    assert (line.level, line.text) == ("error", "It broke. Mend it.")


def test_an_abort_ends_what_waits_and_asks_what_runs(store: Store) -> None:
    job = add(store)
    start(store, job)
    store.abort_job(job.id)
    job = store.job(job.id)
    assert [job.status, *(step.status for step in job.steps)] == ["A", "R", "A"]
    assert job.steps[0].abort_requested
    store.set_step_status(job.steps[0].id, Status.ABORTED, attempt=1)
    assert store.job(job.id).status == "A"
    with pytest.raises(NotRunning, match="Job not aborted"):
        store.abort_job(job.id)


def test_a_stale_attempt_writes_nothing(store: Store) -> None:
    job = add(store)
    step = job.steps[0]
    start(store, job)
    assert store.requeue(step.id, 1, crashed=True)
    assert not store.requeue(step.id, 1, crashed=True)
    assert store.step(step.id).crashes == 1
    start(store, job)
    assert store.step(step.id).attempt == 2
    with pytest.raises(StaleAttempt):
        store.progress(step.id, 0.9, attempt=1)
    with pytest.raises(StaleAttempt):
        store.set_step_status(step.id, Status.DONE, attempt=1)
    with pytest.raises(StaleAttempt):
        store.append_points(
            job.id,
            [MetricPoint(series="loss", split="train", iteration=1, epoch=1, value=1)],
            fence=(step.id, 1),
        )
    assert store.step(step.id).status == "R"


def test_a_short_wait_leaves_no_trace(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    job = add(store)
    step = job.steps[0]
    store.set_step_status(step.id, Status.WAITING)
    start(store, job)
    assert [status for status, _ in store.history(job.id, step.id)] == ["I", "R"]
    store.requeue(step.id, 1, crashed=False)
    now = time.time
    monkeypatch.setattr("netloom.store.history.time.time", lambda: now() + 5)
    start(store, job)
    assert [status for status, _ in store.history(job.id, step.id)] == ["I", "R", "W", "R"]


def test_users_are_added_once(store: Store) -> None:
    assert store.ensure_user("ada").id == store.ensure_user("ada").id


def test_files_that_come_with_a_job_are_there_before_it_can_start(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = store.add_job("dataset", "T", "n", None, {}, {}, [], files={"a.txt": io.BytesIO(b"abc")})
    assert (store.files.directory(job.id) / "a.txt").read_bytes() == b"abc"

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(DiskFull, match="no room on the disk"):
        store.add_job("dataset", "T", "n", None, {}, {}, [], files={"a.txt": io.BytesIO(b"abc")})
    assert [path.name for path in store.files.jobs.iterdir()] == [job.id]
    assert store.jobs()[1] == 1
