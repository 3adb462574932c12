"""Splits keep the proportions of each class and leave no split empty."""

from __future__ import annotations

import random

import pytest

from netloom.datasets import split


@pytest.mark.parametrize(
    ("count", "shares", "expected"),
    [
        (100, {"train": 75, "val": 25}, [75, 25]),
        (10, {"train": 75, "val": 25}, [8, 2]),  # 7.5 is rounded up
        (3, {"train": 50, "val": 50}, [2, 1]),
        (2, {"train": 99, "val": 1}, [1, 1]),
        (3, {"train": 98, "val": 1, "test": 1}, [1, 1, 1]),
        (10, {"train": 50, "val": 25, "test": 25}, [5, 3, 2]),
        (4, {"train": 1, "val": 98, "test": 1}, [1, 2, 1]),
        (1, {"train": 75, "val": 25}, [1, 0]),
        (7, {"val": 100}, [7]),
    ],
)
def test_sizes(count, shares, expected):
    assert list(split.sizes(count, shares).values()) == expected


def test_sizes_are_right_for_any_numbers():
    draw = random.Random(1)
    for _ in range(3000):
        val, test = sorted((draw.randint(0, 99), draw.randint(0, 99)))
        shares = {"train": 100 - test, "val": test - val, "test": val}
        shares = {name: share for name, share in shares.items() if share}
        count = draw.randint(len(shares), 500)
        sizes = split.sizes(count, shares)
        assert sum(sizes.values()) == count
        assert min(sizes.values()) >= 1
        for name, share in shares.items():
            # Half an image of rounding per split, and one image given to an empty split.
            assert abs(sizes[name] - count * share / 100) <= 2.5


def test_a_seed_repeats_the_split_and_another_changes_it():
    items = [str(number) for number in range(50)]
    shares = {"train": 60, "val": 40}
    first = split.divide(items, shares, "1")
    assert split.divide(items, shares, "1") == first
    assert split.divide(items, shares, "2") != first
    assert sorted(first["train"] + first["val"]) == sorted(items)
