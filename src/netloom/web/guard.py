"""
What every request passes first: host name, origin, size; and the headers every answer gets.

- A page of another web site must not act in a user's name, though scripts send no tokens:
  browsers say where a request comes from (`Origin`, `Sec-Fetch-Site`), scripts do not.
- A foreign host name must not lead to this machine (DNS rebinding).
- A body is counted while it comes in.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from netloom.errors import ForeignRequest, NetloomError, UnknownHost, UploadTooLarge
from netloom.settings import Settings
from netloom.web.errors import answer, unexpected
from netloom.web.headers import RAW_HEADERS
from netloom.web.posted import Posted

log = logging.getLogger(__name__)

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
# Change something although they answer to GET.
CHANGING_PATHS = ("/group", "/clone/", "/logout")
CHANGING_ENDS = "/to_pretrained"
FIELDS_BYTES = 16 * 2**20  # of a body that is not multipart


class Guard:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self.app = app
        self.upload_bytes = settings.upload_bytes
        self.hosts = frozenset(settings.hosts)
        self.local_only = is_loopback(settings.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)

        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _add_headers(message)
            await send(message)

        state = scope.setdefault("state", {})
        try:
            self._check(scope, headers)
            receive = self._counted(headers, receive)
        except NetloomError as error:
            response = await answer(Request(scope, receive), error)
            await response(scope, receive, send_with_headers)
            return
        try:
            await self.app(scope, receive, send_with_headers)
        except ClientDisconnect:
            return
        except Exception as error:
            if started:
                # Left unfinished, so that the server closes the connection: the answer must
                # not look complete.
                told = isinstance(error, NetloomError)
                log.error(
                    "%s %s broke off: %s", scope["method"], scope["path"], error, exc_info=not told
                )
                return
            response = await unexpected(Request(scope, receive), error)
            await response(scope, receive, send_with_headers)
        finally:
            posted: Posted | None = state.get("posted")
            if posted is not None:
                posted.close()

    def _check(self, scope: Scope, headers: Headers) -> None:
        host = headers.get("host", "")
        if self.local_only and not self._known(host):
            raise UnknownHost(
                f"This server is not known as {host!r}.",
                hint="Open it as localhost, or name the host in NETLOOM_HOSTS.",
            )
        origin = headers.get("origin")
        site = headers.get("sec-fetch-site", "none")
        changing = scope["method"] not in SAFE_METHODS
        if changing and origin is not None:
            name = _netloc(origin)
            if name != host and host_name(name) not in self.hosts:
                raise ForeignRequest
        elif (changing or _changes(scope["path"])) and site not in ("none", "same-origin"):
            raise ForeignRequest

    def _known(self, host: str) -> bool:
        name = host_name(host)
        return is_loopback(name) or name in self.hosts

    def _counted(self, headers: Headers, receive: Receive) -> Receive:
        multipart = headers.get("content-type", "").startswith("multipart/")
        limit = self.upload_bytes if multipart else min(FIELDS_BYTES, self.upload_bytes)
        error = UploadTooLarge(
            f"The request has more than {limit:,} bytes.",
            hint="Put the files where the server can read them and give their path."
            if multipart
            else "",
        )
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            raise error
        if declared:  # the server reads no more than was declared
            return receive
        total = 0

        async def counted() -> Message:
            nonlocal total
            message = await receive()
            total += len(message.get("body", b""))
            if total > limit:
                raise error
            return message

        return counted


def _changes(path: str) -> bool:
    return path.startswith(CHANGING_PATHS) or path.endswith(CHANGING_ENDS)


def _netloc(address: str) -> str:
    try:
        return urlsplit(address).netloc
    except ValueError:  # half a bracket: the address of nobody
        return ""


def host_name(host: str) -> str:
    """Return a host without its port, lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def is_loopback(name: str) -> bool:
    """Return whether a host name always means this machine."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _add_headers(message: Message) -> None:
    present: Iterable[bytes] = {name for name, _ in message["headers"]}
    headers = MutableHeaders(raw=message["headers"])
    headers.raw.extend(pair for pair in RAW_HEADERS if pair[0] not in present)
    message["headers"] = headers.raw
