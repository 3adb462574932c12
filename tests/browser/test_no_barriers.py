"""No page has a serious violation that axe-core can find, in either theme."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE
from tests.browser.test_whole_path import log_in, make_dataset, make_model

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
# A change of theme takes a moment; colours on their way belong to neither.
SETTLED = """async () => {
    await new Promise(requestAnimationFrame);
    const moving = document.getAnimations().filter((one) => one instanceof CSSTransition);
    await Promise.allSettled(moving.map((one) => one.finished));
}"""
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def addresses(browser: Browser, site: str, drawings: Path) -> Iterator[dict[str, str]]:
    """The address of each page, with a dataset, a model and a failed model behind them."""
    context = browser.new_context(base_url=site)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    log_in(page)
    make_dataset(page, drawings, "for axe")
    dataset = page.url
    make_model(page, "for axe", "axe lenet", epochs=1)
    expect(page.get_by_role("heading", name="One image")).to_be_visible()
    model = page.url
    explore = f"/datasets/images/classification/explore?job_id={dataset.rpartition('/')[2]}"
    yield {
        "home": "/",
        "models": "/?tab=2",
        "pretrained": "/?tab=3",
        "upload pretrained": "/pretrained_models/new",
        "nothing found": "/?datasets_text=nothing-is-called-so",
        "login": "/login",
        "new dataset": "/datasets/images/classification/new",
        "dataset": dataset,
        "explorer": explore,
        "new model": "/models/images/classification/new",
        "model": model,
        "error": "/models/20200101-000000-0000",
    }
    context.close()


PAGES = [
    "home", "models", "pretrained", "upload pretrained", "nothing found", "login", "new dataset",
    "dataset", "explorer", "new model", "model", "error",
]  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_page(page: Page, addresses: dict[str, str], name: str, theme: Any) -> None:
    page.emulate_media(color_scheme=theme)
    if name != "login":
        known(page)
    page.goto(addresses[name])
    assert violations(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_answers(
    page: Page, addresses: dict[str, str], drawings: Path, tmp_path: Path, theme: Any
) -> None:
    page.emulate_media(color_scheme=theme)
    known(page)
    page.goto(addresses["model"])
    page.get_by_label("Image file").set_input_files(drawings / "1" / "01.png")
    expect(page.locator("ul.list-group").get_by_role("listitem")).to_have_count(3)
    assert violations(page) == []
    page.get_by_role("button", name="Look inside").click()
    expect(page.get_by_text("Total parameters")).to_be_visible()
    assert violations(page) == []
    page.go_back()
    images = tmp_path / "list.txt"
    lines = [f"{drawings}/{digit}/0{n}.png {i}" for i, digit in enumerate("017") for n in range(9)]
    images.write_text("\n".join([*lines, f"{drawings}/7/broken.png 2"]))
    page.get_by_label("List of images").set_input_files(images)
    page.get_by_role("button", name="Classify many").click()
    expect(page.get_by_text("Top-1 accuracy")).to_be_visible()
    assert violations(page) == []
    page.go_back()
    page.get_by_label("List of images").set_input_files(images)
    page.get_by_role("button", name="Top images per class").click()
    expect(page.get_by_role("heading", name="Top 9 images per class")).to_be_visible()
    assert violations(page) == []


def known(page: Page) -> None:
    """Log in without a page."""
    page.request.post("/login", form={"username": "ada", "next": "/"})


def violations(page: Page) -> list[str]:
    """Return what axe-core finds serious: rule, what it says, and the first place."""
    page.evaluate(SETTLED)
    page.evaluate(AXE.read_text())
    found = page.evaluate("() => axe.run()")["violations"]
    return [
        f"{one['id']}: {one['help']}: {node['html'][:300]}: {node['failureSummary']}"
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"][:3]
    ]
