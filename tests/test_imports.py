"""The direction of imports: a room uses only what stands before it in the flow of data."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "src/netloom"

FLOW = (
    "errors", "atomic", "settings", "roots", "interfaces", "registry", "images", "store", "jobs",
    "datasets", "networks", "training", "inference", "web", "app", "testing", "demo", "cli",
    "__main__",
)  # fmt: skip

# A room may also be used by an earlier one where this is written down, with the reason.
ALLOWED: dict[tuple[str, str], str] = {}

HEAVY = ("torch", "sklearn", "scipy", "onnxscript", "pandas", "matplotlib")


def room_of(path: Path) -> str:
    """Return the room a module belongs to: the folder or file below `netloom`."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def rooms_used(path: Path) -> Iterator[str]:
    """Yield each room that a module imports from, wherever in the module it does so."""
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            module = node.module or ""
            single = module == "netloom"
            names = [f"{module}.{alias.name}" for alias in node.names] if single else [module]
        for name in names:
            parts = name.split(".")
            if parts[0] == "netloom" and len(parts) > 1 and parts[1] != "__version__":
                yield parts[1]


def before(room: str) -> tuple[str, ...]:
    """Return the rooms that this one may import from."""
    return FLOW[: FLOW.index("web" if room == "plugins" else room)]


MODULES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_follow_the_flow(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        assert set(rooms_used(path)) <= set()
        return
    allowed = {*before(room), room, *(to for source, to in ALLOWED if source == room)}
    assert set(rooms_used(path)) <= allowed


@pytest.mark.parametrize(
    "module", ["netloom.cli", "netloom.app", "netloom.web", "netloom.registry"]
)
def test_the_server_starts_without_heavy_libraries(module: str) -> None:
    code = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
