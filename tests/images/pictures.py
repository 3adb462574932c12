"""Small pictures and their files, made in memory."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

from netloom.images import Pixels


def smooth(width: int = 40, height: int = 30, channels: int = 3) -> Pixels:
    """Return a picture of slow gradients, different in every channel."""
    y, x = np.mgrid[:height, :width]
    planes = [
        255 * x / max(1, width - 1),
        255 * y / max(1, height - 1),
        127 + 100 * np.sin(x / 7) * np.cos(y / 5),
    ]
    image = np.stack(planes[:channels], axis=-1).astype(np.uint8)
    return image[:, :, 0] if channels == 1 else image


def file(image: Image.Image | Pixels, format: str = "PNG", **options: Any) -> bytes:
    """Return the picture as the bytes of a file, written by Pillow."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def png_chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def png_header(width: int, height: int, depth: int = 8, colour_type: int = 2) -> bytes:
    """Return signature and header chunk of a PNG file."""
    fields = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", fields)


def png(width: int, height: int, rows: bytes, depth: int = 8, colour_type: int = 2) -> bytes:
    """Return a PNG file of these rows, each one filter byte and then its samples."""
    return (
        png_header(width, height, depth, colour_type)
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


def difference(a: Pixels, b: Pixels) -> int:
    """Return the largest difference of two pictures of equal shape."""
    assert a.shape == b.shape
    return int(np.abs(a.astype(int) - b.astype(int)).max())
