"""
Archive: all files of a snapshot that are needed outside.

    info.json             the model in the keys of the reference
    model.json            what a network expects and answers, with the preprocessing
    network.py            the text of the network
    snapshot_3.safetensors, network.onnx
                          the weights, and the network that answers with them; it refers to
                          the weights by their name, so the two stay together
    labels.txt            the classes, one per line
    mean.npy, mean.binaryproto
                          the mean image, if there is one
    predict.py            answers like the server

By hand:

    files = members(directory, weights="snapshot_3.safetensors", network="snapshot_3.onnx", ...)
    for piece in pack(files, "zip"): ...
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from netloom.inference.packing import Member
from netloom.inference.script import NETWORK, SCRIPT, script
from netloom.networks.card import CARD, ModelCard

INFO = "info.json"
LABELS = "labels.txt"
TEXT = "network.py"
MEAN = "mean.binaryproto"


def members(
    directory: Path, *, weights: str, network: str, info: Mapping[str, Any], dataset: Path | None
) -> Iterator[Member]:
    """Yield the members of the archive of a snapshot; raise BadModel if its card is unusable.

    `weights` and `network` are names in `directory`; `dataset` is the directory of the dataset,
    where the mean image lies in the form that other programs read.
    """
    card = ModelCard.read(directory)
    yield Member(INFO, (json.dumps(info, indent=4, sort_keys=True) + "\n").encode())
    yield Member(CARD, directory / CARD)
    for name in (str(info.get("model file", TEXT)), LABELS):
        if (directory / name).is_file():
            yield Member(name, directory / name)
    if card.preprocessing.mean == "image":
        yield Member(card.preprocessing.mean_file, directory / card.preprocessing.mean_file)
    if dataset is not None and (dataset / MEAN).is_file():
        yield Member(MEAN, dataset / MEAN)
    yield Member(SCRIPT, script(card).encode())
    yield Member(NETWORK, directory / network)
    yield Member(weights, directory / weights)
