"""
Record: what a preprocessing is told, and how it is kept.

The settings are JSON, alone in a file or inside a larger one; the mean image is a .npy
file in the same folder. `netloom.images.preprocessing` does the work. By hand:

    from netloom import images
    images.Preprocessing.load(path).input_shape
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from netloom.errors import InvalidInput
from netloom.images.decode import MAX_PIXELS, Channels
from netloom.images.mean import Floats, pixel_mean
from netloom.images.resize import Interpolation, ResizeMode

Side = Annotated[int, Field(ge=1, le=65_500)]  # no JPEG has a longer side
Byte = Annotated[int, Field(ge=0, le=255)]
MEAN_FILE = "mean.npy"


class PreprocessingRecord(BaseModel):
    """The settings, and the mean image that goes with them."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    width: Side = Field(description="Width after resizing, in pixels")
    height: Side = Field(description="Height after resizing, in pixels")
    channels: Channels = Field(3, description="1 is grey, 3 is colour")
    resize_mode: ResizeMode = Field("squash", description="What gives way when the ratio differs")
    interpolation: Interpolation = Field("auto", description="How pixels are computed")
    fill: Literal["noise"] | tuple[Byte, ...] = Field(
        "noise", description="Padding: noise seeded by the image, or a grey or RGB colour"
    )
    stored: Literal["none", "png", "jpg"] = Field(
        "png", description="Encoding in the database; jpg is lossy and applied to new images too"
    )
    channel_order: Literal["rgb", "bgr"] = Field("rgb", description="Order of the input planes")
    scale: float = Field(255.0, gt=0, description="What the brightest value, 255, becomes")
    mean: Literal["none", "pixel", "image"] = Field("none", description="What is subtracted")
    mean_pixel: tuple[float, ...] = Field(
        (), description="One value per channel, in channel order and scale of the input"
    )
    mean_file: str = Field(
        "", pattern=r"^[\w.-]*$", description="Name of the mean image (.npy) beside this record"
    )
    crop_width: Side | None = Field(None, description="Width of the centre that is kept")
    crop_height: Side | None = Field(None, description="Height of the centre that is kept")
    whiten: bool = Field(
        False, description="Each image, as cropped, is brought to mean 0 and deviation 1"
    )
    dimension_order: Literal["NCHW", "NCWH", "NHWC", "NWHC"] = "NCHW"
    dtype: Literal["float32", "uint8"] = "float32"

    _mean_image: Floats | None = PrivateAttr(None)  # C x H x W, in channel_order

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.mean == "pixel" and len(self.mean_pixel) != self.channels:
            raise ValueError(f"mean_pixel needs {self.channels} value(s)")
        if self.mean == "image" and not self.mean_file:
            raise ValueError("mean_file is missing")
        if self.fill != "noise" and len(self.fill) != self.channels:
            raise ValueError(f"fill needs {self.channels} value(s)")
        if self.width * self.height > MAX_PIXELS:
            raise ValueError(f"the image has more than {MAX_PIXELS:,} pixels")
        width, height = self.input_size
        if width > self.width or height > self.height:
            raise ValueError("the crop is larger than the image")
        return self

    @property
    def input_size(self) -> tuple[int, int]:
        """Width and height of the network's input, after cropping."""
        return self.crop_width or self.width, self.crop_height or self.height

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the network's input, after cropping."""
        width, height = self.input_size
        return self.channels, height, width

    @property
    def crop_window(self) -> tuple[slice, slice]:
        """Rows and columns of the resized image that the centre crop keeps."""
        width, height = self.input_size
        top, left = (self.height - height) // 2, (self.width - width) // 2
        return slice(top, top + height), slice(left, left + width)

    # The mean.

    @property
    def mean_image(self) -> Floats | None:
        """The mean image, C x height x width in channel_order; None unless mean is "image"."""
        return self._mean_image

    @property
    def mean_values(self) -> npt.NDArray[np.float32] | None:
        """What is subtracted before cropping, C x 1 x 1 or C x height x width; None if nothing."""
        if self.mean == "none":
            return None
        if self.mean == "pixel":
            return np.array(self.mean_pixel, np.float32).reshape(-1, 1, 1)
        if self._mean_image is None:
            raise InvalidInput(f"The mean image {self.mean_file} is not loaded.")
        return self._mean_image.astype(np.float32)

    def with_mean(
        self, mean: Literal["none", "pixel", "image"], planes: Floats | None = None
    ) -> Self:
        """Return a copy that subtracts nothing, the pixel mean or all of a mean image.

        `planes` is the mean image, C x height x width in channel_order and on the input's scale.
        """
        values = self.model_dump() | {"mean": mean, "mean_pixel": (), "mean_file": ""}
        if mean == "none":
            return type(self)(**values)
        if planes is None:
            raise InvalidInput("The mean image is missing.")
        if mean == "pixel":
            return type(self)(**values | {"mean_pixel": pixel_mean(planes)})
        copy = type(self)(**values | {"mean_file": MEAN_FILE})
        copy._keep_mean(planes)
        return copy

    def with_changes(self, **changes: object) -> Self:
        """Return a checked copy with other values of some fields; the mean image stays.

        A mean is in the input's channel order and scale: those change before it is set.
        """
        if self.mean != "none" and {"channel_order", "scale"} & changes.keys():
            raise InvalidInput("The mean must be set after the channel order and the scale.")
        copy = type(self)(**self.model_dump() | changes)
        if copy.mean == "image" and self._mean_image is not None:
            copy._keep_mean(self._mean_image)
        return copy

    def _keep_mean(self, planes: Floats) -> None:
        if planes.shape != (self.channels, self.height, self.width):
            raise InvalidInput(
                f"The mean image has the shape {planes.shape}; "
                f"{(self.channels, self.height, self.width)} is needed."
            )
        self._mean_image = planes

    # On disk.

    def save(self, path: Path) -> None:
        """Write the record as JSON, and its mean image beside it."""
        path.write_text(self.model_dump_json(indent=2) + "\n")
        self.save_mean(path.parent)

    def save_mean(self, directory: Path) -> None:
        """Write the mean image, if any, under its name into a directory."""
        if self._mean_image is not None:
            np.save(directory / self.mean_file, self._mean_image, allow_pickle=False)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a record and its mean image; raise InvalidInput."""
        try:
            values = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise InvalidInput(f"The preprocessing {path.name} cannot be read.") from error
        return cls.parse(values, path.parent)

    @classmethod
    def parse(cls, values: Mapping[str, Any], directory: Path) -> Self:
        """Return the record that a larger JSON file holds; its mean image lies in `directory`."""
        try:
            record = cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "record"
            raise InvalidInput(
                f"The preprocessing cannot be used: {where}: {first['msg']}."
            ) from error
        if record.mean == "image":
            record._keep_mean(_read_planes(directory / record.mean_file))
        return record

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PreprocessingRecord) or self.model_dump() != other.model_dump():
            return False
        mine, others = self._mean_image, other._mean_image
        return mine is others or (
            mine is not None and others is not None and np.array_equal(mine, others)
        )

    def __hash__(self) -> int:
        return hash(self.model_dump_json())


def _read_planes(path: Path) -> Floats:
    try:
        planes = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"The mean image {path.name} cannot be read.") from error
    if planes.dtype.kind != "f":
        raise InvalidInput(f"The mean image {path.name} does not hold floating point numbers.")
    return planes  # type: ignore[no-any-return]
