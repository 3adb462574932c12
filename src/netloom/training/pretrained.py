"""
Pretrained models: a network text, its weights and its class names, to start trainings from.

    from_snapshot(store, job, epoch=3.0, owner="ada")

Each is a job of its own, Done at once; its directory holds `network.py`, `model.safetensors`
(or `.pt`, `.pth`) and, if they are known, `labels.txt`.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from netloom import registry
from netloom.datasets.entries import LABELS, read_labels, write_labels
from netloom.errors import (
    BadWeights,
    InvalidInput,
    JobNotFound,
    NetworkTextError,
    SnapshotNotFound,
    UnknownPlugin,
)
from netloom.interfaces.framework import Framework
from netloom.interfaces.options import Options
from netloom.training.origins import PRETRAINED, paths_of, train_step, weights_of
from netloom.training.weights import check_weights

if TYPE_CHECKING:
    from netloom.store import Job, Store

TYPE = "Pretrained Model"
_HIDDEN: dict[str, Any] = {"group": "Name", "widget": "hidden"}
_FILES: dict[str, Any] = {"group": "Files", "widget": "file"}
_IMAGES: dict[str, Any] = {"group": "Images"}
WEIGHTS = "model"  # name of the weights file, without its suffix


class PretrainedFields(Options):
    """The form of an upload; its files come beside it."""

    job_name: str = Field(title="Name", description="Shown in tables", max_length=1000)
    framework: str = Field(
        "pytorch", description="Language of the network text", json_schema_extra=_HIDDEN
    )
    weights_file: str = Field(
        "",
        title="Weights",
        description="A .safetensors file, or a .pt or .pth file that holds nothing but weights",
        json_schema_extra=_FILES,
    )
    model_def_file: str = Field(
        "",
        title="Network text",
        description="A .py file with 'def build(p)' that returns a torch.nn.Module",
        json_schema_extra=_FILES,
    )
    labels_file: str = Field(
        "",
        title="Class names",
        description="One per line; may be left out",
        json_schema_extra=_FILES,
    )
    image_type: Literal["3", "1"] = Field(
        "3",
        title="Images",
        description="What the network was trained on",
        json_schema_extra=_IMAGES | {"choices": {"3": "Colour", "1": "Grey"}},
    )
    width: int | None = Field(
        None, ge=1, le=100_000, title="Width", json_schema_extra=_IMAGES | {"unit": "px"}
    )
    height: int | None = Field(
        None, ge=1, le=100_000, title="Height", json_schema_extra=_IMAGES | {"unit": "px"}
    )
    resize_mode: Literal["squash", "crop", "fill", "half_crop"] = Field(
        "squash",
        title="Resizing",
        description="How images of other sizes were made to fit",
        json_schema_extra=_IMAGES,
    )

    @field_validator("framework")
    @classmethod
    def _is_installed(cls, value: str) -> str:
        try:
            registry.find("netloom.frameworks", value)
        except UnknownPlugin as error:
            raise ValueError(str(error)) from error
        return value

    def facts(self) -> dict[str, Any]:
        """Return what is kept of the images."""
        if self.width is None or self.height is None:
            return {}
        size = [self.height, self.width, int(self.image_type)]
        return {"image_dimensions": size, "resize_mode": self.resize_mode}


def add_pretrained(
    store: Store,
    *,
    name: str,
    owner: str | None,
    framework: str,
    text: str,
    weights: Path,
    labels: Sequence[str] = (),
    facts: Mapping[str, Any] | None = None,
) -> Job:
    """Copy the parts of a pretrained model into a job of its own; raise InvalidInput.

    `facts` may hold `network` (its name), `image_dimensions` and `resize_mode`.
    """
    engine: Framework = registry.find("netloom.frameworks", framework)()
    try:
        engine.check(text)
        check_weights(weights)
    except (NetworkTextError, BadWeights) as error:
        field = "weights_file" if isinstance(error, BadWeights) else "model_def_file"
        raise InvalidInput(error.message, hint=error.hint, field=field) from None
    file = f"{WEIGHTS}{weights.suffix.lower()}"
    known = {"labels": len(labels), "weights_file": file, **(facts or {})}
    with store.files.temporary() as folder:
        shutil.copyfile(weights, folder / file)
        (folder / engine.file).write_text(text, encoding="utf-8")
        if labels:
            write_labels(folder / LABELS, labels)
        return _filed(store, folder, name=name, owner=owner, framework=framework, facts=known)


def from_snapshot(store: Store, job: Job, epoch: float | None, owner: str | None) -> Job:
    """Make a pretrained model of a snapshot, the latest for None; raise SnapshotNotFound."""
    step = train_step(job)
    if job.kind != "model" or step is None:
        raise JobNotFound(f'"{job.name}" is not a model that was trained here.')
    try:
        latest = store.snapshot(job.id, epoch).epoch if epoch is None else epoch
        initial = weights_of(store, job, latest)
    except BadWeights as error:
        raise SnapshotNotFound(error.message, hint=error.hint) from None
    if initial is None:
        raise SnapshotNotFound("Fresh weights are not pretrained.", hint="Choose a snapshot.")
    labels = store.files.directory(job.id) / LABELS
    return add_pretrained(
        store,
        name=job.name,
        owner=owner,
        framework=job.framework,
        text=str(step.options["network"]),
        weights=paths_of(store, initial)[-1],
        labels=read_labels(labels) if labels.exists() else (),
        facts={"network": job.facts.get("network", "custom"), **_images(store, job)},
    )


def _filed(store: Store, folder: Path, **about: Any) -> Job:
    """Add the job and move its files into it; leave nothing if that fails."""
    job = store.add_job(kind=PRETRAINED, type=TYPE, options={}, form={}, plan=(), **about)
    try:
        for path in folder.iterdir():
            path.replace(store.files.directory(job.id) / path.name)
    except OSError:
        store.delete_job(job.id)
        raise
    return job


def _images(store: Store, job: Job) -> dict[str, Any]:
    """Return what images a model was trained on, as far as its dataset is still there."""
    try:
        options = store.job(job.dataset_id or "").options
    except JobNotFound:
        return {}
    size = [options.get(name) for name in ("resize_height", "resize_width")]
    if None in size:
        return {}
    return {
        "image_dimensions": [*size, int(options.get("resize_channels") or 0)],
        "resize_mode": options.get("resize_mode"),
    }
