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
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve()
OTHERS = ("webdataset", "litdata")
PROMISE = {"bare": 0.7, "bare (PGM)": 0.7, "webdataset": 3.0, "litdata": 3.0}
PROCESSES = 2


# What is compared: each makes its output below `out` from a folder of class folders.


def netloom(folder: Path, out: Path) -> float:
    """Run the two steps of a dataset; return the seconds of the second, which builds."""
    from netloom.datasets import ClassificationDataset

    form = {
        "dataset_name": "mnist",
        "folder_train": str(folder),
        "folder_pct_val": "0",
        "resize_channels": "1",
        "resize_width": "28",
        "resize_height": "28",
    }
    parse, create = ClassificationDataset.from_form(form).plan()
    run = Quiet(out)
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

    import webdataset as _  # noqa: F401  imported before the time counts

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


class Quiet:
    """A step run that nobody listens to."""

    job_id, step_key, attempt, gpus = "", "", 1, ()
    stop_requested = False
    cpus = PROCESSES

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def progress(self, *values: object, **counts: object) -> None: ...

    def record(self, facts: object) -> None: ...

    def log(self, message: str, level: str = "info") -> None: ...


def timed(work: object) -> float:
    started = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - started


def listed(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.glob("*/*.*"))


# The turns.


def measure(name: str, python: Path, folder: Path) -> float:
    """Run a contender in a fresh process; return its images per second."""
    with tempfile.TemporaryDirectory() as out:
        command = [str(python), str(HERE), "--one", name, "--folder", str(folder), "--out", out]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr[-2000:]}")
    return len(listed(folder)) / float(done.stdout.split()[-1])


def environment(folder: Path) -> Path | None:
    """Return the interpreter of an environment with the other libraries; make it if need be."""
    python = folder / "bin/python"
    check = [str(python), "-c", "import " + ", ".join(OTHERS)]
    if python.exists() and not subprocess.run(check, capture_output=True, check=False).returncode:
        return python
    root = HERE.parents[1]
    pip = [str(python), "-m", "pip", "install", "-q", "-c", str(root / "constraints.txt")]
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [*pip, "-r", str(HERE.with_name("requirements.txt"))],
    ):
        if subprocess.run(command, check=False).returncode:
            print("WebDataset and LitData cannot be installed; they are left out.")
            return None
    return python


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
    ours, theirs = Path(sys.executable), environment(venv)
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as work:
        png, pgm = make_images(mnist, Path(work))
        runs = [
            ("netloom", "netloom", ours, png),
            ("bare", "bare", ours, png),
            ("netloom (PGM)", "netloom", ours, pgm),
            ("bare (PGM)", "bare", ours, pgm),
        ]
        runs += [(name, name, theirs, png) for name in OTHERS if theirs]
        for _ in range(turns):
            for label, name, python, folder in runs:
                rates.setdefault(label, []).append(measure(name, python, folder))
    for label, values in rates.items():
        print(f"{label:15} {statistics.median(values):8,.0f} images/s")
    for label, promise in PROMISE.items():
        if label in rates:
            mine = rates["netloom (PGM)" if "PGM" in label else "netloom"]
            ratio = statistics.median(a / b for a, b in zip(mine, rates[label], strict=True))
            verdict = "kept" if ratio >= promise else "NOT KEPT"
            print(f"netloom / {label:12} {ratio:5.2f}   promise {promise}: {verdict}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--mnist", type=Path, default=os.environ.get("NETLOOM_MNIST"))
    parser.add_argument("--venv", type=Path, default=HERE.parents[1] / "build/bench-venv")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--one", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(CONTENDERS[arguments.one](arguments.folder, arguments.out))
    elif arguments.mnist is None:
        print("Left out: name the folder of the MNIST files with --mnist or NETLOOM_MNIST.")
    else:
        compare(Path(arguments.mnist), arguments.venv, arguments.turns)


if __name__ == "__main__":
    main()
