"""
Learning rates: seven policies over the progress of a training.

Progress is in percent of the whole training (0..100), so the number of epochs stretches
the curve and does not change its shape. No torch: the web process draws previews. By hand:

    RatePolicy(name="step", step_size=33, gamma=0.1).rate(0.01, 50)  # 0.001
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

PolicyName = Literal["fixed", "step", "multistep", "exp", "inv", "poly", "sigmoid"]

PREVIEW_POINTS = 101  # 0..100 %


@dataclass(frozen=True, kw_only=True)
class RatePolicy:
    """How the rate falls; each policy reads the numbers it needs."""

    name: PolicyName = "fixed"
    gamma: float = 0.0  # step, multistep, exp, inv, sigmoid
    power: float = 0.0  # inv, poly
    step_size: float = 100.0  # percent; step, and the middle of sigmoid
    steps: tuple[float, ...] = ()  # percent; multistep

    def rate(self, base: float, progress: float) -> float:
        """Return the rate at `progress` percent of the training."""
        match self.name:
            case "fixed":
                factor = 1.0
            case "step":
                factor = self.gamma ** math.floor(progress / self.step_size)
            case "multistep":
                factor = self.gamma ** sum(step <= progress for step in self.steps)
            case "exp":
                factor = self.gamma**progress
            case "inv":
                factor = (1 + self.gamma * progress) ** -self.power
            case "poly":
                factor = (1 - progress / 100) ** self.power
            case "sigmoid":
                factor = _falling(self.gamma * (progress - self.step_size))
        return base * factor

    def preview(self, base: float) -> list[float]:
        """Return the rate at 0, 1 ... 100 % of the training."""
        return [self.rate(base, progress) for progress in range(PREVIEW_POINTS)]


def _falling(exponent: float) -> float:
    # e^x overflows above 709; the rate is 0 there to more digits than a float has.
    return 1 / (1 + math.exp(exponent)) if exponent < 700 else 0.0
