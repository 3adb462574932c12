"""The drawing of a network that is not trained yet; its text is run in another process."""

from __future__ import annotations

import pytest

from netloom.errors import NetworkTextError
from netloom.interfaces.framework import BuildInputs
from netloom.networks import drawer
from netloom.networks.drawing import draw

TEXT = """
from torch import nn


def build(p):
    print("words of the text are no part of the answer")
    channels, height, width = p.input_shape
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(4 * (height - 2) * (width - 2), p.classes),
    )
"""
INPUTS = BuildInputs(input_shape=(1, 12, 12), classes=3)


def test_a_network_is_drawn_without_torch_in_this_process() -> None:
    drawn = draw("pytorch", TEXT, INPUTS)
    assert drawn.input_shape == (1, 12, 12)
    assert [(layer.name, layer.type, layer.output_shape) for layer in drawn.layers] == [
        ("0", "Conv2d", (4, 10, 10)),
        ("1", "ReLU", (4, 10, 10)),
        ("2", "Flatten", (400,)),
        ("3", "Linear", (3,)),
    ]
    assert [layer.parameters for layer in drawn.layers] == [40, 0, 0, 1203]
    assert [layer.flops for layer in drawn.layers] == [2 * 9 * 400, 0, 0, 2 * 400 * 3]
    assert (drawn.parameters, drawn.flops) == (1243, 7200 + 2400)
    assert drawn.as_json()["layers"][0]["name"] == "0"


def test_the_text_sees_nothing_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "abc")
    text = "import os\ndef build(p):\n    raise ValueError(os.environ.get('SECRET_KEY', 'nothing'))"
    with pytest.raises(NetworkTextError, match="ValueError: nothing"):
        draw("pytorch", text, INPUTS)


def test_a_text_that_ends_its_process_is_told() -> None:
    with pytest.raises(NetworkTextError, match="without an answer"):
        draw("pytorch", "import os\ndef build(p):\n    os._exit(0)", INPUTS)


def test_a_text_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netloom.networks.drawing.SECONDS", 0.2)
    with pytest.raises(NetworkTextError, match="took longer"):
        draw("pytorch", "def build(p):\n    while True: pass", INPUTS)


def test_what_does_not_fit_is_told_with_the_line() -> None:
    about = {"input_shape": [1, 12, 12], "classes": 3}
    with pytest.raises(NetworkTextError, match="outputs per image"):
        drawer.describe("pytorch", TEXT.replace("p.classes", "7"), about)
    with pytest.raises(NetworkTextError, match="Line 9 of the network text"):
        drawer.describe("pytorch", TEXT.replace("channels, 4", "channels, 'x'"), about)
