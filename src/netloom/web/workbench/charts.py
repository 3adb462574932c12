"""Charts that the server draws: curves as the points of an SVG polyline, 100 x 100."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST_POINTS = 200

Values = NDArray[np.float64]


def polyline(across: Values, up: Values) -> str:
    """Return the points of a curve of shares, 0 at the lower left; thinned out where it is fine."""
    known = ~(np.isnan(across) | np.isnan(up))
    kept = thinned(across[known], up[known])
    return " ".join(f"{100 * x:.2f},{100 - 100 * y:.2f}" for x, y in kept)


def thinned(across: Values, up: Values) -> list[tuple[float, float]]:
    """Return the points that can be told apart in a small drawing, and both ends."""
    points: list[tuple[float, float]] = []
    near = 1 / MOST_POINTS
    last = len(across) - 1
    for place, (x, y) in enumerate(zip(across.tolist(), up.tolist(), strict=True)):
        far = not points or abs(points[-1][0] - x) + abs(points[-1][1] - y) >= near
        if far or place == last:
            points.append((round(x, 5), round(y, 5)))
    return points
