"""Following a job on the terminal: one line that moves, or a few lines where nobody watches."""

from __future__ import annotations

import contextlib
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import click

from netloom.errors import NotRunning

if TYPE_CHECKING:
    from netloom.store import Store
    from netloom.store.records import Job, Step


def follow(store: Store, job_id: str) -> Job:
    """
    Work on a job, or watch the server do it, until it ends; return the job.

    Ctrl-C aborts the job: what has been trained so far stays.
    """
    from netloom import jobs

    screen = Screen()
    # In a thread of its own, so that Ctrl-C interrupts the waiting and not the work.
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(jobs.run_until_done, store, job_id, on_change=screen.show)
        while True:
            try:
                job = work.result()
                break
            except KeyboardInterrupt:
                screen.line("aborting")
                with contextlib.suppress(NotRunning):
                    jobs.abort(store, job_id)
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
