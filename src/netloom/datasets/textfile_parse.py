"""
Reading lists: from the text files of a user to the lists and labels.txt of a dataset.

Every line is checked, its path joined to the image folder, and written to the list of its
split at once, so memory does not grow with the number of lines. Lines that name no image
are left out and counted by reason; a class number that has no name ends the work, because
then list and names do not belong together.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from pydantic import BaseModel, ConfigDict

from netloom.datasets.crew import Stopped
from netloom.datasets.entries import LABELS, list_name, write_labels
from netloom.datasets.textfile_lines import NoEntry, numbered_lines, parse_line, read_names
from netloom.errors import DatasetFailed, InvalidInput, TooFewClasses
from netloom.images import is_url
from netloom.interfaces.job import Step, StepRun
from netloom.interfaces.source import SplitName, shown
from netloom.roots import DataRoots

_CHECK_EVERY = 4096  # lines between two looks at stop_requested
NAMES = {"train": "training list", "val": "validation list", "test": "test list"}


class ListFile(BaseModel):
    """One text file of a user."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str  # on the server, or the name of an upload in the directory of the job
    field: str  # of the form
    folder: str = ""  # where relative paths start
    shown: str = ""  # what its user calls it


class ReadLists(Step):
    """Turn the lists of a user into those of the dataset."""

    name: ClassVar[str] = "read_lists"

    lists: dict[SplitName, ListFile]
    labels: ListFile
    roots: tuple[str, ...] | None = None  # folders that may be read; None: all of them

    def run(self, run: StepRun) -> None:
        """Write the lists and labels.txt; raise DatasetFailed or TooFewClasses."""
        reading = _Reading(self, run)
        paths = {split: run.directory / list_name(split) for split in self.lists}
        partial = {split: path.with_name(f".{path.name}.partial") for split, path in paths.items()}
        try:
            for split, path in partial.items():
                with path.open("wb") as out:
                    reading.read(split, out)
            for split, path in partial.items():
                path.replace(paths[split])
        except Stopped:
            return
        finally:
            for path in partial.values():
                path.unlink(missing_ok=True)
        write_labels(run.directory / LABELS, reading.names)
        run.record(reading.facts())
        run.progress(1.0, f"{reading.counts.total():,} lines")


class _Reading:
    """What a step has read so far."""

    def __init__(self, step: ReadLists, run: StepRun) -> None:
        self.step = step
        self.run = run
        self.roots = None if step.roots is None else DataRoots(map(Path, step.roots))
        with self._open(step.labels, "labels file") as file, _in_field(step.labels.field):
            self.names = read_names(file)
        self.counts: Counter[str] = Counter()  # lines used, by split
        self.left_out: list[dict[str, Any]] = []
        self.bytes = 0

    def read(self, split: SplitName, out: BinaryIO) -> None:
        """Write the list of one split."""
        given, name = self.step.lists[split], NAMES[split]
        used: Counter[int] = Counter()
        reasons: dict[str, list[int]] = {}  # count, first line
        with self._open(given, name) as file, _in_field(given.field):
            size = max(1, os.fstat(file.fileno()).st_size)
            read = 0
            for number, line in numbered_lines(file, name):
                read += len(line)
                if number % _CHECK_EVERY == 0:
                    self._tell(split, number, read / size)
                try:
                    path, label = parse_line(line)
                except NoEntry as why:
                    reasons.setdefault(str(why), [0, number])[0] += 1
                    continue
                if label >= len(self.names):
                    raise _beyond(number, name, label, len(self.names))
                out.write(b"%s %d\n" % (_joined(given.folder, path), label))
                used[label] += 1
        self.counts[split] = used.total()
        for reason, (count, first) in reasons.items():
            self._leave_out(name.capitalize(), count, f"{reason} The first is line {first}.")
        self._check_used(split, used, given)

    def facts(self) -> dict[str, Any]:
        """Return what the page shows."""
        counts = {f"{split}_count": self.counts[split] for split in NAMES}
        names = self.names
        return {"label_count": len(names), **counts, "labels": names, "skipped": self.left_out}

    def _check_used(self, split: SplitName, used: Counter[int], given: ListFile) -> None:
        if not used:
            why = f" {self.left_out[-1]['reason']}" if self.left_out else " It is empty."
            raise DatasetFailed(
                f"The {NAMES[split]} names no image.{why}",
                hint='Each line needs a path, a blank and a class number, like "img/a.png 3".',
                field=given.field,
            )
        if split != "train":
            return
        if len(used) == 1:
            raise TooFewClasses(
                f"Every line of the training list has the class {self.names[next(iter(used))]!r};"
                " at least two classes are needed.",
                hint="Add images of other classes.",
                field=given.field,
            )
        for label, name in enumerate(self.names):
            if not used[label]:
                self._leave_out(name, 0, "The training list has no image of this class.")

    def _leave_out(self, name: str, count: int, reason: str) -> None:
        self.left_out.append({"name": name, "count": count, "reason": reason})
        self.run.log(f"{name} ({count}): {reason}", "warning")

    def _tell(self, split: SplitName, number: int, share: float) -> None:
        if self.run.stop_requested:
            raise Stopped
        before = list(self.step.lists).index(split)
        self.run.progress(
            min(1.0, (before + share) / len(self.step.lists)),
            f"{number:,} lines of the {NAMES[split]}",
        )

    @contextmanager
    def _open(self, given: ListFile, name: str) -> Iterator[BinaryIO]:
        # An upload has a plain name; joining leaves the path of a file on the server as it is.
        path = self.run.directory / given.path
        with ExitStack() as stack:
            try:
                if self.roots is not None and os.path.isabs(given.path):
                    path = self.roots.check(path)
                file = stack.enter_context(open_list(path))
            except InvalidInput as error:
                raise DatasetFailed(error.message, hint=error.hint, field=given.field) from error
            except OSError as error:
                raise DatasetFailed(
                    f"The {name} {shown(given.path)} cannot be read: {error.strerror}.",
                    hint="Check that it exists and that the server may read it.",
                    field=given.field,
                ) from error
            yield file


def open_list(path: Path) -> BinaryIO:
    """Open a regular file; raise OSError, or InvalidInput for anything else."""
    # Not blocking: a pipe without a writer would hold up everything.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InvalidInput(f"{shown(str(path))} is not a file.", hint="Give a text file.")
    return open(descriptor, "rb")


@contextmanager
def _in_field(field: str) -> Iterator[None]:
    """Say of an error to which field of the form it belongs."""
    try:
        yield
    except DatasetFailed as error:
        error.field = error.field or field
        raise


def _joined(folder: str, path: bytes) -> bytes:
    return path if is_url(os.fsdecode(path)) else os.path.join(os.fsencode(folder), path)


def _beyond(number: int, name: str, label: int, count: int) -> DatasetFailed:
    return DatasetFailed(
        f"Line {number} of the {name} has the class number {label}, but the labels file has"
        f" {count} names, of the classes 0 to {count - 1}.",
        hint="Class numbers start at 0. Complete the labels file, or correct the line.",
    )
