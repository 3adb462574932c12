"""
Which parts of an image speak for a class: two maps, each a picture over the image.

Occlusion covers one patch after the other with the mean colour and notes how far the score
falls. Grad-CAM weighs the channels of the last layer that still has a plane by how strongly
the class answers to each. Its gradients are differences of two answers of the rest of the
network, so it needs no engine for training; where the rest is linear, as global average
pooling and a dense layer are, they are exact. By hand:

    occlusion(predictor, pixels, 3).values.shape
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from netloom.images import Preprocessing, encode
from netloom.inference.graph import Graph
from netloom.inference.inside import Inside, run, start
from netloom.inference.network import Floats
from netloom.inference.predict import Predictor

Pixels = NDArray[np.uint8]

GRIDS = (14, 7)  # patches per side: fine, and coarse where the network is slow
SECONDS = 8.0  # that a fine map may take
PATCH = 2.0  # width of a patch in steps, so that patches overlap
GREY = 127
SHOWN = 320  # pixels of the longer side of a picture
FLAT = ("Pool", "Flatten", "Reshape", "Squeeze", "ReduceMean", "Softmax")  # ends of type names
STEP = 0.05  # of a channel, in standard deviations of the layer
CHANNELS = 64  # that are tried at the same time


@dataclass(frozen=True)
class HeatMap:
    """How much each part of the image counts."""

    values: Floats  # rows x columns; occlusion: fall of the score, Grad-CAM: 0 or more
    layer: str = ""  # whose activations were weighed

    def over(self, pixels: Pixels) -> bytes:
        """Return a PNG of the map over the image it was made from."""
        height, width = pixels.shape[:2]
        factor = max(1.0, SHOWN / max(height, width))
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        image = cv2.resize(pixels, size, interpolation=cv2.INTER_NEAREST)
        image = image.reshape(size[1], size[0], -1)
        grey = image.mean(axis=2, keepdims=True).repeat(3, axis=2)
        heat = np.clip(cv2.resize(self.values, size, interpolation=cv2.INTER_CUBIC), 0, None)
        share = (255 * heat / (float(heat.max()) or 1.0)).astype(np.uint8)
        jet = cv2.applyColorMap(share, cv2.COLORMAP_JET)[..., ::-1]
        return encode(np.rint(0.5 * grey + 0.5 * jet).astype(np.uint8), "png")


def occlusion(predictor: Predictor, pixels: Pixels, number: int) -> HeatMap:
    """Return how far the score of a class falls, as a share, where the image is covered."""
    before = predictor.classify_pixels(pixels[np.newaxis])[0].scores[number]
    grid, scores = GRIDS[0], list[float]()
    begun = time.perf_counter()
    batches = _covered(predictor, pixels, grid)
    scores += _scores(predictor, next(batches), number)
    each = (time.perf_counter() - begun) / len(scores)
    if each * grid**2 > SECONDS:
        grid, scores = GRIDS[1], []
        batches = _covered(predictor, pixels, grid)
    for batch in batches:
        scores += _scores(predictor, batch, number)
    falls = float(before) - np.array(scores, np.float32)
    return HeatMap(falls.reshape(grid, grid))


def class_activation(
    inside: Inside, tensor: Floats, number: int, *, output: str, preprocessing: Preprocessing
) -> HeatMap | None:
    """Return the Grad-CAM of a class over the whole image, None where no layer fits."""
    layer = _last_plane(inside, tensor, output)
    if layer is None:
        return None
    name, value = layer
    strengths = _strengths(inside.graph, name, value, tensor, number, output)
    heat = np.maximum(np.tensordot(strengths, value[0], axes=1), 0).astype(np.float32)
    return HeatMap(_placed(heat, preprocessing), layer=name)


def _covered(predictor: Predictor, pixels: Pixels, grid: int) -> Iterator[Pixels]:
    """Yield batches of copies of an image, each with one patch covered, row by row."""
    height, width = pixels.shape[:2]
    colour = _plain_colour(predictor.model.card.preprocessing)
    batch = []
    for place in range(grid * grid):
        copy = pixels.copy()
        rows, columns = _span(place // grid, grid, height), _span(place % grid, grid, width)
        copy[rows, columns] = colour
        batch.append(copy)
        if len(batch) == predictor.batch_size or place == grid * grid - 1:
            yield np.stack(batch)
            batch = []


def _span(place: int, grid: int, size: int) -> slice:
    middle, half = (place + 0.5) * size / grid, PATCH / 2 * size / grid
    start = max(0, round(middle - half))
    return slice(start, max(start + 1, round(middle + half)))


def _plain_colour(preprocessing: Preprocessing) -> Pixels:
    """Return the mean colour of the dataset, which tells the network nothing; grey without it."""
    mean = preprocessing.mean_values
    if mean is None:
        return np.full(preprocessing.channels, GREY, np.uint8)
    colour = mean.reshape(preprocessing.channels, -1).mean(axis=1) * (255 / preprocessing.scale)
    if preprocessing.channel_order == "bgr":
        colour = colour[::-1]
    rounded: Pixels = np.clip(np.rint(colour), 0, 255).astype(np.uint8)
    return rounded


def _scores(predictor: Predictor, batch: Pixels, number: int) -> list[float]:
    return [float(answer.scores[number]) for answer in predictor.classify_pixels(batch)]


def _last_plane(inside: Inside, tensor: Floats, output: str) -> tuple[str, Floats] | None:
    """Return the last activation with channels and a plane that the whole image passes."""
    graph = inside.graph
    for layer in reversed(graph.layers):
        if layer.type.endswith(FLAT) or layer.output == output:
            continue
        if not graph.all_passes(layer.output, output):
            continue
        value = run(inside.session, {graph.data: tensor}, [layer.output])[0]
        if value.ndim == 4 and min(value.shape[2:]) > 1 and value.dtype == np.float32:
            return layer.output, value
    return None


def _strengths(
    graph: Graph, name: str, value: Floats, tensor: Floats, number: int, output: str
) -> Floats:
    """Return how the output of a class changes with the mean of each channel."""
    session = start(graph, graph.giving([output], taking=name))
    step = max(STEP * float(value.std()), 1e-3)
    channels = value.shape[1]
    found = np.zeros(channels, np.float32)
    for first in range(0, channels, CHANNELS):
        wanted = range(first, min(first + CHANNELS, channels))
        moved = np.repeat(value, 2 * len(wanted), axis=0)
        for place, channel in enumerate(wanted):
            moved[2 * place, channel] += step
            moved[2 * place + 1, channel] -= step
        empty = np.zeros((len(moved), *tensor.shape[1:]), tensor.dtype)  # only its shape counts
        answers = run(session, {graph.data: empty, name: moved}, [output])[0][:, number]
        found[list(wanted)] = (answers[::2] - answers[1::2]) / (2 * step)
    return found


def _placed(heat: Floats, preprocessing: Preprocessing) -> Floats:
    """Return a map of what the network got as one of the whole image, which may be larger."""
    rows, columns = preprocessing.crop_window
    height, width = preprocessing.height, preprocessing.width
    whole = np.zeros((height, width), np.float32)
    inner = whole[rows, columns]
    inner[:] = cv2.resize(heat, inner.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return whole
