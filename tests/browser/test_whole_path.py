"""The whole path by clicking: login, dataset, model, moving curves, an image that is classified."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

DONE = re.compile("Done")


def log_in(page: Page, name: str = "ada") -> None:
    page.goto("/login")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("group").filter(has_text=name)).to_be_visible()


def make_dataset(page: Page, folder: Path, name: str) -> None:
    page.goto("/datasets/images/classification/new")
    page.get_by_label("Training images").fill(str(folder))
    page.get_by_label("Width").fill("28")
    page.get_by_label("Height").fill("28")
    page.get_by_label("Image type").select_option("Grey")
    page.get_by_label("Dataset name").fill(name)
    page.get_by_role("button", name="Create dataset").click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    expect(page.get_by_role("link", name="Train a model")).to_be_visible()


def make_model(page: Page, dataset: str, name: str, epochs: int) -> None:
    page.goto("/models/images/classification/new")
    page.get_by_label("Dataset", exact=True).select_option(dataset)
    page.get_by_role("radio", name="LeNet", exact=True).check()
    page.get_by_label("Training epochs").fill(str(epochs))
    page.get_by_label("Model name").fill(name)
    page.get_by_role("button", name="Create model").click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def test_by_clicking(page: Page, drawings: Path) -> None:
    log_in(page)
    make_dataset(page, drawings, "three digits")
    expect(page.get_by_text("1 file could not be read")).to_be_visible()
    training = page.get_by_role("region", name="Training images")
    expect(training.get_by_role("row", name=re.compile("^0"))).to_contain_text("23")

    page.get_by_role("link", name="Train a model").click()
    expect(page.get_by_label("Dataset", exact=True)).to_contain_text("three digits")
    make_model(page, "three digits", "three lenet", epochs=40)
    # The curve moves while the page is open, without a reload.
    legend = page.get_by_role("button", name=re.compile("loss.*train", re.I))
    expect(legend).to_be_visible()
    first = legend.inner_text()
    expect(legend).not_to_have_text(first)
    expect(page.get_by_text(DONE).first).to_be_visible()

    page.get_by_label("Image file").set_input_files(drawings / "7" / "03.png")
    answers = page.locator("ul.list-group").get_by_role("listitem")
    expect(answers).to_have_count(3)
    expect(answers.first).to_contain_text(re.compile(r"^\s*\d+\.\d\d%\s*7\s*$"))


def test_by_keyboard(page: Page, drawings: Path) -> None:
    """Nothing but keys: from the login to a dataset that is being built."""
    page.goto("/login?next=/")
    page.keyboard.type("grace")
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    page.goto("/datasets/images/classification/new")
    press_until(page, "Training images", forward=True)
    page.keyboard.type(str(drawings.parent) + "/")
    expect(page.get_by_role("option", name=str(drawings))).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Training images")).to_have_value(re.compile(re.escape(str(drawings))))
    page.keyboard.press("Escape")
    press_until(page, "Width", forward=True)
    page.keyboard.type("28")
    press_until(page, "Dataset name", forward=True)
    page.keyboard.press("Control+A")
    page.keyboard.type("by keyboard")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="by keyboard", level=1)).to_be_visible()


def press_until(page: Page, label: str, *, forward: bool) -> None:
    """Press Tab until the field with this label has the focus."""
    wanted = page.get_by_label(label, exact=True).or_(page.get_by_label(f"{label} *")).first
    for _ in range(60):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab" if forward else "Shift+Tab")
    raise AssertionError(f"{label} is not reached by Tab")


def test_wrong_fields_keep_what_was_typed(page: Page, drawings: Path) -> None:
    log_in(page)
    page.goto("/datasets/images/classification/new")
    page.get_by_label("Training images").fill(str(drawings) + "-nowhere")
    page.get_by_label("Dataset name").fill("typed before")
    page.get_by_label("Width").fill("0")
    page.get_by_role("button", name="Create dataset").click()
    expect(page.get_by_text("Must be at least 1.")).to_be_visible()
    expect(page.get_by_label("Width")).to_be_focused()
    page.get_by_label("Width").fill("28")
    page.get_by_role("button", name="Create dataset").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    expect(page.get_by_label("Training images")).to_be_focused()
    expect(page.get_by_label("Training images")).to_have_value(str(drawings) + "-nowhere")
    expect(page.get_by_label("Dataset name")).to_have_value("typed before")
    expect(page.get_by_label("Width")).to_have_value("28")
