"""
HEAD: what GET would answer, without its body.

A handler is asked as for GET, so that the headers are those of GET, and is stopped at the
first piece of a body that is longer: a stream of events would never end by itself.
"""

from __future__ import annotations

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from netloom.web.guard import CHANGING_PATHS


class Heads:
    """A layer that turns HEAD into GET and keeps the body back."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_head = scope["type"] == "http" and scope["method"] == "HEAD"
        if not is_head or scope["path"].startswith(CHANGING_PATHS):
            await self.app(scope, receive, send)  # where GET changes something, HEAD is refused
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
            elif message["type"] == "http.response.body":
                await send({"type": "http.response.body", "body": b""})
                if message.get("more_body", False):
                    raise _Enough

        try:
            await self.app({**scope, "method": "GET"}, receive, send_head)
        except (_Enough, ClientDisconnect):
            return


class _Enough(OSError):
    """Nobody listens any more: streams take this as the end of the connection."""
