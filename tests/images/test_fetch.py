"""Fetching: what is refused, and that the address that was checked is the one that is asked."""

from __future__ import annotations

import contextlib
import http.server
import importlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from netloom import images
from netloom.errors import InvalidInput
from netloom.images.fetch import is_public
from tests.images.pictures import file, smooth

PICTURE = file(smooth())
# The function of the same name hides the module from "netloom.images.fetch".
MODULE = importlib.import_module("netloom.images.fetch")


class Server(http.server.BaseHTTPRequestHandler):
    hosts: list[str] = []  # noqa: RUF012 - the Host header of every request

    def do_GET(self) -> None:
        self.hosts.append(self.headers["Host"])
        getattr(self, self.path.strip("/").partition("?")[0], self.missing)()

    def picture(self) -> None:
        self.answer(200, PICTURE)

    def missing(self) -> None:
        self.answer(404, b"")

    def redirect(self) -> None:
        self.answer(302, b"", Location=self.path.partition("?")[2])

    def packed(self) -> None:
        self.answer(200, b"packed", **{"Content-Encoding": "gzip"})

    def endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):  # the client has gone
            while True:
                self.wfile.write(b"x" * 1000)
                time.sleep(0.01)

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: Any) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def names(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Answer look-ups of *.example with these addresses in turn; list the names asked for."""
    asked: list[str] = []
    really = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *options: Any, **more: Any) -> Any:
        if host.endswith(".example"):
            asked.append(host)
            host = answers[min(len(asked), len(answers)) - 1]
        return really(host, port, *options, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def refusal(url: str, **options: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        images.fetch(url, **options)
    return str(caught.value)


def test_an_image_is_fetched(port: int) -> None:
    url = f"http://127.0.0.1:{port}/picture"
    assert images.fetch(url, allow_private=True) == PICTURE
    assert images.fetch(f"http://127.0.0.1:{port}/redirect?/picture", allow_private=True) == PICTURE


@pytest.mark.parametrize(
    "url", ["ftp://host/a.png", "file:///etc/passwd", "/a.png", "http://", "", "http://[::1/a"]
)
def test_other_urls_are_refused(url: str) -> None:
    assert "The URL" in refusal(url)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.1.2.3", "169.254.169.254", "[::1]", "0.0.0.0", "0x7f.1"]
)
def test_private_addresses_are_refused(host: str) -> None:
    assert "has a private address" in refusal(f"http://{host}:9/")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("192.168.0.1", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_a_redirect_to_a_private_address_is_refused(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MODULE, "is_public", lambda address: address == "127.0.0.1")
    url = f"http://127.0.0.1:{port}/redirect?http://169.254.169.254/secret"
    assert "169.254.169.254 has a private address" in refusal(url)
    assert "must start with http" in refusal(f"http://127.0.0.1:{port}/redirect?file:///etc/passwd")


def test_the_checked_address_is_the_one_that_is_asked(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = names(monkeypatch, "127.0.0.1", "127.0.0.99")  # the second answer would not connect
    Server.hosts.clear()
    assert images.fetch(f"http://pictures.example:{port}/picture", allow_private=True) == PICTURE
    assert asked == ["pictures.example"]
    assert Server.hosts == [f"pictures.example:{port}"]


def test_answers_that_are_no_use(port: int) -> None:
    base = f"http://127.0.0.1:{port}"
    assert "answered with status 404" in refusal(f"{base}/none?key=1", allow_private=True)
    assert "key" not in refusal(f"{base}/none?key=1", allow_private=True)
    assert "packed body" in refusal(f"{base}/packed", allow_private=True)
    loop = f"{base}/redirect?/redirect?{base}/redirect"
    assert "redirect" in refusal(loop, allow_private=True)


def test_size_and_time_are_limited(port: int) -> None:
    base = f"http://127.0.0.1:{port}"
    assert "larger than 100 bytes" in refusal(f"{base}/picture", allow_private=True, max_bytes=100)
    assert "larger than 5,000" in refusal(f"{base}/endless", allow_private=True, max_bytes=5000)
    assert "took too long" in refusal(f"{base}/endless", allow_private=True, seconds=0.2)


def test_a_host_that_does_not_listen_is_named() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        assert "cannot be reached" in refusal(url, allow_private=True)
