"""What tests of every room stand on: an empty installation in a temporary folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from netloom import jobs
from netloom.interfaces.job import StepPlan
from netloom.jobs import InProcessExecutor
from netloom.settings import Settings
from netloom.store import Job, Store, open_store


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation of its own; users may read files below `tmp_path`."""
    return Settings(data=tmp_path / "data", data_roots=(tmp_path,), database="", port=0)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    store = open_store(settings)
    yield store
    store.close()


@pytest.fixture
def run_job(store: Store) -> Callable[..., Job]:
    """Run a plan, step by step in threads of this process, and return the ended job."""

    def run(plan: Sequence[StepPlan], **about: Any) -> Job:
        words = {"kind": "dataset", "type": "Test", "name": "test", "owner": "ada"}
        job = store.add_job(**{"options": {}, "form": {}, **words, **about}, plan=plan)
        return jobs.run_until_done(store, job.id, executor=InProcessExecutor(store), timeout=120)

    return run


@pytest.fixture
def finish(store: Store) -> Callable[[str], Job]:
    """Run a job that was added, and return it when it has ended."""

    def run(job_id: str) -> Job:
        return jobs.run_until_done(store, job_id, executor=InProcessExecutor(store), timeout=120)

    return run
