"""Trainings that go on: resumed after an abort, or trained for more epochs."""

from __future__ import annotations

import httpx
import pytest

from netloom import jobs
from netloom.store import Job
from netloom.training.checkpoint import CHECKPOINT
from tests.web.conftest import MakeModel
from tests.web.small_site import Server

CREATE = "/models/images/classification"


@pytest.fixture
def net(ada: httpx.Client, server: Server, dataset: Job) -> Job:
    """A model that waits to be trained."""
    fields = {"dataset": dataset.id, "model_name": "net", "standard_networks": "lenet"}
    fields |= {"train_epochs": "3", "random_seed": "5", "group_name": "nets"}
    return server.store.job(ada.post(f"{CREATE}.json", data=fields).json()["id"])


def test_an_aborted_training_is_resumed(ada: httpx.Client, server: Server, net: Job) -> None:
    assert ada.post(f"/models/{net.id}/resume").status_code == 400  # it was not aborted
    jobs.abort(server.store, net.id)
    assert "/resume" in ada.get(f"/models/{net.id}").text
    with server.client("bob") as bob:
        assert bob.post(f"/models/{net.id}/resume").status_code == 403
        assert "/resume" not in bob.get(f"/models/{net.id}").text
    answer = ada.post(f"/models/{net.id}/resume")
    assert (answer.status_code, answer.text) == (200, "Job resumed.")
    job = server.store.job(net.id)
    assert (job.status, [step.status for step in job.steps]) == ("W", ["W"])
    assert not job.steps[0].abort_requested
    jobs.abort(server.store, net.id)
    assert server.store.job(net.id).status == "A"


def test_without_its_dataset_no_training_is_resumed(
    ada: httpx.Client, server: Server, pictures: object
) -> None:
    fields = {"dataset_name": "d", "folder_train": str(pictures), "resize_width": "8"}
    made = ada.post("/datasets/images/classification.json", data={**fields, "resize_height": "8"})
    wanted = {"dataset": made.json()["id"], "model_name": "net", "standard_networks": "lenet"}
    job_id = ada.post(f"{CREATE}.json", data={**wanted, "crop_size": "4"}).json()["id"]
    for one in (wanted["dataset"], job_id):
        jobs.abort(server.store, one)
    answer = ada.post(f"/models/{job_id}/resume")
    assert (answer.status_code, "dataset is not complete" in answer.text) == (400, True)


def test_a_finished_training_goes_on_as_a_new_job(
    ada: httpx.Client, server: Server, net: Job, make_model: MakeModel
) -> None:
    on = f"/models/{net.id}/continue"
    assert "is not done" in ada.post(on, json={"more_epochs": "2"}).text
    with server.store.database.write() as session:
        session.get(Job, net.id).status = "D"
    assert "was deleted" in ada.post(on, json={"more_epochs": "2"}).text
    (server.store.files.directory(net.id) / CHECKPOINT).write_bytes(b"a checkpoint")
    for wrong in ("", "x", "0", "-1", "999999999"):
        answer = ada.post(on, json={"more_epochs": wrong})
        assert (answer.status_code, "more_epochs" in answer.text) == (400, True)
    added = server.store.job(ada.post(on, json={"more_epochs": "2"}).json()["id"])
    assert (added.name, added.group, added.dataset_id) == (
        "net (trained on)",
        "nets",
        net.dataset_id,
    )
    old, new = (job.steps[0].options for job in (net, added))
    changed = {name for name in old if old[name] != new[name]}
    assert changed == {"epochs", "continues"}
    assert (new["epochs"], new["continues"], added.options["train_epochs"]) == (5, net.id, 5)
    page = ada.post(on, data={"more_epochs": "2"})
    assert page.status_code == 302
    assert ada.get(page.headers["location"]).status_code == 200
    assert (
        ada.post(f"/models/{make_model().id}/continue", data={"more_epochs": "2"}).status_code
        == 400
    )
