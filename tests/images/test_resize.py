"""The geometry of the four resize modes, and what stands in the padding."""

from __future__ import annotations

import itertools
from typing import get_args

import numpy as np
import pytest

from netloom import images
from netloom.errors import ImageTooLarge, InvalidInput
from netloom.images import Interpolation, ResizeMode, plan_resize
from tests.images.pictures import difference, smooth

MODES = get_args(ResizeMode)
SIDES = [1, 2, 3, 7, 28, 100, 101, 333, 640]
SHAPES = list(itertools.product(SIDES, SIDES))
TARGETS = [(1, 1), (28, 28), (27, 28), (64, 33), (224, 224), (301, 17)]


@pytest.mark.parametrize(
    ("mode", "size", "target", "scaled", "cut", "pad"),
    [
        ("squash", (640, 480), (256, 256), (256, 256), (0, 0), (0, 0)),
        ("crop", (640, 480), (224, 224), (299, 224), (38, 0), (0, 0)),
        ("crop", (480, 640), (224, 224), (224, 299), (0, 38), (0, 0)),
        ("crop", (640, 480), (256, 256), (341, 256), (43, 0), (0, 0)),
        ("crop", (300, 200), (50, 50), (75, 50), (13, 0), (0, 0)),
        ("fill", (640, 480), (224, 224), (224, 168), (0, 0), (0, 28)),
        ("fill", (480, 640), (224, 224), (168, 224), (0, 0), (28, 0)),
        # 100 x 33.3 is 33 rows, 67 are missing: one more row makes that 2 x 33.
        ("fill", (300, 100), (100, 100), (100, 34), (0, 0), (0, 33)),
        ("fill", (100, 300), (100, 100), (34, 100), (0, 0), (33, 0)),
        ("fill", (1000, 1), (50, 50), (50, 2), (0, 0), (0, 24)),
        ("fill", (1000, 1), (51, 51), (51, 1), (0, 0), (0, 25)),
        # The ratios 2.5 and 1.875 have the mean 2.1875.
        ("half_crop", (640, 480), (256, 256), (293, 220), (19, 0), (0, 18)),
        ("half_crop", (480, 640), (256, 256), (220, 293), (0, 19), (18, 0)),
        # 640 / 2.5 and 427 / 2.5 with an odd number of missing rows.
        ("half_crop", (300, 100), (100, 100), (150, 50), (25, 0), (0, 25)),
        ("half_crop", (300, 102), (100, 100), (149, 52), (25, 0), (0, 24)),
        *((mode, (640, 480), (320, 240), (320, 240), (0, 0), (0, 0)) for mode in MODES),
        *((mode, (7, 7), (100, 100), (100, 100), (0, 0), (0, 0)) for mode in MODES),
    ],
)
def test_worked_examples(
    mode: ResizeMode,
    size: tuple[int, int],
    target: tuple[int, int],
    scaled: tuple[int, int],
    cut: tuple[int, int],
    pad: tuple[int, int],
) -> None:
    assert plan_resize(*size, *target, mode) == (*scaled, cut, pad)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_every_plan_ends_at_the_target(mode: ResizeMode, target: tuple[int, int]) -> None:
    for size in SHAPES:
        plan = plan_resize(*size, *target, mode)
        for side, wanted, cut, pad in zip(plan[:2], target, plan.cut, plan.pad, strict=True):
            assert side >= 1
            assert cut == max(0, (side - wanted + 1) // 2)
            assert pad == 0 or 2 * pad + side == wanted, (size, plan)
            assert side + 2 * pad >= wanted


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_modes_do_what_their_names_say(target: tuple[int, int]) -> None:
    for size in SHAPES:
        crop = plan_resize(*size, *target, "crop")
        assert crop.pad == (0, 0)
        assert min(crop.width - target[0], crop.height - target[1]) == 0
        fill = plan_resize(*size, *target, "fill")
        assert fill.cut == (0, 0)
        assert fill.width == target[0] or fill.height == target[1]
        both = plan_resize(*size, *target, "half_crop")
        assert fill.width <= both.width <= crop.width or both.width == target[0]
        assert min(both.pad) == 0 == min(both.cut)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (5, 90), (90, 5), (41, 30), (300, 200)], ids=str)
def test_pixels_have_the_wanted_size(
    mode: ResizeMode, channels: int, size: tuple[int, int]
) -> None:
    image = smooth(*size, channels)
    for width, height in TARGETS:
        resized = images.resize(image, width, height, mode)
        assert resized.shape == (height, width, *image.shape[2:])
        assert resized.dtype == np.uint8
        assert resized.flags.c_contiguous


@pytest.mark.parametrize("mode", MODES)
def test_an_image_of_the_right_size_is_left_alone(mode: ResizeMode) -> None:
    image = smooth(40, 30)
    assert images.resize(image, 40, 30, mode) is image


def test_crop_keeps_the_centre() -> None:
    image = np.zeros((10, 30), np.uint8)
    image[:, 10:20] = 200
    assert np.all(images.resize(image, 10, 10, "crop") == 200)


@pytest.mark.parametrize("mode", ["fill", "half_crop"])
def test_the_picture_stands_in_the_middle_of_noise(mode: ResizeMode) -> None:
    image = np.full((40, 120, 3), 255, np.uint8)
    resized = images.resize(image, 60, 60, mode)
    pad = plan_resize(120, 40, 60, 60, mode).pad[1]
    assert pad > 0
    assert np.all(resized[pad:-pad] == 255)
    noise = np.concatenate([resized[:pad], resized[-pad:]])
    assert noise.max() <= 254
    assert 110 < noise.mean() < 144  # uniform 0..254 has the mean 127
    assert noise.std() > 65
    assert np.any(noise[..., 0] != noise[..., 1])
    assert np.any(resized[:pad] != resized[-pad:])


def test_the_same_image_gets_the_same_noise() -> None:
    image = smooth(90, 30)
    first = images.resize(image, 50, 50, "fill")
    np.random.seed(1)  # the global random numbers play no part
    assert np.array_equal(images.resize(image.copy(), 50, 50, "fill"), first)
    other = images.resize(255 - image, 50, 50, "fill")
    assert np.any(other[0] != first[0])


def test_fill_colours() -> None:
    grey = images.resize(smooth(90, 30, 1), 50, 50, "fill", fill=(7,))
    assert np.all(grey[:16] == 7)
    colour = images.resize(smooth(90, 30), 50, 50, "fill", fill=(255, 0, 9))
    assert np.all(colour[-16:] == (255, 0, 9))
    with pytest.raises(InvalidInput, match="fill colour has 1 values; the image has 3"):
        images.resize(smooth(90, 30), 50, 50, "fill", fill=(7,))


def test_shrinking_does_not_alias() -> None:
    stripes = np.tile(np.array([0, 255], np.uint8), (200, 100))
    assert difference(images.resize(stripes, 20, 20), np.full((20, 20), 128, np.uint8)) <= 1
    # One side grows while the other shrinks: that one must not alias either.
    assert difference(images.resize(stripes, 20, 400), np.full((400, 20), 128, np.uint8)) <= 1


def test_enlarging_interpolates() -> None:
    ramp = np.array([[0, 100]], np.uint8)
    assert images.resize(ramp, 8, 1)[0].tolist() == sorted(images.resize(ramp, 8, 1)[0].tolist())
    assert len(set(images.resize(ramp, 8, 1)[0].tolist())) > 3


@pytest.mark.parametrize("interpolation", get_args(Interpolation))
def test_every_interpolation_keeps_a_plain_colour(interpolation: Interpolation) -> None:
    plain = np.full((30, 50, 3), (10, 120, 250), np.uint8)
    for width, height in TARGETS:
        resized = images.resize(plain, width, height, interpolation=interpolation)
        assert np.all(resized == (10, 120, 250))


def test_unusable_options_are_named() -> None:
    with pytest.raises(InvalidInput, match="no resize mode 'stretch'"):
        images.resize(smooth(), 9, 9, "stretch")
    with pytest.raises(InvalidInput, match="no interpolation 'magic'"):
        images.resize(smooth(), 9, 9, interpolation="magic")
    with pytest.raises(InvalidInput, match="cannot be resized to 0 x 9"):
        images.resize(smooth(), 0, 9)


def test_extreme_shapes_do_not_fill_the_memory() -> None:
    strip = np.zeros((1, 1_000_000), np.uint8)
    with pytest.raises(ImageTooLarge, match="would have 256000000 x 256"):
        images.resize(strip, 256, 256, "crop")
    for mode in ("squash", "fill", "half_crop"):
        assert images.resize(strip, 256, 256, mode).shape == (256, 256)
