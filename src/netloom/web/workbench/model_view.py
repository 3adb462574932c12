"""A model as its page shows it."""

from __future__ import annotations

from typing import Any

from netloom import registry
from netloom.errors import JobNotFound
from netloom.store import Job, Snapshot, Step, Store
from netloom.web.format import count, figure
from netloom.web.workbench import dataset_view
from netloom.web.workbench.dataset_parts import DatasetSummary
from netloom.web.workbench.described import plain_epoch
from netloom.web.workbench.model_parts import NetworkChoice, PreviousModel, SnapshotChoice
from netloom.web.workbench.panels import file_url
from netloom.web.workbench.rows import address

MOST_PREVIOUS = 50
PURPOSES = {
    "network.py": "Network text",
    "labels.txt": "Class names, one per line",
    "mean.npy": "Mean image",
    "model.json": "What inference needs to know",
}
READ: dict[str, str] = {
    "memory": "once, into memory",
    "streaming": "from disk, batch by batch",
}
# Fact of the training step, its label, and how it is shown.
FACTS = (
    ("images_per_s", "Speed", lambda value: f"{count(round(value))} images/s"),
    ("device", "Device", str),
    ("path", "Images are read", lambda value: READ.get(str(value), str(value))),
    ("parameters", "Parameters", lambda value: count(int(value))),
    ("iterations", "Iterations", lambda value: count(int(value))),
)


def train_step(job: Job) -> Step | None:
    """Return the step that trains."""
    return next((step for step in job.steps if step.key == "train"), None)


def network_text(job: Job) -> str:
    """Return the network text that is trained."""
    step = train_step(job)
    return str(step.options.get("network", "")) if step else ""


def facts(job: Job) -> tuple[tuple[str, str], ...]:
    """Return what the training said about itself, as (label, value)."""
    step = train_step(job)
    known = {**step.facts, **(step.facts.get("network") or {})} if step else {}
    shown = [(label, show(known[name])) for name, label, show in FACTS if known.get(name)]
    best = known.get("best") or {}
    if best.get("accuracy") is not None:
        epoch = plain_epoch(float(best["epoch"]))
        shown.append(("Best", f"{100 * best['accuracy']:.2f} % at epoch {epoch}"))
    return tuple(shown)


def settings(job: Job) -> tuple[tuple[str, str], ...]:
    """Return the options that were set, as (label, value), in order of the form."""
    from netloom.training import ClassificationModel

    left_out = {"dataset", "model_name", "group_name", "custom_network", "framework"}
    shown = []
    for field in ClassificationModel.describe():
        value = job.options.get(field.name)
        if field.name in left_out or value is None or value in ("", []):
            continue
        if not _counts(field.extra.get("when"), job.options):
            continue
        unit = field.unit.removesuffix("s") if value == 1 else field.unit
        shown.append((field.label, f"{_shown(value)} {unit}".rstrip()))
    return tuple(shown)


def epoch_reached(job: Job) -> float | None:
    """Return how many epochs are trained, None before the start."""
    step, wanted = train_step(job), epochs_wanted(job)
    return None if step is None or wanted is None else step.progress * wanted


def epochs_wanted(job: Job) -> int | None:
    """Return how many epochs the training takes."""
    wanted = job.options.get("train_epochs")
    return wanted if isinstance(wanted, int) else None


def snapshots(store: Store, job_id: str) -> tuple[SnapshotChoice, ...]:
    """Return the snapshots of a model, newest first."""
    rows = store.snapshots(job_id)[::-1]
    return tuple(_snapshot(row, latest=place == 0) for place, row in enumerate(rows))


def dataset_of(store: Store, job: Job) -> DatasetSummary | None:
    """Return the dataset of a model, None if it is gone."""
    try:
        return dataset_view.summary(store.job(job.dataset_id or ""))
    except JobNotFound:
        return None


def networks() -> tuple[NetworkChoice, ...]:
    """Return the standard networks of all frameworks."""
    return tuple(
        NetworkChoice(
            name=network.name,
            title=network.title,
            details=network.description,
            size=network.image,
            framework=name,
        )
        for name, framework in registry.all("netloom.frameworks").items()
        for network in framework().networks().values()
    )


def previous(store: Store) -> tuple[PreviousModel, ...]:
    """Return the newest models, whose network texts can be taken up."""
    return tuple(
        PreviousModel(
            id=job.id,
            name=job.name,
            url=address(job),
            framework=job.framework,
        )
        for job in store.briefs("model", limit=MOST_PREVIOUS)
    )


def _snapshot(row: Snapshot, *, latest: bool) -> SnapshotChoice:
    accuracy, loss = row.metrics.get("accuracy"), row.metrics.get("loss")
    epoch = plain_epoch(row.epoch)
    return SnapshotChoice(
        epoch=str(epoch),
        label=f"Epoch #{epoch}",
        accuracy=None if accuracy is None else 100 * float(accuracy),
        loss=None if loss is None else float(loss),
        best=row.best,
        latest=latest,
        usable=bool(row.network),
        weights_url=file_url(row.job_id, row.weights),
        network_url=file_url(row.job_id, row.network) if row.network else "",
    )


def _counts(when: Any, options: dict[str, Any]) -> bool:
    return all(
        str(options.get(name)) in map(str, wanted if isinstance(wanted, list) else [wanted])
        for name, wanted in (when or {}).items()
    )


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_shown(item) for item in value)
    return figure(value) if isinstance(value, float) else str(value)
