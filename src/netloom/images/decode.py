"""
Decode: from the bytes of a file to 8-bit pixels.

OpenCV reads the common files (8-bit opaque PNG, JPEG, BMP, PPM, PGM); Pillow reads what
OpenCV would get wrong (palettes, transparency, CMYK, other depths, GIF, TIFF, WebP).
Every image becomes grey or colour by these rules:

    1              grey, 0 and 255
    L, LA          grey; transparency on white
    P, RGB, RGBA   colour; transparency on white
    CMYK, YCbCr    colour
    others         UnsupportedImageMode (16-bit grey, floating point, Lab ...)

then colour -> grey by 0.299 R + 0.587 G + 0.114 B, or grey -> colour by repeating.
A transparent colour key (the tRNS chunk of a grey or RGB PNG) is not transparency here.
The orientation that a camera notes in EXIF is ignored, as DIGITS does: pixels stay as
they are stored, which is also what boxes and masks drawn on the file refer to. Of
several frames the first counts. By hand:

    python -c "from netloom import images; print(images.decode(images.sample(), 3).shape)"
"""

from __future__ import annotations

import io
import struct
from typing import Literal, cast

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from netloom.errors import ImageTooLarge, UnreadableImage, UnsupportedImageMode
from netloom.images import header
from netloom.images.header import Header

Pixels = npt.NDArray[np.uint8]
Channels = Literal[1, 3]
Order = Literal["rgb", "bgr"]

MAX_PIXELS = 100_000_000  # the default of Settings.decode_pixels
READABLE = ("PNG", "JPEG", "BMP", "PPM", "GIF", "TIFF", "WEBP")

# Without these flags OpenCV turns images by their EXIF orientation.
_GREY = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION
_COLOUR = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION

# What a damaged file may raise inside Pillow's readers.
_PILLOW_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
    ZeroDivisionError,
    struct.error,
)

# Pillow has limits of its own; the smaller one is an exception only where warnings are errors.
_TOO_LARGE_FOR_PILLOW = (Image.DecompressionBombError, Image.DecompressionBombWarning)

# A damaged file becomes an error of ours; OpenCV's own lines would only fill the log.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)


def decode(
    data: bytes, channels: Channels, *, max_pixels: int = MAX_PIXELS, order: Order = "rgb"
) -> Pixels:
    """Return the pixels, H x W for 1 channel and H x W x 3 for 3 channels.

    `order` is that of the three channels; "bgr" is OpenCV's own and saves a pass over the pixels.
    Raises UnreadableImage, or its kinds ImageTooLarge and UnsupportedImageMode.
    """
    found = header.read(data)
    check_size(found.width, found.height, max_pixels)
    if not found.complete:
        raise UnreadableImage(header.CUT_OFF.format(found.format))
    if found.kind == "other":
        return _convert(_read_with_pillow(data, found, max_pixels), channels, order)
    grey = found.kind == "grey" and channels == 1
    pixels = _read_with_opencv(data, _GREY if grey else _COLOUR, found)
    if grey:
        return pixels
    if channels == 1:
        # Not by the decoder: PNG and JPEG readers each round in their own way.
        return cast(Pixels, cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY))
    return swap_order(pixels) if order == "rgb" else pixels


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raise ImageTooLarge if an image of this size is not to be decoded."""
    if width * height > max_pixels:
        raise ImageTooLarge(
            f"The image has {width} x {height} pixels; at most {max_pixels:,} are allowed.",
            hint="Make it smaller, or raise NETLOOM_DECODE_PIXELS.",
        )


def swap_order(pixels: Pixels) -> Pixels:
    """Return H x W x 3 pixels with the first and the last channel exchanged; a copy."""
    return cast(Pixels, cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))


def _read_with_opencv(data: bytes, flags: int, found: Header) -> Pixels:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise UnreadableImage(f"The {found.format} image is damaged and cannot be decoded.")
    return cast(Pixels, pixels)


def _read_with_pillow(data: bytes, found: Header, max_pixels: int) -> Pixels:
    """Return grey H x W or RGB H x W x 3 pixels."""
    try:
        with Image.open(io.BytesIO(data), formats=READABLE) as image:
            check_size(*image.size, max_pixels)
            # EXIF orientation is not applied: Pillow leaves that to exif_transpose.
            return np.asarray(_flatten(image))
    except UnreadableImage:
        raise
    except _TOO_LARGE_FOR_PILLOW as error:
        raise ImageTooLarge(f"The {found.format} image has too many pixels.") from error
    except _PILLOW_ERRORS as error:
        raise UnreadableImage(_explain(error, found)) from error


def _explain(error: Exception, found: Header) -> str:
    if "truncated" in str(error):
        return header.CUT_OFF.format(found.format)
    return f"The {found.format} image is damaged and cannot be decoded."


def _flatten(image: Image.Image) -> Image.Image:
    """Return the image in mode L or RGB, by the table of this module."""
    match image.mode:
        case "L" | "RGB":
            image.load()
            return image
        case "1":
            return image.convert("L")
        case "LA":
            return _on_white(image, "L")
        case "RGBA":
            return _on_white(image, "RGB")
        case "P" if "transparency" in image.info:
            return _on_white(image.convert("RGBA"), "RGB")
        case "P" | "CMYK" | "YCbCr":
            return image.convert("RGB")
    raise UnsupportedImageMode(
        f"The image mode {image.mode} is not supported.",
        hint="Save it as 8-bit grey or RGB.",
    )


def _on_white(image: Image.Image, mode: Literal["L", "RGB"]) -> Image.Image:
    flat = Image.new(mode, image.size, "white")
    flat.paste(image.convert(mode), mask=image.getchannel("A"))
    return flat


def _convert(pixels: Pixels, channels: Channels, order: Order) -> Pixels:
    """Return grey or RGB pixels with the wanted channels."""
    if pixels.ndim == 2:
        if channels == 1:
            return pixels
        return cast(Pixels, cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR))
    if channels == 1:
        return cast(Pixels, cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
    return pixels if order == "rgb" else swap_order(pixels)
