"""Checkpoints: everything comes back, and a failure leaves the one before."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from netloom.errors import DiskFull, StepFailed
from netloom.plugins.frameworks.pytorch import PyTorch
from netloom.training import checkpoint
from netloom.training.optimisers import optimiser


def network() -> nn.Module:
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(48, 2))
    return net.to(memory_format=torch.channels_last)


def learn(net: nn.Module, solver: torch.optim.Optimizer, steps: int) -> None:
    for _ in range(steps):
        images = torch.rand(4, 2, 6, 6) + np.random.rand() + random.random()
        net(images).square().mean().backward()
        solver.step()
        solver.zero_grad()


@pytest.mark.parametrize("solver", PyTorch.solvers)
def test_going_on_gives_the_same_bits(tmp_path: Path, solver):
    net = network()
    steps = optimiser(solver, net.parameters(), rate=0.01)
    learn(net, steps, 3)
    checkpoint.save(tmp_path, net, steps, {"iteration": 3})
    learn(net, steps, 3)

    other = network()
    again = optimiser(solver, other.parameters(), rate=0.01)
    torch.rand(5), np.random.rand(5), random.random()  # move every random state
    assert checkpoint.load(tmp_path, other, again) == {"iteration": 3}
    learn(other, again, 3)
    for name, value in net.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


def test_there_may_be_none(tmp_path: Path):
    net = network()
    assert checkpoint.load(tmp_path, net, optimiser("SGD", net.parameters(), rate=0.1)) is None


def test_a_damaged_one_is_refused_in_words(tmp_path: Path):
    (tmp_path / checkpoint.CHECKPOINT).write_bytes(b"what")
    net = network()
    with pytest.raises(
        StepFailed, match=r"The checkpoint cannot be used: .* Train the model again"
    ):
        checkpoint.load(tmp_path, net, optimiser("SGD", net.parameters(), rate=0.1))


def test_a_full_disk_leaves_the_one_before(tmp_path: Path):
    path = tmp_path / "weights.safetensors"
    checkpoint.write_tensors(path, {"a": torch.ones(2)}, {})
    before = path.read_bytes()

    def fill_the_disk() -> None:
        with checkpoint.replacing(path) as unfinished:
            unfinished.write_bytes(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(DiskFull, match=r"weights\.safetensors cannot be written"):
        fill_the_disk()
    assert path.read_bytes() == before
    assert [kept.name for kept in tmp_path.iterdir()] == [path.name]


def test_shared_and_strided_tensors_are_written_one_by_one(tmp_path: Path):
    from safetensors.torch import load_file

    tied = torch.arange(6.0).reshape(2, 3)
    path = tmp_path / "weights.safetensors"
    checkpoint.write_tensors(path, {"a": tied, "b": tied, "c": tied.T}, {"format": "pt"})
    kept = load_file(path)
    assert all(torch.equal(kept[name], tied) for name in "ab")
    assert torch.equal(kept["c"], tied.T)
