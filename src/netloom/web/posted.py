"""What a request carries: form fields, files or a JSON object, read once and within limits."""

from __future__ import annotations

import codecs
import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request

from netloom.errors import InvalidInput

MOST_FIELDS = 20_000  # thousands of jobs may be named at once
LONGEST_TEXT = 8 * 2**20  # bytes of a field; a network text is longer than the usual 1 MiB
CHARSETS = ("utf-8", "ascii", "iso8859-1", "cp1252")


@dataclass(frozen=True, kw_only=True)
class Posted:
    """The fields and files of a request's body."""

    values: Mapping[str, Any] = field(default_factory=dict)  # a repeated field gives a list
    files: Mapping[str, UploadFile] = field(default_factory=dict)
    is_json: bool = False

    def text(self, name: str) -> str:
        """Return a field as text, the first one if it is repeated; empty if absent.

        Raise InvalidInput for what JSON can hold and a form cannot.
        """
        value = self.values.get(name)
        if isinstance(value, list):
            value = value[0] if value else None
        if isinstance(value, list | dict):
            raise InvalidInput(f"{name}: Give a text, not a JSON object or array.", field=name)
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
        _check_charset(request)
        return _sorted(await _parsed(request, MultiPartParser))
    if kind == "application/x-www-form-urlencoded":
        return _sorted(await _parsed(request, FormParser))
    if kind == "application/json":
        return Posted(values=_object(await request.body()), is_json=True)
    return Posted()


async def _parsed(request: Request, parser: type[FormParser] | type[MultiPartParser]) -> FormData:
    reading = parser(
        request.headers, _stream(request), max_fields=MOST_FIELDS, max_part_size=LONGEST_TEXT
    )
    try:
        return await reading.parse()
    except _Interrupted as error:
        raise error.cause from None
    except MultiPartException as error:
        reason = error.message.rstrip(".")
    except FormParserError as error:
        reason = str(error)
    raise InvalidInput(
        f"The form cannot be read: {reason}.",
        hint="Let the client library write the body and its content type.",
    )


def _check_charset(request: Request) -> None:
    """Raise InvalidInput for codecs that make other things than plain text out of bytes."""
    _, options = parse_options_header(request.headers["content-type"])
    charset = options.get(b"charset", b"utf-8").decode("latin-1")
    try:
        known = codecs.lookup(charset).name in CHARSETS
    except (LookupError, ValueError):
        known = False
    if not known:
        raise InvalidInput(f"The charset {charset!r} of the form is not known.", hint="Use UTF-8.")


class _Interrupted(MultiPartException):
    """The body did not come in to its end; the parsers drop their files on such an error."""

    def __init__(self, cause: Exception) -> None:
        super().__init__("the body ended early")
        self.cause = cause


async def _stream(request: Request) -> AsyncGenerator[bytes, None]:
    try:
        async for chunk in request.stream():
            yield chunk
    except Exception as error:
        raise _Interrupted(error) from error


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
