"""The one preprocessing: the same numbers for an image alone, in a batch and from a database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydantic import ValidationError

from netloom import images
from netloom.errors import InvalidInput
from netloom.images import Preprocessing
from tests.images.pictures import difference, file, smooth

FILES = [
    file(smooth(60, 40)),
    file(smooth(40, 60), "JPEG"),
    file(smooth(33, 33, 1)),
    file(smooth(20, 30)),
    file(smooth(30, 20), "GIF"),
]
RANDOM = np.random.default_rng(3)


def small(**options: Any) -> Preprocessing:
    return Preprocessing(**{"width": 30, "height": 20} | options)


def mean_planes(record: Preprocessing) -> npt.NDArray[np.float64]:
    return RANDOM.uniform(90, 150, (record.channels, record.height, record.width))


RECORDS = [
    small(),
    small(channels=1),
    small(resize_mode="fill", mean="pixel", mean_pixel=(104.1, 116.7, 122.9), channel_order="bgr"),
    small(resize_mode="half_crop", scale=1.0, crop_width=17, crop_height=13),
    small(resize_mode="crop", stored="jpg"),
    small(channels=1, stored="jpg", crop_width=11),
    small(stored="none", dimension_order="NHWC", dtype="uint8"),
]
RECORDS += [record.with_mean("image", mean_planes(record)) for record in RECORDS[:6]]


@pytest.mark.parametrize("record", RECORDS, ids=range(len(RECORDS)))
def test_one_image_gives_the_numbers_of_its_batch(record: Preprocessing) -> None:
    batch = record.tensor(np.stack([record.pixels(data) for data in FILES]))
    for alone, row in zip((record(data) for data in FILES), batch, strict=True):
        assert np.array_equal(alone, row[np.newaxis])
    if record.dimension_order == "NCHW":
        assert batch.shape == (len(FILES), *record.input_shape)
    assert batch.dtype == record.dtype
    assert batch.flags.c_contiguous


@pytest.mark.parametrize("record", RECORDS, ids=range(len(RECORDS)))
def test_a_database_holds_the_pixels_of_a_new_image(record: Preprocessing) -> None:
    for data in FILES:
        kept = record.store(data)
        value = images.pack_datum(
            kept.data, record.width, record.height, record.channels, label=0, encoded=kept.encoded
        )
        entry = images.unpack_datum(value)
        assert np.array_equal(entry.pixels(), record.pixels(data))
        assert np.array_equal(kept.bgr, entry.pixels(order="bgr"))
        assert kept.encoded == (record.stored != "none")


@pytest.mark.parametrize("record", RECORDS, ids=range(len(RECORDS)))
def test_the_arithmetic_is_the_documented_one(record: Preprocessing) -> None:
    pixels = np.stack([record.pixels(data) for data in FILES])
    values = pixels.transpose(0, 3, 1, 2).astype(np.float32)
    if record.channel_order == "bgr":
        values = values[:, ::-1]
    if record.scale != 255:
        values = values * np.float32(record.scale / 255)
    if record.mean == "pixel":
        values = values - np.array(record.mean_pixel, np.float32)[:, None, None]
    if record.mean_image is not None:
        values = values - record.mean_image.astype(np.float32)
    width, height = record.crop_width or 30, record.crop_height or 20
    top, left = (20 - height) // 2, (30 - width) // 2
    expected = values[:, :, top : top + height, left : left + width]
    if record.dimension_order == "NHWC":
        expected = expected.transpose(0, 2, 3, 1)
    assert np.array_equal(record.tensor(pixels), expected)


def test_lossy_storage_is_applied_to_new_images() -> None:
    plain, lossy = small().pixels(FILES[0]), small(stored="jpg").pixels(FILES[0])
    assert 0 < difference(plain, lossy) < 60
    again = images.decode(images.encode(plain, "jpg"), 3)
    assert np.array_equal(lossy, again)


def test_pixels_are_rgb_with_an_axis_for_channels() -> None:
    record = Preprocessing(width=60, height=40)
    assert np.array_equal(record.pixels(FILES[0]), smooth(60, 40))
    assert small(channels=1).pixels(FILES[0]).shape == (20, 30, 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_fitting_png_is_kept_as_it_is(channels: int) -> None:
    record = small(channels=channels)
    data = file(smooth(30, 20, channels))
    assert record.store(data).data == data
    assert record.store(file(smooth(30, 20, 4 - channels))).data != data


def test_a_png_with_more_than_pixels_is_encoded_again() -> None:
    record = small()
    key = file(smooth(30, 20), transparency=(0, 0, 0))
    kept = record.store(key).data
    assert b"tRNS" in key
    assert b"tRNS" not in kept
    loose = file(smooth(30, 20)) + b"more"
    assert not record.store(loose).data.endswith(b"more")


@pytest.mark.parametrize("order", ["NCHW", "NCWH", "NHWC", "NWHC"])
def test_dimension_orders(order: str) -> None:
    plain = small()(FILES[0])
    axes = ["NCHW".index(axis) for axis in order]
    assert np.array_equal(small(dimension_order=order)(FILES[0]), plain.transpose(axes))


def test_bytes_are_rounded_and_clipped() -> None:
    record = small(dtype="uint8", scale=510.0, mean="pixel", mean_pixel=(10.4, 10.4, 10.4))
    values = record.with_changes(dtype="float32")(FILES[0])
    assert values.min() < 0
    assert values.max() > 255
    assert np.array_equal(record(FILES[0]), np.clip(np.rint(values), 0, 255))


def test_fill_colour_is_rgb() -> None:
    record = small(resize_mode="fill", fill=(255, 10, 0))
    assert record.pixels(FILES[1])[10, 0].tolist() == [255, 10, 0]


@pytest.mark.parametrize("record", RECORDS, ids=range(len(RECORDS)))
def test_records_survive_storage(record: Preprocessing, tmp_path: Path) -> None:
    path = tmp_path / "preprocessing.json"
    record.save(path)
    loaded = Preprocessing.load(path)
    assert loaded == record
    assert np.array_equal(loaded(FILES[0]), record(FILES[0]))
    inside = json.loads(json.dumps({"preprocessing": record.model_dump(mode="json")}))
    assert Preprocessing.parse(inside["preprocessing"], tmp_path) == record


def test_records_with_other_means_differ() -> None:
    record = small()
    one, other = (record.with_mean("image", mean_planes(record)) for _ in range(2))
    assert one != other
    assert one != record
    assert one.with_mean("none") == record
    assert one == record.with_mean("image", one.mean_image)
    assert hash(one) == hash(record.with_mean("image", one.mean_image))


def test_order_and_scale_change_before_the_mean() -> None:
    record = small().with_mean("image", mean_planes(small()))
    assert np.array_equal(record.with_changes(crop_width=9).mean_image, record.mean_image)
    for change in ({"channel_order": "bgr"}, {"scale": 1.0}):
        with pytest.raises(InvalidInput, match="mean must be set after"):
            record.with_changes(**change)


def test_pixel_mean_is_the_average_of_the_planes() -> None:
    planes = mean_planes(small())
    record = small().with_mean("pixel", planes)
    assert record.mean_pixel == pytest.approx(planes.mean(axis=(1, 2)))


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"widht": 3}, "widht"),
        ({"width": 0}, "width"),
        ({"width": 50_000, "height": 50_000}, "more than 100,000,000 pixels"),
        ({"channels": 2}, "channels"),
        ({"resize_mode": "stretch"}, "resize_mode"),
        ({"scale": 0}, "scale"),
        ({"scale": float("nan")}, "scale"),
        ({"mean": "pixel", "mean_pixel": (1,)}, "mean_pixel needs 3"),
        ({"mean": "image"}, "mean_file is missing"),
        ({"mean": "image", "mean_file": "../mean.npy"}, "mean_file"),
        ({"fill": (1, 2)}, "fill needs 3"),
        ({"crop_width": 31}, "crop is larger"),
    ],
)
def test_unusable_records_are_refused(options: dict[str, Any], where: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=where):
        small(**options)
    values = {"width": 30, "height": 20} | options
    with pytest.raises(InvalidInput, match="preprocessing cannot be used") as caught:
        Preprocessing.parse(values, tmp_path)
    assert where in caught.value.message


def test_files_that_are_not_records_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "preprocessing.json"
    with pytest.raises(InvalidInput, match="cannot be read"):
        Preprocessing.load(path)
    path.write_text("{")
    with pytest.raises(InvalidInput, match="cannot be read"):
        Preprocessing.load(path)
    small().with_mean("image", mean_planes(small())).save(path)
    (tmp_path / "mean.npy").write_bytes(b"nothing")
    with pytest.raises(InvalidInput, match=r"mean image mean\.npy cannot be read"):
        Preprocessing.load(path)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(InvalidInput, match="images have the shape"):
        small().tensor(np.zeros((1, 30, 20, 3), np.uint8))
    with pytest.raises(InvalidInput, match="mean image has the shape"):
        small().with_mean("image", np.zeros((3, 30, 20)))
    with pytest.raises(InvalidInput, match="mean image is missing"):
        small().with_mean("image")
    with pytest.raises(InvalidInput, match="not loaded"):
        small(mean="image", mean_file="mean.npy")(FILES[0])


def test_whitened_images_have_mean_0_and_deviation_1() -> None:
    record = Preprocessing(width=9, height=7, whiten=True)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 7, 9, 3), np.uint8)
    pixels[1] //= 8
    pixels[2] = 40  # one colour: nothing to spread
    values = record.tensor(pixels)
    assert values.dtype == np.float32
    assert values.mean((1, 2, 3)) == pytest.approx([0, 0, 0], abs=1e-6)
    assert values.std((1, 2, 3)) == pytest.approx([1, 1, 0], abs=1e-5)
    assert np.array_equal(values[:1], record.tensor(pixels[:1]))
