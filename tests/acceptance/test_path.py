"""The whole path over HTTP: folder, dataset, training, answers."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netloom import datasets
from tests.acceptance.workbench import DATASETS, MODELS, Workbench, until


@pytest.fixture(scope="module")
def model(bench: Workbench, dataset: str) -> str:
    solver = {"solver_type": "ADAM", "learning_rate": 0.001, "batch_size": 10, "random_seed": 1}
    answer = bench.model(dataset, train_epochs=6, **solver)
    assert answer.status_code == 200, answer.text
    return bench.done(answer.json()["id"])


def test_the_dataset_counts_its_images(bench: Workbench, dataset: str) -> None:
    told = bench.http.get(f"/datasets/{dataset}.json").json()
    assert told["status"] == "Done"
    (parsed,) = told["ParseFolderTasks"]
    assert (parsed["label_count"], parsed["train_count"], parsed["val_count"]) == (2, 90, 30)
    entries = {task["name"]: task["entries"] for task in told["CreateDbTasks"]}
    assert entries == {"Create DB (train)": 90, "Create DB (val)": 30}


def test_the_network_learns(bench: Workbench, model: str) -> None:
    assert bench.row(model)["accuracy (val) last"] >= 95


def test_one_image_is_classified(bench: Workbench, model: str, shapes: Path) -> None:
    for label in ("lying", "standing"):
        files = {"image_file": (shapes / label / "00000.png").read_bytes()}
        answer = bench.http.post(f"{MODELS}/classify_one.json", data={"job_id": model}, files=files)
        assert answer.status_code == 200, answer.text
        predictions = answer.json()["predictions"]
        assert predictions[0][0] == label
        assert sum(percent for _, percent in predictions) == pytest.approx(100, abs=0.05)


def test_a_list_is_classified(bench: Workbench, model: str, dataset: str) -> None:
    listing = bench.http.get(f"/files/{dataset}/val.txt").content
    answer = bench.http.post(
        f"{MODELS}/classify_many.json",
        data={"job_id": model},
        files={"image_list": ("val.txt", listing)},
    )
    assert answer.status_code == 200, answer.text
    found = answer.json()["classifications"]
    assert len(found) == 30
    right = sum(Path(path).parent.name == top[0][0] for path, top in found.items())
    assert right >= 28


def test_a_longer_list_needs_no_more_memory(bench: Workbench, model: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (512, 512, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "0.bmp")  # 768 kB
    for number in range(1, 400):
        os.link(tmp_path / "0.bmp", tmp_path / f"{number}.bmp")
    peaks = []
    for count in (80, 400):
        listing = "".join(f"{tmp_path}/{number}.bmp 1\n" for number in range(count))
        answer = bench.http.post(
            f"{MODELS}/classify_many.json",
            data={"job_id": model},
            files={"image_list": ("list.txt", listing)},
        )
        assert len(answer.json()["classifications"]) == count
        assert bench.server.process is not None
        peaks.append(peak(bench.server.process.pid))
    assert peaks[1] - peaks[0] < 40 * 2**20  # holding the images would take 240 MB more


def peak(process: int) -> int:
    """Return the most memory that a process has had, in bytes."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def test_one_image_gets_the_same_numbers_at_every_door(
    bench: Workbench, model: str, shapes: Path
) -> None:
    path = shapes / "lying" / "00003.png"
    one = bench.http.post(
        f"{MODELS}/classify_one.json", data={"job_id": model, "image_path": str(path)}
    ).json()["predictions"]
    many = bench.http.post(
        f"{MODELS}/classify_many.json",
        data={"job_id": model},
        files={"image_list": ("list.txt", f"{path}\n")},
    ).json()["classifications"][str(path)]
    assert one == many


def test_the_pages_of_the_path_open(bench: Workbench, model: str, dataset: str) -> None:
    for page in (
        "/",
        "/login",
        f"{DATASETS}/new",
        f"/datasets/{dataset}",
        f"{DATASETS}/explore?job_id={dataset}&db=val_db",
        f"{MODELS}/new",
        f"/models/{model}",
    ):
        answer = bench.http.get(page)
        assert answer.status_code == 200, page
        assert answer.headers["content-type"].startswith("text/html"), page


def test_the_lists_name_the_jobs(bench: Workbench, model: str, dataset: str) -> None:
    told = bench.http.get("/index.json").json()
    assert dataset in [job["id"] for job in told["datasets"]]
    assert model in [job["id"] for job in told["models"]]


def test_the_databases_can_be_read_back(bench: Workbench, dataset: str, shapes: Path) -> None:
    split = datasets.open(bench.store.files.directory(dataset)).split("val")
    listing = (bench.store.files.directory(dataset) / "val.txt").read_text().splitlines()
    originals = {path.read_bytes() for path in shapes.rglob("*.png")}
    pixels = {np.asarray(Image.open(io.BytesIO(data))).tobytes() for data in originals}
    assert len(split) == len(listing) == 30
    for number in range(len(split)):
        assert split.read([number])[0].tobytes() in pixels


def test_events_tell_how_a_job_goes(bench: Workbench, shapes: Path) -> None:
    statuses = []
    with bench.http.stream("GET", "/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        job = bench.dataset(shapes).json()["id"]
        for line in stream.iter_lines():
            event = json.loads(line[6:]) if line.startswith("data: ") else {}
            if event.get("job_id") == job and "status" in event and event["step"] is None:
                statuses.append(event["status"])
                if not event["running"]:
                    break
    assert statuses == ["R", "D"]


def test_abort_is_quick_and_keeps_the_snapshots(
    bench: Workbench, dataset: str, shapes: Path
) -> None:
    job = bench.model(dataset, train_epochs=5000, batch_size=4).json()["id"]
    until(lambda: bench.http.get(f"/models/{job}.json").json()["snapshots"], "snapshot")
    assert bench.http.post(f"/models/{job}/abort").text == "Job aborted."
    until(lambda: bench.row(job)["status"] == "Aborted", "abort", 4)
    until(lambda: bench.worker_of(job) is None, "end of the worker", 4)
    image = shapes / "lying" / "00000.png"
    answer = bench.http.post(
        f"{MODELS}/classify_one.json", data={"job_id": job, "image_path": str(image)}
    )
    assert answer.status_code == 200, answer.text


def test_the_server_has_not_imported_torch(bench: Workbench) -> None:
    assert bench.server.process is not None
    maps = Path(f"/proc/{bench.server.process.pid}/maps").read_text()
    assert "libtorch" not in maps
