"""HEAD: the headers of GET, and no body."""

from __future__ import annotations

import httpx
import pytest

from netloom.store import Job
from tests.web.small_site import Server

CHANGEABLE = ("date", "transfer-encoding")  # the latter is about a body
CHANGING = ("/group", "/clone/20260101-101500-0a1b", "/logout")


@pytest.mark.parametrize(
    "path",
    [
        "/", "/index.json", "/completed_jobs.json", "/login", "/models/{}", "/models/{}.json",
        "/models/{}/curves.json", "/jobs/{}/table_data.json", "/files/{}/model.json",
        "/static/netloom.css", "/models/20260101-101500-0a1b", "/nothing", "/openapi.json",
    ],
)  # fmt: skip
def test_a_head_is_a_get_without_its_body(ada: httpx.Client, model: Job, path: str) -> None:
    head, get = (ada.request(method, path.format(model.id)) for method in ("HEAD", "GET"))
    assert head.content == b""
    assert head.status_code == get.status_code
    assert _lasting(head) == _lasting(get)


def test_a_head_of_the_events_ends(ada: httpx.Client) -> None:
    head = ada.head("/events", timeout=5)
    assert head.status_code == 200
    assert head.headers["content-type"].startswith("text/event-stream")
    assert ada.head("/").status_code == 200


def test_the_description_tells_of_get_alone(anyone: httpx.Client) -> None:
    paths = anyone.get("/openapi.json").json()["paths"]
    assert not any("head" in operations for operations in paths.values())


@pytest.mark.parametrize("path", CHANGING)
def test_a_head_changes_nothing(ada: httpx.Client, server: Server, path: str) -> None:
    assert ada.head(path, params={"group_name": "x"}).status_code == 405


def _lasting(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in CHANGEABLE}
