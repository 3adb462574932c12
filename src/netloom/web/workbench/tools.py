"""Small services of the pages: completion of server paths, the description of the interface."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from netloom.web.negotiation import json_as_text
from netloom.web.site import Here

router = APIRouter(tags=["tools"])


@router.get("/autocomplete/path")
def complete(
    request: Request,
    here: Here,
    query: Annotated[str, Query(description="Beginning of an absolute path")] = "",
) -> Response:
    """Return sorted paths within the data roots that start with the query."""
    return json_as_text(request, {"suggestions": here.roots.complete(query)})


@router.get("/docs", include_in_schema=False)
def docs() -> Response:
    """Go on to the description of the interface."""
    return RedirectResponse("/openapi.json", 302)
