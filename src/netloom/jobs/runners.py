"""Runners: from the name in a step's row to the class that does the work."""

from __future__ import annotations

import importlib

from netloom import registry
from netloom.interfaces.job import Step as Work


def find_work(runner: str) -> type[Work]:
    """Return the class that does the work of a step.

    A runner is a name in the entry point group `netloom.jobs`. Only code writes runners; for
    classes that are not installed as plugins, like those of tests, it may be "module:Class".
    """
    if ":" in runner:
        module, _, name = runner.partition(":")
        found: type[Work] = getattr(importlib.import_module(module), name)
    else:
        found = registry.find("netloom.jobs", runner)
    return found
