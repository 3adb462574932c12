"""What users read when a step did not end well."""

from __future__ import annotations

import errno
import sqlite3

import pytest
from sqlalchemy.exc import OperationalError

from netloom.errors import TooFewClasses
from netloom.jobs import failures

DISK = "The disk is full."
MEMORY = "Memory ran out."


class OutOfMemoryError(RuntimeError):
    """Named like the one of torch."""


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (TooFewClasses("One class only.", hint="Add one."), "One class only."),
        (MemoryError(), MEMORY),
        (OutOfMemoryError("CUDA error"), MEMORY),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), MEMORY),
        (OSError(errno.ENOSPC, "No space left on device"), DISK),
        (RuntimeError("lmdb: No space left on device"), DISK),
        (OperationalError("x", {}, sqlite3.OperationalError("database or disk is full")), DISK),
        (ValueError("a\nb"), "The step failed with an unexpected error (ValueError: a)."),
        (KeyError(), "The step failed with an unexpected error (KeyError)."),
    ],
    ids=repr,
)
def test_exceptions(error: Exception, message: str) -> None:
    failure = failures.of_exception(error)
    assert failure.message == message
    assert failure.hint
    assert type(error).__name__ in failure.trace


@pytest.mark.parametrize(
    ("code", "printed", "message"),
    [
        (-9, "", "The process was killed (signal 9), perhaps because memory ran out."),
        (-11, "Segfault", "The process was ended by signal 11 (SIGSEGV)."),
        (7, "the last words", "The process ended early with exit code 7."),
        (None, "", "The process ended without a word; it was killed, or memory ran out."),
        (28, "", DISK),
        (1, "OSError: [Errno 28] No space left on device", DISK),
        (1, "terminate called after throwing 'std::bad_alloc'", MEMORY),
    ],
)
def test_ends(code: int | None, printed: str, message: str) -> None:
    failure = failures.of_end(code, printed)
    assert (failure.message, failure.trace) == (message, printed)
    assert failure.hint
