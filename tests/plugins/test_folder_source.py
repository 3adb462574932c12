"""The folder source: what it reads, and what it says of files it cannot."""

from __future__ import annotations

import os

import pytest

from netloom import registry
from netloom.errors import UnreadableImage
from netloom.plugins.sources import folder as module
from netloom.plugins.sources.folder import FolderSource


def test_it_comes_in_by_its_entry_point():
    assert registry.find("netloom.sources", "folder") is FolderSource


def test_it_survives_storage():
    source = FolderSource(root="/data/pets")
    assert FolderSource.model_validate_json(source.model_dump_json()) == source


def test_it_keeps_its_order(tmp_path):
    for name in ("b/2.png", "b/10.png", "a/1.png", "b/deep/1.png", "b/Z.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    source = FolderSource(root=str(tmp_path))
    classes = source.classes()
    assert [found.name for found in classes] == ["a", "b"]
    listed = [os.path.relpath(path, tmp_path) for path in source.itemize(classes[1], print)]
    assert listed == ["b/10.png", "b/2.png", "b/Z.png", "b/deep/1.png"]


def test_it_reads_whole_files(tmp_path):
    source = FolderSource(root=str(tmp_path))
    for size in (0, 1, 300_000):
        (tmp_path / "file").write_bytes(b"x" * size)
        assert source.read(str(tmp_path / "file")) == b"x" * size


def test_what_cannot_be_read_has_a_sentence(tmp_path, monkeypatch):
    source = FolderSource(root=str(tmp_path))
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "long").write_bytes(b"123")
    monkeypatch.setattr(module, "LARGEST_FILE", 2)
    for name, sentence in {
        "nowhere": "The file cannot be opened: No such file or directory.",
        "pipe": "It is not a regular file.",
        "": "It is not a regular file.",
        "long": "The file is larger than 0 MiB.",
    }.items():
        with pytest.raises(UnreadableImage) as caught:
            source.read(str(tmp_path / name))
        assert str(caught.value) == sentence


def test_a_folder_that_cannot_be_listed_is_reported(tmp_path):
    (tmp_path / "a").mkdir()
    source = FolderSource(root=str(tmp_path))
    found = source.classes()[0]
    (tmp_path / "a").rmdir()
    told: list[tuple[str, str]] = []
    assert list(source.itemize(found, lambda where, reason: told.append((where, reason)))) == []
    assert told == [
        (str(tmp_path / "a"), "The folder cannot be listed: No such file or directory.")
    ]
