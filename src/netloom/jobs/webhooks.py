"""
Webhooks: other programs are told by HTTP that a job has ended.

Each address has a thread of its own, so that one that does not answer keeps back neither
the scheduler nor the others. What is posted, and how a receiver checks the signature:

    {"id": "20260105-103000-2c3d", "name": "birds-net", "type": "Image Classification Model",
     "status": "Done", "error": null, "url": "http://127.0.0.1:5000/jobs/20260105-103000-2c3d"}

    hmac.new(secret, time + b"." + body, "sha256").hexdigest()  # X-Netloom-Signature: sha256=...
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
import time
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING

import netloom
from netloom.errors import InvalidInput
from netloom.settings import Settings
from netloom.store import Job
from netloom.store import status as states

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

PAUSES = (1.0, 5.0, 25.0)  # seconds before each further try
SECONDS = 10.0  # that one try may take for connecting, sending and each part of the answer
STOP_SECONDS = 5.0  # that the end of the server waits for what is on its way


@dataclass(frozen=True)
class Message:
    """What one receiver is to be told."""

    number: int  # the same for each try
    body: bytes


class Webhooks:
    """The receivers that the settings name."""

    def __init__(self, settings: Settings) -> None:
        self._base = settings.public_address
        self._receivers = [
            Receiver(
                url.get_secret_value(),
                settings.webhook_secret.get_secret_value().encode(),
                allow_private=settings.fetch_private,
            )
            for url in settings.webhooks
        ]

    def tell(self, job: Job, number: int) -> None:
        """Have every receiver told that a job has ended; returns at once."""
        body = json.dumps(about(job, self._base)).encode()
        for receiver in self._receivers:
            receiver.take(Message(number, body))

    def stop(self) -> None:
        """Give what is still to be told one last try, for a few seconds."""
        limit = time.monotonic() + STOP_SECONDS
        for receiver in self._receivers:
            receiver.stop()
        for receiver in self._receivers:
            receiver.wait(limit - time.monotonic())


class Receiver:
    """One address, told one thing after the other."""

    def __init__(self, url: str, secret: bytes, *, allow_private: bool) -> None:
        self._url = url
        self._secret = secret
        self._allow_private = allow_private
        self._queue: SimpleQueue[Message | None] = SimpleQueue()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._failing = False  # since the last message

    def take(self, message: Message) -> None:
        """Put a message into the queue."""
        self._queue.put(message)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="webhook", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Hurry: no more pauses, and an end after the last message."""
        self._stopping.set()
        self._queue.put(None)

    def wait(self, seconds: float) -> None:
        """Wait for the end."""
        if self._thread is not None:
            self._thread.join(max(0.0, seconds))

    def _work(self) -> None:
        while (message := self._queue.get()) is not None:
            reason = self._deliver(message)
            self._failing = reason != ""
            if reason:
                log.warning("webhook %s was not told: %s", self._host, reason)

    def _deliver(self, message: Message) -> str:
        """Post a message until it is taken; return why it was not, or nothing."""
        reason = self._try(message)
        # A receiver that is down is not asked four times for every job of a sweep.
        for pause in () if self._failing else PAUSES:
            if not reason or self._stopping.wait(pause):
                break
            reason = self._try(message)
        return reason

    def _try(self, message: Message) -> str:
        import httpx

        from netloom.images.fetch import addresses_of, trusted

        target = httpx.URL(self._url)
        try:
            addresses = addresses_of(target, self._allow_private)
            # Neither proxies, which would look up names unchecked, nor redirects.
            with httpx.Client(verify=trusted(), trust_env=False, timeout=SECONDS) as client:
                return self._post(client, target, addresses[0], message)
        except InvalidInput as error:
            return f"{error.message} {error.hint}".strip()
        except (httpx.HTTPError, OSError) as error:
            return type(error).__name__  # its text may hold the address
        except Exception as error:  # whatever it is, the thread must go on
            log.debug("a webhook failed", exc_info=True)
            return type(error).__name__

    def _post(self, client: httpx.Client, target: httpx.URL, address: str, told: Message) -> str:
        request = client.build_request(
            "POST",
            target.copy_with(host=address),
            content=told.body,
            headers={"Host": target.netloc.decode("ascii"), **self._headers(told)},
            extensions={"sni_hostname": target.host},  # the certificate is that of the name
        )
        answer = client.send(request, stream=True)  # its body is not read
        answer.close()
        return "" if answer.is_success else f"it answered with status {answer.status_code}."

    def _headers(self, message: Message) -> dict[str, str]:
        now = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"Netloom/{netloom.__version__}",
            "X-Netloom-Delivery": str(message.number),
            "X-Netloom-Time": now,
        }
        if self._secret:
            signed = hmac.new(self._secret, f"{now}.".encode() + message.body, hashlib.sha256)
            headers["X-Netloom-Signature"] = f"sha256={signed.hexdigest()}"
        return headers

    @property
    def _host(self) -> str:
        import httpx

        return httpx.URL(self._url).host  # the rest of an address is often a secret


def about(job: Job, base: str) -> dict[str, str | None]:
    """Return what is told of a job that has ended."""
    failed = next((step.error for step in job.steps if step.error), None)
    return {
        "id": job.id,
        "name": job.name,
        "type": job.type,
        "status": states.label(job.status),
        "error": failed if job.status == "E" else None,
        "url": f"{base}/jobs/{job.id}",
    }
