"""
Who asks: a name, taken from the query, the form or the cookie `username`, in this order.

There is no password in open mode; the server then listens on this machine alone.
"""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends
from starlette.requests import Request

from netloom.errors import InvalidInput, NotLoggedIn, NotPermitted
from netloom.store import Job
from netloom.web.posted import read_posted

COOKIE = "username"
NAME = re.compile(r"[a-z][a-z0-9._-]*", re.ASCII)
LONGEST = 100


def checked_name(name: str) -> str:
    """Return a user name; raise InvalidInput if it is malformed."""
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        raise InvalidInput(
            "Invalid username - it must start with a lower-case letter and may only contain"
            " lower-case letters, digits, dots, hyphens and underscores.",
            field="username",
        )
    return name


async def visitor(request: Request) -> str:
    """Return the name of who asks, empty if there is none; raise InvalidInput if malformed."""
    name = request.query_params.get("username")
    if not name and request.method not in ("GET", "HEAD"):
        name = (await read_posted(request)).text("username")
    name = name or request.cookies.get(COOKIE)
    return checked_name(name) if name else ""


def named_in(request: Request) -> str:
    """Return the name in the query or the cookie if it is well-formed, for showing it."""
    name = request.query_params.get("username") or request.cookies.get(COOKIE) or ""
    return name if NAME.fullmatch(name) and len(name) <= LONGEST else ""


Visitor = Annotated[str, Depends(visitor)]


def login_needed(name: Visitor) -> str:
    """Return the name of who asks; raise NotLoggedIn if there is none."""
    if not name:
        raise NotLoggedIn("You must be logged in.", hint="Log in, or send a username.")
    return name


User = Annotated[str, Depends(login_needed)]


def may_edit(user: str, job: Job) -> bool:
    """Return whether this user may edit, abort and delete the job."""
    return bool(user) and (not job.owner or job.owner == user)


def check_owner(user: str, job: Job) -> None:
    """Raise NotPermitted unless this user may change the job."""
    if not may_edit(user, job):
        raise NotPermitted(
            f'You are not permitted to change "{job.name}".', hint=f"It belongs to {job.owner}."
        )


def login_address(request: Request) -> str:
    """Return the address of the login page that leads back here."""
    if request.method == "GET":
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    else:
        here = local_path(request.headers.get("referer", ""), request)
    return f"/login?next={quote(here, safe='/')}"


def local_path(address: str, request: Request) -> str:
    """Return the path and query of an address of this server, "/" for any other."""
    try:
        parts = urlsplit(address)
    except ValueError:  # half a bracket
        return "/"
    if parts.netloc and parts.netloc != request.headers.get("host"):
        return "/"
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    # Browsers read "//host" and "/\host" as another server, and drop control characters.
    plain = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if plain and path.isprintable() and "\\" not in path else "/"
