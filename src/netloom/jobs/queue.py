"""Queue: which waiting step gets what. Plain values in, decisions out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from netloom.interfaces.job import Needs
from netloom.jobs.resources import Free, Lent
from netloom.store import Step


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What becomes of a step whose parents are done."""

    step: Step
    lent: Lent | None = None  # to be started with this; None has to wait
    missing: tuple[str, ...] = ()  # GPUs that it asks for and that do not exist


def decide(
    queue: Iterable[Step], done: Collection[tuple[str, str]], free: Free
) -> Iterator[Decision]:
    """Go through the queue once; what came first is served first.

    A step that has to wait keeps what it needs from those behind it: a big request is not
    passed by small ones for ever.
    """
    for step in queue:
        if any((step.job_id, parent) not in done for parent in step.parents):
            continue
        needs = needs_of(step.needs)
        if missing := free.missing(needs):
            yield Decision(step=step, missing=tuple(missing))
            continue
        lent = free.lend(needs)
        if lent is None:
            free.reserve(needs)
        yield Decision(step=step, lent=lent)


def needs_of(row: dict[str, Any]) -> Needs:
    """Return what a stored step needs."""
    return Needs(**{**row, "gpu_ids": tuple(row.get("gpu_ids", ()))})
