"""Models over HTTP: created, described, drawn; network texts and rate previews."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import pytest
from safetensors.numpy import save_file
from sqlalchemy import event

from netloom.store import Job, Step
from netloom.web.workbench import model_view
from tests.web.conftest import MakeModel
from tests.web.small_site import Server

CREATE = "/models/images/classification"
RATES = "/models/visualize-lr"


def wanted(dataset: Job, **values: Any) -> dict[str, Any]:
    """Return the form of a small model."""
    return {
        "dataset": dataset.id,
        "model_name": "net",
        "standard_networks": "lenet",
        "train_epochs": "1",
        **values,
    }


def test_creation(ada: httpx.Client, dataset: Job) -> None:
    answer = ada.post(f"{CREATE}.json", data=wanted(dataset)).json()
    assert answer["name"] == "net"
    assert answer["status"] == "Initialized"
    assert answer["dataset_id"] == dataset.id
    assert answer["snapshot file"] == "no snapshots"
    assert answer["image dimensions"] == [10, 8, 1]
    assert "snapshots" not in answer
    page = ada.post(CREATE, data=wanted(dataset))
    assert page.status_code == 302
    assert ada.get(page.headers["location"]).status_code == 200
    clone = ada.get(f"{CREATE}/new?clone={answer['id']}").text
    assert 'value="net"' in clone


def test_a_sweep_makes_one_model_per_combination(ada: httpx.Client, dataset: Job) -> None:
    sweep = {"learning_rate": "[0.01, 0.1]", "batch_size": "8,16"}
    answer = ada.post(f"{CREATE}.json", data=wanted(dataset, **sweep)).json()
    names = [job["name"] for job in answer["jobs"]]
    assert names[0] == "net learning_rate:0.01 batch_size:8"
    assert len(set(names)) == 4
    page = ada.post(CREATE, data=wanted(dataset, **sweep))
    assert page.headers["location"].startswith("/")
    home = ada.get(page.headers["location"]).text
    assert "4 jobs were started" in home


def test_wrong_fields_are_named(ada: httpx.Client, server: Server, dataset: Job) -> None:
    wrong = [
        ("dataset", "nothing"),
        ("dataset", ""),
        ("model_name", ""),
        ("train_epochs", "0"),
        ("train_epochs", "many"),
        ("learning_rate", "fast"),
        ("batch_size", "0"),
        ("lr_policy", "steep"),
        ("solver_type", "NEWTON"),
        ("crop_size", "9"),
        ("use_mean", "maybe"),
        ("framework", "caffe"),
        ("standard_networks", "vgg"),
        ("method", "magic"),
    ]
    for field, value in wrong:
        sent = {**wanted(dataset), field: value}
        answer = ada.post(f"{CREATE}.json", data=sent)
        assert answer.status_code == 400, (field, value, answer.text)
        assert field in answer.json()["errors"], (field, value, answer.text)
        assert ada.post(CREATE, data=sent).status_code == 400
    assert server.store.jobs(kind="model")[1] == 0


def test_the_description(anyone: httpx.Client, server: Server, model: Job) -> None:
    answer = anyone.get(f"/models/{model.id}.json").json()
    assert answer["snapshots"] == [1, 2]
    assert answer["directory"] == str(server.store.files.directory(model.id))
    assert answer["snapshot file"] == "snapshot_2.safetensors"
    assert answer["job id"] == answer["id"] == model.id
    assert answer["username"] == "ada"
    assert answer["framework"] == "pytorch"


def test_the_description_has_the_keys_of_the_reference(
    anyone: httpx.Client, dataset: Job, make_model: MakeModel
) -> None:
    brief = {"id", "name", "status", "dataset_id", "job id", "creation time", "username"}
    files = {"mean file", "snapshot file", "model file", "labels file"}
    others = {"framework", "image dimensions", "digits version", "image resize mode"}
    model = make_model(dataset_id=dataset.id)
    detailed = anyone.get(f"/models/{model.id}.json").json()
    assert set(detailed) == brief | files | others | {"directory", "snapshots"}
    (listed,) = anyone.get("/index.json").json()["models"]
    assert set(listed) == brief | files | others


def test_the_pages(anyone: httpx.Client, dataset: Job, make_model: MakeModel) -> None:
    model = make_model(dataset_id=dataset.id)
    page = anyone.get(f"/models/{model.id}").text
    assert "lamp" in page
    assert "shades" in page
    assert "Epoch #2" in page
    assert anyone.get(f"{CREATE}/large_graph?job_id={model.id}").status_code == 200
    assert anyone.get(f"{CREATE}/large_graph").status_code == 400
    assert anyone.get(f"{CREATE}/large_graph?job_id={dataset.id}").status_code == 404
    assert anyone.get(f"/models/{model.id}/snapshots").status_code == 200
    assert "lamp" in anyone.get(f"/datasets/{dataset.id}").text


def test_pages_read_no_more_models_than_they_show(
    anyone: httpx.Client, ada: httpx.Client, server: Server, dataset: Job
) -> None:
    about = {"kind": "model", "type": "Image Classification Model", "owner": "ada"}
    names = [f"sibling-{number:02d}" for number in range(24)]
    for name in names:
        words = {"name": name, "options": {}, "form": {}, "plan": (), "framework": "pytorch"}
        last = server.store.add_job(**about, **words, dataset_id=dataset.id)
    read: list[str] = []
    listen = (Job, "load", lambda job, _: read.append(job.name))
    event.listen(*listen)
    try:
        page = anyone.get(f"/models/{last.id}").text
        assert [name for name in names if name in page] == names[-21:]
        assert all(name in anyone.get(f"/datasets/{dataset.id}").text for name in names)
        assert ada.get(f"{CREATE}/new").status_code == 200
    finally:
        event.remove(*listen)
    assert set(read) <= {last.name, dataset.name}


def test_a_model_page_leads_to_the_large_graph(anyone: httpx.Client, model: Job) -> None:
    assert f"{CREATE}/large_graph?job_id={model.id}" in anyone.get(f"/models/{model.id}").text


def test_the_page_tells_how_large_the_network_is() -> None:
    train = Step(key="train", facts={"network": {"parameters": 431080}})
    assert ("Parameters", "431,080") in model_view.facts(Job(steps=[train]))


def test_a_clone_says_what_is_not_there_any_more(
    ada: httpx.Client, dataset: Job, model: Job, server: Server
) -> None:
    gone = "20200101-101500-0a1b"
    about = {"kind": "model", "type": model.type, "name": "old", "owner": "ada", "options": {}}
    old = server.store.add_job(**about, form={"model_name": "old", "dataset": gone}, plan=())
    page = ada.get(f"{CREATE}/new?clone={old.id}")
    assert page.status_code == 200
    assert f"That job used &#39;{gone}&#39;, which is not here any more." in page.text


def test_curves(anyone: httpx.Client, model: Job) -> None:
    graph = anyone.get(f"/models/{model.id}/curves.json").json()
    columns = {name: values for name, *values in graph["columns"]}
    assert columns["loss-train"] == [1.0, 0.5]
    assert columns["accuracy-val"] == [pytest.approx(50), pytest.approx(60)]
    assert columns[graph["xs"]["loss-train"]] == [1, 2]
    assert graph["axes"] == {"accuracy-val": "y2"}
    assert graph["names"]["loss-val"] == "loss (val)"
    assert "learning_rate-train" not in columns
    rates = anyone.get(f"/models/{model.id}/lr_curves.json").json()
    assert rates["columns"] == [["epoch", 1, 2], ["lr", 0.01, 0.005]]
    named = anyone.get(f"/models/{model.id}/curves.json?names=learning_rate&points=1").json()
    assert named["columns"][0][0] == "learning_rate-train"
    assert anyone.get(f"/models/{model.id}/curves.json?points=x").status_code == 400


def test_no_curves_before_the_first_value(anyone: httpx.Client, make_model: MakeModel) -> None:
    model = make_model(epochs=0)
    assert anyone.get(f"/models/{model.id}/curves.json").json()["columns"] == []
    assert anyone.get(f"/models/{model.id}/lr_curves.json").json()["columns"] == []


def test_rate_preview(anyone: httpx.Client) -> None:
    asked = {
        "learning_rate": "0.1, 0.01",
        "lr_policy": "multistep",
        "lr_multistep_values": "50,85",
        "lr_multistep_gamma": "0.5",
        "lr_step_size": "",
    }
    columns = anyone.post(RATES, data=asked).json()["data"]["columns"]
    assert [column[0] for column in columns] == ["Learning Rate 0", "Learning Rate 1"]
    for (_, *rates), base in zip(columns, (0.1, 0.01), strict=True):
        assert len(rates) == 101
        # Both curves fall at the same places.
        assert [rates[0], rates[49], rates[50], rates[100]] == pytest.approx(
            [base, base, base / 2, base / 4]
        )
    for wrong in ({"lr_policy": "steep"}, {"learning_rate": "x"}):
        assert anyone.post(RATES, data={**asked, **wrong}).status_code == 400
    huge = {"lr_policy": "step", "lr_step_size": "0.1", "lr_step_gamma": "1e300"}
    assert anyone.post(RATES, data=huge).status_code == 400


def test_network_texts(ada: httpx.Client, dataset: Job, model: Job, server: Server) -> None:
    customize = "/models/customize"
    standard = ada.post(f"{customize}?network=lenet&framework=pytorch").json()
    assert "def build" in standard["network"]
    assert set(standard) == {"network"}
    job_id = ada.post(f"{CREATE}.json", data=wanted(dataset)).json()["id"]
    own = ada.post(f"{customize}?network={job_id}").json()
    assert own == {"network": standard["network"], "snapshot": None, "python_layer": None}
    directory = server.store.files.directory(model.id)
    save_file({"a": np.zeros(2, np.float32)}, directory / "snapshot_2.safetensors")
    chosen = ada.post(f"{customize}?network={model.id}", data={"snapshot_epoch": "2"}).json()
    assert chosen["snapshot"] == str(directory / "snapshot_2.safetensors")
    assert ada.post(customize).status_code == 400
    assert ada.post(f"{customize}?network=nothing").status_code == 404
    assert ada.post(f"{customize}?network=lenet&framework=ftp").status_code == 400
    assert (
        ada.post(f"{customize}?network={model.id}", data={"snapshot_epoch": "9"}).status_code == 404
    )
