"""Following a job on the terminal: one line that moves, or a few lines where nobody watches."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from netloom.errors import NotRunning

if TYPE_CHECKING:
    from netloom.store import Store
    from netloom.store.records import Job, Step


@contextlib.contextmanager
def interrupts() -> Iterator[threading.Event]:
    """
    Note Ctrl-C in an event instead of breaking off.

    Enter before jobs are added: an exception at the wrong moment would leave them running.
    """
    asked = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: asked.set())
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def follow(store: Store, job_id: str, asked: threading.Event) -> Job:
    """Work on a job, or watch the server do it, until it ends; abort it when asked to."""
    from netloom import jobs

    screen = Screen()

    def look(job: Job) -> None:
        screen.show(job)
        if asked.is_set():
            with contextlib.suppress(NotRunning):
                jobs.abort(store, job_id)
                screen.line("aborting")

    job = jobs.run_until_done(store, job_id, on_change=look)
    screen.close()
    return job


class Screen:
    """Shows the steps of a job: rewritten in place on a terminal, sparse lines elsewhere."""

    def __init__(self) -> None:
        self.moves = sys.stdout.isatty()
        self.shown: dict[str, tuple[str, int]] = {}
        self.width = 0

    def show(self, job: Job) -> None:
        """Show what has changed since the last call."""
        for step in job.steps:
            state = (step.status, int(step.progress * 10))
            running = step.status == "R"
            if running and self.moves:
                self.rewrite(describe(step))
            elif step.status != "I" and step.status != "W" and self.shown.get(step.key) != state:
                self.line(describe(step))
            self.shown[step.key] = state

    def rewrite(self, text: str) -> None:
        click.echo(f"\r{text:<{self.width}}", nl=False)
        self.width = len(text)

    def line(self, text: str) -> None:
        if self.width:
            self.rewrite("")
            click.echo("\r", nl=False)
            self.width = 0
        click.echo(text)
        sys.stdout.flush()

    def close(self) -> None:
        if self.width:
            click.echo()
            self.width = 0


def describe(step: Step) -> str:
    """Say on one line how a step is going."""
    if step.status == "R":
        parts = [f"{step.title}: {step.progress:4.0%}", step.message]
        if step.rate:
            parts.append(f"{step.rate:,.0f}/s")
        return "  ".join(part for part in parts if part)
    took = (step.stopped or 0) - (step.started or step.stopped or 0)
    words = {"D": f"done in {took:.1f} s", "A": "aborted", "E": "failed"}
    said = f"  {step.message}" if step.status == "D" and step.message else ""
    return f"{step.title}: {words.get(step.status, step.status)}{said}"
