"""
JSON that is sent while it is still being made.

A list of every job has no pages. Made piece by piece it takes little memory, and other
requests are answered in between; the bytes are those that one piece would have.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from starlette.responses import StreamingResponse

Batches = Iterator[Sequence[Any]]  # a list in parts
Members = Iterator[tuple[str, Any | Batches]]


def streamed(members: Members) -> StreamingResponse:
    """Return a JSON object whose members are made as they are sent.

    What fails before the first list begins still becomes the answer of an error.
    """
    pieces = _object(members)
    first = next(pieces)
    return StreamingResponse(_after(first, pieces), media_type="application/json")


def _after(first: str, pieces: Iterable[str]) -> Iterator[str]:
    yield first
    yield from pieces


def _object(members: Members) -> Iterator[str]:
    text = "{"
    separator = ""
    for name, value in members:
        text += f"{separator}{_text(name)}:"
        separator = ","
        if isinstance(value, Iterator):
            yield from _list(text, value)
            text = ""
        else:
            text += _text(value)
    yield text + "}"


def _list(before: str, batches: Batches) -> Iterator[str]:
    text = before + "["
    separator = ""
    for batch in batches:
        if batch:
            yield text + separator + _text(batch)[1:-1]
            text, separator = "", ","
    yield text + "]"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
