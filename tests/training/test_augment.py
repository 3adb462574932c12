"""Augmentations: what comes out lies in the promised ranges, and is drawn anew for each image."""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np
import pytest
import torch

from netloom.training.augment import Augmentations, Augmenter
from netloom.training.augment.colour import shift_colours

MANY = 400
PICTURE = np.random.default_rng(5).integers(0, 256, (8, 8, 3), np.uint8)


def varied(
    pixels: np.ndarray,
    *,
    epoch: int = 0,
    place: int = 0,
    corners: Any = None,
    size: tuple[int, int] | None = None,
    seed: int = 1,
    **wanted: Any,
) -> np.ndarray:
    """Return N x H x W x C floats."""
    values = Augmenter(Augmentations(**wanted), seed=seed)(
        torch.from_numpy(pixels),
        epoch=epoch,
        place=place,
        corners=None if corners is None else torch.from_numpy(corners),
        size=size or pixels.shape[1:3],
    )
    return values.permute(0, 2, 3, 1).numpy()


def copies(picture: np.ndarray, count: int = MANY) -> np.ndarray:
    return np.repeat(picture[None], count, 0)


EVERYTHING: dict[str, Any] = {
    "flip": "fliplrud",
    "quad_rot": "rotall",
    "rot": 20,
    "scale": 0.1,
    "hue": 0.1,
    "saturation": 0.1,
    "value": 0.1,
    "contrast": 0.5,
    "noise": 0.02,
}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"flip": "fliplr"}, [PICTURE, PICTURE[:, ::-1]]),
        ({"flip": "flipud"}, [PICTURE, PICTURE[::-1]]),
        (
            {"flip": "fliplrud"},
            [PICTURE, PICTURE[:, ::-1], PICTURE[::-1], PICTURE[::-1, ::-1]],
        ),
        ({"quad_rot": "rot90"}, [PICTURE, np.rot90(PICTURE), np.rot90(PICTURE, 3)]),
        ({"quad_rot": "rot180"}, [PICTURE, np.rot90(PICTURE, 2)]),
        ({"quad_rot": "rotall"}, [np.rot90(PICTURE, turns) for turns in range(4)]),
    ],
)
def test_flips_and_quarter_turns_are_exact_and_equally_frequent(wanted, expected):
    found = varied(copies(PICTURE), **wanted)
    counts = [sum(np.array_equal(one, other) for one in found) for other in expected]
    assert sum(counts) == MANY
    assert min(counts) > 0.7 * MANY / len(expected)


def test_a_flip_and_a_turn_together_give_all_eight_positions():
    found = {one.tobytes() for one in varied(copies(PICTURE), flip="fliplr", quad_rot="rotall")}
    assert len(found) == 8


def test_an_image_that_is_not_square_is_turned_to_its_own_size():
    wide = np.zeros((4, 8, 1), np.uint8)
    wide[:, :4] = 200  # the left half
    found = varied(copies(wide), quad_rot="rot90")
    sides = {tuple(one[[0, -1, 0], [0, 0, -1], 0]) for one in found}
    assert sides == {(200, 200, 0), (200, 0, 200), (0, 200, 0)}  # left, top and bottom half


def spot(row: int, column: int) -> np.ndarray:
    picture = np.zeros((41, 41, 1), np.uint8)
    picture[row - 2 : row + 3, column - 2 : column + 3] = 255
    return picture


def centres(found: np.ndarray) -> np.ndarray:
    """Return where the light of each image is: N x 2, right and down from the middle."""
    light = found[..., 0] / found[..., 0].sum((1, 2), keepdims=True)
    places = np.arange(41) - 20
    return np.stack([(light.sum(1) * places).sum(1), (light.sum(2) * places).sum(1)], 1)


def test_rotation_is_uniform_to_both_sides():
    right, down = centres(varied(copies(spot(20, 32)), rot=30)).T
    assert np.hypot(right, down) == pytest.approx(12, abs=0.3)
    angles = np.degrees(np.arctan2(down, right))
    assert -30.5 < angles.min() < -27
    assert 27 < angles.max() < 30.5
    assert angles.std() == pytest.approx(30 / np.sqrt(3), rel=0.1)


def test_an_image_that_is_not_square_is_turned_without_being_bent():
    wide = np.zeros((21, 41, 1), np.uint8)
    wide[8:13, 24:29] = 255  # 6 to the right of the middle
    wide[3:8, 18:23] = 255  # and 5 above it
    for one in varied(copies(wide, 20), rot=40)[..., 0]:
        rows, columns = np.nonzero(one > 200)
        places = np.stack([columns - 20, rows - 10], 1)
        assert np.hypot(*places.T).max() < 9.5  # the corners of both squares are at 8.6


def test_scale_is_the_deviation_of_the_factor():
    right, down = centres(varied(copies(spot(20, 30)), scale=0.1)).T
    assert down == pytest.approx(0, abs=0.01)
    assert (right / 10).mean() == pytest.approx(1, abs=0.03)
    assert (right / 10).std() == pytest.approx(0.1, rel=0.15)


def test_beyond_its_edge_an_image_goes_on():
    plain = np.full((9, 9, 3), 77, np.uint8)
    assert varied(copies(plain, 50), rot=180, scale=0.5) == pytest.approx(77, abs=1e-3)


def test_a_crop_of_a_moved_image_is_cut_from_the_moved_image():
    corners = np.random.default_rng(2).integers(0, 4, (50, 2))
    whole = varied(copies(PICTURE, 50), flip="fliplr", rot=45)
    cropped = varied(copies(PICTURE, 50), flip="fliplr", rot=45, corners=corners, size=(5, 5))
    for one, other, (row, column) in zip(whole, cropped, corners, strict=True):
        assert other == pytest.approx(one[row : row + 5, column : column + 5], abs=1e-3)


# Colours.


def test_shifts_of_hue_saturation_and_value_are_those_of_the_colour_model():
    random = np.random.default_rng(3)
    colours = random.integers(0, 256, (300, 3))
    colours[:4] = [(0, 0, 0), (255, 255, 255), (90, 90, 90), (10, 10, 200)]
    shifts = random.normal(0, 0.3, (300, 3))
    found = shift_colours(
        torch.from_numpy(colours.astype(np.float32))[:, :, None, None],
        torch.from_numpy(shifts.astype(np.float32)),
    )
    for colour, (hue, saturation, value), one in zip(colours, shifts, found, strict=True):
        h, s, v = colorsys.rgb_to_hsv(*colour / 255)
        s = np.clip(s + saturation, 0, 1) if s else 0
        expected = colorsys.hsv_to_rgb((h + hue) % 1, s, np.clip(v + value, 0, 1))
        assert one.flatten().tolist() == pytest.approx(np.array(expected) * 255, abs=2e-3)


def test_shifts_have_the_deviations_that_were_asked_for():
    plain = np.full((2, 2, 3), (160, 100, 80), np.uint8)
    found = varied(copies(plain), hue=0.02, saturation=0.05, value=0.1)
    before = colorsys.rgb_to_hsv(*np.array([160, 100, 80]) / 255)
    after = np.array([colorsys.rgb_to_hsv(*one[0, 0] / 255) for one in found])
    after[after[:, 0] > 0.5, 0] -= 1
    assert after.mean(0) == pytest.approx(before, abs=0.015)
    assert after.std(0) == pytest.approx((0.02, 0.05, 0.1), rel=0.15)


def test_of_grey_images_the_value_alone_changes():
    plain = np.full((2, 2, 1), 120, np.uint8)
    found = varied(copies(plain), hue=0.1, saturation=0.1, value=0.1)
    assert (found / 255).std() == pytest.approx(0.1, rel=0.15)
    assert (found == found[:, :1, :1]).all()


def test_contrast_is_multiplied_around_the_mean():
    calm = (PICTURE // 4 + 90).astype(np.uint8)
    found = varied(copies(calm), contrast=0.8)
    distance = calm - calm.mean((0, 1))
    factors = ((found - calm.mean((0, 1))) * distance).sum((1, 2, 3)) / (distance**2).sum()
    for one, factor in zip(found[:20], factors[:20], strict=True):
        assert one == pytest.approx(calm.mean((0, 1)) + factor * distance, abs=1e-3)
    assert 0.2 <= factors.min() < 0.25
    assert 1.75 < factors.max() <= 1.8001
    strong = varied(copies(PICTURE), contrast=5)
    assert strong.min() >= 0
    assert strong.max() <= 255


def test_noise_has_the_deviation_of_the_whole_range():
    plain = np.full((16, 16, 3), 0, np.uint8)
    found = varied(copies(plain, 64), noise=0.1) / 255
    assert (found.mean(), found.std()) == pytest.approx((0, 0.1), abs=0.002)
    assert len({one.tobytes() for one in found}) == 64


# What is drawn.


def test_each_image_each_epoch_and_each_seed_draws_for_itself():
    first = varied(copies(PICTURE, 20), **EVERYTHING)
    assert len({one.tobytes() for one in first}) == 20
    assert np.array_equal(first, varied(copies(PICTURE, 20), **EVERYTHING))
    for changes in ({"epoch": 1}, {"seed": 2}, {"place": 20}):
        other = varied(copies(PICTURE, 20), **EVERYTHING, **changes)
        assert not {one.tobytes() for one in first} & {one.tobytes() for one in other}


def test_what_an_image_draws_depends_on_its_place_and_not_on_its_batch():
    quiet = {**EVERYTHING, "noise": 0}
    whole = varied(copies(PICTURE, 10), **quiet)
    parts = [varied(copies(PICTURE, 5), place=place, **quiet) for place in (0, 5)]
    assert np.concatenate(parts) == pytest.approx(whole, abs=1e-3)


def test_nothing_is_drawn_from_the_random_state_of_the_training():
    before = torch.get_rng_state()
    varied(copies(PICTURE, 4), **EVERYTHING)
    assert torch.equal(before, torch.get_rng_state())
