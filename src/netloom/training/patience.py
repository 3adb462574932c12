"""Early stopping: a training ends when validation has not become better for a while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass
class Patience:
    """What validation has said so far; kept in the checkpoint."""

    most: int  # validations in a row without a better one; 0 never ends a training
    accuracy: float = -1.0  # of the best one; at the same accuracy the smaller loss is better
    loss: float = 0.0
    waited: int = 0

    def see(self, validated: Mapping[str, float]) -> None:
        """Count a validation."""
        accuracy, loss = validated["accuracy"], validated["loss"]
        if (accuracy, -loss) > (self.accuracy, -self.loss):
            self.accuracy, self.loss, self.waited = accuracy, loss, 0
        else:
            self.waited += 1

    @property
    def exhausted(self) -> bool:
        """Return whether it is time to stop."""
        return 0 < self.most <= self.waited
