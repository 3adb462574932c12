"""
Where in a training something is due, counted in iterations (optimiser steps).

    marks = Marks.of(images=45_000, steps=704, epochs=3, snapshot_interval=1, val_interval=0.5)
    marks.validation_due(352)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

LOGS_PER_EPOCH = 8  # at least; or one every
IMAGES_PER_LOG = 5000  # images, whichever is more often


@dataclass(frozen=True, kw_only=True)
class Marks:
    """When to log, validate and take snapshots."""

    steps: int  # iterations per epoch
    total: int  # iterations of the whole training
    log: float  # iterations between two log points; at least 1
    snapshot: float  # 0 means only at the end
    validation: float  # 0 means never

    @classmethod
    def of(
        cls, *, images: int, steps: int, epochs: int, snapshot_interval: float, val_interval: float
    ) -> Marks:
        """Return the marks; an epoch is `images` in `steps` iterations, intervals are in epochs."""
        logs = min(steps, max(LOGS_PER_EPOCH, math.ceil(images / IMAGES_PER_LOG)))
        return cls(
            steps=steps,
            total=steps * epochs,
            log=steps / logs,
            snapshot=_span(snapshot_interval, steps),
            validation=_span(val_interval, steps),
        )

    def epoch(self, iteration: int) -> float:
        """Return the epoch, in fractions, after an iteration."""
        return round(iteration / self.steps, 3)

    def log_due(self, iteration: int) -> bool:
        """Return whether the curves get a point after this iteration."""
        return iteration > 0 and _passed(iteration, self.log)

    def snapshot_due(self, iteration: int) -> bool:
        """Return whether the weights are kept after this iteration; those of the end always are."""
        if iteration == self.total:
            return True
        return iteration > 0 and self.snapshot > 0 and _passed(iteration, self.snapshot)

    def validation_due(self, iteration: int) -> bool:
        """Return whether to validate after this iteration; before the first one, too."""
        if self.validation == 0:
            return False
        return iteration in (0, self.total) or _passed(iteration, self.validation)

    def due(self, iteration: int) -> bool:
        """Return whether anything is due after this iteration."""
        return (
            self.log_due(iteration)
            or self.snapshot_due(iteration)
            or self.validation_due(iteration)
        )


def _span(interval: float, steps: int) -> float:
    return max(1.0, interval * steps) if interval > 0 else 0.0


def _passed(iteration: int, span: float) -> bool:
    """Return whether a multiple of `span` lies behind this iteration but not the one before."""
    # The small term keeps 0.1 * 30 from falling just short of 3.
    return math.floor(iteration / span + 1e-9) > math.floor((iteration - 1) / span + 1e-9)
