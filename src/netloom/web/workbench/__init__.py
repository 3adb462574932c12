"""The workbench: pages for people and their .json twins for scripts."""

from __future__ import annotations

from fastapi import FastAPI

from netloom.web.workbench import home, login


def install(app: FastAPI) -> None:
    """Add the routes of the workbench."""
    for room in (home, login):
        app.include_router(room.router)
