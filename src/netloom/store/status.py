"""
Status: the life of jobs and steps, as one table.

`NEXT` says what may follow what. The rest of the module are the rules by which the
status of a job follows from its steps; rows, tables and pages all use these.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Status(StrEnum):
    """One letter in the rows, a name and a CSS class on the pages."""

    INITIALIZED = "I"
    WAITING = "W"
    RUNNING = "R"
    DONE = "D"
    ABORTED = "A"
    ERROR = "E"

    @property
    def label(self) -> str:
        """The name users see, for example "Running"."""
        return self.name.capitalize()

    @property
    def css(self) -> str:
        return CSS[self]

    @property
    def running(self) -> bool:
        """Whether the job or step still has something ahead of it."""
        return self in RUNNING


CSS = {
    Status.INITIALIZED: "warning",
    Status.WAITING: "warning",
    Status.RUNNING: "info",
    Status.DONE: "success",
    Status.ABORTED: "warning",
    Status.ERROR: "danger",
}
RUNNING = frozenset({Status.INITIALIZED, Status.WAITING, Status.RUNNING})
FINISHED = frozenset(Status) - RUNNING
_KNOWN = frozenset(status.value for status in Status)

NEXT: dict[Status, frozenset[Status]] = {
    Status.INITIALIZED: frozenset({Status.WAITING, Status.RUNNING, Status.ABORTED, Status.ERROR}),
    Status.WAITING: frozenset({Status.RUNNING, Status.ABORTED, Status.ERROR}),
    # Back to Waiting: the server or the machine went away and the step is to be resumed.
    Status.RUNNING: frozenset({Status.WAITING, Status.DONE, Status.ABORTED, Status.ERROR}),
    Status.DONE: frozenset(),
    Status.ABORTED: frozenset(),
    Status.ERROR: frozenset(),
}

# What may follow only because a user asks for it: an aborted training is resumed.
ASKED: dict[Status, frozenset[Status]] = {Status.ABORTED: frozenset({Status.WAITING})}

BRIEF_WAIT = 1.0  # seconds; a shorter wait before Running is not worth a line in the history

# Of the steps of a job, the first of these that occurs is shown for the whole job.
_SHOWN = (
    Status.ERROR,
    Status.ABORTED,
    Status.RUNNING,
    Status.WAITING,
    Status.INITIALIZED,
    Status.DONE,
)


def may_follow(old: str, new: str, *, asked: bool = False) -> bool:
    """Return whether a job or step may go from one status to another, if a user asks for it."""
    return Status(new) in (ASKED.get(Status(old), frozenset()) if asked else NEXT[Status(old)])


def label(code: str) -> str:
    """Return the name of a status; "?" for a code that is not known."""
    return Status(code).label if code in _KNOWN else "?"


def css(code: str) -> str:
    """Return the CSS class of a status; "default" for a code that is not known."""
    return Status(code).css if code in _KNOWN else "default"


def is_running(code: str) -> bool:
    """Return whether a status counts as running."""
    return code in RUNNING


def shown(job: str, steps: Iterable[str]) -> Status:
    """Return the "status of tasks" that tables show for a job."""
    if job in (Status.ABORTED, Status.ERROR):
        return Status(job)
    present = set(steps)
    return next((status for status in _SHOWN if status in present), Status(job))


def after_steps(job: str, steps: Iterable[str]) -> Status:
    """Return what the status of a running job becomes by the statuses of its steps."""
    present = {Status(step) for step in steps}
    if not Status(job).running:
        return Status(job)
    if Status.ERROR in present:
        return Status.ERROR
    if present and present <= {Status.DONE, Status.ABORTED}:
        return Status.DONE
    return Status(job)
