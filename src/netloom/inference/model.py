"""
A model directory, opened: its card and one of its networks.

Reads `model.json` and a `snapshot_<epoch>.onnx` beside it; needs no torch. By hand:

    Model.open(Path("jobs/20260101-101500-1a2b"), "snapshot_3.onnx").card.classes
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from netloom.errors import BadModel
from netloom.inference.network import Network
from netloom.networks.card import ModelCard


@dataclass(frozen=True)
class Model:
    """A trained model ready to answer."""

    card: ModelCard
    network: Network

    @classmethod
    def open(cls, directory: Path, network_file: str) -> Model:
        """Open a model directory with one of its network files; raise BadModel if they do not fit.

        The card and the network are checked against each other here, so that a
        request never meets a model that cannot answer.
        """
        card = ModelCard.read(directory)
        network = Network.open(directory, network_file, input_values=math.prod(card.input_shape))
        _check_input(card, network)
        _check_outputs(card, network)
        return cls(card, network)

    @property
    def bytes(self) -> int:
        """Return the estimated memory it holds while idle."""
        mean = self.card.preprocessing.mean_image
        return self.network.bytes + (0 if mean is None else 2 * mean.nbytes)


def _check_input(card: ModelCard, network: Network) -> None:
    if network.inputs != (card.input,):
        raise BadModel(
            f"The network has the input(s) {_listed(network.inputs)}; its card names {card.input}."
        )
    expected = card.input_shape
    actual = network.input_shape[1:]
    if len(actual) != len(expected) or any(
        size is not None and size != wanted for size, wanted in zip(actual, expected, strict=True)
    ):
        raise BadModel(
            f"The network takes images of shape {actual}; the preprocessing gives {expected}."
        )


def _check_outputs(card: ModelCard, network: Network) -> None:
    missing = [name for name in card.outputs if name not in network.outputs]
    if missing:
        raise BadModel(
            f"The network has no output {_listed(missing)}; it has {_listed(network.outputs)}."
        )
    sizes = network.output_shapes[card.outputs[-1]][1:]
    if card.classes and None not in sizes:
        scores = math.prod(size for size in sizes if size is not None)
        if scores < len(card.classes):
            raise BadModel(
                f"The network gives {scores} score(s) for {len(card.classes)} classes.",
                hint="The network and model.json are not of the same training.",
            )


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(repr(name) for name in names) or "none"
