"""
What a network consists of: layers, output shapes, parameters.

    summarize(module, (1, 28, 28)).parameters
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer, in the order in which they compute."""

    name: str  # the path within the module: "features.0"
    type: str  # "Conv2d"
    output_shape: tuple[int, ...]  # without the batch; empty when the output is no tensor
    parameters: int


@dataclass(frozen=True, kw_only=True)
class NetworkSummary:
    """The layers that an image passes, and what there is to learn."""

    layers: tuple[Layer, ...]
    parameters: int
    trainable: int

    def as_facts(self) -> dict[str, Any]:
        """Return JSON values for the page."""
        return {
            "parameters": self.parameters,
            "trainable": self.trainable,
            "layers": [
                [layer.name, layer.type, list(layer.output_shape), layer.parameters]
                for layer in self.layers
            ],
        }


def summarize(module: nn.Module, input_shape: tuple[int, int, int]) -> NetworkSummary:
    """Return the summary of a module, found by sending two empty images through it."""
    import torch

    layers: list[Layer] = []

    def note(name: str, layer: nn.Module, output: object) -> None:
        shape = tuple(output.shape[1:]) if isinstance(output, torch.Tensor) else ()
        layers.append(
            Layer(name=name, type=type(layer).__name__, output_shape=shape, parameters=_own(layer))
        )

    leaves = [(name, layer) for name, layer in module.named_modules() if _is_leaf(layer)]
    hooks = [
        layer.register_forward_hook(
            lambda layer, _inputs, output, name=name: note(name, layer, output)
        )
        for name, layer in leaves
    ]
    was_training = module.training
    try:
        with torch.no_grad():
            module.eval()(torch.zeros(2, *input_shape, device=_device(module)))
    finally:
        module.train(was_training)
        for hook in hooks:
            hook.remove()
    parameters = list(module.parameters())
    return NetworkSummary(
        layers=tuple(layers),
        parameters=sum(parameter.numel() for parameter in parameters),
        trainable=sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
    )


def _is_leaf(layer: nn.Module) -> bool:
    return next(layer.children(), None) is None


def _own(layer: nn.Module) -> int:
    return sum(parameter.numel() for parameter in layer.parameters(recurse=False))


def _device(module: nn.Module) -> Any:
    first = next(module.parameters(), None)
    return None if first is None else first.device
