"""
The moving average of a network's weights: steadier than the weights themselves.

After each step every weight of the average moves a little towards that of the network.
Validation, snapshots and export use the average; the training goes on with the weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

# In the first steps the average keeps (1 + steps) / (10 + steps) at most: it shall not
# remember for long what the network was before it had learnt anything.
_BEGINNING = 10


class Average:
    """Averages of all floating-point weights and buffers of a module."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._decay = decay
        named = [*module.named_parameters(), *module.named_buffers()]
        self._followed = {
            name: tensor.detach() for name, tensor in named if tensor.is_floating_point()
        }
        self.tensors = {name: tensor.clone() for name, tensor in self._followed.items()}

    def follow(self, steps: int) -> None:
        """Move towards the network as it is after so many steps."""
        decay = min(self._decay, (1 + steps) / (_BEGINNING + steps))
        for average, now in self._pairs():
            average.lerp_(now, 1 - decay)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Put the average in place of the weights for a while."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def _swap(self) -> None:
        for average, now in self._pairs():
            kept = now.clone()
            now.copy_(average)
            average.copy_(kept)

    def _pairs(self) -> Iterator[tuple[Tensor, Tensor]]:
        for name, average in self.tensors.items():
            yield average, self._followed[name]
