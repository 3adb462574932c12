"""
Checkpoint: everything a restart needs, in one file that is whole or absent.

Tensors (weights, optimiser, random state of torch) stand in a safetensors file, the rest as
JSON in its header. Only the latest is kept. By hand:

    with safetensors.safe_open("checkpoint.safetensors", "pt") as file: file.metadata()
"""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from netloom.errors import DiskFull, StepFailed

if TYPE_CHECKING:
    from torch import Tensor, nn, optim

CHECKPOINT = "checkpoint.safetensors"
_FULL_HINT = "Make room on the disk of the data folder, then train again."


def save(
    directory: Path,
    network: nn.Module,
    optimiser: optim.Optimizer,
    progress: Mapping[str, Any],
    averages: Mapping[str, Tensor] = MappingProxyType({}),
) -> None:
    """Write the checkpoint; a crash while writing leaves the one before."""
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in averages.items()}
    plain: dict[str, Any] = {}
    for number, values in optimiser.state_dict()["state"].items():
        for name, value in values.items():
            key = f"optimiser.{number}.{name}"
            (tensors if _is_tensor(value) else plain)[key] = value
    tensors |= _random_tensors()
    state = {"progress": dict(progress), "optimiser": plain, "random": _random_state()}
    write_tensors(directory / CHECKPOINT, tensors, {"state": json.dumps(state)})


def exists(directory: Path) -> bool:
    """Return whether a training in this directory goes on rather than begins."""
    return (directory / CHECKPOINT).exists()


def adopt(source: Path, directory: Path) -> None:
    """Begin with the checkpoint of another training; what it said of its snapshots is left out.

    Raise StepFailed if that training, or its checkpoint, is gone.
    """
    try:
        with (source / CHECKPOINT).open("rb") as file, replacing(directory / CHECKPOINT) as new:
            header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
            state = json.loads(header["__metadata__"]["state"])
            state["progress"]["best"] = None
            state["progress"]["at"]["patience"] = {}
            header["__metadata__"]["state"] = json.dumps(state)
            text = json.dumps(header).encode()
            text += b" " * (-len(text) % 8)  # tensors are aligned, as the format wants them
            with new.open("wb") as copy:
                copy.write(struct.pack("<Q", len(text)) + text)
                shutil.copyfileobj(file, copy, 2**20)
    except (FileNotFoundError, KeyError, TypeError, ValueError, struct.error) as error:
        raise StepFailed(
            "The checkpoint of the model to go on from is gone.",
            hint="Start a new model from a snapshot.",
        ) from error


def load(
    directory: Path,
    network: nn.Module,
    optimiser: optim.Optimizer,
    averages: Mapping[str, Tensor] = MappingProxyType({}),
) -> dict[str, Any] | None:
    """Restore everything from the checkpoint and return the progress; None if there is none."""
    from safetensors import SafetensorError, safe_open

    path = directory / CHECKPOINT
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            state = json.loads(file.metadata()["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        network.load_state_dict(_below("network.", tensors))
        for name, average in averages.items():
            average.copy_(tensors[f"average.{name}"])
        optimiser.load_state_dict(
            {
                "state": _optimiser_state(optimiser, tensors, state["optimiser"]),
                "param_groups": optimiser.state_dict()["param_groups"],
            }
        )
        _restore_random(tensors, state["random"])
    except (OSError, SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise StepFailed(
            f"The checkpoint cannot be used: {str(error).splitlines()[0]}.",
            hint="Train the model again from the start.",
        ) from error
    progress: dict[str, Any] = state["progress"]
    return progress


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file, whole or not at all; raise DiskFull."""
    from safetensors.torch import save_file

    with replacing(path) as unfinished:
        save_file(_separate(tensors), unfinished, dict(metadata))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path, and put what was written there in place of `path` when it is done."""
    from safetensors import SafetensorError

    unfinished = path.with_name(f".{path.name}.tmp")
    try:
        yield unfinished
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
        _sync_directory(path.parent)
    except (OSError, SafetensorError) as error:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or (
            "No space left" in str(error)
        ):
            raise DiskFull(f"{path.name} cannot be written.", hint=_FULL_HINT) from error
        raise
    finally:
        unfinished.unlink(missing_ok=True)


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _separate(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors as the format wants them: on the CPU, row by row, none shared."""
    kept: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        plain = tensor.detach().cpu().contiguous()
        place = plain.untyped_storage().data_ptr()
        kept[name] = plain.clone() if place in seen else plain
        seen.add(place)
    return kept


def _is_tensor(value: object) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def _optimiser_state(
    optimiser: optim.Optimizer, tensors: Mapping[str, Tensor], plain: Mapping[str, Any]
) -> dict[int, dict[str, Any]]:
    import torch

    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for key, value in {**_below("optimiser.", tensors), **_plain_below(plain)}.items():
        number, _, name = key.partition(".")
        weight = weights[int(number)]
        if isinstance(value, torch.Tensor) and value.shape == weight.shape:
            # In the memory order of its weight, as it was: the arithmetic then takes the same path.
            value = torch.empty_like(weight, dtype=value.dtype).copy_(value)
        state.setdefault(int(number), {})[name] = value
    return state


def _plain_below(plain: Mapping[str, Any]) -> dict[str, Any]:
    return {key.removeprefix("optimiser."): value for key, value in plain.items()}


def _random_tensors() -> dict[str, Tensor]:
    import torch

    states = {"random.cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["random.cuda"] = torch.cuda.get_rng_state()
    return states


def _random_state() -> dict[str, Any]:
    import numpy as np

    kind, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)
    return {
        "numpy": [kind, np.asarray(keys).tolist(), position, has_gauss, gauss],
        "python": random.getstate(),
    }


def _restore_random(tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    import numpy as np
    import torch

    torch.set_rng_state(tensors["random.cpu"])
    if "random.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random.cuda"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, np.array(keys, np.uint32), *rest))
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
