"""
The web application, put together from its doors.

    uvicorn.run(create_app(Settings(data="/srv/netloom")))

Nothing here imports torch; the engine that runs networks is loaded with the first of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

import netloom
from netloom import jobs, web
from netloom.errors import BadSettings
from netloom.settings import Settings
from netloom.store import open_store
from netloom.web import errors, openapi, workbench
from netloom.web.datasets import OpenDatasets
from netloom.web.evaluations import Evaluations
from netloom.web.events import EventStream
from netloom.web.guard import Guard, is_loopback
from netloom.web.heads import Heads
from netloom.web.models import OpenModels
from netloom.web.paths import Roots
from netloom.web.site import Site

STATIC = Path(web.__file__).parent / "static"


def create_app(settings: Settings, *, schedule: bool = True) -> FastAPI:
    """Return the application; raise BadSettings where it must not listen.

    With `schedule` the process also starts waiting jobs, unless another one does already.
    """
    if not is_loopback(settings.host):
        raise BadSettings(
            f"Without accounts the server listens on this machine only, not on {settings.host}.",
            hint="Use 127.0.0.1, and an SSH tunnel from elsewhere.",
        )
    app = FastAPI(
        title="Netloom",
        version=netloom.__version__,
        description="A workbench for image networks.",
        lifespan=_lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    app.state.site = _site(settings)
    app.state.schedule = schedule
    app.add_middleware(Heads)
    app.add_middleware(Guard, settings=settings)  # outermost, as it is added last
    errors.install(app)
    workbench.install(app)
    openapi.install(app)
    app.mount("/static", Static(directory=STATIC), name="static")
    return app


def _site(settings: Settings) -> Site:
    store = open_store(settings)
    events = EventStream(store)
    models, datasets = OpenModels(store, events, settings), OpenDatasets(store, events)
    return Site(
        settings=settings,
        store=store,
        roots=Roots((*settings.data_roots, store.files.examples)),
        events=events,
        models=models,
        datasets=datasets,
        evaluations=Evaluations(models, datasets),
        hardware=jobs.Hardware(),
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    site: Site = app.state.site
    await site.events.start()
    stop = await run_in_threadpool(_start_scheduler, site) if app.state.schedule else None
    try:
        yield
    finally:
        await site.events.stop()
        if stop is not None:
            await run_in_threadpool(stop)
        await run_in_threadpool(site.evaluations.close)
        site.store.close()


def _start_scheduler(site: Site) -> Callable[[], None]:
    """Start what starts the waiting jobs; return a way to stop it."""
    scheduler = jobs.Scheduler(site.store)
    scheduler.start()
    return scheduler.stop


class Static(StaticFiles):
    """Files of the pages; browsers ask each time whether they changed, which is cheap."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "no-cache"
        return response
