"""
Preprocessing: the one way from the bytes of an image to the numbers a network gets.

The same frozen record is used when a dataset is built, when training validates and when
a model predicts, and it is stored with each, so the same image gives the same numbers
everywhere. It has two halves:

    pixels   decode, resize, and for datasets kept as JPEG the loss of that
             encoding: the uint8 image that a database holds
    tensor   channel order, scale, mean, centre crop, layout: the network's input

The arithmetic of `tensor` is float32 and one operation per step, so that any library
can repeat it bit by bit (c is the channel, in `channel_order`):

    v = float32(pixel)
    v = v * float32(scale / 255)      left out if scale is 255
    v = v - float32(mean)             mean[c], or mean[c, y, x] before cropping
    v = v[top : top + crop_height, left : left + crop_width]
        where top = (height - crop_height) // 2 and left = (width - crop_width) // 2

By hand:

    from netloom import images
    small = images.Preprocessing(width=32, height=32, mean="pixel", mean_pixel=(127, 127, 127))
    small(images.sample()).shape  # (1, 3, 32, 32)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from netloom.errors import InvalidInput
from netloom.images.datum import raw_bytes
from netloom.images.decode import MAX_PIXELS, Channels, Pixels, decode, swap_order
from netloom.images.encode import encode
from netloom.images.header import is_plain_png
from netloom.images.mean import Floats, pixel_mean
from netloom.images.resize import Interpolation, ResizeMode, resize

Side = Annotated[int, Field(ge=1, le=65_500)]  # no JPEG has a longer side
Byte = Annotated[int, Field(ge=0, le=255)]
MEAN_FILE = "mean.npy"


@dataclass(frozen=True, eq=False)
class StoredImage:
    """One image as a database keeps it."""

    data: bytes  # PNG or JPEG file, or raw C x H x W bytes (BGR)
    encoded: bool
    bgr: Pixels  # H x W x C, what the data gives when it is decoded; for the mean image


class Preprocessing(BaseModel):
    """What happens to an image before a network sees it."""

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

    # From bytes to the pixels of a database.

    def pixels(self, data: bytes, *, max_pixels: int = MAX_PIXELS) -> Pixels:
        """Return height x width x channels pixels, RGB; raise UnreadableImage."""
        if self.stored == "jpg":
            bgr = self.store(data, max_pixels=max_pixels).bgr
        else:
            bgr = self._resized(data, max_pixels)
        if self.channels == 3:
            return swap_order(bgr)
        return bgr.reshape(self.height, self.width, 1)

    def store(self, data: bytes, *, max_pixels: int = MAX_PIXELS) -> StoredImage:
        """Return what a database keeps of the image; raise UnreadableImage."""
        bgr = self._resized(data, max_pixels)
        shape = (self.height, self.width, self.channels)
        if self.stored == "none":
            return StoredImage(raw_bytes(bgr, order="bgr"), False, bgr.reshape(shape))
        if self.stored == "png" and is_plain_png(data, self.width, self.height, self.channels):
            return StoredImage(data, True, bgr.reshape(shape))  # already as we would write it
        kept = encode(bgr, self.stored, order="bgr")
        if self.stored == "jpg":
            bgr = decode(kept, self.channels, order="bgr")
        return StoredImage(kept, True, bgr.reshape(shape))

    def _resized(self, data: bytes, max_pixels: int) -> Pixels:
        # BGR throughout: it saves passes over the pixels, and the noise must not
        # depend on which order a caller wants.
        image = decode(data, self.channels, max_pixels=max_pixels, order="bgr")
        fill = self.fill if self.fill == "noise" else self.fill[::-1]
        return resize(
            image,
            self.width,
            self.height,
            self.resize_mode,
            interpolation=self.interpolation,
            fill=fill,
        )

    # From pixels to the input of the network.

    def tensor(self, pixels: Pixels) -> npt.NDArray[Any]:
        """Return the network's input for N x height x width x channels RGB pixels.

        The input is N x C x H x W float32 unless dimension_order and dtype say otherwise; H and W
        are those of the crop, if any. Raises InvalidInput if the pixels have another shape.
        """
        if pixels.shape[1:] != (self.height, self.width, self.channels):
            raise InvalidInput(
                f"The images have the shape {pixels.shape[1:]}; "
                f"{(self.height, self.width, self.channels)} is needed."
            )
        rows, columns = self.crop_window
        planes = pixels[:, rows, columns].transpose(0, 3, 1, 2)
        if self.channel_order == "bgr":
            planes = planes[:, ::-1]
        values = planes.astype(np.float32, order="C")
        if self.scale != 255:
            values *= np.float32(self.scale / 255)
        if self._cropped_mean is not None:
            values -= self._cropped_mean
        return self._laid_out(values)

    def __call__(self, data: bytes, *, max_pixels: int = MAX_PIXELS) -> npt.NDArray[Any]:
        """Return the network's input for one image file, N = 1; raise UnreadableImage."""
        return self.tensor(self.pixels(data, max_pixels=max_pixels)[np.newaxis])

    def _laid_out(self, values: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        if self.dimension_order != "NCHW":
            axes = ["NCHW".index(axis) for axis in self.dimension_order]
            values = np.ascontiguousarray(values.transpose(axes))
        if self.dtype == "uint8":
            return np.clip(np.rint(values), 0, 255).astype(np.uint8)
        return values

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

    @cached_property
    def _cropped_mean(self) -> npt.NDArray[np.float32] | None:
        mean = self.mean_values
        if mean is None or self.mean == "pixel":
            return mean
        rows, columns = self.crop_window
        return np.ascontiguousarray(mean[:, rows, columns])

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
        """Return a checked copy with other values of some fields; the mean image stays."""
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
        if not isinstance(other, Preprocessing) or self.model_dump() != other.model_dump():
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
