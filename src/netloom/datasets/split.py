"""
Splits: how the images of one class are divided among train, val and test.

Each class is divided by itself, so every split keeps the proportions of the classes.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from netloom.interfaces.source import SplitName


def sizes(count: int, shares: Mapping[SplitName, int]) -> dict[SplitName, int]:
    """
    Return how many of `count` images go to each split; `shares` are percentages that sum to 100.

    Halves are rounded up, the last split takes the rest, and each split with a share gets
    at least one image where there are enough.
    """
    names = [name for name, share in shares.items() if share > 0]
    result: dict[SplitName, int] = dict.fromkeys(shares, 0)
    left = count
    for name in names[:-1]:
        result[name] = min(left, (2 * count * shares[name] + 100) // 200)
        left -= result[name]
    result[names[-1]] = left
    for name in names:
        largest = max(names, key=lambda other: result[other])
        if result[name] == 0 and result[largest] > 1:
            result[largest] -= 1
            result[name] = 1
    return result


def divide(
    items: Sequence[str], shares: Mapping[SplitName, int], seed: str
) -> dict[SplitName, list[str]]:
    """Shuffle the images of one class and divide them; the same seed gives the same splits."""
    shuffled = list(items)
    random.Random(seed).shuffle(shuffled)
    result: dict[SplitName, list[str]] = {}
    start = 0
    for name, size in sizes(len(shuffled), shares).items():
        result[name] = shuffled[start : start + size]
        start += size
    return result
