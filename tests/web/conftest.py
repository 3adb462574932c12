"""A real server on a free port over a real store; datasets and models as small as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import httpx
import numpy as np
import onnx
import pytest

from netloom import jobs
from netloom.images import Preprocessing
from netloom.interfaces.job import SnapshotFile
from netloom.jobs import InProcessExecutor
from netloom.networks.card import ModelCard
from netloom.settings import Settings
from netloom.store import Job, Status
from tests.web.small_site import CLASSES, SIDE, Server, fields, points, shade_network


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    with Server(settings) as server:
        yield server


@pytest.fixture
def ada(server: Server) -> Iterator[httpx.Client]:
    """Someone who is logged in."""
    with server.client("ada") as client:
        yield client


@pytest.fixture
def anyone(server: Server) -> Iterator[httpx.Client]:
    """Someone who is not."""
    with server.client() as client:
        yield client


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Six dark and six light pictures, each in the folder of its class."""
    random = np.random.default_rng(0)
    for number, name in enumerate(CLASSES):
        folder = tmp_path / "pictures" / name
        folder.mkdir(parents=True)
        for index in range(6):
            pixels = random.integers(0, 60, (10, 10)) + 190 * number
            cv2.imwrite(str(folder / f"{index}.png"), pixels.astype(np.uint8))
    return tmp_path / "pictures"


@pytest.fixture
def dataset(server: Server, ada: httpx.Client, pictures: Path) -> Job:
    """A dataset that is built."""
    answer = ada.post("/datasets/images/classification.json", data=fields(pictures)).json()
    executor = InProcessExecutor(server.store)
    job = jobs.run_until_done(server.store, answer["id"], executor=executor, timeout=60)
    assert job.status == "D", [step.error for step in job.steps]
    return job


MakeModel = Callable[..., Job]


@pytest.fixture
def make_model(server: Server) -> MakeModel:
    """Add a model that tells dark from light, as training would have left it."""

    def make(owner: str = "ada", dataset_id: str | None = None, epochs: int = 2) -> Job:
        store = server.store
        words = {"name": "lamp", "owner": owner, "options": {"train_epochs": epochs}, "form": {}}
        job = store.add_job(
            kind="model",
            type="Image Classification Model",
            plan=(),
            framework="pytorch",
            dataset_id=dataset_id,
            **words,
        )
        directory = store.files.directory(job.id)
        preprocessing = Preprocessing(width=SIDE, height=SIDE, channels=1)
        card = ModelCard(framework="pytorch", classes=CLASSES, preprocessing=preprocessing)
        card.write(directory)
        for epoch in range(1, epochs + 1):
            onnx.save(shade_network(), str(directory / f"snapshot_{epoch}.onnx"))
            store.append_points(job.id, points(epoch))
            file = SnapshotFile(
                epoch=epoch,
                iteration=10 * epoch,
                weights=f"snapshot_{epoch}.safetensors",
                network=f"snapshot_{epoch}.onnx",
                metrics={"accuracy": 0.5 + 0.1 * epoch, "loss": 1 / epoch},
                best=True,
            )
            store.add_snapshot(job.id, file)
        store.set_job_status(job.id, Status.DONE)
        return store.job(job.id)

    return make


@pytest.fixture
def model(make_model: MakeModel) -> Job:
    return make_model()
