"""Network texts: what is checked, and the one sentence that each mistake gets."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from netloom import networks
from netloom.errors import NetworkTextError
from netloom.interfaces.framework import BuildInputs

DIGITS = BuildInputs(input_shape=(1, 8, 8), classes=10)
GOOD = """
from torch import nn

def build(p):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, p.classes))
"""


def complaint(text: str) -> str:
    with pytest.raises(NetworkTextError) as caught:
        networks.build_text(text, DIGITS)
    return str(caught.value)


def test_a_module_is_enough():
    built = networks.build_text(GOOD, DIGITS)
    assert isinstance(built.module, nn.Sequential)
    assert (built.train_batch_size, built.val_batch_size) == (None, None)
    scores, targets = torch.zeros(2, 10), torch.tensor([1, 2])
    assert built.loss(scores, targets).item() == pytest.approx(2.302585)


def test_a_dict_may_bring_a_loss_and_batch_sizes():
    text = GOOD.replace("return ", "model = ") + (
        "    loss = lambda output, target: output.sum() * 0 + 7\n"
        "    return dict(model=model, loss=loss, train_batch_size=64, val_batch_size=32)\n"
    )
    built = networks.build_text(text, DIGITS)
    assert (built.train_batch_size, built.val_batch_size) == (64, 32)
    assert built.loss(torch.zeros(2, 10), torch.zeros(2)).item() == 7


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "from torch import nn\ndef build(p)\n    return nn.Linear(1, 1)\n",
            "Line 2 of the network text is not Python: 'def build(p)' (expected ':')."
            " Correct this line.",
        ),
        (
            "x = 1\0",
            "Line 1 of the network text is not Python (source code string cannot contain null",
        ),
        ("def make(p):\n    pass\n", "The network text has no function build(p)."),
    ],
)
def test_mistakes_that_show_without_running_it(text, sentence):
    with pytest.raises(NetworkTextError) as caught:
        networks.check_text(text)
    assert str(caught.value).startswith(sentence)


def test_the_check_runs_nothing(tmp_path):
    networks.check_text(f"open({str(tmp_path / 'made')!r}, 'w')\ndef build(p): pass\n")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("return 3", "build(p) returned a int, not a network."),
        ("pass", "build(p) returned nothing, not a network."),
        ("return {'network': 3}", "build(p) returned a dict with the unknown key 'network'."),
        (
            "return {'model': nn.Linear(1, 1), 'loss': 3}",
            "The loss that build(p) returned is a int, not a function.",
        ),
        (
            "return {'model': nn.Linear(1, 1), 'train_batch_size': 0}",
            "build(p) returned the train_batch_size 0; it must be 1 or more.",
        ),
        (
            "width = 64\n    size = width / 0\n    return nn.Linear(size, 1)",
            "Line 4 of the network text failed with ZeroDivisionError: division by zero."
            " The line is 'size = width / 0'.",
        ),
        ("raise SystemExit", "Line 3 of the network text failed with SystemExit."),
        (
            "return nn.Sequential(nn.Flatten(), nn.Linear(64, 7))",
            "The network gives 7 outputs per image but the dataset has 10 classes."
            " Give the last layer p.classes outputs.",
        ),
        (
            "return nn.Conv2d(1, 10, 3)",
            "For 2 images the network gives a tensor of shape (2, 10, 6, 6); (2, 10) is needed.",
        ),
        (
            "return nn.Sequential(nn.Flatten(), nn.Linear(63, 10))",
            "The network cannot compute an image of 1 x 8 x 8: mat1 and mat2 shapes cannot be"
            " multiplied (2x64 and 63x10). Look at the sizes of its layers.",
        ),
        (
            "return nn.Sequential(nn.Flatten(), nn.ReLU())",
            "The network has no parameters to learn.",
        ),
    ],
)
def test_mistakes_that_show_when_it_runs(body, sentence):
    text = f"from torch import nn\ndef build(p):\n    {body}\n"
    assert complaint(text).startswith(sentence)


def test_a_mistake_in_forward_is_blamed_on_its_line():
    text = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(64, 10)

    def forward(self, x):
        return self.layers(x)

def build(p):
    return Net()
"""
    said = complaint(text)
    assert said.startswith(
        "Line 10 of the network text failed for an image of 1 x 8 x 8 with AttributeError"
    )
    assert said.endswith("The line is 'return self.layers(x)'.")


def test_several_outputs_in_eval_mode_are_refused():
    text = """
from torch import nn

class Net(nn.Linear):
    def forward(self, x):
        return super().forward(x.flatten(1)), x

def build(p):
    return Net(64, 10)
"""
    assert complaint(text).startswith("In eval mode the network gives a tuple, not one tensor.")


def test_the_wrong_number_of_parameters():
    assert complaint("def build():\n    pass\n").startswith(
        "build(p) of the network text cannot be called"
    )
