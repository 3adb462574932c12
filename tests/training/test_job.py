"""The step `train`: what it records and leaves, and that an interruption changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from netloom.errors import NetworkTextError, TrainingDiverged
from netloom.networks.card import ModelCard


def weights(directory: Path, name: str) -> dict[str, np.ndarray]:
    return load_file(directory / name)


def test_a_training_leaves_a_model(make_run, step):
    run = make_run()
    step().run(run)
    assert [snapshot.epoch for snapshot in run.snapshots] == [1, 2, 3]
    files = {path.name for path in run.directory.iterdir()}
    assert files == {
        "checkpoint.safetensors",
        "labels.txt",
        "mean.npy",
        "model.json",
        "network.py",
        *(f"snapshot_{epoch}.{kind}" for epoch in (1, 2, 3) for kind in ("onnx", "safetensors")),
    }
    card = ModelCard.read(run.directory)
    assert card.classes == ("class 0", "class 1", "class 2")
    assert (card.input, card.outputs, card.outputs_are) == ("data", ("output",), "logits")
    assert run.snapshots[-1].metrics["accuracy"] == 1.0
