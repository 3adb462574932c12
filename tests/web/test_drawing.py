"""Drawing a network over HTTP, before it is trained."""

from __future__ import annotations

import httpx
import pytest

from netloom.store import Job

DRAW = "/models/visualize-network"
TEXT = """
from torch import nn
def build(p):
    channels, height, width = p.input_shape
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, p.classes))
"""


@pytest.fixture
def ada(ada: httpx.Client) -> httpx.Client:
    """Someone who is logged in and waits for torch to load."""
    ada.timeout = httpx.Timeout(120)
    return ada


def test_for_the_images_of_a_dataset(ada: httpx.Client, dataset: Job) -> None:
    about = {"framework": "pytorch", "custom_network": TEXT, "dataset_id": dataset.id}
    page = ada.post(DRAW, data=about)
    assert page.status_code == 200
    for words in ("1 × 10 × 8", "Flatten", "Linear", "162"):
        assert words in page.text
    asked = {**about, "crop_size": "5"}
    drawn = ada.post(DRAW, data=asked, headers={"accept": "application/json"}).json()
    assert (drawn["input_shape"], drawn["parameters"]) == ([1, 5, 5], 25 * 2 + 2)


def test_what_is_wrong_is_named(ada: httpx.Client) -> None:
    known = {"framework": "pytorch", "custom_network": TEXT}
    wrong = [
        ({"custom_network": TEXT}, 400, "framework"),
        ({"framework": "pytorch"}, 400, "custom_network"),
        ({"framework": "caffe", "custom_network": TEXT}, 400, ""),
        ({"framework": "pytorch", "standard_networks": "nothing"}, 404, ""),
        ({**known, "custom_network": "def build(p:"}, 400, "custom_network"),
        ({**known, "custom_network": "def build(p): return 1"}, 400, "custom_network"),
        ({**known, "crop_size": "-3"}, 400, "crop_size"),
        ({**known, "dataset_id": "20200101-000000-0000"}, 404, ""),
    ]
    for about, status, field in wrong:
        answer = ada.post(DRAW, data=about, headers={"accept": "application/json"})
        assert answer.status_code == status, about
        assert answer.json()["error"].get("field", "") == field, about


@pytest.mark.parametrize("about", [{}, {"framework": "pytorch", "custom_network": TEXT}])
def test_only_who_is_logged_in_runs_code(anyone: httpx.Client, about: dict[str, str]) -> None:
    answer = anyone.post(DRAW, data=about, headers={"accept": "application/json"})
    assert answer.status_code == 401
