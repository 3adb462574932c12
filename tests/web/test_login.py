"""Who may come in: by cookie, query or form field; and where login leads."""

from __future__ import annotations

import httpx
import pytest

from netloom.app import create_app
from netloom.errors import BadSettings
from netloom.settings import Settings

NEW = "/datasets/images/classification/new"
CREATE = "/datasets/images/classification.json"


def test_the_login_page_sets_a_cookie_and_goes_on(anyone: httpx.Client) -> None:
    assert anyone.get("/login?next=/x").status_code == 200
    answer = anyone.post("/login", data={"username": "ada", "next": "/x?tab=2"})
    assert (answer.status_code, answer.headers["location"]) == (302, "/x?tab=2")
    assert anyone.cookies["username"] == "ada"
    assert anyone.get(NEW).status_code == 200
    assert anyone.post("/logout", data={"next": "/"}).status_code == 302
    assert "username" not in anyone.cookies


@pytest.mark.parametrize("name", ["", "Ada", "9a", "a b", "ä", "a/b", "a" * 101, "<script>"])
def test_a_bad_name_shows_a_banner(anyone: httpx.Client, name: str) -> None:
    answer = anyone.post("/login", data={"username": name})
    assert answer.status_code == 200
    assert "alert" in answer.text
    assert "<script>alert" not in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "address",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/\t/e"],
)
def test_login_leads_to_this_server_only(anyone: httpx.Client, address: str) -> None:
    answer = anyone.post("/login", data={"username": "ada", "next": address})
    location = answer.headers["location"]
    assert location == "/" or (location.startswith("/") and "evil" not in location)


def test_pages_lead_to_the_login_and_json_is_refused(anyone: httpx.Client) -> None:
    answer = anyone.get(f"{NEW}?clone=7")
    assert answer.status_code == 302
    assert answer.headers["location"] == f"/login?next={NEW}%3Fclone%3D7"
    refused = anyone.post(CREATE)
    assert refused.status_code == 401
    assert refused.json()["error"]["message"] == "401: Unauthorized"
    assert refused.json()["error"]["type"] == "Unauthorized"


def test_action_routes_refuse_in_plain_text(anyone: httpx.Client) -> None:
    answer = anyone.delete("/jobs/20260101-101500-0a1b")
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/plain")


def test_the_name_comes_from_query_then_form_then_cookie(ada: httpx.Client) -> None:
    bad = ada.post(f"{CREATE}?username=B", data={"username": "ada"})
    assert bad.status_code == 400
    assert bad.json()["error"]["description"].startswith("Invalid username - ")
    assert ada.post(CREATE, data={"username": "Bad"}).status_code == 400
    assert set(ada.post(CREATE, data={"username": "ben"}).json()) == {"errors"}


def test_without_accounts_the_server_stays_on_this_machine(settings: Settings) -> None:
    for host in ("0.0.0.0", "192.0.2.1", "example.org", "::"):
        with pytest.raises(BadSettings, match="this machine"):
            create_app(settings.model_copy(update={"host": host}))
