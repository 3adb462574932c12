"""The step `train`: what it records and leaves, and that an interruption changes nothing."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch

from netloom import datasets
from netloom.errors import BadDataset, ExportFailed, NetworkTextError, TrainingDiverged
from netloom.networks.card import ModelCard
from netloom.training import loop
from netloom.training.augment import Augmentations
from netloom.training.export import Exporter


def bits(directory: Path, name: str = "snapshot_3") -> bytes:
    return (directory / f"{name}.safetensors").read_bytes()


@pytest.fixture
def no_export(monkeypatch):
    """Leave the export out where a test is about something else: it takes most of the time."""
    monkeypatch.setattr(Exporter, "write", lambda *_: 0.0)


def test_a_training_leaves_a_model_that_answers(make_run, step, dataset):
    run = make_run()
    step().run(run)
    files = {path.name for path in run.directory.iterdir()}
    assert files == {
        "checkpoint.safetensors",
        "labels.txt",
        "mean.npy",
        "model.json",
        "network.py",
        *(f"snapshot_{epoch}.{kind}" for epoch in (1, 2, 3) for kind in ("onnx", "safetensors")),
    }
    assert (run.directory / "labels.txt").read_text() == "class 0\nclass 1\nclass 2\n"
    card = ModelCard.read(run.directory)
    assert (card.input, card.outputs, card.outputs_are) == ("data", ("output",), "logits")

    split = datasets.open(dataset).split("val")
    session = ort.InferenceSession(run.directory / "snapshot_3.onnx")
    images = card.preprocessing.tensor(split.read(range(len(split))))
    found = session.run(["output"], {"data": images})[0].argmax(1)
    assert (found == split.labels()).mean() == run.snapshots[-1].metrics["accuracy"] > 0.9
    model = run.snapshots[-1].model
    assert model is not None
    assert (model.task, model.classes) == ("classification", card.classes)
    assert model.difference < 1e-3


def test_curves_have_what_pages_draw(make_run, step, no_export):
    run = make_run()
    step(epochs=2, batch_size=6).run(run)
    assert [epoch for epoch, _ in run.curve("loss", "val")] == [0, 9, 18]  # 54 / 6 images
    assert {(point.split, point.series) for point in run.points} == {
        ("train", "loss"),
        ("train", "learning_rate"),
        ("train", "throughput"),
        ("val", "loss"),
        ("val", "accuracy"),
    }
    assert len(run.curve("loss")) == 16
    assert run.points[-1].epoch == 2
    assert run.curve("learning_rate")[0][1] == 0.001
    assert run.curve("learning_rate")[-1][1] == pytest.approx(0.00001)
    assert run.fractions[-1] == 1
    assert {"eta_s", "epochs", "iterations", "images_per_s", "path", "device"} <= run.facts.keys()
    assert run.facts["path"] == "memory"
    json.dumps(run.facts)


def test_the_best_snapshot_is_the_most_accurate(make_run, step, no_export, monkeypatch):
    values = iter([0.1, 9.0, 0.5, 1.0, 0.7, 2.0, 0.7, 1.9, 0.6, 0.1])
    monkeypatch.setattr(
        loop, "evaluate", lambda *_, **__: {"accuracy": next(values), "loss": next(values)}
    )
    run = make_run()
    step(epochs=4).run(run)
    assert [snapshot.best for snapshot in run.snapshots] == [True, True, True, False]
    assert run.facts["best"] == {"epoch": 3, "accuracy": 0.7, "loss": 1.9}


def test_snapshots_and_validation_may_come_in_fractions(make_run, step, no_export):
    run = make_run()
    step(epochs=1, snapshot_interval=0.5, val_interval=0).run(run)
    assert [snapshot.epoch for snapshot in run.snapshots] == [0.571, 1]
    assert (run.directory / "snapshot_0.571.safetensors").exists()
    assert run.curve("loss", "val") == []
    assert run.snapshots[-1].best is False


def test_every_image_counts(make_run, step, no_export, monkeypatch):
    seen = []
    real = loop.Training._learn

    def count(self, batches):
        seen.append([len(labels) for _, labels, _ in batches])
        real(self, batches)

    monkeypatch.setattr(loop.Training, "_learn", count)
    step(epochs=1, batch_size=10, accumulation=2).run(make_run())
    assert seen == [[10, 10], [10, 10], [10, 4]]


def test_one_image_is_too_few_for_batch_normalisation(make_run, step):
    step(epochs=1, batch_size=53, val_interval=0).run(make_run())
    text = """
from torch import nn

def build(p):
    return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(300), nn.Linear(300, p.classes))
"""
    with pytest.raises(NetworkTextError, match=r"batch of one image.* 2 or more"):
        step(network=text, batch_size=1).run(make_run())


PLAIN = """
from torch import nn

def build(p):
    return nn.Sequential(nn.Flatten(), nn.Linear(300, p.classes))
"""


def test_accumulated_batches_learn_like_a_large_one(make_run, step, no_export):
    runs = [make_run(), make_run()]
    step(network=PLAIN, batch_size=20, rate=1e-5).run(runs[0])
    step(network=PLAIN, batch_size=8, accumulation=1, rate=1e-5).run(make_run())
    step(network=PLAIN, batch_size=5, accumulation=4, rate=1e-5).run(runs[1])
    first, second = ([value for _, value in run.curve("loss")] for run in runs)
    assert first == pytest.approx(second, rel=1e-4)


VARIED = Augmentations(
    flip="fliplrud",
    quad_rot="rotall",
    rot=20,
    scale=0.1,
    hue=0.1,
    saturation=0.1,
    value=0.1,
    contrast=0.5,
    noise=0.02,
)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"crop_size": 8},
        {"mean": "pixel"},
        {"shuffle": False},
        {"augmentations": VARIED},
        {"augmentations": VARIED, "crop_size": 8},
    ],
)
def test_streaming_gives_the_same_bits_as_memory(make_run, step, no_export, changes):
    runs = [make_run(), make_run()]
    step(**changes).run(runs[0])
    step(memory_limit=0, **changes).run(runs[1])
    assert [run.facts["path"] for run in runs] == ["memory", "streaming"]
    assert bits(runs[0].directory) == bits(runs[1].directory)


# Interruptions.


def curves(run) -> list[tuple[object, ...]]:
    return [
        (point.split, point.series, point.iteration, point.epoch, point.value)
        for point in run.points
        if point.series != "throughput"
    ]


@pytest.mark.parametrize("solver", ["SGD", "ADAM"])
@pytest.mark.parametrize("stops", [(1,), (4,), (9,), (13, 5), (20, 3, 8)])
def test_a_stopped_training_goes_on_to_the_same_bits(
    make_run, step, no_export, monkeypatch, solver, stops
):
    monkeypatch.setattr(loop, "LOOK", 0.0)
    options = {"solver": solver, "accumulation": 2, "batch_size": 5, "crop_size": 9}
    straight, broken = make_run(), make_run()
    step(**options).run(straight)
    for stop in stops:
        looks = iter(range(1000))
        broken.stop_when = lambda _, looks=looks, stop=stop: next(looks) >= stop
        step(**options).run(broken)
        assert broken.fractions[-1] < 1
        torch.rand(3)
    broken.stop_when = lambda _: False
    step(**options).run(broken)
    assert bits(broken.directory) == bits(straight.directory)
    assert curves(broken) == curves(straight)
    assert broken.snapshots == straight.snapshots


class Killed(BaseException):
    """Stands for a signal that cannot be caught."""


def test_a_training_with_everything_on_goes_on_to_the_same_bits(
    make_run, step, no_export, monkeypatch
):
    monkeypatch.setattr(loop, "LOOK", 0.0)
    options = {"augmentations": VARIED, "crop_size": 9, "accumulation": 2}
    straight, broken = make_run(), make_run()
    step(**options).run(straight)
    for stop in (2, 3):
        looks = iter(range(1000))
        broken.stop_when = lambda _, looks=looks, stop=stop: next(looks) >= stop
        step(**options).run(broken)
    broken.stop_when = lambda _: False
    step(**options).run(broken)
    assert bits(broken.directory) == bits(straight.directory)
    assert curves(broken) == curves(straight)


def test_augmentation_is_for_training_alone(make_run, step, no_export):
    runs = [make_run(), make_run()]
    step(rate=0).run(runs[0])
    step(rate=0, augmentations=VARIED).run(runs[1])
    # Before anything is learnt both validate the same network on the same images.
    first, second = (run.curve("loss", "val")[0] for run in runs)
    assert first == second
    first, second = (run.curve("loss")[0] for run in runs)
    assert first != second


@pytest.mark.parametrize("place", ["metrics", "snapshot", "record"])
@pytest.mark.parametrize("call", [1, 2, 3])
def test_a_killed_training_goes_on_to_the_same_bits(
    make_run, step, no_export, monkeypatch, place, call
):
    monkeypatch.setattr(loop, "CHECKPOINT_COST", 1e9)  # at every event
    straight, broken = make_run(), make_run()
    step().run(straight)
    real, calls = getattr(broken, place), iter(range(1000))

    def die(*arguments):
        real(*arguments)
        if next(calls) == call - 1:
            raise Killed

    setattr(broken, place, die)
    with pytest.raises(Killed):
        step().run(broken)
    step().run(broken)
    assert bits(broken.directory) == bits(straight.directory)
    assert curves(broken) == curves(straight)
    assert broken.snapshots == straight.snapshots


def test_a_long_epoch_is_kept_on_the_way(make_run, step, no_export, monkeypatch):
    monkeypatch.setattr(loop, "LOOK", 0.0)
    monkeypatch.setattr(loop, "CHECKPOINT_EVERY", 0.0)
    monkeypatch.setattr(loop, "CHECKPOINT_COST", 1e-9)  # never at events
    kept: list[int] = []
    real = loop.checkpoint.save
    monkeypatch.setattr(
        loop.checkpoint,
        "save",
        lambda *arguments: kept.append(arguments[3]["at"]["iteration"]) or real(*arguments),
    )
    step(epochs=1).run(make_run())
    assert kept == [0, 1, 2, 3, 4, 5, 6, 7, 7]


# What goes wrong.


def test_divergence_stops_with_advice(make_run, step, no_export):
    run = make_run()
    with pytest.raises(
        TrainingDiverged, match=r"loss became (nan|inf) at epoch .* smaller learning"
    ):
        step(network=PLAIN, rate=1e30).run(run)
    assert run.snapshots == []
    assert all(math.isfinite(point.value) for point in run.points)


def test_an_infinite_validation_loss_stops_too(make_run, step, no_export, monkeypatch):
    monkeypatch.setattr(loop, "evaluate", lambda *_, **__: {"loss": math.inf, "accuracy": 0.3})
    with pytest.raises(TrainingDiverged, match="The validation loss became inf at epoch 0"):
        step().run(make_run())


def test_a_mistake_in_the_loss_is_blamed_on_its_line(make_run, step):
    text = PLAIN.replace("return ", "model = ") + (
        "    def loss(output, target):\n"
        "        return output.nonsense()\n"
        "    return {'model': model, 'loss': loss}\n"
    )
    with pytest.raises(NetworkTextError, match=r"Line 7 of the network text failed with Attribute"):
        step(network=text).run(make_run())


def test_a_loss_must_be_one_number(make_run, step):
    text = PLAIN.replace("return ", "model = ") + (
        "    return {'model': model, 'loss': lambda output, target: output[:, 0]}\n"
    )
    with pytest.raises(NetworkTextError, match=r"one number is needed"):
        step(network=text, val_interval=0).run(make_run())


def test_a_network_that_cannot_be_exported_fails_at_the_first_snapshot(make_run, step):
    text = """
from torch import nn

class Choosing(nn.Linear):
    def forward(self, x):
        return super().forward(x.flatten(1)) * (1 if x.sum() > 0 else 2)

def build(p):
    return Choosing(300, p.classes)
"""
    run = make_run()
    with pytest.raises(ExportFailed):
        step(network=text, rate=1e-6).run(run)
    assert run.snapshots == []
    assert not list(run.directory.glob("*.onnx"))


def test_without_a_mean_image_none_can_be_taken(make_run, step, monkeypatch):
    monkeypatch.setattr(datasets.Dataset, "mean", None)
    with pytest.raises(BadDataset, match="The dataset has no mean image"):
        step().run(make_run())
    step(mean="none", epochs=1).run(make_run())


def test_sixteen_bits_learn_too(make_run, step, no_export):
    run = make_run()
    step(precision="bf16").run(run)
    losses = [value for _, value in run.curve("loss")]
    assert losses[-1] < losses[0]
    assert run.snapshots[-1].metrics["accuracy"] > 0.9


def test_the_same_seed_gives_the_same_bits_and_another_one_others(make_run, step, no_export):
    runs = [make_run() for _ in range(3)]
    for run, seed in zip(runs, (3, 3, 4), strict=True):
        step(seed=seed, epochs=1).run(run)
    first, second, third = (bits(run.directory, "snapshot_1") for run in runs)
    assert first == second != third


@pytest.mark.parametrize("whiten", [False, True])
def test_numbers_of_a_prediction_are_those_of_validation(make_run, step, dataset, whiten):
    run = make_run()
    step(epochs=1, crop_size=8, whiten=whiten).run(run)
    card = ModelCard.read(run.directory)
    assert card.input_shape == (3, 8, 8)
    split = datasets.open(dataset).split("val")
    images = card.preprocessing.tensor(split.read(range(len(split))))
    logits = ort.InferenceSession(run.directory / "snapshot_1.onnx").run(None, {"data": images})[0]
    shifted = logits - logits.max(1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(1)) - shifted[np.arange(len(split)), split.labels()]
    assert losses.mean() == pytest.approx(run.snapshots[0].metrics["loss"], rel=1e-4)
