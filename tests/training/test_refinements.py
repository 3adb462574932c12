"""Refinements: what each does to a training, against the formulas in a few lines of numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional

from netloom import datasets
from netloom.errors import BadDataset, NetworkTextError
from netloom.training import loop
from netloom.training.average import Average
from netloom.training.export import Exporter
from netloom.training.mixing import Mixing
from netloom.training.objective import balanced_weights, objective
from netloom.training.refinements import Refinements

LINEAR = """
from torch import nn

def build(p):
    return nn.Sequential(nn.Flatten(), nn.Linear(300, p.classes))
"""
OWN_LOSS = """
from torch import nn

def build(p):
    net = nn.Sequential(nn.Flatten(), nn.Linear(300, p.classes))
    return {"model": net, "loss": lambda output, target: (output ** 2).mean()}
"""
EVERYTHING = Refinements(
    class_weights="balanced",
    label_smoothing=0.1,
    mixup=0.4,
    cutmix=1,
    largest_gradient=0.5,
    average_decay=0.9,
    patience=50,
)


@pytest.fixture
def no_export(monkeypatch):
    monkeypatch.setattr(Exporter, "write", lambda *_: 0.0)


def log_softmax(output: np.ndarray) -> np.ndarray:
    return output - np.log(np.exp(output).sum(1, keepdims=True))


# The objective.


def test_weights_and_smoothing_follow_the_formula():
    random = np.random.default_rng(1)
    output, labels = random.normal(size=(9, 4)), random.integers(0, 4, 9)
    weights = np.array([0.5, 1, 2, 4], np.float32)
    loss = objective(functional.cross_entropy, weights=torch.from_numpy(weights), smoothing=0.2)
    found = loss(torch.from_numpy(output), torch.from_numpy(labels))
    logs = log_softmax(output)
    each = 0.8 * -logs[np.arange(9), labels] + 0.2 / 4 * -logs.sum(1)
    assert float(found) == pytest.approx((weights[labels] * each).mean())


def test_balanced_weights_give_each_class_the_same_say():
    labels = np.repeat([0, 1, 3], [6, 3, 1])
    weights = balanced_weights(labels, classes=4)
    shares = [weights[labels[labels == label]].sum() for label in (0, 1, 3)]
    assert shares == pytest.approx([10 / 3] * 3)
    assert weights[labels].mean() == pytest.approx(1)


def test_class_weights_reach_the_training(make_run, step, no_export, monkeypatch):
    real = datasets.Dataset.split
    rare: dict[str, Any] = {}

    def mostly_of_one_class(self, name):
        split = real(self, name)
        if name == "train":  # every label but the first few of class 1 and 2 is 0
            labels = np.zeros(len(split), np.int64)
            labels[:2], labels[2:4] = 1, 2
            monkeypatch.setattr(split, "labels", lambda: labels, raising=False)
        return split

    monkeypatch.setattr(datasets.Dataset, "split", mostly_of_one_class)
    for kind in ("none", "balanced"):
        run = make_run()
        wanted = Refinements(class_weights=kind)
        step(network=LINEAR, refinements=wanted, rate=0, epochs=1).run(run)
        rare[kind] = run.curve("loss")
    assert rare["none"] != rare["balanced"]


@pytest.mark.parametrize("wanted", [{"label_smoothing": 0.1}, {"class_weights": "balanced"}])
def test_a_loss_of_the_text_is_not_changed_in_silence(make_run, step, no_export, wanted):
    step(network=OWN_LOSS, epochs=1).run(make_run())
    with pytest.raises(NetworkTextError, match=r"a loss of its own.*Turn both off"):
        step(network=OWN_LOSS, refinements=Refinements(**wanted)).run(make_run())


def test_validation_tells_the_plain_loss(make_run, step, no_export):
    runs = [make_run(), make_run()]
    step(rate=0, epochs=1).run(runs[0])
    step(rate=0, epochs=1, refinements=Refinements(label_smoothing=0.5)).run(runs[1])
    plain, smooth = (run.curve("loss", "val")[0] for run in runs)
    assert plain == smooth
    assert runs[0].curve("loss")[0] != runs[1].curve("loss")[0]


# Mixing.


def mixed(count: int = 6, *, place: int = 0, epoch: int = 0, **wanted: float) -> Any:
    # Image n is n everywhere, so that a mix shows what is in it.
    inputs = torch.arange(float(count))[:, None, None, None].expand(count, 1, 10, 10).clone()
    given = {"mixup": 0.0, "cutmix": 0.0, **wanted}
    return inputs, Mixing(seed=1, **given).mix(inputs, epoch, place)


def test_mixup_blends_images_and_labels_by_the_same_share():
    shares = []
    for place in range(50):
        inputs, batch = mixed(place=place, mixup=0.5)
        expected = batch.share * inputs + (1 - batch.share) * inputs[batch.partners]
        assert torch.allclose(batch.inputs, expected, atol=1e-5)
        shares.append(batch.share)
    assert np.mean(shares) == pytest.approx(0.5, abs=0.15)
    assert np.var(shares) == pytest.approx(0.125, rel=0.5)  # of a beta distribution with 0.5, 0.5


def test_cutmix_counts_labels_by_the_pixels_they_have():
    for place in range(50):
        inputs, batch = mixed(place=place, cutmix=1)
        own = (batch.inputs == inputs).float().mean((1, 2, 3))
        other = (batch.inputs == inputs[batch.partners]).float().mean((1, 2, 3))
        for image, partner in enumerate(batch.partners.tolist()):
            if image != partner:
                assert float(own[image]) == pytest.approx(batch.share)
                assert float(other[image]) == pytest.approx(1 - batch.share)


def test_mixed_labels_are_counted_by_their_shares():
    _, batch = mixed(mixup=1)
    output, labels = torch.randn(6, 3, dtype=torch.float64), torch.tensor([0, 1, 2, 0, 1, 2])
    found = float(batch.loss(functional.cross_entropy, output, labels))
    logs, rows = log_softmax(output.numpy()), np.arange(6)
    own = -logs[rows, labels.numpy()].mean()
    other = -logs[rows, labels[batch.partners].numpy()].mean()
    assert found == pytest.approx(batch.share * own + (1 - batch.share) * other)


def test_each_batch_draws_for_itself_and_both_kinds_come():
    draws = [mixed(place=place, mixup=1, cutmix=1) for place in range(40)]
    kinds = [bool((batch.inputs == batch.inputs.round()).all()) for _, batch in draws]
    assert 8 < sum(kinds) < 32  # whole numbers are left by cutmix alone
    assert len({batch.share for _, batch in draws}) > 30
    _, first = mixed(mixup=1, place=3, epoch=2)
    _, again = mixed(mixup=1, place=3, epoch=2)
    assert torch.equal(first.inputs, again.inputs)


# Gradients, averages, stopping.


def test_gradients_are_no_longer_than_allowed(make_run, step, no_export):
    moved = {}
    for largest in (0.0, 0.01):
        run = make_run()
        step(
            network=LINEAR,
            epochs=1,
            batch_size=54,
            rate=1.0,
            momentum=0,
            weight_decay=0,
            snapshot_interval=1,
            val_interval=0,
            refinements=Refinements(largest_gradient=largest),
        ).run(run)
        moved[largest] = load_file(run.directory / "snapshot_1.safetensors")
    torch.manual_seed(3)
    begun = torch.nn.Linear(300, 3)
    before = torch.cat([begun.weight.flatten(), begun.bias]).detach()
    steps = {
        largest: torch.cat([now["1.weight"].flatten(), now["1.bias"]]) - before
        for largest, now in moved.items()
    }
    assert float(steps[0.01].norm()) == pytest.approx(0.01, rel=1e-3)
    assert float(steps[0.0].norm()) > 1
    similar = functional.cosine_similarity(steps[0.0], steps[0.01], 0)
    assert float(similar) == pytest.approx(1, abs=1e-3)


def test_the_average_follows_the_weights():
    net = torch.nn.Linear(1, 1)
    average = Average(net, 0.9)
    values = [net.weight.item()]
    for number in range(1, 200):
        with torch.no_grad():
            net.weight.fill_(number)
        average.follow(number)
        keep = min(0.9, (1 + number) / (10 + number))
        values.append(keep * values[-1] + (1 - keep) * number)
    with average.inside():
        assert net.weight.item() == pytest.approx(values[-1], rel=1e-4)
    assert net.weight.item() == 199


def test_snapshots_and_validation_use_the_average(make_run, step, no_export):
    run, plain = make_run(), make_run()
    # With a decay near 1 the average of the first steps is the mean of few of them.
    step(refinements=Refinements(average_decay=0.99)).run(run)
    step().run(plain)
    averaged = load_file(run.directory / "snapshot_3.safetensors")
    trained = load_file(run.directory / "checkpoint.safetensors")
    last = load_file(plain.directory / "snapshot_3.safetensors")
    for name, value in averaged.items():
        assert torch.equal(trained[f"network.{name}"], last[name])  # it learns as without
        if value.is_floating_point():
            assert torch.equal(trained[f"average.{name}"], value)
            assert not torch.equal(value, last[name])
    assert run.curve("loss") == plain.curve("loss")
    assert run.curve("loss", "val")[1:] != plain.curve("loss", "val")[1:]


def losses(monkeypatch, *values: tuple[float, float]) -> None:
    """Let validation say (accuracy, loss), one after the other."""
    said = iter(values)
    monkeypatch.setattr(
        loop, "evaluate", lambda *_, **__: dict(zip(("accuracy", "loss"), next(said), strict=True))
    )


def test_a_training_stops_when_validation_gets_no_better(make_run, step, no_export, monkeypatch):
    losses(monkeypatch, (0.1, 3), (0.5, 2), (0.4, 2), (0.5, 1.9), (0.5, 1.9), (0.3, 0.1))
    run = make_run()
    step(epochs=9, refinements=Refinements(patience=2), snapshot_interval=3).run(run)
    assert run.curve("accuracy", "val")[-1] == (35, 0.3)  # epoch 5: two after the best
    assert [snapshot.epoch for snapshot in run.snapshots] == [3, 5]
    assert run.facts["stopped_early"] == 5
    assert run.facts["eta_s"] == 0
    assert any("Stopped early after epoch 5" in text for _, text in run.lines)
    # Started again, it has nothing left to do.
    step(epochs=9, refinements=Refinements(patience=2), snapshot_interval=3).run(run)
    assert len(run.snapshots) == 2


def test_a_training_that_gets_better_goes_on(make_run, step, no_export, monkeypatch):
    losses(monkeypatch, *((0.5, 9 - number) for number in range(5)))
    run = make_run()
    step(epochs=4, refinements=Refinements(patience=1)).run(run)
    assert run.snapshots[-1].epoch == 4
    assert "stopped_early" not in run.facts


def test_without_validation_images_nothing_can_say_when_to_stop(make_run, step):
    with pytest.raises(BadDataset, match="Nothing is validated"):
        step(val_interval=0, refinements=Refinements(patience=1)).run(make_run())


@pytest.mark.parametrize("stops", [(2,), (9, 3)])
def test_a_stopped_training_goes_on_to_the_same_bits(make_run, step, no_export, monkeypatch, stops):
    monkeypatch.setattr(loop, "LOOK", 0.0)
    options = {"refinements": EVERYTHING, "accumulation": 2, "batch_size": 5}
    straight, broken = make_run(), make_run()
    step(**options).run(straight)
    for stop in stops:
        looks = iter(range(1000))
        broken.stop_when = lambda _, looks=looks, stop=stop: next(looks) >= stop
        step(**options).run(broken)
    broken.stop_when = lambda _: False
    step(**options).run(broken)
    first, second = (
        (run.directory / "snapshot_3.safetensors").read_bytes() for run in (straight, broken)
    )
    assert first == second
    assert broken.snapshots == straight.snapshots


def test_everything_together_still_learns(make_run, step):
    run = make_run()
    wanted = EVERYTHING.model_copy(update={"largest_gradient": 5.0})
    step(refinements=wanted, epochs=6, rate=0.01, crop_size=9).run(run)
    assert run.snapshots[-1].metrics["accuracy"] > 0.8
