"""
A client of `classify_one.json` that keeps its connection.

Leaner than httpx, whose own time would be counted with the server's.
"""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

import httpx

ROUTE = "/models/images/classification/classify_one.json"


class Client:
    """Sends one image to one model, as often as it is asked to."""

    def __init__(self, url: str, model: str, image: bytes) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port)
        request = httpx.Request(
            "POST",
            url + ROUTE,
            data={"job_id": model},
            files={"image_file": ("digit.png", image, "image/png")},
        )
        self._body = request.read()
        self._headers = {"Content-Type": request.headers["Content-Type"]}

    def classify(self) -> list[list[object]]:
        """Send the image once; return the predictions."""
        self._connection.request("POST", ROUTE, self._body, self._headers)
        response = self._connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise SystemExit(f"{response.status}: {answer.decode(errors='replace')[:500]}")
        predictions: list[list[object]] = json.loads(answer)["predictions"]
        return predictions
