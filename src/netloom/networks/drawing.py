"""
The drawing of a network before it is trained: layers, output shapes, parameters, operations.

The network text is code of a user. It runs in a process of its own, without the environment
of the server, with bounds on time, memory and what it may write; the process that asks needs
no engine. By hand:

    draw("pytorch", text, BuildInputs(input_shape=(1, 28, 28), classes=10)).flops
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import Any

from netloom.errors import NetworkTextError
from netloom.interfaces.framework import BuildInputs

SECONDS = 60  # for the engine to load and the network to be built
KEPT = 32  # drawings, as the same network is drawn again and again
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV")
_HINT = "Build a smaller network, or no more than the network in build(p)."


@dataclass(frozen=True, kw_only=True)
class DrawnLayer:
    """One layer, in the order in which they compute."""

    name: str  # the path within the module: "features.0"
    type: str  # "Conv2d"
    output_shape: tuple[int, ...]  # without the batch; empty when the output is no tensor
    parameters: int
    flops: int  # additions and multiplications for one image


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A network as it would be trained."""

    input_shape: tuple[int, ...]
    classes: int | None
    layers: tuple[DrawnLayer, ...]
    parameters: int
    trainable: int
    flops: int  # of the whole network, for one image

    def as_json(self) -> dict[str, Any]:
        """Return the object that scripts read."""
        return dataclasses.asdict(self)


@functools.lru_cache(maxsize=KEPT)
def draw(framework: str, text: str, inputs: BuildInputs) -> Drawing:
    """Build a network in a process of its own; raise NetworkTextError if that cannot be done."""
    asked = {"framework": framework, "text": text, "inputs": dataclasses.asdict(inputs)}
    said = _run(json.dumps(asked).encode())
    try:
        answer = json.loads(said)
        if "error" in answer:
            raise NetworkTextError(str(answer["error"]), hint=str(answer.get("hint", "")))
        layers = tuple(
            DrawnLayer(**{**layer, "output_shape": tuple(layer["output_shape"])})
            for layer in answer.pop("layers")
        )
        shape = tuple(answer.pop("input_shape"))
        return Drawing(layers=layers, input_shape=shape, **answer)
    except (ValueError, TypeError, KeyError):
        raise NetworkTextError(
            "The process that built the network ended without an answer: it may have run out of "
            "memory or time, or the network text ended it.",
            hint=_HINT,
        ) from None


def _run(asked: bytes) -> bytes:
    """Return what the process answers; it and its children are gone after that."""
    with (
        tempfile.TemporaryDirectory(prefix="netloom-draw-") as folder,
        tempfile.TemporaryFile() as answer,
    ):
        process = subprocess.Popen(
            [sys.executable, "-m", "netloom.networks.drawer"],
            stdin=subprocess.PIPE,
            stdout=answer,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=_environment(folder),
            start_new_session=True,
        )
        try:
            process.communicate(asked, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise NetworkTextError(
                f"Building the network took longer than {SECONDS} seconds.", hint=_HINT
            ) from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        answer.seek(0)
        return answer.read()


def _environment(folder: str) -> dict[str, str]:
    # No keys or tokens of the server, no GPU; one thread, as nothing is computed for long.
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**kept, "HOME": folder, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
