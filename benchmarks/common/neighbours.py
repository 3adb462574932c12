"""What a training may have beside it: a process that never rests, or a server at work."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from common.client import Client
from netloom.demo import Server, digits, path


@contextmanager
def busy_process() -> Iterator[None]:
    """Keep one core busy."""
    neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        neighbour.kill()
        neighbour.wait()


@contextmanager
def digits_server(data: Path) -> Iterator[tuple[str, str, bytes]]:
    """Start a server with a LeNet; yield its address, the id of the model and an image."""
    pictures = digits.write(data / "digits")
    with Server(data=data, roots=[data / "digits"]) as server:
        with httpx.Client(base_url=server.url, timeout=60) as web:
            web.post("/login", data={"username": path.USER})
            dataset = path.make_dataset(web, data / "digits", _quiet)
            model = path.train(web, dataset, 1, _quiet)
        yield server.url, model, pictures[0].read_bytes()


@contextmanager
def requests_without_pause(url: str, model: str, image: bytes) -> Iterator[None]:
    """Let a client send one image after the other."""
    done = threading.Event()

    def send() -> None:
        client = Client(url, model, image)
        while not done.is_set():
            client.classify()

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        done.set()
        sender.join()


def _quiet(said: str) -> None: ...
