"""
The manifest of a built dataset: `dataset.json` in its directory.

Each split is built by a step of its own, which leaves `split.json` in its database; the
step that finds all of them complete writes the manifest. A directory with a manifest is
a dataset that can be opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from netloom.atomic import whole_file
from netloom.datasets.database import Backend, Compression
from netloom.errors import BadDataset
from netloom.images import Preprocessing
from netloom.interfaces.source import SplitName

MANIFEST = "dataset.json"
SPLIT = "split.json"
MEAN = "mean.binaryproto"
MEAN_PICTURE = "mean.jpg"


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def write(self, path: Path) -> None:
        """Write the record as JSON, all of it or nothing."""
        with whole_file(path) as file:
            file.write(self.model_dump_json(indent=1).encode() + b"\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the record; raise BadDataset that says what is wrong with the file."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise BadDataset(
                f"{path.name} of the dataset cannot be read: {error.strerror}.",
                hint="Wait until the dataset is Done, or create it again.",
            ) from error
        except ValidationError as error:
            raise BadDataset(
                f"{path.name} of the dataset is damaged.", hint="Create the dataset again."
            ) from error


class SplitInfo(_Stored):
    """What is known of one split."""

    db: str  # name of the database, a folder in the directory of the dataset
    entries: int
    class_counts: dict[str, int]  # entries of every class, by name
    failed: int = 0  # files that could not be read
    failed_per_class: dict[str, int] = Field(default_factory=dict)  # only classes with failures
    bytes: int = 0  # size of the database


class Manifest(_Stored):
    """What is known of a built dataset."""

    version: Literal[1] = 1
    task: Literal["classification"] = "classification"
    classes: tuple[str, ...]  # class number = index
    preprocessing: Preprocessing  # from a file to the pixels in the databases
    backend: Backend = "lmdb"
    compression: Compression = "none"  # of HDF5 files
    splits: dict[SplitName, SplitInfo]
    mean: str = ""  # file name of the mean image of the training split, BGR; empty without one
    mean_picture: str = ""  # file name of the same to look at

    @property
    def encoding(self) -> str:
        """Return how images are stored: none, png or jpg."""
        return self.preprocessing.stored


def database(split: str) -> str:
    """Return the name of the database of a split."""
    return f"{split}_db"


def complete(
    directory: Path,
    splits: Sequence[SplitName],
    *,
    classes: Sequence[str],
    preprocessing: Preprocessing,
    backend: Backend,
    compression: Compression,
) -> bool:
    """Write the manifest if every split is built; return whether it was written."""
    # Two steps may get here at once; both then write the same bytes.
    paths = {split: directory / database(split) / SPLIT for split in splits}
    if not all(path.exists() for path in paths.values()):
        return False
    has_mean = (directory / MEAN).exists()
    Manifest(
        classes=tuple(classes),
        preprocessing=preprocessing,
        backend=backend,
        compression=compression,
        splits={split: SplitInfo.read(path) for split, path in paths.items()},
        mean=MEAN if has_mean else "",
        mean_picture=MEAN_PICTURE if has_mean else "",
    ).write(directory / MANIFEST)
    return True
