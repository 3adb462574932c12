"""Archives of models over HTTP, and what can be done with one elsewhere."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import httpx
import pytest

from netloom import jobs
from netloom.jobs import InProcessExecutor
from netloom.store import Job
from tests.web.small_site import CLASSES, Server

ONE = "/models/images/classification/classify_one.json"
NETWORK = """
from torch import nn


def build(p):
    channels, height, width = p.input_shape
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, p.classes))
"""
RUN = "import runpy, sys; runpy.run_path(sys.argv[0]); print(*sys.modules)"


@pytest.fixture
def lamp(server: Server, model: Job) -> Job:
    """A model with the files that a training leaves."""
    directory = server.store.files.directory(model.id)
    for epoch in (1, 2):
        (directory / f"snapshot_{epoch}.safetensors").write_bytes(b"weights %d" % epoch)
    (directory / "network.py").write_text(NETWORK)
    (directory / "labels.txt").write_text("".join(f"{name}\n" for name in CLASSES))
    return model


def opened(answer: httpx.Response) -> dict[str, bytes]:
    """Return the members of an archive by name."""
    assert answer.status_code == 200, answer.text
    if answer.headers["content-type"] == "application/zip":
        with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
            return {name: file.read(name) for name in file.namelist()}
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as file:
        return {about.name: file.extractfile(about).read() for about in file}


@pytest.mark.parametrize("extension", ["tar", "tar.gz", "tgz", "tar.bz2", "zip"])
def test_every_format_has_the_same_members(anyone: httpx.Client, lamp: Job, extension: str) -> None:
    answer = anyone.get(f"/models/{lamp.id}/download.{extension}")
    name = f"{lamp.id}_epoch_-1.{extension}"
    assert answer.headers["content-disposition"] == f"attachment; filename={name}"
    found = opened(answer)
    assert sorted(found) == [
        "info.json", "labels.txt", "model.json", "network.onnx", "network.py", "predict.py",
        "snapshot_2.safetensors",
    ]  # fmt: skip
    assert found["snapshot_2.safetensors"] == b"weights 2"
    assert found["labels.txt"] == b"dark\nlight\n"


def test_the_information_is_that_of_the_model(anyone: httpx.Client, lamp: Job) -> None:
    found = opened(anyone.get(f"/models/{lamp.id}/download", params={"epoch": "1"}))
    described = anyone.get(f"/models/{lamp.id}.json").json()
    for key in ("directory", "snapshots"):
        del described[key]
    assert json.loads(found["info.json"]) == described | {"snapshot file": "snapshot_1.safetensors"}
    lines = found["info.json"].decode().splitlines()
    assert lines[1].startswith('    "')
    assert lines[1:-1] == sorted(lines[1:-1])


def test_a_snapshot_can_be_chosen(anyone: httpx.Client, lamp: Job) -> None:
    url = f"/models/{lamp.id}/download"
    for answer in (
        anyone.get(f"{url}.zip", params={"epoch": "1"}),
        anyone.post(f"{url}.zip", data={"snapshot_epoch": "1.0"}),
    ):
        assert f"{lamp.id}_epoch_1.zip" in answer.headers["content-disposition"]
        assert opened(answer)["snapshot_1.safetensors"] == b"weights 1"
    answer = anyone.post(url)
    assert f"{lamp.id}_epoch_-1.tar.gz" in answer.headers["content-disposition"]


def test_what_cannot_be_packed(
    server: Server, anyone: httpx.Client, lamp: Job, dataset: Job
) -> None:
    asked = {"accept": "application/json"}
    for status, path in (
        (400, f"{lamp.id}/download.rar"),
        (400, f"{lamp.id}/download.tar.gz.exe"),
        (400, f"{lamp.id}/download?epoch=last"),
        (400, f"{lamp.id}/download?epoch=nan"),
        (404, f"{lamp.id}/download?epoch=7"),
        (404, f"{dataset.id}/download"),
        (404, "nothing/download.zip"),
    ):
        answer = anyone.get(f"/models/{path}", headers=asked)
        assert answer.status_code == status, path
        assert answer.json()["error"]["description"], path
    (server.store.files.directory(lamp.id) / "snapshot_1.safetensors").unlink()
    gone = anyone.get(f"/models/{lamp.id}/download?epoch=1", headers=asked)
    assert "snapshot_1.safetensors" in gone.json()["error"]["description"]


def test_the_page_offers_every_format(anyone: httpx.Client, lamp: Job) -> None:
    page = anyone.get(f"/models/{lamp.id}").text
    for extension in ("tar", "tar.gz", "tgz", "tar.bz2", "zip"):
        assert f'href="/models/{lamp.id}/download.{extension}?epoch=2"' in page


def test_an_unpacked_archive_answers_like_the_server(
    server: Server, ada: httpx.Client, dataset: Job, pictures: Path, tmp_path: Path
) -> None:
    trained = ada.post(
        "/models/images/classification.json",
        data={
            "model_name": "linear",
            "dataset": dataset.id,
            "method": "custom",
            "custom_network": NETWORK,
            "train_epochs": "1",
            "random_seed": "1",
            "learning_rate": "0.0001",
        },
    ).json()
    executor = InProcessExecutor(server.store)
    job = jobs.run_until_done(server.store, trained["id"], executor=executor, timeout=100)
    assert job.status == "D", [step.error for step in job.steps]
    found = opened(ada.get(f"/models/{job.id}/download.zip"))
    assert {"mean.npy", "mean.binaryproto"} <= found.keys()
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    for name, data in found.items():
        (folder / name).write_bytes(data)
    images = sorted(pictures.rglob("*.png"))
    # Isolated: neither this folder nor the environment can lend it anything.
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; del sys.argv[0]; {RUN}", "predict.py", *images],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *lines, modules = done.stdout.splitlines()
    rooms = {module.partition(".")[0] for module in modules.split()}
    assert {"cv2", "numpy", "onnxruntime"} <= rooms
    assert not rooms & {"netloom", "torch", "PIL", "onnx", "pydantic", "scipy"}
    printed = {path: answer for line in lines for path, answer in json.loads(line).items()}
    assert sorted(printed) == [str(path) for path in images]
    for path in images:
        files = {"image_file": path.read_bytes()}
        said = ada.post(ONE, data={"job_id": job.id}, files=files).json()["predictions"]
        assert printed[str(path)] == said
