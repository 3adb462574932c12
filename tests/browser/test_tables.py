"""Tables of jobs: columns, order, groups and selection, remembered, by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from netloom.demo import Server
from netloom.settings import Settings
from netloom.store import open_store
from tests.browser.test_no_barriers import violations

JOBS = (("apple", "fruit"), ("beet", "roots"), ("cherry", "fruit"), ("dill", ""))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with four finished models, two of them in one group."""
    data = tmp_path_factory.mktemp("tables")
    store = open_store(Settings(data=data))
    for name, group in JOBS:
        about = {"options": {}, "form": {}, "plan": (), "framework": "pytorch", "group": group}
        store.add_job("model", "Image Classification Model", name, "ada", **about)
    store.close()
    with Server(data=data, roots=[data]) as server:
        yield server.url


@pytest.fixture
def table(browser: Browser, home: str) -> Iterator[Page]:
    context = browser.new_context(base_url=home, viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "username", "value": "ada", "url": home}])
    page = context.new_page()
    mistakes: list[str] = []
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    page.goto("/?tab=2")
    yield page
    context.close()
    assert not mistakes


def rows_of(page: Page) -> list[str]:
    links = page.get_by_role("region", name="Models").get_by_role("rowheader").get_by_role("link")
    return links.all_inner_texts()


def test_columns_are_chosen_and_remembered(table: Page) -> None:
    expect(table.get_by_role("columnheader", name="Took")).to_be_visible()
    expect(table.get_by_role("columnheader", name="Id")).to_have_count(0)
    table.locator("summary", has_text="Columns").click()
    table.get_by_role("checkbox", name="Id", exact=True).check()
    table.get_by_role("checkbox", name="Took", exact=True).uncheck()
    expect(table.get_by_role("columnheader", name="Id")).to_be_visible()
    table.reload()
    expect(table.get_by_role("columnheader", name="Id")).to_be_visible()
    expect(table.get_by_role("columnheader", name="Took")).to_have_count(0)


def test_order_tab_and_groups_are_remembered(table: Page) -> None:
    table.get_by_role("link", name="Name", exact=True).click()
    expect(table.get_by_role("columnheader", name="Name")).to_have_attribute(
        "aria-sort", "ascending"
    )
    table.get_by_role("link", name="Group jobs").click()
    expect(table.get_by_role("button", name="fruit 2")).to_be_visible()
    table.goto("/")  # says neither tab nor order
    expect(table.get_by_role("button", name="fruit 2")).to_be_visible()
    assert rows_of(table) == ["apple", "cherry", "beet", "dill"]
    expect(table.get_by_role("button", name="Ungrouped 1")).to_be_visible()


def test_groups_fold_and_stay_folded(table: Page) -> None:
    table.get_by_role("link", name="Group jobs").click()
    bar = table.get_by_role("button", name="fruit 2")
    bar.press("Enter")
    expect(bar).to_have_attribute("aria-expanded", "false")
    expect(table.get_by_role("link", name="apple")).to_be_hidden()
    table.reload()
    expect(bar).to_have_attribute("aria-expanded", "false")
    expect(table.get_by_role("link", name="apple")).to_be_hidden()
    expect(table.get_by_role("link", name="beet")).to_be_visible()


def test_a_second_key_comes_with_shift(table: Page) -> None:
    table.get_by_role("link", name="Status", exact=True).click()
    expect(table.get_by_role("columnheader", name="Status")).to_have_attribute(
        "aria-sort", "ascending"
    )
    table.get_by_role("link", name="Name", exact=True).click(modifiers=["Shift"])
    expect(table.get_by_role("link", name="Name (second key, ascending)")).to_be_visible()
    assert rows_of(table) == ["apple", "beet", "cherry", "dill"]
    table.get_by_role("link", name="Name (second key").click(modifiers=["Shift"])
    expect(table.get_by_role("link", name="Name (second key, descending)")).to_be_visible()
    assert rows_of(table) == ["dill", "cherry", "beet", "apple"]
    assert len(table.context.pages) == 1


def test_rows_are_selected_by_keyboard_and_grouped(table: Page) -> None:
    table.get_by_role("link", name="Name", exact=True).click()
    expect(table.get_by_role("columnheader", name="Name")).to_have_attribute(
        "aria-sort", "ascending"
    )
    bar = table.get_by_role("toolbar", name="Selected models")
    box = table.get_by_role("checkbox", name="Select apple")
    box.press("Control+a")
    expect(bar.get_by_role("status")).to_have_text("4 selected")
    box.press("Control+d")
    expect(bar).to_be_hidden()
    box.press("Space")
    box.press("Control+i")
    expect(bar.get_by_role("status")).to_have_text("3 selected")
    box.press("Control+i")
    box.press("ArrowDown")
    expect(table.get_by_role("checkbox", name="Select beet")).to_be_focused()
    bar.get_by_role("button", name="Group").click()
    dialog = table.get_by_role("dialog")
    dialog.get_by_label("Group").fill("orchard")
    table.keyboard.press("Enter")
    expect(table.get_by_text("orchard")).to_be_visible()


def test_no_barriers(table: Page) -> None:
    table.get_by_role("link", name="Group jobs").click()
    expect(table.get_by_role("button", name="Ungrouped 1")).to_be_visible()
    assert violations(table) == []
