"""
The weights of a network, read from where its file refers to, without a copy in memory.

    weights.read(graph, "features.0.weight").shape
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netloom.errors import BadModel
from netloom.inference.graph import Graph


def read(graph: Graph, name: str) -> NDArray[Any]:
    """Return a stored tensor; raise BadModel if its file does not hold it."""
    import onnx

    tensor = next(tensor for tensor in graph.proto.graph.initializer if tensor.name == name)
    if tensor.data_location != onnx.TensorProto.EXTERNAL:
        return np.asarray(onnx.numpy_helper.to_array(tensor))
    place = {entry.key: entry.value for entry in tensor.external_data}
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
    return _mapped(graph.directory, place, dtype, tuple(tensor.dims))


def count(graph: Graph, names: tuple[str, ...]) -> int:
    """Return how many numbers the named tensors have."""
    wanted = set(names)
    tensors = (tensor for tensor in graph.proto.graph.initializer if tensor.name in wanted)
    return sum(math.prod(tensor.dims) for tensor in tensors)


def _mapped(
    directory: Path, place: dict[str, str], dtype: Any, shape: tuple[int, ...]
) -> NDArray[Any]:
    file = place.get("location", "")
    path = directory / file
    # A bare name: a network that was uploaded must not read elsewhere.
    if not file or Path(file).name != file or path.is_symlink() or not path.is_file():
        raise BadModel(f"The weights of {directory.name!r} are not in {file!r}.")
    try:
        offset = int(place.get("offset", "0"))
        return np.memmap(path, dtype, "r", offset, shape)
    except (ValueError, OSError) as error:
        raise BadModel(f"The file {file!r} does not hold the weights of the network.") from error
