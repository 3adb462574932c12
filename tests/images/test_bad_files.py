"""Files that cannot be decoded: each is refused by one sentence, and none turns grey."""

from __future__ import annotations

import contextlib
import random
import struct
import zlib

import numpy as np
import pytest

from netloom import images
from netloom.errors import ImageTooLarge, UnreadableImage
from tests.images.pictures import file, png, png_chunk, png_header, smooth

RGB = smooth(200, 150)
FORMATS = ["PNG", "JPEG", "BMP", "PPM", "GIF", "TIFF", "WEBP"]


def refusal(data: bytes) -> str:
    with pytest.raises(UnreadableImage) as caught:
        images.decode(data, 3)
    assert caught.value.status == 400
    return caught.value.message


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The file is empty (0 bytes)."),
        (b"hello, I am a text\n", "The file is not an image: it does not start like PNG,"),
        (b"<html><body>404</body></html>", "The file is not an image"),
        (b"BM", "The file is cut off: the end of the BMP image is missing."),
        (b"\x89PNG\r\n\x1a\n", "The file is cut off: the end of the PNG image is missing."),
        (b"\xff\xd8\xff\xe0", "The file is cut off: the end of the JPEG image is missing."),
        (b"GIF89a", "The GIF image is damaged"),
        (b"II*\0", "The TIFF image is damaged"),
        (b"P5\n", "The PNM image is damaged"),
        (b"\0" * 100, "The file is not an image"),
    ],
)
def test_what_is_not_an_image_is_refused(data: bytes, sentence: str) -> None:
    assert refusal(data).startswith(sentence)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.99])
def test_cut_off_files_are_refused(format: str, share: float) -> None:
    data = file(RGB, format)
    assert refusal(data[: int(len(data) * share)])


@pytest.mark.parametrize("missing", [1, 2, 3, 30])
@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=str)
def test_a_jpeg_without_its_end_is_refused(missing: int, options: dict[str, bool]) -> None:
    data = file(RGB, "JPEG", **options)
    assert "cut off" in refusal(data[:-missing])


def test_a_thumbnail_does_not_hide_that_a_jpeg_is_cut_off() -> None:
    data = file(RGB, "JPEG", exif=b"Exif\0\0" + file(smooth(16, 12), "JPEG"))
    assert b"\xff\xd9" in data[:-2]
    assert "cut off" in refusal(data[: len(data) // 2 + 400])


def test_damaged_pixels_of_a_png_are_refused() -> None:
    data = bytearray(file(RGB))
    data[len(data) // 2] ^= 0x55
    assert refusal(bytes(data)) == "The PNG image is damaged and cannot be decoded."


def bmp_header(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, width, height, 1, 24, *[0] * 6)


def jpeg_header(width: int, height: int) -> bytes:
    data = bytearray(file(smooth(16, 16), "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def gif_header(width: int, height: int) -> bytes:
    data = bytearray(file(smooth(16, 16), "GIF"))
    data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        png_header(60_000, 60_000),
        png_header(60_000, 60_000, colour_type=6) + png_chunk(b"IEND", b""),
        png_header(60_000, 60_000, colour_type=3) + png_chunk(b"IEND", b""),
        jpeg_header(60_000, 60_000),
        bmp_header(60_000, 60_000),
        b"P6 60000 60000 255\n",
        b"P2 60000 60000 255\n",
        gif_header(60_000, 60_000),
    ],
    ids=["PNG", "RGBA PNG", "palette PNG", "JPEG", "BMP", "PPM", "text PGM", "GIF"],
)
def test_huge_images_are_refused_before_they_are_decoded(data: bytes) -> None:
    with pytest.raises(ImageTooLarge, match="pixels"):
        images.decode(data, 3)


def test_a_small_file_of_many_pixels_is_refused() -> None:
    data = png(5_000, 5_000, b"\0" * (5_001 * 5_000), colour_type=0)
    assert len(data) < 30_000
    with pytest.raises(ImageTooLarge, match="5000 x 5000 pixels; at most 1,000,000"):
        images.decode(data, 1, max_pixels=1_000_000)


def test_the_limit_is_the_caller_s() -> None:
    data = file(smooth(20, 10))
    assert images.decode(data, 3, max_pixels=200).shape == (10, 20, 3)
    with pytest.raises(ImageTooLarge, match="at most 199"):
        images.decode(data, 3, max_pixels=199)


def test_packed_text_in_a_png_cannot_fill_the_memory() -> None:
    bomb = b"bomb\0\0" + zlib.compress(b"a" * 100_000_000, 9)
    data = file(smooth())
    data = data[:33] + png_chunk(b"zTXt", bomb) + data[33:]
    # Whether such a text counts as damage is up to the decoder.
    with contextlib.suppress(UnreadableImage):
        assert images.decode(data, 3).shape == (30, 40, 3)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, about damaged TIFF tags
@pytest.mark.parametrize("format", FORMATS)
def test_damage_anywhere_gives_an_image_or_a_sentence(format: str) -> None:
    rng = random.Random(format)
    whole = file(smooth(24, 18), format)
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        with contextlib.suppress(UnreadableImage):  # and no other error
            pixels = images.decode(bytes(data), 3, max_pixels=1_000_000)
            assert pixels.dtype == np.uint8
            assert pixels.ndim == 3
