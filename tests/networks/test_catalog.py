"""The standard networks: every one builds, computes, learns and is explained."""

from __future__ import annotations

import math

import pytest
import torch

from netloom import networks, registry
from netloom.errors import NetworkTextError
from netloom.interfaces.framework import BuildInputs

SIZES = {
    "lenet": (1, 28, 28),
    "alexnet": (3, 64, 64),
    "googlenet": (3, 79, 79),
    "resnet18": (3, 32, 32),
    "mobilenet": (3, 32, 32),
}
PARAMETERS = {  # for 10 classes, at the size that each is meant for
    "lenet": ((1, 28, 28), 431_080),
    "resnet18": ((3, 224, 224), 11_181_642),
    "mobilenet": ((3, 224, 224), 2_236_682),
}


def build(name: str, shape: tuple[int, int, int]):
    framework = registry.find("netloom.frameworks", "pytorch")()
    inputs = BuildInputs(input_shape=shape, classes=10)
    return framework.build(framework.networks()[name].text, inputs)


def test_the_catalog_lists_what_pages_offer():
    offered = networks.standard_networks("pytorch")
    assert list(offered) == list(SIZES)
    assert all(one.title and one.description and one.image for one in offered.values())


@pytest.mark.parametrize("name", SIZES)
def test_a_standard_network_learns_from_a_batch(name):
    torch.manual_seed(1)
    built = build(name, SIZES[name])
    images = torch.rand(2, *SIZES[name]) * 255 - 128
    loss = built.loss(built.module.train()(images), torch.tensor([0, 9]))
    loss.backward()
    assert math.isfinite(loss.item())
    assert all(weight.grad is not None for weight in built.module.parameters())
    assert built.train_batch_size


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_size_is_that_of_the_papers(name):
    shape, count = PARAMETERS[name]
    summary = networks.summarize(build(name, shape).module, shape)
    assert summary.parameters == summary.trainable == count
    assert summary.layers[-1].output_shape == (10,)


@pytest.mark.parametrize("name", SIZES)
def test_images_that_are_too_small_are_refused_in_words(name):
    with pytest.raises(NetworkTextError, match="needs images of at least"):
        build(name, (SIZES[name][0], 8, 8))


def test_the_summary_names_layers_and_shapes():
    layers = networks.summarize(build("lenet", (1, 28, 28)).module, (1, 28, 28)).layers
    assert [(layer.type, layer.output_shape) for layer in layers[:3]] == [
        ("Scale", (1, 28, 28)),
        ("Conv2d", (20, 24, 24)),
        ("MaxPool2d", (20, 12, 12)),
    ]
    assert layers[1].parameters == 20 * 25 + 20
