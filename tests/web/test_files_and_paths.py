"""Files of jobs and paths of the server: nothing beyond what is allowed is seen."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from netloom.errors import PathNotAllowed
from netloom.store import Job
from netloom.web.paths import Roots
from tests.web.small_site import Server


@pytest.fixture
def files(server: Server, model: Job) -> Path:
    """The directory of a model with a few files, good and bad."""
    directory = server.store.files.directory(model.id)
    (directory / "labels.txt").write_text("dark\nlight\n")
    (directory / "page.html").write_text("<script>alert(1)</script>")
    (directory / "picture.svg").write_text("<svg onload='alert(1)'/>")
    (directory / ".hidden").write_text("secret")
    (directory / "sub").mkdir()
    (directory / "sub" / "a b.log").write_text("line")
    (directory / "out.txt").symlink_to(server.store.files.root / "netloom.db")
    return directory


def test_files_of_a_job(anyone: httpx.Client, files: Path) -> None:
    base = f"/files/{files.name}"
    labels = anyone.get(f"{base}/labels.txt")
    assert labels.text == "dark\nlight\n"
    assert labels.headers["content-type"] == "text/plain; charset=utf-8"
    assert anyone.get(f"{base}/sub/a%20b.log").text == "line"
    part = anyone.get(f"{base}/labels.txt", headers={"range": "bytes=5-9"})
    assert (part.status_code, part.text) == (206, "light")
    assert anyone.head(f"{base}/labels.txt").headers["content-length"] == "11"
    for name in ("page.html", "picture.svg", "snapshot_1.onnx"):
        served = anyone.get(f"{base}/{name}")
        assert served.headers["content-type"] == "application/octet-stream"
        assert "sandbox" in served.headers["content-security-policy"]


def test_nothing_else_is_served(anyone: httpx.Client, files: Path) -> None:
    job = files.name
    paths = [
        f"/files/{job}",
        f"/files/{job}/",
        f"/files/{job}/sub",
        f"/files/{job}/none.txt",
        f"/files/{job}/.hidden",
        f"/files/{job}/out.txt",
        f"/files/{job}/%2e%2e/%2e%2e/netloom.db",
        "/files/..%2fnetloom.db",
        "/files/%2e%2e/netloom.db",
        f"/files/{job}/..%2f..%2fnetloom.db",
        f"/files/{job}%2f..%2f..%2fnetloom.db",
        "/files//etc/passwd",
        "/files/%2fetc%2fpasswd",
        f"/files/{job}/labels.txt%00.png",
    ]
    for path in paths:
        assert anyone.get(path).status_code == 404, path


def test_paths_are_completed_within_the_roots(anyone: httpx.Client, tmp_path: Path) -> None:
    for name in ("apple", "apricot", "banana", ".hidden"):
        (tmp_path / "fruit" / name).mkdir(parents=True)

    def suggestions(query: str) -> list[str]:
        answer = anyone.get("/autocomplete/path", params={"query": query})
        found: list[str] = answer.json()["suggestions"]
        return found

    fruit = tmp_path / "fruit"
    assert suggestions(f"{fruit}/") == [f"{fruit}/{n}" for n in ("apple", "apricot", "banana")]
    assert suggestions(f"{fruit}/ap") == [f"{fruit}/apple", f"{fruit}/apricot"]
    assert suggestions(f"{fruit}/ap".lstrip("/")) == [f"{fruit}/apple", f"{fruit}/apricot"]
    assert str(tmp_path) in suggestions(str(tmp_path)[:4])
    for outside in ("/etc/", "/etc/pass", f"{tmp_path}/../", "", "\0"):
        assert not any(path.startswith("/etc") for path in suggestions(outside))


def test_links_do_not_lead_out_of_the_roots(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret").mkdir()
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "loop").symlink_to(root / "loop")
    roots = Roots([root])
    assert roots.check(root / "new" / "image.png") == root / "new" / "image.png"
    for path in ("out", "out/a.png", "../secret", "loop/../../secret"):
        with pytest.raises(PathNotAllowed):
            roots.check(root / path)
    with pytest.raises(PathNotAllowed, match="outside"):
        roots.check(tmp_path / "rootless")
