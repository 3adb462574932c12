"""Image lists: every kind of line, and files that are no lists."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from netloom.datasets.entries import write_entries
from netloom.errors import InvalidInput, PathNotAllowed, UnreadableImage
from netloom.inference import Entry, Reader, read_list


def parse(text: str | bytes, **options: object) -> list[tuple[str, int | None]]:
    data = text.encode() if isinstance(text, str) else text
    entries = read_list(io.BytesIO(data), **options)
    return [(entry.source, entry.truth) for entry in entries]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/a.png", ("/a.png", None)),
        ("/a.png 3", ("/a.png", 3)),
        ("/a.png\t \t3  ", ("/a.png", 3)),
        ("  /a.png 3\r", ("/a.png", 3)),
        ("/my cat, 'Tom'.png 12", ("/my cat, 'Tom'.png", 12)),
        ("/my cat.png", ("/my cat.png", None)),
        ("/a.png -1", ("/a.png", -1)),
        ("/a.png 3.5", ("/a.png 3.5", None)),
        ("/photo2015", ("/photo2015", None)),
        ("/größe/猫.png 1", ("/größe/猫.png", 1)),
        ("/odd\u2028name.png 1", ("/odd\u2028name.png", 1)),
        ("https://example.org/a%20b.png?x=1 7", ("https://example.org/a%20b.png?x=1", 7)),
        ("HTTP://example.org/a.png", ("HTTP://example.org/a.png", None)),
        ("a.png 2", ("/data/a.png", 2)),
        ("sub/a b.png", ("/data/sub/a b.png", None)),
        ("5", ("/data/5", None)),
    ],
)
def test_lines(line: str, expected: tuple[str, int | None]) -> None:
    assert parse(line, folder="/data") == [expected]


def test_blank_lines_are_skipped_and_the_limit_counts_entries() -> None:
    text = "\ufeff\n/a.png 1\n\n   \n/b.png\n/c.png 2"
    entries = list(read_list(io.BytesIO(text.encode())))
    assert [(entry.source, entry.line) for entry in entries] == [
        ("/a.png", 2),
        ("/b.png", 5),
        ("/c.png", 6),
    ]
    assert len(parse(text, limit=2)) == 2
    assert parse(text, limit=0) == []
    assert parse("") == []


def test_lists_of_datasets_are_understood(tmp_path: Path) -> None:
    names = ["a b.png", "ends with 7", "blank at end ", "n\u00e4me, 'q' \"r\".png", "tab\t.png"]
    paths = [str(tmp_path / name) for name in names] + [os.fsdecode(b"/raw\xff.png")]
    for path in paths[:-1]:
        Path(path).touch()
    file = io.BytesIO()
    write_entries(file, paths, 4)
    file.seek(0)
    entries = list(read_list(file))
    assert [(entry.source, entry.truth) for entry in entries] == [(path, 4) for path in paths]
    assert entries[-1].name == "/raw\ufffd.png"


def test_a_name_that_ends_in_a_number(tmp_path: Path) -> None:
    (tmp_path / "cat 2").touch()
    assert parse("cat 2", folder=str(tmp_path)) == [(f"{tmp_path}/cat 2", None)]
    assert parse("cat 2 1", folder=str(tmp_path)) == [(f"{tmp_path}/cat 2", 1)]
    (tmp_path / "cat").touch()
    assert parse("cat 2", folder=str(tmp_path)) == [(f"{tmp_path}/cat", 2)]


def test_files_outside_the_roots_do_not_change_what_a_line_means(tmp_path: Path) -> None:
    def refuse(path: Path) -> Path:
        raise PathNotAllowed("It lies outside the data roots.")

    (tmp_path / "cat 2").touch()
    assert parse(f"{tmp_path}/cat 2", check=refuse) == [(f"{tmp_path}/cat", 2)]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not a text file"),
        ("/a.png".encode("utf-16"), "not a text file"),
        (b"/a.png\n" + b"x" * 20_000, "Line 2 is longer"),
    ],
)
def test_what_is_no_list(data: bytes, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence) as raised:
        parse(data)
    assert raised.value.field == "image_list"


def test_lines_are_read_as_they_are_needed() -> None:
    class Endless(io.RawIOBase):
        lines = 0

        def readline(self, size: int | None = -1, /) -> bytes:
            self.lines += 1
            return b"/a.png 1\n"

    file = Endless()
    entries: Iterator[Entry] = read_list(file)
    for _ in range(10):
        next(entries)
    assert file.lines == 10


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    def check(path: Path) -> Path:
        if not path.resolve().is_relative_to(tmp_path):
            raise PathNotAllowed("It lies outside the data roots.")
        return path

    return Reader(check=check, fetch=lambda url: f"from {url}".encode(), max_bytes=10)


def test_reads_paths_and_urls(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"0123456789")
    assert reader(Entry(source=str(tmp_path / "a.png"))) == b"0123456789"
    assert reader.read("http://example.org/a.png") == b"from http://example.org/a.png"


def test_says_why_a_file_cannot_be_read(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"01234567890")
    os.mkfifo(tmp_path / "pipe")
    for name, reason in [
        ("missing", "No such file"),
        ("large", "more than 10 bytes"),
        ("pipe", "not a file"),
        ("", "not a file"),
        ("nul\0", "not a path"),
        ("x" * 300, "name too long"),
    ]:
        with pytest.raises(UnreadableImage, match=reason):
            reader.read(os.path.join(tmp_path, name))
    with pytest.raises(UnreadableImage, match="not absolute"):
        reader.read("a.png")
    with pytest.raises(PathNotAllowed):
        reader.read("/etc/passwd")
