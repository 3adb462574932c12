"""
The fields of the form of a new classification dataset that all methods share, by group.

Those of one method stand in its module (see `netloom.datasets.methods`). Names, defaults
and limits are those that existing scripts send.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from netloom.datasets.database import Backend, Compression
from netloom.interfaces.options import Options

MAX_SIDE = 16_384  # pixels; a batch of larger images fits no machine


def _image(**extra: Any) -> dict[str, Any]:
    return {"group": "Image", **extra}


class DatasetFields(Options):
    """What a dataset is called, and how its images are kept."""

    dataset_name: str = Field(title="Dataset name", description="Name of the dataset")
    group_name: str = Field("", title="Group name", description="Gathers rows of the home page")
    method: Literal["folder", "textfile"] = Field(
        "folder", title="Method", description="Where the images come from"
    )

    resize_channels: Literal["3", "1"] = Field(
        "3", title="Image type", description="3 is colour, 1 is grey", json_schema_extra=_image()
    )
    resize_width: int = Field(
        256,
        ge=1,
        le=MAX_SIDE,
        title="Width",
        description="Width of every image",
        json_schema_extra=_image(unit="px"),
    )
    resize_height: int = Field(
        256,
        ge=1,
        le=MAX_SIDE,
        title="Height",
        description="Height of every image",
        json_schema_extra=_image(unit="px"),
    )
    resize_mode: Literal["crop", "squash", "fill", "half_crop"] = Field(
        "squash",
        title="Resize transformation",
        description="What gives way when the ratio of the sides differs",
        json_schema_extra=_image(),
    )
    backend: Backend = Field(
        "lmdb",
        title="DB backend",
        description="Kind of database; hdf5 keeps floats and makes the encoding none",
        json_schema_extra=_image(),
    )
    encoding: Literal["none", "png", "jpg"] = Field(
        "png",
        validate_default=True,  # HDF5 changes it
        title="Image encoding",
        description="How an image is stored; jpg is lossy (quality 90)",
        json_schema_extra={"group": "Database"},
    )
    compression: Compression = Field(
        "none",
        title="DB compression",
        description="For HDF5 only; LMDB stores encoded images and ignores it",
        json_schema_extra={"group": "Database"},
    )

    seed: int | None = Field(
        None,
        ge=0,
        lt=2**32,
        title="Random seed",
        description="Repeats the same split and order; blank draws one and records it",
        json_schema_extra={"group": "Database", "advanced": True},
    )

    @field_validator("encoding", "compression")
    @classmethod
    def _by_backend(cls, value: str, info: ValidationInfo) -> str:
        """Make it none where the kind of database has no use for it, whatever was sent."""
        used = {"encoding": "lmdb", "compression": "hdf5"}[str(info.field_name)]
        return value if info.data.get("backend", used) == used else "none"
