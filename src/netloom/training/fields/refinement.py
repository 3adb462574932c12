"""What helps against few, unbalanced or wrongly labelled images, and against long trainings."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from netloom.interfaces.options import Options
from netloom.training.refinements import Refinements


def _refinement(**extra: Any) -> dict[str, Any]:
    return {"group": "Refinements", "advanced": True, **extra}


class RefinementFields(Options):
    """Options that change how a network learns; all are off by default."""

    class_weights: Literal["none", "balanced"] = Field(
        "none",
        title="Class weights",
        description="Balanced gives each class the same say, however few its images",
        json_schema_extra=_refinement(choices={"none": "None", "balanced": "Balanced"}),
    )
    label_smoothing: float | None = Field(
        None,
        ge=0,
        lt=1,
        title="Label smoothing",
        description="Share of each label that is spread over all classes, for example 0.1",
        json_schema_extra=_refinement(),
    )
    mixup: float | None = Field(
        None,
        ge=0,
        le=100,
        title="Mixup",
        description="Blends pairs of images and labels; 0.2 blends most of them a little, 1 evenly",
        json_schema_extra=_refinement(),
    )
    cutmix: float | None = Field(
        None,
        ge=0,
        le=100,
        title="Cutmix",
        description="Puts a part of one image into another; 1 makes parts of all sizes",
        json_schema_extra=_refinement(),
    )
    clip_gradients: float | None = Field(
        None,
        ge=0,
        title="Largest gradient",
        description="Longer gradients are shortened to this norm, over all weights together",
        json_schema_extra=_refinement(),
    )
    ema_decay: float | None = Field(
        None,
        ge=0,
        lt=1,
        title="Average of weights",
        description="Share of the average that each step keeps, for example 0.999; "
        "validation and snapshots use the average",
        json_schema_extra=_refinement(),
    )
    early_stopping: int | None = Field(
        None,
        ge=0,
        le=1_000_000,
        title="Early stopping",
        description="Ends the training after so many validations in a row without a better one",
        json_schema_extra=_refinement(unit="validations"),
    )

    def refinements(self) -> Refinements:
        """Return what is chosen."""
        return Refinements(
            class_weights=self.class_weights,
            label_smoothing=self.label_smoothing or 0,
            mixup=self.mixup or 0,
            cutmix=self.cutmix or 0,
            largest_gradient=self.clip_gradients or 0,
            average_decay=self.ema_decay or 0,
            patience=self.early_stopping or 0,
        )
