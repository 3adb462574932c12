"""
The solvers: how gradients change the weights.

Blank momentum and weight decay take the defaults below. By hand:

    optimiser("ADAM", module.parameters(), rate=0.001)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn, optim

MOMENTUM = 0.9
WEIGHT_DECAY = 1e-4
WEIGHT_DECAY_ADAMW = 1e-2  # it does not pass through the adaptive scaling, so it must be larger


def optimiser(
    solver: str,
    parameters: Iterable[nn.Parameter],
    *,
    rate: float,
    momentum: float | None = None,
    weight_decay: float | None = None,
    rms_decay: float = 0.99,
) -> optim.Optimizer:
    """Return the optimiser of a solver name; `rms_decay` is read by RMSprop alone."""
    from torch import optim

    if weight_decay is None:
        weight_decay = WEIGHT_DECAY_ADAMW if solver == "ADAMW" else WEIGHT_DECAY
    first = MOMENTUM if momentum is None else momentum
    shared: dict[str, Any] = {"lr": rate, "weight_decay": weight_decay}
    one_pass = shared | {"fused": True}  # one pass over the weights where torch has it,
    shared["foreach"] = True  # else a pass per operation, over all weights together
    weights = [parameter for parameter in parameters if parameter.requires_grad]
    match solver:
        case "SGD":
            return optim.SGD(weights, momentum=first, **one_pass)
        case "NESTEROV":
            return optim.SGD(weights, momentum=first, nesterov=first > 0, **one_pass)
        case "ADAGRAD":
            return optim.Adagrad(weights, **shared)
        case "RMSPROP":
            return optim.RMSprop(weights, alpha=rms_decay, momentum=momentum or 0.0, **shared)
        case "ADADELTA":
            return optim.Adadelta(weights, **shared)
        case "ADAM":
            return optim.Adam(weights, betas=(first, 0.999), **one_pass)
        case "ADAMW":
            return optim.AdamW(weights, betas=(first, 0.999), **one_pass)
    raise ValueError(f"unknown solver {solver!r}")
