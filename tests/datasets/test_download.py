"""Downloads: the original file formats, read from a small mirror."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

from netloom.datasets.download import FILES, download
from netloom.datasets.originals import read_cifar10
from netloom.errors import InvalidInput

RANDOM = np.random.default_rng(5)
(CIFAR,) = FILES["cifar10"]
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


def write_cifar(folder: Path, batch: Callable[[int], bytes], **instead: bytes | None) -> Path:
    """
    Write an archive laid out like the published one: a folder, then its files in this order.

    `batch` gives the records of each file, 0 for those of the test; `instead` replaces a file
    (`test_batch=b""`) or leaves it out (None).
    """
    folder.mkdir()
    members: dict[str, bytes | None] = {
        "data_batch_1.bin": batch(1),
        "batches.meta.txt": "\n".join([*CIFAR_CLASSES, "", ""]).encode(),
        "data_batch_3.bin": batch(3),
        "data_batch_4.bin": batch(4),
        "test_batch.bin": batch(0),
        "readme.html": b"<html></html>",
        "data_batch_5.bin": batch(5),
        "data_batch_2.bin": batch(2),
    }
    for name in members:
        members[name] = instead.get(name.split(".")[0], members[name])
    with tarfile.open(folder / CIFAR, "w:gz", compresslevel=1) as tar:
        directory = tarfile.TarInfo("cifar-10-batches-bin")
        directory.type = tarfile.DIRTYPE
        tar.addfile(directory)
        for name, data in members.items():
            if data is not None:
                info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return folder


def cifar_records(number: int = 0) -> bytes:
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
    target = tmp_path / "out"
    download("mnist", target, source=str(write_mnist(tmp_path / "in")))
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
    source = write_cifar(tmp_path / "in", lambda number: records)
    download("cifar10", tmp_path / "out", source=str(source))
    train = tmp_path / "out/train"
    assert (train / "labels.txt").read_text().split() == CIFAR_CLASSES
    assert len(list(train.glob("*/*.png"))) == 50
    third = np.frombuffer(records, np.uint8).reshape(10, 3073)[3, 1:].reshape(3, 32, 32)
    image = cv2.imread(str(train / "cat/00003.png"))[:, :, ::-1]
    np.testing.assert_array_equal(image, third.transpose(1, 2, 0))


def test_an_archive_with_the_published_counts_is_read_whole(tmp_path):
    records = np.zeros((10_000, 3073), np.uint8)
    records[:, 0] = np.arange(10_000) % 10

    def batch(number: int) -> bytes:
        records[:, 1:4] = number, 0, 255  # the first pixels of the red plane
        return records.tobytes()

    assert len(batch(0)) == 30_730_000
    archive = write_cifar(tmp_path / "in", batch) / CIFAR
    told: list[float] = []
    train, test = read_cifar10(archive, told.append)
    assert train.images.shape == (50_000, 32, 32, 3)
    assert test.images.shape == (10_000, 32, 32, 3)
    # The batches in their order, which is not that of the archive.
    np.testing.assert_array_equal(train.images[::10_000, 0, 0, 0], [1, 2, 3, 4, 5])
    np.testing.assert_array_equal(train.images[0, 0, :3], [[1, 0, 0], [0, 0, 0], [255, 0, 0]])
    np.testing.assert_array_equal(np.bincount(train.labels), [5_000] * 10)
    assert list(train.names) == CIFAR_CLASSES
    assert told == sorted(told)
    assert len(set(told)) > 3


def test_an_archive_may_be_unpacked_to_a_tar_file(tmp_path):
    folder = write_cifar(tmp_path / "in", cifar_records)
    packed = folder / CIFAR
    packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
    download("cifar10", tmp_path / "out", source=str(folder))
    assert len(list((tmp_path / "out").glob("*/*/*.png"))) == 60


@pytest.mark.parametrize("home", ["folder", "http"])
@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_every_stage_tells_how_far_it_is(tmp_path, mirror, monkeypatch, name, home):
    monkeypatch.setattr("netloom.datasets.download._BATCH", 5)
    if name == "mnist":
        write_mnist(tmp_path / "in")
    else:
        write_cifar(tmp_path / "in", cifar_records)
    told: list[tuple[str, float]] = []
    download(
        name,
        tmp_path / "out",
        source=str(tmp_path / "in") if home == "folder" else f"{mirror}/in",
        progress=lambda stage, share: told.append((stage, share)),
    )
    stages = ["reading", "writing"] if home == "folder" else ["fetching", "reading", "writing"]
    assert list(dict(told)) == stages
    for stage in stages:
        shares = [share for other, share in told if other == stage]
        assert shares == sorted(shares)
        assert (shares[0], shares[-1]) == (0, 1)
        assert len(set(shares)) > 2 or stage == "fetching"  # one block of a small file


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
    folder = write_cifar(tmp_path / "in", cifar_records)
    whole = (folder / CIFAR).read_bytes()
    middle = len(whole) // 2
    flipped = bytes([whole[middle] ^ 1])
    for data in (
        whole[:3000],
        whole[:-9],  # the sum at the end
        whole[:middle] + flipped + whole[middle + 1 :],
        b"",
        b"no archive",
        gzip.compress(b"no archive"),
    ):
        (folder / CIFAR).write_bytes(data)
        with pytest.raises(InvalidInput, match=f"{CIFAR} is not a complete archive"):
            download("cifar10", tmp_path / "out", source=str(folder))
        assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("file", "data", "sentence"),
    [
        ("data_batch_4", cifar_records()[:-1], "data_batch_4.bin has 30,729 bytes, not a whole"),
        ("data_batch_1", b"", "data_batch_1.bin has 0 bytes"),
        ("test_batch", b"\x0a" + bytes(3072), "test_batch.bin has the label 10"),
        ("data_batch_5", None, "no data_batch_5.bin"),
        ("batches", None, "no batches.meta.txt"),
        ("batches", b"cat dog", "names 2 classes instead of 10"),
    ],
)
def test_what_an_archive_lacks_is_said(tmp_path, file, data, sentence):
    folder = write_cifar(tmp_path / "in", cifar_records, **{file: data})
    with pytest.raises(InvalidInput, match=sentence):
        download("cifar10", tmp_path / "out", source=str(folder))
    assert list((tmp_path / "out").iterdir()) == []


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "out/test").mkdir(parents=True)
    with pytest.raises(InvalidInput, match="exists already"):
        download("mnist", tmp_path / "out", source=str(tmp_path))


def test_unknown_datasets_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match="Known: mnist, cifar10"):
        download("imagenet", tmp_path / "out")
