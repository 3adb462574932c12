"""How training images are varied; validation and prediction see them as they are."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from netloom.interfaces.options import Options
from netloom.training.augment.record import Augmentations, Flip, Turns


def _augmentation(**extra: Any) -> dict[str, Any]:
    return {"group": "Data augmentation", **extra}


def _deviation(default: float, title: str, scale: str) -> Any:
    return Field(
        default,
        ge=0,
        le=0.5,
        title=title,
        description=f"Standard deviation; {scale}",
        json_schema_extra=_augmentation(when={"aug_hsv_use": True}),
    )


class AugmentationFields(Options):
    """Each training image is varied anew in every epoch."""

    aug_flip: Flip = Field(
        "none",
        title="Flip",
        description="Mirrors every second image",
        json_schema_extra=_augmentation(
            choices={
                "none": "No",
                "fliplr": "Left to right",
                "flipud": "Upside down",
                "fliplrud": "Both, each by itself",
            }
        ),
    )
    aug_quad_rot: Turns = Field(
        "none",
        title="Quarter turns",
        description="Turns each image by one of these angles",
        json_schema_extra=_augmentation(
            choices={
                "none": "No",
                "rot90": "0, 90 or 270°",
                "rot180": "0 or 180°",
                "rotall": "0, 90, 180 or 270°",
            }
        ),
    )
    aug_rot: int = Field(
        0,
        ge=0,
        le=180,
        title="Rotation",
        description="Turns each image by up to so much, to either side",
        json_schema_extra=_augmentation(unit="°"),
    )
    aug_scale: float = Field(
        0,
        ge=0,
        le=1,
        title="Scale",
        description="Standard deviation of the factor, for example 0.07",
        json_schema_extra=_augmentation(),
    )
    aug_noise: float = Field(
        0,
        ge=0,
        le=1,
        title="Noise",
        description="Standard deviation; 1 is the whole range of pixels, 0.03 is usual",
        json_schema_extra=_augmentation(),
    )
    aug_contrast: float = Field(
        0,
        ge=0,
        le=5,
        title="Contrast",
        description="With 0.8 the contrast is multiplied by 0.2 to 1.8",
        json_schema_extra=_augmentation(),
    )
    aug_hsv_use: bool = Field(
        False,
        title="Shift hue, saturation and value",
        description="Changes the colours of each image; of grey images the brightness",
        json_schema_extra=_augmentation(),
    )
    aug_hsv_h: float = _deviation(0.02, "Hue", "1 is the whole circle of colours")
    aug_hsv_s: float = _deviation(0.04, "Saturation", "1 is the whole range")
    aug_hsv_v: float = _deviation(0.06, "Value", "1 is the whole range")

    def augmentations(self) -> Augmentations:
        """Return what is chosen."""
        colours = self.aug_hsv_use
        return Augmentations(
            flip=self.aug_flip,
            quad_rot=self.aug_quad_rot,
            rot=self.aug_rot,
            scale=self.aug_scale,
            hue=self.aug_hsv_h if colours else 0,
            saturation=self.aug_hsv_s if colours else 0,
            value=self.aug_hsv_v if colours else 0,
            contrast=self.aug_contrast,
            noise=self.aug_noise,
        )
