"""
Origins: the network text and the initial weights that the options of a model mean.

    origin = find_origin(options, store)
    origin.text, origin.initial

Snapshots are looked up when the model is created, so that a wrong one is told at once; the
weights are read when the training starts.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from netloom import registry
from netloom.errors import BadWeights, InvalidOptions, JobNotFound, PathNotAllowed
from netloom.interfaces.framework import Framework
from netloom.training.initial import Initial
from netloom.training.weights import check_weights

if TYPE_CHECKING:
    from netloom.store import Job, Snapshot, Step, Store
    from netloom.training.options import ClassificationModel

PRETRAINED = "pretrained"  # kind of the jobs that hold a network and its weights
FRESH, AS_BEFORE = 0.0, -1.0  # instead of an epoch
MOST_FILES = 20
CheckPath = Callable[[Path], Path]  # returns the path, links followed; raises PathNotAllowed


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a training starts from."""

    text: str
    network: str  # its name, for pages: "lenet", "custom"
    initial: Initial | None = None


def find_origin(
    options: ClassificationModel, store: Store, check_path: CheckPath | None = None
) -> Origin:
    """Return what the options mean; raise InvalidOptions.

    `check_path` confines files of weights to where users may read.
    """
    match options.method:
        case "previous":
            return _previous(options, store)
        case "pretrained":
            return _pretrained(options, store)
        case "custom":
            initial = _files(options.custom_network_snapshot, store, check_path)
            return Origin(text=options.text(), network="custom", initial=initial)
    return Origin(text=options.text(), network=options.standard_networks)


def with_snapshot(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields with the snapshot of the previous network under its own name."""
    sent = f"{values.get('previous_networks')}-snapshot"
    if sent not in values or str(values.get("previous_snapshot") or "").strip():
        return values
    return {**values, "previous_snapshot": str(values[sent])}


def weights_of(store: Store, job: Job, epoch: float) -> Initial | None:
    """Return the weights of a snapshot, None for fresh ones; raise BadWeights.

    The epoch 0 means fresh weights, -1 what the job itself started from.
    """
    if epoch == FRESH:
        return None
    if epoch == AS_BEFORE:
        return _checked(store, initial_of(job))
    found = store.snapshots(job.id)
    # Epochs are shown rounded to three decimals.
    fitting = [snapshot for snapshot in found if abs(snapshot.epoch - epoch) < 0.0005]
    if not fitting:
        raise BadWeights(f'"{job.name}" has no snapshot of epoch {epoch:g}.', hint=_known(found))
    what = f"{job.name}, epoch {fitting[-1].epoch:g}"
    return _checked(store, Initial(what=what, files=(fitting[-1].weights,), job=job.id))


def initial_of(job: Job) -> Initial | None:
    """Return what a job itself started from."""
    step = train_step(job)
    kept = step.options.get("initial") if step else None
    return Initial.model_validate(kept) if kept else None


def text_of(store: Store, job: Job) -> str:
    """Return the network text of a pretrained model; raise BadWeights if it was deleted."""
    engine: Framework = registry.find("netloom.frameworks", job.framework)()
    try:
        return (store.files.directory(job.id) / engine.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise BadWeights(f'The network text of "{job.name}" was deleted.') from None


def weights_in(job: Job) -> Initial:
    """Return the weights of a pretrained model."""
    return Initial(what=job.name, files=(str(job.facts["weights_file"]),), job=job.id)


def train_step(job: Job) -> Step | None:
    """Return the step that trains."""
    return next((step for step in job.steps if step.runner == "train"), None)


def paths_of(store: Store, initial: Initial) -> list[Path]:
    """Return the files of initial weights."""
    folder = store.files.directory(initial.job) if initial.job else Path("/")
    return [folder / name for name in initial.files]


def _checked(store: Store, initial: Initial | None) -> Initial | None:
    if initial is not None:
        for path in paths_of(store, initial):
            if not path.is_file():
                raise BadWeights(
                    f"The weights of {initial.what} were deleted.", hint="Choose others."
                )
            check_weights(path)
    return initial


def _previous(options: ClassificationModel, store: Store) -> Origin:
    field = "previous_networks"
    try:
        job = store.job(options.previous_networks)
    except JobNotFound:
        _refuse(field, f"There is no model {options.previous_networks!r}.")
    step = train_step(job)
    if job.kind != "model" or step is None:
        _refuse(field, f'"{job.name}" is not a model that was trained here.')
    if job.framework != options.framework:
        _refuse(field, f'"{job.name}" is a network of {job.framework}, not {options.framework}.')
    try:
        initial = weights_of(store, job, _epoch(options.previous_snapshot, job, store))
    except BadWeights as error:
        _refuse(f"{job.id}-snapshot", str(error))
    name = str(job.facts.get("network") or "custom")
    return Origin(text=str(step.options["network"]), network=name, initial=initial)


def _pretrained(options: ClassificationModel, store: Store) -> Origin:
    field = "pretrained_networks"
    try:
        job = store.job(options.pretrained_networks)
    except JobNotFound:
        _refuse(field, f"There is no pretrained model {options.pretrained_networks!r}.")
    if job.kind != PRETRAINED:
        _refuse(field, f'"{job.name}" is not a pretrained model.')
    if job.framework != options.framework:
        _refuse(field, f'"{job.name}" is a network of {job.framework}, not {options.framework}.')
    try:
        initial = _checked(store, weights_in(job))
        text = text_of(store, job)
    except BadWeights as error:
        _refuse(field, str(error))
    return Origin(text=text, network=str(job.facts.get("network", "custom")), initial=initial)


def _epoch(given: str, job: Job, store: Store) -> float:
    try:
        epoch = float(given) if given.strip() else math.nan
    except ValueError:
        epoch = math.nan
    if not math.isfinite(epoch):
        wrong = f"{given!r} is not an epoch." if given.strip() else "Choose a snapshot."
        raise BadWeights(wrong, hint=f"0 is fresh weights. {_known(store.snapshots(job.id))}")
    return epoch


def _known(found: list[Snapshot]) -> str:
    return f"Epochs: {', '.join(f'{snapshot.epoch:g}' for snapshot in found) or 'none'}."


def _files(given: str, store: Store, check_path: CheckPath | None) -> Initial | None:
    paths = [Path(part.strip()) for part in given.split(os.pathsep) if part.strip()]
    if not paths:
        return None
    field = "custom_network_snapshot"
    if len(paths) > MOST_FILES:
        _refuse(field, f"These are {len(paths)} files; at most {MOST_FILES} can be given.")
    try:
        real = [_allowed(path, store, check_path) for path in paths]
        for path in real:
            check_weights(path)
    except (BadWeights, PathNotAllowed) as error:
        _refuse(field, str(error))
    what = ", ".join(path.name for path in paths)
    return Initial(what=what, files=tuple(str(path) for path in real))


def _allowed(path: Path, store: Store, check_path: CheckPath | None) -> Path:
    try:
        real = path.resolve()
    except (OSError, ValueError, RuntimeError):  # a NUL, a loop of links
        raise PathNotAllowed(f"{str(path)!r} is not a path.") from None
    # What jobs wrote may be read by everyone, as their pages offer it.
    if check_path is None or (
        path.is_absolute() and real.is_relative_to(store.files.jobs.resolve())
    ):
        return real
    return check_path(path)


def _refuse(field: str, sentence: str) -> NoReturn:
    raise InvalidOptions({field: [sentence]})
