"""
Errors as answers: one translation for the workbench's JSON, action routes and pages.

JSON: `{"error": {"message": "404: Not Found", "type": "NotFound", "description": ...}}`,
with `hint` and `field` where they are known. Action routes answer plain text. Pages show
what happened and what to do.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from netloom.errors import InvalidInput, NetloomError, NotLoggedIn
from netloom.web.auth import login_address
from netloom.web.negotiation import wants_json

log = logging.getLogger(__name__)


def answers_text(request: Request) -> None:
    """Mark an action route: its errors are plain text, and never lead to the login page."""
    request.state.answers_text = True


def install(app: FastAPI) -> None:
    """Let the application answer errors through `answer`; `Guard` answers the unexpected ones."""
    app.add_exception_handler(NetloomError, answer)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)


async def answer(request: Request, error: Exception) -> Response:
    """Return the response for an error of the tree."""
    assert isinstance(error, NetloomError)
    plain = getattr(request.state, "answers_text", False)
    if error.status >= 500 and type(error) is not NetloomError:
        log.error("%s %s: %s", request.method, request.url.path, error, exc_info=error)
    if wants_json(request):
        return JSONResponse(as_json(error), error.status)
    if plain:
        return PlainTextResponse(str(error), error.status)
    if isinstance(error, NotLoggedIn):
        return RedirectResponse(login_address(request), HTTPStatus.FOUND)
    return await run_in_threadpool(_page, request, error)


def as_json(error: NetloomError) -> dict[str, Any]:
    """Return the JSON body of an error."""
    body = {
        "message": f"{error.status}: {_phrase(error.status)}",
        "type": _phrase(error.status).replace(" ", ""),
        "description": error.message,
    }
    if error.hint:
        body["hint"] = error.hint
    if error.field:
        body["field"] = error.field
    return {"error": body}


def with_status(message: str, status: int) -> NetloomError:
    """Return an error with a status of its own, for those that come from the web framework."""
    error = NetloomError(message)
    error.status = status  # type: ignore[misc]
    return error


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = str(error.detail)
    if error.status_code == 404 and detail == "Not Found":
        detail = f"There is nothing at {request.url.path}."
    response = await answer(request, with_status(detail, error.status_code))
    response.headers.update(error.headers or {})
    return response


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = str(first["loc"][-1])
    if first["type"] == "missing":
        return await answer(request, InvalidInput(f"{field} is a required field", field=field))
    message = f"{field}: {str(first.get('input'))!r} cannot be used. {first['msg']}."
    return await answer(request, InvalidInput(message, field=field))


async def unexpected(request: Request, error: Exception) -> Response:
    """Return the response for an error that nobody foresaw; the log has its trace."""
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    told = NetloomError("The server met an error it did not expect.", hint="Its log says more.")
    try:
        return await answer(request, told)
    except Exception:  # the page of an error must not fail on the same cause
        return PlainTextResponse(str(told), 500)


def _page(request: Request, error: NetloomError) -> Response:
    from netloom.web.workbench.pages import ErrorPage
    from netloom.web.workbench.render import render

    page = ErrorPage(
        status=error.status, title=_phrase(error.status), message=error.message, hint=error.hint
    )
    return render(request, page, status=error.status)


def _phrase(status: int) -> str:
    try:
        # The reference's names; Python's differ between versions for these.
        names = {413: "Request Entity Too Large", 422: "Unprocessable Entity"}
        return names.get(status) or HTTPStatus(status).phrase
    except ValueError:
        return "Error"
