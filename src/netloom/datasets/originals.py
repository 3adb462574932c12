"""
Originals: the published files of well-known datasets, read and checked.

MNIST comes as four IDX files (gzip), CIFAR-10 as one archive of its binary version.
"""

from __future__ import annotations

import gzip
import struct
import tarfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from netloom.errors import InvalidInput

_LARGEST = 2**28  # bytes of one unpacked file; far more than any of them has
_IMAGES, _LABELS = 2051, 2049  # the magic numbers of IDX files of bytes, 3-D and 1-D

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


def read_cifar10(archive: Path) -> tuple[Part, Part]:
    """Read the training and the test images of the archive of the binary version."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            batches = [_read_member(tar, f"data_batch_{number}.bin") for number in range(1, 6)]
            test = _read_member(tar, "test_batch.bin")
            names = _read_member(tar, "batches.meta.txt").decode().split()
    except (tarfile.TarError, OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"{archive.name} is not a complete gzip archive.", hint=_DAMAGED
        ) from error
    if len(names) != 10:
        raise InvalidInput(f"{archive.name} names {len(names)} classes instead of 10.")
    train = _cifar_part(archive.name, b"".join(batches), names)
    return train, _cifar_part(archive.name, test, names)


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


def _read_member(tar: tarfile.TarFile, name: str) -> bytes:
    for member in tar:
        if member.isfile() and Path(member.name).name == name and member.size <= _LARGEST:
            return cast(bytes, tar.extractfile(member).read())  # type: ignore[union-attr]
    raise InvalidInput(
        f"The archive has no {name}.", hint="It must be the binary version of CIFAR-10."
    )


def _cifar_part(name: str, data: bytes, names: Sequence[str]) -> Part:
    if not data or len(data) % _CIFAR_RECORD:
        raise InvalidInput(
            f"A file in {name} is not a whole number of records of {_CIFAR_RECORD} bytes.",
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
