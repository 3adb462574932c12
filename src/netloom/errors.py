"""
Every error a user can meet, as one tree.

An error says what happened, to which thing, and what to do: `message` is one
sentence for the user, `hint` the remedy, `field` the form field it belongs to.
The class knows the HTTP status; `netloom.web.errors` translates it for each
door, the worker stores it with the step, the command line prints it on one line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

LONGEST = 2000  # characters of a sentence; what it quotes may be of any length


def clipped(sentence: str) -> str:
    """Return a sentence that can be shown, without the middle of what is too long."""
    if len(sentence) <= LONGEST:
        return sentence
    half = LONGEST // 2
    return f"{sentence[:half]}...{sentence[-half:]}"


class NetloomError(Exception):
    """Something went wrong inside Netloom."""

    status: ClassVar[int] = 500

    def __init__(self, message: str = "", *, hint: str = "", field: str = "") -> None:
        self.message = clipped(message or (type(self).__doc__ or "").strip().splitlines()[0])
        self.hint = hint
        self.field = field
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


# What a request or a command got wrong.


class InvalidInput(NetloomError):
    """A value cannot be used."""

    status = 400


class InvalidOptions(InvalidInput):
    """Some fields of a form cannot be used."""

    def __init__(self, errors: Mapping[str, Sequence[str]]) -> None:
        self.errors: dict[str, list[str]] = {
            name: [clipped(text) for text in texts] for name, texts in errors.items()
        }
        first = next(iter(self.errors), "")
        super().__init__(
            "; ".join(f"{name}: {' '.join(texts)}" for name, texts in self.errors.items()),
            field=first,
        )


class PathNotAllowed(InvalidInput):
    """A server path lies outside the data roots."""


class UploadTooLarge(InvalidInput):
    """The request is larger than the server accepts."""

    status = 413


class NotLoggedIn(NetloomError):
    """A user name is needed."""

    status = 401


class NotPermitted(NetloomError):
    """The user may not do this."""

    status = 403


class NotRunning(NotPermitted):
    """Job not aborted"""


class DatasetInUse(NotPermitted):
    """Models depend on this dataset."""


class ForeignRequest(NotPermitted):
    """The request was sent by a page of another web site."""


class UnknownHost(InvalidInput):
    """The server is not known by this host name."""


class NotFound(NetloomError):
    """There is no such thing."""

    status = 404


class JobNotFound(NotFound):
    """Job not found"""


class SnapshotNotFound(NotFound):
    """The model has no such snapshot."""


class UnknownPlugin(InvalidInput):
    """No installed plugin has this name."""


# Images.


class UnreadableImage(InvalidInput):
    """The file is not an image that can be read."""


class ImageTooLarge(UnreadableImage):
    """The image has more pixels than the limit allows."""


class UnsupportedImageMode(UnreadableImage):
    """The image mode is not supported."""


# What ends a step in Error. The sentence is shown at the top of the job's page.


class StepFailed(NetloomError):
    """The work could not be done."""

    status = 400


class DatasetFailed(StepFailed):
    """The dataset could not be built."""


class TooFewClasses(DatasetFailed):
    """A classification dataset needs at least two classes with images."""


class NoReadableImages(DatasetFailed):
    """None of the images could be read."""


class BadDataset(StepFailed):
    """A dataset cannot be opened."""


class NetworkTextError(StepFailed):
    """The network text cannot be used."""


class BadWeights(StepFailed):
    """The initial weights cannot be used."""


class TrainingDiverged(StepFailed):
    """The loss became infinite or not a number."""


class ExportFailed(StepFailed):
    """The exported network does not answer like the trained one."""


class DiskFull(StepFailed):
    """The disk is full."""


class OutOfMemory(StepFailed):
    """The memory of the machine or of the GPU is used up."""


class WorkerLost(StepFailed):
    """The process that did the work ended without a word."""


class BadModel(NetloomError):
    """A trained model cannot be opened."""

    status = 500


class StaleAttempt(StepFailed):
    """This attempt at the step is over: it was stopped, or another process does it now."""

    status = 409


class InferenceFailed(NetloomError):
    """The network could not answer."""

    status = 500


# How the server itself is set up.


class BadSettings(NetloomError):
    """A setting cannot be used."""


class DatabaseUnusable(NetloomError):
    """The database cannot be opened."""
