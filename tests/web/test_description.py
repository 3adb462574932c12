"""The description of the interface, and the errors every door has in common."""

from __future__ import annotations

import subprocess
import sys

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from netloom.settings import Settings
from netloom.web.negotiation import wants_json
from tests.web.small_site import Server

ROUTES = [
    ("get", "/index.json"),
    ("get", "/completed_jobs.json"),
    ("get", "/jobs/{job_id}/table_data.json"),
    ("post", "/login"),
    ("get", "/jobs/{job_id}/status"),
    ("put", "/jobs/{job_id}"),
    ("delete", "/jobs"),
    ("delete", "/datasets/{job_id}"),
    ("post", "/models/{job_id}/abort"),
    ("post", "/abort_jobs"),
    ("post", "/group"),
    ("get", "/files/{path}"),
    ("get", "/autocomplete/path"),
    ("get", "/datasets/{job_id}.json"),
    ("get", "/datasets/summary"),
    ("get", "/datasets/images/classification/explore"),
    ("post", "/datasets/images/resize-example"),
    ("get", "/models/{job_id}.json"),
    ("post", "/models/visualize-lr"),
    ("get", "/models/images/classification/augmentations.json"),
    ("post", "/models/customize"),
    ("get", "/models/images/classification/large_graph"),
    ("get", "/events"),
]
FORMS = [
    ("/datasets/images/classification.json", "folder_pct_val"),
    ("/models/images/classification.json", "lr_policy"),
    ("/models/images/classification/classify_one.json", "image_file"),
    ("/models/images/classification/classify_many.json", "num_test_images"),
    ("/models/images/classification/top_n", "top_n"),
]


def test_every_route_is_described(anyone: httpx.Client) -> None:
    paths = anyone.get("/openapi.json").json()["paths"]
    for method, path in ROUTES:
        assert paths[path][method]["description"], (method, path)
    for path, field in FORMS:
        content = paths[path]["post"]["requestBody"]["content"]
        described = content["multipart/form-data"]["schema"]["properties"][field]
        assert described["description"]
    answers = [code for p in paths.values() for o in p.values() for code in o["responses"]]
    assert "422" not in answers


def test_errors_as_json_and_as_pages(anyone: httpx.Client) -> None:
    answer = anyone.get("/models/20260101-101500-0a1b.json")
    assert answer.status_code == 404
    assert answer.json() == {
        "error": {"message": "404: Not Found", "type": "NotFound", "description": "Job not found"}
    }
    page = anyone.get("/models/20260101-101500-0a1b")
    assert page.status_code == 404
    assert "Job not found" in page.text
    wrong = anyone.post("/index.json").json()["error"]
    assert (wrong["message"], wrong["type"]) == ("405: Method Not Allowed", "MethodNotAllowed")
    assert anyone.get("/<script>").status_code == 404
    assert "<script>alert" not in anyone.get("/%3Cscript%3Ealert(1)").text


def test_an_unexpected_error_tells_no_secrets(settings: Settings) -> None:
    def fail(request: Request) -> Response:
        raise RuntimeError("the password is 1234")

    with Server(settings) as server, server.client() as client:
        server.app.add_route("/fail", fail)
        for headers in ({}, {"accept": "application/json"}):
            answer = client.get("/fail", headers=headers)
            assert answer.status_code == 500
            assert "1234" not in answer.text
            assert "Traceback" not in answer.text
            assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "accept", "expected"),
    [
        ("/a.json", "text/html", True),
        ("/a", "application/json", True),
        ("/a", "application/json, text/html", False),
        ("/a", "application/json;q=0.9, text/html;q=0.8", True),
        ("/a", "text/html, application/json;q=0.9", False),
        ("/a", "*/*", False),
        ("/a", "application/*, */*;q=0.1", True),
        ("/a", "", False),
        ("/a", "application/json;q=x, ;;,", False),
    ],
)
def test_who_wants_json(path: str, accept: str, expected: bool) -> None:
    headers = [(b"accept", accept.encode())]
    scope = {"type": "http", "path": path, "headers": headers, "query_string": b""}
    scope |= {"server": ("localhost", 80), "scheme": "http", "root_path": "", "method": "GET"}
    assert wants_json(Request(scope)) is expected


def test_the_web_process_loads_no_engine() -> None:
    code = (
        "import sys, netloom.app, netloom.web.openapi\n"
        "heavy = {'torch', 'onnxscript', 'sklearn', 'onnxruntime'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
