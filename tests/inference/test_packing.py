"""Archives are whole in every format, and need no memory for large members."""

from __future__ import annotations

import io
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from netloom.errors import BadModel, InvalidInput
from netloom.inference.packing import FORMATS, Member, pack


def unpacked(archive: bytes, format: str) -> dict[str, bytes]:
    """Return the members by name, as other programs read them."""
    if format == "zip":
        with zipfile.ZipFile(io.BytesIO(archive)) as file:
            assert file.testzip() is None
            return {name: file.read(name) for name in file.namelist()}
    mode = {"tgz": "gz", "tar.gz": "gz", "tar.bz2": "bz2", "tar": ""}[format]
    with tarfile.open(fileobj=io.BytesIO(archive), mode=f"r:{mode}") as file:
        return {about.name: file.extractfile(about).read() for about in file}


@pytest.mark.parametrize("format", FORMATS)
def test_what_goes_in_comes_out(tmp_path: Path, format: str) -> None:
    noise = np.random.default_rng(0).bytes(700_001)
    (tmp_path / "noise").write_bytes(noise)
    wanted = {"a.txt": b"words\n", "empty": b"", "n" * 150: b"x" * 512, "noise": noise}
    members = [Member(name, data) for name, data in wanted.items() if name != "noise"]
    members.append(Member("noise", tmp_path / "noise"))
    assert unpacked(b"".join(pack(members, format)), format) == wanted


@pytest.mark.parametrize("format", FORMATS)
def test_memory_does_not_grow_with_a_member(tmp_path: Path, format: str) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(48 * 2**20)
    for _ in pack([Member("warm", b"up")], format):
        pass
    tracemalloc.start()
    try:
        for _ in pack([Member("large", large)], format):
            pass
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()


def test_what_is_wrong_is_told_before_the_first_piece(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="'rar'"):
        pack([], "rar")
    with pytest.raises(BadModel, match="weights"):
        pack([Member("a", b""), Member("w", tmp_path / "weights")], "zip")


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_that_shrinks_breaks_the_archive_off(tmp_path: Path, format: str) -> None:
    path = tmp_path / "weights"
    path.write_bytes(bytes(1000))
    pieces = pack([Member("weights", path)], format)
    path.write_bytes(bytes(10))
    with pytest.raises(BadModel, match="shorter"):
        list(pieces)
