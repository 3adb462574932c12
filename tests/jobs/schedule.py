"""A server without pages: schedules the jobs of a data folder until it is told to stop."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from netloom.jobs import Scheduler
from netloom.settings import Settings
from netloom.store import open_store


def main(data: str, cpus: str) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    store = open_store(Settings(data=Path(data), database="", cpu_slots=int(cpus)))
    scheduler = Scheduler(store, gpus=lambda: ())
    with scheduler:
        print("ready", flush=True)
        stop.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
