"""Datasets and models as JSON, in the keys of the reference."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from netloom.store import Brief, Job, Snapshot, Step, Store
from netloom.store import status as states

NO_SNAPSHOTS = "no snapshots"


def brief(job: Job | Brief) -> dict[str, Any]:
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


def model_json(
    store: Store, job: Job, *, detailed: bool = False, snapshot: Snapshot | None = None
) -> dict[str, Any]:
    """Return a model with a snapshot, its latest unless one is given.

    `detailed` adds its directory and all its snapshots.
    """
    more: dict[str, Any] = {}
    snapshots = [snapshot] if snapshot else store.snapshots(job.id)
    if detailed:
        more["directory"] = str(store.files.directory(job.id))
        more["snapshots"] = [plain_epoch(row.epoch) for row in snapshots]
    dataset = _dataset_facts(store.job(job.dataset_id).options) if job.dataset_id else {}
    weights = snapshots[-1].weights if snapshots else NO_SNAPSHOTS
    return {**brief(job), **more, **_about_model(job, dataset, weights)}


def models_json(store: Store, models: Sequence[Brief]) -> list[dict[str, Any]]:
    """Return many models, not detailed."""
    weights = store.latest_weights(job.id for job in models)
    options = store.options_of({job.dataset_id for job in models if job.dataset_id})
    facts = {job_id: _dataset_facts(found) for job_id, found in options.items()}
    return [
        {
            **brief(job),
            **_about_model(
                job, facts.get(job.dataset_id or "", {}), weights.get(job.id, NO_SNAPSHOTS)
            ),
        }
        for job in models
    ]


def _about_model(job: Job | Brief, dataset: dict[str, Any], weights: str) -> dict[str, Any]:
    created = datetime.datetime.fromtimestamp(job.created)
    facts = {**dataset, **job.facts}
    value = {
        "dataset_id": job.dataset_id,
        "job id": job.id,
        "creation time": created.isoformat(sep=" "),
        "username": job.owner,
        "framework": job.framework,
        "image dimensions": facts.get("image_dimensions"),
        "mean file": facts.get("mean_file"),
        "snapshot file": weights,
        "model file": facts.get("model_file", "network.py"),
        "digits version": job.version,
    }
    if facts.get("resize_mode"):
        value |= {"image resize mode": facts["resize_mode"], "labels file": "labels.txt"}
    return value


def plain_epoch(epoch: float) -> int | float:
    """Return a whole epoch as int, any other rounded to three decimals."""
    return int(epoch) if epoch == int(epoch) else round(epoch, 3)


def _dataset_facts(options: Mapping[str, Any]) -> dict[str, Any]:
    size = (options.get("resize_height"), options.get("resize_width"))
    return {
        "image_dimensions": [*size, int(options.get("resize_channels") or 0)],
        "mean_file": "mean.binaryproto",
        "resize_mode": options.get("resize_mode"),
    }


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
