"""
Training LeNet on MNIST: 45,000 images, batches of 64.

Every contender trains the same network on the same images in a process of its own, in
turns, so that a busy moment of the machine meets all of them:

    netloom     the step `train`, as a worker runs it: images per second of the second epoch
    loop        the best loop one can write by hand: everything in memory, channels last, fused
    loader      a DataLoader with two workers over the PNG files, as tutorials teach it
    tuned       the same with OpenCV, bytes instead of floats, channels last, fused
    keras       Keras 3 on TensorFlow: from the start of the process to the end of the first
                epoch with validation, imports included; netloom likewise
    process     netloom beside a process that keeps one core busy, against netloom alone
    server      netloom beside a server that classifies without a pause, likewise

    python benchmarks/train_mnist.py --mnist FOLDER         # with the four IDX files
    python benchmarks/train_mnist.py --mnist FOLDER --venv build/keras-venv --turns 5

The promises: 0.95 of the loop, in float32 and in bf16; 2.5 times the loader; not slower
than Keras; half of its own speed beside others.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common import processes
from common.trainers import TRAINERS, train_step
from common.verdicts import Ratios

HERE = Path(__file__).resolve()
PROMISED = {
    "loop float32": 0.95,
    "loop bf16": 0.95,
    "loader": 2.5,
    "keras": 1.0,
    "beside a process": 0.5,
    "beside a server": 0.5,
}


def prepare(mnist: Path, work: Path) -> None:
    """Write the PNG files, the dataset made of them, and the arrays for Keras."""
    import numpy as np

    from netloom import datasets
    from netloom.datasets.download import download
    from netloom.testing import RecordingRun

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
    for part in datasets.ClassificationDataset.from_form(form).plan():
        part.step.run(RecordingRun(work / "dataset"))
    dataset = datasets.open(work / "dataset")
    arrays = {"mean": dataset.mean.transpose(1, 2, 0)}
    for name in ("train", "val"):
        split = dataset.split(name)
        split.read([0])
        arrays |= {f"{name}_x": split.decode_all(), f"{name}_y": split.labels()}
    np.savez(work / "arrays.npz", **arrays)


class Turns:
    """Measures and keeps what was measured."""

    def __init__(self, work: Path, keras: Path | None) -> None:
        self._work, self._keras = work, keras
        self._figures: dict[str, list[float]] = {}
        self.ratios = Ratios(PROMISED)

    def figure(self, label: str, name: str, precision: str = "float32") -> float:
        """Run a contender; keep and return its figure."""
        python = self._keras if name == "keras-start" else Path(sys.executable)
        assert python is not None
        # As an executor starts a worker.
        environment = train_step().environment() if name.startswith("netloom") else {}
        arguments = ("--work", self._work, "--precision", precision)
        begun = time.time()
        value: float = processes.measure(HERE, name, python, *arguments, environment=environment)
        if name.endswith("-start"):
            value -= begun
        self._figures.setdefault(label, []).append(value)
        return value

    def one(self, beside: Callable[[], Any]) -> None:
        """Let everybody train once; `beside` opens the block in which a server is at work."""
        from common import neighbours

        alone = {}
        for precision in ("float32", "bf16"):
            alone[precision] = self.figure(f"netloom {precision}", "netloom", precision)
            other = self.figure(f"loop {precision}", "loop", precision)
            self.ratios.add(f"loop {precision}", alone[precision] / other)
        mine = alone["float32"]
        self.ratios.add("loader", mine / self.figure("loader", "loader"))
        self.ratios.add("tuned loader", mine / self.figure("tuned loader", "loader-tuned"))
        with neighbours.busy_process():
            self.ratios.add("beside a process", self.figure("beside a process", "netloom") / mine)
        with beside():
            self.ratios.add("beside a server", self.figure("beside a server", "netloom") / mine)
        self.figure("cores used alone", "netloom-cores")
        start = self.figure("start", "netloom-start")
        if self._keras:
            self.ratios.add("keras", self.figure("start of Keras", "keras-start") / start)

    def show(self) -> None:
        for label, values in self._figures.items():
            print(f"{label:22} {statistics.median(values):10,.1f}")
        self.ratios.show()


def compare(mnist: Path, venv: Path, turns: int) -> None:
    """Measure everyone in turn and print the ratios."""
    from common import neighbours  # not at the top: Keras' environment has no Netloom

    keras = processes.python_with(["tensorflow", "keras"], venv, ["tensorflow-cpu", "keras>=3"])
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        prepare(mnist, work)
        with neighbours.digits_server(work / "server") as loaded:
            measured = Turns(work, keras)
            for number in range(turns):
                measured.one(lambda: neighbours.requests_without_pause(*loaded))
                print(f"after turn {number + 1}: images/s, seconds, and ratios", flush=True)
                measured.show()


def main() -> None:
    parser = processes.parser_for(__doc__ or "", "keras-venv")
    parser.add_argument("--precision", default="float32")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(TRAINERS[arguments.one](arguments.work, arguments.precision)))
    elif arguments.mnist is None:
        print("Left out: name the folder of the MNIST files with --mnist or NETLOOM_MNIST.")
    else:
        compare(Path(arguments.mnist), arguments.venv, arguments.turns)


if __name__ == "__main__":
    main()
