"""What a request carries: form fields, files or a JSON object, read once and within limits."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request

from netloom.errors import InvalidInput

LONGEST_TEXT = 8 * 2**20  # bytes of a field; a network text is longer than the usual 1 MiB


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

    def close(self) -> None:
        """Let go of the files; large ones lie on the disk."""
        for file in self.files.values():
            file.file.close()

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
    if kind == "multipart/form-data":
        return _sorted(await _parsed(request))
    if kind == "application/x-www-form-urlencoded":
        return _sorted(await FormParser(request.headers, request.stream()).parse())
    if kind == "application/json":
        return Posted(values=_object(await request.body()), is_json=True)
    return Posted()


async def _parsed(request: Request) -> FormData:
    parser = MultiPartParser(request.headers, _stream(request), max_part_size=LONGEST_TEXT)
    try:
        return await parser.parse()
    except (MultiPartException, KeyError) as error:
        if isinstance(error.__cause__, Exception):
            raise error.__cause__ from None
        reason = error.message if isinstance(error, MultiPartException) else "no boundary is given"
        raise InvalidInput(f"The form cannot be read: {reason}.") from None


async def _stream(request: Request) -> AsyncGenerator[bytes, None]:
    """Yield the body; what goes wrong comes as the error on which the parser drops its files."""
    try:
        async for chunk in request.stream():
            yield chunk
    except Exception as error:
        raise MultiPartException("the body ended early") from error


def _sorted(form: FormData) -> Posted:
    values: dict[str, Any] = {}
    files: dict[str, UploadFile] = {}
    for name in form:
        items = form.getlist(name)
        texts = [item for item in items if isinstance(item, str)]
        uploads = [item for item in items if isinstance(item, UploadFile)]
        if uploads:
            files[name] = uploads[0]
            for further in uploads[1:]:
                further.file.close()
        if texts:
            values[name] = texts[0] if len(texts) == 1 else texts
    return Posted(values=values, files=files)


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
