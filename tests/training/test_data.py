"""Batches: the same from memory and from disk, and the same numbers as when predicting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from netloom import datasets
from netloom.images import Preprocessing
from netloom.training.data import (
    Input,
    MemoryImages,
    StreamedImages,
    count_steps,
    epoch_corners,
    epoch_order,
    open_images,
    pieces,
)

CPU = torch.device("cpu")


@pytest.fixture
def split(dataset):
    return datasets.open(dataset).split("train")


@pytest.mark.parametrize("kind", [MemoryImages, StreamedImages])
def test_batches_follow_the_order_to_the_last_image(split, kind):
    order = epoch_order(len(split), seed=4, epoch=2, shuffle=True)
    batches = list(kind(split, CPU, 2).batches(order, 16))
    assert [len(labels) for _, labels in batches] == [16, 16, 16, 6]
    assert np.array_equal(
        np.concatenate([pixels.numpy() for pixels, _ in batches]), split.read(order)
    )
    assert np.array_equal(np.concatenate([part for _, part in batches]), split.labels()[order])


@pytest.mark.parametrize("kind", [MemoryImages, StreamedImages])
def test_batches_may_start_in_the_middle(split, kind):
    order = epoch_order(len(split), seed=4, epoch=2, shuffle=True)
    pixels, labels = next(iter(kind(split, CPU).batches(order, 16, 32)))
    assert np.array_equal(labels, split.labels()[order[32:48]])
    assert np.array_equal(pixels, split.read(order[32:48]))


def test_streaming_reads_only_a_little_ahead(split, monkeypatch):
    read: list[int] = []
    images = StreamedImages(split, CPU, 2)
    real = split.read
    monkeypatch.setattr(split, "read", lambda part: read.append(len(part)) or real(part))
    batches = images.batches(np.arange(len(split)), 2)
    next(batches)
    assert len(read) <= 2 * 4 + 1
    batches.close()


@pytest.mark.parametrize(
    ("count", "size", "batches"),
    [
        (10, 4, [(0, 4), (4, 8), (8, 10)]),
        (9, 4, [(0, 4), (4, 9)]),  # nothing can be normalised over a single image
        (5, 4, [(0, 5)]),
        (1, 4, [(0, 1)]),
        (3, 1, [(0, 1), (1, 2), (2, 3)]),
    ],
)
def test_batches_cover_every_image(count, size, batches):
    assert list(pieces(count, size)) == batches
    assert [count_steps(count, size, every) for every in (1, 2)] == [
        len(batches),
        -(-len(batches) // 2),
    ]


def test_what_fits_into_memory_is_decoded_once(split):
    needed = len(split) * 10 * 10 * 3
    assert open_images(split, CPU, needed).path == "memory"
    assert open_images(split, CPU, needed - 1).path == "streaming"


def test_an_epoch_has_every_image_once_in_an_order_of_its_own():
    orders = [epoch_order(50, seed=1, epoch=epoch, shuffle=True) for epoch in (0, 1, 0)]
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert np.array_equal(orders[0], orders[2])
    assert not np.array_equal(orders[0], orders[1])
    assert list(epoch_order(3, seed=1, epoch=0, shuffle=False)) == [0, 1, 2]


PLAIN = Preprocessing(width=10, height=10)
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "bgr": {"channel_order": "bgr"},
    "scaled": {"scale": 1.0},
    "cropped": {"crop_width": 6, "crop_height": 6},
    "whitened": {"whiten": True},
    "whitened in part": {"whiten": True, "crop_width": 6, "crop_height": 6, "scale": 1.0},
}


@pytest.mark.parametrize("mean", ["none", "pixel", "image"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_numbers_are_those_of_a_prediction(split, kind, mean):
    planes = np.random.default_rng(1).random((3, 10, 10), np.float32)
    made = PLAIN.with_changes(**KINDS[kind]).with_mean(mean, planes)
    pixels = split.read(range(5))
    values = Input(made, CPU)(torch.from_numpy(pixels))
    assert np.array_equal(values.numpy(), made.tensor(pixels))
    assert values.is_contiguous(memory_format=torch.channels_last)


def test_a_random_crop_takes_the_mean_from_the_same_place(split):
    planes = np.random.default_rng(1).random((3, 10, 10), np.float32)
    whole = PLAIN.with_mean("image", planes)
    prepare = Input(whole.with_changes(crop_width=6, crop_height=6), CPU)
    pixels = split.read(range(5))
    corners = epoch_corners(5, prepare.room, seed=1, epoch=0)
    values = prepare(torch.from_numpy(pixels), torch.from_numpy(corners))
    expected = whole.tensor(pixels)
    for value, image, (row, column) in zip(values, expected, corners, strict=True):
        assert np.array_equal(value.numpy(), image[:, row : row + 6, column : column + 6])


def test_crops_reach_every_place():
    corners = epoch_corners(200, (1, 2), seed=1, epoch=0)
    assert {tuple(corner) for corner in corners.tolist()} == {
        (row, column) for row in range(2) for column in range(3)
    }
