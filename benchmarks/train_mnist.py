"""
Training LeNet on MNIST: 45,000 images, batches of 64.

Every contender trains the same network on the same images in a process of its own, in
turns, so that a busy moment of the machine meets all of them:

    netloom     the step `train`, as a worker runs it: images per second of the second epoch
    loop        the best loop one can write by hand: everything in memory, channels last
    loader      a DataLoader with two workers that reads the PNG files
    keras       Keras 3 on TensorFlow: from the start of the process to the end of the first
                epoch with validation, imports included; netloom likewise
    busy        netloom beside a process that keeps one core busy, against netloom alone

    python benchmarks/train_mnist.py --mnist FOLDER         # with the four IDX files
    python benchmarks/train_mnist.py --mnist FOLDER --venv build/keras-venv --turns 5

The promises: 0.95 of the loop, in float32 and in bf16; 2.5 times the loader; not slower
than Keras; half of its own speed beside a busy process.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
BATCH = 64
RATE = 0.01
BUSY = "while True: pass"
PROMISE = {
    "loop float32": 0.95,
    "loop bf16": 0.95,
    "loader": 2.5,
    "keras": 1.0,
    "busy": 0.5,
}


# Netloom.


class Quiet:
    """A step run that keeps the throughput and the moment the first epoch was validated."""

    job_id, step_key, attempt, gpus = "", "train", 1, ()
    stop_requested = False

    def __init__(self, directory: Path, dataset: Path) -> None:
        self.directory, self.dataset = directory, dataset
        self.cpus = len(os.sched_getaffinity(0))
        self.speeds: list[float] = []  # of the windows of the second epoch
        self.first_epoch = 0.0  # when it had been validated

    def directory_of(self, job_id: str) -> Path:
        return self.dataset

    def progress(self, *values: object, **counts: object) -> None: ...

    def record(self, facts: object) -> None: ...

    def log(self, message: str, level: str = "info") -> None: ...

    def rewind(self, iteration: int) -> None: ...

    def snapshot(self, file: object) -> None: ...

    def metrics(self, points: Sequence[Any]) -> None:
        for point in points:
            if point.series == "throughput" and point.epoch > 1:
                self.speeds.append(point.value)
            if point.split == "val" and point.epoch == 1 and not self.first_epoch:
                self.first_epoch = time.time()


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


def netloom(work: Path, precision: str) -> float:
    with tempfile.TemporaryDirectory() as out:
        run = Quiet(Path(out), work / "dataset")
        train_step(train_epochs=2, snapshot_interval=0, val_interval=0, precision=precision).run(
            run
        )
    return statistics.harmonic_mean(run.speeds)  # the windows are of equal size


def netloom_start(work: Path, precision: str) -> float:
    with tempfile.TemporaryDirectory() as out:
        run = Quiet(Path(out), work / "dataset")
        train_step(train_epochs=1, precision=precision).run(run)
    return run.first_epoch


# The others.


def lenet() -> Any:
    from netloom import registry
    from netloom.interfaces.framework import BuildInputs

    framework = registry.find("netloom.frameworks", "pytorch")()
    inputs = BuildInputs(input_shape=(1, 28, 28), classes=10)
    return framework.build(framework.networks()["lenet"].text, inputs).module


def learner(precision: str) -> tuple[Any, Callable[[Any, Any], None]]:
    """Return the network and a function that takes one step on a batch."""
    import contextlib

    import torch
    from torch.nn.functional import cross_entropy

    network = lenet().to(memory_format=torch.channels_last).train()
    steps = torch.optim.SGD(
        network.parameters(), lr=RATE, momentum=0.9, weight_decay=1e-4, foreach=True
    )
    bf16 = precision == "bf16"

    def learn(images: Any, labels: Any) -> None:
        with torch.autocast("cpu", torch.bfloat16) if bf16 else contextlib.nullcontext():
            loss = cross_entropy(network(images), labels)
        steps.zero_grad(set_to_none=True)
        loss.backward()
        steps.step()

    return network, learn


def loop(work: Path, precision: str) -> float:
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
    _, learn = learner(precision)

    def epoch() -> float:
        begun = time.perf_counter()
        order = torch.randperm(len(images))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            learn(images[chosen], labels[chosen])
        return len(images) / (time.perf_counter() - begun)

    epoch()
    return epoch()


def loader(work: Path, precision: str) -> float:
    import torch
    from torch.utils.data import DataLoader

    from netloom import datasets

    mean = torch.from_numpy(datasets.open(work / "dataset").mean.copy())
    files = sorted(str(path) for path in (work / "png/train").glob("*/*.png"))[:45_000]
    batches = DataLoader(Pictures(files), BATCH, shuffle=True, num_workers=2)
    _, learn = learner(precision)
    seen, begun = 0, time.perf_counter()
    for images, labels in batches:
        learn(images.float().sub_(mean).contiguous(memory_format=torch.channels_last), labels)
        seen += len(labels)
    return seen / (time.perf_counter() - begun)


class Pictures:
    """A map-style dataset over files."""

    def __init__(self, files: list[str]) -> None:
        self.files = files

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        import cv2

        path = self.files[index]
        return cv2.imread(path, cv2.IMREAD_GRAYSCALE)[None], int(path.split("/")[-2])


def keras_start(work: Path, precision: str) -> float:
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


CONTENDERS = {
    "netloom": netloom,
    "netloom-start": netloom_start,
    "loop": loop,
    "loader": loader,
    "keras-start": keras_start,
}


# The turns.


def measure(name: str, python: Path, work: Path, precision: str = "float32") -> float:
    """Run a contender in a fresh process; return what it prints: images per second or a time."""
    command = [str(python), str(HERE), "--one", name, "--work", str(work), "--precision", precision]
    environment = dict(os.environ)
    if name.startswith("netloom"):  # as an executor starts a worker
        environment.update(train_step().environment())
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr[-2000:]}")
    return float(json.loads(done.stdout.splitlines()[-1]))


def seconds(name: str, python: Path, work: Path) -> float:
    """Return the time from starting the process to the end of its first epoch."""
    begun = time.time()
    return measure(name, python, work) - begun


@contextmanager
def busy_neighbour() -> Iterator[None]:
    """Keep one core busy."""
    neighbour = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        yield
    finally:
        neighbour.kill()
        neighbour.wait()


def prepare(mnist: Path, work: Path) -> None:
    """Write the PNG files, the dataset made of them, and the arrays for Keras."""
    import numpy as np

    from netloom import datasets
    from netloom.datasets.download import download

    download("mnist", work / "png", source=str(mnist))
    (work / "dataset").mkdir()
    form = {
        "dataset_name": "mnist",
        "folder_train": str(work / "png/train"),
        "folder_pct_val": 25,
        "resize_channels": "1",
        "resize_width": 28,
        "resize_height": 28,
        "seed": 1,
    }
    run = Quiet(work / "dataset", work)
    for part in datasets.ClassificationDataset.from_form(form).plan():
        part.step.run(run)
    dataset = datasets.open(work / "dataset")
    arrays = {"mean": dataset.mean.transpose(1, 2, 0)}
    for name in ("train", "val"):
        split = dataset.split(name)
        split.read([0])
        arrays |= {f"{name}_x": split.decode_all(), f"{name}_y": split.labels()}
    np.savez(work / "arrays.npz", **arrays)


def keras_python(folder: Path) -> Path | None:
    """Return the interpreter of an environment with Keras and TensorFlow; make it if need be."""
    python = folder / "bin/python"
    check = [str(python), "-c", "import importlib.util as u; assert u.find_spec('tensorflow')"]
    if python.exists() and not subprocess.run(check, capture_output=True, check=False).returncode:
        return python
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "-q", "tensorflow-cpu", "keras>=3"],
    ):
        if subprocess.run(command, check=False).returncode:
            print("Keras and TensorFlow cannot be installed; they are left out.")
            return None
    return python


def compare(mnist: Path, venv: Path, turns: int) -> None:
    """Measure everyone in turn and print the ratios."""
    ours, theirs = Path(sys.executable), keras_python(venv)
    rates: dict[str, list[float]] = {}

    def note(label: str, value: float) -> float:
        rates.setdefault(label, []).append(value)
        print(f"  {label:18} {value:10,.1f}", flush=True)
        return value

    ratios: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        prepare(mnist, work)
        for turn in range(turns):
            print(f"turn {turn + 1}: images/s, seconds to the end of the first epoch")
            alone = {}
            for precision in ("float32", "bf16"):
                alone[precision] = note(precision, measure("netloom", ours, work, precision))
                other = note(f"loop {precision}", measure("loop", ours, work, precision))
                ratios.setdefault(f"loop {precision}", []).append(alone[precision] / other)
            other = note("loader", measure("loader", ours, work))
            ratios.setdefault("loader", []).append(alone["float32"] / other)
            with busy_neighbour():
                beside = note("busy", measure("netloom", ours, work))
            ratios.setdefault("busy", []).append(beside / alone["float32"])
            mine = note("start", seconds("netloom-start", ours, work))
            if theirs:
                other = note("start keras", seconds("keras-start", theirs, work))
                ratios.setdefault("keras", []).append(other / mine)
    for label, promise in PROMISE.items():
        if label in ratios:
            ratio = statistics.median(ratios[label])
            verdict = "kept" if ratio >= promise else "NOT KEPT"
            print(f"{label:14} {ratio:5.2f}   promise {promise}: {verdict}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--mnist", type=Path, default=os.environ.get("NETLOOM_MNIST"))
    parser.add_argument("--venv", type=Path, default=HERE.parents[1] / "build/keras-venv")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--one", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--precision", default="float32", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(CONTENDERS[arguments.one](arguments.work, arguments.precision)))
    elif arguments.mnist is None:
        print("Left out: name the folder of the MNIST files with --mnist or NETLOOM_MNIST.")
    else:
        compare(Path(arguments.mnist), arguments.venv, arguments.turns)


if __name__ == "__main__":
    main()
