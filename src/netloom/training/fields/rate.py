"""The learning rate of a training, and how it falls."""

from __future__ import annotations

import math
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from netloom.interfaces.options import FieldError, Options
from netloom.training.fields.numbers import numbers, within
from netloom.training.rates import PolicyName, RatePolicy

MAX_RATE = 1e6

# Validators run from the last to the first: the text becomes numbers, then they are compared.
Rates = Annotated[tuple[float, ...], within(0, MAX_RATE), BeforeValidator(numbers)]
Percents = Annotated[tuple[float, ...], within(0, 100), BeforeValidator(numbers)]


def _policy(name: str) -> dict[str, Any]:
    return {"group": "Learning rate", "when": {"lr_policy": name}, "advanced": True}


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
