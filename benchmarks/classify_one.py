"""
What a request adds to a classification: `classify_one.json` against the work itself.

A server in a process of its own answers one client that keeps its connection and sends
an image as a multipart upload to a LeNet that is loaded. Measured beside it, in this
process: decode, preprocessing and session of the same image with the same model. Blocks
of both take turns, so that a busy moment of the machine meets both.

    python benchmarks/classify_one.py
    python benchmarks/classify_one.py --requests 5000

The promise: the median difference is at most 1 ms.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from common.client import Client
from common.neighbours import digits_server
from netloom.inference import Predictor
from netloom.settings import Settings
from netloom.store import open_store

BLOCK = 100
PROMISE = 1.0  # milliseconds


def milliseconds(work: Callable[[], object], times: int) -> list[float]:
    """Return how long each of some calls took."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - start))
    return taken


def measure(client: Client, predictor: Predictor, image: bytes, requests: int) -> None:
    """Print the medians, their difference and ratio; the answers must be the same."""
    expected = [list(pair) for pair in predictor.classify(image).top()]
    if client.classify() != expected:
        raise SystemExit("The server and this process give different numbers.")
    over_http: list[float] = []
    in_process: list[float] = []
    milliseconds(client.classify, BLOCK)  # the first requests warm both sides up
    while len(over_http) < requests:
        over_http += milliseconds(client.classify, BLOCK)
        in_process += milliseconds(lambda: predictor.classify(image), BLOCK)
    request, work = statistics.median(over_http), statistics.median(in_process)
    slow = statistics.quantiles(over_http, n=100)[98]
    print(f"classify_one.json     median {request:.3f} ms, 99th percentile {slow:.3f} ms")
    print(f"the work in process   median {work:.3f} ms")
    verdict = "kept" if request - work <= PROMISE else "MISSED"
    print(f"difference {request - work:.3f} ms (promised: {PROMISE:g}, {verdict})")
    print(f"ratio {request / work:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--requests", type=int, default=2000)
    requests = parser.parse_args().requests
    with (
        tempfile.TemporaryDirectory() as folder,
        digits_server(Path(folder)) as (url, model, image),
    ):
        store = open_store(Settings(data=Path(folder)))
        network = store.snapshot(model, None).network
        predictor = Predictor.open(store.files.directory(model), network)
        measure(Client(url, model, image), predictor, image, requests)
        store.close()


if __name__ == "__main__":
    main()
