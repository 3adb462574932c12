"""
Download: well-known datasets as folders of images.

    download("mnist", Path("/data/mnist"), source="/mirror/mnist")

leaves `train/<class>/*.png` and `test/<class>/*.png`, each with a list (`train.txt`,
`test.txt`) and `labels.txt`. The files come from their public home, from another URL or
from a folder; nothing half-made stays when one is missing or damaged.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Literal

import httpx

from netloom.datasets.entries import LABELS, list_name, write_labels
from netloom.datasets.originals import Part, read_cifar10, read_mnist
from netloom.errors import InvalidInput
from netloom.images import encode

Stage = Literal["fetching", "reading", "writing"]
Progress = Callable[[Stage, float], object]  # is told the share of a stage that is done, 0..1

HOMES = {
    "mnist": "https://ossci-datasets.s3.amazonaws.com/mnist",
    "cifar10": "https://www.cs.toronto.edu/~kriz",
}
# With their published sizes in bytes. They only tell how far fetching is: the contents are
# checked when they are read, and a mirror may have packed them anew.
FILES = {
    "mnist": {
        "train-images-idx3-ubyte.gz": 9_912_422,
        "train-labels-idx1-ubyte.gz": 28_881,
        "t10k-images-idx3-ubyte.gz": 1_648_877,
        "t10k-labels-idx1-ubyte.gz": 4_542,
    },
    "cifar10": {"cifar-10-binary.tar.gz": 170_052_171},
}
_LARGEST = 2**29  # bytes of one file
_TIMEOUT = 30.0  # seconds without an answer
_BATCH = 500  # images that a thread writes at a time


def download(
    name: str,
    directory: Path,
    source: str | None = None,
    progress: Progress = lambda stage, share: None,
) -> None:
    """Make the folders of a dataset; raise InvalidInput that says which file is wrong."""
    if name not in FILES:
        raise InvalidInput(f"There is no dataset {name!r}.", hint=f"Known: {', '.join(FILES)}.")
    for part in ("train", "test"):
        if (directory / part).exists():
            raise InvalidInput(
                f"{directory / part} exists already.", hint="Choose another folder, or remove it."
            )
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".download-", dir=directory) as temporary:
        work = Path(temporary)
        parts = _read(name, _originals(name, source or HOMES[name], work, progress), progress)
        _write_all(parts, work, directory, progress)
        for part in parts:
            (work / part).rename(directory / part)


def _read(
    name: str, files: list[Path], progress: Progress
) -> Mapping[Literal["train", "test"], Part]:
    progress("reading", 0.0)
    if name == "mnist":
        train = read_mnist(*files[:2])
        sizes = [path.stat().st_size for path in files]
        progress("reading", sum(sizes[:2]) / sum(sizes))
        test = read_mnist(*files[2:])
    else:
        train, test = read_cifar10(files[0], partial(progress, "reading"))
    progress("reading", 1.0)
    return {"train": train, "test": test}


def _originals(name: str, source: str, work: Path, progress: Progress) -> list[Path]:
    """Return the paths of the original files, fetched into `work` if the source is a URL."""
    if not source.startswith(("http://", "https://")):
        return [_find(Path(source), file) for file in FILES[name]]
    whole, before = sum(FILES[name].values()), 0
    progress("fetching", 0.0)
    with httpx.Client(timeout=_TIMEOUT, follow_redirects=True) as http:
        for file, size in FILES[name].items():

            def tell(share: float, start: int = before, size: int = size) -> None:
                progress("fetching", (start + share * size) / whole)

            _fetch(http, f"{source.rstrip('/')}/{file}", work / file, size, tell)
            before += size
    progress("fetching", 1.0)
    return [work / file for file in FILES[name]]


def _find(folder: Path, name: str) -> Path:
    """Return a file of a folder, packed or not."""
    for path in (folder / name, folder / name.removesuffix(".gz")):
        if path.is_file():
            return path
    raise InvalidInput(
        f"There is no {name} in {folder}.", hint="Name a folder that holds the original files."
    )


def _fetch(
    http: httpx.Client, url: str, path: Path, size: int, tell: Callable[[float], object]
) -> None:
    """Fetch one file; `size` is what it should have where the server does not say."""
    try:
        with http.stream("GET", url) as answer, path.open("wb") as file:
            answer.raise_for_status()
            total = int(answer.headers.get("content-length", 0)) or size
            for block in answer.iter_bytes(2**18):
                file.write(block)
                if file.tell() > _LARGEST:
                    raise InvalidInput(f"{url} is larger than {_LARGEST // 2**20} MiB.")
                tell(min(1.0, answer.num_bytes_downloaded / total))
    except httpx.HTTPStatusError as error:
        raise InvalidInput(
            f"{url} answered {error.response.status_code}.",
            hint="Give a folder or another URL with the original files (--from).",
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise InvalidInput(
            f"{url} cannot be fetched: {error}.",
            hint="Give a folder or another URL with the original files (--from).",
        ) from error


def _write_all(
    parts: Mapping[Literal["train", "test"], Part],
    work: Path,
    directory: Path,
    progress: Progress,
) -> None:
    total, done = sum(len(part.labels) for part in parts.values()), 0
    progress("writing", 0.0)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for name, part in parts.items():
            _prepare(part, name, work / name, directory / name)
            starts = range(0, len(part.labels), _BATCH)
            for count in pool.map(lambda s, n=name, p=part: _write(p, work / n, s), starts):
                done += count
                progress("writing", done / total)


def _prepare(part: Part, name: str, folder: Path, final: Path) -> None:
    """Make the class folders, the list of images and the list of classes."""
    for index in set(part.labels.tolist()):
        (folder / part.names[index]).mkdir(parents=True)
    final = final.absolute()  # where the images will be when the folder has its final name
    with (folder / list_name(name)).open("wb") as file:
        for number, label in enumerate(part.labels.tolist()):
            file.write(os.fsencode(final / _place(part, number)) + b" %d\n" % label)
    write_labels(folder / LABELS, part.names)


def _write(part: Part, folder: Path, start: int) -> int:
    stop = min(start + _BATCH, len(part.labels))
    for number in range(start, stop):
        (folder / _place(part, number)).write_bytes(encode(part.images[number], "png"))
    return stop - start


def _place(part: Part, number: int) -> str:
    return f"{part.names[part.labels[number]]}/{number:05d}.png"
