"""
The data folder: the only module that knows its paths.

    <data>/netloom.db        the database, unless settings name another
    <data>/jobs/<job id>/    everything a job wrote
    <data>/examples/         images that come with Netloom, once somebody asked for them
    <data>/temporary/        uploads and half-made things
    <data>/trash/            deleted jobs on their way out
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from netloom.errors import DiskFull, JobNotFound

_JOB_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4,8}")


class DataFolder:
    """The folder of one installation."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def jobs(self) -> Path:
        return self.root / "jobs"

    @property
    def examples(self) -> Path:
        return self.root / "examples"

    def create(self) -> None:
        """Make the folders that are missing. Only the owner may look inside."""
        for folder in (self.root, self.jobs, self._temporary, self._trash):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def directory(self, job_id: str) -> Path:
        """Return the directory of a job; raise JobNotFound for what cannot be a job id."""
        if not _JOB_ID.fullmatch(job_id):
            raise JobNotFound
        return self.jobs / job_id

    def step_log(self, job_id: str, step_key: str) -> Path:
        """Return the file that takes what the process of a step prints."""
        return self.directory(job_id) / (re.sub(r"[^\w.-]", "_", step_key) + ".log")

    def keep(self, job_id: str, name: str, file: BinaryIO) -> None:
        """Copy a file into the directory of a job; raise DiskFull."""
        try:
            file.seek(0)
            with (self.directory(job_id) / name).open("wb") as copy:
                shutil.copyfileobj(file, copy, 2**20)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise DiskFull(
                "There is no room on the disk for what was sent.",
                hint="Free some space in the data folder, then send it again.",
            ) from error

    def size(self, job_id: str) -> int:
        """Return the bytes in the files of a job."""
        return sum(_sizes(self.directory(job_id)))

    @contextmanager
    def temporary(self) -> Iterator[Path]:
        """Lend an empty directory, on the same disk as the jobs; it is removed afterwards."""
        self._temporary.mkdir(parents=True, exist_ok=True)
        path = Path(tempfile.mkdtemp(dir=self._temporary))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def remove(self, job_id: str) -> None:
        """Remove the directory of a job: out of sight at once, then file by file."""
        self._trash.mkdir(parents=True, exist_ok=True)
        target = self._trash / f"{job_id}-{secrets.token_hex(4)}"
        with contextlib.suppress(FileNotFoundError):
            self.directory(job_id).rename(target)
        shutil.rmtree(target, ignore_errors=True)

    def empty_trash(self) -> None:
        """Remove what an earlier process began to delete."""
        for path in self._trash.glob("*"):
            shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Let one process of this machine at a time through."""
        with (self.root / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # given back when the file is closed
            yield

    @property
    def _temporary(self) -> Path:
        return self.root / "temporary"

    @property
    def _trash(self) -> Path:
        return self.root / "trash"


def _sizes(directory: Path) -> Iterator[int]:
    for folder, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # a step may be replacing it
                yield os.lstat(os.path.join(folder, name)).st_size
