"""
The objective: the number that a training makes small.

That of a network text is taken as it is. The usual one, cross-entropy, can weigh the classes
and smooth the labels; with p the soft-max of the output, y the label and K classes

    w[y] * ((1 - s) * -log p[y]  +  s / K * sum of -log p[k] over all k)

is averaged over the images. Validation always tells the plain loss, so that curves of
trainings with other options can be compared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netloom.errors import NetworkTextError

if TYPE_CHECKING:
    from torch import Tensor

Loss = Callable[[Any, "Tensor"], "Tensor"]


def balanced_weights(labels: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """Return a weight per class that gives each class the same say; 1 on average over images."""
    counts = np.bincount(labels, minlength=classes)
    present = np.count_nonzero(counts)
    return (len(labels) / (present * np.maximum(counts, 1))).astype(np.float32)


def objective(own: Loss, *, weights: Tensor | None, smoothing: float) -> Loss:
    """Return the loss of a training; raise NetworkTextError if `own` cannot be changed."""
    from torch.nn import functional

    if weights is None and not smoothing:
        return own
    if own is not functional.cross_entropy:
        raise NetworkTextError(
            "The network text has a loss of its own, which knows neither class weights nor "
            "label smoothing.",
            hint="Turn both off, or leave the loss out of what build(p) returns.",
        )

    def loss(output: Any, labels: Tensor) -> Tensor:
        each = functional.cross_entropy(output, labels, reduction="none", label_smoothing=smoothing)
        return (each if weights is None else each * weights[labels]).mean()

    return loss
