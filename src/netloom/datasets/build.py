"""
Build: from the list of a split to its database, in one pass over the files.

Encoder processes read, decode, resize and encode; this process writes. Everything is
written under names that begin with a dot and renamed when it is complete, so a build that
stops half-way leaves nothing behind that looks like a database.
"""

from __future__ import annotations

import errno
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, NoReturn

import lmdb
import numpy as np
from numpy.typing import NDArray

from netloom import registry
from netloom.datasets import manifest
from netloom.datasets.crew import Crew, Stopped
from netloom.datasets.database import LABEL_INDEX, Backend, Compression
from netloom.datasets.encoder import EncoderOptions
from netloom.datasets.entries import LABELS, EntryList, list_name, read_labels
from netloom.datasets.failures import add_unreadable, read_left_out, unreadable_name
from netloom.datasets.manifest import SplitInfo, database
from netloom.datasets.writer import LmdbWriter, Writer
from netloom.errors import DatasetFailed, DiskFull, NoReadableImages
from netloom.images import Preprocessing, RunningMean, mean_picture, write_mean
from netloom.interfaces.job import Step, StepRun
from netloom.interfaces.source import SplitName
from netloom.settings import Settings

_CHUNK_ENTRIES = 500
_CHUNK_BYTES = 2**23  # of decoded pixels; bounds what is under way
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class CreateDb(Step):
    """Build the database of one split."""

    name: ClassVar[str] = "create_db"

    split: SplitName
    splits: tuple[SplitName, ...]  # all splits of the dataset, built by steps like this one
    preprocessing: Preprocessing
    backend: Backend = "lmdb"
    compression: Compression = "none"  # of HDF5 files
    source: str = "folder"  # plugin of the group netloom.sources that reads the listed files
    source_options: dict[str, Any]  # its fields, as for parsing
    shuffle: bool = True
    seed: int = 0

    def run(self, run: StepRun) -> None:
        """Write the database and what belongs to it; raise DatasetFailed or DiskFull."""
        build = _Build(self, run)
        try:
            if not (run.attempt > 1 and build.is_complete()):
                build.remove_leftovers()
                with _full_disk(self.split, build.partial):
                    build.create()
        except Stopped:
            return
        finally:
            build.remove_leftovers()
        run.record(build.facts())
        with _full_disk(self.split, run.directory):
            self._complete(run.directory, build.classes)
        run.progress(1.0, build.outcome())

    def _complete(self, directory: Path, classes: list[str]) -> None:
        manifest.complete(
            directory,
            self.splits,
            classes=classes,
            preprocessing=self.preprocessing,
            backend=self.backend,
            compression=self.compression,
        )


class _Build:
    """One attempt at building one split."""

    def __init__(self, step: CreateDb, run: StepRun) -> None:
        self.step = step
        self.run = run
        self.directory = run.directory
        self.database = run.directory / database(step.split)
        self.partial = run.directory / f".{database(step.split)}.partial"
        self.classes = read_labels(run.directory / LABELS)
        self.written: Counter[int] = Counter()  # entries per class number
        self.failed: Counter[str] = Counter()  # unreadable files per class name
        self.first_failure = ""

    @property
    def keeps_mean(self) -> bool:
        """Return whether the mean image comes from this split."""
        return self.step.split == "train"

    def create(self) -> None:
        """Build everything under a partial name, then rename it."""
        self.partial.mkdir()
        with ExitStack() as stack:
            crew = stack.enter_context(Crew(self._encoder_options(), self.run.cpus))
            entries = stack.enter_context(EntryList(self.directory / list_name(self.step.split)))
            order = self._order(entries.offsets())
            writer = stack.enter_context(self._writer())
            self._write_all(crew, order, writer)
            if not writer.count:
                self._publish_unreadable()
                self._fail_unreadable()
            if self.keeps_mean:
                self._write_mean(crew.totals(), writer.count)
            np.save(self.partial / LABEL_INDEX, writer.labels())
            writer.flush()
        self._info(_size(self.partial)).write(self.partial / manifest.SPLIT)
        self._publish()

    def is_complete(self) -> bool:
        """Return whether an earlier attempt came to the end."""
        return (self.database / manifest.SPLIT).exists()

    def remove_leftovers(self) -> None:
        """Remove what an attempt that stopped half-way left behind."""
        shutil.rmtree(self.partial, ignore_errors=True)

    def info(self) -> SplitInfo:
        """Return what is known of the finished split."""
        return SplitInfo.read(self.database / manifest.SPLIT)

    def outcome(self) -> str:
        """Return in a few words what the database holds, and what it lacks."""
        info = self.info()
        return f"{info.entries:,} images" + _unreadable(info.failed)

    def facts(self) -> dict[str, Any]:
        """Return what the page shows."""
        info, made = self.info(), self.step.preprocessing
        return {
            "db": info.db,
            "split": self.step.split,
            "entries": info.entries,
            "failed": info.failed,
            "class_counts": info.class_counts,
            "failed_counts": info.failed_per_class,
            "image_width": made.width,
            "image_height": made.height,
            "image_channels": made.channels,
            "backend": self.step.backend,
            "encoding": made.stored,
            "compression": self.step.compression,
            "mean": self.keeps_mean,
            "bytes": info.bytes,
            "seed": self.step.seed,
        }

    def _encoder_options(self) -> EncoderOptions:
        source = registry.find("netloom.sources", self.step.source)
        return EncoderOptions(
            list=self.directory / list_name(self.step.split),
            source=f"{source.__module__}:{source.__qualname__}",
            source_options=self.step.source_options,
            preprocessing=self.step.preprocessing,
            max_pixels=Settings().decode_pixels,
            mean=self.keeps_mean,
        )

    def _writer(self) -> Writer:
        if self.step.backend == "lmdb":
            return LmdbWriter(self.partial)
        from netloom.datasets.hdf5_writer import Hdf5Writer  # only these builds load the library

        # A model directory stands beside that of the dataset, and reads the list from there.
        listed = f"../{self.directory.name}/{self.database.name}"
        made = self.step.preprocessing
        shape = (made.channels, made.height, made.width)
        return Hdf5Writer(self.partial, listed, shape, self.step.compression)

    def _order(self, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        if not len(offsets):
            raise DatasetFailed(
                f"The list of the {self.step.split} split is empty.",
                hint="Raise its share, or lower the minimum samples per class.",
            )
        if self.step.shuffle:
            np.random.Generator(np.random.PCG64(self.step.seed)).shuffle(offsets)
        return offsets

    def _write_all(self, crew: Crew, order: NDArray[np.int64], writer: Writer) -> None:
        made = self.step.preprocessing
        pixels = made.width * made.height * made.channels
        size = max(1, min(_CHUNK_ENTRIES, _CHUNK_BYTES // pixels))
        tasks = (order[start : start + size] for start in range(0, len(order), size))
        started, done = time.monotonic(), 0
        with (self.partial / unreadable_name(self.step.split)).open("wb") as file:
            for row in read_left_out(self.directory, self.step.split):
                self._note_failure(file, row["path"], row["class"], row["reason"])
            for chunk in crew.chunks(tasks, stopped=lambda: self.run.stop_requested):
                writer.append(chunk.labels, chunk.values)
                self.written.update(chunk.labels.tolist())
                for path, label, reason in chunk.failures:
                    self._note_failure(file, path, self.classes[label], reason)
                done += len(chunk.labels) + len(chunk.failures)
                self._tell(done, len(order), time.monotonic() - started)

    def _note_failure(self, file: BinaryIO, path: str, name: str, reason: str) -> None:
        add_unreadable(file, path, name, reason)
        self.failed[name] += 1
        if not self.first_failure:
            self.first_failure = f"The first, {path}: {reason}"

    def _tell(self, done: int, total: int, seconds: float) -> None:
        message = f"{done:,} of {total:,} images" + _unreadable(self.failed.total())
        self.run.progress(
            done / total, message, done=done, total=total, rate=done / max(seconds, 1e-3)
        )

    def _fail_unreadable(self) -> NoReturn:
        count = self.failed.total()
        # For the page, which shows the list of the files.
        self.run.record({"failed": count, "failed_counts": self._failed_per_class()})
        files = "The only image" if count == 1 else f"None of the {count:,} images"
        cannot = "cannot be read" if count == 1 else "can be read"
        raise NoReadableImages(
            f"{files} of the {self.step.split} split {cannot}. {self.first_failure}",
            hint="Check that the files are images that other programs can open.",
        )

    def _write_mean(self, totals: list[NDArray[np.float64]], count: int) -> None:
        made = self.step.preprocessing
        shape = (made.height, made.width, made.channels)
        mean = RunningMean()
        for total in totals:
            mean.merge(RunningMean(0, total.reshape(shape)))
        mean.count = count
        planes = mean.planes()
        write_mean(self.partial / manifest.MEAN, planes)
        (self.partial / manifest.MEAN_PICTURE).write_bytes(mean_picture(planes, order="bgr"))

    def _info(self, size: int) -> SplitInfo:
        return SplitInfo(
            db=self.database.name,
            entries=self.written.total(),
            class_counts={name: self.written[label] for label, name in enumerate(self.classes)},
            failed=self.failed.total(),
            failed_per_class=self._failed_per_class(),
            bytes=size,
        )

    def _failed_per_class(self) -> dict[str, int]:
        return {name: self.failed[name] for name in self.classes if self.failed[name]}

    def _publish(self) -> None:
        """Give everything its final name, the database last: with it the split is complete."""
        self._publish_unreadable()
        if self.keeps_mean:
            for name in (manifest.MEAN, manifest.MEAN_PICTURE):
                (self.partial / name).replace(self.directory / name)
        shutil.rmtree(self.database, ignore_errors=True)
        self.partial.rename(self.database)

    def _publish_unreadable(self) -> None:
        name = unreadable_name(self.step.split)
        if self.failed:
            (self.partial / name).replace(self.directory / name)
        else:
            (self.partial / name).unlink()
            (self.directory / name).unlink(missing_ok=True)


@contextmanager
def _full_disk(split: str, directory: Path) -> Iterator[None]:
    """Turn the errors of a full disk, met while writing into `directory`, into DiskFull."""
    try:
        yield
    except (OSError, lmdb.Error) as error:
        if not _for_want_of_space(error, directory):
            raise
        raise DiskFull(
            f"The disk became full while the {split} database was written; it was removed again.",
            hint="Free some space in the data folder, then create the dataset again.",
        ) from error


def _for_want_of_space(error: Exception, directory: Path) -> bool:
    code = getattr(error, "errno", None) or getattr(error, "code", None)
    if isinstance(error, lmdb.Error) and code == errno.EIO:
        # LMDB says so too when a write ends short of its bytes: try a write of our own.
        try:
            (directory / "room").write_bytes(bytes(_CHUNK_BYTES))
        except OSError as probe:
            code = probe.errno
    return code in _NO_SPACE


def _unreadable(count: int) -> str:
    return f", {count:,} unreadable" if count else ""


def _size(directory: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in directory.iterdir())
