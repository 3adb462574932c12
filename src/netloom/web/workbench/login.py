"""Login by name: a cookie says who asks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from netloom.errors import InvalidInput
from netloom.web.auth import COOKIE, checked_name, local_path
from netloom.web.posted import Posted, read_posted
from netloom.web.site import Here
from netloom.web.workbench.pages import LoginPage
from netloom.web.workbench.render import render

router = APIRouter(tags=["login"])

YEAR = 365 * 24 * 3600


@router.get("/login")
def show(request: Request) -> Response:
    """Show the login page; after it goes on to `next`."""
    goes_to = local_path(request.query_params.get("next", ""), request)
    return render(request, LoginPage(next=goes_to, name="", error=""))


@router.post("/login")
def login(
    request: Request, here: Here, posted: Annotated[Posted, Depends(read_posted)]
) -> Response:
    """Take the fields `username` and `next`; a bad name shows the page again with a banner."""
    name = posted.text("username")
    wanted = posted.text("next") or request.query_params.get("next", "")
    goes_to = local_path(wanted or request.headers.get("referer", ""), request)
    try:
        here.store.ensure_user(checked_name(name))
    except InvalidInput as error:
        return render(request, LoginPage(next=goes_to, name=name, error=error.message))
    # Back to the login page itself, where the form may have been posted from, leads nowhere.
    response = RedirectResponse("/" if goes_to.startswith("/login") else goes_to, 302)
    response.set_cookie(COOKIE, name, max_age=YEAR, httponly=True, samesite="lax")
    return response


@router.get("/logout")
@router.post("/logout")
async def logout(request: Request) -> Response:
    """Remove the cookie and go on to `next`."""
    posted = await read_posted(request)
    wanted = posted.text("next") or request.query_params.get("next", "")
    response = RedirectResponse(local_path(wanted, request), 302)
    response.delete_cookie(COOKIE)
    return response
