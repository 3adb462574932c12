"""
Headers: what an image file says about itself, read in microseconds and without decoding.

The size is known before a single pixel is unpacked, so a small file that claims
60,000 x 60,000 pixels is refused instead of filling the memory. By hand:

    python -c "from netloom.images import header; print(header.read(open('a.png', 'rb').read()))"
"""

from __future__ import annotations

import re
from struct import unpack_from
from typing import Literal, NamedTuple

from netloom.errors import UnreadableImage

Kind = Literal["grey", "colour", "other"]


class Header(NamedTuple):
    """Format, size in pixels, and how the pixels are kept."""

    format: str  # "PNG", "JPEG", "BMP", "PNM", or another one that Pillow reads
    width: int  # 0 where only Pillow can tell
    height: int
    kind: Kind  # "grey" and "colour" are 8 bit, opaque and exact in OpenCV; "other" needs Pillow
    complete: bool = True  # whether the end of the file is there; True where only Pillow can tell


PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_END = b"IEND\xaeB`\x82"
JPEG_START, JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
# The frame headers SOF0, SOF1 and SOF2 are what every decoder reads; the others (lossless,
# differential, arithmetic) are left to Pillow, which says what it thinks of them.
JPEG_COMMON_FRAMES = frozenset((0xC0, 0xC1, 0xC2))
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_BARE_MARKERS = frozenset((0x01, *range(0xD0, 0xD9)))
PNM_FIELDS = re.compile(rb"P([56])" + rb"(?:\s|#[^\n]*\n)+(\d{1,9})" * 3 + rb"\s")
PNM_START = re.compile(rb"P[1-6][\s#]")

CUT_OFF = "The file is cut off: the end of the {} image is missing."
NOT_AN_IMAGE = (
    "The file is not an image: it does not start like PNG, JPEG, BMP, PPM, PGM, GIF, TIFF or WebP."
)


def read(data: bytes) -> Header:
    """Return what the file says about itself; raise UnreadableImage if it is not an image."""
    if data.startswith(PNG_SIGNATURE):
        return _png(data)
    if data.startswith(JPEG_START):
        return _jpeg(data)
    if data.startswith(b"BM"):
        return _bmp(data)
    if PNM_START.match(data):
        return _pnm(data)
    if not data:
        raise UnreadableImage("The file is empty (0 bytes).")
    return Header(_rare_format(data), 0, 0, "other")


def _png(data: bytes) -> Header:
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise UnreadableImage(CUT_OFF.format("PNG"))
    width, height, depth, colour_type = unpack_from(">IIBB", data, 16)
    kind: Kind = "other"
    if depth == 8 and colour_type in (0, 2):
        kind = "colour" if colour_type else "grey"
    return Header("PNG", width, height, kind, data.endswith(PNG_END) or PNG_END in data)


def _jpeg(data: bytes) -> Header:
    """Walk over the segments up to the frame header."""
    position, size = 2, len(data)
    while position + 9 < size and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
        elif marker in JPEG_BARE_MARKERS:
            position += 2
        elif marker in JPEG_FRAMES:
            return _jpeg_frame(data, position, marker)
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    if position + 9 >= size:
        raise UnreadableImage(CUT_OFF.format("JPEG"))
    raise UnreadableImage("The JPEG file is damaged: its frame header is missing.")


def _jpeg_frame(data: bytes, position: int, marker: int) -> Header:
    depth, height, width, planes = unpack_from(">BHHB", data, position + 4)
    kind: Kind = "other"
    if depth == 8 and marker in JPEG_COMMON_FRAMES and planes in (1, 3):
        kind = "grey" if planes == 1 else "colour"
    # A decoder may paint the missing part of a cut-off file grey. Such a file lacks the end
    # marker, which cannot stand inside coded pixels; other data may follow it: look from the end.
    complete = data.endswith(JPEG_END) or data.rfind(JPEG_END, position) > 0
    return Header("JPEG", width, height, kind, complete)


def _bmp(data: bytes) -> Header:
    if len(data) < 34:
        raise UnreadableImage(CUT_OFF.format("BMP"))
    offset, info_size = unpack_from("<II", data, 10)
    if info_size < 40:  # the oldest kind, with 16-bit sizes
        width, height = unpack_from("<HH", data, 18)
        return Header("BMP", width, height, "other")
    width, height, _, bits, compression = unpack_from("<iiHHI", data, 18)
    width, height = abs(width), abs(height)  # a negative height means top row first
    if bits != 24 or compression:
        return Header("BMP", width, height, "other")
    row_bytes = (3 * width + 3) // 4 * 4
    return Header("BMP", width, height, "colour", len(data) >= offset + row_bytes * height)


def _pnm(data: bytes) -> Header:
    fields = PNM_FIELDS.match(data, 0, 1000)
    if fields is None:  # text digits, bitmaps, or long comments
        return Header("PNM", 0, 0, "other")
    width, height, largest = (int(field) for field in fields.groups()[1:])
    if largest != 255:
        return Header("PNM", width, height, "other")
    planes = 1 if fields[1] == b"5" else 3
    complete = len(data) >= fields.end() + width * height * planes
    return Header("PNM", width, height, "grey" if planes == 1 else "colour", complete)


def _rare_format(data: bytes) -> str:
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if data[:4] in (b"II*\0", b"MM\0*"):
        return "TIFF"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    raise UnreadableImage(NOT_AN_IMAGE)


def is_plain_png(data: bytes, width: int, height: int, channels: int) -> bool:
    """Return whether the file is a PNG of this size and kind, with nothing but pixels in it.

    Such a file can be kept as it is. Any further chunk (orientation, gamma, colour key, text)
    could make another reader see other pixels, and a badly packed file would only waste space.
    """
    pixels = width * height * channels
    if not data.startswith(PNG_SIGNATURE) or len(data) > pixels + pixels // 4 + 256:
        return False
    colour_type = 0 if channels == 1 else 2
    if unpack_from(">IIBBBBB", data, 16) != (width, height, 8, colour_type, 0, 0, 0):
        return False
    position = 33
    while data[position + 4 : position + 8] == b"IDAT":
        position += 12 + int.from_bytes(data[position : position + 4], "big")
    return position == len(data) - 12 and data.endswith(PNG_END)
