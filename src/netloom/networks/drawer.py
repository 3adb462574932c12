"""
The process in which a network is built to be drawn: JSON in, JSON out.

    python -m netloom.networks.drawer < asked.json

where the file has `framework`, `text` and `inputs`, the fields of `BuildInputs`.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import warnings
from typing import Any

from netloom import registry
from netloom.errors import NetloomError, NetworkTextError
from netloom.interfaces.framework import BuildInputs
from netloom.networks.summary import summarize

CPU_SECONDS = 50
MEMORY_BYTES = 8 * 2**30
ANSWER_BYTES = 4 * 2**20  # also of any file that the text writes


def main() -> None:
    """Build the network that is asked for on the standard input, and describe it."""
    asked = json.load(sys.stdin)
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the text prints is no part of the answer
    _limit()
    warnings.simplefilter("ignore")
    try:
        said = describe(asked["framework"], asked["text"], asked["inputs"])
    except NetloomError as error:
        said = {"error": error.message, "hint": error.hint}
    except MemoryError:
        said = {"error": "The network needs more memory than a drawing may take."}
    json.dump(said, answer)
    answer.flush()
    os._exit(0)  # whatever the text left running


def describe(framework: str, text: str, about: dict[str, Any]) -> dict[str, Any]:
    """Return the drawing as JSON values; raise NetworkTextError."""
    from torch.utils.flop_counter import FlopCounterMode

    inputs = BuildInputs(**{**about, "input_shape": tuple(about["input_shape"])})
    module = registry.find("netloom.frameworks", framework)().build(text, inputs).module
    counter = FlopCounterMode(display=False)
    try:
        with counter:
            summary = summarize(module, inputs.input_shape)
    except Exception as error:  # the counter does not know every operation
        raise NetworkTextError(
            f"The operations of the network cannot be counted: {type(error).__name__}."
        ) from error
    counts, root = counter.get_flop_counts(), type(module).__name__
    layers = [
        {
            "name": layer.name,
            "type": layer.type,
            "output_shape": layer.output_shape,
            "parameters": layer.parameters,
            # Two images were sent.
            "flops": sum(counts.get(f"{root}.{layer.name}", {}).values()) // 2,
        }
        for layer in summary.layers
    ]
    return {
        "input_shape": inputs.input_shape,
        "classes": inputs.classes,
        "layers": layers,
        "parameters": summary.parameters,
        "trainable": summary.trainable,
        "flops": counter.get_total_flops() // 2,
    }


def _limit() -> None:
    for what, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_DATA, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, ANSWER_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (bound, bound))


if __name__ == "__main__":
    main()
