"""Examples of augmentation on the page of a new model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE
from tests.browser.test_no_barriers import violations
from tests.browser.test_whole_path import log_in, make_dataset


@pytest.fixture(scope="module")
def dataset(browser: Browser, site: str, drawings: Path) -> Iterator[str]:
    """The id of a dataset that is built."""
    context = browser.new_context(base_url=site)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    log_in(page)
    make_dataset(page, drawings, "for examples")
    expect(page.locator(".page-head").get_by_text("Done").first).to_be_visible()
    yield page.url.rpartition("/")[2]
    context.close()


def test_examples_follow_what_is_chosen(page: Page, dataset: str) -> None:
    log_in(page)
    page.goto(f"/models/images/classification/new?dataset={dataset}")
    page.get_by_role("button", name="Show examples").click()
    strip = page.get_by_role("list", name="Variations of a training image")
    expect(strip.get_by_role("img")).to_have_count(9)
    plain = strip.get_by_role("img", name="As it is").get_attribute("src")
    first = strip.get_by_role("img", name="Variation 1")
    expect(first).to_have_attribute("src", plain or "")  # nothing is chosen yet
    page.get_by_label("Noise").fill("0.2")
    expect(first).not_to_have_attribute("src", plain or "")
    page.get_by_role("button", name="Another image").click()
    expect(strip.get_by_role("img", name="As it is")).not_to_have_attribute("src", plain or "")

    page.get_by_label("Rotation").fill("500")
    expect(page.get_by_text("Must be at most 180.").first).to_be_visible()
    assert violations(page) == []
