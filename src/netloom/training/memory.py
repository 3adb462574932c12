"""
How a training process keeps its memory.

Every iteration asks for the same activations again and gives them back. By default the
C library returns blocks of that size to the system at once and gets them again page by
page, each cleared first: 500 to 1,500 page faults per iteration of LeNet, which cost a
tenth to a third of the speed on two cores. A training process keeps up to 1 GiB of such
memory for its next iteration instead; it goes with the process.
"""

from __future__ import annotations

_KEPT = 2**30  # bytes


def environment() -> dict[str, str]:
    """
    Return what must be set before the process starts.

    glibc reads these variables (mallopt(3)); other C libraries ignore them.
    """
    return {"MALLOC_TRIM_THRESHOLD_": str(_KEPT), "MALLOC_MMAP_THRESHOLD_": str(_KEPT)}
