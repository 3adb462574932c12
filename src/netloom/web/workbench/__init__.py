"""The workbench: pages for people and their .json twins for scripts."""

from __future__ import annotations

from fastapi import FastAPI

from netloom.web.workbench import actions, datasets, explore, home, jobs, login


def install(app: FastAPI) -> None:
    """Add the routes of the workbench; a fixed path comes before one with a variable part."""
    app.include_router(actions.action)
    for room in (home, login, actions, explore, datasets, jobs):
        app.include_router(room.router)
