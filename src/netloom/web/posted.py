"""What a request carries: form fields, files or a JSON object, read once and within limits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request

from netloom.errors import InvalidInput

FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


@dataclass(frozen=True, kw_only=True)
class Posted:
    """The fields and files of a request's body."""

    values: Mapping[str, Any] = field(default_factory=dict)  # a repeated field gives a list
    files: Mapping[str, UploadFile] = field(default_factory=dict)
    is_json: bool = False

    def text(self, name: str) -> str:
        """Return a field as text, the first one if it is repeated; empty if absent."""
        value = self.values.get(name)
        if isinstance(value, list):
            value = value[0] if value else None
        return value.strip() if isinstance(value, str) else "" if value is None else str(value)

    def all(self, name: str) -> list[str]:
        """Return every value of a repeated field."""
        value = self.values.get(name, [])
        return [str(item) for item in (value if isinstance(value, list) else [value])]


async def read_posted(request: Request) -> Posted:
    """Read the body; raise InvalidInput if it is not what its content type says."""
    kept: Posted | None = getattr(request.state, "posted", None)
    if kept is None:
        kept = await _read(request)
        request.state.posted = kept
    return kept


async def _read(request: Request) -> Posted:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in FORMS:
        # A network text is longer than the default limit of a part, 1 MiB.
        form = await request.form(max_part_size=8 * 2**20)
        values: dict[str, Any] = {}
        files: dict[str, UploadFile] = {}
        for name in form:
            items = form.getlist(name)
            texts = [item for item in items if isinstance(item, str)]
            files.update((name, item) for item in items if isinstance(item, UploadFile))
            if texts:
                values[name] = texts[0] if len(texts) == 1 else texts
        return Posted(values=values, files=files)
    if kind == "application/json":
        return Posted(values=_object(await request.body()), is_json=True)
    return Posted()


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"The body is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise InvalidInput("The body must be a JSON object.", hint='Send {"field": "value"}.')
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")
