"""The workbench: pages for people and their .json twins for scripts."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.routing import Route

from netloom.web.workbench import (
    actions,
    again,
    archives,
    augmented,
    classify_many,
    classify_one,
    datasets,
    evaluate,
    examples,
    explore,
    hardware,
    home,
    inside,
    jobs,
    login,
    models,
    network_drawing,
    pretrained,
    tools,
    uploaded,
)


def install(app: FastAPI) -> None:
    """Add the routes of the workbench; a fixed path comes before one with a variable part."""
    hot = Route(f"{classify_one.PATH}.json", classify_one.classify_one_json, methods=["POST"])
    app.router.routes.append(hot)
    app.include_router(actions.action)
    for room in (
        home,
        login,
        actions,
        tools,
        classify_one,
        inside,
        classify_many,
        evaluate,
        explore,
        examples,
        datasets,
        archives,
        uploaded,
        pretrained,
        again,
        augmented,
        network_drawing,
        models,
        hardware,
        jobs,
    ):
        app.include_router(room.router)
