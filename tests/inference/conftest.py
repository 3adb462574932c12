"""Model directories and images to classify."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from tests.inference.small_models import ModelMaker, card, network, png


@pytest.fixture
def make_model(tmp_path: Path) -> ModelMaker:
    """Return a function that makes a model directory with snapshot_1.onnx."""

    def make(name: str = "model", *, classes: int = 10, side: int = 12, **values: Any) -> Path:
        directory = tmp_path / name
        directory.mkdir()
        onnx.save(network(classes=classes, side=side, **values), directory / "snapshot_1.onnx")
        card(classes=classes, side=side).write(directory)
        return directory

    return make


@pytest.fixture
def pictures() -> list[bytes]:
    """Return forty small grey images of different sizes."""
    random = np.random.default_rng(1)
    return [png(random.integers(0, 256, (8 + i % 9, 10 + i % 5))) for i in range(40)]
