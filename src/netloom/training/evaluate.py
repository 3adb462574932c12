"""
Validation: loss and accuracy of a network over a split.

Always in float32 and with the centre crop, as predictions are made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from netloom.interfaces.framework import BuiltNetwork
from netloom.training.data import Images, Input

if TYPE_CHECKING:
    from torch import Tensor

TOP = 5  # accuracy_top5 is told when there are more classes than this


def evaluate(
    network: BuiltNetwork,
    images: Images,
    prepare: Input,
    *,
    batch_size: int,
    classes: int,
    look: Callable[[], None],
) -> dict[str, float]:
    """Return loss, accuracy and accuracy_top5 (0..1); `look` is called between batches."""
    import torch

    was_training = network.module.training
    network.module.eval()
    sums: Tensor | None = None
    try:
        # Nothing that happens here may move the random state of the training.
        with torch.random.fork_rng(devices=_devices()), torch.inference_mode():
            for pixels, labels in _all(images, batch_size):
                output = network.module(prepare(pixels))
                loss = network.loss(output, labels)
                found = _found(output, labels, classes)
                part = torch.stack([loss.double() * len(labels), *found])
                sums = part if sums is None else sums + part
                look()
    finally:
        network.module.train(was_training)
    if sums is None:
        return {}
    names = ("loss", "accuracy", "accuracy_top5")
    values = (sums / len(images)).tolist()
    return dict(zip(names, values, strict=False))


def _all(images: Images, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    return images.batches(np.arange(len(images)), size)


def _found(output: Tensor, labels: Tensor, classes: int) -> list[Tensor]:
    """Return how many labels are the highest output, and how many among the five highest."""
    counts = [(output.argmax(1) == labels).sum().double()]
    if classes > TOP:
        best = output.topk(TOP, 1).indices
        counts.append((best == labels[:, None]).any(1).sum().double())
    return counts


def _devices() -> list[int]:
    import torch

    return [torch.cuda.current_device()] if torch.cuda.is_available() else []
