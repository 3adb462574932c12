"""
Failures: what to say when a step did not end well.

An exception or the end of a process becomes one sentence for the user, a remedy, and a
trace for the log panel.
"""

from __future__ import annotations

import errno
import signal
import traceback
from dataclasses import dataclass

from netloom.errors import DiskFull, NetloomError, OutOfMemory, WorkerLost

FULL_DISK_CODE = errno.ENOSPC  # exit code of a worker that could not even write its end

_FULL = ("no space left on device", "disk is full", "disk full", "mdb_map_full")
_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "bad_alloc")

_SHORTAGES = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)

_FREE_DISK = "Free some space or delete jobs that are not needed, then clone this job."
_FREE_MEMORY = "Use a smaller batch or smaller images, or wait until other jobs have ended."
_WAIT = (
    "The machine is short of processes, memory or open files; clone this job when it is less busy."
)
_LOOK = "The log of the step may say more; clone the job to try again."


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What a job's page says about a step in Error."""

    message: str
    hint: str = ""
    field: str = ""
    trace: str = ""


def of_exception(error: BaseException) -> Failure:
    """Return what to say of an exception that ended a step."""
    known = _known(error)
    return Failure(
        message=known.message,
        hint=known.hint,
        field=known.field,
        trace="".join(traceback.format_exception(error)),
    )


def of_end(code: int | None, printed: str) -> Failure:
    """Return what to say of a process that ended without a word.

    `code` is its exit code, negative for a signal, None where nobody saw it; `printed` is
    the end of what it printed.
    """
    text = printed.lower()
    if code == FULL_DISK_CODE or any(word in text for word in _FULL):
        error: NetloomError = _disk_full()
    elif any(word in text for word in _MEMORY):
        error = _out_of_memory()
    else:
        error = _lost(code)
    return Failure(message=error.message, hint=error.hint, trace=printed)


def is_full_disk(error: BaseException) -> bool:
    """Return whether an exception says that there is no space left."""
    text = str(error).lower()
    return getattr(error, "errno", None) == errno.ENOSPC or any(word in text for word in _FULL)


def is_shortage(error: BaseException) -> bool:
    """Return whether an exception says that the machine has too little of something just now."""
    return isinstance(error, MemoryError) or getattr(error, "errno", None) in _SHORTAGES


def reason(error: BaseException) -> str:
    """Return the cause that an exception names, in one line and without a full stop."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0].rstrip('.')}" if said else type(error).__name__


def of_start(error: BaseException, tries: int) -> Failure:
    """Return what to say of a step whose worker could not be started."""
    often = f", tried {tries} times" if tries > 1 else ""
    if is_full_disk(error):
        hint = _FREE_DISK
    else:
        hint = _WAIT if is_shortage(error) else "Mend the cause, then clone this job."
    return Failure(
        message=f"The worker of this step could not be started{often}: {reason(error)}.",
        hint=hint,
        trace="".join(traceback.format_exception(error)),
    )


def of_crashes(count: int, *, started: bool = True) -> Failure:
    """Return what to say of a step during which the server went down again and again."""
    when = "was running" if started else "was being started"
    error = WorkerLost(
        f"The server or the machine went down {count} times while this step {when},"
        " so it is not started again.",
        hint="Look for a lack of memory or a defect of the hardware, then clone the job.",
    )
    return Failure(message=error.message, hint=error.hint)


def _known(error: BaseException) -> NetloomError:
    text = str(error).lower()
    if isinstance(error, NetloomError):
        return error
    if is_full_disk(error):
        return _disk_full()
    named = type(error).__name__ == "OutOfMemoryError"  # torch's, without importing it
    if isinstance(error, MemoryError) or named or any(word in text for word in _MEMORY):
        return _out_of_memory()
    said = str(error).strip().splitlines()
    detail = f"{type(error).__name__}: {said[0]}" if said else type(error).__name__
    return NetloomError(f"The step failed with an unexpected error ({detail}).", hint=_LOOK)


def _lost(code: int | None) -> WorkerLost:
    if code is None:
        return WorkerLost(
            "The process ended without a word; it was killed, or memory ran out.", hint=_LOOK
        )
    if code == -signal.SIGKILL:
        return WorkerLost(
            "The process was killed (signal 9), perhaps because memory ran out.",
            hint=f"{_FREE_MEMORY} The system log names processes that were killed for memory.",
        )
    if code < 0:
        return WorkerLost(f"The process was ended by signal {-code} ({_name(-code)}).", hint=_LOOK)
    return WorkerLost(f"The process ended early with exit code {code}.", hint=_LOOK)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


def _disk_full() -> DiskFull:
    return DiskFull("The disk is full.", hint=_FREE_DISK)


def _out_of_memory() -> OutOfMemory:
    return OutOfMemory("Memory ran out.", hint=_FREE_MEMORY)
