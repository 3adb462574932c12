"""Which variations training images get, and how strong; plain numbers, no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Flip = Literal["none", "fliplr", "flipud", "fliplrud"]
Turns = Literal["none", "rot90", "rot180", "rotall"]

# Quarter turns of each choice; one of them is drawn for each image.
QUARTERS: dict[str, tuple[int, ...]] = {
    "none": (0,),
    "rot90": (0, 1, 3),
    "rot180": (0, 2),
    "rotall": (0, 1, 2, 3),
}


class Augmentations(BaseModel):
    """What may happen to a training image; as it stands, nothing does."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    flip: Flip = "none"  # each direction with an even chance
    quad_rot: Turns = "none"
    rot: float = Field(0, ge=0, le=180)  # degrees; uniform, to both sides
    scale: float = Field(0, ge=0, le=1)  # standard deviation of the factor, around 1
    hue: float = Field(0, ge=0, le=0.5)  # standard deviations of shifts; 1 is the whole circle,
    saturation: float = Field(0, ge=0, le=0.5)  # or the whole range
    value: float = Field(0, ge=0, le=0.5)
    contrast: float = Field(0, ge=0, le=5)  # factor uniform in max(0, 1 - contrast)..1 + contrast
    noise: float = Field(0, ge=0, le=1)  # standard deviation; 1 is the whole range

    @property
    def moves(self) -> bool:
        """Return whether pixels may change their place."""
        return self.flip != "none" or self.quad_rot != "none" or self.between

    @property
    def between(self) -> bool:
        """Return whether pixels may come to lie between others, so that they must be blended."""
        return self.rot > 0 or self.scale > 0

    @property
    def shifts(self) -> bool:
        """Return whether hue, saturation or value may change."""
        return self.hue > 0 or self.saturation > 0 or self.value > 0

    @property
    def any(self) -> bool:
        """Return whether anything may happen."""
        return self.moves or self.shifts or self.contrast > 0 or self.noise > 0
