"""Lists that hold every job, for scripts: `/index.json` and `/completed_jobs.json`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import netloom
from netloom.store import Brief, Store
from netloom.web.site import Site
from netloom.web.streamed import Batches, Members
from netloom.web.workbench.described import brief, models_json
from netloom.web.workbench.rows import NO_CURVES, curves_of, row_json


def index(site: Site) -> Members:
    """Yield what the installation is and its datasets and models, running ones first."""
    yield "version", netloom.__version__
    if site.settings.server_name:
        yield "server_name", site.settings.server_name
    yield "jobs_dir", str(site.store.files.jobs)
    yield "datasets", ([brief(job) for job in part] for part in _by_state(site.store, "dataset"))
    yield "models", (models_json(site.store, part) for part in _by_state(site.store, "model"))


def completed(store: Store) -> Members:
    """Yield the rows of the home tables, and the columns that models have there."""
    columns: set[str] = set()

    def rows(kind: str | None, *, running: bool) -> Batches:
        for part in store.all_briefs(kind, running=running, steps=True):
            yield _rows(store, part, columns)

    yield "running", rows(None, running=True)
    yield "datasets", rows("dataset", running=False)
    yield "models", rows("model", running=False)
    yield "pretrained_models", rows("pretrained", running=False)
    yield "model_output_fields", sorted(columns)  # known when the rows were sent


def _by_state(store: Store, kind: str) -> Iterator[list[Brief]]:
    yield from store.all_briefs(kind, running=True)
    yield from store.all_briefs(kind, running=False)


def _rows(store: Store, part: list[Brief], columns: set[str]) -> list[dict[str, Any]]:
    if any(job.kind == "pretrained" for job in part):
        columns.update(("has_labels", "username"))
    curves = curves_of(store, [job.id for job in part if job.kind == "model"])
    options = store.options_of(job.id for job in part if job.kind == "dataset")
    for shown in curves.values():
        columns.update(shown.outputs)
    return [
        row_json(
            job,
            curves.get(job.id, NO_CURVES),
            str(options.get(job.id, {}).get("backend", "")),
        )
        for job in part
    ]
