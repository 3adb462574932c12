"""Executors: the contract, and what only real processes show."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import psutil
import pytest

from netloom.jobs import InProcessExecutor, LocalExecutor
from netloom.jobs.executors import Ended, Executor
from netloom.jobs.local import as_variables
from netloom.jobs.resources import Lent
from netloom.settings import Settings
from netloom.store import Store
from netloom.testing import ExecutorContract
from netloom.testing.executors import claimed, end_of, until
from netloom.testing.steps import Fail, Sleep


class TestInProcessExecutor(ExecutorContract):
    @pytest.fixture
    def executor(self, store: Store) -> Executor:
        return InProcessExecutor(store)


class TestLocalExecutor(ExecutorContract):
    @pytest.fixture
    def executor(self, store: Store) -> Executor:
        return LocalExecutor(store)

    def test_a_killed_worker_leaves_no_children(self, store: Store, executor: Executor) -> None:
        step = claimed(store, Sleep(stubborn=True))
        worker = executor.start(step, Lent())
        until(lambda: "child" in store.step(step.id).facts)
        child = store.step(step.id).facts["child"]
        assert worker.process is not None
        os.kill(worker.process.pid, 9)
        assert end_of(worker) == Ended(-9)
        until(lambda: _gone(child))

    def test_a_worker_is_found_again(self, store: Store, executor: Executor) -> None:
        step = claimed(store, Sleep(stubborn=True))
        worker = executor.start(step, Lent())
        until(lambda: "child" in store.step(step.id).facts)
        found = LocalExecutor(store).find(store.step(step.id))
        assert found is not None
        assert found.ended() is None
        found.kill()
        assert end_of(worker) == Ended(-9)
        assert end_of(found) == Ended(None)
        assert LocalExecutor(store).find(store.step(step.id)) is None
        until(lambda: _gone(store.step(step.id).facts["child"]))

    def test_what_it_printed_is_kept(self, store: Store, executor: Executor) -> None:
        step = claimed(store, Fail(how="exit"))
        assert end_of(executor.start(step, Lent())) == Ended(7)
        assert executor.printed(step).strip().endswith("the last words")

    def test_the_worker_has_no_socket_of_the_server(self, store: Store, executor: Executor) -> None:
        with socket.socket() as server:
            server.set_inheritable(True)
            server.bind(("127.0.0.1", 0))
            server.listen()
            step = claimed(store, Sleep())
            worker = executor.start(step, Lent())
            until(lambda: store.step(step.id).progress > 0)
            assert worker.process is not None
            opened = psutil.Process(worker.process.pid)
            assert opened.net_connections() == []
            assert opened.cwd() == str(store.files.directory(step.job_id))
            assert os.getsid(worker.process.pid) == worker.process.pid
            worker.stop()
            end_of(worker)

    def test_the_environment_keeps_a_worker_to_what_it_was_lent(self, store: Store) -> None:
        executor = LocalExecutor(store, lambda step, lent: {"LENT": f"{lent.cpus} {step.key}"})
        step = claimed(store, Sleep())
        worker = executor.start(step, Lent(cpus=1))
        until(lambda: store.step(step.id).progress > 0)
        assert worker.process is not None
        assert psutil.Process(worker.process.pid).environ()["LENT"] == "1 work"
        worker.stop()
        end_of(worker)


def test_settings_reach_the_worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = Settings(
        data=tmp_path, data_roots=(tmp_path / "a", tmp_path / "b"), hosts=("x.org",), port=7
    )
    for name, value in as_variables(settings).items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings


def _gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
