"""
PyTorch: a network text is a Python file with `def build(p)` that returns a module.

    PyTorch().networks()["lenet"].text
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from netloom import networks
from netloom.interfaces.framework import BuildInputs, BuiltNetwork, Framework, StandardNetwork


class PyTorch(Framework):
    """Networks written in Python with torch."""

    name: ClassVar[str] = "pytorch"
    title: ClassVar[str] = "PyTorch"
    file: ClassVar[str] = "network.py"
    solvers: ClassVar[tuple[str, ...]] = (
        "SGD",
        "NESTEROV",
        "ADAGRAD",
        "RMSPROP",
        "ADADELTA",
        "ADAM",
        "ADAMW",
    )

    def networks(self) -> Mapping[str, StandardNetwork]:
        """Return the standard networks by name."""
        return networks.standard_networks("pytorch")

    def check(self, text: str) -> None:
        """Raise NetworkTextError where the text is not Python or has no `build`."""
        networks.check_text(text)

    def build(self, text: str, inputs: BuildInputs) -> BuiltNetwork:
        """Run `build(p)` of the text and check what it returns."""
        return networks.build_text(text, inputs)
