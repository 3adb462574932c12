"""
From a page to HTML: the template's name follows from the page's class.

`HomePage` is `templates/home.html` and gets the fields of the page and `frame`;
`StepsFragment` is `templates/_steps.html` and gets its fields alone.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

import netloom
from netloom.store import summary
from netloom.store.status import is_running
from netloom.web.auth import named_in
from netloom.web.format import FILTERS
from netloom.web.site import Site, site_of
from netloom.web.workbench.fragments import Fragment
from netloom.web.workbench.pages import Page
from netloom.web.workbench.parts import Frame

TEMPLATES = Path(__file__).parent.parent / "templates"
THEMES = ("light", "dark")


def render(request: Request, page: Page | Fragment, *, status: int = 200) -> HTMLResponse:
    """Return a page or a fragment as a response."""
    template = environment().get_template(template_name(type(page)))
    headers = {"cache-control": "no-store"}  # a page shows the state of now
    return HTMLResponse(template.render(_context(request, page)), status, headers=headers)


def stream(request: Request, page: Page) -> Iterator[bytes]:
    """Yield a page piece by piece, while its iterators are still at work."""
    template = environment().get_template(template_name(type(page)))
    parts = template.stream(_context(request, page))
    parts.enable_buffering(32)
    for part in parts:
        yield part.encode()


def template_name(page: type[Page | Fragment]) -> str:
    """Return the file of a page's template."""
    name = page.__name__.removesuffix("Page").removesuffix("Fragment")
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return f"_{snake}.html" if issubclass(page, Fragment) else f"{snake}.html"


@functools.cache
def environment() -> Environment:
    """Return the templates with their filters."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS)
    return made


def _context(request: Request, page: Page | Fragment) -> dict[str, Any]:
    context = {field.name: getattr(page, field.name) for field in dataclasses.fields(page)}
    if isinstance(page, Page):
        context["frame"] = frame_of(request, page.section)
    return context


def frame_of(request: Request, section: str) -> Frame:
    """Return what stands around every page."""
    site = site_of(request)
    query = request.url.query
    theme = request.cookies.get("theme", "")
    counts = summary(site.store.resources())
    return Frame(
        server_name=site.settings.server_name,
        version=netloom.__version__,
        user=named_in(request),
        path=request.url.path + (f"?{query}" if query else ""),
        section=section,
        theme=theme if theme in THEMES else "",
        running=running_jobs(site),
        cpus_free=counts["cpus_free"],
        cpus_total=counts["cpus"],
        gpus_free=counts["gpus_free"],
        gpus_total=counts["gpus"],
        last_event=site.store.last_event_id(),
        messages=_messages(request),
    )


def running_jobs(site: Site) -> int:
    """Return how many jobs are running."""
    return sum(
        number
        for by_status in site.store.count_jobs().values()
        for status, number in by_status.items()
        if is_running(status)
    )


def _messages(request: Request) -> tuple[str, ...]:
    # "?started=3": told after a sweep, which leads to the home page.
    started = request.query_params.get("started", "")
    return (f"{started} jobs were started.",) if started.isdigit() and len(started) < 6 else ()
