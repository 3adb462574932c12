"""Datasets and models as JSON, in the keys of the reference."""

from __future__ import annotations

import datetime
from typing import Any

from netloom.errors import SnapshotNotFound
from netloom.store import Job, Step, Store
from netloom.store import status as states

NO_SNAPSHOTS = "no snapshots"


def brief(job: Job) -> dict[str, Any]:
    """Return what a creation answers."""
    return {"id": job.id, "name": job.name, "status": states.label(job.status)}


def dataset_json(store: Store, job: Job) -> dict[str, Any]:
    """Return a dataset in full. Width and height are not exchanged as they once were."""
    return {
        **brief(job),
        "directory": str(store.files.directory(job.id)),
        "ParseFolderTasks": [_parse(step) for step in job.steps if step.key.startswith("parse-")],
        "CreateDbTasks": [_create(job, step) for step in job.steps if is_create(step)],
    }


def is_create(step: Step) -> bool:
    """Return whether a step makes a database."""
    return step.key.startswith("create_db-")


def model_json(store: Store, job: Job, *, detailed: bool = False) -> dict[str, Any]:
    """Return a model; `detailed` adds its directory and its snapshots."""
    value: dict[str, Any] = brief(job)
    if detailed:
        value["directory"] = str(store.files.directory(job.id))
        value["snapshots"] = [plain_epoch(row.epoch) for row in store.snapshots(job.id)]
    created = datetime.datetime.fromtimestamp(job.created)
    facts = {**_dataset_facts(store, job), **job.facts}
    value |= {
        "dataset_id": job.dataset_id,
        "job id": job.id,
        "creation time": created.isoformat(sep=" "),
        "username": job.owner,
        "framework": job.framework,
        "image dimensions": facts.get("image_dimensions"),
        "mean file": facts.get("mean_file"),
        "snapshot file": latest_weights(store, job.id),
        "model file": facts.get("model_file", "network.py"),
        "digits version": job.version,
    }
    if facts.get("resize_mode"):
        value |= {"image resize mode": facts["resize_mode"], "labels file": "labels.txt"}
    return value


def latest_weights(store: Store, job_id: str) -> str:
    """Return the file name of the newest snapshot, in words if there is none."""
    try:
        return store.snapshot(job_id).weights
    except SnapshotNotFound:
        return NO_SNAPSHOTS


def plain_epoch(epoch: float) -> int | float:
    """Return a whole epoch as int, any other rounded to three decimals."""
    return int(epoch) if epoch == int(epoch) else round(epoch, 3)


def dataset_model_facts(dataset: Job) -> dict[str, Any]:
    """Return what the JSON of a model says about its dataset; kept with the model at creation."""
    options = dataset.options
    size = (options.get("resize_height"), options.get("resize_width"))
    return {
        "image_dimensions": [*size, int(options.get("resize_channels") or 0)],
        "mean_file": "mean.binaryproto",
        "resize_mode": options.get("resize_mode"),
    }


def _dataset_facts(store: Store, job: Job) -> dict[str, Any]:
    if "image_dimensions" in job.facts or not job.dataset_id:
        return {}
    return dataset_model_facts(store.job(job.dataset_id))


def _parse(step: Step) -> dict[str, Any]:
    counts = ("label_count", "train_count", "val_count", "test_count")
    return {"name": step.title, **{name: step.facts.get(name) for name in counts}}


def _create(job: Job, step: Step) -> dict[str, Any]:
    def option(name: str) -> Any:
        return step.facts.get(name, job.options.get(name))

    return {
        "name": step.title,
        "entries": step.facts.get("entries"),
        "image_width": step.facts.get("image_width"),
        "image_height": step.facts.get("image_height"),
        "image_channels": step.facts.get("image_channels"),
        "backend": option("backend"),
        "encoding": option("encoding"),
        "compression": option("compression"),
    }
