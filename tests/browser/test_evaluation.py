"""A model is evaluated on a split by clicking, with keys, and without barriers."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_no_barriers import known, violations
from tests.browser.test_whole_path import log_in, make_dataset, make_model


@pytest.fixture(scope="module")
def model(browser: Browser, site: str, drawings: Path) -> str:
    """The address of a model."""
    context = browser.new_context(base_url=site)
    context.set_default_timeout(60_000)
    page = context.new_page()
    log_in(page)
    make_dataset(page, drawings, "for evaluation")
    make_model(page, "for evaluation", "evaluated lenet", epochs=1)
    expect(page.get_by_role("heading", name="One image")).to_be_visible()
    address = page.url
    context.close()
    return address


def test_an_evaluation_leads_to_the_images_of_a_cell(page: Page, model: str) -> None:
    known(page)
    page.goto(model)
    page.get_by_role("link", name="Evaluate on a dataset").click()
    expect(page.get_by_label("Dataset")).to_contain_text("for evaluation")
    page.get_by_label("Split").select_option("Training")
    page.get_by_role("button", name="Evaluate").click()
    expect(page.get_by_text("Top-1 accuracy")).to_be_visible()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert violations(page) == []
    shares = page.get_by_role("button", name="Share of the row")
    shares.focus()
    page.keyboard.press("Enter")
    expect(shares).to_have_attribute("aria-pressed", "true")
    cell = page.get_by_role("link", name="taken for").first
    images = int((cell.get_attribute("aria-label") or "").split()[0])
    cell.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("taken for")
    expect(page.locator("figure")).to_have_count(min(images, 50))
    assert violations(page) == []


def test_the_archive_follows_the_snapshot(page: Page, model: str) -> None:
    known(page)
    page.goto(model)
    page.get_by_text("Model as archive").click()
    with page.expect_download() as loading:
        page.get_by_role("link", name="zip").click()
    assert loading.value.suggested_filename.endswith("_epoch_1.zip")
