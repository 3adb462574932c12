"""
Unpacking: the named files of an archive that a stranger sent, and nothing else.

Any tar (plain, gzip, bzip2, xz) or zip is read. All members are looked at before the first
is written: links, devices, paths that lead elsewhere, names that come twice, too many, too large
or too well packed members are refused. What is written gets a name of ours. By hand:

    with opened(file, scratch) as archive:
        archive.read("info.json", 10_000)
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO

from netloom.errors import InvalidInput

MOST_MEMBERS = 200
MOST_BYTES = 16 * 2**30  # of all members together
# Weights shrink by a tenth; what shrinks a hundredfold was made to fill a disk.
MOST_RATIO = 100
RATIO_FROM = 64 * 2**20  # bytes; smaller archives may be packed as well as they like
LONGEST_READ = 2 * 2**20  # bytes at once: larger headers and lists of members are refused
PIECE = 2**18

NOT_ONE = "Incorrect Archive Type"
HINT = "Send an archive as it was downloaded: tar, tar.gz, tar.bz2 or zip."

_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    ValueError,
    KeyError,
    NotImplementedError,  # a way of packing that zipfile does not know
    RuntimeError,  # a password
    OverflowError,
)
_PACKED: tuple[tuple[bytes, Callable[[Any], Any]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file, mode="rb")),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\0", lzma.LZMAFile),
)


@dataclass(frozen=True)
class Archive:
    """The regular files of an archive by name; a common folder is left out of the names."""

    sizes: Mapping[str, int]
    _open: Callable[[str], IO[bytes]]

    def read(self, name: str, most: int) -> bytes:
        """Return a member of `most` bytes; raise InvalidInput if it is missing or larger."""
        size = self._size(name)
        if size > most:
            raise InvalidInput(f"{name} in the archive has more than {most:,} bytes.")
        with _telling(), self._open(name) as file:
            return b"".join(_pieces(file, size))

    def extract(self, name: str, path: Path) -> None:
        """Write a member to a path; raise InvalidInput if it is missing or damaged."""
        size = self._size(name)
        with _telling(), self._open(name) as file, path.open("wb") as target:
            for piece in _pieces(file, size):
                target.write(piece)

    def _size(self, name: str) -> int:
        if name not in self.sizes:
            raise InvalidInput(f"The archive has no file {name!r}.", hint=HINT)
        return self.sizes[name]


@contextmanager
def opened(file: BinaryIO, scratch: Path) -> Iterator[Archive]:
    """Lend an archive; raise InvalidInput for what is none or is not to be trusted.

    `scratch` is an empty directory on a disk with room for what is unpacked.
    """
    file.seek(0, 2)
    packed = file.tell()
    file.seek(0)
    start = file.read(6)
    file.seek(0)
    if start.startswith(b"PK"):
        with _telling():
            archive = zipfile.ZipFile(_Guarded(file))
        with archive:
            yield _of_zip(archive, packed)
        return
    unpack = next((how for sign, how in _PACKED if start.startswith(sign)), None)
    plain = scratch / "archive.tar"
    if unpack is not None:
        with _telling(), plain.open("wb") as target:
            _unpack(unpack(file), target, packed)
    with plain.open("rb") if unpack else _kept(file) as source:
        with _telling():
            tar = _tar(source)
        with tar:
            yield _of_tar(tar, packed)


class _Guarded(io.BufferedIOBase):
    """A file that refuses to be read in large pieces, as a header may ask for any size."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int | None = -1, /) -> bytes:
        most = LONGEST_READ + 1
        data = self._file.read(most if size is None or size < 0 else min(size, most))
        if len(data) > LONGEST_READ:
            raise ValueError("too much at once")
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        """Leave the file to whom it belongs."""


@contextmanager
def _kept(file: IO[bytes]) -> Iterator[IO[bytes]]:
    yield file


@contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno:  # the disk, not the archive
            raise
        raise InvalidInput(NOT_ONE, hint=HINT) from error


def _unpack(source: IO[bytes], target: IO[bytes], packed: int) -> None:
    total = 0
    while piece := source.read(PIECE):
        total += len(piece)
        _check_size(total, packed)
        target.write(piece)


def _pieces(file: IO[bytes], size: int) -> Iterator[bytes]:
    while size:
        piece = file.read(min(size, PIECE))
        if not piece:
            raise EOFError
        size -= len(piece)
        yield piece


def _tar(source: IO[bytes]) -> tarfile.TarFile:
    return tarfile.open(fileobj=_Guarded(source), mode="r:")


def _of_tar(tar: tarfile.TarFile, packed: int) -> Archive:
    members: dict[str, tarfile.TarInfo] = {}
    total = 0
    with _telling():
        while (member := tar.next()) is not None:
            total += member.size
            _check_size(total, packed)
            if not (member.isreg() or member.isdir()) or member.issparse():
                raise _refused(member.name, "is a link or no regular file")
            _keep(members, member.name, member, is_folder=member.isdir())
    named = _without_folder(members)

    def open_member(name: str) -> IO[bytes]:
        file = tar.extractfile(named[name])
        assert file is not None
        return file

    return Archive({name: member.size for name, member in named.items()}, open_member)


def _of_zip(archive: zipfile.ZipFile, packed: int) -> Archive:
    members: dict[str, zipfile.ZipInfo] = {}
    total = 0
    for member in archive.infolist():
        total += member.file_size
        _check_size(total, packed)
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _refused(member.filename, "is a link or no regular file")
        # The name as it stands in the file: zipfile cuts it at a NUL.
        _keep(members, member.orig_filename, member, is_folder=member.is_dir())
    named = _without_folder(members)
    sizes = {name: member.file_size for name, member in named.items()}
    return Archive(sizes, lambda name: archive.open(named[name]))


def _keep(members: dict[str, Any], name: str, member: object, *, is_folder: bool) -> None:
    """Keep a member by its name; raise InvalidInput for names that lead elsewhere."""
    path = PurePosixPath(name)
    odd = not name or len(name) > 1000 or "\\" in name or not name.isprintable()
    if odd or path.is_absolute() or ".." in path.parts or ":" in path.parts[:1]:
        raise _refused(name, "has a name that is not taken")
    if str(path) in members:
        raise _refused(name, "is there twice")
    if len(members) >= MOST_MEMBERS:
        raise InvalidInput(f"The archive has more than {MOST_MEMBERS} members.", hint=HINT)
    members[str(path)] = None if is_folder else member


def _without_folder(members: Mapping[str, Any]) -> dict[str, Any]:
    files = {name: member for name, member in members.items() if member is not None}
    folders = {name.partition("/")[0] if "/" in name else "" for name in files}
    if len(folders) == 1 and (folder := folders.pop()):
        return {name.removeprefix(f"{folder}/"): member for name, member in files.items()}
    return files


def _check_size(total: int, packed: int) -> None:
    if total > MOST_BYTES:
        raise InvalidInput(f"The archive holds more than {MOST_BYTES:,} bytes.", hint=HINT)
    if total > max(RATIO_FROM, MOST_RATIO * packed):
        raise InvalidInput(
            f"The archive unpacks to more than {MOST_RATIO} times its size.", hint=HINT
        )


def _refused(name: str, why: str) -> InvalidInput:
    return InvalidInput(f"The member {name[:100]!r} of the archive {why}.", hint=HINT)
