"""
Training on: more epochs for a model that is done, as a new job.

    train_on(store, job, more=10, owner="ada")

The new job begins with the checkpoint of the old one: weights, optimiser, random state and
all. The rate policy is stretched over the epochs of both, as for any training of that length.
An aborted training is resumed in place instead, by `Store.resume_job`.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from netloom.errors import BadWeights, InvalidInput
from netloom.training import checkpoint
from netloom.training.fields.solver import MAX_EPOCHS
from netloom.training.job import Train
from netloom.training.options import ClassificationModel
from netloom.training.origins import Origin, train_step, weights_of

if TYPE_CHECKING:
    from netloom.store import Job, Store

SUFFIX = " (trained on)"


def train_on(store: Store, job: Job, more: int, owner: str | None) -> Job:
    """Add a job that trains a finished model for more epochs; raise InvalidInput."""
    step = train_step(job)
    if job.kind != "model" or step is None:
        raise InvalidInput(f'"{job.name}" is not a model that was trained here.')
    if job.status != "D":
        hint = "Resume it instead." if job.status == "A" else "Wait until it is done."
        raise InvalidInput(f'"{job.name}" is not done.', hint=hint)
    if not checkpoint.exists(store.files.directory(job.id)):
        raise InvalidInput(
            f'The checkpoint of "{job.name}" was deleted.',
            hint="Start a new model from one of its snapshots.",
        )
    old = Train.model_validate(step.options)
    epochs = old.epochs + more
    if more < 1 or epochs > MAX_EPOCHS:
        raise InvalidInput(
            f"more_epochs: {more} more epochs would make {epochs:,}; 1 to {MAX_EPOCHS:,} are"
            " possible.",
            field="more_epochs",
        )
    name = f"{job.name.removesuffix(SUFFIX)}{SUFFIX}"
    options = ClassificationModel.model_validate(
        {**job.options, "train_epochs": epochs, "model_name": name}
    )
    try:
        initial = weights_of(store, job, store.snapshots(job.id)[-1].epoch)
    except (BadWeights, IndexError):
        initial = None  # the checkpoint has them
    going_on = old.model_copy(update={"epochs": epochs, "continues": job.id, "initial": initial})
    (plan,) = options.plan(Origin(text=old.network, network="custom"))
    stored = options.model_dump(mode="json")
    return store.add_job(
        kind="model",
        type=job.type,
        name=name,
        owner=owner,
        options=stored,
        form=stored,
        plan=[dataclasses.replace(plan, step=going_on)],
        dataset_id=job.dataset_id,
        framework=job.framework,
        group=job.group,
        facts={"network": job.facts.get("network", "custom")},
    )
