"""What comes from other web sites, under other names or in excess is refused."""

from __future__ import annotations

import httpx
import pytest

from netloom.settings import Settings
from tests.web.small_site import Server

ABORT = "/abort_jobs"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_pages_of_other_sites_cannot_act(ada: httpx.Client, headers: dict[str, str]) -> None:
    assert ada.post(ABORT, headers=headers).status_code == 403
    assert ada.get("/", headers=headers).status_code == 200
    if "sec-fetch-site" in headers:
        assert ada.get("/group?group_name=x", headers=headers).status_code == 403


def test_own_pages_and_scripts_can(server: Server, ada: httpx.Client) -> None:
    own = {"origin": f"http://localhost:{server.port}", "sec-fetch-site": "same-origin"}
    for headers in (own, {}, {"sec-fetch-site": "none"}):
        assert ada.post(ABORT, headers=headers).status_code == 400  # job_ids[] is missing


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "192.0.2.1:5000", ""])
def test_foreign_host_names_do_not_lead_here(anyone: httpx.Client, host: str) -> None:
    assert anyone.get("/index.json", headers={"host": host}).status_code == 400


def test_a_named_host_does(settings: Settings) -> None:
    named = settings.model_copy(update={"hosts": ("looms.example",)})
    with Server(named) as server, server.client("ada") as client:
        headers = {"host": "looms.example", "origin": "https://looms.example"}
        assert client.post(ABORT, headers=headers).status_code == 400
        assert client.get("/", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/", "/index.json", "/nothing", "/static/netloom.css"])
def test_every_answer_says_what_browsers_may_do_with_it(anyone: httpx.Client, path: str) -> None:
    headers = anyone.get(path).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"].partition("style-src-attr")[0]
    assert headers["x-content-type-options"] == "nosniff"


def test_uploads_are_limited_while_they_come_in(settings: Settings) -> None:
    small = settings.model_copy(update={"upload_bytes": 200_000})
    path = "/models/images/classification/classify_one.json"
    with Server(small) as server, server.client("ada") as client:
        declared = client.post(path, files={"image_file": b"x" * 300_000})
        assert declared.status_code == 413
        assert declared.json()["error"]["type"] == "RequestEntityTooLarge"
        kind = {"content-type": "multipart/form-data; boundary=b"}
        head = b'--b\r\nContent-Disposition: form-data; name="image_file"; filename="a"\r\n\r\n'
        chunks = iter([head, *[b"x" * 50_000] * 6])
        assert client.post(path, content=chunks, headers=kind).status_code == 413
