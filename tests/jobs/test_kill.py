"""Servers and workers that are killed, with real processes, each several times."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from netloom import jobs
from netloom.interfaces.job import Step as Work
from netloom.interfaces.job import StepPlan
from netloom.jobs.leadership import LEASE
from netloom.settings import Settings
from netloom.store import Job, Step, Store
from netloom.testing.executors import until
from netloom.testing.steps import Count, Sleep

TIMES = 3
SERVER = Path(__file__).with_name("schedule.py")

Serve = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def serve(settings: Settings, store: Store) -> Iterator[Serve]:
    """Start schedulers in processes of their own; whatever is left of them goes at the end."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, str(SERVER), str(settings.data), "4"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(server)
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        return server

    yield start
    for server in started:
        kill(server)
    for step in store.active_steps():
        if step.pid is not None and psutil.pid_exists(step.pid):
            os.killpg(step.pid, signal.SIGKILL)


def add(store: Store, *works: Work) -> list[Job]:
    """Add one job for each of these steps."""
    plans = [[StepPlan(key="work", title="Work", step=work)] for work in works]
    return [store.add_job("dataset", "Test", "test", None, {}, {}, plan) for plan in plans]


def step_of(store: Store, job: Job) -> Step:
    return store.steps(job.id)[0]


def pid_of(store: Store, job: Job) -> int:
    """Wait until the step of a job is well under way; return its process."""
    until(lambda: step_of(store, job).progress > 0.05 and step_of(store, job).pid is not None)
    pid = step_of(store, job).pid
    assert pid is not None
    return pid


def open_gate(store: Store, job: Job) -> None:
    (store.files.directory(job.id) / "go").touch()


def leader_of(store: Store) -> int | None:
    lease = store.holder(LEASE)
    return None if lease is None else lease.pid


def wait_for(store: Store, job: Job, status: str) -> None:
    until(lambda: store.job(job.id).status == status)


def kill(process: int | subprocess.Popen[str]) -> None:
    if isinstance(process, int):
        os.kill(process, signal.SIGKILL)
    else:
        process.kill()
        end(process)


def end(server: subprocess.Popen[str]) -> None:
    server.wait(timeout=30)
    assert server.stdout is not None
    server.stdout.close()


def assert_counted(store: Store, job: Job, to: int) -> None:
    """The curve is as if nothing had happened: no doubles, no holes."""
    curve = store.curves(job.id, max_points=10**6)["train", "loss"]
    assert curve.iterations == list(range(1, to + 1))
    assert [row.iteration for row in store.snapshots(job.id)] == list(range(10, to + 1, 10))


def test_steps_go_on_while_the_server_is_dead(store: Store, serve: Serve) -> None:
    """Each next server finds the same worker again; the last one sees it end."""
    server = serve()
    (job,) = add(store, Count(to=60, gate=40))
    pid = pid_of(store, job)
    for _ in range(TIMES):
        kill(server)
        server = serve()
        assert step_of(store, job).pid == pid
    open_gate(store, job)
    wait_for(store, job, "D")
    assert step_of(store, job).attempt == 1
    assert_counted(store, job, 60)


def test_a_killed_server_and_worker_are_resumed(store: Store, serve: Serve) -> None:
    server = serve()
    (job,) = add(store, Count(to=120, gate=100))
    for attempt in range(1, TIMES + 1):
        pid = pid_of(store, job)
        until(lambda: len(store.snapshots(job.id)) >= 2 * attempt)  # noqa: B023
        kill(server)
        kill(pid)
        assert step_of(store, job).status == "R"
        server = serve()
        until(lambda: step_of(store, job).attempt == attempt + 1)  # noqa: B023
    open_gate(store, job)
    wait_for(store, job, "D")
    assert step_of(store, job).attempt == TIMES + 1
    assert_counted(store, job, 120)
    statuses = [status for status, _ in store.history(job.id)]
    assert statuses == ["I", "R", "D"]


def test_a_killed_worker_is_an_error_and_others_do_not_notice(store: Store, serve: Serve) -> None:
    server = serve()
    (other,) = add(store, Count(to=60, gate=40))
    for _ in range(TIMES):
        (job,) = add(store, Sleep())
        kill(pid_of(store, job))
        wait_for(store, job, "E")
        step = step_of(store, job)
        assert step.error == "The process was killed (signal 9), perhaps because memory ran out."
        assert step.hint
    open_gate(store, other)
    wait_for(store, other, "D")
    assert step_of(store, other).attempt == 1
    assert server.poll() is None


def test_a_found_worker_that_is_killed_is_an_error(store: Store, serve: Serve) -> None:
    """The second server watched it, so the worker died by itself."""
    first = serve()
    (job,) = add(store, Sleep())
    pid = pid_of(store, job)
    kill(first)
    second = serve()
    until(lambda: leader_of(store) == second.pid)
    time.sleep(0.3)  # for it to find the worker
    kill(pid)
    wait_for(store, job, "E")
    assert step_of(store, job).error == (
        "The process ended without a word; it was killed, or memory ran out."
    )


def test_one_of_two_servers_schedules(store: Store, serve: Serve) -> None:
    for _ in range(TIMES):
        first, second = serve(), serve()
        until(lambda: jobs.is_led(store))
        leader, idle = (first, second) if leader_of(store) == first.pid else (second, first)
        assert leader_of(store) == leader.pid
        added = add(store, *[Sleep(seconds=0.05, marks="marks") for _ in range(4)])
        for job in added:
            wait_for(store, job, "D")
            marks = (store.files.directory(job.id) / "marks").read_text().splitlines()
            assert len(marks) == 1, "started twice"
        assert leader_of(store) == leader.pid
        kill(leader)  # the other one takes over at once
        began = time.monotonic()
        (job,) = add(store, Sleep(seconds=0))
        wait_for(store, job, "D")
        assert time.monotonic() - began < 5
        kill(idle)


def test_an_abort_takes_less_than_two_seconds(store: Store, serve: Serve) -> None:
    """Even when the step ignores the signal, and its child, too."""
    serve()
    added = add(store, *[Sleep(stubborn=True) for _ in range(TIMES)])
    for job in added:
        pid = pid_of(store, job)
        until(lambda: "child" in step_of(store, job).facts)  # noqa: B023
        child = step_of(store, job).facts["child"]
        began = time.monotonic()
        jobs.abort(store, job.id)
        assert store.job(job.id).status == "A"
        until(lambda: step_of(store, job).status == "A")  # noqa: B023
        assert time.monotonic() - began < 2
        until(lambda: not psutil.pid_exists(pid))  # noqa: B023
        until(lambda: gone(child))  # noqa: B023


def test_an_abort_leaves_snapshots(store: Store, serve: Serve) -> None:
    serve()
    (job,) = add(store, Count(to=1000))
    until(lambda: len(store.snapshots(job.id)) >= 2)
    jobs.abort(store, job.id)
    until(lambda: step_of(store, job).status == "A")
    names = [row.weights for row in store.snapshots(job.id)]
    assert len(names) >= 2
    assert all((store.files.directory(job.id) / name).exists() for name in names)


def test_a_server_that_stops_leaves_its_steps_to_the_next(store: Store, serve: Serve) -> None:
    (job,) = add(store, Count(to=110, gate=100))
    for attempt in range(1, TIMES + 1):
        server = serve()
        until(lambda: step_of(store, job).attempt == attempt)  # noqa: B023
        until(lambda: len(store.snapshots(job.id)) >= 2 * attempt)  # noqa: B023
        server.terminate()
        end(server)
        step = step_of(store, job)
        assert (step.status, step.pid, step.crashes) == ("W", None, 0)
    serve()
    open_gate(store, job)
    wait_for(store, job, "D")
    assert_counted(store, job, 110)


def test_a_step_that_takes_the_server_down_is_not_tried_for_ever(
    store: Store, serve: Serve
) -> None:
    (job,) = add(store, Sleep())
    for attempt in range(1, 5):
        server = serve()
        until(lambda: step_of(store, job).attempt == attempt)  # noqa: B023
        pid = pid_of(store, job)
        kill(server)
        kill(pid)
    serve()
    wait_for(store, job, "E")
    assert "went down 4 times" in step_of(store, job).error


def test_a_running_job_can_be_deleted_and_aborted_without_a_server(
    store: Store, serve: Serve
) -> None:
    server = serve()
    deleted, aborted = add(store, Sleep(), Sleep())
    pids = [pid_of(store, deleted), pid_of(store, aborted)]
    jobs.delete(store, deleted.id)
    assert not store.files.directory(deleted.id).exists()
    kill(server)
    jobs.abort(store, aborted.id)
    assert step_of(store, aborted).status == "A"
    until(lambda: all(gone(pid) for pid in pids))


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
