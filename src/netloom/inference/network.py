"""
One ONNX file, opened in ONNX Runtime.

The settings below were measured with LeNet, AlexNet, ResNet and MobileNet blocks on
two cores; `benchmarks/classify_one.py` shows what is left between a request and the
arithmetic. By hand:

    Network.open(directory, "snapshot_3.onnx").run(batch)
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netloom.errors import BadModel, InferenceFailed

Floats = NDArray[np.float32]

# Below this many multiplications (bytes of weights x input values, a rough upper bound) waking a
# second thread costs more than it brings: LeNet answers in 0.06 ms with one and 0.08 with two.
SMALL_WORK = 10**10

# Where the exporters put the weights of `name.onnx`.
WEIGHT_FILES = ("{stem}.safetensors", "{stem}.onnx.data", "{stem}.onnx_data", "{stem}.data")


@dataclass(frozen=True)
class Network:
    """An opened ONNX network; may be run from several threads at once."""

    session: Any  # onnxruntime.InferenceSession
    run_options: Any
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    input_shape: tuple[int | None, ...]  # of the first input, batch first; None where it is free
    output_shapes: dict[str, tuple[int | None, ...]]
    bytes: int  # estimate of the memory it holds while idle

    @classmethod
    def open(cls, directory: Path, file: str, *, input_values: int = 1) -> Network:
        """Open a network file of a model directory.

        `input_values` is the number of values of one input image; small networks get
        one thread. Raise BadModel if the file is missing or not a usable network.
        """
        path = _inside(directory, file)
        weights = weight_bytes(path)
        session = _session(path, _threads(weights * input_values))
        inputs, outputs = session.get_inputs(), session.get_outputs()
        return cls(
            session=session,
            run_options=run_options(),
            inputs=tuple(value.name for value in inputs),
            outputs=tuple(value.name for value in outputs),
            input_shape=_shape(inputs[0]) if inputs else (),
            output_shapes={value.name: _shape(value) for value in outputs},
            bytes=_memory(weights, input_values),
        )

    @property
    def fixed_batch(self) -> int | None:
        """Return the batch size the network insists on, if it does."""
        return self.input_shape[0] if self.input_shape else None

    def run(self, batch: Floats, outputs: Sequence[str]) -> list[NDArray[Any]]:
        """Return the named outputs for a batch; raise InferenceFailed if it cannot be computed."""
        try:
            results = self.session.run(list(outputs), {self.inputs[0]: batch}, self.run_options)
        except Exception as error:  # ONNX Runtime has many exception types without a common base
            raise InferenceFailed(
                f"The network cannot answer for an input of shape {tuple(batch.shape)}.",
                hint="See the server's log for the message of ONNX Runtime.",
            ) from error
        return list(results)


def _inside(directory: Path, file: str) -> Path:
    # A bare name: the network must lie in its model directory, whoever chose it.
    if not file or Path(file).name != file:
        raise BadModel(f"{file!r} is not the name of a file in the model directory.")
    path = directory / file
    if not path.is_file():
        raise BadModel(
            f"The network file {file!r} is missing from {directory.name!r}.",
            hint="Choose another snapshot.",
        )
    return path


def _session(path: Path, threads: int) -> Any:
    import onnxruntime as ort  # imported late: the first page does not wait for it

    options = session_options(threads)
    try:
        return ort.InferenceSession(str(path), options, providers=_providers(ort))
    except Exception as error:  # ONNX Runtime has many exception types without a common base
        raise BadModel(
            f"The network file {path.name!r} of {path.parent.name!r} cannot be opened.",
            hint="The file or its weights are missing, damaged or not ONNX; use another snapshot.",
        ) from error


def session_options(threads: int) -> Any:
    """Return how ONNX Runtime is set up here."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin while idle would take the cores away from a training beside the server.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors only
    return options


def _providers(ort: Any) -> list[Any]:
    if "CUDAExecutionProvider" not in ort.get_available_providers():
        return ["CPUExecutionProvider"]
    # Without TF32 the GPU's numbers agree with the CPU's to float32 rounding.
    return [("CUDAExecutionProvider", {"use_tf32": "0"}), "CPUExecutionProvider"]


def run_options() -> Any:
    """Return what a run may keep."""
    import onnxruntime as ort

    options = ort.RunOptions()
    # Give the memory of the activations back after each run: it costs nothing measurable, and
    # an idle network holds little more than its weights.
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def _threads(work: int) -> int:
    return 1 if work < SMALL_WORK else min(len(os.sched_getaffinity(0)), 16)


def weight_bytes(path: Path) -> int:
    """Return the size of a network file and of the weights beside it."""
    files = [path, *(path.with_name(name.format(stem=path.stem)) for name in WEIGHT_FILES)]
    return sum(file.stat().st_size for file in files if file.is_file())


def _memory(weights: int, input_values: int) -> int:
    """Estimate the bytes of an idle network; within a factor of two of what was measured."""
    # The weights of convolutions are kept in a second layout. The largest networks have
    # most of theirs in dense layers, which are not.
    packed = min(weights, 64 * 2**20)
    activations = 16 * 4 * input_values
    return weights + packed + activations + 2**20


def _shape(value: Any) -> tuple[int | None, ...]:
    return tuple(size if isinstance(size, int) and size > 0 else None for size in value.shape)
