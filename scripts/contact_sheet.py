"""
Contact sheet: every page at 390 and 1440 pixels, light and dark, empty, typical, failed and full.

Starts servers on temporary data folders, makes a dataset and models of drawn digits, visits the
pages in Chromium and writes one PNG per picture, `sheet-<width>-<theme>.png` with all of them, and
says where a page is wider than its window or logs an error. Look at the sheets after each change:

    python scripts/contact_sheet.py build/contact
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import httpx
import numpy as np
from crowd import fill
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

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
WIDTHS = (390, 1440)
THEMES = ("light", "dark")
TILE = 480  # width of one picture on the sheet
TALLEST = 1400  # of a page, in tile pixels; more is cut


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One picture."""

    name: str
    url: str
    act: str = ""  # what to do first: classify, many, top, errors, customize, select, curves


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path("build/contact"))
    parser.add_argument("--only", default="", help="pictures whose name contains this")
    parser.add_argument("--no-crowd", action="store_true", help="leave out the full state")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        root = Path(name)
        album = Album(browser, options.folder, options.only)
        with Server(data=root / "empty", roots=[root]) as server:
            album.visit(server.url, empty_shots())
        images = draw_digits(root / "digits")
        with Server(data=root / "typical", roots=[root]) as server:
            bench = Bench(server.url, images)
            album.visit(server.url, typical_shots(bench), list_file=bench.list_file)
            bench.abort()
        if not options.no_crowd:
            dataset = fill(root / "full")
            with Server(data=root / "full", roots=[root]) as server:
                album.visit(server.url, full_shots(dataset))
    album.sheets()
    sys.exit(1 if album.complaints else 0)


def empty_shots() -> list[Shot]:
    new = "/images/classification/new"
    return [
        Shot(name="empty-home", url="/"),
        Shot(name="empty-login", url="/logout?next=/login"),
        Shot(name="empty-new-dataset", url=f"/datasets{new}"),
        Shot(name="empty-new-model", url=f"/models{new}"),
        Shot(name="empty-error", url="/models/20200101-000000-0000"),
    ]


def typical_shots(bench: Bench) -> list[Shot]:
    new = "/images/classification/new"
    explore = f"/datasets/images/classification/explore?job_id={bench.dataset}"
    model = f"/models/{bench.model}"
    return [
        Shot(name="home", url="/?tab=2"),
        Shot(name="home-datasets", url="/?tab=1"),
        Shot(name="home-selected", url="/?tab=2", act="select"),
        Shot(name="home-no-match", url="/?tab=2&models_text=nothing-is-called-so"),
        Shot(name="new-dataset", url=f"/datasets{new}"),
        Shot(name="new-dataset-errors", url=f"/datasets{new}", act="errors"),
        Shot(name="dataset", url=f"/datasets/{bench.dataset}"),
        Shot(name="dataset-failed", url=f"/datasets/{bench.bad_dataset}"),
        Shot(name="explore", url=explore),
        Shot(name="new-model", url=f"/models{new}?dataset={bench.dataset}"),
        Shot(name="new-model-custom", url=f"/models{new}", act="customize"),
        Shot(name="model", url=model),
        Shot(name="model-curves", url=model, act="curves"),
        Shot(name="model-running", url=f"/models/{bench.running}"),
        Shot(name="model-failed", url=f"/models/{bench.bad_model}"),
        Shot(name="model-classified", url=model, act="classify"),
        Shot(name="classify-one", url=model, act="one"),
        Shot(name="classify-many", url=model, act="many"),
        Shot(name="top-n", url=model, act="top"),
    ]


def full_shots(dataset: str) -> list[Shot]:
    return [
        Shot(name="full-models", url="/?tab=2"),
        Shot(name="full-models-page", url="/?tab=2&models_offset=5000&models_sort=name"),
        Shot(name="full-datasets", url="/?tab=1"),
        Shot(name="full-dataset", url=f"/datasets/{dataset}"),
        Shot(name="full-new-model", url="/models/images/classification/new"),
    ]


class Bench:
    """What the typical pages show: good, failed and running jobs."""

    def __init__(self, url: str, images: Path) -> None:
        self.http = httpx.Client(base_url=url, timeout=60)
        self.images = images
        self.list_file = images.parent / "list.txt"
        lines = [f"{path} {path.parent.name}" for path in sorted(images.glob("*/*.png"))[::3]]
        self.list_file.write_text("\n".join(lines))
        self.dataset = self.make_dataset("drawn digits", images)
        (images.parent / "single" / "only").mkdir(parents=True)
        self.bad_dataset = self.make_dataset("one class only", images.parent / "single")
        self.model = self.make_model("LeNet on drawn digits", train_epochs=30)
        self.bad_model = self.make_model("rate far too high", learning_rate=1e6, train_epochs=3)
        self.wait("models", self.model)
        self.wait("models", self.bad_model)
        self.running = self.make_model("LeNet, a long run", train_epochs=5000, batch_size=32)
        time.sleep(20)

    def make_dataset(self, name: str, folder: Path) -> str:
        size = {"resize_width": 28, "resize_height": 28, "resize_channels": 1}
        fields = {"dataset_name": name, "folder_train": str(folder), "username": "ada", **size}
        job = self.http.post("/datasets/images/classification.json", data=fields).json()["id"]
        self.wait("datasets", job)
        return str(job)

    def make_model(self, name: str, **fields: float) -> str:
        known = {"dataset": self.dataset, "model_name": name, "standard_networks": "lenet"}
        data = {**known, "username": "ada", **{k: str(v) for k, v in fields.items()}}
        return str(self.http.post("/models/images/classification.json", data=data).json()["id"])

    def wait(self, kind: str, job: str) -> None:
        while self.http.get(f"/{kind}/{job}/status").json()["status"] not in (
            "Done",
            "Error",
            "Aborted",
        ):
            time.sleep(0.5)

    def abort(self) -> None:
        self.http.post(f"/models/{self.running}/abort", data={"username": "ada"})
        self.wait("models", self.running)


def draw_digits(folder: Path) -> Path:
    """Draw sixty images of each digit in several typefaces, and two files that cannot be read."""
    dice = np.random.default_rng(1)
    faces = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX)
    for digit in range(10):
        (folder / str(digit)).mkdir(parents=True)
        for number in range(60 - 3 * digit):
            image = dice.integers(0, 20, (28, 28)).astype(np.uint8)
            x, y = (int(v) for v in dice.integers(3, 10, 2))
            shade, width = int(dice.integers(140, 256)), int(dice.integers(1, 3))
            face = faces[number % 3]
            cv2.putText(image, str(digit), (x, y + 14), face, 0.7, shade, width)
            cv2.imwrite(str(folder / str(digit) / f"{number:03d}.png"), image)
    (folder / "4" / "empty.png").write_bytes(b"")
    (folder / "4" / "notes.png").write_text("not an image")
    return folder


class Album:
    """The pictures, as they are taken."""

    def __init__(self, browser: Browser, folder: Path, only: str) -> None:
        self.browser = browser
        self.folder = folder
        self.only = only
        self.taken: dict[tuple[int, str], list[Path]] = {}
        self.complaints: list[str] = []

    def visit(self, url: str, shots: list[Shot], list_file: Path | None = None) -> None:
        wanted = [shot for shot in shots if self.only in shot.name]
        for width in WIDTHS:
            for theme in THEMES:
                context = self.browser.new_context(
                    base_url=url,
                    viewport={"width": width, "height": 900},
                    color_scheme=theme,
                    reduced_motion="reduce",
                )
                for shot in wanted:
                    context.add_cookies([{"name": "username", "value": "ada", "url": url}])
                    self.take(context.new_page(), shot, width, theme, list_file)
                context.close()

    def take(self, page: Page, shot: Shot, width: int, theme: str, list_file: Path | None) -> None:
        where = f"{shot.name} at {width}, {theme}"
        page.on("pageerror", lambda error: self.complain(f"{where}: {error}"))
        page.on("console", lambda message: self.hear(where, message))
        page.goto(shot.url)
        page.wait_for_timeout(500)
        act(page, shot.act, list_file)
        page.wait_for_timeout(300)
        room = "document.documentElement"
        over = page.evaluate(f"{room}.scrollWidth - {room}.clientWidth")
        if over > 0:
            self.complain(f"{where}: {over} pixels too wide")
        path = self.folder / f"{shot.name}-{width}-{theme}.png"
        page.screenshot(path=path, full_page=True)
        page.close()
        self.taken.setdefault((width, theme), []).append(path)

    def hear(self, where: str, message: ConsoleMessage) -> None:
        # The error page is meant to answer 404, which browsers log.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complain(f"{where}: {message.text}")

    def complain(self, text: str) -> None:
        print(text)
        self.complaints.append(text)

    def sheets(self) -> None:
        """Put the pictures of each width and theme side by side."""
        for (width, theme), paths in self.taken.items():
            columns = 4 if width > 800 else 8
            scale = TILE if width > 800 else TILE // 2
            sheet = montage([picture(path) for path in paths], columns, scale)
            target = self.folder / f"sheet-{width}-{theme}.png"
            cv2.imwrite(str(target), sheet)
            print(target)


def act(page: Page, what: str, list_file: Path | None) -> None:
    """Bring a page into the state to be seen."""
    if what == "select":
        for box in page.locator("tbody td.pick input").all()[:2]:
            box.check()
    elif what == "errors":
        page.get_by_label("Training images").fill("/nowhere")
        page.get_by_label("Width").fill("28")
        page.get_by_label("Dataset name").fill("typed before")
        page.get_by_role("button", name="Create dataset").click()
        page.wait_for_load_state()
    elif what == "customize":
        page.get_by_role("button", name="Customize LeNet").click()
        page.wait_for_timeout(500)
    elif what == "curves":
        page.get_by_label("Smoothing").fill("0.7")
        page.get_by_role("button", name="Log scale").click()
        page.locator("[data-plot] .u-over").hover(position={"x": 120, "y": 80})
    elif list_file is not None and what:
        one = list_file.parent / "digits" / "7" / "003.png"
        if what in ("classify", "one"):
            page.get_by_label("Image file").set_input_files(one)
            page.locator("#prediction ul").wait_for()
        if what == "one":
            page.locator("#classify-form").evaluate("form => form.submit()")
            page.get_by_role("heading", name="What the network says").wait_for()
        elif what in ("many", "top"):
            page.get_by_label("List of images").set_input_files(list_file)
            name = "Classify many" if what == "many" else "Top images per class"
            page.get_by_role("button", name=name).click()
            page.get_by_role("link", name="Classify others").wait_for()
            page.wait_for_timeout(1000)


def picture(path: Path) -> np.ndarray:
    found = cv2.imread(str(path))
    assert found is not None
    return found


def montage(pictures: list[np.ndarray], columns: int, width: int) -> np.ndarray:
    """Lay pictures out in columns, each scaled to one width, the next into the shortest column."""
    gap = 12
    stacks: list[list[np.ndarray]] = [[] for _ in range(columns)]
    heights = [0] * columns
    for picture in pictures:
        height = round(picture.shape[0] * width / picture.shape[1])
        small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)[:TALLEST]
        place = heights.index(min(heights))
        stacks[place].append(small)
        heights[place] += small.shape[0] + gap
    sheet = np.full((max(heights), columns * (width + gap), 3), 128, np.uint8)
    for place, stack in enumerate(stacks):
        top = 0
        for small in stack:
            left = place * (width + gap)
            sheet[top : top + small.shape[0], left : left + width] = small
            top += small.shape[0] + gap
    return sheet


@contextmanager
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        sys.exit("There is no Chromium on this machine: apt-get install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


if __name__ == "__main__":
    main()
