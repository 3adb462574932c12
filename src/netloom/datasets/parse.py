"""
Parsing: from a source to the lists `train.txt`, `val.txt`, `test.txt` and `labels.txt`.

The step that makes the training list numbers the classes and writes `labels.txt`;
lists from separate folders are matched with it by name. Classes that cannot be used
are left out and recorded with the reason; files that cannot be listed are left to the
build of the first split, which names them among the unreadable ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from pydantic import Field

from netloom import registry
from netloom.datasets import split
from netloom.datasets.crew import Stopped
from netloom.datasets.entries import (
    LABELS,
    fits_a_line,
    list_name,
    read_labels,
    write_entries,
    write_labels,
)
from netloom.datasets.failures import add_unreadable, left_out_name
from netloom.errors import DatasetFailed, TooFewClasses
from netloom.interfaces.job import Step, StepRun
from netloom.interfaces.source import Source, SourceClass, SplitName, shown

_CHECK_EVERY = 256  # listed files between two looks at stop_requested
_FOLDERS = {"train": "training", "val": "validation", "test": "test"}


class ParseFolder(Step):
    """List the images of a source, divided into splits."""

    name: ClassVar[str] = "parse_folder"

    source: str = "folder"  # plugin of the group netloom.sources
    source_options: dict[str, Any]  # its fields, e.g. {"root": "/data/pets"}
    shares: dict[SplitName, int]  # percentages that sum to 100; only splits that are made
    minimum: int = Field(1, ge=1)  # classes with fewer images are left out
    maximum: int | None = Field(None, ge=1)  # further images of a class are left out
    seed: int = 0

    def run(self, run: StepRun) -> None:
        """Write the lists; raise TooFewClasses or DatasetFailed."""
        left_out = run.directory / left_out_name(self.folder)
        paths = [left_out, *(run.directory / list_name(name) for name in self.shares)]
        try:
            with ExitStack() as stack:
                unlisted, *lists = [stack.enter_context(_partial(p).open("wb")) for p in paths]
                parsing = _Parsing(self, run, unlisted)
                parsing.list_all(dict(zip(self.shares, lists, strict=True)))
            for path in paths:
                _partial(path).replace(path)
        except Stopped:
            return
        finally:
            for path in paths:
                _partial(path).unlink(missing_ok=True)
        if not left_out.stat().st_size:
            left_out.unlink()
        if self.numbers_classes:
            write_labels(run.directory / LABELS, parsing.labels)
        run.record(parsing.facts())
        run.progress(1.0, f"{len(parsing.labels)} classes")

    @property
    def numbers_classes(self) -> bool:
        """Return whether the classes come from this source."""
        return "train" in self.shares

    @property
    def folder(self) -> SplitName:
        """Return which of the three folders of a dataset is parsed."""
        return next(iter(self.shares))


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")


class _Parsing:
    """What a parse step has found so far."""

    def __init__(self, step: ParseFolder, run: StepRun, left_out: BinaryIO) -> None:
        self.step = step
        self.run = run
        self.left_out = left_out  # files that no list can hold, one line of JSON each
        self.source: Source = registry.find("netloom.sources", step.source)(**step.source_options)
        known = [] if step.numbers_classes else read_labels(run.directory / LABELS)
        self.labels = known
        self.folders = 0
        self.counts: Counter[str] = Counter()
        self.skipped: list[dict[str, Any]] = []

    def list_all(self, files: Mapping[SplitName, BinaryIO]) -> None:
        """Write the images of every class into the open lists."""
        folders = self.source.classes()
        self.folders = len(folders)
        self._need_two_folders()
        for index, folder in enumerate(folders):
            self.run.progress(index / len(folders), f"{index} of {len(folders)} folders")
            self._list_class(folder, files)
        self._need_two_classes()
        self._need_images()

    def facts(self) -> dict[str, Any]:
        """Return what the page shows."""
        return {
            "label_count": len(self.labels),
            "train_count": self.counts["train"],
            "val_count": self.counts["val"],
            "test_count": self.counts["test"],
            "labels": self.labels,
            "skipped": self.skipped,
            "seed": self.step.seed,
        }

    def _list_class(self, folder: SourceClass, files: Mapping[SplitName, BinaryIO]) -> None:
        if not self.step.numbers_classes and folder.name not in self.labels:
            self._skip(folder.name, None, "The training folder has no class of this name.")
            return
        paths = self._paths(folder)
        if reason := self._unusable(len(paths)):
            self._skip(folder.name, len(paths), reason)
            return
        label = self._number(folder.name)
        seed = f"{self.step.seed}/{folder.name}"  # one class does not change another's splits
        for name, part in split.divide(paths, self.step.shares, seed).items():
            write_entries(files[name], part, label)
            self.counts[name] += len(part)

    def _paths(self, folder: SourceClass) -> list[str]:
        left_out: Counter[str] = Counter()
        paths: list[str] = []

        def leave_out(where: str, reason: str) -> None:
            add_unreadable(self.left_out, shown(where), folder.name, reason)
            left_out[reason] += 1

        listed = self.source.itemize(folder, leave_out)
        for index, path in enumerate(listed):
            if index % _CHECK_EVERY == 0 and self.run.stop_requested:
                raise Stopped
            if not fits_a_line(path):
                leave_out(path, "The path contains a line break.")
            elif len(paths) == self.step.maximum:
                break
            else:
                paths.append(path)
        for reason, count in left_out.items():
            self._skip(folder.name, count, reason)
        return paths

    def _unusable(self, count: int) -> str:
        """Return why a class is left out, or nothing."""
        images = "1 image" if count == 1 else f"{count} images"
        if count == 0:
            return "It has no images."
        if count < self.step.minimum:
            return f"It has {images}, the minimum is {self.step.minimum}."
        if count < len(self.step.shares):
            return f"It has {images} for {len(self.step.shares)} splits."
        return ""

    def _number(self, name: str) -> int:
        """Return the number of a class; a training folder gives it the next one."""
        if not self.step.numbers_classes:
            return self.labels.index(name)
        if name in self.labels:
            raise DatasetFailed(
                f"Two folders make the class {name!r}.",
                hint="An underscore in a folder name stands for a blank; rename one of them.",
                field=self._field,
            )
        self.labels.append(name)
        return len(self.labels) - 1

    def _skip(self, name: str, count: int | None, reason: str) -> None:
        """Record what is left out; `count` is None where the images were not counted."""
        self.skipped.append({"name": name, "count": count, "reason": reason})
        self.run.log(f"Left out of {name!r} ({count or 'all'}): {reason}", "warning")

    def _need_two_folders(self) -> None:
        if self.folders < 2:
            found = "no class folder" if self.folders == 0 else "only one class folder"
            raise TooFewClasses(
                f"The {self._folder} has {found}; at least two are needed.",
                hint="Put the images of each class into a sub-folder of their own.",
                field=self._field,
            )

    def _need_two_classes(self) -> None:
        if len(self.labels) < 2:
            usable = "none can be used" if not self.labels else "only one can be used"
            raise TooFewClasses(
                f"The {self._folder} has {self.folders} class folders, but {usable}."
                f" {self._reasons()}",
                hint="Add images, or lower the minimum samples per class.",
                field=self._field,
            )

    def _need_images(self) -> None:
        if not self.counts.total():
            raise DatasetFailed(
                f"The {self._folder} has no images of the classes of the training folder."
                f" {self._reasons()}",
                hint="Its sub-folders must be named like those of the training folder.",
                field=self._field,
            )

    def _reasons(self) -> str:
        """Return the first few reasons for leaving classes out, as one text."""
        texts = [f"{item['name']!r}: {item['reason']}" for item in self.skipped[:3]]
        more = len(self.skipped) - len(texts)
        return " ".join(texts + ([f"And {more} more."] if more else []))

    @property
    def _folder(self) -> str:
        return f"{_FOLDERS[self.step.folder]} folder"

    @property
    def _field(self) -> str:
        return f"folder_{self.step.folder}"
