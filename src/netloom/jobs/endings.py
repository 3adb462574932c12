"""Endings: written by a scheduler for a worker that cannot do it."""

from __future__ import annotations

import logging

from netloom.errors import StaleAttempt
from netloom.jobs.failures import Failure
from netloom.store import Status, Step, Store

log = logging.getLogger(__name__)


def end_aborted(store: Store, step: Step) -> None:
    """End an attempt at a step that was to be aborted."""
    try:
        store.set_step_status(step.id, Status.ABORTED, attempt=step.attempt)
    except StaleAttempt:
        log.debug("step %d had ended", step.id)


def fail(store: Store, step: Step, failure: Failure) -> None:
    """End an attempt at a step in Error."""
    try:
        store.error(
            step.id,
            failure.message,
            hint=failure.hint,
            field=failure.field,
            trace=failure.trace,
            attempt=step.attempt,
        )
    except StaleAttempt:
        log.debug("step %d had ended", step.id)
