"""Folders on the web: the listings of nginx and Apache over real HTTP, and hostile ones."""

from __future__ import annotations

import html
import http.server
import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest

from netloom import datasets
from netloom.datasets import ClassificationDataset
from netloom.errors import DatasetFailed, InvalidOptions, UnreadableImage
from netloom.plugins.sources import webfolder
from netloom.plugins.sources.webfolder import WebFolderSource, links_below
from netloom.testing import RecordingRun
from tests.datasets.conftest import write_classes, write_image


def nginx(path: str, names: list[str]) -> str:
    rows = [
        f'<a href="{quote(name)}">{html.escape(name[:50])}</a>   12-Jan-2026 10:00     -\r\n'
        for name in names
    ]
    title = f"Index of {path}"
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<h1>{title}</h1><hr><pre>"
        f'<a href="../">../</a>\r\n{"".join(rows)}</pre><hr></body>\r\n</html>\r\n'
    )


def apache(path: str, names: list[str]) -> str:
    rows = [
        f'<tr><td valign="top">&nbsp;</td><td><a href="{html.escape(quote(name))}">'
        f'{html.escape(name)}</a></td><td align="right">2026-01-12 10:00  </td></tr>\n'
        for name in names
    ]
    sorting = "".join(f'<th><a href="?C={column};O=A">by {column}</a></th>' for column in "NMSD")
    above = path.rstrip("/").rpartition("/")[0] + "/"
    return (
        f"<html><body><h1>Index of {path}</h1><table><tr>{sorting}</tr>\n<tr><td>&nbsp;</td><td>"
        f'<a href="{above}">Parent Directory</a></td></tr>\n{"".join(rows)}</table></body></html>'
    )


class Server(http.server.SimpleHTTPRequestHandler):
    """Serves files, and lists folders as another server would: by the first part of the path."""

    def list_directory(self, path: Any) -> Any:
        style = nginx if self.path.startswith("/nginx/") else apache
        names = sorted(
            entry.name + "/" * entry.is_dir()
            for entry in os.scandir(path)
            if not entry.name.startswith(".")
        )
        self.answer(style(unquote(self.path), names).encode())

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: Any) -> None:
        pass


@pytest.fixture(params=["nginx", "apache"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder that is served, and its URL."""
    handler = partial(Server, directory=str(tmp_path / "site"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    folder = tmp_path / "site" / request.param
    folder.mkdir(parents=True)
    yield folder, f"http://127.0.0.1:{server.server_address[1]}/{request.param}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETLOOM_FETCH_PRIVATE", "1")


def form(url: str, **values: str) -> dict[str, str]:
    small = {"resize_width": "8", "resize_height": "6", "seed": "7", "folder_pct_val": "0"}
    return {"dataset_name": "pets", "folder_train": url, **small, **values}


def build(directory: Path, values: dict[str, str]) -> dict[str, dict[str, Any]]:
    directory.mkdir()
    facts = {}
    for plan in ClassificationDataset.from_form(values).plan():
        run = RecordingRun(directory, cpus=1)
        plan.step.run(run)
        facts[plan.key] = run.facts
    return facts


@pytest.mark.usefixtures("allowed")
def test_a_listed_folder_becomes_a_dataset(site: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = site
    write_classes(folder, **{"a_cat & #1?": 3, "dog": 3})
    write_image(folder / "dog/deep er/100%.PNG")
    (folder / "dog/broken.png").write_bytes(b"no image")
    (folder / "dog/readme.txt").write_text("no image either")
    (folder / "beside.png").write_bytes(b"")
    val = write_classes(tmp_path / "val", **{"dog": 2, "a cat & #1?": 2})
    facts = build(tmp_path / "job", form(url, has_val_folder="y", folder_val=str(val)))
    assert facts["parse-folder-train"]["labels"] == ["a cat & #1?", "dog"]
    assert facts["parse-folder-train"]["train_count"] == 3 + 5
    assert facts["create_db-train"]["class_counts"] == {"a cat & #1?": 3, "dog": 4}
    assert facts["create_db-val"]["entries"] == 4
    rows, _ = datasets.unreadable(tmp_path / "job", "train")
    assert [row["path"] for row in rows] == [f"{url}/dog/broken.png"]
    lines = (tmp_path / "job/train.txt").read_text().splitlines()
    assert f"{url}/dog/deep%20er/100%25.PNG 1" in lines


@pytest.mark.usefixtures("allowed")
def test_what_is_no_listed_folder_is_refused(site: tuple[Path, str]) -> None:
    folder, url = site
    (folder / "page.html").write_text("<p>Nothing")
    for wrong, part in (
        (f"{url}/nowhere", "404"),
        ("http://127.0.0.1:1/pets", "cannot be reached"),
        ("http:///pets", "host name"),
        ("http://me:secret@127.0.0.1/pets", "user name"),
    ):
        with pytest.raises(InvalidOptions) as caught:
            ClassificationDataset.from_form(form(wrong))
        assert part in caught.value.errors["folder_train"][0]
        assert "secret" not in str(caught.value)
    step = ClassificationDataset.from_form(form(url)).plan()[0].step
    with pytest.raises(DatasetFailed, match="no class folder") as failed:
        step.run(RecordingRun(folder))
    assert failed.value.field == "folder_train"


def test_private_addresses_are_refused_when_asked_and_when_read(
    site: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder, url = site
    write_classes(folder, cat=2, dog=2)
    with pytest.raises(InvalidOptions, match="private address"):
        ClassificationDataset.from_form(form(url))
    monkeypatch.setenv("NETLOOM_FETCH_PRIVATE", "1")
    step = ClassificationDataset.from_form(form(url)).plan()[0].step
    monkeypatch.setenv("NETLOOM_FETCH_PRIVATE", "0")
    with pytest.raises(DatasetFailed, match="private address"):
        step.run(RecordingRun(tmp_path))
    with pytest.raises(UnreadableImage, match="private address"):
        WebFolderSource(root=url).read(f"{url}/cat/000.png")


@pytest.mark.usefixtures("allowed")
def test_a_folder_that_cannot_be_listed_later_is_reported(
    site: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url = site
    write_classes(folder, cat=2, dog=2)
    (folder / "cat/deep").mkdir()
    source = WebFolderSource(root=url)
    cat, dog = source.classes()
    monkeypatch.setattr(webfolder, "MOST_LISTINGS", 1)
    told: list[tuple[str, str]] = []
    listed = list(source.itemize(cat, lambda where, reason: told.append((where, reason))))
    assert listed == [f"{url}/cat/000.png", f"{url}/cat/001.png"]
    assert told == [
        (f"{url}/cat/deep/", "The folder lies too deep, or there are too many of them.")
    ]
    (folder / "dog").rename(folder / "gone")
    told.clear()
    assert list(source.itemize(dog, lambda where, reason: told.append((where, reason)))) == []
    assert "cannot be listed" in told[0][1]


def test_links_that_lead_elsewhere_do_not_count() -> None:
    links = [
        "../", "/", "./", "..", "", "#top", "?C=N;O=D", "a?b", "https://other.example/pets/x/",
        "//other.example/x/", "../../etc/", "a/b/", "/pets/in.png", "http://h/pets/full.png",
        "javascript:alert(1)", "http://[", "a\\b", "plain/", "sp ace.png", "%2e%2e/",
    ]  # fmt: skip
    page = "".join(f'<a href="{link}">x</a>' for link in links) + "<a>no link</a><a href>"
    found = links_below("http://h/pets/", page.encode() + b"\xff\0<")
    assert found == {
        "http://h/pets/in.png",
        "http://h/pets/full.png",
        "http://h/pets/plain/",
        "http://h/pets/sp%20ace.png",
    }


def test_it_survives_storage() -> None:
    source = WebFolderSource(root="https://example.org/pets")
    assert WebFolderSource.model_validate_json(source.model_dump_json()) == source
