"""
Building MNIST: 60,000 PNG files into a database of PNG images, on both cores.

Beside Netloom's step run, in the same turn, a bare loop in two processes (read, OpenCV
decode, OpenCV encode, LMDB append, each process into a database of its own) and the
writers of WebDataset and LitData, also in two processes. Each turn starts every one of
them afresh; the time is that of the work itself, with the start of its helper processes
and without the imports.

    python benchmarks/build_mnist.py --mnist FOLDER         # with the four IDX files
    python benchmarks/build_mnist.py --mnist FOLDER --venv build/bench-venv

Files that are already small PNGs of the right size are kept by Netloom as they are; the
same images as PGM files show its speed where it has to encode each one.

The promise: at least 0.7 of the bare loop, at least 3 times the other two.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from common import processes
from common.verdicts import Ratios

HERE = Path(__file__).resolve()
OTHERS = ("webdataset", "litdata")
PROMISED = {"bare": 0.7, "bare (PGM)": 0.7, "webdataset": 3.0, "litdata": 3.0}
PROCESSES = 2


# What is compared: each makes its output below `out` from a folder of class folders.


def netloom(folder: Path, out: Path) -> float:
    """Run the two steps of a dataset; return the seconds of the second, which builds."""
    from netloom.datasets import ClassificationDataset
    from netloom.testing import RecordingRun

    form = {
        "dataset_name": "mnist",
        "folder_train": str(folder),
        "folder_pct_val": "0",
        "resize_channels": "1",
        "resize_width": "28",
        "resize_height": "28",
    }
    parse, create = ClassificationDataset.from_form(form).plan()
    run = RecordingRun(out, cpus=PROCESSES)
    parse.step.run(run)
    return timed(lambda: create.step.run(run))


def bare(folder: Path, out: Path) -> float:
    """Run the least that can be done in two processes."""
    from multiprocessing import get_context

    paths = listed(folder)
    parts = [(paths[start::PROCESSES], out / str(start)) for start in range(PROCESSES)]

    def work() -> None:
        with get_context("fork").Pool(PROCESSES) as pool:
            pool.starmap(bare_part, parts)

    return timed(work)


def bare_part(paths: list[str], out: Path) -> None:
    import cv2
    import lmdb
    import numpy as np

    cv2.setNumThreads(0)
    with lmdb.open(str(out), map_size=2**30, sync=False) as database:
        for start in range(0, len(paths), 1000):
            with database.begin(write=True) as transaction:
                for number, path in enumerate(paths[start : start + 1000], start):
                    with open(path, "rb") as file:
                        data = np.frombuffer(file.read(), np.uint8)
                    pixels = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
                    value = cv2.imencode(".png", pixels)[1].tobytes()
                    transaction.put(b"%08d" % number, value, append=True)
        database.sync(True)


def webdataset(folder: Path, out: Path) -> float:
    """Write tar files with WebDataset, which encodes the images."""
    from multiprocessing import get_context

    importlib.import_module("webdataset")  # before the time counts

    paths = listed(folder)
    parts = [(paths[start::PROCESSES], out / str(start)) for start in range(PROCESSES)]

    def work() -> None:
        with get_context("fork").Pool(PROCESSES) as pool:
            pool.starmap(webdataset_part, parts)

    return timed(work)


def webdataset_part(paths: list[str], out: Path) -> None:
    import cv2
    import numpy as np
    import webdataset

    cv2.setNumThreads(0)
    out.mkdir()
    with webdataset.ShardWriter(f"{out}/%04d.tar", verbose=0) as writer:
        for number, path in enumerate(paths):
            data = np.frombuffer(Path(path).read_bytes(), np.uint8)
            pixels = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
            label = int(Path(path).parent.name)
            writer.write({"__key__": f"{number:08d}", "png": pixels, "cls": label})


def litdata(folder: Path, out: Path) -> float:
    """Write chunks with LitData; OpenCV encodes the images."""
    # Its default work folders are emptied at the start: it gets its own.
    os.environ["DATA_OPTIMIZER_CACHE_FOLDER"] = str(out / "chunks")
    os.environ["DATA_OPTIMIZER_DATA_CACHE_FOLDER"] = str(out / "data")
    import litdata as library

    paths = listed(folder)
    return timed(
        lambda: library.optimize(
            fn=litdata_one,
            inputs=paths,
            output_dir=str(out / "optimized"),
            chunk_bytes="64MB",
            num_workers=PROCESSES,
        )
    )


def litdata_one(path: str) -> dict[str, object]:
    import cv2
    import numpy as np

    data = np.frombuffer(Path(path).read_bytes(), np.uint8)
    pixels = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    return {"image": cv2.imencode(".png", pixels)[1].tobytes(), "label": int(path.split("/")[-2])}


CONTENDERS = {"netloom": netloom, "bare": bare, "webdataset": webdataset, "litdata": litdata}


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def listed(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.glob("*/*.*"))


# The turns.


def speed(name: str, python: Path, folder: Path) -> float:
    """Run a contender in a fresh process; return its images per second."""
    with tempfile.TemporaryDirectory() as out:
        seconds = processes.measure(HERE, name, python, "--folder", folder, "--out", out)
    return len(listed(folder)) / float(seconds)


def make_images(mnist: Path, work: Path) -> tuple[Path, Path]:
    """Return the training images as folders of PNG and of PGM files."""
    import cv2

    from netloom.datasets.download import download

    download("mnist", work / "png", source=str(mnist))
    png, pgm = work / "png/train", work / "pgm"
    for path in listed(png):
        target = pgm / Path(path).parent.name / f"{Path(path).stem}.pgm"
        target.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(target), cv2.imread(path, cv2.IMREAD_UNCHANGED))
    return png, pgm


def compare(mnist: Path, venv: Path, turns: int) -> None:
    """Measure everyone in turn and print the ratios."""
    constraints, wanted = processes.ROOT / "constraints.txt", HERE.with_name("requirements.txt")
    install = ["-c", str(constraints), "-r", str(wanted)]
    ours, theirs = Path(sys.executable), processes.python_with(OTHERS, venv, install)
    rates: dict[str, list[float]] = {}
    ratios = Ratios(PROMISED)

    def measure(label: str, name: str, python: Path, folder: Path) -> float:
        rates.setdefault(label, []).append(speed(name, python, folder))
        return rates[label][-1]

    with tempfile.TemporaryDirectory() as work:
        png, pgm = make_images(mnist, Path(work))
        for _ in range(turns):
            mine = measure("netloom", "netloom", ours, png)
            ratios.add("bare", mine / measure("bare", "bare", ours, png))
            encoded = measure("netloom (PGM)", "netloom", ours, pgm)
            ratios.add("bare (PGM)", encoded / measure("bare (PGM)", "bare", ours, pgm))
            for name in OTHERS if theirs else ():
                ratios.add(name, mine / measure(name, name, theirs, png))
    for label, values in rates.items():
        print(f"{label:22} {statistics.median(values):8,.0f} images/s")
    ratios.show()


def main() -> None:
    parser = processes.parser_for(__doc__ or "", "bench-venv")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(CONTENDERS[arguments.one](arguments.folder, arguments.out)))
    elif arguments.mnist is None:
        print("Left out: name the folder of the MNIST files with --mnist or NETLOOM_MNIST.")
    else:
        compare(Path(arguments.mnist), arguments.venv, arguments.turns)


if __name__ == "__main__":
    main()
