"""Evaluation of a model on a split over HTTP: started, followed, shown, exported."""

from __future__ import annotations

import csv
import io
import re
import threading
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from netloom import jobs
from netloom.inference import results as results_module
from netloom.jobs import InProcessExecutor
from netloom.store import Job
from tests.web.conftest import MakeModel
from tests.web.small_site import SIDE, Server, fields

PATH = "/models/images/classification/evaluate"
MANY = "/models/images/classification/classify_many"


def build(server: Server, ada: httpx.Client, pictures: Path, **values: object) -> Job:
    posted = fields(pictures, **values)
    job_id = ada.post("/datasets/images/classification.json", data=posted).json()["id"]
    executor = InProcessExecutor(server.store)
    job = jobs.run_until_done(server.store, job_id, executor=executor, timeout=60)
    assert job.status == "D", [step.error for step in job.steps]
    return job


@pytest.fixture
def shades(server: Server, ada: httpx.Client, pictures: Path) -> Job:
    """A dataset in the size of the model; light pictures lie among the dark ones, too."""
    for index in range(4):
        light = (pictures / "light" / f"{index}.png").read_bytes()
        (pictures / "dark" / f"white {index}.png").write_bytes(light)
    return build(server, ada, pictures, resize_height=SIDE, seed=3, folder_pct_val=50)


@pytest.fixture
def asked(shades: Job, model: Job) -> dict[str, str]:
    return {"job_id": model.id, "dataset_id": shades.id, "split": "train"}


@pytest.fixture
def done(anyone: httpx.Client, asked: dict[str, str]) -> dict[str, Any]:
    answer = anyone.post(f"{PATH}.json", data={**asked, "wait": "60"})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_figures_of_a_split(
    server: Server, anyone: httpx.Client, shades: Job, model: Job, done: dict[str, Any]
) -> None:
    assert done["images"] == len(server.site.datasets.split(shades.id, "train"))
    assert done["split"] == "train"
    assert done["snapshot_epoch"] == "2"
    lines = anyone.get(f"/files/{shades.id}/train.txt").content
    page = anyone.post(MANY, data={"job_id": model.id}, files={"image_list": lines}).text
    (shown,) = re.findall(r"Top-1 accuracy</dt><dd>([\d.]+) %", page)
    assert f"{100 * done['top1']:.2f}" == shown
    right = sum(one["count"] for one in done["confusion"] if one["truth"] == one["said"])
    assert done["top1"] == pytest.approx(right / done["images"])
    for one in done["classes"]:
        assert one["precision"] == pytest.approx(one["right"] / one["said"])
        assert one["recall"] == pytest.approx(one["right"] / one["images"])
    assert done["mistakes_count"] == done["images"] - right
    for one in done["mistakes"]:
        assert one["truth"] != one["said"]
        assert anyone.get(one["image"]).is_success


def test_it_is_started_once_and_kept(
    server: Server, anyone: httpx.Client, asked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = anyone.get(f"{PATH}.json", params=asked)
    assert first.status_code == 404
    assert "POST" in first.json()["error"]["hint"]
    anyone.post(f"{PATH}.json", data={**asked, "wait": "60"}).raise_for_status()
    known = anyone.get(f"{PATH}.json", params=asked).json()

    def never(*_: object, **__: object) -> None:
        raise AssertionError("evaluated twice")

    monkeypatch.setattr(results_module, "collect", never)
    server.site.evaluations._known.clear()  # as after a restart
    assert anyone.post(f"{PATH}.json", data=asked).json() == known


def test_a_long_one_blocks_nobody(
    anyone: httpx.Client, asked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()
    collect = results_module.collect

    def slow(*about: Any, go_on: Any) -> Any:
        go_on(1)
        assert go.wait(30)
        return collect(*about, go_on=go_on)

    monkeypatch.setattr(results_module, "collect", slow)
    begun = anyone.post(f"{PATH}.json", data=asked)
    assert begun.status_code == 202
    assert begun.json()["status"] == "running"
    page = anyone.get(PATH, params=asked).text
    assert "Stop" in page
    assert "images" in anyone.get(f"{PATH}/progress", params=asked).text
    assert anyone.get(f"{PATH}.csv", params=asked).status_code == 404
    go.set()
    assert anyone.post(f"{PATH}.json", data={**asked, "wait": "60"}).status_code == 200
    assert anyone.get(f"{PATH}/progress", params=asked).headers["hx-redirect"]


def test_one_can_be_stopped(
    anyone: httpx.Client, asked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    def endless(*_: Any, go_on: Any) -> None:
        while go_on(1):
            pass
        ended.set()

    monkeypatch.setattr(results_module, "collect", endless)
    assert anyone.post(PATH, data=asked).status_code == 303
    assert anyone.post(f"{PATH}/stop", data=asked).status_code == 303
    assert ended.wait(30)
    assert anyone.get(f"{PATH}.json", params=asked).status_code == 404


def test_what_fails_is_told(
    anyone: httpx.Client, asked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, go_on: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(results_module, "collect", broken)
    answer = anyone.post(f"{PATH}.json", data={**asked, "wait": "60"})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "nobody foresaw" in anyone.get(PATH, params=asked).text


def test_the_page_leads_to_images_and_exports(
    anyone: httpx.Client, asked: dict[str, str], done: dict[str, Any]
) -> None:
    page = anyone.get(PATH, params=asked).text
    for title in ("Confusion", "Most confident mistakes", "Curves", "Classes", "Calibration"):
        assert f">{title}</" in page, title
    wrong = next(one for one in done["confusion"] if one["truth"] != one["said"])
    label = f"{wrong['count']} of {wrong['truth']} taken for {wrong['said']}"
    (url,) = re.findall(rf'href="([^"]+)" aria-label="{label}"', page)
    cell = anyone.get(url.replace("&amp;", "&")).text
    assert f"{wrong['truth']} taken for {wrong['said']}" in cell
    shown = {int(n) for n in re.findall(r"/images/train/(\d+)", cell)}
    assert len(shown) == wrong["count"]
    mistakes = {one["index"] for one in done["mistakes"]}
    assert shown <= mistakes
    for url in re.findall(r'href="([^"]+evaluate[^"]+)"', page):
        assert anyone.get(url.replace("&amp;", "&")).status_code == 200, url


def test_tables_for_other_programs(
    anyone: httpx.Client, asked: dict[str, str], done: dict[str, Any]
) -> None:
    def rows(what: str) -> list[dict[str, str]]:
        answer = anyone.get(f"{PATH}.csv", params={**asked, "what": what})
        assert answer.headers["content-type"].startswith("text/csv")
        return list(csv.DictReader(io.StringIO(answer.text)))

    classes = rows("classes")
    assert [one["class"] for one in classes] == ["dark", "light"]
    assert float(classes[0]["recall"]) == done["classes"][0]["recall"]
    assert sum(int(one["count"]) for one in rows("confusion")) == done["images"]
    single = rows("images")
    assert len(single) == done["images"]
    right = [one["truth"] == one["said"] for one in single]
    assert np.mean(right) == pytest.approx(done["top1"])
    assert anyone.get(f"{PATH}.csv", params={**asked, "what": "all"}).status_code == 400


def test_what_does_not_fit_is_refused(
    server: Server,
    ada: httpx.Client,
    anyone: httpx.Client,
    asked: dict[str, str],
    dataset: Job,
    pictures: Path,
    make_model: MakeModel,
) -> None:
    (pictures / "light").rename(pictures / "red")
    other = build(server, ada, pictures, resize_height=SIDE)
    for status, about, words in (
        (400, {"job_id": ""}, "job_id is a required field"),
        (404, {"job_id": asked["dataset_id"]}, "not a model"),
        (400, {"dataset_id": ""}, "dataset_id is a required field"),
        (404, {"dataset_id": asked["job_id"]}, ""),
        (404, {"split": "test"}, "no test database"),
        (404, {"split": "../train"}, ""),
        (404, {"snapshot_epoch": "9"}, "no snapshot of epoch 9"),
        (400, {"dataset_id": dataset.id}, "8 x 10 grey; the model takes 8 x 8 grey"),
        (400, {"dataset_id": other.id}, "does not know 1 of the 2 classes of the dataset: 'red'"),
        (400, {"wait": "soon"}, "wait"),
        (400, {"curves": "2"}, "curves"),
    ):
        answer = anyone.post(f"{PATH}.json", data={**asked, **about})
        assert answer.status_code == status, about
        assert words in answer.json()["error"]["description"]
    page = anyone.post(PATH, data={**asked, "dataset_id": other.id})
    assert page.status_code == 400
    assert "does not know" in page.text
    assert "<select" in page.text
    for about in ({"truth": "2"}, {"right": "maybe"}, {"size": "0"}, {"page": "-1"}):
        ask = {**asked, **about}
        assert anyone.get(f"{PATH}/images", params=ask).status_code in (400, 404), about


def test_the_form_offers_what_there_is(anyone: httpx.Client, shades: Job, model: Job) -> None:
    page = anyone.get(PATH, params={"job_id": model.id}).text
    assert f'<option value="{shades.id}"' in page
    assert "Epoch #2" in page
    assert f"{PATH}?job_id={model.id}" in anyone.get(f"/models/{model.id}").text
