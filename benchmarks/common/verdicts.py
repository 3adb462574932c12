"""
Ratios and whether they keep what is promised.

    ratios = Ratios({"loop": 0.95})
    ratios.add("loop", 9_500 / 10_000)
    ratios.show()
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping


class Ratios:
    """The ratios of several turns, each of two figures that were taken side by side."""

    def __init__(self, promised: Mapping[str, float]) -> None:
        self._promised = promised
        self._found: dict[str, list[float]] = {}

    def add(self, label: str, ratio: float) -> None:
        self._found.setdefault(label, []).append(ratio)

    def show(self) -> None:
        """Print the median of each, all turns, and the verdict."""
        for label, ratios in self._found.items():
            middle = statistics.median(ratios)
            turns = ", ".join(f"{ratio:.2f}" for ratio in sorted(ratios))
            print(f"{label:22} {middle:5.2f}  ({turns})  {self._verdict(label, middle)}")

    def _verdict(self, label: str, ratio: float) -> str:
        if label not in self._promised:
            return ""
        promise = self._promised[label]
        return f"promise {promise:g}: {'kept' if ratio >= promise else 'NOT KEPT'}"
