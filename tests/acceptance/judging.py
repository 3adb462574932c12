"""What an answer to bad input must look like, and files that are bad."""

from __future__ import annotations

import html
import os
import struct
import zlib

import cv2
import httpx
import numpy as np

from tests.acceptance.workbench import Workbench


def refused(answer: httpx.Response, field: str) -> str:
    """Check that a form was refused because of one field; return the sentence."""
    assert answer.status_code == 400, answer.text
    errors = answer.json()["errors"]
    assert list(errors) == [field]
    (sentence,) = errors[field]
    assert sentence.endswith((".", "?")), sentence
    return str(sentence)


def failed(bench: Workbench, answer: httpx.Response) -> str:
    """Check that a job was made and ended in Error; return its sentence."""
    assert answer.status_code == 200, answer.text
    job = answer.json()["id"]
    assert bench.ended(job)["status"] == "Error"
    sentence = bench.sentence(job)
    assert sentence.endswith("."), sentence
    assert "Traceback" not in sentence
    page = bench.http.get(f"/jobs/{job}", follow_redirects=True).text
    assert sentence[:40] in html.unescape(page)
    return sentence


def png_header(width: int, height: int) -> bytes:
    """Return the start of a PNG file that says it is very large."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    return b"\x89PNG\r\n\x1a\n" + chunk


def broken_files() -> dict[str, bytes]:
    _, jpeg = cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8))
    return {
        "empty.png": b"",
        "truncated.jpg": jpeg.tobytes()[: jpeg.size // 2],
        "huge.png": png_header(60_000, 60_000),
        "text.png": b"This is a shopping list, not a picture.\n",
        "noise.bmp": os.urandom(500),
    }
