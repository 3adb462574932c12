"""
Sources: where the images of a dataset come from.

A source lists the classes it has and the images of each class; the build asks it
for the bytes of one image at a time, in processes of their own. A source is a small
Pydantic class under the entry point group `netloom.sources`; its fields are what it
must be told, for example the path of a folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

SplitName = Literal["train", "val", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "val", "test")

# Called with what a listing leaves out and one sentence that says why.
Skipped = Callable[[str, str], None]


@dataclass(frozen=True, kw_only=True)
class SourceClass:
    """One class as the source has it."""

    name: str  # shown to users, always valid Unicode
    where: str  # what the source needs to list its images, e.g. a path


class ImageReader(BaseModel):
    """Base of all sources. One that only reads gets its addresses from a list of a user."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    title: ClassVar[str]  # e.g. "Folder of images"

    def read(self, address: str) -> bytes:
        """Return the encoded image at an address; raise UnreadableImage that says why not."""
        raise NotImplementedError


class Source(ImageReader):
    """Base of the sources that know which classes and images there are."""

    def classes(self) -> list[SourceClass]:
        """Return all classes in the order that numbers them; raise DatasetFailed if none can be."""
        raise NotImplementedError

    def itemize(self, of: SourceClass, skipped: Skipped) -> Iterator[str]:
        """Yield the address of each image of a class, always in the same order."""
        raise NotImplementedError


_LINE_BREAKS = str.maketrans({"\n": "\\n", "\r": "\\r"})


def shown(path: str) -> str:
    """
    Return a path or name as valid Unicode on one line.

    Bytes that are not UTF-8 are spelled `\\xe9`, line breaks `\\n` and `\\r`.
    """
    return os.fsencode(path).decode("utf-8", "backslashreplace").translate(_LINE_BREAKS)
