"""
Inside a network: what its layers are made of, and what they make of one image.

The network is opened a second time, with the output of every layer as an output of its own.
Predictions never come from there: what ONNX Runtime joins for speed has other last digits
than its parts. By hand:

    Inside.open(directory, "snapshot_3.onnx").look(tensor)
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from netloom.errors import BadModel, InferenceFailed, InvalidInput
from netloom.images import Preprocessing
from netloom.inference import figures, tiles, weights
from netloom.inference.graph import Graph, LayerNode
from netloom.inference.network import Floats, run_options, session_options, weight_bytes

MOST_LAYERS = 1000
MOST_BYTES = 2**27  # of activations that are held at the same time
DENSE = frozenset({"Gemm", "MatMul"})


@dataclass(frozen=True, kw_only=True)
class View:
    """The weights of a layer, or what it gives for an image."""

    name: str
    kind: str  # "Activation" or "Weights"
    figures: figures.Figures
    picture: tiles.Picture | None = None  # none for the weights of dense layers
    layer_type: str = ""
    parameters: int | None = None  # of weights

    def as_json(self) -> dict[str, Any]:
        """Return the object that scripts read."""
        described: dict[str, Any] = {"name": self.name, "vis_type": self.kind}
        if self.parameters is not None:
            described |= {"layer_type": self.layer_type, "param_count": self.parameters}
        return described | {"data_stats": self.figures.as_json()}


@dataclass(frozen=True)
class Looked:
    """All layers of a network, looked at with one image."""

    views: tuple[View, ...]  # in the order of the network
    parameters: int


@dataclass
class Inside:
    """A network whose layers can be looked at; may be used from several threads."""

    graph: Graph
    session: Any  # onnxruntime.InferenceSession
    bytes: int  # estimate of the memory it holds while idle
    _weights: dict[str, View] = field(default_factory=dict, repr=False)  # by layer, as they stay
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def open(cls, directory: Path, file: str) -> Inside:
        """Open a network file of a model directory; raise BadModel or InvalidInput."""
        graph = Graph.read(directory, file)
        if len(graph.layers) > MOST_LAYERS:
            raise InvalidInput(
                f"The network has {len(graph.layers):,} layers; {MOST_LAYERS:,} can be shown."
            )
        session = start(graph, graph.giving([layer.output for layer in graph.layers]))
        # The pictures of weights take about as much as one picture of the widest kind per layer.
        pictures = 2**18 * sum(bool(layer.weights) for layer in graph.layers)
        return cls(graph, session, weight_bytes(directory / file) + pictures + 2**20)

    def look(self, tensor: Floats, scores: Floats, seen: Floats | None = None) -> Looked:
        """Return what every layer holds, for the input of one image and its class scores.

        `seen` is the input as C x H x W RGB, where the network wants it otherwise.
        """
        views = [input_view(self, tensor[0] if seen is None else seen)]
        for part in self._parts():
            values = self._run(tensor, [layer.output for layer in part])
            for layer, value in zip(part, values, strict=True):
                if layer.weights:
                    views.append(self._weights_of(layer))
                views.append(_activation(layer.name, value[0], layer_type=layer.type))
        views.append(_activation("softmax", scores, normalise=False, layer_type="Softmax"))
        return Looked(tuple(views), self.parameters)

    @property
    def parameters(self) -> int:
        """Return how many numbers the layers have learnt; what layers share counts once."""
        names = {name for layer in self.graph.layers for name in layer.weights}
        return weights.count(self.graph, tuple(names))

    def _parts(self) -> Iterator[list[LayerNode]]:
        """Yield the layers in groups whose activations fit into memory together."""
        sizes, part, held = _sizes(self.graph.proto.graph), list[LayerNode](), 0
        for layer in self.graph.layers:
            size = 4 * sizes.get(layer.output, 0)
            if part and held + size > MOST_BYTES:
                yield part
                part, held = [], 0
            part.append(layer)
            held += size
        if part:
            yield part

    def _run(self, tensor: Floats, names: list[str]) -> list[NDArray[Any]]:
        return run(self.session, {self.graph.data: tensor}, names)

    def _weights_of(self, layer: LayerNode) -> View:
        with self._lock:  # two requests at once would only slow each other down
            if layer.output not in self._weights:
                self._weights[layer.output] = _weights_view(self.graph, layer)
            return self._weights[layer.output]


def input_view(inside: Inside, seen: Floats) -> View:
    """Return the input of one image, C x H x W RGB, as it is shown."""
    return _activation(inside.graph.data, seen, colours="grey")


def start(graph: Graph, proto: bytes) -> Any:
    """Open a variant of a network, on the CPU; raise BadModel."""
    import onnxruntime as ort

    options = session_options(1)
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    folder = "session.model_external_initializers_file_folder_path"
    options.add_session_config_entry(folder, str(graph.directory))
    try:
        return ort.InferenceSession(proto, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has many exception types without a common base
        raise BadModel(
            f"The layers of the network in {graph.directory.name!r} cannot be opened."
        ) from error


def run(session: Any, inputs: dict[str, NDArray[Any]], names: list[str]) -> list[NDArray[Any]]:
    """Return the named values; raise InferenceFailed if they cannot be computed."""
    try:
        return list(session.run(names, inputs, run_options()))
    except Exception as error:  # ONNX Runtime has many exception types without a common base
        raise InferenceFailed("The layers of the network cannot be computed.") from error


def _weights_view(graph: Graph, layer: LayerNode) -> View:
    values = weights.read(graph, layer.weights[0])
    dense = layer.type in DENSE and values.ndim <= 2
    return View(
        name=layer.name,
        kind="Weights",
        figures=figures.of(values),
        picture=None if dense else tiles.draw(values),
        layer_type=layer.type,
        parameters=weights.count(graph, layer.weights),
    )


def _activation(
    name: str,
    value: NDArray[Any],
    *,
    colours: tiles.Colours = "jet",
    normalise: bool = True,
    layer_type: str = "",
) -> View:
    picture = tiles.draw(value, colours=colours, normalise=normalise)
    described = figures.of(value)
    return View(
        name=name, kind="Activation", figures=described, picture=picture, layer_type=layer_type
    )


def _sizes(graph: Any) -> dict[str, int]:
    """Return how many numbers each value has for one image, where the file tells."""
    return {
        value.name: math.prod(max(1, size.dim_value) for size in value.type.tensor_type.shape.dim)
        for value in graph.value_info
    }


def as_seen(tensor: Floats, preprocessing: Preprocessing) -> Floats:
    """Return the input of one image as channels x height x width, RGB."""
    axes = [preprocessing.dimension_order.index(axis) - 1 for axis in "CHW"]
    planes: Floats = tensor[0].transpose(axes)
    return planes[::-1] if preprocessing.channel_order == "bgr" else planes
