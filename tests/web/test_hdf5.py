"""An HDF5 dataset over HTTP: described, shown, explored, and offered in the form."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from netloom import jobs
from netloom.jobs import InProcessExecutor
from netloom.store import Job
from tests.web.small_site import Server, fields

CREATE = "/datasets/images/classification"
RESIZE = "/datasets/images/resize-example"
KIND = {"backend": "hdf5", "compression": "gzip", "encoding": "jpg"}


@pytest.fixture
def dataset(server: Server, ada: httpx.Client, pictures: Path) -> Job:
    answer = ada.post(f"{CREATE}.json", data={**fields(pictures), **KIND}).json()
    executor = InProcessExecutor(server.store)
    job = jobs.run_until_done(server.store, answer["id"], executor=executor, timeout=60)
    assert job.status == "D", [step.error for step in job.steps]
    return job


def test_it_is_described_and_explored(anyone: httpx.Client, dataset: Job) -> None:
    made = anyone.get(f"/datasets/{dataset.id}.json").json()["CreateDbTasks"]
    assert [(db["backend"], db["encoding"], db["compression"]) for db in made] == [
        ("hdf5", "none", "gzip")
    ] * 2
    page = anyone.get(f"/datasets/{dataset.id}").text
    assert "HDF5, 32-bit floats, gzip" in page
    (row,) = anyone.get("/completed_jobs.json").json()["datasets"]
    assert row["backend"] == "hdf5"
    explorer = anyone.get(f"{CREATE}/explore", params={"job_id": dataset.id, "label": "1"}).text
    images = re.findall(rf"/datasets/{dataset.id}/images/train/\d+", explorer)
    assert len(images) == 5
    assert anyone.get(images[0]).content.startswith(b"\x89PNG")
    listed = anyone.get(f"/files/{dataset.id}/train_db/list.txt").text
    assert listed == f"../{dataset.id}/train_db/0.h5\n"


def test_a_clone_keeps_the_store(ada: httpx.Client, dataset: Job) -> None:
    form = ada.get(f"{CREATE}/new", params={"clone": dataset.id}).text
    assert re.search(r'<option value="hdf5" selected', form)
    assert re.search(r'<option value="gzip" selected', form)
    assert "four times the space of raw pixels" in form


def test_the_example_tells_the_size_of_floats(anyone: httpx.Client) -> None:
    wanted = {"width": "100", "height": "50", "channels": "3", "encoding": "jpg"}
    floats = anyone.post(RESIZE, data={**wanted, "backend": "hdf5"}).text
    assert "100 × 50 pixels, 60.0 kB as it is stored" in floats
    packed = anyone.post(RESIZE, data={**wanted, "backend": "hdf5", "compression": "gzip"}).text
    assert packed != floats
    wrong = anyone.post(RESIZE, data={**wanted, "backend": "csv"})
    assert wrong.text.startswith("backend: ")
