"""
Server-Sent Events from the event table.

One poller per process reads what is new and hands it to every listener; a listener that
comes back with the id of the last event it saw first gets what it missed. By hand:

    curl -N 'http://localhost:5000/events?job=20260101-101500-1a2b'
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence

from starlette.concurrency import run_in_threadpool

from netloom.store import Event, Store

log = logging.getLogger(__name__)

INTERVAL = 0.25  # seconds between two looks at the table
HEARTBEAT = 15.0  # seconds; keeps proxies from closing a quiet connection
BATCH = 500
QUEUE = 1000  # a listener that is further behind is closed; it resumes by itself


class EventStream:
    """The events of this installation, as they happen."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.last = 0
        self._queues: set[asyncio.Queue[Event | None]] = set()
        self._watchers: list[Callable[[Event], None]] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Return whether watchers can rely on being told."""
        return self._task is not None and not self._task.done()

    def watch(self, call: Callable[[Event], None]) -> None:
        """Call with every event from now on, on the event loop."""
        self._watchers.append(call)

    async def start(self) -> None:
        """Begin to poll."""
        self.last = await run_in_threadpool(self.store.last_event_id)
        self._task = asyncio.create_task(self._poll())

    async def stop(self) -> None:
        """Stop polling and end every listener."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        for queue in self._queues:
            _close(queue)

    async def listen(self, job_id: str, after: int | None) -> AsyncIterator[str]:
        """Yield the text of the stream: events of one job, or of all for an empty id."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue(QUEUE)
        self._queues.add(queue)
        try:
            yield "retry: 2000\n\n"
            seen = self.last if after is None else after
            if after is not None:
                async for event in self._missed(after):
                    seen = event.id
                    if wanted(event, job_id):
                        yield as_text(event)
            async for item in _with_heartbeats(queue):
                if item is None:
                    yield ": still here\n\n"
                elif item.id > seen and wanted(item, job_id):
                    yield as_text(item)
        finally:
            self._queues.discard(queue)

    async def _missed(self, after: int) -> AsyncIterator[Event]:
        while events := await run_in_threadpool(self.store.events_after, after, BATCH):
            for event in events:
                yield event
            after = events[-1].id

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            try:
                events = await run_in_threadpool(self.store.events_after, self.last, BATCH)
                self._hand_out(events)
            except Exception:  # the database may be away for a while; pages then wait
                log.warning("events cannot be read", exc_info=True)
                await asyncio.sleep(2)

    def _hand_out(self, events: Sequence[Event]) -> None:
        for event in events:
            self.last = event.id
            for call in self._watchers:
                call(event)
            for queue in list(self._queues):
                try:
                    queue.put_nowait(event)
                except asyncio.QueueFull:
                    self._queues.discard(queue)
                    _close(queue)


def wanted(event: Event, job_id: str) -> bool:
    """Return whether a listener to this job is told of the event."""
    return not job_id or event.job_id in (job_id, "")


def as_text(event: Event) -> str:
    """Return an event as the lines of the stream."""
    data = json.dumps({"job_id": event.job_id, "time": event.time, **event.data})
    return f"id: {event.id}\nevent: {event.kind}\ndata: {data}\n\n"


async def _with_heartbeats(queue: asyncio.Queue[Event | None]) -> AsyncIterator[Event | None]:
    """Yield events, and None where nothing came for a while; end when the queue is closed."""
    spoken = time.monotonic()
    while True:
        try:
            left = max(0.01, HEARTBEAT - (time.monotonic() - spoken))
            event = await asyncio.wait_for(queue.get(), left)
        except TimeoutError:
            yield None
        else:
            if event is None:
                return
            yield event
        spoken = time.monotonic()


def _close(queue: asyncio.Queue[Event | None]) -> None:
    while queue.full():
        queue.get_nowait()
    queue.put_nowait(None)
