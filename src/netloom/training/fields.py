"""
The fields of the form of a new model, by group.

`netloom.training.options` puts them together and checks what concerns several of them.
Names, defaults and limits are those that existing scripts send.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BeforeValidator, Field, field_validator, model_validator

from netloom.interfaces.options import FieldError, Options
from netloom.training.rates import PolicyName, RatePolicy

Number = TypeVar("Number", int, float)
Solver = Literal["SGD", "NESTEROV", "ADAGRAD", "RMSPROP", "ADADELTA", "ADAM", "ADAMW"]

MAX_EPOCHS = 1_000_000
MAX_BATCH = 1_000_000
MAX_RATE = 1e6
SHORTEST_INTERVAL = 0.001  # epochs; names of snapshots have three decimals


def _parts(value: object) -> list[object]:
    """Return the items of a list, of a single number, or of a text like "[0.01, 0.1]"."""
    if isinstance(value, str):
        return [part.strip() for part in value.strip().strip("[]").split(",") if part.strip()]
    return list(value) if isinstance(value, list | tuple) else [value]


def _whole_numbers(value: object) -> tuple[int, ...] | None:
    if value is None:
        return None
    return tuple(int(number) for number in _checked(value, whole=True)) or None


def _numbers(value: object) -> tuple[float, ...]:
    return tuple(_checked(value))


def _checked(value: object, *, whole: bool = False) -> list[float]:
    numbers: list[float] = []
    for part in _parts(value):
        try:
            number = float(part) if isinstance(part, int | float | str) else math.nan
        except (ValueError, OverflowError):
            number = math.nan
        if isinstance(part, bool) or not math.isfinite(number):
            raise ValueError(f"{part!r} is not a number.")
        if whole and number != int(number):
            raise ValueError(f"{part!r} is not a whole number.")
        numbers.append(number)
    return numbers


def _within(smallest: float, largest: float) -> BeforeValidator:
    def check(value: Any) -> Any:
        for number in value or ():
            if not smallest <= number <= largest:
                raise ValueError(
                    f"{number:g} is out of range: each value must be from "
                    f"{smallest:g} to {largest:g}."
                )
        return value

    return BeforeValidator(check)


# Validators run from the last to the first: the text becomes numbers, then they are compared.
Rates = Annotated[tuple[float, ...], _within(0, MAX_RATE), BeforeValidator(_numbers)]
Batches = Annotated[tuple[int, ...] | None, _within(1, MAX_BATCH), BeforeValidator(_whole_numbers)]
Percents = Annotated[tuple[float, ...], _within(0, 100), BeforeValidator(_numbers)]


def _solver(**extra: Any) -> dict[str, Any]:
    return {"group": "Solver", **extra}


def _policy(name: str) -> dict[str, Any]:
    return {"group": "Learning rate", "when": {"lr_policy": name}, "advanced": True}


class NameFields(Options):
    """What the model is called and what it learns from."""

    dataset: str = Field(
        title="Dataset", description="Dataset to learn from", json_schema_extra={"group": "Data"}
    )
    model_name: str = Field(title="Model name", description="Name of the model", max_length=500)
    group_name: str = Field(
        "", title="Group name", description="Gathers rows of the home page", max_length=500
    )


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


class RateFields(Options):
    """The learning rate and how it falls."""

    learning_rate: Rates = Field(
        (0.01,),
        min_length=1,
        title="Base learning rate",
        description="Several, separated by commas, train one model each",
        json_schema_extra={"group": "Learning rate"},
    )
    lr_policy: PolicyName = Field(
        "step",
        title="Policy",
        description="How the rate falls during the training",
        json_schema_extra={"group": "Learning rate", "advanced": True},
    )
    lr_step_size: float = Field(
        33, gt=0, title="Step size", json_schema_extra={**_policy("step"), "unit": "%"}
    )
    lr_step_gamma: float = Field(0.1, ge=0, title="Gamma", json_schema_extra=_policy("step"))
    lr_multistep_values: Percents = Field(
        (50, 85),
        title="Step values",
        description="Where the rate falls, separated by commas",
        json_schema_extra={**_policy("multistep"), "unit": "%"},
    )
    lr_multistep_gamma: float = Field(
        0.5, ge=0, title="Gamma", json_schema_extra=_policy("multistep")
    )
    lr_exp_gamma: float = Field(0.95, ge=0, le=10, title="Gamma", json_schema_extra=_policy("exp"))
    lr_inv_gamma: float = Field(0.1, ge=0, title="Gamma", json_schema_extra=_policy("inv"))
    lr_inv_power: float = Field(0.5, ge=0, le=100, title="Power", json_schema_extra=_policy("inv"))
    lr_poly_power: float = Field(3, ge=0, le=1000, title="Power", json_schema_extra=_policy("poly"))
    lr_sigmoid_step: float = Field(
        50, title="Step", json_schema_extra={**_policy("sigmoid"), "unit": "%"}
    )
    lr_sigmoid_gamma: float = Field(
        0.1, ge=-1000, le=1000, title="Gamma", json_schema_extra=_policy("sigmoid")
    )

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        try:
            largest = max(max(curve) for curve in self.preview())
        except OverflowError:
            largest = math.inf
        if largest > MAX_RATE:
            raise FieldError("lr_policy", "The rate grows beyond all bounds. Use a smaller gamma.")
        return self

    def policy(self) -> RatePolicy:
        """Return the chosen policy with its numbers."""
        name = self.lr_policy
        match name:
            case "step":
                return RatePolicy(name=name, step_size=self.lr_step_size, gamma=self.lr_step_gamma)
            case "multistep":
                return RatePolicy(
                    name=name, steps=self.lr_multistep_values, gamma=self.lr_multistep_gamma
                )
            case "exp":
                return RatePolicy(name=name, gamma=self.lr_exp_gamma)
            case "inv":
                return RatePolicy(name=name, gamma=self.lr_inv_gamma, power=self.lr_inv_power)
            case "poly":
                return RatePolicy(name=name, power=self.lr_poly_power)
            case "sigmoid":
                return RatePolicy(
                    name=name, step_size=self.lr_sigmoid_step, gamma=self.lr_sigmoid_gamma
                )
        return RatePolicy(name=name)

    def preview(self) -> list[list[float]]:
        """Return one curve of 101 rates, over 0..100 % of the training, per base rate."""
        return [self.policy().preview(base) for base in self.learning_rate]


class TransformFields(Options):
    """What happens to an image between the database and the network."""

    crop_size: int | None = Field(
        None,
        ge=1,
        title="Crop size",
        description="Side of the square that is cut out: anywhere in training, the centre after it",
        json_schema_extra={"group": "Data transformation", "unit": "px"},
    )
    use_mean: Literal["none", "image", "pixel"] = Field(
        "image",
        title="Subtract mean",
        description="The mean image, its one mean pixel, or nothing",
        json_schema_extra={"group": "Data transformation"},
    )


class NetworkFields(Options):
    """Which network."""

    method: Literal["standard", "custom"] = Field(
        "standard",
        title="Network",
        description="A standard network, or a text of your own",
        json_schema_extra={"group": "Network"},
    )
    framework: str = Field(
        "pytorch",
        title="Framework",
        description="Language of the network text",
        json_schema_extra={"group": "Network", "widget": "hidden"},
    )
    standard_networks: str = Field(
        "alexnet",
        title="Standard network",
        description="Name of the network",
        json_schema_extra={"group": "Network", "widget": "radio", "when": {"method": "standard"}},
    )
    custom_network: str = Field(
        "",
        max_length=1_000_000,
        title="Network text",
        description="Python with 'def build(p)' that returns a torch.nn.Module",
        json_schema_extra={"group": "Network", "widget": "code", "when": {"method": "custom"}},
    )


class DeviceFields(Options):
    """Where the training runs."""

    select_gpu: str = Field(
        "next",
        title="GPU",
        description="The number of a GPU, or 'next' for the first that is free",
        json_schema_extra={"group": "GPU"},
    )
    select_gpus: str = Field(
        "", title="GPUs", description="Numbers of GPUs", json_schema_extra={"group": "GPU"}
    )
    select_gpus_list: str = Field(
        "",
        title="GPUs",
        description="Numbers of GPUs, separated by commas, for scripts",
        json_schema_extra={"group": "GPU", "advanced": True},
    )
    select_gpu_count: int | None = Field(
        1,
        ge=1,
        title="Number of GPUs",
        description="How many free GPUs to use",
        json_schema_extra={"group": "GPU", "advanced": True},
    )
    memory_limit: int | None = Field(
        None,
        ge=0,
        title="Memory for decoded images",
        description="Datasets that need more are read from disk again and again; "
        "blank is a third of the free memory",
        json_schema_extra={"group": "Data", "unit": "MiB", "advanced": True},
    )
