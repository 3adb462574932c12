"""How long, with which optimiser, and how exactly a model is trained."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from netloom.interfaces.options import Options
from netloom.training.fields.numbers import whole_numbers, within

Solver = Literal["SGD", "NESTEROV", "ADAGRAD", "RMSPROP", "ADADELTA", "ADAM", "ADAMW"]

MAX_EPOCHS = 1_000_000
MAX_BATCH = 1_000_000
SHORTEST_INTERVAL = 0.001  # epochs; names of snapshots have three decimals

# Validators run from the last to the first: the text becomes numbers, then they are compared.
Batches = Annotated[tuple[int, ...] | None, within(1, MAX_BATCH), BeforeValidator(whole_numbers)]


def _solver(**extra: Any) -> dict[str, Any]:
    return {"group": "Solver", **extra}


class SolverFields(Options):
    """How long and with which optimiser."""

    train_epochs: int = Field(
        30,
        ge=1,
        le=MAX_EPOCHS,
        title="Training epochs",
        description="Passes over the training images",
        json_schema_extra=_solver(),
    )
    snapshot_interval: float = Field(
        1,
        ge=0,
        title="Snapshot interval",
        description="Epochs between snapshots; fractions are allowed, 0 keeps only the last one",
        json_schema_extra=_solver(unit="epochs"),
    )
    val_interval: float = Field(
        1,
        ge=0,
        title="Validation interval",
        description="Epochs between validations; fractions are allowed, 0 means none",
        json_schema_extra=_solver(unit="epochs"),
    )
    random_seed: int | None = Field(
        None,
        ge=0,
        lt=2**63,
        title="Random seed",
        description="Repeats the same training; blank draws one and records it",
        json_schema_extra=_solver(),
    )
    batch_size: Batches = Field(
        None,
        title="Batch size",
        description="Images per batch; several, separated by commas, train one model each; "
        "blank takes the network's own, else 16",
        json_schema_extra=_solver(unit="images"),
    )
    batch_accumulation: int | None = Field(
        None,
        ge=1,
        le=MAX_BATCH,
        title="Batch accumulation",
        description="Batches whose gradients are added up before each step",
        json_schema_extra=_solver(unit="batches", advanced=True),
    )
    solver_type: Solver = Field(
        "SGD",
        title="Solver type",
        description="How gradients change the weights",
        json_schema_extra=_solver(),
    )
    rms_decay: float = Field(
        0.99,
        ge=0,
        le=1,
        title="RMS decay",
        description="RMSprop only: share of the old average that each step keeps",
        json_schema_extra=_solver(when={"solver_type": "RMSPROP"}),
    )
    momentum: float | None = Field(
        None,
        ge=0,
        lt=1,
        title="Momentum",
        description="Blank is 0.9, and 0 for RMSprop; AdaGrad and AdaDelta have none",
        json_schema_extra=_solver(advanced=True),
    )
    weight_decay: float | None = Field(
        None,
        ge=0,
        le=1,
        title="Weight decay",
        description="Pull of every weight towards zero; blank is 0.0001, and 0.01 for AdamW",
        json_schema_extra=_solver(advanced=True),
    )
    precision: Literal["float32", "bf16"] = Field(
        "float32",
        title="Precision",
        description="bf16 computes in 16 bits where that is safe: faster on recent processors",
        json_schema_extra=_solver(advanced=True),
    )
    shuffle: bool = Field(
        True,
        title="Shuffle training images",
        description="Take the images in a new order in each epoch",
        json_schema_extra=_solver(),
    )

    @field_validator("snapshot_interval", "val_interval")
    @classmethod
    def _not_too_short(cls, value: float) -> float:
        if 0 < value < SHORTEST_INTERVAL:
            raise ValueError(f"Must be 0 or at least {SHORTEST_INTERVAL:g}.")
        return value
