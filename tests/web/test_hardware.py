"""The hardware panel: measured when somebody asks, empty when nothing runs."""

from __future__ import annotations

import os

import httpx
import pytest

from netloom.interfaces.job import StepPlan
from netloom.jobs.processes import this_machine, this_process
from netloom.store import Job, Status
from netloom.testing.steps import Nothing
from tests.web.small_site import Server


@pytest.fixture
def running(server: Server, dataset: Job) -> Job:
    """A model whose training is said to be this process."""
    plan = [StepPlan(key="train", title="Train Model", step=Nothing())]
    store = server.store
    job = store.add_job(
        "model", "Image Classification Model", "net", "ada", {}, {}, plan, dataset_id=dataset.id
    )
    store.set_job_status(job.id, Status.RUNNING)
    attempt = store.claim_step(job.steps[0].id, {"cpus": 1}, this_machine())
    assert attempt is not None
    store.set_process(job.steps[0].id, attempt, this_process())
    return store.job(job.id)


def test_a_running_training_tells_what_it_uses(anyone: httpx.Client, running: Job) -> None:
    use = anyone.get(f"/jobs/{running.id}/hardware.json").json()
    (worker,) = use["processes"]
    assert worker["pid"] == os.getpid()
    assert worker["memory"] > 10**6
    assert set(worker) == {"step", "pid", "cpu_percent", "memory", "memory_percent"}
    assert use["machine"]["cpus"] >= 1
    assert use["gpus"] == []
    panel = anyone.get(f"/jobs/{running.id}/hardware").text
    assert f"process {os.getpid()}" in panel
    assert "data-every" in panel
    assert 'id="hardware"' in anyone.get(f"/models/{running.id}").text


def test_the_panel_goes_when_the_job_ends(
    server: Server, anyone: httpx.Client, running: Job
) -> None:
    server.store.set_step_status(running.steps[0].id, Status.DONE)
    assert anyone.get(f"/jobs/{running.id}/hardware.json").json() == {
        "processes": [],
        "machine": None,
        "gpus": [],
    }
    panel = anyone.get(f"/jobs/{running.id}/hardware").text
    assert "data-every" not in panel
    assert " hidden>" in panel
    assert anyone.get("/jobs/20260101-101500-0a1b/hardware").status_code == 404
