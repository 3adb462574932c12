"""Jobs as the rows of tables, for pages and for the JSON of the home tables."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from netloom import jobs
from netloom.store import Brief, Job, Step, Store, SummariesByName
from netloom.store import status as states
from netloom.web.auth import may_edit
from netloom.web.workbench.parts import JobRow, Status

SPARKLINE = 40  # values
# A sweep adds such words to the names of its jobs.
PLACES = {"dataset": "datasets", "model": "models", "pretrained": "pretrained_models"}
SWEEP_WORDS = re.compile(r"(?: \w+:\S+)+$")


class Curves(NamedTuple):
    """What rows show of the curves of one job."""

    figures: SummariesByName
    outputs: dict[str, float]  # by the names of the tables' columns
    sparkline: tuple[float, ...]  # of the training loss


NO_CURVES = Curves({}, {}, ())


def status_of(code: str) -> Status:
    """Return a status code as it is shown."""
    return Status(
        code=code,
        name=states.label(code),
        css=states.css(code),
        running=states.is_running(code),
    )


def status_of_tasks(job: Job | Brief) -> Status:
    """Return what tables show: a model that waits for a GPU is Waiting though its job runs."""
    return status_of(jobs.status_of_tasks(job).value)


def progress(job: Job | Brief) -> int:
    """Return the mean progress of the steps in whole percent."""
    return int(100 * jobs.progress(job) + 1e-6)


def eta(step: Step) -> float | None:
    """Return the seconds a running step still needs, None while that is not known."""
    if step.status != "R":
        return None
    known = step.facts.get("eta_s")
    if isinstance(known, int | float):
        return float(known)
    if step.rate and step.total is not None and step.done is not None:
        return max(0.0, (step.total - step.done) / step.rate)
    if step.started and step.progress > 0.01:
        return (1 - step.progress) * (time.time() - step.started) / step.progress
    return None


def job_eta(job: Job) -> float | None:
    """Return the seconds left of the step that runs longest."""
    known = [left for step in job.steps if (left := eta(step)) is not None]
    return max(known, default=None)


def address(job: Job | Brief) -> str:
    """Return the path of a job's page."""
    return f"/{PLACES[job.kind]}/{job.id}"


def failed_step(job: Job) -> Step | None:
    """Return the step that ended in Error, if any."""
    return next((step for step in job.steps if step.status == "E"), None)


def job_rows(store: Store, listed: Sequence[Job], user: str) -> tuple[JobRow, ...]:
    """Return jobs as rows; asks the database once per kind of thing, not once per job."""
    models = [job.id for job in listed if job.kind == "model"]
    datasets = [job.id for job in listed if job.kind == "dataset"]
    curves = curves_of(store, models)
    refs = store.count_models(datasets) if datasets else {}
    names = _names(store, {job.dataset_id for job in listed if job.dataset_id})
    return tuple(
        job_row(job, user, curves.get(job.id, NO_CURVES), refs.get(job.id, 0), names)
        for job in listed
    )


def job_row(job: Job, user: str, curves: Curves, refs: int, names: Mapping[str, str]) -> JobRow:
    """Return one job as a row."""
    suffix = SWEEP_WORDS.search(job.name)
    failed = failed_step(job)
    loss, accuracy = (curves.figures.get(key) for key in (("train", "loss"), ("val", "accuracy")))
    return JobRow(
        id=job.id,
        url=address(job),
        name=job.name[: suffix.start()] if suffix else job.name,
        name_suffix=suffix[0].strip() if suffix else "",
        kind=job.kind,
        type=job.type,
        group=job.group,
        owner=job.owner or "",
        status=status_of_tasks(job),
        progress=progress(job),
        submitted=job.created,
        elapsed=jobs.elapsed(job),
        editable=may_edit(user, job),
        backend=backend(job),
        refs=refs,
        facts=dataset_facts(job),
        framework=job.framework,
        dataset_id=job.dataset_id or "",
        dataset_name=names.get(job.dataset_id or "", ""),
        sparkline=curves.sparkline,
        loss=loss.last if loss else None,
        accuracy=100 * accuracy.last if accuracy and accuracy.last is not None else None,
        eta=job_eta(job),
        disk=job.facts.get("bytes"),
        error=failed.error if failed else "",
        outputs=curves.outputs,
    )


def row_json(job: Job | Brief, curves: Curves, backend: str) -> dict[str, Any]:
    """Return a job as the JSON of the home tables has it; `backend` is that of a dataset."""
    status = jobs.status_of_tasks(job)
    value: dict[str, Any] = {
        "id": job.id,
        "name": job.name,
        "group": job.group,
        "status": status.label,
        "status_css": status.css,
        "submitted": job.created,
        "elapsed": jobs.elapsed(job),
        "type": PLACES[job.kind].removesuffix("s"),
        "progress": progress(job),
    }
    if job.kind == "dataset":
        return {**value, "backend": backend}
    if job.kind == "pretrained":
        labels = bool(job.facts.get("labels"))
        return {**value, "framework": job.framework, "username": job.owner, "has_labels": labels}
    value |= {"dataset_id": job.dataset_id or "", "framework": job.framework, **curves.outputs}
    if curves.sparkline:
        value["sparkline"] = curves.sparkline
    return value


def curves_of(store: Store, models: Sequence[str]) -> dict[str, Curves]:
    """Return what rows show of the curves of these models, by id."""
    if not models:
        return {}
    epochs = store.curve_epochs(models, "loss")
    lines = store.sparklines(models, "train", "loss", SPARKLINE)
    return {
        job_id: Curves(
            figures, _outputs(figures, epochs.get(job_id, {})), tuple(lines.get(job_id, ()))
        )
        for job_id, figures in store.series_summary(models).items()
    }


def backend(job: Job) -> str:
    """Return the kind of database of a dataset."""
    return str(job.options.get("backend", "")) if job.kind == "dataset" else ""


def dataset_facts(job: Job) -> str:
    """Return a dataset in a few words: "10 classes, 45,000 images, 28 x 28 grey"."""
    if job.kind != "dataset":
        return ""
    facts = [step.facts for step in job.steps]
    classes = next((fact["label_count"] for fact in facts if fact.get("label_count")), None)
    images = sum(fact.get("entries") or 0 for fact in facts)
    failed = sum(fact.get("failed") or 0 for fact in facts)
    size = next((fact for fact in facts if fact.get("image_width")), None)
    words = [f"{classes:,} classes"] if classes else []
    words += [f"{images:,} images"] if images else []
    words += [f"{failed:,} unreadable"] if failed else []
    if size:
        colour = "grey" if size.get("image_channels") == 1 else "colour"
        words.append(f"{size['image_width']} × {size['image_height']} {colour}")
    return ", ".join(words)


def _names(store: Store, ids: set[str]) -> dict[str, str]:
    return store.job_names(ids) if ids else {}


def _outputs(
    figures: SummariesByName, epochs: Mapping[str, tuple[float, float]]
) -> dict[str, float]:
    """Return last, smallest and largest of each curve, and of the epochs of each split."""
    found: dict[str, float] = {}
    for (split, name), curve in figures.items():
        factor = 100.0 if "accuracy" in name else 1.0
        for word, value in zip(("last", "min", "max"), curve, strict=True):
            if value is not None:
                found[f"{name} ({split}) {word}"] = factor * value
    for split in ("train", "val"):
        if split in epochs:
            first, last = epochs[split]
            found[f"epoch ({split}) last"] = found[f"epoch ({split}) max"] = last
            found[f"epoch ({split}) min"] = first
    return found
