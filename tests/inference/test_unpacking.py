"""Archives of strangers: only plain files get in, and never more than there is room for."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netloom.errors import InvalidInput
from netloom.inference import unpacking
from netloom.inference.packing import FORMATS, Member, pack
from netloom.inference.unpacking import opened

WANTED = {"info.json": b"{}", "weights": bytes(range(256)) * 500}


def tar(*members: tuple[tarfile.TarInfo, bytes], mode: str = "w") -> io.BytesIO:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for about, data in members:
            archive.addfile(about, io.BytesIO(data))
    return file


def about(name: str, size: int = 0, **changes: Any) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.size = size
    for key, value in changes.items():
        setattr(made, key, value)
    return made


def zipped(*members: tuple[str, bytes], attributes: int = 0) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = attributes << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return file


@pytest.mark.parametrize("folder", ["", "model/"])
@pytest.mark.parametrize("format", FORMATS)
def test_what_was_packed_comes_out(tmp_path: Path, format: str, folder: str) -> None:
    members = [Member(folder + name, data) for name, data in WANTED.items()]
    file = io.BytesIO(b"".join(pack(members, format)))
    with opened(file, tmp_path) as archive:
        assert archive.sizes == {name: len(data) for name, data in WANTED.items()}
        assert archive.read("info.json", 100) == b"{}"
        archive.extract("weights", tmp_path / "out")
        with pytest.raises(InvalidInput, match="more than 100 bytes"):
            archive.read("weights", 100)
        with pytest.raises(InvalidInput, match="no file"):
            archive.read("labels.txt", 100)
    assert (tmp_path / "out").read_bytes() == WANTED["weights"]


HOSTILE: dict[str, Callable[[], io.BytesIO]] = {
    "absolute": lambda: tar((about("/etc/passwd"), b"")),
    "above": lambda: tar((about("a/../../b"), b"")),
    "absolute in zip": lambda: zipped(("/etc/passwd", b"")),
    "above in zip": lambda: zipped(("../b", b"")),
    "backslash": lambda: zipped(("..\\b", b"")),
    "line break": lambda: tar((about("a\nb"), b"")),
    "symbolic link": lambda: tar((about("a", type=tarfile.SYMTYPE, linkname="/etc"), b"")),
    "hard link": lambda: tar((about("a", type=tarfile.LNKTYPE, linkname="b"), b"")),
    "device": lambda: tar((about("a", type=tarfile.CHRTYPE), b"")),
    "pipe": lambda: tar((about("a", type=tarfile.FIFOTYPE), b"")),
    "link in zip": lambda: zipped(("a", b"/etc"), attributes=stat.S_IFLNK | 0o777),
    "twice": lambda: tar((about("a", 1), b"x"), (about("./a", 1), b"y")),
    "many": lambda: tar(*((about(f"{n}"), b"") for n in range(201))),
    "many in zip": lambda: zipped(*((f"{n}", b"") for n in range(201))),
    "nothing": lambda: io.BytesIO(b""),
    "words": lambda: io.BytesIO(b"words" * 1000),
    "cut off": lambda: io.BytesIO(tar((about("a", 5), b"words"), mode="w:gz").getvalue()[:60]),
    "cut off zip": lambda: io.BytesIO(zipped(("a", bytes(5000))).getvalue()[:-30]),
    "not gzip": lambda: io.BytesIO(b"\x1f\x8bwords"),
    "large header": lambda: tar((about("a", pax_headers={"comment": "x" * 3_000_000}), b"")),
}  # fmt: skip


@pytest.mark.parametrize("how", HOSTILE)
def test_what_is_refused(tmp_path: Path, how: str) -> None:
    with pytest.raises(InvalidInput), opened(HOSTILE[how](), tmp_path):
        pass
    assert {path.name for path in tmp_path.iterdir()} <= {"archive.tar"}


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz", "zip"])
def test_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setattr(unpacking, "RATIO_FROM", 2**18)
    zeros = bytes(2**22)
    file = zipped(("a", zeros)) if mode == "zip" else tar((about("a", 2**22), zeros), mode=mode)
    with pytest.raises(InvalidInput, match="100 times"), opened(file, tmp_path):
        pass
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2**20


def test_all_together_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MOST_BYTES", 1000)
    file = tar((about("a", 600), bytes(600)), (about("b", 600), bytes(600)))
    with pytest.raises(InvalidInput, match="1,000 bytes"), opened(file, tmp_path):
        pass


def test_a_damaged_member_is_no_error_of_the_server(tmp_path: Path) -> None:
    data = bytearray(zipped(("weights", bytes(range(200)) * 50)).getvalue())
    data[60:80] = b"x" * 20
    with (
        opened(io.BytesIO(bytes(data)), tmp_path) as archive,
        pytest.raises(InvalidInput, match="Incorrect Archive Type"),
    ):
        archive.extract("weights", tmp_path / "out")
