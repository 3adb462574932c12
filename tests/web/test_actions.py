"""Rename, regroup, abort, delete: by the owner alone, one or many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from netloom.store import Job
from tests.web.conftest import MakeModel
from tests.web.small_site import Server, fields

UNKNOWN = "20260101-101500-0a1b"


@pytest.fixture
def ben(server: Server) -> Iterator[httpx.Client]:
    with server.client("ben") as client:
        yield client


@pytest.fixture
def waiting(server: Server, ada: httpx.Client, pictures: Path) -> Job:
    """A dataset that nobody has started."""
    sent = fields(pictures, dataset_name="b")
    answer = ada.post("/datasets/images/classification.json", data=sent)
    return server.store.job(answer.json()["id"])


def test_rename_and_notes(ada: httpx.Client, ben: httpx.Client, model: Job, server: Server) -> None:
    path = f"/jobs/{model.id}"
    answer = ada.put(path, data={"job_name": "new", "job_notes": "bright"})
    assert (answer.status_code, answer.text) == (200, "Image Classification Model updated.")
    assert server.store.job(model.id).notes == "bright"
    assert ada.put(path, data={"job_notes": " "}).status_code == 200
    assert server.store.job(model.id).notes == ""
    blank = ada.put(path, data={"job_name": " "})
    assert (blank.status_code, blank.text) == (400, "name cannot be blank")
    assert ada.put(path).status_code == 400
    assert ada.put(path, data={"job_name": "x" * 5000}).status_code == 400
    assert ben.put(path, data={"job_name": "mine"}).status_code == 403
    assert ada.put(f"/jobs/{UNKNOWN}", data={"job_name": "x"}).status_code == 404
    assert server.store.job(model.id).name == "new"


def test_delete(ada: httpx.Client, ben: httpx.Client, model: Job, server: Server) -> None:
    assert ben.delete(f"/models/{model.id}").status_code == 403
    assert ada.delete(f"/datasets/{model.id}").status_code == 404
    answer = ada.delete(f"/models/{model.id}")
    assert (answer.status_code, answer.text) == (200, "Job deleted.")
    assert ada.delete(f"/models/{model.id}").status_code == 404
    assert not server.store.files.directory(model.id).exists()


def test_a_dataset_in_use_stays(
    ada: httpx.Client, waiting: Job, make_model: MakeModel, server: Server
) -> None:
    model = make_model(dataset_id=waiting.id)
    answer = ada.delete(f"/jobs/{waiting.id}")
    assert answer.status_code == 403
    assert answer.text == 'Cannot delete "b" because 1 model depends on it: "lamp"'
    assert server.store.job(waiting.id).status == "I"
    both = ada.request("DELETE", "/jobs", data={"job_ids[]": [waiting.id, model.id]})
    assert (both.status_code, both.text) == (200, "Jobs deleted.")


def test_abort(ada: httpx.Client, ben: httpx.Client, waiting: Job) -> None:
    assert ben.post(f"/datasets/{waiting.id}/abort").status_code == 403
    answer = ada.post(f"/datasets/{waiting.id}/abort")
    assert (answer.status_code, answer.text) == (200, "Job aborted.")
    again = ada.post(f"/jobs/{waiting.id}/abort")
    assert (again.status_code, again.text) == (403, "Job not aborted")
    assert ada.get(f"/jobs/{waiting.id}/status").json()["status"] == "Aborted"
    assert ada.post(f"/models/{UNKNOWN}/abort").status_code == 404


def test_bulk_requests_count_what_failed(
    ada: httpx.Client, ben: httpx.Client, model: Job, waiting: Job
) -> None:
    ids = {"job_ids[]": [model.id, waiting.id, UNKNOWN]}
    answer = ben.post("/group", data={**ids, "group_name": "g"})
    assert answer.status_code == 400
    assert answer.text == "1 job not found. 2 jobs not permitted to be regrouped."
    aborted = ada.post("/abort_jobs", data=ids)
    assert aborted.text == "1 job not found. 1 job failed to be aborted."
    assert ada.request("DELETE", "/jobs", data={}).status_code == 400


def test_group(ada: httpx.Client, model: Job, server: Server) -> None:
    assert ada.post(f"/group?group_name=g&job_ids[]={model.id}").text == "Jobs regrouped."
    assert server.store.job(model.id).group == "g"
    assert ada.post("/group", data={"job_ids[]": model.id, "group_name": ""}).status_code == 200
    assert server.store.job(model.id).group == ""


def test_regrouping_needs_a_name(anyone: httpx.Client, model: Job) -> None:
    for ask in (anyone.get, anyone.post):
        answer = ask("/group", params={"group_name": "g", "job_ids[]": model.id})
        assert (answer.status_code, answer.headers["content-type"][:10]) == (401, "text/plain")


def test_status_of_a_job(anyone: httpx.Client, model: Job) -> None:
    answer = anyone.get(f"/models/{model.id}/status")
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.json() == {
        "error": None,
        "status": "Done",
        "name": "lamp",
        "type": "Image Classification Model",
    }
    unknown = anyone.get(f"/jobs/{UNKNOWN}/status", headers={"accept": "application/json"})
    assert (unknown.status_code, unknown.json()) == (200, {"error": "Job not found."})
    assert unknown.headers["content-type"] == "application/json"


def test_pages_of_a_job(anyone: httpx.Client, ada: httpx.Client, model: Job) -> None:
    assert anyone.get(f"/jobs/{model.id}").headers["location"] == f"/models/{model.id}"
    assert anyone.get("/jobs/nonsense").status_code == 404
    cloned = ada.get(f"/clone/{model.id}").headers["location"]
    assert cloned == f"/models/images/classification/new?clone={model.id}"
    for part in ("header", "steps", "history"):
        assert anyone.get(f"/jobs/{model.id}/{part}").status_code == 200
