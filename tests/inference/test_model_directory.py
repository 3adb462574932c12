"""Opening a model directory: what fits, and one clear sentence for what does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from netloom import inference
from netloom.errors import BadModel, InferenceFailed
from netloom.images import Preprocessing
from netloom.networks.card import CARD, ModelCard
from tests.inference.small_models import ModelMaker, card, network


def test_opens_a_model(make_model: ModelMaker) -> None:
    model = inference.Model.open(make_model(), "snapshot_1.onnx")
    assert model.card.classes[3] == "class 3"
    batch = np.zeros((2, 1, 12, 12), np.float32)
    assert model.network.run(batch, ["output"])[0].shape == (2, 10)
    assert model.bytes > 2**20


def test_card_survives_storage_with_its_mean_image(tmp_path: Path) -> None:
    mean = np.random.default_rng(0).uniform(0, 255, (1, 12, 12)).astype(np.float32)
    preprocessing = Preprocessing(width=12, height=12, channels=1).with_mean("image", mean)
    written = card(preprocessing=preprocessing)
    written.write(tmp_path)
    assert ModelCard.read(tmp_path) == written
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mean.npy", CARD]


def test_a_model_needs_its_mean_image(make_model: ModelMaker) -> None:
    directory = make_model()
    mean = np.zeros((1, 12, 12), np.float32)
    preprocessing = Preprocessing(width=12, height=12, channels=1).with_mean("image", mean)
    card(preprocessing=preprocessing).write(directory)
    (directory / "mean.npy").unlink()
    with pytest.raises(BadModel, match=r"mean image mean\.npy cannot be read"):
        inference.Model.open(directory, "snapshot_1.onnx")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, r"no model\.json in 'model'"),
        ("{", "cannot be read as JSON"),
        ("[]", "does not hold an object"),
        ("{}", "framework"),
        ('{"framework": "pytorch", "classes": ["a"], "preprocessing": {}}', "width"),
        ('{"framework": "pytorch", "classes": ["a"], "preprocessing": 3}', "preprocessing"),
    ],
)
def test_bad_cards_say_why(make_model: ModelMaker, text: str | None, sentence: str) -> None:
    directory = make_model()
    (directory / CARD).unlink() if text is None else (directory / CARD).write_text(text)
    with pytest.raises(BadModel, match=sentence):
        inference.Model.open(directory, "snapshot_1.onnx")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"input": "image"}, "its card names image"),
        ({"outputs": ["softmax"]}, "no output 'softmax'; it has 'output'"),
        ({"classes": [str(n) for n in range(11)]}, r"10 score\(s\) for 11 classes"),
        ({"preprocessing": {"width": 9, "height": 12, "channels": 1}}, "takes images of shape"),
        ({"preprocessing": {"width": 12, "height": 12}}, "takes images of shape"),
    ],
)
def test_card_and_network_must_fit(
    make_model: ModelMaker, changes: dict[str, object], sentence: str
) -> None:
    directory = make_model()
    values = json.loads((directory / CARD).read_text()) | changes
    (directory / CARD).write_text(json.dumps(values))
    with pytest.raises(BadModel, match=sentence):
        inference.Model.open(directory, "snapshot_1.onnx")


@pytest.mark.parametrize("content", [b"", b"not a network", None])
def test_damaged_networks(make_model: ModelMaker, content: bytes | None) -> None:
    directory = make_model()
    path = directory / "snapshot_1.onnx"
    path.write_bytes(path.read_bytes()[:500] if content is None else content)
    with pytest.raises(BadModel, match=r"'snapshot_1.onnx' of 'model' cannot be opened") as raised:
        inference.Model.open(directory, "snapshot_1.onnx")
    assert str(directory) not in str(raised.value)


@pytest.mark.parametrize(
    "name", ["", "..", "../model/snapshot_1.onnx", "/etc/passwd", "snapshot_2.onnx"]
)
def test_networks_lie_in_their_directory(make_model: ModelMaker, name: str) -> None:
    with pytest.raises(BadModel):
        inference.Model.open(make_model(), name)


def move_weights(directory: Path, file: str, location: str | None = None) -> None:
    """Keep the weights of the network in another file; let the network name `location` for it."""
    path = directory / "snapshot_1.onnx"
    (directory / file).unlink(missing_ok=True)
    onnx.save_model(network(), path, save_as_external_data=True, location=file, size_threshold=0)
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        entry = next(entry for entry in tensor.external_data if entry.key == "location")
        entry.value = location or file
    onnx.save(model, path)


def test_weights_beside_the_network(make_model: ModelMaker) -> None:
    directory = make_model()
    batch = np.full((1, 1, 12, 12), 7, np.float32)
    before = inference.Model.open(directory, "snapshot_1.onnx").network.run(batch, ["output"])
    move_weights(directory, "snapshot_1.safetensors")
    model = inference.Model.open(directory, "snapshot_1.onnx")
    np.testing.assert_array_equal(model.network.run(batch, ["output"]), before)
    assert model.bytes > 2 * (directory / "snapshot_1.safetensors").stat().st_size

    (directory / "snapshot_1.safetensors").unlink()
    with pytest.raises(BadModel, match="cannot be opened"):
        inference.Model.open(directory, "snapshot_1.onnx")


@pytest.mark.parametrize("absolute", [True, False])
def test_weights_outside_the_directory_are_refused(
    make_model: ModelMaker, tmp_path: Path, absolute: bool
) -> None:
    directory = make_model()
    outside = tmp_path / "outside"
    move_weights(directory, "weights", str(outside) if absolute else "../outside")
    (directory / "weights").rename(outside)
    with pytest.raises(BadModel):
        inference.Model.open(directory, "snapshot_1.onnx")


def test_a_wrong_input_is_an_inference_failure(make_model: ModelMaker) -> None:
    model = inference.Model.open(make_model(), "snapshot_1.onnx")
    with pytest.raises(InferenceFailed, match=r"shape \(1, 3, 12, 12\)"):
        model.network.run(np.zeros((1, 3, 12, 12), np.float32), ["output"])


def test_answering_needs_no_torch(make_model: ModelMaker) -> None:
    """A server that classifies stays small and starts fast."""
    code = (
        "import sys, pathlib; from netloom import images, inference;"
        "predictor = inference.Predictor.open(pathlib.Path(sys.argv[1]), 'snapshot_1.onnx');"
        "predictor.classify(images.sample());"
        "print(*{'torch', 'onnx', 'onnxscript', 'sklearn'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(make_model())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, [], "")


def test_the_engine_reports_to_nobody(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    environment["HOME"] = str(tmp_path)
    command = [sys.executable, "-c", "import netloom, onnxruntime"]
    subprocess.run(command, env=environment, check=True, timeout=60)
    assert not list(tmp_path.rglob("*"))
