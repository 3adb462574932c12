"""
Packing: files into a tar or zip, made while it is sent.

A member is read in pieces and a piece is packed at a time, so weights of any size need the
same memory. By hand:

    for piece in pack([Member("a.txt", b"words")], "tar.gz"):
        file.write(piece)
"""

from __future__ import annotations

import bz2
import io
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from netloom.errors import BadModel, InvalidInput

if TYPE_CHECKING:
    from typing_extensions import Buffer

PIECE = 256 * 1024  # bytes
# Weights are noise to a packer: stronger settings take several times as long and save little.
LEVEL = 1


@dataclass(frozen=True)
class Member:
    """A file of an archive: its name there, and its bytes or where they lie."""

    name: str
    content: bytes | Path

    def size(self) -> int:
        """Return the number of bytes; raise BadModel if the file is missing."""
        if isinstance(self.content, bytes):
            return len(self.content)
        try:
            return self.content.stat().st_size
        except OSError as error:
            raise BadModel(
                f"The file {self.content.name!r} of the model cannot be read: {error.strerror}.",
                hint="Choose another snapshot.",
            ) from error

    def pieces(self, size: int) -> Iterator[bytes]:
        """Yield exactly `size` bytes; raise BadModel if the file has become shorter."""
        with self._opened() as file:
            while size:
                piece = file.read(min(size, PIECE))
                if not piece:
                    raise BadModel(f"{self.name} became shorter while it was read.")
                size -= len(piece)
                yield piece

    def _opened(self) -> io.BufferedIOBase | io.BytesIO:
        if isinstance(self.content, bytes):
            return io.BytesIO(self.content)
        return self.content.open("rb")


class _Packer(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class _Plain:
    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


def _gzip() -> _Packer:
    return zlib.compressobj(LEVEL, zlib.DEFLATED, 31)  # 31: with the header of gzip


def _bzip2() -> _Packer:
    return bz2.BZ2Compressor(LEVEL)


_TAR: dict[str, Callable[[], _Packer]] = {
    "tar": _Plain,
    "tar.gz": _gzip,
    "tgz": _gzip,
    "tar.bz2": _bzip2,
}
FORMATS = (*_TAR, "zip")


def pack(members: Iterable[Member], format: str) -> Iterator[bytes]:
    """Yield an archive piece by piece; raise InvalidInput for an unknown format."""
    if format not in FORMATS:
        raise InvalidInput(
            f"Archives cannot be made as {format!r}.", hint=f"Use {', '.join(FORMATS)}."
        )
    sized = [(member, member.size()) for member in members]  # what is missing is told now
    return _zip(sized) if format == "zip" else _packed(_tar(sized), _TAR[format]())


def _packed(pieces: Iterable[bytes], packer: _Packer) -> Iterator[bytes]:
    for piece in pieces:
        if made := packer.compress(piece):
            yield made
    yield packer.flush()


def _tar(members: Iterable[tuple[Member, int]]) -> Iterator[bytes]:
    for member, size in members:
        about = tarfile.TarInfo(member.name)
        about.size, about.mtime = size, int(time.time())
        yield about.tobuf(tarfile.PAX_FORMAT)
        yield from member.pieces(size)
        yield bytes(-size % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


class _Sink(io.RawIOBase):
    """Where zipfile writes; it is emptied after every piece."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer, /) -> int:
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def taken(self) -> bytes:
        made = b"".join(self._parts)
        self._parts.clear()
        return made


def _zip(members: Iterable[tuple[Member, int]]) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for member, size in members:
            about = zipfile.ZipInfo(member.name, time.localtime()[:6])
            about.compress_type, about.file_size = zipfile.ZIP_DEFLATED, size
            about.external_attr = 0o644 << 16
            with archive.open(about, "w", force_zip64=size > 2**31 - 2**27) as file:
                for piece in member.pieces(size):
                    file.write(piece)
                    yield sink.taken()
    yield sink.taken()
