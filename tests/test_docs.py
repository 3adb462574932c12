"""Whether the docs tell the truth: links, names and commands exist, and nothing is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from netloom import errors
from netloom.cli import netloom
from netloom.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMED_FILE = re.compile(r"`((?:src|tests|docs|scripts|benchmarks|examples|\.ci)/[\w./-]*)`")


def every_error(tree: type[errors.NetloomError]) -> Iterator[type[errors.NetloomError]]:
    yield tree
    for child in tree.__subclasses__():
        if child.__module__.startswith("netloom."):
            yield from every_error(child)


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


def read(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


@pytest.mark.parametrize("error", list(every_error(errors.NetloomError)), ids=lambda e: e.__name__)
def test_every_error_is_documented(error: type[errors.NetloomError]) -> None:
    assert f"\n### {error.__name__}\n" in read("errors.md")


def test_no_error_is_documented_that_does_not_exist() -> None:
    names = {error.__name__ for error in every_error(errors.NetloomError)}
    assert set(re.findall(r"^### (\w+)$", read("errors.md"), re.MULTILINE)) <= names


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_setting_is_documented(name: str) -> None:
    assert f"`NETLOOM_{name.upper()}`" in read("settings.md")


@pytest.mark.parametrize("name", list(netloom.commands))
def test_every_command_is_documented(name: str) -> None:
    assert f"\n## netloom {name}\n" in read("cli.md")


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page: Path) -> None:
    for text, target in re.findall(r"\[([^\]]*)\]\(([^)\s]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        linked = (page.parent / path) if path else page
        assert linked.exists(), f"[{text}]({target})"
        if anchor:
            assert anchor in anchors(linked), f"[{text}]({target})"


def anchors(page: Path) -> set[str]:
    """Return the anchors that the headings of a page make."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_named_files_exist(page: Path) -> None:
    for name in NAMED_FILE.findall(page.read_text()):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_named_commands_exist(page: Path) -> None:
    text = page.read_text()
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`|    )make (\w+)", text, re.MULTILINE)) <= targets
    assert set(re.findall(r"(?:^|`|    )netloom ([a-z]+)", text, re.MULTILINE)) <= set(
        netloom.commands
    )


def test_every_field_is_documented() -> None:
    from netloom.datasets import ClassificationDataset
    from netloom.training import ClassificationModel

    text = read("rest.md")
    for kind in (ClassificationDataset, ClassificationModel):
        assert [field.name for field in kind.describe() if f"`{field.name}`" not in text] == []


def test_the_guide_names_the_routes_there_are(tmp_path: Path) -> None:
    from netloom.app import create_app

    spoken = {route for line in read("rest.md").splitlines() for route in routes_of(line)}
    routes = {
        without_twin(route) for route in create_app(Settings(data=tmp_path)).openapi()["paths"]
    }
    assert sorted(routes - spoken) == []
    assert sorted(spoken - routes - {"/openapi"}) == []


def routes_of(line: str) -> list[str]:
    """Return the routes a line of the guide names, `{kind}` spelled out."""
    routes = [without_twin(route) for route in re.findall(r"`(/[^`?]*)`", line)]
    kinds = ("jobs", "datasets", "models")
    return [route.replace("{kind}", kind) for route in routes for kind in kinds]


def without_twin(route: str) -> str:
    """Return a route as the guide writes it: one line for a page and its JSON twin."""
    route = re.sub(r"\{\w*id\}", "{id}", route).removesuffix(".json")
    return route.replace("{path:path}", "{path}")
