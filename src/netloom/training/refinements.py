"""What a training may do beyond plain steps; as it stands, nothing. No torch."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Refinements(BaseModel):
    """Options that change how a network learns; 0 turns each of them off."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    class_weights: Literal["none", "balanced"] = "none"
    label_smoothing: float = Field(0, ge=0, lt=1)
    mixup: float = Field(0, ge=0)  # parameters of the beta distribution of the share
    cutmix: float = Field(0, ge=0)
    largest_gradient: float = Field(0, ge=0)  # norm of the gradients of all weights together
    average_decay: float = Field(0, ge=0, lt=1)  # share of the average that a step keeps
    patience: int = Field(0, ge=0)  # validations in a row without a better one
