"""New models that start from others: snapshots, files of weights, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from safetensors.numpy import save_file

from netloom.interfaces.job import SnapshotFile
from netloom.store import Job
from tests.web.small_site import Server

CREATE = "/models/images/classification"
TEXT = "def build(p):\n    pass\n"


@pytest.fixture
def earlier(ada: httpx.Client, server: Server, dataset: Job) -> Job:
    """A model with snapshots of the epochs 1 and 2.5; the file of the first one was deleted."""
    fields = {"dataset": dataset.id, "model_name": "first", "standard_networks": "lenet"}
    job_id = ada.post(f"{CREATE}.json", data=fields).json()["id"]
    directory = server.store.files.directory(job_id)
    for iteration, epoch in enumerate((1, 2.5)):
        file = SnapshotFile(epoch=epoch, iteration=iteration, weights=f"{epoch}.safetensors")
        server.store.add_snapshot(job_id, file)
    save_file({"a": np.zeros(2, np.float32)}, directory / "2.5.safetensors")
    return server.store.job(job_id)


def post(client: httpx.Client, dataset: Job, **values: Any) -> httpx.Response:
    wanted = {"dataset": dataset.id, "model_name": "net", **values}
    return client.post(f"{CREATE}.json", data=wanted)


def previous(earlier: Job, snapshot: str | None) -> dict[str, str]:
    chosen = {"method": "previous", "previous_networks": earlier.id}
    return chosen if snapshot is None else {**chosen, f"{earlier.id}-snapshot": snapshot}


def initial(server: Server, answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    (step,) = server.store.job(answer.json()["id"]).steps
    return step.options["initial"]


def test_a_model_starts_from_a_snapshot_of_another(
    ada: httpx.Client, server: Server, dataset: Job, earlier: Job
) -> None:
    answer = post(ada, dataset, **previous(earlier, "2.5"))
    started = {"what": "first, epoch 2.5", "files": ["2.5.safetensors"], "job": earlier.id}
    assert initial(server, answer) == started
    (step,) = server.store.job(answer.json()["id"]).steps
    assert step.options["network"] == earlier.steps[0].options["network"]
    assert initial(server, post(ada, dataset, **previous(earlier, "0"))) is None
    assert initial(server, post(ada, dataset, **previous(earlier, "-1"))) is None
    child = server.store.job(answer.json()["id"])
    assert initial(server, post(ada, dataset, **previous(child, "-1"))) == started
    clone = ada.post(f"{CREATE}.json", data={"clone": child.id})
    assert initial(server, clone) == started


def test_snapshots_that_cannot_be_used_are_named(
    ada: httpx.Client, server: Server, dataset: Job, earlier: Job
) -> None:
    wrong = {None: "Choose a snapshot", "": "Choose a snapshot", "x": "'x' is not an epoch"}
    wrong |= {"7": "no snapshot of epoch 7", "nan": "not an epoch", "1": "were deleted"}
    before = server.store.jobs(kind="model")[1]
    for snapshot, said in wrong.items():
        answer = post(ada, dataset, **previous(earlier, snapshot))
        assert answer.status_code == 400
        assert said in answer.json()["errors"][f"{earlier.id}-snapshot"][0]
        page = ada.post(CREATE, data={"dataset": dataset.id, **previous(earlier, snapshot)})
        assert page.status_code == 400
    for job_id in ("", "nothing", dataset.id):
        answer = post(ada, dataset, method="previous", previous_networks=job_id)
        assert (answer.status_code, [*answer.json()["errors"]]) == (400, ["previous_networks"])
    assert server.store.jobs(kind="model")[1] == before


def test_a_custom_network_starts_from_files(
    ada: httpx.Client, server: Server, dataset: Job, settings: Any, tmp_path: Path, pictures: Path
) -> None:
    good, other = pictures / "a.safetensors", pictures / "b.safetensors"
    for path in (good, other):
        save_file({"a": np.zeros(2, np.float32)}, path)
    custom = {"method": "custom", "custom_network": TEXT}
    answer = post(ada, dataset, **custom, custom_network_snapshot=f"{good}:{other}")
    assert initial(server, answer)["files"] == [str(good), str(other)]
    assert initial(server, answer)["what"] == "a.safetensors, b.safetensors"
    wrong = {
        f"{good}:{pictures}/c.safetensors": "There is no file",
        "/etc/passwd": "outside the folders that may be read",
        "weights.pt": "outside the folders" if Path.cwd() == tmp_path else "not an absolute path",
        f"{pictures}/dark/0.png": "is not .safetensors or .pt or .pth",
        ":".join([str(good)] * 21): "at most 20",
    }
    for given, said in wrong.items():
        answer = post(ada, dataset, **custom, custom_network_snapshot=given)
        assert answer.status_code == 400
        assert said in answer.json()["errors"]["custom_network_snapshot"][0]


def test_files_of_jobs_may_be_taken_as_customize_gives_them(
    ada: httpx.Client, server: Server, dataset: Job, earlier: Job
) -> None:
    asked = {"snapshot_epoch": "2.5"}
    given = ada.post(f"/models/customize?network={earlier.id}", data=asked).json()
    custom = {"method": "custom", "custom_network": given["network"]}
    answer = post(ada, dataset, **custom, custom_network_snapshot=given["snapshot"])
    assert initial(server, answer)["files"] == [given["snapshot"]]
    again = ada.post(
        f"/models/customize?network={answer.json()['id']}", data={"snapshot_epoch": "-1"}
    )
    assert again.json()["snapshot"] == given["snapshot"]


def test_the_page_offers_earlier_models_and_keeps_the_choice(
    ada: httpx.Client, dataset: Job, earlier: Job
) -> None:
    page = ada.get(f"{CREATE}/new").text
    assert f'name="{earlier.id}-snapshot"' in page
    assert '<option value="2.5" selected>Epoch #2.5</option>' in page
    wrong = {"dataset": dataset.id, "model_name": "", **previous(earlier, "1")}
    page = ada.post(CREATE, data=wrong).text
    assert '<option value="1" selected>Epoch #1</option>' in page
    assert f'value="{earlier.id}" aria-describedby="previous-help-{earlier.id}" checked' in page
