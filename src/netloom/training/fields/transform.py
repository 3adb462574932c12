"""What happens to an image between the database and the network."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from netloom.interfaces.options import Options


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
    aug_whitening: bool = Field(
        False,
        title="Whitening",
        description="Brings each image to mean 0 and deviation 1, also those that are classified",
        json_schema_extra={"group": "Data transformation"},
    )
