"""Network texts and pictures that cannot be used."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.judging import broken_files, failed, refused
from tests.acceptance.workbench import MODELS, Workbench

pytestmark = pytest.mark.usefixtures("nothing_half_made")

SYNTAX_ERROR = "def build(p):\n    return torch.nn.Linear(\n"
WRONG_SIZE = """
from torch import nn

def build(p):
    return nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 17))
"""


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (SYNTAX_ERROR, "Line 2"),
        (WRONG_SIZE, "17"),
        ("x = 1", "build"),
        ("def build(p):\n    return 3\n", "Module"),
        ("def build(p):\n    raise ValueError('no such luck')\n", "no such luck"),
        ("import no_such_package\ndef build(p): ...\n", "no_such_package"),
        ("import os\ndef build(p):\n    os._exit(3)\n", ""),
    ],
    ids=["syntax", "output size", "no build", "no module", "raises", "import", "exits"],
)
def test_a_bad_network_text_fails_with_a_sentence(
    bench: Workbench, dataset: str, text: str, word: str
) -> None:
    answer = bench.model(dataset, method="custom", custom_network=text)
    if answer.status_code == 400:
        assert word in refused(answer, "custom_network")
    else:
        assert word in failed(bench, answer)


@pytest.fixture(scope="module")
def model(bench: Workbench, dataset: str) -> str:
    return bench.done(bench.model(dataset).json()["id"])


@pytest.mark.parametrize("name", list(broken_files()))
def test_a_picture_that_cannot_be_read_is_refused(bench: Workbench, model: str, name: str) -> None:
    data = broken_files()[name]
    answer = bench.http.post(
        f"{MODELS}/classify_one.json", data={"job_id": model}, files={"image_file": (name, data)}
    )
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["description"].endswith(".")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"image_path": ""},
        {"image_path": "/etc/passwd"},
        {"image_path": "/nowhere/at/all.png"},
        {"image_path": "file:///etc/passwd"},
        {"image_path": "http://127.0.0.1:1/x.png"},
        {"image_path": "http://169.254.0.1/x.png"},
        {"image_path": "gopher://example/x.png"},
        {"image_path": "a\x00b"},
        {"snapshot_epoch": "many", "image_path": "x"},
        {"snapshot_epoch": "77", "image_path": "x"},
    ],
    ids=str,
)
def test_a_request_without_a_usable_picture_is_refused(
    bench: Workbench, model: str, fields: dict[str, Any]
) -> None:
    answer = bench.http.post(f"{MODELS}/classify_one.json", data={"job_id": model, **fields})
    assert answer.status_code in (400, 404), answer.text
    assert answer.json()["error"]["description"]


def test_a_list_without_a_readable_picture_says_so(bench: Workbench, model: str) -> None:
    answer = bench.http.post(
        f"{MODELS}/classify_many.json",
        data={"job_id": model},
        files={"image_list": ("list.txt", b"/nowhere/a.png\n/etc/passwd 3\n\n")},
    )
    # The reference answers 500 where no picture of a list can be loaded; a list of bad paths is
    # the caller's mistake.
    assert answer.status_code == 400, answer.text
