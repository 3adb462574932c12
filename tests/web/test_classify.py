"""Classification over HTTP: one image, many, the best of each class."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest

from netloom.interfaces.job import SnapshotFile
from netloom.settings import Settings
from netloom.store import Job
from tests.web.conftest import MakeModel
from tests.web.small_site import Server

ONE = "/models/images/classification/classify_one"
MANY = "/models/images/classification/classify_many"
TOP_N = "/models/images/classification/top_n"


@pytest.fixture
def light(pictures: Path) -> Path:
    return pictures / "light" / "0.png"


@pytest.fixture
def val_txt(pictures: Path) -> bytes:
    """A list as a dataset leaves it, with blank lines."""
    lines = [f"{path} {path.parent.name == 'light':d}" for path in sorted(pictures.rglob("*.png"))]
    return ("\n\n".join(lines) + "\n").encode()


def test_one_image_by_upload_path_and_query(anyone: httpx.Client, model: Job, light: Path) -> None:
    uploaded = anyone.post(
        f"{ONE}.json", data={"job_id": model.id}, files={"image_file": light.read_bytes()}
    )
    assert uploaded.status_code == 200
    predictions = uploaded.json()["predictions"]
    assert [label for label, _ in predictions] == ["light", "dark"]
    assert sum(percent for _, percent in predictions) == pytest.approx(100, abs=0.02)
    by_path = anyone.post(f"{ONE}.json?job_id={model.id}", data={"image_path": str(light)})
    assert by_path.json() == uploaded.json()
    asked = {"accept": "application/json"}
    files = {"image_file": light.read_bytes()}
    assert anyone.post(f"{ONE}.json?job_id={model.id}", files=files, headers=asked).is_success


def test_the_page_gives_the_percentage_then_the_label(
    anyone: httpx.Client, model: Job, light: Path
) -> None:
    about = {"job_id": model.id, "image_path": str(light)}
    for page in (anyone.get(ONE, params=about), anyone.post(ONE, data=about)):
        assert page.status_code == 200
        (listed,) = re.findall(r'<ul class="list-group[^>]*>(.*?)</ul>', page.text, re.S)
        items = re.findall(r"<li.*?</li>", listed, re.S)
        words = re.sub(r"<[^>]+>|\s+", " ", items[0])
        assert re.search(r"\d+(\.\d+)?\s*%.*light", words), words
        assert "data:image/png;base64," in page.text
    fragment = anyone.post(ONE, data=about, headers={"hx-request": "true"})
    assert "<html" not in fragment.text


def test_what_is_wrong_with_one_image(
    anyone: httpx.Client, model: Job, dataset: Job, light: Path, tmp_path: Path
) -> None:
    image = {"image_file": light.read_bytes()}
    job = {"job_id": model.id}
    (tmp_path / "empty.png").touch()
    wrong: list[tuple[int, dict[str, str], dict[str, bytes]]] = [
        (400, {}, image),
        (404, {"job_id": "nothing"}, image),
        (404, {"job_id": dataset.id}, image),
        (400, job, {}),
        (400, job, {"image_file": b""}),
        (400, job, {"image_file": b"no image"}),
        (400, job, {"image_file": light.read_bytes()[:60]}),
        (400, {**job, "snapshot_epoch": "last"}, image),
        (400, {**job, "snapshot_epoch": "nan"}, image),
        (404, {**job, "snapshot_epoch": "7"}, image),
        (400, {**job, "image_path": "/etc/passwd"}, {}),
        (400, {**job, "image_path": "relative.png"}, {}),
        (400, {**job, "image_path": "a\0b"}, {}),
        (400, {**job, "image_path": str(tmp_path)}, {}),
        (400, {**job, "image_path": str(tmp_path / "none.png")}, {}),
        (400, {**job, "image_path": str(tmp_path / "empty.png")}, {}),
        (400, {**job, "image_path": "http://127.0.0.1:9/a.png"}, {}),
    ]
    for status, data, files in wrong:
        answer = anyone.post(f"{ONE}.json", data=data, files=files)
        assert answer.status_code == status, (data, answer.text)
        assert answer.json()["error"]["description"]
        assert anyone.post(ONE, data=data, files=files).status_code == status
    missing = anyone.post(f"{ONE}.json", files=image).json()["error"]
    assert missing["description"] == "job_id is a required field"


def test_a_snapshot_can_be_chosen_and_a_new_one_is_taken_up(
    anyone: httpx.Client, server: Server, model: Job, light: Path
) -> None:
    def ask(**about: str) -> httpx.Response:
        files = {"image_file": light.read_bytes()}
        return anyone.post(f"{ONE}.json", data={"job_id": model.id, **about}, files=files)

    for epoch in ("1", "1.0", "2", "-1"):
        assert ask(snapshot_epoch=epoch).is_success
    store, directory = server.store, server.store.files.directory(model.id)
    (directory / "broken.onnx").write_bytes(b"no network")
    file = SnapshotFile(epoch=3, iteration=30, weights="w", network="broken.onnx")
    store.add_snapshot(model.id, file)
    answers = (ask().status_code for _ in range(200))
    assert next((status for status in answers if status != 200), 200) == 500
    assert ask(snapshot_epoch="2").is_success


def test_a_deleted_model_answers_no_more(
    anyone: httpx.Client, ada: httpx.Client, model: Job, light: Path
) -> None:
    def ask() -> int:
        about = {"job_id": model.id, "image_path": str(light)}
        return anyone.post(f"{ONE}.json", data=about).status_code

    assert ask() == 200
    ada.delete(f"/models/{model.id}")
    assert ask() == 404


def test_many_images_as_json(anyone: httpx.Client, model: Job, val_txt: bytes) -> None:
    files = {"image_list": val_txt + b"/nowhere/x.png 1\n"}
    answer = anyone.post(f"{MANY}.json", data={"job_id": model.id}, files=files)
    assert answer.status_code == 200
    found = answer.json()
    assert len(found["classifications"]) == 12
    for path, predictions in found["classifications"].items():
        assert predictions[0][0] == Path(path).parent.name
    assert list(found["failed"]) == ["/nowhere/x.png"]
    assert found["failed_count"] == 1


def test_a_list_with_relative_paths_and_a_limit(
    anyone: httpx.Client, model: Job, pictures: Path
) -> None:
    about = {"job_id": model.id, "image_folder": str(pictures), "num_test_images": "2"}
    files = {"image_list": b"dark/0.png\r\nlight/1.png 1\r\nlight/2.png\r\n"}
    found = anyone.post(f"{MANY}.json", data=about, files=files).json()["classifications"]
    assert list(found) == [str(pictures / "dark/0.png"), str(pictures / "light/1.png")]


def test_one_image_scores_the_same_by_every_route(
    anyone: httpx.Client, model: Job, light: Path
) -> None:
    about = {"job_id": model.id}
    one = anyone.post(f"{ONE}.json", data={**about, "image_path": str(light)}).json()
    files = {"image_list": f"{light}\n".encode()}
    many = anyone.post(f"{MANY}.json", data=about, files=files).json()
    assert many["classifications"][str(light)] == one["predictions"]


def test_many_images_as_a_page(anyone: httpx.Client, model: Job, val_txt: bytes) -> None:
    page = anyone.post(MANY, data={"job_id": model.id}, files={"image_list": val_txt})
    assert page.status_code == 200
    assert "100.00" in page.text
    assert "light/5.png" in page.text
    assert page.text.rstrip().endswith("</html>")


def test_what_is_wrong_with_a_list(anyone: httpx.Client, model: Job, tmp_path: Path) -> None:
    job = {"job_id": model.id}
    good = {"image_list": b"/a.png\n"}
    wrong: list[tuple[dict[str, str], dict[str, bytes]]] = [
        (job, {}),
        (job, {"image_list": b""}),
        (job, {"image_list": b"\n \n"}),
        (job, {"image_list": b"\x89PNG\0\0\0"}),
        (job, {"image_list": b"/nowhere/a.png\n"}),
        ({**job, "image_folder": str(tmp_path / "none")}, good),
        ({**job, "image_folder": "/etc"}, good),
        ({**job, "num_test_images": "few"}, good),
        ({**job, "num_test_images": "0"}, good),
        ({}, good),
    ]
    for path in (f"{MANY}.json", MANY, TOP_N):
        for data, files in wrong:
            answer = anyone.post(path, data=data, files=files)
            assert answer.status_code == 400, (path, data, files, answer.text)


def test_the_best_of_each_class(anyone: httpx.Client, model: Job, val_txt: bytes) -> None:
    about = {"job_id": model.id, "top_n": "2"}
    page = anyone.post(TOP_N, data=about, files={"image_list": val_txt})
    assert page.status_code == 200
    assert page.text.count("data:image/png;base64,") == 4
    for wrong in ("0", "x", "100000"):
        answer = anyone.post(TOP_N, data={**about, "top_n": wrong}, files={"image_list": val_txt})
        assert answer.status_code == 400


def test_thousands_of_images_are_streamed(anyone: httpx.Client, model: Job, pictures: Path) -> None:
    lines = "".join(f"{pictures}/light/{index % 6}.png\n" for index in range(3000))
    about = {"job_id": model.id}
    files = {"image_list": lines.encode()}
    with anyone.stream("POST", f"{MANY}.json", data=about, files=files, timeout=60) as answer:
        pieces = list(answer.iter_bytes())
    assert len(pieces) > 3
    assert "content-length" not in answer.headers
    text = b"".join(pieces).decode()
    assert text.count("light/3.png") == 500
    assert len(json.loads(text)["classifications"]) == 6


def test_a_client_that_goes_away_harms_nobody(
    anyone: httpx.Client, model: Job, pictures: Path
) -> None:
    lines = "".join(f"{pictures}/light/{index % 6}.png\n" for index in range(20_000))
    files = {"image_list": lines.encode()}
    for _ in range(5):  # more than lists at once
        with anyone.stream(
            "POST", f"{MANY}.json", data={"job_id": model.id}, files=files
        ) as answer:
            next(answer.iter_raw())
    assert anyone.post(
        f"{MANY}.json", data={"job_id": model.id}, files={"image_list": lines[:300].encode()}
    ).is_success


def test_a_model_without_a_snapshot(
    anyone: httpx.Client, make_model: MakeModel, light: Path
) -> None:
    about = {"job_id": make_model(epochs=0).id, "image_path": str(light)}
    answer = anyone.post(f"{ONE}.json", data=about)
    assert answer.status_code == 404
    assert "no snapshot" in answer.json()["error"]["description"]


def test_the_pixel_limit_holds_for_every_way_to_classify(
    settings: Settings, make_model: MakeModel, pictures: Path, val_txt: bytes
) -> None:
    small = settings.model_copy(update={"decode_pixels": 99})  # the pictures have 100
    about = {"job_id": make_model().id, "image_path": str(pictures / "dark" / "0.png")}
    with Server(small) as server, server.client() as client:
        for path in (ONE, f"{ONE}.json"):
            answer = client.post(path, data=about, headers={"accept": "application/json"})
            assert (answer.status_code, "99 are allowed" in answer.text) == (400, True)
            assert answer.json()["error"]["field"] == "image_path"
        for path in (MANY, f"{MANY}.json", TOP_N):
            files = {"image_list": ("val.txt", val_txt)}
            answer = client.post(path, data={"job_id": about["job_id"]}, files=files)
            assert (answer.status_code, "99 are allowed" in answer.text) == (400, True)


def test_private_addresses_are_fetched_where_that_is_allowed(
    settings: Settings, make_model: MakeModel, server: Server
) -> None:
    url = f"http://localhost:{server.port}/static/favicon.ico"
    about = {"job_id": make_model().id, "image_path": url}
    for allowed in (False, True):
        chosen = settings.model_copy(update={"fetch_private": allowed})
        with Server(chosen) as other, other.client() as client:
            answer = client.post(f"{ONE}.json", data=about)
            assert answer.status_code == 400  # no picture, or not asked for
            assert ("private address" in answer.text) != allowed


def test_a_list_that_turns_bad_far_down_is_refused_at_once(
    anyone: httpx.Client, model: Job, val_txt: bytes
) -> None:
    for bad in (b"x" * 20_000, b"a\0b"):
        files = {"image_list": ("val.txt", val_txt * 50 + bad)}
        for path in (MANY, f"{MANY}.json", TOP_N):
            answer = anyone.post(path, data={"job_id": model.id}, files=files)
            assert answer.status_code == 400
            assert "image list" in answer.text or "Line" in answer.text


def test_a_path_outside_the_roots_is_refused_by_its_field(
    anyone: httpx.Client, model: Job, val_txt: bytes
) -> None:
    for path in ("/etc/passwd", "http://127.0.0.1/a.png", "a.png"):
        about = {"job_id": model.id, "image_path": path}
        answer = anyone.post(f"{ONE}.json", data=about)
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, "image_path")
    about = {"job_id": model.id, "image_folder": "/etc"}
    answer = anyone.post(f"{MANY}.json", data=about, files={"image_list": ("val.txt", val_txt)})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "image_folder")
