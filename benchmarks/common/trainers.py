"""
Everyone who trains LeNet on the MNIST dataset of a work folder: see `train_mnist.py`.

Each takes the work folder and the precision, and returns one figure.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netloom.interfaces.job import MetricPoint

BATCH = 64
RATE = 0.01
IMAGES = 45_000


# Netloom: the step `train`, as a worker runs it.


def train_step(**options: Any) -> Any:
    """Return the step that the form of a new model gives for LeNet."""
    from netloom.training import ClassificationModel

    form = {
        "dataset": "mnist",
        "model_name": "lenet",
        "standard_networks": "lenet",
        "batch_size": BATCH,
        "shuffle": "on",
        "learning_rate": RATE,
        **options,
    }
    return ClassificationModel.from_form(form).plan()[0].step


def _train(work: Path, **options: Any) -> list[tuple[MetricPoint, float, float]]:
    """Train; return each point with the time and the CPU seconds at which it was told."""
    from netloom.testing import RecordingRun

    told: list[tuple[MetricPoint, float, float]] = []

    class Timed(RecordingRun):
        def metrics(self, points: Sequence[MetricPoint]) -> None:
            told.extend((point, time.time(), time.process_time()) for point in points)

    with tempfile.TemporaryDirectory() as out:
        train_step(**options).run(Timed(Path(out), directories={"mnist": work / "dataset"}))
    return told


def netloom(work: Path, precision: str) -> float:
    """Return the images per second of the second epoch."""
    told = _train(work, train_epochs=2, snapshot_interval=0, val_interval=0, precision=precision)
    # Its windows are of equal size.
    return statistics.harmonic_mean(
        point.value for point, _, _ in told if point.series == "throughput" and point.epoch > 1
    )


def netloom_cores(work: Path, precision: str) -> float:
    """Return how many cores the second epoch kept busy."""
    told = _train(work, train_epochs=2, snapshot_interval=0, val_interval=0, precision=precision)
    second = [(wall, cpu) for point, wall, cpu in told if point.epoch >= 1]
    (begun, busy_before), (ended, busy_after) = second[0], second[-1]
    return (busy_after - busy_before) / (ended - begun)


def netloom_start(work: Path, precision: str) -> float:
    """Return the moment at which the first epoch had been validated."""
    told = _train(work, train_epochs=1, precision=precision)
    return next(wall for point, wall, _ in told if point.split == "val" and point.epoch == 1)


# PyTorch by hand.


def lenet() -> Any:
    from netloom import registry
    from netloom.interfaces.framework import BuildInputs

    framework = registry.find("netloom.frameworks", "pytorch")()
    inputs = BuildInputs(input_shape=(1, 28, 28), classes=10)
    return framework.build(framework.networks()["lenet"].text, inputs).module.train()


def learner(network: Any, precision: str, **how: bool) -> Callable[[Any, Any], None]:
    """Return a function that takes one step on a batch."""
    import torch
    from torch.nn.functional import cross_entropy

    steps = torch.optim.SGD(network.parameters(), lr=RATE, momentum=0.9, weight_decay=1e-4, **how)
    bf16 = precision == "bf16"

    def learn(images: Any, labels: Any) -> None:
        with torch.autocast("cpu", torch.bfloat16) if bf16 else contextlib.nullcontext():
            loss = cross_entropy(network(images), labels)
        steps.zero_grad(set_to_none=True)
        loss.backward()
        steps.step()

    return learn


def loop(work: Path, precision: str) -> float:
    """Return the images per second of the second epoch of the best loop one can write by hand."""
    import torch

    from netloom import datasets

    dataset = datasets.open(work / "dataset")
    split = dataset.split("train")
    split.read([0])
    images = torch.from_numpy(split.decode_all()).permute(0, 3, 1, 2).float()
    images = (images - torch.from_numpy(dataset.mean.copy())).contiguous(
        memory_format=torch.channels_last
    )
    labels = torch.from_numpy(split.labels())
    learn = learner(lenet().to(memory_format=torch.channels_last), precision, fused=True)

    def epoch() -> float:
        begun = time.perf_counter()
        order = torch.randperm(len(images))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            learn(images[chosen], labels[chosen])
        return len(images) / (time.perf_counter() - begun)

    epoch()
    return epoch()


# A DataLoader over the PNG files.


class Pictures:
    """A map-style dataset over files, whose folders are the classes."""

    def __init__(self, work: Path, read: Callable[[str], Any]) -> None:
        files = sorted(str(path) for path in (work / "png/train").glob("*/*.png"))
        self._files, self._read = files[:IMAGES], read

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        path = self._files[index]
        return self._read(path), int(path.split("/")[-2])


def read_with_pillow(path: str) -> Any:
    """Return 1 x H x W floats from 0 to 1, as the folder dataset of torchvision does."""
    import numpy as np
    import torch
    from PIL import Image

    with open(path, "rb") as file:
        image = Image.open(file).convert("L")
    return torch.from_numpy(np.array(image))[None].float().div(255)


def read_with_opencv(path: str) -> Any:
    """Return 1 x H x W bytes."""
    import cv2

    return cv2.imread(path, cv2.IMREAD_GRAYSCALE)[None]


def loader(work: Path, precision: str) -> float:
    """Return the images per second of the loop that tutorials teach."""
    return _load(work, read_with_pillow, learner(lenet(), precision))


def loader_tuned(work: Path, precision: str) -> float:
    """Return the images per second with OpenCV, bytes, channels last and fused steps."""
    import torch

    from netloom import datasets

    mean = torch.from_numpy(datasets.open(work / "dataset").mean.copy())
    learn = learner(lenet().to(memory_format=torch.channels_last), precision, fused=True)

    def prepare(images: Any, labels: Any) -> None:
        images = images.float().sub_(mean)
        learn(images.contiguous(memory_format=torch.channels_last), labels)

    return _load(work, read_with_opencv, prepare)


def _load(work: Path, read: Callable[[str], Any], learn: Callable[[Any, Any], None]) -> float:
    from torch.utils.data import DataLoader

    batches: Iterable[Any] = DataLoader(Pictures(work, read), BATCH, shuffle=True, num_workers=2)
    seen, begun = 0, time.perf_counter()
    for images, labels in batches:
        learn(images, labels)
        seen += len(labels)
    return seen / (time.perf_counter() - begun)


# Keras.


def keras_start(work: Path, precision: str) -> float:
    """Return the moment at which the first epoch had been validated."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras
    import numpy as np

    layers = keras.layers
    with np.load(work / "arrays.npz") as arrays:
        train, val = ((arrays[f"{name}_x"], arrays[f"{name}_y"]) for name in ("train", "val"))
        mean = arrays["mean"]
    network = keras.Sequential(
        [
            layers.Rescaling(0.0125),
            layers.Conv2D(20, 5),
            layers.MaxPooling2D(),
            layers.Conv2D(50, 5),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(500, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10),
        ]
    )
    network.compile(
        optimizer=keras.optimizers.SGD(RATE, momentum=0.9),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    (train_x, train_y), (val_x, val_y) = train, val
    network.fit(
        train_x.astype(np.float32) - mean,
        train_y,
        batch_size=BATCH,
        validation_data=(val_x.astype(np.float32) - mean, val_y),
        verbose=0,
    )
    return time.time()


TRAINERS = {
    "netloom": netloom,
    "netloom-cores": netloom_cores,
    "netloom-start": netloom_start,
    "loop": loop,
    "loader": loader,
    "loader-tuned": loader_tuned,
    "keras-start": keras_start,
}
