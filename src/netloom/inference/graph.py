"""
The layers of an ONNX network, and a copy of it that also gives what lies between them.

A layer is a node through which the image flows; the arithmetic on shapes around it is left
out. It carries the name that its weights have in the network text ("features.0"), or that of
what it gives ("relu_1") where it has none. By hand:

    Graph.read(directory, "snapshot_3.onnx").layers
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netloom.errors import BadModel

# Nodes that hand on what they get, and those that only look at its shape.
SAME = frozenset({"Identity", "Dropout", "Cast", "CastLike"})
BLIND = frozenset({"Shape", "Size"})
# What numbers a layer learns; running means and the like are no parameters of it.
MOST_PARAMETERS = {"BatchNormalization": 2}


@dataclass(frozen=True, kw_only=True)
class LayerNode:
    """One layer of a network."""

    name: str  # "features.0", or the name of its output
    type: str  # of the ONNX node: "Conv"
    inputs: tuple[str, ...]  # values that come from the image
    output: str
    weights: tuple[str, ...]  # names of stored tensors, the largest part first


@dataclass(frozen=True)
class Graph:
    """An ONNX network without its weights."""

    proto: Any  # onnx.ModelProto
    directory: Path
    layers: tuple[LayerNode, ...]  # in the order of the network

    @classmethod
    def read(cls, directory: Path, file: str) -> Graph:
        """Read a network file of a model directory; raise BadModel."""
        import onnx

        try:
            proto = onnx.load(str(directory / file), load_external_data=False)
        except Exception as error:  # protobuf and onnx raise whatever they come upon
            raise BadModel(
                f"The network file {file!r} of {directory.name!r} cannot be read."
            ) from (error)
        return cls(proto, directory, _layers(proto.graph))

    @property
    def data(self) -> str:
        """Return the name of the image's tensor."""
        return str(self.proto.graph.input[0].name)

    def giving(self, names: Collection[str], *, taking: str = "") -> bytes:
        """Return the network as a file that gives these values.

        With `taking` that value is an input, too, and what computes it is cut off.
        """
        import onnx

        copy = onnx.ModelProto()
        copy.CopyFrom(self.proto)
        del copy.graph.output[:]
        copy.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
        if taking:
            _cut(copy.graph, taking)
        return bytes(copy.SerializeToString())

    def all_passes(self, value: str, output: str) -> bool:
        """Return whether the image reaches the output through this value alone."""
        reached = {self.data}
        for node in self.proto.graph.node:
            if node.op_type not in BLIND and reached.intersection(node.input):
                reached.update(name for name in node.output if name != value)
        return output not in reached


def _layers(graph: Any) -> tuple[LayerNode, ...]:
    stored = {tensor.name: tensor for tensor in graph.initializer}
    flowing = {graph.input[0].name: graph.input[0].name}  # each value, and which one it repeats
    layers = []
    outputs = {value.name for value in graph.output}
    for node in graph.node:
        inputs = [flowing[name] for name in node.input if name in flowing]
        if not inputs or node.op_type in BLIND:
            continue
        if node.op_type in SAME and node.output[0] not in outputs:
            if node.input[0] in flowing:
                flowing[node.output[0]] = inputs[0]
            continue
        flowing.update((name, name) for name in node.output if name)
        weights = tuple(name for name in node.input if name in stored)
        weights = weights[: MOST_PARAMETERS.get(node.op_type)]
        layers.append(
            LayerNode(
                name=_name(node, weights),
                type=node.op_type,
                inputs=tuple(dict.fromkeys(inputs)),
                output=node.output[0],
                weights=weights,
            )
        )
    return tuple(layers)


def _name(node: Any, weights: tuple[str, ...]) -> str:
    module, dot, _ = weights[0].rpartition(".") if weights else ("", "", "")
    return module if dot else str(node.output[0])


def _cut(graph: Any, value: str) -> None:
    import onnx

    wanted, kept = {output.name for output in graph.output}, []
    for node in reversed(graph.node):
        made = wanted.intersection(node.output) - {value}
        if made:
            wanted.update(node.input)
            kept.append(node)
    tensors = [tensor for tensor in graph.initializer if tensor.name in wanted]
    for field, items in (("node", kept[::-1]), ("initializer", tensors)):
        copies = [type(item).FromString(item.SerializeToString()) for item in items]
        graph.ClearField(field)
        getattr(graph, field).extend(copies)
    floats = onnx.TensorProto.FLOAT
    graph.input.append(onnx.helper.make_tensor_value_info(value, floats, None))
