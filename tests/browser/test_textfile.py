"""A dataset from text files, made in the browser: uploads, with the keyboard alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_no_barriers import known, violations

NEW = "/datasets/images/classification/new"


@pytest.fixture
def lists(drawings: Path, tmp_path: Path) -> Path:
    """A folder with a training list, a validation list and the names of the classes."""
    names = sorted(folder.name for folder in drawings.iterdir())
    lines = [
        f"{path.relative_to(drawings)} {names.index(path.parent.name)}\n"
        for path in sorted(drawings.glob("*/*.png"))
    ]
    (tmp_path / "train.txt").write_text("".join(lines[5:]) + "no number\n")
    (tmp_path / "val.txt").write_text("".join(lines[:5]))
    (tmp_path / "labels.txt").write_text("\n".join(names))
    return tmp_path


def test_uploaded_lists_make_a_dataset_without_a_mouse(
    page: Page, drawings: Path, lists: Path
) -> None:
    known(page)
    page.goto(NEW)
    page.get_by_label("Use image folder").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_label("Use text files")).to_be_checked()
    expect(page.get_by_label("For validation")).to_be_hidden()
    expect(page.locator("#field-textfile_local_train_images")).to_be_hidden()
    for name, field in (
        ("train", "train_images"),
        ("val", "val_images"),
        ("labels", "labels_file"),
    ):
        page.locator(f"#field-textfile_{field}").set_input_files(lists / f"{name}.txt")
    for split in ("Training", "Validation"):
        page.get_by_label(f"{split} image folder").fill(str(drawings))
        page.keyboard.press("Escape")
    expect(page.get_by_label("Test image folder")).to_be_hidden()
    page.get_by_label("Width").fill("28")
    page.get_by_label("Height").fill("28")
    page.get_by_label("Dataset name").fill("from lists")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="from lists")).to_be_visible()
    expect(page.get_by_text("train.txt", exact=True).first).to_be_visible()
    expect(page.get_by_role("link", name="Explore").first).to_be_visible()
    expect(page.get_by_text("1 file could not be read")).to_be_visible()
    expect(page.get_by_text("The line does not end with a class number.")).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_form_has_no_barriers(page: Page, theme: Any) -> None:
    page.emulate_media(color_scheme=theme)
    known(page)
    page.goto(NEW)
    page.get_by_label("Use text files").check()
    assert violations(page) == []
    page.get_by_label("The lists lie on the server").check()
    page.get_by_label("Use a test list").check()
    assert violations(page) == []


def test_what_is_missing_is_marked_at_its_field(page: Page) -> None:
    known(page)
    page.goto(NEW)
    page.get_by_label("Use text files").check()
    page.get_by_label("Dataset name").fill("nothing")
    page.get_by_role("button", name="Create dataset").click()
    expect(page.locator("#error-textfile_train_images")).to_contain_text("required")
    expect(page.locator("#field-textfile_train_images")).to_be_focused()
    assert re.search(r"/new$", page.url)
