"""Jobs as the rows of tables, for pages and for the JSON of the home tables."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from netloom import jobs
from netloom.store import Curve, Job, Step, Store
from netloom.store import status as states
from netloom.web.auth import may_edit
from netloom.web.workbench.parts import JobRow, Status

CurvesByName = Mapping[tuple[str, str], Curve]

SPARKLINE = 40  # values
# A sweep adds such words to the names of its jobs.
SWEEP_WORDS = re.compile(r"(?: \w+:\S+)+$")


def status_of(code: str) -> Status:
    """Return a status code as it is shown."""
    return Status(
        code=code,
        name=states.label(code),
        css=states.css(code),
        running=states.is_running(code),
    )


def status_of_tasks(job: Job) -> Status:
    """Return what tables show: a model that waits for a GPU is Waiting though its job runs."""
    return status_of(jobs.status_of_tasks(job).value)


def progress(job: Job) -> int:
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


def address(job: Job) -> str:
    """Return the path of a job's page."""
    return f"/{job.kind}s/{job.id}"


def failed_step(job: Job) -> Step | None:
    """Return the step that ended in Error, if any."""
    return next((step for step in job.steps if step.status == "E"), None)


def job_rows(store: Store, listed: Sequence[Job], user: str) -> tuple[JobRow, ...]:
    """Return jobs as rows; asks the database once per kind of thing, not once per job."""
    models = [job.id for job in listed if job.kind == "model"]
    datasets = [job.id for job in listed if job.kind == "dataset"]
    curves = _curves(store, models)
    refs = store.count_models(datasets) if datasets else {}
    names = _names(store, {job.dataset_id for job in listed if job.dataset_id})
    return tuple(
        job_row(job, user, curves.get(job.id, {}), refs.get(job.id, 0), names) for job in listed
    )


def job_row(
    job: Job, user: str, curves: CurvesByName, refs: int, names: Mapping[str, str]
) -> JobRow:
    """Return one job as a row."""
    suffix = SWEEP_WORDS.search(job.name)
    failed = failed_step(job)
    loss, accuracy = curves.get(("train", "loss")), curves.get(("val", "accuracy"))
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
        sparkline=sparkline(loss),
        loss=loss.last if loss else None,
        accuracy=100 * accuracy.last if accuracy and accuracy.last is not None else None,
        eta=job_eta(job),
        error=failed.error if failed else "",
        outputs=outputs(curves),
    )


def as_json(row: JobRow) -> dict[str, Any]:
    """Return a row as the JSON of the home tables has it."""
    name = f"{row.name} {row.name_suffix}" if row.name_suffix else row.name
    value: dict[str, Any] = {
        "id": row.id,
        "name": name,
        "group": row.group,
        "status": row.status.name,
        "status_css": row.status.css,
        "submitted": row.submitted,
        "elapsed": row.elapsed,
        "type": row.kind,
        "progress": row.progress,
    }
    if row.kind == "dataset":
        return {**value, "backend": row.backend}
    value |= {"dataset_id": row.dataset_id, "framework": row.framework, **row.outputs}
    if row.sparkline:
        value["sparkline"] = list(row.sparkline)
    return value


def outputs(curves: CurvesByName) -> dict[str, float]:
    """Return last, smallest and largest of each curve under the names of the tables' columns."""
    found: dict[str, float] = {}
    for (split, name), curve in sorted(curves.items()):
        factor = 100.0 if "accuracy" in name else 1.0
        values = (("last", curve.last), ("min", curve.smallest), ("max", curve.largest))
        for word, value in values:
            if value is not None:
                found[f"{name} ({split}) {word}"] = factor * value
    for split in ("train", "val"):
        ends = [c.epochs[-1] for (s, _), c in curves.items() if s == split and c.epochs]
        if ends:
            found |= {f"epoch ({split}) last": max(ends), f"epoch ({split}) max": max(ends)}
            found[f"epoch ({split}) min"] = min(
                c.epochs[0] for (s, _), c in curves.items() if s == split and c.epochs
            )
    return found


def sparkline(curve: Curve | None) -> tuple[float, ...]:
    """Return at most `SPARKLINE` values of a curve, evenly spread, the last among them."""
    values = [value for value in curve.values if value is not None] if curve else []
    step = max(1, -(-len(values) // SPARKLINE))
    return tuple(values[::-1][::step][::-1])


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


def _curves(store: Store, models: Sequence[str]) -> dict[str, CurvesByName]:
    """Return what tables show of the curves; points are read of the loss alone."""
    if not models:
        return {}
    drawn = store.series_summary(models, points=SPARKLINE, names=["loss"])
    every = store.series_summary(models)
    return {job_id: {**curves, **drawn.get(job_id, {})} for job_id, curves in every.items()}


def _names(store: Store, ids: set[str]) -> dict[str, str]:
    return store.job_names(ids) if ids else {}
