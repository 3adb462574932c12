"""
A client for the acceptance tests: what a script does over HTTP, and a look at the processes.

Sees a server from outside only; where a test must know a worker's process id it opens the
same data folder with a store of its own, as the command line does.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import httpx
import psutil

from netloom.demo import Server
from netloom.settings import Settings
from netloom.store import open_store

ENDED = ("Done", "Aborted", "Error")
DATASETS = "/datasets/images/classification"
MODELS = "/models/images/classification"


def until(condition: Callable[[], Any], what: str, patience: float = 60) -> Any:
    """Return the first true value of `condition`; fail when it does not come in time."""
    limit = time.monotonic() + patience
    while time.monotonic() < limit:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"in {patience:.0f} s: no {what}")


class Workbench:
    """A running server, logged in as one user."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.http = httpx.Client(base_url=server.url, timeout=60)
        assert self.http.post("/login", data={"username": "ada"}).status_code == 302
        self.store = open_store(Settings(data=server.data))

    # What a user does.

    def dataset(self, folder: Path | str, /, **options: Any) -> httpx.Response:
        fields = {
            "dataset_name": "shapes",
            "method": "folder",
            "folder_train": str(folder),
            "resize_channels": 1,
            "resize_width": 28,
            "resize_height": 28,
            "seed": 1,  # the same split in every run
        }
        return self.http.post(f"{DATASETS}.json", data={**fields, **options})

    def model(self, dataset: str, /, **options: Any) -> httpx.Response:
        fields = {
            "model_name": "net",
            "dataset": dataset,
            "framework": "pytorch",
            "method": "standard",
            "standard_networks": "lenet",
            "train_epochs": 1,
            "learning_rate": 0.002,  # the small batches of these tests bear no more
            "shuffle": "y",
        }
        return self.http.post(f"{MODELS}.json", data={**fields, **options})

    def built(self, folder: Path, **options: Any) -> str:
        """Build a dataset to its end; return its id."""
        answer = self.dataset(folder, **options)
        assert answer.status_code == 200, answer.text
        return self.done(answer.json()["id"])

    def done(self, job: str) -> str:
        """Wait until a job is Done; return its id."""
        row = self.ended(job)
        assert row["status"] == "Done", self.sentence(job)
        return job

    def ended(self, job: str) -> dict[str, Any]:
        """Wait until a job has ended; return its table row."""

        def row() -> dict[str, Any] | None:
            found = self.row(job)
            return found if found["status"] in ENDED else None

        result: dict[str, Any] = until(row, f"end of {job}", 120)
        return result

    def row(self, job: str) -> dict[str, Any]:
        answer = self.http.get(f"/jobs/{job}/table_data.json")
        assert answer.status_code == 200, answer.text
        row: dict[str, Any] = answer.json()["job"]
        return row

    # What only the machine knows.

    def sentence(self, job: str) -> str:
        """Return what the failed step of a job says: cause and remedy."""
        steps = self.store.job(job).steps
        return next((f"{step.error} {step.hint}".strip() for step in steps if step.error), "")

    def worker_of(self, job: str) -> int | None:
        """Return the process id of the running step of a job."""
        for step in self.store.job(job).steps:
            if step.status == "R" and step.pid and psutil.pid_exists(step.pid):
                return step.pid
        return None

    def kill(self, pid: int) -> None:
        """Kill a process and wait until it is gone."""
        try:
            process = psutil.Process(pid)
            os.kill(pid, signal.SIGKILL)
            process.wait(10)
        except (psutil.NoSuchProcess, psutil.TimeoutExpired, ProcessLookupError):
            pass  # gone; or a zombie that its own parent has not looked at yet

    def kill_server(self) -> None:
        """Kill the server as a power cut would: no chance to tidy up."""
        self.http.close()
        process = self.server.process
        assert process is not None
        process.kill()
        self.server.release()
        self.store.close()

    def close(self) -> None:
        self.http.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
