"""
The path: what a user does from the first visit to the first answer, over HTTP.

Every request here is one that a script of your own could send; docs/rest.md explains them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from netloom.demo import digits
from netloom.demo.server import Server
from netloom.errors import NetloomError

USER = "demo"
NEEDED = 97.0  # percent of the validation images
POLL = 0.5  # seconds

Say = Callable[[str], None]


def run(data: Path, *, epochs: int, say: Say, linger: Callable[[], None] | None = None) -> bool:
    """
    Walk the whole path; return whether the accuracy is what it should be.

    `linger` is called before the server is stopped, to let a user look at it.
    """
    folder = data / "digits"
    pictures = digits.write(folder)
    say(f"{len(pictures)} handwritten digits in {folder}")
    with Server(data=data, roots=[folder]) as server:
        say(f"server at {server.url}")
        with httpx.Client(base_url=server.url, timeout=60) as http:
            http.post("/login", data={"username": USER})
            dataset = make_dataset(http, folder, say)
            model = train(http, dataset, epochs, say)
            best = accuracy(http, model)
            say(f"accuracy on the validation split: {best:.2f} %")
            classify(http, model, unseen(http, dataset), say)
        say(f"look at it: {server.url}/models/{model}")
        if linger is not None:
            linger()
    say(f"start it again with: netloom serve --data {data}")
    return best >= NEEDED


def make_dataset(http: httpx.Client, folder: Path, say: Say) -> str:
    """Build a dataset of the digits, a quarter of them for validation; return its id."""
    options = {
        "dataset_name": "Handwritten digits",
        "method": "folder",
        "folder_train": str(folder),
        "folder_pct_val": 25,
        "resize_channels": 1,
        "resize_width": digits.SIZE,
        "resize_height": digits.SIZE,
        "seed": 2,  # so that every run splits alike
    }
    job = checked(http.post("/datasets/images/classification.json", data=options))
    say(f"dataset {job['id']}: {http.base_url}/datasets/{job['id']}")
    wait(http, job["id"], say)
    return str(job["id"])


def train(http: httpx.Client, dataset: str, epochs: int, say: Say) -> str:
    """Train LeNet on the dataset; return the id of the model."""
    options = {
        "model_name": "LeNet on digits",
        "dataset": dataset,
        "framework": "pytorch",
        "method": "standard",
        "standard_networks": "lenet",
        "train_epochs": epochs,
        "snapshot_interval": epochs,
        # Few images make few steps; small batches make more of them.
        "batch_size": 16,
        "solver_type": "ADAM",
        "learning_rate": 0.0005,
        "shuffle": "y",
        "random_seed": 1,
    }
    job = checked(http.post("/models/images/classification.json", data=options))
    say(f"model {job['id']}: {http.base_url}/models/{job['id']}")
    wait(http, job["id"], say)
    return str(job["id"])


def wait(http: httpx.Client, job: str, say: Say) -> None:
    """Follow a job to its end; raise NetloomError when it does not end well."""
    before = None
    while True:
        row = checked(http.get(f"/jobs/{job}/table_data.json"))["job"]
        now = (row["status"], row["progress"] // 10)
        if now != before:
            say(f"  {row['status']}, {row['progress']} %")
            before = now
        if row["status"] == "Done":
            return
        if row["status"] in ("Error", "Aborted"):
            raise NetloomError(f"Job {job} ended: {row['status']}.", hint="See its page.")
        time.sleep(POLL)


def accuracy(http: httpx.Client, model: str) -> float:
    """Return the last accuracy on the validation split, in percent."""
    row = checked(http.get(f"/jobs/{model}/table_data.json"))["job"]
    return float(row["accuracy (val) last"])


def unseen(http: httpx.Client, dataset: str) -> Path:
    """Return a picture of the validation split, which the network was not trained on."""
    listing = http.get(f"/files/{dataset}/val.txt").raise_for_status().text
    return Path(listing.splitlines()[0].rpartition(" ")[0])


def classify(http: httpx.Client, model: str, picture: Path, say: Say) -> None:
    """Send one picture to the model and print what it answers."""
    route = "/models/images/classification/classify_one.json"
    files = {"image_file": (picture.name, picture.read_bytes(), "image/png")}
    answer = checked(http.post(route, data={"job_id": model}, files=files))
    say(f"classification over HTTP of a digit that it has not seen, a {picture.parent.name}:")
    for label, percent in answer["predictions"]:
        say(f"  {percent:6.2f} %  {label}")
    say("the same with curl:")
    say(f"  curl -F job_id={model} -F image_file=@{picture} {http.base_url}{route}")


def checked(response: httpx.Response) -> dict[str, Any]:
    """Return the JSON of an answer; raise NetloomError with the server's own words."""
    if response.is_success:
        body: dict[str, Any] = response.json()
        return body
    said = " ".join(response.text.split())[:500]
    raise NetloomError(f"The server answered {response.status_code}: {said}")
