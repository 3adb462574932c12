"""Pretrained models: made of a snapshot or uploaded, listed, trained from, deleted."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import pytest
from safetensors.numpy import save, save_file

from netloom.interfaces.job import SnapshotFile
from netloom.store import Job
from tests.web.small_site import CLASSES, Server

CREATE = "/models/images/classification"
NEW = "/pretrained_models/new"
TEXT = "def build(p):\n    pass\n"
WEIGHTS = save({"a": np.zeros(2, np.float32)})


def files(**changes: Any) -> dict[str, Any]:
    """Return the files of an upload; None leaves one out."""
    sent: dict[str, Any] = {
        "weights_file": ("net.safetensors", WEIGHTS),
        "model_def_file": ("net.py", TEXT.encode()),
        "labels_file": ("labels.txt", b"dark\nlight\n"),
    }
    return {name: file for name, file in {**sent, **changes}.items() if file is not None}


@pytest.fixture
def trained(ada: httpx.Client, server: Server, dataset: Job) -> Job:
    """A model with a snapshot, as far as making it pretrained needs one."""
    fields = {"dataset": dataset.id, "model_name": "lamp", "standard_networks": "lenet"}
    job_id = ada.post(f"{CREATE}.json", data=fields).json()["id"]
    directory = server.store.files.directory(job_id)
    save_file({"a": np.ones(2, np.float32)}, directory / "snapshot_3.safetensors")
    (directory / "labels.txt").write_text("".join(f"{name}\n" for name in CLASSES))
    file = SnapshotFile(epoch=3, iteration=30, weights="snapshot_3.safetensors")
    server.store.add_snapshot(job_id, file)
    return server.store.job(job_id)


def pretrained(server: Server) -> list[Job]:
    return server.store.jobs(kind="pretrained")[0]


def test_a_snapshot_becomes_a_pretrained_model(
    ada: httpx.Client, server: Server, trained: Job
) -> None:
    answer = ada.post(f"/models/{trained.id}/to_pretrained")
    assert (answer.status_code, answer.headers["location"]) == (302, "/?tab=3")
    (job,) = pretrained(server)
    assert (job.name, job.owner, job.status, job.type) == ("lamp", "ada", "D", "Pretrained Model")
    directory = server.store.files.directory(job.id)
    assert {path.name for path in directory.iterdir()} == {
        "labels.txt", "model.safetensors", "network.py",
    }  # fmt: skip
    assert (directory / "network.py").read_text() == trained.steps[0].options["network"]
    told = ada.get(f"/pretrained_models/{job.id}.json").json()
    assert told["image dimensions"] == [10, 8, 1]
    assert told["has_labels"] is True
    assert "lamp" in ada.get("/?tab=3").text
    page = ada.get(f"/jobs/{job.id}", follow_redirects=True)
    assert page.url.path == f"/pretrained_models/{job.id}"
    assert all(name in page.text for name in CLASSES)
    asked = {"accept": "application/json"}
    again = ada.get(f"/models/{trained.id}/to_pretrained?epoch=3", headers=asked).json()
    assert again["status"] == "Done"


def test_only_snapshots_that_exist_become_pretrained_models(
    ada: httpx.Client, anyone: httpx.Client, server: Server, trained: Job, dataset: Job
) -> None:
    make = f"/models/{trained.id}/to_pretrained"
    assert anyone.post(make, headers={"accept": "application/json"}).status_code == 401
    assert ada.post(make, data={"snapshot_epoch": "7"}).status_code == 404
    assert ada.post(make, data={"snapshot_epoch": "x"}).status_code == 400
    assert ada.post(f"/models/{dataset.id}/to_pretrained").status_code == 404
    (server.store.files.directory(trained.id) / "snapshot_3.safetensors").unlink()
    assert ada.post(make).status_code == 404
    elsewhere = {"sec-fetch-site": "cross-site"}
    assert ada.get(make, headers=elsewhere).status_code == 403
    assert pretrained(server) == []


def test_an_upload(ada: httpx.Client, server: Server) -> None:
    fields = {"job_name": "mine", "image_type": "1", "width": "28", "height": "20"}
    answer = ada.post(NEW, data=fields, files=files())
    assert (answer.status_code, answer.headers["location"]) == (302, "/?tab=3")
    (job,) = pretrained(server)
    assert job.facts["image_dimensions"] == [20, 28, 1]
    assert ada.get(f"/pretrained_models/{job.id}").status_code == 200
    row = ada.get("/completed_jobs.json").json()["pretrained_models"][0]
    assert (row["type"], row["username"], row["has_labels"]) == ("pretrained_model", "ada", True)
    plain = ada.post(f"{NEW}.json", data={"job_name": "x"}, files=files(labels_file=None)).json()
    assert ada.get(f"/pretrained_models/{plain['id']}.json").json()["has_labels"] is False
    assert "pretrained" not in ada.get("/index.json").text


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("job_name", {"job_name": ""}),
        ("framework", {"framework": "caffe"}),
        ("width", {"width": "-1"}),
        ("image_type", {"image_type": "4"}),
        ("weights_file", {"weights_file": None}),
        ("weights_file", {"weights_file": ("net.caffemodel", WEIGHTS)}),
        ("weights_file", {"weights_file": ("net.safetensors", b"nothing of the kind")}),
        ("weights_file", {"weights_file": ("net.pt", b"cos\nsystem\n")}),
        ("model_def_file", {"model_def_file": None}),
        ("model_def_file", {"model_def_file": ("net.prototxt", b"layer {}")}),
        ("model_def_file", {"model_def_file": ("net.py", b"def")}),
        ("model_def_file", {"model_def_file": ("net.py", b"\xff\xfe")}),
        ("labels_file", {"labels_file": ("labels.txt", b"\xff")}),
    ],
)
def test_uploads_that_cannot_be_used_leave_nothing(
    ada: httpx.Client, server: Server, field: str, changes: dict[str, Any]
) -> None:
    wrong = {name: changes.pop(name) for name in [*changes] if not name.endswith("_file")}
    fields = {"job_name": "mine", **wrong}
    answer = ada.post(f"{NEW}.json", data=fields, files=files(**changes))
    assert answer.status_code == 400
    assert [*answer.json()["errors"]] == [field]
    page = ada.post(NEW, data=fields, files=files(**changes))
    assert page.status_code == 400
    assert "alert-danger" in page.text
    assert pretrained(server) == []


def test_a_training_starts_from_a_pretrained_model(
    ada: httpx.Client, server: Server, dataset: Job, trained: Job
) -> None:
    job_id = ada.post(f"{NEW}.json", data={"job_name": "mine"}, files=files()).json()["id"]
    wanted = {"dataset": dataset.id, "model_name": "net", "method": "pretrained"}
    answer = ada.post(f"{CREATE}.json", data={**wanted, "pretrained_networks": job_id}).json()
    (step,) = server.store.job(answer["id"]).steps
    assert step.options["network"] == TEXT
    assert step.options["initial"] == {
        "what": "mine",
        "files": ["model.safetensors"],
        "job": job_id,
    }
    text = ada.post(f"/models/customize?network={job_id}").json()
    directory = server.store.files.directory(job_id)
    assert (text["network"], text["snapshot"]) == (TEXT, str(directory / "model.safetensors"))
    form = ada.get(f"{CREATE}/new?pretrained={job_id}").text
    assert f'value="{job_id}" aria-describedby="pretrained-help-{job_id}" checked' in form
    for wrong in ("", "nothing", dataset.id, trained.id):
        refused = ada.post(f"{CREATE}.json", data={**wanted, "pretrained_networks": wrong})
        assert (refused.status_code, [*refused.json()["errors"]]) == (400, ["pretrained_networks"])
    (directory / "model.safetensors").unlink()
    gone = ada.post(f"{CREATE}.json", data={**wanted, "pretrained_networks": job_id})
    assert "were deleted" in gone.json()["errors"]["pretrained_networks"][0]


def test_only_the_owner_deletes_it(ada: httpx.Client, server: Server) -> None:
    job_id = ada.post(f"{NEW}.json", data={"job_name": "mine"}, files=files()).json()["id"]
    with server.client("bob") as bob:
        assert bob.delete(f"/pretrained_models/{job_id}").status_code == 403
    assert ada.delete(f"/models/{job_id}").status_code == 404
    assert ada.get(f"/clone/{job_id}").status_code == 400
    assert ada.put(f"/jobs/{job_id}", data={"job_name": "ours"}).status_code == 200
    assert ada.delete(f"/pretrained_models/{job_id}").status_code == 200
    assert not server.store.files.directory(job_id).exists()
