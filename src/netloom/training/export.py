"""
Export: from weights to an ONNX network that answers like the trained one.

The graph is exported once per training, which takes seconds. Each snapshot then gets a small
ONNX file whose weights are references into the snapshot's safetensors file beside it: nothing
is stored twice, and writing it takes milliseconds. Every file is opened in ONNX Runtime and
compared with the trained network on real images before it is announced.

The input is called `data`, the output `output`; it holds logits. Soft-max is applied when
predicting, as `model.json` says.
"""

from __future__ import annotations

import copy
import json
import logging
import struct
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netloom.errors import ExportFailed
from netloom.training.checkpoint import replacing

if TYPE_CHECKING:
    from torch import nn

INPUT, OUTPUT = "data", "output"
# The largest difference that is accepted, as a share of the largest logit (or of 1). Rounding
# alone gives about 1e-6; a wrong graph or stale weights give far more than this.
TOLERANCE = 1e-3
_DIFFERS_HINT = "Use layers that ONNX knows, and nothing that is random in eval mode."

Floats = NDArray[np.float32]


class Exporter:
    """Writes the ONNX networks of one training."""

    def __init__(self, module: nn.Module, samples: Floats) -> None:
        """Keep a copy of the module on the CPU; `samples` are inputs to compare answers on."""
        import torch

        try:
            self._module = copy.deepcopy(module)
        except Exception as error:  # a user's module may refuse in any way
            raise ExportFailed(
                f"The network cannot be copied for export: {_said(error)}.", hint=_DIFFERS_HINT
            ) from error
        plain: Any = self._module.eval()  # torch declares no `to` with a memory format
        plain.to("cpu", memory_format=torch.contiguous_format)
        self._samples = samples
        self._graph: Any = None  # onnx.ModelProto; exported when first needed

    def write(self, weights: Path, network: Path) -> float:
        """
        Write the ONNX network of a snapshot; return its largest difference from the trained one.

        `weights` is the snapshot's safetensors file, in the same directory. Raise ExportFailed,
        and leave no network, where the graph cannot be exported or answers differently.
        """
        import torch
        from safetensors.torch import load_file

        with torch.random.fork_rng(devices=[]), torch.no_grad():
            self._module.load_state_dict(load_file(weights))
            expected = self._module(torch.from_numpy(self._samples)).numpy()
            with replacing(network) as unfinished:
                return self._write_and_compare(weights, unfinished, expected)

    def _write_and_compare(self, weights: Path, network: Path, expected: Floats) -> float:
        if self._graph is None:
            self._graph = self._export()
        refer(self._graph, weights)
        network.write_bytes(self._graph.SerializeToString())
        difference = self._difference(network, expected)
        if not difference <= TOLERANCE:
            # The exporter computed something from the weights, so that other weights need
            # another graph. It is exported for each snapshot and holds its own weights.
            network.write_bytes(self._export().SerializeToString())
            difference = self._difference(network, expected)
        if not difference <= TOLERANCE:
            raise ExportFailed(
                f"The exported network differs from the trained one by {difference:.2g} of the "
                "largest output.",
                hint=_DIFFERS_HINT,
            )
        return difference

    def _difference(self, network: Path, expected: Floats) -> float:
        """Return the largest difference of the answers, as a share of the largest logit or 1."""
        try:
            answer = _answer(network, self._samples)
        except Exception as error:  # ONNX Runtime has many exception types without a common base
            raise ExportFailed(
                f"ONNX Runtime cannot compute the exported network: {_said(error)}.",
                hint=_DIFFERS_HINT,
            ) from error
        if answer.shape != expected.shape:
            return float("inf")
        return float(np.abs(answer - expected).max() / max(1.0, np.abs(expected).max()))

    def _export(self) -> Any:
        """Return the graph with the weights the module has now."""
        import torch

        sample = torch.zeros(2, *self._samples.shape[1:])
        batch = torch.export.Dim("batch")
        try:
            with _quiet():
                program: Any = torch.onnx.export(
                    self._module,
                    (sample,),
                    dynamo=True,
                    verbose=False,
                    optimize=False,  # it would merge weights; ONNX Runtime optimises when loading
                    input_names=[INPUT],
                    output_names=[OUTPUT],
                    dynamic_shapes=({0: batch},),
                )
        except Exception as error:  # the exporter raises whatever its passes raise
            raise ExportFailed(
                f"The network cannot be exported to ONNX: {_said(_cause(error))}.",
                hint="A fixed batch size in its text (use x.shape[0] or flatten(1)), or Python "
                "control flow on values, are the usual reasons.",
            ) from error
        graph = program.model_proto
        # Names of internal steps and of the user's files are of no use to a reader of the model.
        for node in graph.graph.node:
            del node.metadata_props[:]
        return graph


def refer(model: Any, weights: Path) -> None:
    """Make the weights of a graph references into a safetensors file."""
    import onnx

    places = _places(weights)
    for tensor in model.graph.initializer:
        place = places.get(tensor.name)
        shape = list(tensor.dims)
        if place is None or tensor.data_type != onnx.TensorProto.FLOAT or place[0] != shape:
            continue
        for field in ("raw_data", "float_data", "external_data"):
            tensor.ClearField(field)
        tensor.data_location = onnx.TensorProto.EXTERNAL
        reference = {"location": weights.name, "offset": place[1], "length": place[2]}
        for key, value in reference.items():
            tensor.external_data.add(key=key, value=str(value))


def _places(weights: Path) -> Mapping[str, tuple[list[int], int, int]]:
    """Return shape, offset and length of each float32 tensor of a safetensors file."""
    with weights.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    return {
        name: (entry["shape"], 8 + length + entry["data_offsets"][0], _size(entry))
        for name, entry in header.items()
        if name != "__metadata__" and entry["dtype"] == "F32"
    }


def _size(entry: Mapping[str, Any]) -> int:
    begin, end = entry["data_offsets"]
    return int(end) - int(begin)


def _answer(network: Path, samples: Floats) -> Floats:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3  # errors only
    # Threads that spin would slow the training down.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(str(network), options, providers=["CPUExecutionProvider"])
    answer: Floats = session.run([OUTPUT], {INPUT: samples})[0]
    return answer


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's remarks on packages that are not installed out of the log."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _cause(error: BaseException) -> BaseException:
    """Return what an exporter's error was raised from; its own text is a page long."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _said(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:200].rstrip(". ")
