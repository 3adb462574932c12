"""A model as its page shows it."""

from __future__ import annotations

import contextlib
from typing import Any

from netloom import registry
from netloom.errors import JobNotFound
from netloom.store import Brief, Job, Snapshot, Step, Store
from netloom.web.format import count, figure
from netloom.web.workbench import dataset_view
from netloom.web.workbench.dataset_parts import DatasetSummary
from netloom.web.workbench.described import plain_epoch
from netloom.web.workbench.model_parts import NetworkChoice, PreviousModel, SnapshotChoice
from netloom.web.workbench.panels import file_url
from netloom.web.workbench.rows import address

MOST_PREVIOUS = 50
MOST_EPOCHS = 50  # of each of them, in its select
WITHOUT_SNAPSHOT = [("0", "Fresh weights"), ("-1", "What it started from")]
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
    ("stopped_early", "Stopped early", lambda value: f"after epoch {plain_epoch(float(value))}"),
)
SELDOM = ("Data augmentation", "Refinements")  # groups of which only what was changed is shown
MOST_FRESH = 8  # layers that are named


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
    if known.get("continues"):
        shown.append(("Continues", str(known["continues"])))
    shown += _started_from(known.get("initial") or {})
    best = known.get("best") or {}
    if best.get("accuracy") is not None:
        epoch = plain_epoch(float(best["epoch"]))
        shown.append(("Best", f"{100 * best['accuracy']:.2f} % at epoch {epoch}"))
    return tuple(shown)


def _started_from(told: dict[str, Any]) -> list[tuple[str, str]]:
    """Return which weights a training took over, and which layers began fresh."""
    if not told:
        return []
    shown = [("Started from", f"{told['what']}: {told['taken']} of {told['layers']} layers")]
    if told["fresh_count"]:
        names = ", ".join(told["fresh"][:MOST_FRESH])
        more = told["fresh_count"] - min(MOST_FRESH, len(told["fresh"]))
        shown.append(("Fresh layers", f"{names} and {count(more)} more" if more else names))
    return shown


def settings(job: Job) -> tuple[tuple[str, str], ...]:
    """Return the options that were set, as (label, value), in order of the form."""
    from netloom.training import ClassificationModel

    left_out = {"dataset", "model_name", "group_name", "custom_network", "framework"}
    shown = []
    for field in ClassificationModel.describe():
        value = job.options.get(field.name)
        if field.name in left_out or value is None or value in ("", []):
            continue
        unchanged = value == field.default and not field.extra.get("when")
        if unchanged and field.group in SELDOM:
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


def previous(store: Store, chosen: str = "", snapshot: str = "") -> tuple[PreviousModel, ...]:
    """Return the newest models, whose networks can be taken up, and with them the chosen one."""
    found: list[Job | Brief] = [*store.briefs("model", limit=MOST_PREVIOUS)]
    if chosen and chosen not in {job.id for job in found}:
        with contextlib.suppress(JobNotFound):
            found.append(store.job(chosen))
    epochs = store.snapshot_epochs([job.id for job in found], MOST_EPOCHS)
    return tuple(
        _previous(job, epochs.get(job.id, []), snapshot if job.id == chosen else "")
        for job in found
        if job.kind == "model"
    )


def _previous(job: Job | Brief, epochs: list[tuple[float, bool]], chosen: str) -> PreviousModel:
    choices = [
        (str(plain_epoch(epoch)), f"Epoch #{plain_epoch(epoch)}{' ★ best' if best else ''}")
        for epoch, best in epochs
    ]
    if chosen and chosen not in {value for value, _ in [*choices, *WITHOUT_SNAPSHOT]}:
        choices.append((chosen, f"Epoch #{chosen}"))
    choices += WITHOUT_SNAPSHOT
    return PreviousModel(
        id=job.id,
        name=job.name,
        url=address(job),
        framework=job.framework,
        snapshots=tuple(choices),
        snapshot=chosen or choices[0][0],
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
