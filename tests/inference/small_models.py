"""Small networks and images, made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from netloom.images import Preprocessing
from netloom.networks.card import ModelCard

ModelMaker = Callable[..., Path]


def png(pixels: Any) -> bytes:
    """Return pixels as a PNG file."""
    return bytes(cv2.imencode(".png", np.asarray(pixels, np.uint8))[1])


def network(
    *,
    classes: int = 10,
    side: int = 12,
    batch: int | str = "batch",
    seed: int = 0,
    hidden: int = 64,
    output: str = "output",
    scale: float = 0.02,
) -> onnx.ModelProto:
    """Return convolution, pooling and two dense layers with random weights, N x 1 x side x side."""
    random = np.random.default_rng(seed)
    pooled = (side - 2) // 2
    weights = {
        "w1": random.normal(0, 0.1, (4, 1, 3, 3)),
        "w2": random.normal(0, 0.1, (4 * pooled * pooled, hidden)),
        "w3": random.normal(0, scale, (hidden, classes)),
    }
    nodes = [
        helper.make_node("Conv", ["data", "w1"], ["a"]),
        helper.make_node("MaxPool", ["a"], ["b"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["b"], ["c"]),
        helper.make_node("Gemm", ["c", "w2"], ["d"]),
        helper.make_node("Relu", ["d"], ["e"]),
        helper.make_node("Gemm", ["e", "w3"], [output]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, [batch, 1, side, side])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [batch, classes])],
        [numpy_helper.from_array(w.astype(np.float32), name) for name, w in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def card(*, classes: int = 10, side: int = 12, **values: Any) -> ModelCard:
    """Return the card of such a network."""
    names = tuple(f"class {number}" for number in range(classes))
    preprocessing = values.pop("preprocessing", Preprocessing(width=side, height=side, channels=1))
    return ModelCard(
        **{"framework": "pytorch", "classes": names, "preprocessing": preprocessing} | values
    )
