"""
Folders of images: the name of a sub-folder is the name of a class.

    FolderSource(root="/data/pets").classes()

Names are handled as bytes where order matters; bytes that are not UTF-8 survive in
paths (as Python's surrogate escapes) and are shown as `\\xe9` in class names.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from netloom.errors import DatasetFailed, UnreadableImage
from netloom.interfaces.source import Skipped, Source, SourceClass, shown

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm")
LARGEST_FILE = 2**30  # bytes; a longer file is no image but would fill the memory


class FolderSource(Source):
    """A folder on the server with one sub-folder of images per class."""

    title: ClassVar[str] = "Folder of images"

    root: str = Field(description="Folder with one sub-folder per class")

    def classes(self) -> list[SourceClass]:
        """Return the sub-folders in byte order of their names; `_` stands for a blank."""
        try:
            with os.scandir(self.root) as entries:
                names = [entry.name for entry in entries if _is_folder(entry)]
        except OSError as error:
            raise DatasetFailed(
                f"The folder {shown(self.root)} cannot be listed: {error.strerror}.",
                hint="Check that it exists and that the server may read it.",
            ) from error
        return [
            SourceClass(name=shown(name).replace("_", " "), where=os.path.join(self.root, name))
            for name in sorted(names, key=os.fsencode)
        ]

    def itemize(self, of: SourceClass, skipped: Skipped) -> Iterator[str]:
        """Yield every image below a class folder: files of a folder first, then its sub-folders."""
        # Links are followed, so a folder may be met again; each is listed once, which ends
        # cycles and keeps one file from landing in two splits.
        met: set[tuple[int, int]] = set()
        waiting = [of.where]
        while waiting:
            folder = waiting.pop()
            try:
                status = os.stat(folder)
                if (status.st_dev, status.st_ino) in met:
                    continue
                met.add((status.st_dev, status.st_ino))
                with os.scandir(folder) as found:
                    entries = sorted(found, key=lambda entry: os.fsencode(entry.name))
            except OSError as error:
                skipped(folder, f"The folder cannot be listed: {error.strerror}.")
                continue
            yield from _images(entries, skipped)
            waiting += [entry.path for entry in reversed(entries) if _is_folder(entry)]

    def read(self, address: str) -> bytes:
        """Return the bytes of a file."""
        return read_file(address)


def read_file(path: str) -> bytes:
    """Return the bytes of a regular file; raise UnreadableImage that says why not."""
    try:
        # Not blocking: a pipe that took the place of a file must not hold up the build.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise UnreadableImage(f"The file cannot be opened: {error.strerror}.") from error
    try:
        return _read_all(descriptor)
    except OSError as error:
        raise UnreadableImage(f"The file cannot be read: {error.strerror}.") from error
    finally:
        os.close(descriptor)


def _images(entries: list[os.DirEntry[str]], skipped: Skipped) -> Iterator[str]:
    for entry in entries:
        if not entry.name.lower().endswith(SUFFIXES) or _is_folder(entry):
            continue
        # A broken link is listed: the build counts it among the unreadable files.
        if entry.is_symlink() or entry.is_file():
            yield entry.path
        else:
            skipped(entry.path, "It is not a regular file.")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # for example a link to itself
        return False


def _read_all(descriptor: int) -> bytes:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImage("It is not a regular file.")
    if status.st_size > LARGEST_FILE:
        raise UnreadableImage(f"The file is larger than {LARGEST_FILE // 2**20} MiB.")
    data = os.read(descriptor, status.st_size)
    if len(data) == status.st_size:
        return data
    parts = [data]
    while part := os.read(descriptor, 2**20):
        parts.append(part)
    return b"".join(parts)
