"""Archives sent back to a server become pretrained models, or nothing at all."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import httpx
import numpy as np
import pytest
from safetensors.numpy import save

from netloom.store import Job
from tests.web.small_site import CLASSES, Server

PATH = "/pretrained_models/upload_archive"
TEXT = "def build(p):\n    pass\n"
INFO = {
    "name": "lamp",
    "framework": "pytorch",
    "snapshot file": "snapshot_2.safetensors",
    "model file": "network.py",
    "labels file": "labels.txt",
    "image dimensions": [8, 8, 1],
    "image resize mode": "crop",
}
FILES = {
    "snapshot_2.safetensors": save({"a": np.zeros(2, np.float32)}),
    "network.py": TEXT.encode(),
    "labels.txt": b"dark\nlight\n",
}


def archive(info: object = INFO, **files: bytes | None) -> bytes:
    """Return a zip; a file that is None is left out."""
    members = {"info.json": json.dumps(info).encode(), **FILES, **files}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name, data in members.items():
            if data is not None:
                packed.writestr(name, data)
    return file.getvalue()


def without(*keys: str, **changes: Any) -> dict[str, Any]:
    return {key: value for key, value in {**INFO, **changes}.items() if key not in keys}


def send(client: httpx.Client, data: bytes, **about: Any) -> httpx.Response:
    return client.post(PATH, files={"archive": ("model.zip", data)}, **about)


def pretrained(server: Server) -> list[Job]:
    return server.store.jobs(kind="pretrained")[0]


def test_an_archive_becomes_a_pretrained_model(ada: httpx.Client, server: Server) -> None:
    answer = send(ada, archive())
    assert answer.status_code == 200
    (job,) = pretrained(server)
    assert answer.json() == {"status": "success", "id": job.id}
    assert (job.name, job.owner, job.status, job.framework) == ("lamp", "ada", "D", "pytorch")
    assert job.facts["image_dimensions"] == [8, 8, 1]
    assert job.facts["resize_mode"] == "crop"
    directory = server.store.files.directory(job.id)
    assert (directory / "network.py").read_text() == TEXT
    assert (directory / "labels.txt").read_text() == "dark\nlight\n"
    assert (directory / "model.safetensors").read_bytes() == FILES["snapshot_2.safetensors"]
    assert ada.get(f"/pretrained_models/{job.id}").is_success


@pytest.mark.parametrize("extension", ["zip", "tar.gz", "tar", "tar.bz2"])
def test_what_was_downloaded_can_be_sent_back(
    ada: httpx.Client, server: Server, model: Job, extension: str
) -> None:
    directory = server.store.files.directory(model.id)
    (directory / "snapshot_2.safetensors").write_bytes(FILES["snapshot_2.safetensors"])
    (directory / "network.py").write_text(TEXT)
    (directory / "labels.txt").write_text("".join(f"{name}\n" for name in CLASSES))
    packed = ada.get(f"/models/{model.id}/download.{extension}").content
    assert send(ada, packed).json()["status"] == "success"
    (job,) = pretrained(server)
    assert job.name == model.name
    assert job.facts["labels"] == len(CLASSES)


def test_older_archives_say_network_file(ada: httpx.Client) -> None:
    info = without("model file", **{"network file": "network.py"})
    assert send(ada, archive(info)).json()["status"] == "success"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"words", "Incorrect Archive Type"),
        (b"", "Incorrect Archive Type"),
        (archive(without("name")), "Missing Key 'name' in info.json"),
        (archive(without("framework")), "Missing Key 'framework' in info.json"),
        (archive(without("snapshot file")), "Missing Key 'snapshot file' in info.json"),
        (archive(without(name=["x"])), "Missing Key 'name' in info.json"),
        (archive(without("model file")), "Missing model definition in info.json"),
        (archive([]), "Missing or Incorrect json file"),
        (archive(**{"info.json": b"{"}), "Missing or Incorrect json file"),
        (archive(**{"info.json": None}), "Missing or Incorrect json file"),
        (archive(**{"network.py": None}), "no file 'network.py'"),
        (archive(**{"network.py": b"\xff\xfe"}), "not a text in UTF-8"),
        (archive(**{"network.py": b"import os"}), "build"),
        (archive(**{"snapshot_2.safetensors": b"no weights"}), ""),
        (archive(without(**{"snapshot file": "../../netloom.db"})), "cannot be read"),
        (archive(without(**{"snapshot file": "a.caffemodel"})), "cannot be read"),
        (archive(without(framework="caffe")), "caffe"),
        (archive(**{"../evil.py": b""}), "name that is not taken"),
    ],
)
def test_what_is_wrong_is_told_and_leaves_nothing(
    ada: httpx.Client, server: Server, data: bytes, status: str
) -> None:
    answer = send(ada, data)
    assert answer.status_code == 400, answer.text
    assert status in answer.json()["status"]
    assert answer.json()["error"]["field"] == "archive"
    assert pretrained(server) == []
    assert list((server.store.files.root / "temporary").iterdir()) == []


def test_an_upload_needs_a_name_and_a_file(anyone: httpx.Client, ada: httpx.Client) -> None:
    asked = {"accept": "application/json"}
    assert send(anyone, archive(), headers=asked).status_code == 401
    assert ada.post(PATH).status_code == 400


def test_a_browser_is_led_to_the_table(ada: httpx.Client) -> None:
    asked = {"accept": "text/html,application/xhtml+xml"}
    answer = send(ada, archive(), headers=asked)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?tab=3")
    wrong = send(ada, b"words", headers=asked)
    assert wrong.status_code == 400
    assert "Incorrect Archive Type" in wrong.text
    assert 'action="/pretrained_models/upload_archive"' in ada.get("/pretrained_models/new").text
