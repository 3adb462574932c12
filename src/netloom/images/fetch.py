"""
Fetch: an image from a URL, for a user who may not be trusted.

http and https only, within limits of size and time. The server may stand in a network
that its users cannot see, so names that lead to loopback, private or other special
addresses are refused unless allowed. The name is looked up once: the connection goes
to the very address that was checked, so a name server that answers differently the
second time gains nothing. Each redirect starts again with all checks. By hand:

    python -c "from netloom import images; print(len(images.fetch('https://example.org/a.png')))"
"""

from __future__ import annotations

import functools
import ipaddress
import re
import socket
import ssl
import time

import httpx

from netloom.errors import InvalidInput

MAX_BYTES = 64 * 2**20
MAX_SECONDS = 20.0
MAX_REDIRECTS = 5
_URL = re.compile(r"https?://", re.IGNORECASE)
_IPV4_IN_IPV6 = ipaddress.ip_network("64:ff9b::/96")  # NAT64: reaches IPv4 addresses


def fetch(
    url: str,
    *,
    max_bytes: int = MAX_BYTES,
    seconds: float = MAX_SECONDS,
    allow_private: bool = False,
) -> bytes:
    """Return the body behind a URL; raise InvalidInput that says why it cannot be had.

    `seconds` bounds the whole of it, redirects included, except for looking up names.
    """
    deadline = time.monotonic() + seconds
    target = _parse(url)
    # No proxies from the environment: a proxy would look up names by itself, unchecked.
    with httpx.Client(verify=trusted(), trust_env=False, follow_redirects=False) as client:
        for _ in range(MAX_REDIRECTS + 1):
            answer = _get(client, target, max_bytes, deadline, allow_private)
            if isinstance(answer, bytes):
                return answer
            target = answer
    raise InvalidInput(f"{_shown(target)} redirects too often.")


def is_url(source: str) -> bool:
    """Return whether a source is a web address and not a path."""
    return _URL.match(source) is not None


@functools.cache
def trusted() -> ssl.SSLContext:
    """Return whose certificates count; the environment has no say."""
    return httpx.create_ssl_context(trust_env=False)  # 20 ms, so once


def _parse(url: str, base: httpx.URL | None = None) -> httpx.URL:
    try:
        target = base.join(url) if base else httpx.URL(url.strip())
    except httpx.InvalidURL as error:
        raise InvalidInput("The URL cannot be understood.") from error
    if target.scheme not in ("http", "https") or not target.host:
        raise InvalidInput("The URL must start with http:// or https:// and a host name.")
    return target


def _get(
    client: httpx.Client, target: httpx.URL, max_bytes: int, deadline: float, allow_private: bool
) -> bytes | httpx.URL:
    """Return the body, or where a redirect leads."""
    failure: Exception | None = None
    for address in addresses_of(target, allow_private):
        try:
            return _get_from(client, target, address, max_bytes, deadline)
        except httpx.ConnectError as error:  # the next address may answer
            failure = error
        except httpx.TimeoutException as error:
            raise _too_slow(target) from error
        except httpx.HTTPError as error:
            raise InvalidInput(f"{_shown(target)} did not answer properly: {error}.") from error
    raise InvalidInput(f"{_shown(target)} cannot be reached: {failure}.") from failure


def addresses_of(target: httpx.URL, allow_private: bool) -> list[str]:
    """Return the addresses of the host; raise InvalidInput if one of them may not be asked."""
    try:
        found = socket.getaddrinfo(target.host, _port(target), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise InvalidInput(f"The host {target.host} is not known.") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not allow_private and not all(is_public(address) for address in addresses):
        raise InvalidInput(
            f"The host {target.host} has a private address.",
            hint="Only public addresses are fetched, unless NETLOOM_FETCH_PRIVATE is set.",
        )
    return addresses


def is_public(address: str) -> bool:
    """Return whether an IP address is one of the open internet, also after unwrapping IPv6."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1])
        if ip in _IPV4_IN_IPV6:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def _get_from(
    client: httpx.Client, target: httpx.URL, address: str, max_bytes: int, deadline: float
) -> bytes | httpx.URL:
    request = client.build_request(
        "GET",
        target.copy_with(host=address),
        # The identity encoding only: a packed body could unpack to any size.
        headers={"Host": target.netloc.decode("ascii"), "Accept-Encoding": "identity"},
        extensions={"sni_hostname": target.host},  # the certificate is that of the name
        timeout=max(0.001, deadline - time.monotonic()),
    )
    response = client.send(request, stream=True)
    try:
        if response.has_redirect_location:
            return _parse(response.headers["Location"], target)
        if response.status_code != 200:
            raise InvalidInput(f"{_shown(target)} answered with status {response.status_code}.")
        return _body(response, target, max_bytes, deadline)
    finally:
        response.close()


def _body(response: httpx.Response, target: httpx.URL, max_bytes: int, deadline: float) -> bytes:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise InvalidInput(f"{_shown(target)} answered with a packed body.")
    too_large = InvalidInput(f"{_shown(target)} is larger than {max_bytes:,} bytes.")
    claimed = response.headers.get("Content-Length", "")
    if claimed.isdigit() and int(claimed) > max_bytes:
        raise too_large
    body = bytearray()
    for part in response.iter_raw():
        body += part
        if len(body) > max_bytes:
            raise too_large
        if time.monotonic() > deadline:  # each part may come in time and all of them never
            raise _too_slow(target)
    return bytes(body)


def _too_slow(target: httpx.URL) -> InvalidInput:
    return InvalidInput(f"{_shown(target)} took too long.")


def _port(target: httpx.URL) -> int:
    return target.port or (443 if target.scheme == "https" else 80)


def _shown(target: httpx.URL) -> str:
    """Return the URL for a message: without password and query, which may be secret."""
    return f"{target.scheme}://{target.netloc.decode('ascii')}{target.path}"[:200]
