"""A fresh install leads from the built-in digits to the form of the first model."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from netloom.demo import Server


def test_the_first_steps_lead_on(browser: Browser, tmp_path: Path) -> None:
    with Server(data=tmp_path / "data", roots=[tmp_path]) as server:
        context = browser.new_context(base_url=server.url)
        page = context.new_page()
        page.goto("/")
        page.get_by_role("link", name="Log in to begin").click()
        page.get_by_label("Name").fill("ada")
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("button", name="Use the built-in digits").click()
        expect(page.get_by_role("heading", name="Handwritten digits", level=1)).to_be_visible()
        expect(page.get_by_role("link", name="Train a model")).to_be_visible()
        expect(page.get_by_role("region", name="Training images")).to_contain_text("1,350")

        page.goto("/")
        expect(page.get_by_role("listitem").filter(has_text="Train a model")).to_have_attribute(
            "aria-current", "step"
        )
        page.get_by_role("link", name="Train a model").click()
        expect(page.get_by_label("Dataset", exact=True)).to_contain_text("Handwritten digits")
        expect(page.get_by_role("radio", name="LeNet", exact=True)).to_be_checked()
        context.close()
