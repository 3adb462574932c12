"""What the tests of this room stand on: the served application, small data, a small network."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnx
import uvicorn
from onnx import TensorProto, helper, numpy_helper

from netloom.app import create_app
from netloom.interfaces.job import MetricPoint
from netloom.settings import Settings
from netloom.store import Store
from netloom.web.site import Site

CLASSES = ("dark", "light")
SIDE = 8


class Server:
    """The application, served from a thread of the test."""

    def __init__(self, settings: Settings) -> None:
        self.app = create_app(settings, schedule=False)
        self.site: Site = self.app.state.site
        config = uvicorn.Config(self.app, port=0, log_config=None, timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)

    def __enter__(self) -> Server:
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            time.sleep(0.005)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()

    @property
    def store(self) -> Store:
        return self.site.store

    def client(self, user: str = "", **about: Any) -> httpx.Client:
        cookies = {"username": user} if user else {}
        address = f"http://localhost:{self.port}"
        return httpx.Client(base_url=address, cookies=cookies, trust_env=False, **about)


def fields(pictures: Path, **values: object) -> dict[str, object]:
    """Return the form of a small dataset."""
    return {
        "dataset_name": "shades",
        "folder_train": str(pictures),
        "resize_width": SIDE,
        "resize_height": SIDE + 2,
        "resize_channels": "1",
        **values,
    }


def points(epoch: int) -> list[MetricPoint]:
    """Return what a training records in one epoch."""
    values = (("loss", "train", 1 / epoch), ("learning_rate", "train", 0.01 / epoch))
    values += (("loss", "val", 1.5 / epoch), ("accuracy", "val", 0.4 + 0.1 * epoch))
    return [
        MetricPoint(series=name, split=split, iteration=10 * epoch, epoch=epoch, value=value)
        for name, split, value in values
    ]


def shade_network() -> onnx.ModelProto:
    """Return a network whose logits are the darkness and the lightness of the image."""
    mean = np.full((SIDE * SIDE, 1), 1 / (SIDE * SIDE * 50), np.float32)
    tensors = {
        "weights": np.hstack([-mean, mean]),
        "bias": np.array([128 / 50, -128 / 50], np.float32),
    }
    nodes = [
        helper.make_node("Flatten", ["data"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weights", "bias"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "shade",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["batch", 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 2])],
        [numpy_helper.from_array(value, name) for name, value in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
