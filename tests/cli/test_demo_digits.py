"""The digits of the demo: real pictures, one folder per class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from netloom.demo import digits


def test_digits_are_written_once(tmp_path: Path) -> None:
    paths = digits.write(tmp_path)
    assert len(paths) == 1797
    assert sorted(path.name for path in tmp_path.iterdir()) == [str(digit) for digit in range(10)]
    with Image.open(paths[0]) as picture:
        assert (picture.size, picture.mode) == ((28, 28), "L")
        pixels = np.asarray(picture)
    assert pixels.min() == 0
    assert pixels.max() > 200
    before = paths[0].stat().st_mtime_ns
    assert digits.write(tmp_path) == paths
    assert paths[0].stat().st_mtime_ns == before
