"""
Sample: one picture that comes with the package, to show what a resize mode does.

640 x 480 pixels, drawn by scripts/draw_sample.py.
"""

from __future__ import annotations

import functools
from importlib.resources import files


@functools.cache
def sample() -> bytes:
    """Return the file bytes of the picture, a PNG."""
    return files("netloom.images").joinpath("sample.png").read_bytes()
