"""Which pixels a file becomes, for every kind of file that is read."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from netloom import images
from netloom.errors import UnsupportedImageMode
from netloom.images.header import read as read_header
from tests.images.pictures import difference, file, png, png_chunk, smooth

RGB = smooth()
GREY = smooth(channels=1)
LUMA = np.rint(RGB @ [0.299, 0.587, 0.114]).astype(np.uint8)
CLEAR = np.where(np.arange(40)[None, :] < 20, 0, 255).astype(np.uint8).repeat(30, axis=0)
HALF = np.full((30, 40), 128, np.uint8)


def with_alpha(image: images.Pixels, alpha: images.Pixels) -> Image.Image:
    picture = Image.fromarray(image)
    picture.putalpha(Image.fromarray(alpha))
    return picture


@pytest.mark.parametrize("format", ["PNG", "BMP", "PPM", "TIFF"])
def test_colour_files_give_their_pixels(format: str) -> None:
    data = file(RGB, format)
    assert np.array_equal(images.decode(data, 3), RGB)
    assert np.array_equal(images.decode(data, 3, order="bgr"), RGB[:, :, ::-1])
    assert difference(images.decode(data, 1), LUMA) <= 1


@pytest.mark.parametrize("format", ["PNG", "BMP", "PPM", "TIFF", "GIF"])
def test_grey_files_give_their_pixels(format: str) -> None:
    data = file(GREY, format)
    assert np.array_equal(images.decode(data, 1), GREY)
    assert np.array_equal(images.decode(data, 3), np.dstack([GREY] * 3))
    assert np.array_equal(images.decode(data, 3, order="bgr"), np.dstack([GREY] * 3))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}], ids=str)
def test_jpeg_files_give_nearly_their_pixels(options: dict[str, object]) -> None:
    data = file(RGB, "JPEG", quality=95, **options)
    assert difference(images.decode(data, 3), RGB) < 30
    assert difference(images.decode(data, 1), LUMA) < 12
    assert difference(images.decode(file(GREY, "JPEG", quality=95), 1), GREY) < 12


def test_webp_files_are_read() -> None:
    assert np.array_equal(images.decode(file(RGB, "WEBP", lossless=True), 3), RGB)


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_black_and_white_becomes_0_and_255(format: str) -> None:
    picture = Image.fromarray(GREY > 100)
    assert np.array_equal(images.decode(file(picture, format), 1), (GREY > 100) * np.uint8(255))


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_grey_of_few_bits_spans_the_whole_range(bits: int) -> None:
    levels = 2**bits
    width = 8 // bits
    packed = sum((k % levels) << (8 - bits * (k + 1)) for k in range(width))
    data = png(width, 1, bytes((0, packed)), depth=bits, colour_type=0)
    step = 255 // (levels - 1)
    assert images.decode(data, 1).tolist() == [[k % levels * step for k in range(width)]]


def test_transparency_shows_white() -> None:
    expected = np.where(CLEAR[:, :, None] == 0, 255, RGB)
    assert np.array_equal(images.decode(file(with_alpha(RGB, CLEAR)), 3), expected)
    expected_grey = np.where(CLEAR == 0, 255, GREY)
    assert np.array_equal(images.decode(file(with_alpha(GREY, CLEAR)), 1), expected_grey)


def test_half_transparency_is_mixed_with_white() -> None:
    expected = (RGB * (128 / 255) + 255 * (127 / 255)).round().astype(np.uint8)
    assert difference(images.decode(file(with_alpha(RGB, HALF)), 3), expected) <= 1


def test_palettes_become_colour() -> None:
    picture = Image.fromarray(RGB).quantize(32)
    expected = np.asarray(picture.convert("RGB"))
    assert np.array_equal(images.decode(file(picture), 3), expected)
    assert np.array_equal(images.decode(file(picture, "GIF"), 3), expected)


def test_transparent_palette_entry_shows_white() -> None:
    picture = Image.fromarray(RGB).quantize(8)
    index = int(np.asarray(picture)[0, 0])
    pixels = images.decode(file(picture, transparency=index), 3)
    assert np.all(pixels[np.asarray(picture) == index] == 255)
    other = np.asarray(picture) != index
    assert np.array_equal(pixels[other], np.asarray(picture.convert("RGB"))[other])


def test_a_colour_key_is_not_transparency() -> None:
    key = tuple(int(value) for value in RGB[0, 0])
    assert np.array_equal(images.decode(file(RGB, transparency=key), 3), RGB)
    assert np.array_equal(images.decode(file(GREY, transparency=int(GREY[0, 0])), 1), GREY)


def test_cmyk_becomes_colour() -> None:
    picture = Image.fromarray(RGB).convert("CMYK")
    assert difference(images.decode(file(picture, "TIFF"), 3), RGB) <= 1
    assert difference(images.decode(file(picture, "JPEG", quality=100), 3), RGB) < 12


def test_deep_colour_keeps_its_high_byte() -> None:
    row = b"\0" + b"".join(bytes((value, 7)) for value in (10, 20, 30, 200, 210, 220))
    assert images.decode(png(2, 1, row, depth=16), 3).tolist() == [[[10, 20, 30], [200, 210, 220]]]


@pytest.mark.parametrize(
    ("picture", "format"),
    [
        (Image.fromarray(GREY.astype(np.uint16) * 256), "PNG"),
        (Image.fromarray(GREY.astype(np.uint16) * 256), "TIFF"),
        (Image.fromarray(GREY.astype(np.int32)), "TIFF"),
        (Image.fromarray(GREY.astype(np.float32)), "TIFF"),
        (Image.fromarray(RGB).convert("LAB"), "TIFF"),
    ],
    ids=["I;16 PNG", "I;16 TIFF", "I", "F", "LAB"],
)
def test_other_modes_are_refused_by_name(picture: Image.Image, format: str) -> None:
    with pytest.raises(UnsupportedImageMode, match=r"image mode .* is not supported"):
        images.decode(file(picture, format), 3)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_orientation_is_ignored(format: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    turned = images.decode(file(RGB, format, exif=exif), 3)
    assert np.array_equal(turned, images.decode(file(RGB, format), 3))


def test_gamma_and_profiles_do_not_change_pixels() -> None:
    data = file(RGB)
    data = data[:33] + png_chunk(b"gAMA", (20_000).to_bytes(4, "big")) + data[33:]
    assert np.array_equal(images.decode(data, 3), RGB)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 9), (9, 1), (3, 2)])
@pytest.mark.parametrize("format", ["PNG", "JPEG", "BMP", "PPM", "GIF"])
def test_tiny_images_are_read(width: int, height: int, format: str) -> None:
    assert images.decode(file(smooth(width, height), format), 3).shape == (height, width, 3)


@pytest.mark.parametrize("comment", [b"# a comment\n", b"# one\n# two\n", b""])
def test_comments_in_pnm_headers(comment: bytes) -> None:
    data = b"P5\n" + comment + b"40 30\n255\n" + GREY.tobytes()
    assert np.array_equal(images.decode(data, 1), GREY)


def test_text_pnm_is_read() -> None:
    data = b"P2\n2 1\n255\n7 200\n"
    assert images.decode(data, 1).tolist() == [[7, 200]]


def test_top_down_bmp_is_read() -> None:
    data = bytearray(file(RGB, "BMP"))
    data[22:26] = (-30).to_bytes(4, "little", signed=True)
    assert np.array_equal(images.decode(bytes(data), 3), RGB[::-1])


@pytest.mark.parametrize("format", ["PNG", "JPEG", "BMP", "PPM"])
def test_headers_tell_size_and_kind(format: str) -> None:
    assert read_header(file(RGB, format))[1:] == (40, 30, "colour", True)
    kind = "other" if format == "BMP" else "grey"
    assert read_header(file(GREY, format))[1:] == (40, 30, kind, True)


def test_data_after_the_end_of_a_jpeg_is_allowed() -> None:
    data = file(RGB, "JPEG")
    assert np.array_equal(images.decode(data + b"trailer" * 9, 3), images.decode(data, 3))
