"""
The fields of the form of a new classification dataset, by group.

`netloom.datasets.options` checks what concerns several of them. Names, defaults and limits
are those that existing scripts send.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from netloom.interfaces.options import Options

MAX_SIDE = 16_384  # pixels; a batch of larger images fits no machine


def _image(**extra: Any) -> dict[str, Any]:
    return {"group": "Image", **extra}


def _folder(split: str, **extra: Any) -> dict[str, Any]:
    return {"group": f"{split} folder", **extra}


class DatasetFields(Options):
    """What a dataset is made from, and how its images are kept."""

    dataset_name: str = Field(title="Dataset name", description="Name of the dataset")
    group_name: str = Field("", title="Group name", description="Gathers rows of the home page")
    method: Literal["folder"] = Field("folder", description="Where the images come from")

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
    encoding: Literal["none", "png", "jpg"] = Field(
        "png",
        title="Image encoding",
        description="How an image is stored; jpg is lossy (quality 90)",
        json_schema_extra={"group": "Database"},
    )
    backend: Literal["lmdb"] = Field(
        "lmdb", title="DB backend", description="Kind of database", json_schema_extra=_image()
    )
    compression: Literal["none", "gzip"] = Field(
        "none",
        title="DB compression",
        description="For HDF5 only; LMDB stores encoded images and ignores it",
        json_schema_extra={"group": "Database", "advanced": True},
    )

    folder_train: str = Field(
        title="Training images",
        description="Folder on the server with one sub-folder of images per class",
        json_schema_extra=_folder("Training", widget="path"),
    )
    folder_pct_val: int = Field(
        25,
        ge=0,
        le=100,
        title="For validation",
        description="Share of the images moved to validation",
        json_schema_extra=_folder("Training", unit="%"),
    )
    folder_pct_test: int = Field(
        0,
        ge=0,
        le=100,
        title="For testing",
        description="Share of the images moved to the test split",
        json_schema_extra=_folder("Training", unit="%"),
    )
    folder_train_min_per_class: int | None = Field(
        2,
        ge=1,
        title="Minimum samples per class",
        description="Classes with fewer images are left out",
        json_schema_extra=_folder("Training", advanced=True),
    )
    folder_train_max_per_class: int | None = Field(
        None,
        ge=1,
        title="Maximum samples per class",
        description="Further images of a class are left out",
        json_schema_extra=_folder("Training", advanced=True),
    )

    has_val_folder: bool = Field(
        False,
        title="Separate validation images folder",
        description="Take validation images from a folder of their own",
    )
    folder_val: str = Field(
        "",
        title="Validation images",
        description="Folder on the server with sub-folders named like the training ones",
        json_schema_extra=_folder("Validation", widget="path"),
    )
    folder_val_min_per_class: int | None = Field(
        2,
        ge=1,
        title="Minimum samples per class",
        json_schema_extra=_folder("Validation", advanced=True),
    )
    folder_val_max_per_class: int | None = Field(
        None,
        ge=1,
        title="Maximum samples per class",
        json_schema_extra=_folder("Validation", advanced=True),
    )

    has_test_folder: bool = Field(
        False,
        title="Separate test images folder",
        description="Take test images from a folder of their own",
    )
    folder_test: str = Field(
        "",
        title="Test images",
        description="Folder on the server with sub-folders named like the training ones",
        json_schema_extra=_folder("Test", widget="path"),
    )
    folder_test_min_per_class: int | None = Field(
        2,
        ge=1,
        title="Minimum samples per class",
        json_schema_extra=_folder("Test", advanced=True),
    )
    folder_test_max_per_class: int | None = Field(
        None,
        ge=1,
        title="Maximum samples per class",
        json_schema_extra=_folder("Test", advanced=True),
    )

    seed: int | None = Field(
        None,
        ge=0,
        lt=2**32,
        title="Random seed",
        description="Repeats the same split and order; blank draws one and records it",
        json_schema_extra={"group": "Database", "advanced": True},
    )
