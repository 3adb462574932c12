"""A training from HDF5 gives the bits of one from LMDB, from memory and from disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from netloom.datasets import ClassificationDataset
from netloom.testing import RecordingRun
from netloom.training.export import Exporter
from tests.training.conftest import DATASET, draw, perform


def build(root: Path, backend: str) -> Path:
    """Build a dataset of raw pixels in one kind of database."""
    directory = root / backend
    directory.mkdir()
    form = {
        "dataset_name": "stripes",
        "folder_train": str(root / "images"),
        "resize_width": 10,
        "resize_height": 10,
        "seed": 1,
        "backend": backend,
        "encoding": "none",
        "compression": "gzip",
    }
    perform(ClassificationDataset.from_form(form).plan(), RecordingRun(directory))
    return directory


@pytest.mark.usefixtures("make_run")  # puts the number of threads back
def test_both_databases_give_the_same_bits(tmp_path, step, monkeypatch):
    monkeypatch.setattr(Exporter, "write", lambda *_: 0.0)
    draw(tmp_path / "images")
    found = {}
    for backend in ("lmdb", "hdf5"):
        dataset = build(tmp_path, backend)
        for limit in ({}, {"memory_limit": 0}):
            directory = tmp_path / f"model-{len(found)}"
            directory.mkdir()
            run = RecordingRun(directory, directories={DATASET: dataset})
            step(crop_size=8, **limit).run(run)
            path = run.facts["path"]
            found[backend, path] = (directory / "snapshot_3.safetensors").read_bytes()
    assert {path for _, path in found} == {"memory", "streaming"}
    assert len(set(found.values())) == 1
