"""Training on: a finished training goes on for more epochs as if it had been that long."""

from __future__ import annotations

import pytest

from netloom.errors import StepFailed
from netloom.testing import RecordingRun
from netloom.training import checkpoint
from netloom.training.export import Exporter
from netloom.training.rates import RatePolicy
from tests.training.conftest import DATASET


@pytest.fixture(autouse=True)
def no_export(monkeypatch):
    """Leave the export out, which takes most of the time."""
    monkeypatch.setattr(Exporter, "write", lambda *_: 0.0)


@pytest.mark.parametrize("solver", ["SGD", "ADAM"])
def test_two_epochs_and_one_more_are_three(make_run, step, dataset, tmp_path, solver):
    fixed = {"policy": RatePolicy(name="fixed"), "solver": solver}
    whole, first = make_run(), make_run()
    step(epochs=3, **fixed).run(whole)
    step(epochs=2, **fixed).run(first)
    folder = tmp_path / "more"
    folder.mkdir()
    more = RecordingRun(folder, directories={DATASET: dataset, "first": first.directory})
    step(epochs=3, continues="first", **fixed).run(more)
    names = [run.directory / "snapshot_3.safetensors" for run in (whole, more)]
    assert names[0].read_bytes() == names[1].read_bytes()
    assert [snapshot.epoch for snapshot in more.snapshots] == [3]
    assert more.snapshots[0].best  # the best of its own
    assert more.points[0].epoch > 2
    assert ("info", "Going on after epoch 2") in more.lines


def test_without_its_checkpoint_a_training_cannot_go_on(make_run, step, tmp_path):
    gone, broken = tmp_path / "gone", tmp_path / "broken"
    broken.mkdir()
    (broken / checkpoint.CHECKPOINT).write_bytes(b"\x08" + b"\0" * 7 + b"nonsense")
    for source in (gone, broken):
        with pytest.raises(StepFailed, match="is gone"):
            checkpoint.adopt(source, tmp_path)
    assert not checkpoint.exists(tmp_path)
