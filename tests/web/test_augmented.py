"""Examples of augmentation over HTTP."""

from __future__ import annotations

import base64
from typing import Any

import httpx

from netloom import images
from netloom.store import Job
from tests.web.small_site import fields

ADDRESS = "/models/images/classification/augmentations.json"


def test_examples_are_pictures_of_the_dataset(anyone: httpx.Client, dataset: Job) -> None:
    asked: dict[str, Any] = {"dataset": dataset.id, "aug_rot": "10", "aug_flip": "none"}
    answer = anyone.get(ADDRESS, params=asked, timeout=60)
    assert answer.status_code == 200
    drawn = answer.json()
    shown = [drawn["original"], *drawn["examples"]]
    assert len(shown) == 9
    for address in shown:
        picture = base64.b64decode(address.removeprefix("data:image/png;base64,"))
        assert images.decode(picture, 1).shape == (10, 8)


def test_wrong_questions_are_answered_in_words(anyone: httpx.Client, dataset: Job) -> None:
    def asked(**values: Any) -> httpx.Response:
        return anyone.get(ADDRESS, params={"dataset": dataset.id, **values}, timeout=60)

    wrong = asked(aug_rot="200")
    assert wrong.status_code == 400
    assert "aug_rot" in wrong.text
    assert asked(crop_size="x").status_code == 400
    assert asked(sample="-1").status_code == 400
    assert asked(dataset="nothing").status_code == 404
    large = asked(crop_size="9")
    assert large.status_code == 400
    assert "A crop of 9 x 9 does not fit into 8 x 10" in large.text


def test_an_unfinished_dataset_has_no_examples_yet(ada: httpx.Client, pictures: Any) -> None:
    made = ada.post("/datasets/images/classification.json", data=fields(pictures)).json()
    answer = ada.get(ADDRESS, params={"dataset": made["id"]})
    assert answer.status_code == 400
    assert "when the dataset is complete" in answer.text
