"""Downloads: the original file formats, read from a small mirror."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

from netloom.datasets.download import FILES, download
from netloom.errors import InvalidInput

RANDOM = np.random.default_rng(5)
PIXELS = RANDOM.integers(0, 256, (25, 28, 28), np.uint8)
DIGITS = (np.arange(25) % 10).astype(np.uint8)
CIFAR_CLASSES = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
]


def idx(magic: int, values: np.ndarray) -> bytes:
    return struct.pack(f">I{values.ndim}I", magic, *values.shape) + values.tobytes()


def write_mnist(folder: Path) -> Path:
    folder.mkdir()
    for name in FILES["mnist"]:
        data = idx(2051, PIXELS) if "images" in name else idx(2049, DIGITS)
        (folder / name).write_bytes(gzip.compress(data))
    return folder


def write_cifar(folder: Path, records: bytes) -> Path:
    folder.mkdir()
    members = {f"data_batch_{number}.bin": records for number in range(1, 6)}
    members |= {"test_batch.bin": records, "batches.meta.txt": "\n".join(CIFAR_CLASSES).encode()}
    with tarfile.open(folder / FILES["cifar10"][0], "w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return folder


def cifar_records() -> bytes:
    labels = (np.arange(10) % 10).astype(np.uint8)
    planes = RANDOM.integers(0, 256, (10, 3072), np.uint8)
    return np.concatenate([labels[:, None], planes], axis=1).tobytes()


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[str]:
    """Serve `tmp_path` over HTTP."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_mnist_becomes_class_folders_with_lists(tmp_path):
    told: list[float] = []
    target = tmp_path / "out"
    download("mnist", target, source=str(write_mnist(tmp_path / "in")), progress=told.append)
    assert told[-1] == 1
    assert told == sorted(told)
    for part in ("train", "test"):
        assert (target / part / "labels.txt").read_text().split() == list("0123456789")
        lines = (target / part / f"{part}.txt").read_text().splitlines()
        assert len(lines) == 25
        for number, line in enumerate(lines):
            path, label = line.rsplit(" ", 1)
            assert int(label) == DIGITS[number]
            assert Path(path).parent == target / part / label
            image = cv2.imread(path, cv2.IMREAD_UNCHANGED)
            np.testing.assert_array_equal(image, PIXELS[number])
    assert sorted(path.name for path in target.iterdir()) == ["test", "train"]


def test_cifar10_becomes_class_folders(tmp_path):
    records = cifar_records()
    download("cifar10", tmp_path / "out", source=str(write_cifar(tmp_path / "in", records)))
    train = tmp_path / "out/train"
    assert (train / "labels.txt").read_text().split() == CIFAR_CLASSES
    assert len(list(train.glob("*/*.png"))) == 50
    third = np.frombuffer(records, np.uint8).reshape(10, 3073)[3, 1:].reshape(3, 32, 32)
    image = cv2.imread(str(train / "cat/00003.png"))[:, :, ::-1]
    np.testing.assert_array_equal(image, third.transpose(1, 2, 0))


def test_files_come_over_http_too(tmp_path, mirror):
    write_mnist(tmp_path / "in")
    download("mnist", tmp_path / "out", source=f"{mirror}/in/")
    assert len(list((tmp_path / "out/train").glob("*/*.png"))) == 25


def test_what_a_server_does_not_have_is_said(tmp_path, mirror):
    with pytest.raises(InvalidInput, match=r"train-images-idx3-ubyte.gz answered 404"):
        download("mnist", tmp_path / "out", source=f"{mirror}/nowhere")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("train-images-idx3-ubyte.gz", None, "There is no train-images"),
        ("train-images-idx3-ubyte.gz", b"not packed", "not a complete gzip file"),
        ("train-images-idx3-ubyte.gz", gzip.compress(b"12345678" * 9)[:-9], "not a complete gzip"),
        ("t10k-labels-idx1-ubyte.gz", gzip.compress(idx(2051, DIGITS)), "begin with 2049"),
        ("t10k-labels-idx1-ubyte.gz", gzip.compress(b""), "begin with 2049"),
        ("train-images-idx3-ubyte.gz", gzip.compress(idx(2051, PIXELS)[:-1]), "but has 19,599"),
        ("train-labels-idx1-ubyte.gz", gzip.compress(idx(2049, DIGITS[:9])), "but .* 9 labels"),
        ("train-labels-idx1-ubyte.gz", gzip.compress(idx(2049, DIGITS + 9)), "has the label 18"),
    ],
)
def test_damaged_files_leave_nothing(tmp_path, name, data, sentence):
    folder = write_mnist(tmp_path / "in")
    (folder / name).unlink()
    if data is not None:
        (folder / name).write_bytes(data)
    with pytest.raises(InvalidInput, match=sentence):
        download("mnist", tmp_path / "out", source=str(folder))
    assert list((tmp_path / "out").iterdir()) == []


def test_damaged_archives_are_said(tmp_path):
    folder = write_cifar(tmp_path / "in", cifar_records()[:-1])
    with pytest.raises(InvalidInput, match="whole number of records"):
        download("cifar10", tmp_path / "out", source=str(folder))
    archive = folder / FILES["cifar10"][0]
    archive.write_bytes(archive.read_bytes()[:3000])
    with pytest.raises(InvalidInput, match="not a complete gzip archive"):
        download("cifar10", tmp_path / "out", source=str(folder))


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "out/test").mkdir(parents=True)
    with pytest.raises(InvalidInput, match="exists already"):
        download("mnist", tmp_path / "out", source=str(tmp_path))


def test_unknown_datasets_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match="Known: mnist, cifar10"):
        download("imagenet", tmp_path / "out")
