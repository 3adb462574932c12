"""
Pages and lists of an installation with many jobs: seconds until each is answered.

The jobs are written straight into the store, a fifth of them datasets, the models of the
oldest dataset the most; each model has the curves and snapshots of a short training. Beside
the lists, which have no pages, another page is asked for again and again: it must not wait.

    python benchmarks/home_json.py
    python benchmarks/home_json.py --jobs 2000 --turns 1
    python benchmarks/home_json.py --folder /tmp/many   # kept and used again

The promise: a page within 0.2 seconds. The lists promise nothing; they hold every job.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert

from netloom.demo import Server
from netloom.settings import Settings
from netloom.store import Store, open_store
from netloom.store.curves import rank_of
from netloom.store.records import Job, Point, Row, Series, Snapshot, StatusChange, Step

PROMISE = 0.2  # seconds
LISTS = ("/index.json", "/completed_jobs.json")
BESIDE = "/fragments/meters"
EPOCHS = 15
ITERATIONS = 60
CURVES = (  # split, name, points
    ("train", "loss", ITERATIONS),
    ("train", "learning_rate", ITERATIONS),
    ("train", "throughput", ITERATIONS),
    ("val", "loss", EPOCHS),
    ("val", "accuracy", EPOCHS),
)
BEGUN = 1.7e9


def main() -> None:
    """Print the median seconds of each address, and of the page asked for beside the lists."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="data folder to keep; filled when it is new")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = chosen.folder or Path(folder)
        if not (data / "netloom.db").exists():
            fill(data, chosen.jobs)
        with Server(data=data) as server:
            measure(server.url, chosen.turns)


def fill(data: Path, count: int) -> None:
    """Write finished jobs into the store of a data folder."""
    store = open_store(Settings(data=data, database=""))
    datasets = count // 5
    for first in range(0, count, 1000):
        places = range(first, min(first + 1000, count))
        rows: dict[type[Row], list[dict[str, Any]]] = {}
        for place in places:
            made = dataset(place) if place < datasets else model(place, datasets)
            for kind, row in made:
                rows.setdefault(kind, []).append(row)
        write(store, rows)
    store.close()


def write(store: Store, rows: dict[type[Row], list[dict[str, Any]]]) -> None:
    """Insert rows, those first that others refer to."""
    with store.database.write() as session:
        for kind in (Job, Step, StatusChange, Snapshot, Series, Point):
            if kind in rows:
                session.execute(insert(kind), rows[kind])


Rows = Iterator[tuple[type[Row], dict[str, Any]]]


def job_id(place: int) -> str:
    return f"20260101-000000-{place:06x}"


def dataset(place: int) -> Rows:
    """Yield the rows of a dataset."""
    sizes = {"resize_width": 28, "resize_height": 28, "resize_channels": "1"}
    options = {"backend": "lmdb", "encoding": "png", "resize_mode": "squash", **sizes}
    yield from job(place, kind="dataset", type="Image Classification Dataset", options=options)
    classes = {f"class {number}": 4500 for number in range(10)}
    made = {"image_width": 28, "image_height": 28, "image_channels": 1, "class_counts": classes}
    yield step(place, 0, "parse-folder-train-val", {"label_count": 10, "train_count": 45_000})
    yield step(place, 1, "create_db-train", {"split": "train", "entries": 45_000, **made})
    yield step(place, 2, "create_db-val", {"split": "val", "entries": 15_000, **made})


def model(place: int, datasets: int) -> Rows:
    """Yield the rows of a model; every fifth is of the first dataset."""
    of = 0 if place % 5 == 0 else place % datasets
    options = {"train_epochs": EPOCHS, "batch_size": [64], "learning_rate": [0.01], "solver": "sgd"}
    about = {"kind": "model", "type": "Image Classification Model", "framework": "pytorch"}
    yield from job(place, dataset_id=job_id(of), options=options, **about)
    network = "def build(p):\n" + "    # a layer of the network, as its text has it\n" * 40
    facts = {"images_per_s": 5000.0, "device": "cpu", "iterations": ITERATIONS}
    yield step(place, 0, "train", facts, options={"network": network, "options": options})
    yield from snapshots(place)
    for number, (split, name, count) in enumerate(CURVES):
        yield from curve(place, 10 * place + number, split, name, count)


def job(place: int, **about: Any) -> Rows:
    """Yield the row of a job that is done, and its history."""
    created = BEGUN + 60 * place
    words = {"name": f"job {place}", "owner": "ada", "form": about["options"], "status": "D"}
    words |= {"group": "", "notes": "", "facts": {}, "version": "0.1.0"}
    yield Job, {"id": job_id(place), "created": created, "dataset_id": None, **words, **about}
    for number, status in enumerate("IRD"):
        yield StatusChange, {"job_id": job_id(place), "status": status, "time": created + number}


def step(
    place: int, number: int, key: str, facts: dict[str, Any], options: dict[str, Any] | None = None
) -> tuple[type[Row], dict[str, Any]]:
    """Return the row of a step that is done."""
    created = BEGUN + 60 * place
    times = {"created": created, "started": created + 1, "stopped": created + 31 + number}
    about = {"key": key, "title": key, "runner": "train", "options": options or {}, "facts": facts}
    return Step, {
        "job_id": job_id(place), "place": number, "status": "D", "progress": 1.0, **times, **about
    }  # fmt: skip


def snapshots(place: int) -> Rows:
    """Yield the last snapshots of a model."""
    for epoch in range(EPOCHS - 3, EPOCHS):
        files = {"weights": f"snapshot_{epoch}.safetensors", "network": f"snapshot_{epoch}.onnx"}
        at = {"epoch": epoch, "iteration": 4 * epoch, "created": BEGUN + 60 * place}
        yield Snapshot, {"job_id": job_id(place), "metrics": {"accuracy": 0.9}, **files, **at}


def curve(place: int, series: int, split: str, name: str, count: int) -> Rows:
    """Yield a curve that falls."""
    values = [1 / (1 + number + place % 7) for number in range(count)]
    ends = {"last": values[-1], "smallest": values[-1], "largest": values[0]}
    about = {"job_id": job_id(place), "split": split, "name": name, "count": count}
    yield Series, {"id": series, **about, **ends}
    for number, value in enumerate(values):
        at = {"iteration": number, "epoch": EPOCHS * number / count}
        yield Point, {
            "series_id": series, "place": number, "rank": rank_of(number), "value": value, **at
        }  # fmt: skip


def measure(url: str, turns: int) -> None:
    """Print what each address takes."""
    with httpx.Client(base_url=url, cookies={"username": "ada"}, timeout=120) as http:
        http.get("/").raise_for_status()
        index = http.get("/index.json").json()
        newest, oldest = index["models"][0], index["datasets"][-1]
        crowded = next(m for m in index["models"] if m["dataset_id"] == oldest["id"])
        pages = ("/", "/?tab=2", "/models/images/classification/new", f"/models/{newest['id']}")
        pages += (f"/models/{crowded['id']}", f"/datasets/{oldest['id']}", BESIDE)
        print(f"{len(index['datasets'])} datasets, {len(index['models'])} models")
        for path in pages:
            seconds = statistics.median(timed(http, path)[0] for _ in range(turns))
            print(f"{seconds:7.3f} s {'' if seconds <= PROMISE else 'MISSED '}{path}")
        for path in LISTS:
            taken = [timed(http, path) for _ in range(turns)]
            seconds, size = statistics.median(turn[0] for turn in taken), taken[0][1]
            waited = beside(http, url, path)
            print(f"{seconds:7.3f} s {path}, {size / 1e6:.1f} MB; beside it {waited:.3f} s at most")


def timed(http: httpx.Client, path: str) -> tuple[float, int]:
    """Return the seconds an answer takes, and its bytes."""
    begun = time.perf_counter()
    size = len(http.get(path).raise_for_status().content)
    return time.perf_counter() - begun, size


def beside(http: httpx.Client, url: str, path: str) -> float:
    """Return the longest that another page takes while a list is being answered."""
    longest = 0.0
    fetching = threading.Thread(target=timed, args=(http, path))
    with httpx.Client(base_url=url) as other:
        timed(other, BESIDE)
        fetching.start()
        while fetching.is_alive():
            longest = max(longest, timed(other, BESIDE)[0])
    return longest


if __name__ == "__main__":
    main()
