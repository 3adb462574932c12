"""
The digits: 1,797 handwritten digits that ship with scikit-learn, as a folder of class folders.

They are 8x8 pixels with 17 grey levels. Here each becomes 20x20 in the middle of 28x28, as the
digits that LeNet was made for.
By hand:

    python -m netloom.demo.digits /tmp/digits
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from netloom import images

SIZE = 28
MARGIN = 4
LEVELS = 16  # the darkest stroke; 0 is the background


def write(folder: Path) -> list[Path]:
    """Write the digits that are not there yet as `<digit>/<number>.png`; return all paths."""
    from sklearn.datasets import load_digits  # slow to import, and only the demo needs it

    digits = load_digits()
    paths = [
        folder / str(label) / f"{number:04d}.png" for number, label in enumerate(digits.target)
    ]
    for path, small in zip(paths, digits.images, strict=True):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(images.encode(enlarge(small), "png"))
    return paths


def enlarge(small: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Return an 8x8 image of 0..16 as 28x28 of 0..255."""
    pixels = np.round(small * (255 / LEVELS)).astype(np.uint8)
    inside = SIZE - 2 * MARGIN
    return np.pad(images.resize(pixels, inside, inside, "squash"), MARGIN)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
