"""Tables, curves and forms, as a user works with them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE
from tests.browser.test_whole_path import log_in, make_dataset, make_model


@pytest.fixture(scope="module")
def model(browser: Browser, site: str, drawings: Path) -> Iterator[str]:
    """The address of a trained model of ada's."""
    context = browser.new_context(base_url=site)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    log_in(page)
    make_dataset(page, drawings, "for parts")
    make_model(page, "for parts", "parts lenet", epochs=4)
    expect(page.get_by_text("took").first).to_be_visible()
    yield page.url
    context.close()


@pytest.fixture
def ada(page: Page) -> Page:
    page.request.post("/login", form={"username": "ada", "next": "/"})
    return page


def test_table_filters_and_keeps_its_state_in_the_address(ada: Page, model: str) -> None:
    ada.goto("/?tab=2")
    ada.get_by_role("searchbox", name="Filter models by name").press_sequentially("nothing like it")
    expect(ada.get_by_role("heading", name="No models match")).to_be_visible()
    expect(ada).to_have_url(re.compile("models_text=nothing%20like%20it"))
    ada.reload()
    expect(ada.get_by_role("heading", name="No models match")).to_be_visible()
    ada.get_by_role("link", name="Show all models").click()
    expect(ada.get_by_role("link", name="parts lenet")).to_be_visible()
    ada.get_by_role("link", name="Name").click()
    expect(ada.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "ascending")
    expect(ada).to_have_url(re.compile("models_sort=name"))


def test_deleting_names_what_will_go(ada: Page, drawings: Path, model: str) -> None:
    for name in ("to go one", "to go two"):
        make_dataset(ada, drawings, name)
    ada.goto("/?tab=1")
    ada.get_by_role("checkbox", name="Select to go one").check()
    ada.get_by_role("checkbox", name="Select to go two").press("Space")
    bar = ada.get_by_role("toolbar", name="Selected datasets")
    expect(bar.get_by_role("status")).to_have_text("2 selected")
    bar.get_by_role("button", name="Delete").click()
    dialog = ada.get_by_role("dialog")
    expect(dialog).to_contain_text("to go one")
    expect(dialog).to_contain_text("to go two")
    dialog.get_by_role("button", name="Delete").click()
    expect(ada.get_by_role("link", name="to go one")).to_have_count(0)
    expect(ada.get_by_role("link", name="for parts")).to_be_visible()


def test_renaming_in_place(ada: Page, model: str) -> None:
    ada.goto(model)
    ada.get_by_role("button", name="Rename").click()
    ada.get_by_role("textbox", name="Name").fill("parts lenet, renamed")
    ada.keyboard.press("Enter")
    expect(ada.get_by_role("heading", name="parts lenet, renamed", level=1)).to_be_visible()
    ada.reload()
    expect(ada.get_by_role("heading", name="parts lenet, renamed", level=1)).to_be_visible()


def test_curves_zoom_select_and_download(ada: Page, model: str) -> None:
    ada.goto(model)
    plot = ada.get_by_role("group", name="Losses and accuracy over the epochs")
    box = plot.bounding_box()
    assert box
    reset = ada.get_by_role("button", name="Reset zoom")
    expect(reset).to_be_disabled()
    ada.mouse.move(box["x"] + 300, box["y"] + 100)
    ada.mouse.down()
    ada.mouse.move(box["x"] + 500, box["y"] + 100, steps=5)
    ada.mouse.up()
    expect(reset).to_be_enabled()
    reset.click()
    expect(reset).to_be_disabled()

    snapshot = ada.get_by_label("Snapshot", exact=True)
    expect(snapshot).to_have_value("4")
    plot.focus()
    for key in ("Home", "Enter"):
        ada.keyboard.press(key)
    expect(snapshot).to_have_value("1")

    ada.get_by_role("button", name="Log scale").click()
    ada.locator("summary", has_text="Download").click()
    with ada.expect_download() as caught:
        ada.get_by_role("button", name="Table (CSV)").click()
    head, *rows = caught.value.path().read_text().splitlines()
    assert head.startswith("epoch,")
    assert "loss (train)" in head
    assert len(rows) >= 4


def test_customize_fills_the_editor(ada: Page, model: str) -> None:
    ada.goto("/models/images/classification/new")
    ada.get_by_role("button", name="Customize LeNet").click()
    text = ada.get_by_role("textbox", name="Network text")
    expect(text).to_have_value(re.compile(r"def build\(p\)"))
    expect(ada.get_by_role("radio", name="Custom")).to_be_checked()


def test_theme_stays(ada: Page) -> None:
    ada.goto("/")
    ada.locator("summary[aria-label=Theme]").click()
    ada.get_by_role("button", name="Dark").click()
    ada.reload()
    expect(ada.locator("html")).to_have_attribute("data-theme", "dark")


def test_phone_shows_all_of_a_job_without_scrolling_sideways(ada: Page, model: str) -> None:
    ada.set_viewport_size({"width": 390, "height": 844})
    dataset = ada.request.get(f"{model}.json").json()["dataset_id"]
    new = f"/models/images/classification/new?dataset={dataset}"
    explore = f"/datasets/images/classification/explore?job_id={dataset}"
    for address in (model, f"/datasets/{dataset}", explore, new, "/?tab=1", "/?tab=2"):
        ada.goto(address)
        assert ada.evaluate("document.documentElement.scrollWidth") <= 390, address
    row = ada.get_by_role("row", name="parts lenet")
    for cell in row.get_by_role("cell").all():
        box = cell.bounding_box()
        assert box is None or box["x"] + box["width"] <= 390
    expect(row).to_contain_text("Done")
    expect(row.get_by_text(re.compile(r"^\d+\.\d\d %$"))).to_be_in_viewport(ratio=1)


def test_large_graph_fills_the_window(ada: Page, model: str) -> None:
    ada.set_viewport_size({"width": 1200, "height": 1000})
    ada.goto(model)
    ada.get_by_role("link", name="View large").click()
    ada.get_by_role("heading", name="All points of the curves").wait_for()
    plot = ada.get_by_role("group", name="Losses and accuracy over the epochs")
    plot.locator("canvas").wait_for()
    box = plot.bounding_box()
    assert box
    assert box["height"] > 500
    expect(ada.get_by_text("selects the nearest snapshot")).to_have_count(0)


def test_header_and_steps_tell_the_same_while_it_runs(ada: Page, model: str) -> None:
    ada.set_viewport_size({"width": 1200, "height": 1000})
    make_model(ada, "for parts", "runs for long", epochs=5000)
    header, steps = ada.locator("#job-header"), ada.locator("#steps")
    expect(steps).to_contain_text(re.compile(r"Epoch \d+ of 5000"))
    before = steps.text_content()
    expect(steps).not_to_have_text(before or "")

    # Each comes with a request of its own: one of the moments in between may be seen.
    tells = re.compile(r"(\d+) %.*?(\S[\w ]*) left", re.DOTALL)
    for _ in range(50):
        said = [tells.search(part.inner_text()) for part in (header, steps)]
        if all(said) and len({found.groups() for found in said if found}) == 1:
            break
        ada.wait_for_timeout(200)
    else:
        pytest.fail(f"Header and steps differ: {said}")
    ada.get_by_role("button", name="Abort").click()
    expect(header).to_contain_text("Aborted")


def test_enlarged_image_tells_its_class_and_leads_to_the_next(ada: Page, model: str) -> None:
    dataset = ada.request.get(f"{model}.json").json()["dataset_id"]
    ada.goto(f"/datasets/images/classification/explore?job_id={dataset}")
    figures = ada.get_by_role("figure")
    said = [figures.nth(n).locator("figcaption > *").all_text_contents() for n in range(2)]
    ada.get_by_role("button", name=re.compile("enlarge")).first.click()
    dialog = ada.get_by_role("dialog", name="Image, enlarged")
    expect(dialog.get_by_text(" · ")).to_have_text(" · ".join(said[0]))
    expect(dialog.get_by_role("button", name="Previous")).to_be_disabled()
    dialog.get_by_role("button", name="Next").click()
    expect(dialog.get_by_text(" · ")).to_have_text(" · ".join(said[1]))
    ada.keyboard.press("ArrowLeft")
    expect(dialog.get_by_text(" · ")).to_have_text(" · ".join(said[0]))
    ada.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_lists_of_numbers_are_checked_on_leaving_the_box(ada: Page, model: str) -> None:
    ada.goto("/models/images/classification/new")
    rates = ada.get_by_label("Base learning rate")
    rates.fill("0.1, fast")
    rates.press("Tab")
    expect(rates).to_have_attribute("aria-invalid", "true")
    expect(ada.get_by_text("Numbers, separated by commas.")).to_be_visible()
    rates.fill("0.1, 0.01")
    expect(rates).not_to_have_attribute("aria-invalid", "true")
    expect(ada.get_by_text("2 models will be trained")).to_be_visible()
