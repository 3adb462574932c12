"""
Registry: finds plugins by entry point and loads each on first use.

Built-in plugins come in by the same door as those of other packages:

    [project.entry-points."netloom.sources"]
    folder = "netloom.plugins.sources.folder:FolderSource"
"""

from __future__ import annotations

import functools
import logging
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from netloom.errors import UnknownPlugin

log = logging.getLogger(__name__)


def find(group: str, name: str) -> Any:
    """Return the plugin of this name; raise UnknownPlugin that lists what is installed."""
    points = _points(group)
    if name not in points:
        kind = group.rpartition(".")[2]
        raise UnknownPlugin(
            f"There is no {name!r} in {kind}.", hint=f"Installed: {', '.join(points) or 'none'}."
        )
    return _load(group, name)


def all(group: str) -> dict[str, Any]:
    """Return every plugin of a group that loads, by name, in order of names."""
    unusable = broken(group)
    return {name: _load(group, name) for name in _points(group) if name not in unusable}


def broken(group: str) -> dict[str, str]:
    """Return the plugins that cannot be used, each with one sentence that says why."""
    reasons = _taken_twice(group)
    for name in _points(group):
        try:
            _load(group, name)
        except Exception as error:  # a plugin may fail in any way and must harm nothing else
            log.warning("plugin %s of %s cannot be loaded", name, group, exc_info=True)
            reasons[name] = f"{type(error).__name__}: {error}"
    return reasons


@functools.cache
def _points(group: str) -> dict[str, EntryPoint]:
    points: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        points.setdefault(point.name, point)
    return points


def _taken_twice(group: str) -> dict[str, str]:
    used = _points(group)
    return {
        f"{point.name} ({point.value})": f"This name is taken by {used[point.name].value}."
        for point in entry_points(group=group)
        if point.value != used[point.name].value
    }


@functools.cache
def _load(group: str, name: str) -> Any:
    return _points(group)[name].load()
