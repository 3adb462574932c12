"""
Files of weights: checked without torch, read in a worker.

    check_weights(Path("snapshot_3.safetensors"))  # raises BadWeights
    read_weights(path)["conv1.weight"]

A `.safetensors` file is plain numbers. A `.pt` or `.pth` file is a zip archive with a pickle
in it; torch reads only tensors from it (`weights_only`), so that no code of the file runs.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netloom.errors import BadWeights

if TYPE_CHECKING:
    from torch import Tensor

SUFFIXES = (".safetensors", ".pt", ".pth")
LONGEST_HEADER = 100_000_000  # bytes, as the format itself has it
_INSIDE = ("state_dict", "model_state_dict", "model")  # where files keep the weights beside others
_CHECKPOINT = "network."  # names in our own checkpoints, beside those of the optimiser
_WRAPPED = "module."  # names of a network that was trained on several GPUs
_SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1}
_SAVE_HINT = "Save the weights as .safetensors."


def check_weights(path: Path) -> None:
    """Raise BadWeights for what is not a file of weights; torch is not needed."""
    if not path.is_file():
        raise BadWeights(f"There is no file {str(path)!r}.")
    if path.suffix.lower() not in SUFFIXES:
        raise BadWeights(f"{path.name!r} is not {' or '.join(SUFFIXES)}.", hint=_SAVE_HINT)
    try:
        if path.suffix.lower() == ".safetensors":
            _check_header(path)
        else:
            _check_archive(path)
    except OSError as error:
        raise BadWeights(f"{path.name!r} cannot be read: {error.strerror}.") from None


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name; raise BadWeights. In a worker only."""
    check_weights(path)
    if path.suffix.lower() == ".safetensors":
        return _named(_read_safetensors(path))
    return _named(_read_torch(path))


def _check_header(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else LONGEST_HEADER + 1
        size = path.stat().st_size - 8 - length
        if length > LONGEST_HEADER or size < 0:
            raise BadWeights(f"{path.name!r} is not a safetensors file, or is not complete.")
        try:
            header = json.loads(file.read(length))
            fits = all(_fits(entry, size) for name, entry in header.items() if name[:2] != "__")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            fits = False
    if not fits:
        raise BadWeights(f"{path.name!r} is not a safetensors file, or is not complete.")


def _fits(entry: Mapping[str, Any], size: int) -> bool:
    begin, end = entry["data_offsets"]
    wanted = math.prod(entry["shape"]) * _SIZES.get(entry["dtype"], 0)
    inside = 0 <= begin <= end <= size and min(entry["shape"], default=0) >= 0
    return bool(inside and wanted in (0, end - begin))


def _check_archive(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            raise BadWeights(
                f"{path.name!r} is not an archive that torch.save writes since version 1.6.",
                hint=_SAVE_HINT,
            )


def _read_safetensors(path: Path) -> Mapping[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, RuntimeError) as error:
        raise BadWeights(f"{path.name!r} cannot be read: {_said(error)}.") from error


def _read_torch(path: Path) -> Mapping[str, Any]:
    import torch

    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever is wrong in a file that others wrote
        raise BadWeights(
            f"{path.name!r} cannot be read as a file of nothing but weights.", hint=_SAVE_HINT
        ) from error
    for name in _INSIDE:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
    if not isinstance(found, Mapping):
        raise BadWeights(f"{path.name!r} holds no weights by name.", hint=_SAVE_HINT)
    return found


def _named(found: Mapping[Any, Any]) -> dict[str, Tensor]:
    """Return the tensors by the names that the layers of the network have."""
    import torch

    tensors = {str(name): value for name, value in found.items() if isinstance(value, torch.Tensor)}
    if any(name.startswith("random.") for name in tensors):
        return dict(_below(_CHECKPOINT, tensors))
    if tensors and all(name.startswith(_WRAPPED) for name in tensors):
        return dict(_below(_WRAPPED, tensors))
    return tensors


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    for name, value in tensors.items():
        if name.startswith(prefix):
            yield name.removeprefix(prefix), value


def _said(error: Exception) -> str:
    return (str(error).splitlines() or ["it is damaged"])[0].rstrip(".")
