"""Layers and maps of one image over HTTP: beside the predictions, only when asked for."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import numpy as np
import onnx
import pytest

from netloom.errors import NotFound
from netloom.images import Preprocessing
from netloom.networks.card import ModelCard
from netloom.store import Job
from netloom.web.insides import Pictures
from tests.inference import small_models
from tests.web.small_site import CLASSES, Server

ONE = "/models/images/classification/classify_one"
PNG = b"\x89PNG"


@pytest.fixture
def convolving(server: Server, model: Job) -> Job:
    """A model with a convolution, in place of one without."""
    directory = server.store.files.directory(model.id)
    preprocessing = Preprocessing(width=12, height=12, channels=1)
    ModelCard(framework="pytorch", classes=CLASSES, preprocessing=preprocessing).write(directory)
    onnx.save(small_models.network(classes=2), str(directory / "snapshot_2.onnx"))
    return model


@pytest.fixture
def about(convolving: Job, pictures: Path) -> dict[str, str]:
    return {"job_id": convolving.id, "image_path": str(pictures / "light" / "0.png")}


def test_scripts_get_layers_and_maps_beside_the_same_predictions(
    anyone: httpx.Client, about: dict[str, str]
) -> None:
    plain = anyone.post(f"{ONE}.json", data=about).json()
    assert list(plain) == ["predictions"]
    asked = {**about, "show_visualizations": "1", "show_maps": "yes"}
    answer = anyone.post(f"{ONE}.json", data=asked).json()
    assert answer["predictions"] == plain["predictions"]
    assert answer["parameters"] == 36 + 100 * 64 + 64 * 2
    kinds = [(layer["name"], layer["vis_type"]) for layer in answer["layers"]]
    assert kinds[:3] == [("data", "Activation"), ("a", "Weights"), ("a", "Activation")]
    counts, centres, ticks = answer["layers"][0]["data_stats"]["histogram"]
    assert (sum(counts), len(centres), len(ticks)) == (144, 20, 3)
    assert answer["layers"][1]["param_count"] == 36
    assert answer["maps"]["class"] == plain["predictions"][0][0]
    assert np.shape(answer["maps"]["occlusion"]) == (14, 14)
    assert np.shape(answer["maps"]["grad_cam"]["values"]) == (12, 12)
    only = anyone.post(f"{ONE}.json", data={**about, "show_maps": "1"}).json()
    assert list(only) == ["predictions", "maps"]


def test_the_page_shows_layers_with_pictures_and_maps(
    anyone: httpx.Client, about: dict[str, str]
) -> None:
    plain = anyone.get(ONE, params=about)
    (again,) = re.findall(r'href="([^"]*show_maps=1)"', plain.text)
    page = anyone.get(again.replace("&amp;", "&"))
    assert page.status_code == 200
    for words in ("Occlusion", "Grad-CAM", "Total parameters: <b>6,564</b>", "MaxPool"):
        assert words in page.text
    pictures = re.findall(r'src="(/models/[^"]+\.png)" loading="lazy"', page.text)
    assert len(pictures) == 9  # input, kernels, seven outputs; none of the dense weights
    for address in pictures:
        picture = anyone.get(address)
        assert picture.content.startswith(PNG)
        assert picture.headers["content-type"] == "image/png"
    gone = anyone.get(re.sub(r"layers/[^/]+", "layers/unknown", pictures[0]))
    assert gone.status_code == 404


def test_a_network_without_a_plane_says_that_grad_cam_is_not_for_it(
    anyone: httpx.Client, model: Job, pictures: Path
) -> None:
    about = {"job_id": model.id, "image_path": str(pictures / "light" / "0.png")}
    asked = {**about, "show_maps": "1"}
    assert anyone.post(f"{ONE}.json", data=asked).json()["maps"]["grad_cam"] is None
    assert "no layer for it" in anyone.get(ONE, params=asked).text


@pytest.mark.parametrize("field", ["show_visualizations", "show_maps"])
def test_several_images_are_refused(anyone: httpx.Client, model: Job, field: str) -> None:
    many = ONE.replace("one", "many")
    answer = anyone.post(
        f"{many}.json", data={"job_id": model.id, field: "1"}, files={"image_list": b"a.png\n"}
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == field


def test_a_deleted_model_is_closed(
    ada: httpx.Client, server: Server, about: dict[str, str]
) -> None:
    assert ada.post(f"{ONE}.json", data={**about, "show_visualizations": "1"}).is_success
    assert ada.delete(f"/models/{about['job_id']}").is_success
    answer = ada.post(f"{ONE}.json", data={**about, "show_visualizations": "1"})
    assert answer.status_code == 404


def test_the_oldest_pictures_go_first() -> None:
    pictures = Pictures(10)
    first, second = pictures.keep((b"12345",)), pictures.keep((b"123", b"45"))
    assert pictures.get(first, 0) == b"12345"
    third = pictures.keep((b"1234567",))
    assert pictures.get(third, 0) == b"1234567"
    for name in (first, second):
        with pytest.raises(NotFound):
            pictures.get(name, 0)
