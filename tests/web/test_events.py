"""Live events: named, resumable, of one job or of all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from netloom.store import Job
from tests.web.small_site import Server

Told = tuple[str, str, dict[str, Any]]  # id, kind, data


@contextmanager
def listening(client: httpx.Client, **about: Any) -> Iterator[Iterator[Told]]:
    """Yield the events of a stream."""
    with client.stream("GET", "/events", timeout=10, **about) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield events(answer.iter_lines())


def events(lines: Iterator[str]) -> Iterator[Told]:
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield fields["id"], fields["event"], json.loads(fields["data"])
            fields = {}


def test_events_come_as_they_happen(anyone: httpx.Client, server: Server, model: Job) -> None:
    last = server.store.last_event_id()
    with listening(anyone, params={"after": last}) as told:
        server.store.edit_job(model.id, name="renamed")
        number, kind, data = next(told)
        assert int(number) > last
        assert kind == "name"
        assert data["job_id"] == model.id
        assert data["value"] == "renamed"


def test_a_break_is_bridged(anyone: httpx.Client, server: Server, model: Job) -> None:
    with listening(anyone, params={"after": 0}) as told:
        seen = [next(told) for _ in range(3)]
    assert next(kind for _, kind, _ in seen) == "added"
    with listening(anyone, headers={"last-event-id": seen[0][0]}) as told:
        assert [next(told) for _ in range(2)] == seen[1:]


def test_a_job_hears_of_itself_and_the_installation(
    anyone: httpx.Client, server: Server, model: Job
) -> None:
    store = server.store
    with listening(anyone, params={"job": model.id, "after": store.last_event_id()}) as told:
        store.add_event("20260101-101500-0a1b", "status", {"status": "D"})
        store.add_event("", "resources", {"cpus": 2})
        store.add_event(model.id, "progress", {"progress": 0.5})
        assert [next(told)[1] for _ in range(2)] == ["resources", "progress"]


def test_a_wrong_id_is_refused(anyone: httpx.Client) -> None:
    for after in ("x", "-1", "9" * 40):
        assert anyone.get("/events", params={"after": after}).status_code == 400


def test_the_log(anyone: httpx.Client, server: Server, dataset: Job) -> None:
    step = dataset.steps[0]
    server.store.add_log(step.id, ["<b>first</b>", (0.0, "warning", "second")])
    page = anyone.get(f"/datasets/{dataset.id}/log").text
    assert "&lt;b&gt;first" in page
    text = anyone.get(f"/datasets/{dataset.id}/log", params={"format": "text", "step": step.key})
    assert "[WARNING] second" in text.text
    assert anyone.get(f"/datasets/{dataset.id}/log?step=none").status_code == 404
