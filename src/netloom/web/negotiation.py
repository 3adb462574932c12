"""Whether a response is JSON or a page: by the path, else by the header `Accept`."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response


def wants_json(request: Request) -> bool:
    """Return whether the path ends in .json or the client ranks JSON strictly above HTML."""
    if request.url.path.endswith(".json"):
        return True
    accept = request.headers.get("accept", "")
    return _rank(accept, "application/json") > _rank(accept, "text/html")


def json_as_text(request: Request, value: Any, status: int = 200) -> Response:
    """Answer JSON on a route whose content type is HTML text by old custom.

    `<`, `>` and `&` are escaped, so that a browser that takes the type at its word
    finds no markup. Clients that ask for JSON get its proper type.
    """
    text = json.dumps(value, allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Response(
        text, status, media_type="application/json" if wants_json(request) else "text/html"
    )


def _rank(accept: str, wanted: str) -> float:
    """Return the quality of a media type; the most specific range that matches counts."""
    family = wanted.partition("/")[0] + "/*"
    found: dict[str, float] = {}
    for part in accept.split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        found[media.lower()] = _quality(parameters)
    return next((found[range_] for range_ in (wanted, family, "*/*") if range_ in found), 0.0)


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0
