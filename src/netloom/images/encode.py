"""
Encode: from 8-bit pixels to the bytes of a PNG or JPEG file.

JPEG has quality 90. PNG is packed fast (zlib level 1, run lengths only): on images of
network size stronger levels win a few percent of space and take several times as long.
By hand:

    python -c "from netloom import images; images.encode(images.decode(images.sample(), 3), 'png')"
"""

from __future__ import annotations

from typing import Literal

import cv2

from netloom.errors import InvalidInput
from netloom.images.decode import Order, Pixels, swap_order

ImageFormat = Literal["png", "jpg"]

JPEG_QUALITY = 90

_OPTIONS: dict[str, tuple[str, list[int]]] = {
    "png": (
        ".png",
        [
            cv2.IMWRITE_PNG_COMPRESSION,
            1,
            cv2.IMWRITE_PNG_STRATEGY,
            cv2.IMWRITE_PNG_STRATEGY_RLE,
        ],
    ),
    "jpg": (".jpg", [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]),
}


def encode(image: Pixels, format: ImageFormat, *, order: Order = "rgb") -> bytes:
    """Return the file bytes of H x W, H x W x 1 or H x W x 3 pixels in the given channel order."""
    if format not in _OPTIONS:
        raise InvalidInput(f"Images cannot be encoded as {format!r}.", hint="Use png or jpg.")
    if image.ndim == 3 and image.shape[2] == 3 and order == "rgb":
        image = swap_order(image)
    suffix, options = _OPTIONS[format]
    return cv2.imencode(suffix, image, options)[1].tobytes()
