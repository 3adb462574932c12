"""Export: ONNX networks that refer to the weights beside them and answer like the trained one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from torch import nn

from netloom.errors import ExportFailed
from netloom.training.checkpoint import write_tensors
from netloom.training.export import Exporter

SAMPLES = np.random.default_rng(1).random((5, 2, 6, 6), np.float32)


def network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 4)
    )


def change(net: nn.Module) -> None:
    with torch.no_grad():
        for value in net.state_dict().values():
            value.copy_(torch.rand_like(value.float()) + 0.5)


def export(exporter: Exporter, net: nn.Module, directory: Path, name: str) -> Path:
    weights, path = directory / f"{name}.safetensors", directory / f"{name}.onnx"
    write_tensors(weights, net.state_dict(), {})
    assert exporter.write(weights, path) < 1e-5
    return path


def answer(path: Path, samples: np.ndarray) -> np.ndarray:
    return ort.InferenceSession(path).run(["output"], {"data": samples})[0]


def test_every_snapshot_answers_with_its_own_weights(tmp_path: Path):
    net = network()
    exporter = Exporter(net, SAMPLES)
    expected = []
    for number in (1, 2):
        change(net)
        path = export(exporter, net, tmp_path, f"snapshot_{number}")
        expected.append(net.eval()(torch.from_numpy(SAMPLES)).detach().numpy())
        assert path.stat().st_size < 10_000
    for number, wanted in enumerate(expected, start=1):
        given = answer(tmp_path / f"snapshot_{number}.onnx", SAMPLES)
        assert np.allclose(given, wanted, rtol=1e-4, atol=1e-4)
    graph = onnx.load(tmp_path / "snapshot_2.onnx", load_external_data=False).graph
    outside = {
        tensor.name: tensor.external_data[0].value
        for tensor in graph.initializer
        if tensor.data_location == onnx.TensorProto.EXTERNAL
    }
    floats = {name for name, value in net.state_dict().items() if value.is_floating_point()}
    assert outside == dict.fromkeys(floats, "snapshot_2.safetensors")


def test_any_batch_size_will_do(tmp_path: Path):
    net = network()
    path = export(Exporter(net, SAMPLES), net, tmp_path, "snapshot_1")
    assert answer(path, SAMPLES[:1]).shape == (1, 4)
    assert answer(path, np.repeat(SAMPLES, 9, 0)).shape == (45, 4)


def test_what_onnx_cannot_say_is_refused_in_words(tmp_path: Path):
    class Choosing(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x.flatten(1)) * (1 if x.sum() > 0 else 2)

    net = Choosing(72, 4)
    write_tensors(tmp_path / "w.safetensors", net.state_dict(), {})
    exporter = Exporter(net, SAMPLES)
    with pytest.raises(ExportFailed, match=r"cannot be exported to ONNX.*control flow on values"):
        exporter.write(tmp_path / "w.safetensors", tmp_path / "w.onnx")
    assert not (tmp_path / "w.onnx").exists()


def test_a_network_that_answers_differently_is_not_kept(tmp_path: Path):
    class Random(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x.flatten(1)) * torch.rand(4)

    net = Random(72, 4)
    write_tensors(tmp_path / "w.safetensors", net.state_dict(), {})
    with pytest.raises(ExportFailed, match="differs from the trained one"):
        Exporter(net, SAMPLES).write(tmp_path / "w.safetensors", tmp_path / "w.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]


def test_the_random_state_of_the_training_is_left_alone(tmp_path: Path):
    net = network()
    before = torch.get_rng_state()
    export(Exporter(net, SAMPLES), net, tmp_path, "snapshot_1")
    assert torch.equal(before, torch.get_rng_state())
