"""Datasets over HTTP: created, described, explored; wrong fields named."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import httpx

from netloom import jobs
from netloom.jobs import InProcessExecutor
from netloom.settings import Settings
from netloom.store import Job
from tests.web.small_site import SIDE, Server, fields

CREATE = "/datasets/images/classification"
EXPLORE = f"{CREATE}/explore"
RESIZE = "/datasets/images/resize-example"


def test_creation_answers_json_or_leads_to_the_page(ada: httpx.Client, pictures: Path) -> None:
    for path in (f"{CREATE}.json", f"{CREATE}.json/"):
        answer = ada.post(path, data=fields(pictures))
        assert answer.status_code == 200
        assert answer.json() == {
            "id": answer.json()["id"],
            "name": "shades",
            "status": "Initialized",
        }
    for path in (CREATE, f"{CREATE}/"):
        answer = ada.post(path, data=fields(pictures))
        assert answer.status_code == 302
        assert ada.get(answer.headers["location"]).status_code == 200
    sent = ada.post(CREATE, json=fields(pictures, resize_channels=1))
    assert sent.json()["status"] == "Initialized"


def test_the_description_has_width_and_height_the_right_way_round(
    anyone: httpx.Client, dataset: Job, server: Server
) -> None:
    answer = anyone.get(f"/datasets/{dataset.id}.json").json()
    assert answer == {
        "id": dataset.id,
        "name": "shades",
        "status": "Done",
        "directory": str(server.store.files.directory(dataset.id)),
        "ParseFolderTasks": [
            {
                "name": "Parse Folder (train/val)",
                "label_count": 2,
                "train_count": answer["ParseFolderTasks"][0]["train_count"],
                "val_count": answer["ParseFolderTasks"][0]["val_count"],
                "test_count": 0,
            }
        ],
        "CreateDbTasks": [
            {
                "name": f"Create DB ({split})",
                "entries": entries,
                "image_width": SIDE,
                "image_height": SIDE + 2,
                "image_channels": 1,
                "backend": "lmdb",
                "encoding": "png",
                "compression": "none",
            }
            for split, entries in (("train", 10), ("val", 2))
        ],
    }


def test_counts_are_null_until_known(ada: httpx.Client, pictures: Path) -> None:
    job_id = ada.post(f"{CREATE}.json", data=fields(pictures)).json()["id"]
    asked = {"accept": "application/json"}
    answer = ada.get(f"/datasets/{job_id}", headers=asked).json()
    assert answer["ParseFolderTasks"][0]["train_count"] is None
    assert answer["CreateDbTasks"][0]["entries"] is None


def test_the_page_shows_the_dataset(anyone: httpx.Client, dataset: Job) -> None:
    page = anyone.get(f"/datasets/{dataset.id}").text
    assert "shades" in page
    assert "mean.jpg" in page
    assert anyone.get(f"/datasets/{dataset.id}/databases").status_code == 200
    assert anyone.get(f"/models/{dataset.id}").status_code == 404
    assert anyone.get(f"/models/{dataset.id}.json").json()["error"]["description"]


WRONG: list[tuple[str, Any]] = [
    ("dataset_name", ""),
    ("resize_width", "wide"),
    ("resize_width", "0"),
    ("resize_height", "1.5"),
    ("resize_height", "9" * 40),
    ("resize_channels", "2"),
    ("resize_mode", "melt"),
    ("encoding", "gif"),
    ("backend", "csv"),
    ("method", "ftp"),
    ("folder_pct_val", "101"),
    ("folder_pct_test", "-1"),
    ("folder_train", ""),
    ("folder_train", "/etc"),
    ("folder_train", "relative"),
    ("folder_train", "http://127.0.0.1:1/pets"),
    ("folder_train", "a\0b"),
    ("folder_train_min_per_class", "none"),
    ("folder_train_max_per_class", "1"),
    ("dataset_name", "x" * 5000),
]


def test_wrong_fields_are_named(ada: httpx.Client, server: Server, pictures: Path) -> None:
    for field, value in WRONG:
        sent = fields(pictures, **{field: value})
        answer = ada.post(f"{CREATE}.json", data=sent)
        assert answer.status_code == 400, (field, value, answer.text)
        assert list(answer.json()["errors"]) == [field]
        page = ada.post(CREATE, data=sent)
        assert page.status_code == 400
        assert "alert-danger" in page.text
    assert server.store.jobs()[1] == 0
    assert list(server.store.files.jobs.iterdir()) == []


def test_json_of_any_type_in_any_field_is_an_answer_not_a_crash(
    ada: httpx.Client, pictures: Path
) -> None:
    names = ("dataset_name", "folder_train", "resize_width", "has_val_folder", "method")
    values: list[Any] = [None, True, 5, 1.5, [1], ["a"], {"a": 1}, [], ""]
    for field, value in itertools.product(names, values):
        answer = ada.post(f"{CREATE}.json", json={**fields(pictures), field: value})
        assert answer.status_code in (200, 400), (field, value, answer.text)


def test_a_body_that_is_no_object_is_refused(ada: httpx.Client) -> None:
    kind = {"content-type": "application/json"}
    bodies = (b"", b"{", b"[]", b'"x"', b"NaN", b'{"a": "\\ud800"}', b"[" * 100_000, b"\xff")
    for body in bodies:
        answer = ada.post(f"{CREATE}.json", content=body, headers=kind)
        assert answer.status_code == 400, body[:20]
        assert "error" in answer.json()


def test_folders_on_the_web_are_asked_for_as_the_settings_allow(
    settings: Settings, pictures: Path
) -> None:
    sent = fields(pictures, folder_train="http://127.0.0.1:1/pets")
    for private, part in ((False, "private address"), (True, "cannot be reached")):
        with (
            Server(settings.model_copy(update={"fetch_private": private})) as server,
            server.client("ada") as ada,
        ):
            errors = ada.post(f"{CREATE}.json", data=sent).json()["errors"]
            assert part in errors["folder_train"][0]


def test_what_was_typed_is_kept(ada: httpx.Client, pictures: Path) -> None:
    page = ada.post(CREATE, data=fields(pictures, dataset_name='O\'Brien & "co"', encoding="gif"))
    assert "O&#39;Brien &amp; &#34;co&#34;" in page.text


def test_a_clone_takes_the_remembered_fields(ada: httpx.Client, dataset: Job) -> None:
    ada.put(f"/jobs/{dataset.id}", data={"job_name": "renamed"})
    page = ada.get(f"{CREATE}/new?clone={dataset.id}").text
    assert 'value="renamed"' in page
    posted = {"clone": dataset.id, "dataset_name": "other"}
    assert ada.post(f"{CREATE}.json", data=posted).json()["name"] == "renamed"
    assert ada.post(f"{CREATE}.json?clone=nothing").status_code == 404
    assert ada.get(f"{CREATE}/new?clone=nothing").status_code == 404


def test_the_explorer_pages_and_filters(anyone: httpx.Client, dataset: Job) -> None:
    about = {"job_id": dataset.id, "size": 3}
    page = anyone.get(EXPLORE, params=about).text
    assert page.count(f"/datasets/{dataset.id}/images/train/") == 3
    one_class = anyone.get(EXPLORE, params={**about, "label": 1, "size": 100}).text
    assert one_class.count(f"/datasets/{dataset.id}/images/train/") == 5
    validation = anyone.get(EXPLORE, params={**about, "db": "val_db"}).text
    assert f"/datasets/{dataset.id}/images/val/0" in validation
    assert anyone.get(EXPLORE, params={**about, "page": 10**6}).status_code == 200


def test_unreadable_files_are_counted_wherever_images_are(
    ada: httpx.Client, server: Server, pictures: Path
) -> None:
    (pictures / "dark" / "broken.png").write_bytes(b"")
    sent = fields(pictures, folder_pct_val="0")
    job_id = ada.post(f"{CREATE}.json", data=sent).json()["id"]
    executor = InProcessExecutor(server.store)
    jobs.run_until_done(server.store, job_id, executor=executor, timeout=60)
    of_job = (f"/datasets/{job_id}", f"/jobs/{job_id}/steps")
    pages = ("/?tab=1", *of_job, f"/datasets/summary?job_id={job_id}")
    for path in (*pages, f"{EXPLORE}?job_id={job_id}", f"{EXPLORE}?job_id={job_id}&label=0"):
        assert re.search(r"1 unreadable|Unreadable</dt><dd[^>]*>1 file", ada.get(path).text), path
    assert "unreadable" not in ada.get(f"{EXPLORE}?job_id={job_id}&label=1").text.split("pager")[1]


def test_the_explorer_says_what_is_wrong(anyone: httpx.Client, dataset: Job) -> None:
    wrong: list[dict[str, Any]] = [
        {"db": "test"},
        {"db": "other"},
        {"page": "x"},
        {"page": -1},
        {"size": 0},
        {"size": 10**6},
        {"label": "2"},
        {"label": "-1"},
        {"label": "dark"},
        {"job_id": "nothing"},
        {"job_id": ""},
    ]
    for part in wrong:
        about = {"job_id": dataset.id, **part}
        answer = anyone.get(EXPLORE, params=about, headers={"accept": "application/json"})
        assert answer.status_code in (400, 404), part
        assert answer.json()["error"]["description"]


def test_an_image_of_a_database(anyone: httpx.Client, dataset: Job) -> None:
    image = anyone.get(f"/datasets/{dataset.id}/images/train/0")
    assert image.headers["content-type"] == "image/png"
    assert image.content.startswith(b"\x89PNG")
    for path in ("train/10", "train/x", "train/-1", "test/0", "other/0"):
        assert anyone.get(f"/datasets/{dataset.id}/images/{path}").status_code in (400, 404)


def test_an_unfinished_database_is_not_explored(ada: httpx.Client, pictures: Path) -> None:
    job_id = ada.post(f"{CREATE}.json", data=fields(pictures)).json()["id"]
    answer = ada.get(EXPLORE, params={"job_id": job_id})
    assert answer.status_code == 400
    assert "not complete" in answer.text


def test_the_summary(anyone: httpx.Client, dataset: Job) -> None:
    assert "10 training" in anyone.get("/datasets/summary", params={"job_id": dataset.id}).text
    assert anyone.get("/datasets/summary").status_code == 400
    assert anyone.get("/datasets/summary?job_id=x").status_code == 404


def test_the_resize_example(anyone: httpx.Client) -> None:
    wanted = {"width": 32, "height": 24, "channels": 3, "resize_mode": "fill", "encoding": "jpg"}
    answer = anyone.post(RESIZE, data=wanted)
    assert "data:image/jpeg;base64," in answer.text
    wrong = anyone.post(RESIZE, data={**wanted, "width": "<b>"})
    assert wrong.status_code == 200
    assert wrong.headers["content-type"].startswith("text/plain")
    assert wrong.text.startswith("width: ")
