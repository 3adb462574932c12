"""Webhooks: a receiver of the test is told over HTTP, signed, again after a failure, and safely."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest

from netloom import jobs
from netloom.cli.common import settings_for
from netloom.errors import BadSettings
from netloom.interfaces.job import StepPlan
from netloom.jobs import InProcessExecutor, webhooks
from netloom.jobs.local import as_variables
from netloom.settings import Settings
from netloom.store import Job, Store, open_store
from netloom.testing.executors import until
from netloom.testing.steps import Fail, Nothing

SECRET = "between-us"


class Told(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Receiver(ThreadingHTTPServer):
    """Keeps what it is told; answers with the statuses of a list, then with 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Hook)
        self.told: list[Told] = []
        self.answers: list[int] = []
        self.wait = threading.Event()
        self.wait.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?token=in-the-address"


class Hook(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.append(Told(self.path, dict(self.headers), body))
        self.server.wait.wait()
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever, args=(0.01,))
        thread.start()
        yield receiver
        receiver.wait.set()
        receiver.shutdown()
        thread.join()


@pytest.fixture
def settings(settings: Settings, receiver: Receiver) -> Settings:
    more = {"webhooks": receiver.url, "webhook_secret": SECRET, "fetch_private": True}
    return Settings(**{**settings.model_dump(), **more})


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "PAUSES", (0.01, 0.01, 0.01))


def plan(work: Any) -> list[StepPlan]:
    return [StepPlan(key="work", title="Work", step=work)]


def test_a_receiver_is_told_that_a_job_is_done(
    run_job: Callable[..., Job], receiver: Receiver
) -> None:
    job = run_job(plan(Nothing()), name="birds")
    (told,) = receiver.told
    assert told.path == "/hook?token=in-the-address"
    assert told.json == {
        "id": job.id,
        "name": "birds",
        "type": "Test",
        "status": "Done",
        "error": None,
        "url": f"http://127.0.0.1:0/jobs/{job.id}",
    }
    assert told.headers["Content-Type"] == "application/json"
    assert told.headers["Host"] == f"127.0.0.1:{receiver.server_port}"


def test_what_is_told_is_signed(run_job: Callable[..., Job], receiver: Receiver) -> None:
    run_job(plan(Nothing()))
    (told,) = receiver.told
    when = told.headers["X-Netloom-Time"]
    assert abs(time.time() - int(when)) < 60
    signed = hmac.new(SECRET.encode(), when.encode() + b"." + told.body, hashlib.sha256)
    assert told.headers["X-Netloom-Signature"] == f"sha256={signed.hexdigest()}"


def test_an_error_is_told_with_its_sentence(
    run_job: Callable[..., Job], receiver: Receiver
) -> None:
    run_job(plan(Fail()))
    (told,) = receiver.told
    assert (told.json["status"], told.json["error"]) == ("Error", "The folder is empty.")


@pytest.mark.parametrize("status", [302, 404, 503])
def test_a_failure_is_tried_again(store: Store, receiver: Receiver, status: int) -> None:
    receiver.answers = [status, status]
    add_ended(store)
    with jobs.Scheduler(store, InProcessExecutor(store), gpus=tuple):
        until(lambda: len(receiver.told) == 3)
    assert {told.path for told in receiver.told} == {"/hook?token=in-the-address"}
    assert len({told.headers["X-Netloom-Delivery"] for told in receiver.told}) == 1


def test_a_receiver_that_is_down_is_asked_once_for_each_job(
    store: Store, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [500] * 5
    for _ in range(3):
        add_ended(store)
    with jobs.Scheduler(store, InProcessExecutor(store), gpus=tuple):
        until(lambda: len(receiver.told) == 6)
    assert caplog.text.count("was not told") == 2
    assert "status 500" in caplog.text
    for secret in (SECRET, "token", "in-the-address"):
        assert secret not in caplog.text


def test_jobs_go_on_while_a_receiver_does_not_answer(
    run_job: Callable[..., Job], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "STOP_SECONDS", 0.05)
    receiver.wait.clear()
    assert run_job(plan(Nothing())).status == "D"
    assert run_job(plan(Nothing())).status == "D"


def test_private_addresses_need_the_setting(
    settings: Settings, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store(settings.model_copy(update={"fetch_private": False}))
    add_ended(store)
    with jobs.Scheduler(store, InProcessExecutor(store), gpus=tuple):
        until(lambda: "private address" in caplog.text)
    store.close()
    assert receiver.told == []


def test_secrets_stay_with_the_server(settings: Settings, receiver: Receiver) -> None:
    shown = f"{settings!r} {settings} {settings.model_dump_json()} {as_variables(settings)}"
    for secret in (SECRET, "in-the-address"):
        assert secret not in shown
    assert as_variables(settings)["NETLOOM_WEBHOOKS"] == ""


@pytest.mark.parametrize("wrong", ["ftp://host/secret", "http://", "http://a:b@host/secret", "x"])
def test_addresses_that_are_none_are_refused_unseen(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETLOOM_WEBHOOKS", f"https://good.example/,{wrong}")
    with pytest.raises(BadSettings, match="address 2 is not one") as caught:
        settings_for()
    assert "secret" not in str(caught.value)
    assert "secret" not in caught.value.message


def add_ended(store: Store) -> Job:
    job = store.add_job("model", "Test", "test", "ada", {}, {}, plan(Nothing()))
    store.abort_job(job.id)
    return job
