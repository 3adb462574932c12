"""
The first page of `netloom serve`: seconds from the start of the process to the page.

A server is started afresh in each turn, on an empty data folder and then on the same one
again. As the baseline that tells how fast the machine is just now, a bare interpreter
that imports FastAPI and Uvicorn, without which no such server starts, runs beside it.
Also shown: the memory of the process after that page, and whether torch was loaded.

    python benchmarks/first_page.py
    python benchmarks/first_page.py --turns 10

The promise: the first page within 2 seconds, and no torch in the process.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from netloom.demo import Server

PROMISE = 2.0  # seconds
BARE = "import fastapi, uvicorn"


def main() -> None:
    """Print the medians, their ratio to the bare imports, and whether the promise holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--turns", type=int, default=5)
    turns = parser.parse_args().turns
    fresh, again, bare = [], [], []
    for _ in range(turns):
        with tempfile.TemporaryDirectory() as folder:
            bare.append(_bare())
            fresh.append(_first_page(Path(folder)))
            again.append(_first_page(Path(folder)))
    seconds = statistics.median(fresh)
    base = statistics.median(bare)
    print(f"bare imports           {base:.2f} s")
    print(f"first page, new folder {seconds:.2f} s, {seconds / base:.1f} times the bare imports")
    print(f"first page, used folder {statistics.median(again):.2f} s")
    print(f"promise: within {PROMISE:g} s: {'kept' if seconds <= PROMISE else 'MISSED'}")


def _bare() -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", BARE], check=True)
    return time.perf_counter() - begun


def _first_page(folder: Path) -> float:
    begun = time.perf_counter()
    with Server(data=folder) as server:
        httpx.get(server.url + "/", follow_redirects=True).raise_for_status()
        seconds = time.perf_counter() - begun
        _report(server)
    return seconds


def _report(server: Server) -> None:
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    files = {Path(part.path).name for part in process.memory_maps()}
    torch = any(name.startswith("libtorch") for name in files)
    size = process.memory_info().rss / 2**20
    print(f"  {size:.0f} MB, torch {'LOADED' if torch else 'not loaded'}")


if __name__ == "__main__":
    main()
