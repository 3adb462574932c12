"""What is written can be read again."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from netloom import images
from netloom.errors import InvalidInput
from tests.images.pictures import difference, smooth


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (28, 28), (200, 90)], ids=str)
def test_png_keeps_every_pixel(channels: int, size: tuple[int, int]) -> None:
    image = smooth(*size, channels)
    data = images.encode(image, "png")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), image)
    if channels == 3:
        assert images.encode(image[:, :, ::-1], "png", order="bgr") == data


def test_jpg_has_quality_90() -> None:
    data = images.encode(smooth(), "jpg")
    picture = Image.open(io.BytesIO(data))
    reference = io.BytesIO()
    Image.fromarray(smooth()).save(reference, "JPEG", quality=90)
    assert picture.quantization == Image.open(reference).quantization
    assert difference(np.asarray(picture), smooth()) < 40


def test_a_plane_with_an_axis_of_its_own_is_grey() -> None:
    image = smooth(channels=1)
    assert images.encode(image[:, :, None], "png") == images.encode(image, "png")


def test_unknown_formats_are_refused() -> None:
    with pytest.raises(InvalidInput, match="cannot be encoded as 'gif'"):
        images.encode(smooth(), "gif")


def test_the_sample_is_a_colour_picture_of_640_x_480() -> None:
    assert images.decode(images.sample(), 3).shape == (480, 640, 3)
