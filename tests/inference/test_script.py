"""The script of an archive: alone in a folder, it answers like the server to the last digit."""

from __future__ import annotations

import io
import json
import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from netloom.images import Preprocessing
from netloom.inference import Predictor
from netloom.inference.script import NETWORK, SCRIPT, script
from netloom.networks.card import ModelCard

CLASSES = tuple(f"class {number}" for number in range(7))


def dense(shape: tuple[int, ...], dtype: int = TensorProto.FLOAT) -> onnx.ModelProto:
    """Return a network in which every pixel counts."""
    random = np.random.default_rng(4)
    weights = random.normal(0, 0.5 / int(np.prod(shape)), (int(np.prod(shape)), len(CLASSES)))
    nodes = [
        helper.make_node("Cast", ["data"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["floats"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "dense",
        [helper.make_tensor_value_info("data", dtype, ["batch", *shape])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", len(CLASSES)])],
        [numpy_helper.from_array(weights.astype(np.float32), "weights")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def model(folder: Path, made: Preprocessing, **about: Any) -> ModelCard:
    """Make a folder as an archive leaves it."""
    card = ModelCard(framework="pytorch", classes=CLASSES, preprocessing=made, **about)
    card.write(folder)
    kind = TensorProto.UINT8 if made.dtype == "uint8" else TensorProto.FLOAT
    onnx.save(dense(card.input_shape, kind), folder / NETWORK)
    (folder / SCRIPT).write_text(script(card))
    return card


def files(folder: Path) -> dict[str, bytes]:
    """Return pictures of many shapes, and of every kind that PNG and JPEG usually have."""
    random = np.random.default_rng(5)

    def saved(image: Image.Image, format: str = "PNG", **about: Any) -> bytes:
        file = io.BytesIO()
        image.save(file, format, **about)
        return file.getvalue()

    found = {}
    for number, (height, width) in enumerate([(9, 40), (33, 8), (50, 61), (16, 24), (5, 5)]):
        colour = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        grey, alpha = colour[..., 0], colour[..., 1]
        found[f"{number}.png"] = saved(Image.fromarray(colour))
        found[f"{number}.jpg"] = saved(Image.fromarray(colour), "JPEG")
        found[f"{number}-grey.png"] = saved(Image.fromarray(grey))
        found[f"{number}-grey.jpg"] = saved(Image.fromarray(grey), "JPEG")
        found[f"{number}-rgba.png"] = saved(Image.fromarray(np.dstack([colour, alpha])))
        found[f"{number}-la.png"] = saved(Image.fromarray(np.dstack([grey, alpha])))
        found[f"{number}-palette.png"] = saved(Image.fromarray(colour).quantize(30))
        found[f"{number}-bits.png"] = saved(Image.fromarray(grey).convert("1"))
    turned = Image.Exif()
    turned[0x112] = 6
    found["turned.jpg"] = saved(Image.fromarray(colour), "JPEG", exif=turned)
    for name, data in found.items():
        (folder / name).write_bytes(data)
    return found


def check(folder: Path, made: Preprocessing, capsys: pytest.CaptureFixture[str]) -> None:
    """Compare what the script prints with what the server says."""
    model(folder, made)
    pictures = files(folder)
    predictor = Predictor.open(folder, NETWORK)
    expected = {
        name: [list(pair) for pair in predictor.classify(data).top()]
        for name, data in pictures.items()
    }
    with pytest.MonkeyPatch.context() as patch:
        paths = [str(folder / name) for name in pictures]
        patch.setattr(sys, "argv", [SCRIPT, *paths])
        runpy.run_path(str(folder / SCRIPT))
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    answers = {Path(path).name: answer for one in printed for path, answer in one.items()}
    assert answers == expected
    assert len({str(answer) for answer in answers.values()}) > 20  # the pictures matter


def mean_of(made: Preprocessing, kind: Any) -> Preprocessing:
    shape = (made.channels, made.height, made.width)
    planes = np.random.default_rng(6).uniform(50, 200, shape)
    return made.with_mean(kind, None if kind == "none" else planes)


@pytest.mark.parametrize("stored", ["png", "jpg"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["squash", "crop", "fill", "half_crop"])
def test_every_resize_mode(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: Any, channels: Any, stored: Any
) -> None:
    made = Preprocessing(width=24, height=16, channels=channels, resize_mode=mode, stored=stored)
    check(tmp_path, mean_of(made, "image"), capsys)


@pytest.mark.parametrize("mean", ["none", "pixel", "image"])
@pytest.mark.parametrize(
    "about",
    [
        {"crop_width": 11, "crop_height": 9},
        {"crop_width": 11, "whiten": True, "channel_order": "bgr"},
        {"channel_order": "bgr", "scale": 1.0},
        {"resize_mode": "fill", "fill": (10, 200, 30), "interpolation": "cubic"},
        {"dimension_order": "NHWC", "crop_width": 20},
        {"channels": 1, "dimension_order": "NCWH", "dtype": "uint8"},
    ],
)
def test_every_way_to_the_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mean: Any, about: dict[str, Any]
) -> None:
    check(tmp_path, mean_of(Preprocessing(width=24, height=16, **about), mean), capsys)


def test_outputs_that_are_probabilities(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = model(tmp_path, Preprocessing(width=8, height=8), outputs_are="probabilities")
    assert "scores" in script(card.model_copy(update={"outputs_are": "logits"}))
    assert "np.exp" not in script(card)


def test_a_file_that_is_no_image_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model(tmp_path, Preprocessing(width=8, height=8))
    words = tmp_path / "words.png"
    words.write_text("words")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [SCRIPT, str(words)])
        with pytest.raises(SystemExit, match=r"words\.png: not an image"):
            runpy.run_path(str(tmp_path / SCRIPT))


def test_it_is_short(tmp_path: Path) -> None:
    made = Preprocessing(width=8, height=8)
    lines = script(ModelCard(framework="pytorch", classes=CLASSES, preprocessing=made))
    assert max(map(len, lines.splitlines())) <= 100
    assert len([line for line in lines.splitlines() if line]) < 45
