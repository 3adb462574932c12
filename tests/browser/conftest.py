"""Chromium before a real server, and drawn images to feed it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from netloom.demo import Server

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHROMIUM = shutil.which("chromium") or ""
PATIENCE = 60_000  # milliseconds; a step of a job on a busy machine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("There is no Chromium on this machine; .ci/run installs it.")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three drawn digits, 30 images each, and one file that cannot be read."""
    folder = tmp_path_factory.mktemp("drawings") / "digits"
    random = np.random.default_rng(1)
    for digit in "017":
        (folder / digit).mkdir(parents=True)
        for number in range(30):
            cv2.imwrite(str(folder / digit / f"{number:02d}.png"), drawn(digit, random))
    (folder / "7" / "broken.png").write_bytes(b"")
    return folder


def drawn(digit: str, random: np.random.Generator) -> np.ndarray:
    """Return a digit, drawn at a random place in a random grey on 28x28 pixels."""
    image = np.zeros((28, 28), np.uint8)
    x, y = (int(v) for v in random.integers(4, 9, 2))
    shade = int(random.integers(160, 256))
    cv2.putText(image, digit, (x, y + 15), cv2.FONT_HERSHEY_SIMPLEX, 0.75, shade, 2)
    return image


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, drawings: Path) -> Iterator[str]:
    """The address of a server for all browser tests."""
    data = tmp_path_factory.mktemp("site")
    with Server(data=data, roots=[drawings.parent]) as server:
        yield server.url


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    """A new visitor; a test fails when a script of the page does."""
    context = browser.new_context(base_url=site, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    mistakes: list[str] = []
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    yield page
    context.close()
    assert not mistakes
