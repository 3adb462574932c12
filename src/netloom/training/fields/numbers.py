"""
Lists of numbers in a form: "0.01, 0.1", "[16, 32]" or a JSON list.

    class Sizes(Options):
        sizes: Annotated[tuple[int, ...] | None, within(1, 9), BeforeValidator(whole_numbers)]
"""

from __future__ import annotations

import math
from typing import Any

from pydantic import BeforeValidator


def _parts(value: object) -> list[object]:
    """Return the items of a list, of a single number, or of a text like "[0.01, 0.1]"."""
    if isinstance(value, str):
        return [part.strip() for part in value.strip().strip("[]").split(",") if part.strip()]
    return list(value) if isinstance(value, list | tuple) else [value]


def whole_numbers(value: object) -> tuple[int, ...] | None:
    """Return the whole numbers of a field, None if there is none; raise ValueError."""
    if value is None:
        return None
    return tuple(int(number) for number in _checked(value, whole=True)) or None


def numbers(value: object) -> tuple[float, ...]:
    """Return the numbers of a field; raise ValueError for what is none."""
    return tuple(_checked(value))


def _checked(value: object, *, whole: bool = False) -> list[float]:
    found: list[float] = []
    for part in _parts(value):
        try:
            number = float(part) if isinstance(part, int | float | str) else math.nan
        except (ValueError, OverflowError):
            number = math.nan
        if isinstance(part, bool) or not math.isfinite(number):
            raise ValueError(f"{part!r} is not a number.")
        if whole and number != int(number):
            raise ValueError(f"{part!r} is not a whole number.")
        found.append(number)
    return found


def within(smallest: float, largest: float) -> BeforeValidator:
    """Return a validator that refuses a number outside of the limits."""

    def check(value: Any) -> Any:
        for number in value or ():
            if not smallest <= number <= largest:
                raise ValueError(
                    f"{number:g} is out of range: each value must be from "
                    f"{smallest:g} to {largest:g}."
                )
        return value

    return BeforeValidator(check)
