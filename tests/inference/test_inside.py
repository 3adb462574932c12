"""Layers of a network: which there are, what they hold, how they are drawn."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from netloom.errors import BadModel
from netloom.images import Preprocessing
from netloom.inference import Predictor, figures, tiles
from netloom.inference.inside import Inside, as_seen
from netloom.inference.maps import class_activation, occlusion
from netloom.training.export import refer
from tests.inference import small_models

FILE = "snapshot_1.onnx"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A model whose weights have names as a network text gives them."""
    proto = small_models.network()
    names = {"w1": "conv.weight", "w2": "hidden.weight", "w3": "answer.weight"}
    for tensor in proto.graph.initializer:
        tensor.name = names[tensor.name]
    for node in proto.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
    onnx.save(proto, str(tmp_path / FILE))
    small_models.card().write(tmp_path)
    return tmp_path


@pytest.fixture
def tensor() -> np.ndarray:
    return np.random.default_rng(3).uniform(0, 255, (1, 1, 12, 12)).astype(np.float32)


def opened(picture: tiles.Picture) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB"))


def test_each_layer_shows_its_weights_before_what_it_gives(
    directory: Path, tensor: np.ndarray
) -> None:
    looked = Inside.open(directory, FILE).look(tensor, np.full(10, 0.1, np.float32))
    found = [(view.name, view.kind, view.figures.shape) for view in looked.views]
    assert found == [
        ("data", "Activation", (1, 12, 12)),
        ("conv", "Weights", (4, 1, 3, 3)),
        ("conv", "Activation", (4, 10, 10)),
        ("b", "Activation", (4, 5, 5)),
        ("c", "Activation", (100,)),
        ("hidden", "Weights", (100, 64)),
        ("hidden", "Activation", (64,)),
        ("e", "Activation", (64,)),
        ("answer", "Weights", (64, 10)),
        ("answer", "Activation", (10,)),
        ("softmax", "Activation", (10,)),
    ]
    assert looked.parameters == 4 * 9 + 100 * 64 + 64 * 10
    weights = [view for view in looked.views if view.kind == "Weights"]
    assert [view.parameters for view in weights] == [36, 6400, 640]
    assert [view.picture is None for view in weights] == [False, True, True]


def test_activations_are_those_of_the_prediction(directory: Path, tensor: np.ndarray) -> None:
    predicted = Predictor.open(directory, FILE).predict(tensor)[0]
    looked = Inside.open(directory, FILE).look(tensor, predicted.scores)
    answer = looked.views[-2].figures
    assert answer.mean == pytest.approx(float(predicted.outputs.mean()), rel=1e-5)
    assert answer.stddev == pytest.approx(float(predicted.outputs.std()), rel=1e-5)


def test_weights_may_lie_in_a_file_beside_but_nowhere_else(
    directory: Path, tensor: np.ndarray
) -> None:
    plain = Inside.open(directory, FILE).look(tensor, np.ones(1, np.float32))
    proto = onnx.load(str(directory / FILE))
    values = {t.name: onnx.numpy_helper.to_array(t) for t in proto.graph.initializer}
    _write_safetensors(directory / "snapshot_1.safetensors", values)
    refer(proto, directory / "snapshot_1.safetensors")
    (directory / FILE).write_bytes(proto.SerializeToString())
    beside = Inside.open(directory, FILE).look(tensor, np.ones(1, np.float32))
    assert [view.figures for view in beside.views] == [view.figures for view in plain.views]
    secret = directory.parent / "secret.safetensors"
    (directory / "snapshot_1.safetensors").rename(secret)
    (directory / "snapshot_1.safetensors").symlink_to(secret)
    with pytest.raises(BadModel):
        Inside.open(directory, FILE).look(tensor, np.ones(1, np.float32))


def test_what_is_no_network_is_refused(directory: Path) -> None:
    (directory / FILE).write_bytes(b"no network")
    with pytest.raises(BadModel):
        Inside.open(directory, FILE)


def test_large_networks_are_looked_at_in_parts(
    directory: Path, tensor: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, scores = Inside.open(directory, FILE), np.full(10, 0.1, np.float32)
    whole = inside.look(tensor, scores)
    monkeypatch.setattr("netloom.inference.inside.MOST_BYTES", 1)
    assert inside.look(tensor, scores) == whole


def test_statistics_count_each_number_once() -> None:
    values = np.random.default_rng(0).normal(3, 2, (7, 300, 501)).astype(np.float32)
    found = figures.of(values)
    assert found.mean == pytest.approx(values.mean(dtype=np.float64))
    assert found.stddev == pytest.approx(values.std(dtype=np.float64))
    counts, edges = np.histogram(values.astype(np.float64), 20)
    assert list(found.counts) == counts.tolist()
    assert found.centres == pytest.approx(list((edges[1:] + edges[:-1]) / 2))
    assert (found.ticks[0], found.ticks[2]) == (values.min(), values.max())


@pytest.mark.parametrize("values", [np.zeros((3, 4)), np.full(5, np.nan), np.zeros((0, 2))])
def test_statistics_of_the_dullest_tensors(values: np.ndarray) -> None:
    found = figures.of(values)
    assert len(found.counts) == len(found.centres) == 20
    assert sum(found.counts) == np.isfinite(values).sum()
    json.dumps(found.as_json(), allow_nan=False)


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((10,), (140, 100)),  # a tile of one pixel each: 4 x 3 with gaps, enlarged
        ((4, 10, 10), (105, 105)),
        ((64, 112, 112), (903, 903)),
        ((300, 512, 3, 3), (1199, 1199)),  # surplus tiles are cut
        ((3, 2000, 10), (100, 1200)),
    ],
)
def test_pictures_have_tiles_in_a_square_and_bounds(
    shape: tuple[int, ...], size: tuple[int, int]
) -> None:
    picture = tiles.draw(np.random.default_rng(0).random(shape, np.float32))
    width, height = picture.width, picture.height
    assert opened(picture).shape[:2] == (height, width)
    assert max(width, height) <= 1200
    if shape[-2:] != (2000, 10):
        assert (width, height) == size


def test_colours_of_tiles() -> None:
    steps = np.linspace(-1, 1, 2 * 100 * 100).reshape(2, 100, 100)
    jet = opened(tiles.draw(steps))
    assert jet[0, 0, 2] > jet[0, 0, 0]  # the least is blue
    assert jet[99, 200, 0] > jet[99, 200, 2]  # the most is red
    assert (jet[:, 100] == 255).all()  # the gap
    grey = opened(tiles.draw(steps, colours="grey"))
    assert (grey[..., 0] == grey[..., 2]).all()
    red = np.zeros((3, 100, 100))
    red[0] = 1
    assert opened(tiles.draw(red))[50, 50].tolist() == [255, 0, 0]
    half = opened(tiles.draw(np.full(4, 0.5), normalise=False))
    assert half[0, 0, 1] > 200  # in the middle of the colours, not at their end


def test_the_input_is_shown_in_rgb_whatever_its_order() -> None:
    about = {"width": 2, "height": 3, "channel_order": "bgr", "dimension_order": "NHWC"}
    preprocessing = Preprocessing(**about)
    pixels = np.arange(18, dtype=np.uint8).reshape(1, 3, 2, 3)
    seen = as_seen(preprocessing.tensor(pixels), preprocessing)
    assert np.array_equal(seen, pixels[0].transpose(2, 0, 1))


def test_covering_what_matters_lowers_the_score(directory: Path) -> None:
    predictor = Predictor.open(directory, FILE)
    pixels = np.random.default_rng(1).integers(0, 255, (12, 12, 1), np.uint8)
    best = predictor.classify_pixels(pixels[None])[0]
    number = best.ranking(1)[0]
    found = occlusion(predictor, pixels, number)
    assert found.values.shape == (14, 14)
    covered = pixels.copy()
    covered[:1, :1] = 127
    score = predictor.classify_pixels(covered[None])[0].scores[number]
    assert found.values[0, 0] == pytest.approx(best.scores[number] - score, abs=1e-6)
    assert found.over(pixels).startswith(b"\x89PNG")


def test_class_activation_agrees_with_gradients(directory: Path, tensor: np.ndarray) -> None:
    import torch

    inside = Inside.open(directory, FILE)
    preprocessing = small_models.card().preprocessing
    found = class_activation(inside, tensor, 2, output="output", preprocessing=preprocessing)
    assert found is not None
    assert (found.layer, found.values.shape) == ("a", (12, 12))
    stored = onnx.load(str(directory / FILE)).graph.initializer
    w1, w2, w3 = (torch.from_numpy(onnx.numpy_helper.to_array(t).copy()) for t in stored)
    plane = torch.nn.functional.conv2d(torch.from_numpy(tensor), w1).requires_grad_()
    pooled = torch.nn.functional.max_pool2d(plane, 2).flatten(1)
    ((pooled @ w2).relu() @ w3)[0, 2].backward()
    assert plane.grad is not None
    heat = (plane.grad.sum((2, 3), keepdim=True) * plane.detach()).sum(1)[0].relu()
    large = torch.nn.functional.interpolate(heat[None, None], (12, 12), mode="bilinear")[0, 0]
    assert np.corrcoef(found.values.ravel(), large.numpy().ravel())[0, 1] > 0.99


def test_a_network_without_a_plane_has_no_class_activation(
    tmp_path: Path, tensor: np.ndarray
) -> None:
    from tests.web.small_site import shade_network

    onnx.save(shade_network(), str(tmp_path / FILE))
    preprocessing = Preprocessing(width=8, height=8, channels=1)
    inside = Inside.open(tmp_path, FILE)
    tensor = tensor[:, :, :8, :8]
    about = {"output": "output", "preprocessing": preprocessing}
    assert class_activation(inside, tensor, 0, **about) is None


def _write_safetensors(path: Path, values: dict[str, np.ndarray]) -> None:
    header, offset = {}, 0
    for name, value in values.items():
        span = [offset, offset + value.nbytes]
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": span}
        offset = span[1]
    text = json.dumps(header).encode()
    data = b"".join(value.tobytes() for value in values.values())
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
