"""What every handler works with: settings, store, open models, events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends
from starlette.requests import Request

from netloom.jobs import Hardware
from netloom.settings import Settings
from netloom.store import Store
from netloom.web.events import EventStream
from netloom.web.paths import Roots

if TYPE_CHECKING:
    from netloom.web.datasets import OpenDatasets
    from netloom.web.evaluations import Evaluations
    from netloom.web.models import OpenModels


@dataclass(frozen=True, kw_only=True)
class Site:
    """One running web application."""

    settings: Settings
    store: Store
    roots: Roots
    events: EventStream
    models: OpenModels
    datasets: OpenDatasets
    evaluations: Evaluations
    hardware: Hardware


def site_of(request: Request) -> Site:
    """Return the site a request belongs to."""
    site: Site = request.app.state.site
    return site


Here = Annotated[Site, Depends(site_of)]
