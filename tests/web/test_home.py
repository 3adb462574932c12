"""The home tables: as JSON, as pages, filtered and sorted."""

from __future__ import annotations

import dataclasses
import re

import httpx
import pytest

from netloom import jobs
from netloom.interfaces.job import SnapshotFile, StepPlan
from netloom.store import Job
from netloom.testing.steps import Nothing
from tests.web.conftest import MakeModel
from tests.web.small_site import Server


def test_index_lists_datasets_and_models(
    anyone: httpx.Client, server: Server, dataset: Job, make_model: MakeModel
) -> None:
    model = make_model(dataset_id=dataset.id)
    index = anyone.get("/index.json").json()
    assert index["datasets"] == [{"id": dataset.id, "name": "shades", "status": "Done"}]
    (found,) = index["models"]
    assert {key: found[key] for key in ("id", "name", "status", "dataset_id", "framework")} == {
        "id": model.id,
        "name": "lamp",
        "status": "Done",
        "dataset_id": dataset.id,
        "framework": "pytorch",
    }
    assert found["snapshot file"] == "snapshot_2.safetensors"
    assert found["image dimensions"] == [10, 8, 1]
    assert "snapshots" not in found
    assert "directory" not in found
    assert index["jobs_dir"] == str(server.store.files.jobs)
    assert "server_name" not in index


def test_accept_json_gives_the_index(anyone: httpx.Client) -> None:
    asked = {"accept": "application/json, text/html;q=0.5"}
    assert "datasets" in anyone.get("/", headers=asked).json()
    both = {"accept": "text/html, application/json"}
    assert anyone.get("/", headers=both).headers["content-type"].startswith("text/html")


def test_completed_jobs_have_the_rows_of_the_tables(
    anyone: httpx.Client, dataset: Job, make_model: MakeModel
) -> None:
    model = make_model(dataset_id=dataset.id)
    waiting = make_model(dataset_id=dataset.id, epochs=0)
    answer = anyone.get("/completed_jobs.json").json()
    assert [row["id"] for row in answer["datasets"]] == [dataset.id]
    assert answer["datasets"][0]["backend"] == "lmdb"
    assert answer["datasets"][0]["progress"] == 100
    row = next(row for row in answer["models"] if row["id"] == model.id)
    assert row["status_css"] == "success"
    assert row["type"] == "model"
    assert row["loss (train) last"] == 0.5
    assert row["loss (train) max"] == 1.0
    assert row["accuracy (val) last"] == pytest.approx(60)
    assert row["epoch (train) max"] == 2
    assert row["sparkline"] == [1.0, 0.5]
    assert "learning_rate (train) last" in answer["model_output_fields"]
    assert answer["model_output_fields"] == sorted(answer["model_output_fields"])
    assert anyone.get(f"/jobs/{model.id}/table_data.json").json()["job"]["id"] == model.id
    assert "sparkline" not in anyone.get(f"/jobs/{waiting.id}/table_data.json").json()["job"]
    assert anyone.get("/jobs/20260101-101500-0a1b/table_data.json").status_code == 404


def test_lists_are_made_some_jobs_at_a_time(
    anyone: httpx.Client, make_model: MakeModel, dataset: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    for epochs in (1, 2, 0):
        make_model(dataset_id=dataset.id, epochs=epochs)
    whole = [anyone.get(path) for path in ("/index.json", "/completed_jobs.json")]
    monkeypatch.setattr("netloom.store.briefs.AT_ONCE", 2)
    parts = [anyone.get(path) for path in ("/index.json", "/completed_jobs.json")]
    assert [answer.content for answer in parts] == [answer.content for answer in whole]
    assert len(parts[0].json()["models"]) == len(parts[1].json()["models"]) == 3
    assert parts[1].headers["content-type"] == "application/json"


def test_a_list_that_cannot_begin_is_an_error(
    anyone: httpx.Client, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OSError("away")

    monkeypatch.setattr(server.store, "briefs", away)
    answer = anyone.get("/completed_jobs.json")
    assert answer.status_code == 500
    assert "error" in answer.json()


def test_the_first_steps_end_at_a_model_that_can_answer(
    anyone: httpx.Client, server: Server
) -> None:
    store, invitation = server.store, "From a folder of images to a network that answers"
    plan = [StepPlan(key="train", title="Train", step=Nothing())]
    words = {"name": "net", "owner": "ada", "options": {}, "form": {}, "plan": plan}
    model = store.add_job(kind="model", type="Image Classification Model", **words)
    jobs.abort(store, model.id)
    assert store.job(model.id).status == "A"
    classify = f'href="/models/{model.id}#classify"'
    file = SnapshotFile(epoch=1, iteration=10, weights="snapshot_1.safetensors")
    store.add_snapshot(model.id, file)
    page = anyone.get("/").text
    assert invitation in page
    assert classify not in page
    store.add_snapshot(model.id, dataclasses.replace(file, network="snapshot_1.onnx"))
    assert classify in anyone.get("/").text
    second = store.add_job(kind="model", type="Image Classification Model", **words)
    jobs.abort(store, second.id)
    assert invitation not in anyone.get("/").text


def test_the_tables_filter_sort_and_paginate(anyone: httpx.Client, make_model: MakeModel) -> None:
    for _ in range(3):
        make_model(epochs=1)
    page = anyone.get("/fragments/models?models_limit=2&models_sort=name&models_order=asc").text
    assert page.count('data-job="') == 2
    assert anyone.get("/fragments/models?models_text=lamp").text.count('data-job="') == 3
    assert anyone.get("/fragments/models?models_text=%25").text.count('data-job="') == 0
    odd = "/?models_sort=%27;drop&models_offset=-1&models_limit=x&models_status=Q&tab=9"
    assert anyone.get(odd).status_code == 200


def test_names_are_shown_as_text(
    anyone: httpx.Client, ada: httpx.Client, make_model: MakeModel
) -> None:
    model = make_model()
    ada.put(f"/jobs/{model.id}", data={"job_name": "<script>alert(1)</script>"})
    for path in ("/?tab=2", f"/models/{model.id}"):
        assert "<script>alert" not in anyone.get(path).text
    status = anyone.get(f"/models/{model.id}/status")
    assert "<script>" not in status.text
    assert status.json()["name"] == "<script>alert(1)</script>"


def test_tables_tell_what_jobs_take_on_the_disk(
    anyone: httpx.Client, server: Server, dataset: Job, model: Job
) -> None:
    assert ">On disk" in anyone.get("/fragments/models").text
    directory = server.store.files.directory(model.id)
    (directory / "more.bin").write_bytes(b"x" * 5_000_000)
    assert "5.0 MB" not in anyone.get("/fragments/models").text  # no tree is walked for a table
    assert "5.0 MB on disk" in anyone.get(f"/models/{model.id}").text
    assert "5.0 MB" in anyone.get("/fragments/models?models_sort=disk").text
    assert "bytes" not in anyone.get(f"/models/{model.id}.json").json()


def test_tables_are_grouped_and_sorted_by_two_keys(
    anyone: httpx.Client, server: Server, make_model: MakeModel
) -> None:
    models = [make_model(epochs=0) for _ in range(4)]
    for model, (name, group) in zip(
        models, (("b", "x"), ("a", "x"), ("c", ""), ("d", "w")), strict=True
    ):
        server.store.edit_job(model.id, name=f"model {name}", group=group)

    def order(query: str, **cookies: str) -> list[str]:
        anyone.cookies.update(cookies)
        text = anyone.get(f"/fragments/models?{query}").text
        return re.findall(r'data-name="model (\w) ', text)

    two_keys = "models_sort=status&models_order=asc&models_then=name&models_then_order="
    assert order(f"{two_keys}asc") == ["a", "b", "c", "d"]
    assert order(f"{two_keys}desc") == ["d", "c", "b", "a"]
    assert order(f"{two_keys}asc&models_grouped=1") == ["d", "a", "b", "c"]
    text = anyone.get("/fragments/models?models_grouped=1&models_limit=1").text
    assert 'data-fold="w"' in text
    assert order("models_sort=nothing&models_then=nothing") == ["d", "c", "a", "b"]
    assert order("", layout="models_sort%3Dname%26models_order%3Dasc") == ["a", "b", "c", "d"]
    assert order("models_order=desc") == ["d", "c", "b", "a"]
    assert order("", layout="%00%26models_sort%3D%2527%26tab") == ["d", "c", "a", "b"]
