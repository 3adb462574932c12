"""
Evaluations of models on splits: made in the background, kept in the model's directory.

A request starts one or meets one that runs; nobody has to wait for it. They take turns, so
that a long one leaves the cores to those who classify. Only while the server runs: after a
restart the next request starts anew.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from netloom.errors import NetloomError
from netloom.web.datasets import OpenDatasets
from netloom.web.models import OpenModels, Target

if TYPE_CHECKING:
    from netloom.inference.results import Ints, Results

log = logging.getLogger(__name__)

FOLDER = "evaluations"
KEPT_BYTES = 256 * 2**20  # of results in memory


@dataclass(frozen=True)
class Wanted:
    """A model's snapshot and the split it is to be tested on."""

    target: Target = field(hash=False, compare=False)
    job_id: str
    network: str
    dataset_id: str
    split: str

    def path(self) -> Path:
        """Return the file of the results. A network that is written anew has another name."""
        directory = self.target.directory
        changed = (directory / self.network).stat().st_mtime_ns
        name = f"{Path(self.network).stem}-{changed}-{self.dataset_id}-{self.split}.npz"
        return directory / FOLDER / name


@dataclass(eq=False)
class Running:
    """An evaluation that is waiting, running or failed."""

    total: int
    done: int = 0
    begun: float = 0.0  # 0 while it waits for its turn
    error: NetloomError | None = None
    ended: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def eta(self) -> float | None:
        """Return the seconds that are left, None if that is not known."""
        if not self.done:
            return None
        return (time.monotonic() - self.begun) / self.done * (self.total - self.done)


class Evaluations:
    """All evaluations of a server; may be used from many threads."""

    def __init__(self, models: OpenModels, datasets: OpenDatasets) -> None:
        self._models = models
        self._datasets = datasets
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._running: dict[Wanted, Running] = {}
        self._known: OrderedDict[Path, Results] = OrderedDict()  # the last used one last

    def results(self, wanted: Wanted) -> Results | None:
        """Return what is known already."""
        from netloom.inference.results import Results

        path = wanted.path()
        with self._lock:
            if path in self._known:
                self._known.move_to_end(path)
                return self._known[path]
        found = Results.read(path)
        if found is not None:
            self._keep(path, found)
        return found

    def running(self, wanted: Wanted) -> Running | None:
        """Return the evaluation that runs or that has failed, if there is one."""
        with self._lock:
            return self._running.get(wanted)

    def start(self, wanted: Wanted, numbers: Ints, images: int) -> Running:
        """Start an evaluation, or return the one that runs; one that failed starts again."""
        with self._lock:
            running = self._running.get(wanted)
            if running is not None and not running.ended.is_set():
                return running
            running = self._running[wanted] = Running(total=images)
        # Not waited for when the server ends: what is half done is of no use.
        thread = threading.Thread(
            target=self._run, args=(wanted, running, numbers), name="evaluate", daemon=True
        )
        thread.start()
        return running

    def stop(self, wanted: Wanted) -> bool:
        """Stop an evaluation; return whether one was running."""
        with self._lock:
            running = self._running.pop(wanted, None)
        if running is None or running.ended.is_set():
            return False
        running.stopped.set()
        return True

    def close(self) -> None:
        """Stop all of them, and wait until they have noticed."""
        with self._lock:
            running = list(self._running.values())
        for one in running:
            one.stopped.set()
        for one in running:
            one.ended.wait(10)

    def _run(self, wanted: Wanted, running: Running, numbers: Ints) -> None:
        try:
            with self._turn:
                running.begun = time.monotonic()
                if not running.stopped.is_set():
                    self._evaluate(wanted, running, numbers)
            with self._lock:
                if self._running.get(wanted) is running:
                    del self._running[wanted]
        except NetloomError as error:
            running.error = error
        except Exception as error:
            log.error("evaluating %s failed", wanted.job_id, exc_info=error)
            running.error = NetloomError(
                "The evaluation failed for a reason nobody foresaw.",
                hint="The log of the server says more.",
            )
        finally:
            running.ended.set()

    def _evaluate(self, wanted: Wanted, running: Running, numbers: Ints) -> None:
        from netloom.inference.results import collect

        def go_on(done: int) -> bool:
            running.done = done
            return not running.stopped.is_set()

        predictor = self._models.predictor(wanted.target)
        split = self._datasets.split(wanted.dataset_id, wanted.split)
        results = collect(predictor, split, numbers, go_on=go_on)
        if results is not None:
            path = wanted.path()
            self._keep(path, results)
            results.write(path)

    def _keep(self, path: Path, results: Results) -> None:
        with self._lock:
            self._known[path] = results
            self._known.move_to_end(path)
            total = sum(one.bytes for one in self._known.values())
            while total > KEPT_BYTES and len(self._known) > 1:
                total -= self._known.popitem(last=False)[1].bytes
