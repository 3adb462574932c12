"""
The standard networks, by framework and name.

Each is a text in the folder of its framework, which users see, choose, copy and change.
By hand:

    print(standard_networks("pytorch")["lenet"].text)
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from netloom.interfaces.framework import StandardNetwork

# Name, title, what it is, the images it is meant for.
_PYTORCH = (
    ("lenet", "LeNet", "Two convolutions, small and fast; for digits and signs.", "28 x 28, grey"),
    (
        "alexnet",
        "AlexNet",
        "Five convolutions and three large dense layers, with dropout.",
        "256 x 256, colour, crop 224",
    ),
    (
        "googlenet",
        "GoogLeNet",
        "Nine inception blocks; two auxiliary classifiers help while training.",
        "256 x 256, colour, crop 224",
    ),
    (
        "resnet18",
        "ResNet-18",
        "Residual blocks with batch normalisation; a good first choice for photos.",
        "256 x 256, colour, crop 224",
    ),
    (
        "mobilenet",
        "MobileNetV2",
        "Inverted residual blocks; few parameters, fast without a GPU.",
        "256 x 256, colour, crop 224",
    ),
)
_CATALOG = {"pytorch": _PYTORCH}


@functools.cache
def standard_networks(framework: str) -> Mapping[str, StandardNetwork]:
    """Return the standard networks of a framework by name, in the order pages show them."""
    folder = Path(__file__).parent / framework
    return MappingProxyType(
        {
            name: StandardNetwork(
                name=name,
                title=title,
                description=description,
                image=image,
                text=(folder / f"{name}.py").read_text(encoding="utf-8"),
            )
            for name, title, description, image in _CATALOG.get(framework, ())
        }
    )
