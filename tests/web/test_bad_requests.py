"""Requests that no browser sends get a clear 4xx and leave no trace in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import httpx
import pytest

from netloom.store import Job
from tests.web.small_site import Server

ABORT = "/abort_jobs"
PART = b'--B\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
MULTIPART = "multipart/form-data; boundary=B"
URLENCODED = "application/x-www-form-urlencoded"


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Check that the server took none of it for a fault of its own."""
    yield
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("address", ["http://[", "http://a]b[", "http://[::1"])
def test_addresses_that_are_none(ada: httpx.Client, address: str) -> None:
    assert ada.post(ABORT, headers={"origin": address}).status_code == 403
    answer = ada.post("/login", data={"username": "ada"}, headers={"referer": address})
    assert (answer.status_code, answer.headers["location"]) == (302, "/")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=", PART % (b"a", b"b") + b"--B--"),
        (MULTIPART, b"junk"),
        (MULTIPART, b"--B\r\n" + b"X: y\r\n" * 5000 + b"\r\nx\r\n--B--"),
        (MULTIPART, b"--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--"),
        (MULTIPART, PART % (b"n" * 20_000, b"") + b"--B--"),
        (MULTIPART, b"".join(PART % (b"a%d" % i, b"") for i in range(20_001)) + b"--B--"),
        (f"{MULTIPART}; charset=punycode", PART % (b"a", b"\xff") + b"--B--"),
        (f"{MULTIPART}; charset=undefined", PART % (b"a", b"b") + b"--B--"),
        (URLENCODED, b"x=1&" * 20_001),
    ],
)
def test_forms_that_cannot_be_read(ada: httpx.Client, kind: str, body: bytes) -> None:
    path = "/models/images/classification/classify_one.json"
    answer = ada.post(path, content=body, headers={"content-type": kind})
    assert answer.status_code == 400
    assert "form" in answer.json()["error"]["description"]
    assert answer.json()["error"]["hint"]


@pytest.mark.parametrize("charset", ["utf-7", "unicode_escape"])
def test_a_charset_cannot_make_half_a_surrogate_pair(ada: httpx.Client, charset: str) -> None:
    body = PART % (b"folder_train", rb"+2AA-\ud800") + b"--B--"
    headers = {"content-type": f"{MULTIPART}; charset={charset}"}
    answer = ada.post("/datasets/images/classification", content=body, headers=headers)
    assert answer.status_code == 400
    assert "UTF-8" in answer.text


def test_many_jobs_may_be_named_in_a_form(ada: httpx.Client, model: Job) -> None:
    ids = [model.id, *(f"none-{number}" for number in range(3000))]
    answer = ada.post("/group", data={"group_name": "g", "job_ids[]": ids})
    assert answer.text == "3000 jobs not found."


def test_a_name_is_a_text(ada: httpx.Client, server: Server, model: Job) -> None:
    for name in ({"a": 1}, [["a"]]):
        answer = ada.put(f"/jobs/{model.id}", json={"job_name": name})
        assert (answer.status_code, "job_name" in answer.text) == (400, True)
    assert server.store.job(model.id).name == model.name


def test_an_answer_does_not_repeat_a_megabyte(ada: httpx.Client, dataset: Job) -> None:
    fields = {"model_name": "net", "dataset": dataset.id, "standard_networks": "x" * 2**20}
    answer = ada.post("/models/images/classification.json", data=fields)
    (sentence,) = answer.json()["errors"]["standard_networks"]
    assert sentence.startswith("PyTorch has no standard network 'xxx")
    assert sentence.endswith(".")
    assert len(answer.content) < 3000


@pytest.mark.parametrize("value", [10**400, -(10**400), [1, 10**400]])
def test_a_number_beyond_all_bounds_is_none(ada: httpx.Client, dataset: Job, value: object) -> None:
    fields = {"model_name": "net", "dataset": dataset.id, "lr_multistep_values": value}
    answer = ada.post("/models/images/classification.json", json=fields)
    assert answer.status_code == 400
    assert "is not a number" in answer.json()["errors"]["lr_multistep_values"][0]
