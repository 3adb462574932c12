"""
Originals: the published files of well-known datasets, read and checked.

MNIST comes as four IDX files (gzip): checked are the magic numbers, that each file has the
bytes its header promises, and that there is a label of 0 to 9 for each image of 28 x 28.

CIFAR-10 comes as one archive of its binary version, whose files have neither a magic number
nor a header: checked are the sum of the archive (gzip), that all seven files are there, that
each is a whole number of records of 3,073 bytes, and that each label has one of ten names.
The numbers of images are not checked, so a part of either dataset can be read, too.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import struct
import tarfile
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from netloom.errors import InvalidInput

_LARGEST = 2**28  # bytes of one unpacked file; far more than any of them has
_IMAGES, _LABELS = 2051, 2049  # the magic numbers of IDX files of bytes, 3-D and 1-D

_CIFAR_TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
_CIFAR_TEST = "test_batch.bin"
_CIFAR_NAMES = "batches.meta.txt"
_CIFAR_SIDE = 32
_CIFAR_RECORD = 1 + 3 * _CIFAR_SIDE * _CIFAR_SIDE  # label, then red, green and blue planes

_DAMAGED = "Get the file again."


@dataclass(frozen=True, kw_only=True)
class Part:
    """The training or the test images of a dataset."""

    images: NDArray[np.uint8]  # N x H x W, or N x H x W x 3 in RGB
    labels: NDArray[np.uint8]
    names: Sequence[str]  # of the classes


def read_mnist(images: Path, labels: Path) -> Part:
    """Read one pair of IDX files; raise InvalidInput that says which is wrong, and how."""
    pixels, numbers = _read_idx(images, _IMAGES), _read_idx(labels, _LABELS)
    if len(pixels) != len(numbers):
        raise InvalidInput(
            f"{images.name} has {len(pixels):,} images, but {labels.name} {len(numbers):,} labels.",
            hint="Take both from the same place.",
        )
    return _checked(labels.name, Part(images=pixels, labels=numbers, names=list("0123456789")))


def read_cifar10(
    archive: Path, tell: Callable[[float], object] = lambda share: None
) -> tuple[Part, Part]:
    """
    Read the training and the test images of the archive of the binary version.

    Tell how far it is (0..1) after each file of the archive; raise InvalidInput.
    """
    try:
        files = _unpack(archive, {*_CIFAR_TRAIN, _CIFAR_TEST, _CIFAR_NAMES}, tell)
        names = files[_CIFAR_NAMES].decode().split()
    except (tarfile.TarError, OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InvalidInput(f"{archive.name} is not a complete archive.", hint=_DAMAGED) from error
    if len(names) != 10:
        raise InvalidInput(f"{archive.name} names {len(names)} classes instead of 10.")
    return _cifar_part(files, _CIFAR_TRAIN, names), _cifar_part(files, [_CIFAR_TEST], names)


def _read_idx(path: Path, magic: int) -> NDArray[np.uint8]:
    data = _unpacked(path)
    head = 16 if magic == _IMAGES else 8
    if len(data) < head or struct.unpack_from(">I", data)[0] != magic:
        raise InvalidInput(
            f"{path.name} is not the file of MNIST: it does not begin with {magic}.", hint=_DAMAGED
        )
    shape = struct.unpack_from(f">{head // 4 - 1}I", data, 4)
    size = int(np.prod(shape, dtype=object))
    if len(data) - head != size or size == 0 or shape[1:] not in ((), (28, 28)):
        raise InvalidInput(
            f"{path.name} promises {' x '.join(map(str, shape))} bytes but has"
            f" {len(data) - head:,}.",
            hint=_DAMAGED,
        )
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)


def _unpacked(path: Path) -> bytes:
    try:
        if path.suffix != ".gz":
            return path.read_bytes()
        with gzip.open(path) as file:
            return file.read(_LARGEST)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInput(f"{path.name} is not a complete gzip file.", hint=_DAMAGED) from error


def _unpack(
    archive: Path, wanted: Collection[str], tell: Callable[[float], object]
) -> dict[str, bytes]:
    """Return the wanted files of an archive by name, wherever they stand in it."""
    found = {}
    with archive.open("rb") as packed, contextlib.ExitStack() as stack:
        size = max(1, os.fstat(packed.fileno()).st_size)
        unpacked: IO[bytes] = packed
        if archive.suffix == ".gz":
            unpacked = cast(IO[bytes], stack.enter_context(gzip.GzipFile(fileobj=packed)))
        # As a stream: each step back would unpack everything from the start again.
        with tarfile.open(fileobj=unpacked, mode="r|") as tar:
            for member in tar:
                name = Path(member.name).name
                if member.isfile() and name in wanted and member.size <= _LARGEST:
                    found[name] = cast(IO[bytes], tar.extractfile(member)).read()
                tell(packed.tell() / size)
        while unpacked.read(2**20):  # to the end, where gzip keeps its sum
            pass
    for name in sorted(set(wanted) - set(found)):
        raise InvalidInput(
            f"The archive has no {name}.", hint="It must be the binary version of CIFAR-10."
        )
    return found


def _cifar_part(files: Mapping[str, bytes], batches: Sequence[str], names: Sequence[str]) -> Part:
    parts = [_cifar_batch(name, files[name], names) for name in batches]
    return Part(
        images=np.concatenate([part.images for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        names=names,
    )


def _cifar_batch(name: str, data: bytes, names: Sequence[str]) -> Part:
    if not data or len(data) % _CIFAR_RECORD:
        raise InvalidInput(
            f"{name} has {len(data):,} bytes, not a whole number of records of"
            f" {_CIFAR_RECORD:,} bytes.",
            hint=_DAMAGED,
        )
    records = np.frombuffer(data, np.uint8).reshape(-1, _CIFAR_RECORD)
    planes = records[:, 1:].reshape(-1, 3, _CIFAR_SIDE, _CIFAR_SIDE)
    pixels = np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
    return _checked(name, Part(images=pixels, labels=records[:, 0], names=names))


def _checked(name: str, part: Part) -> Part:
    if part.labels.max() >= len(part.names):
        raise InvalidInput(
            f"{name} has the label {part.labels.max()}; there are {len(part.names)} classes.",
            hint=_DAMAGED,
        )
    return part
