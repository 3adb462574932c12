"""Datasets from text files over HTTP: uploads, paths on the server, clones; wrong ones named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from netloom import jobs
from netloom.jobs import InProcessExecutor
from netloom.store import Job
from tests.web.small_site import CLASSES, SIDE, Server

CREATE = "/datasets/images/classification"
LABELS = "\n".join(CLASSES)


@pytest.fixture
def lines(pictures: Path) -> list[str]:
    """One line per picture, with paths that start at the folder of the pictures."""
    return [f"{name}/{n}.png {label}\n" for label, name in enumerate(CLASSES) for n in range(6)]


def fields(pictures: Path, **values: object) -> dict[str, Any]:
    return {
        "dataset_name": "listed",
        "method": "textfile",
        "textfile_train_folder": str(pictures),
        "resize_width": SIDE,
        "resize_height": SIDE,
        "resize_channels": "1",
        **values,
    }


def uploads(**texts: str) -> dict[str, tuple[str, bytes]]:
    return {f"textfile_{name}": (f"{name}.txt", text.encode()) for name, text in texts.items()}


def built(server: Server, answer: httpx.Response) -> Job:
    assert answer.status_code == 200, answer.text
    executor = InProcessExecutor(server.store)
    return jobs.run_until_done(server.store, answer.json()["id"], executor=executor, timeout=60)


def test_uploads_as_scripts_send_them(
    ada: httpx.Client, server: Server, pictures: Path, lines: list[str]
) -> None:
    sent = fields(pictures, textfile_use_val="y", textfile_val_folder=str(pictures))
    files = uploads(
        train_images="".join(lines[1:]), val_images=lines[0] + "nothing\n", labels_file=LABELS
    )
    job = built(server, ada.post(f"{CREATE}.json", data=sent, files=files))
    assert job.status == "D", [step.error for step in job.steps]
    told = ada.get(f"/datasets/{job.id}.json").json()
    assert told["ParseFolderTasks"] == []
    assert [task["entries"] for task in told["CreateDbTasks"]] == [11, 1]
    directory = server.store.files.directory(job.id)
    assert (directory / "uploaded_train.txt").read_text() == "".join(lines[1:])
    assert (directory / "labels.txt").read_text().split() == list(CLASSES)
    assert (directory / "val.txt").read_text() == f"{pictures}/{lines[0]}"
    page = ada.get(f"/datasets/{job.id}").text
    for words in ("Training list", "train_images.txt", str(pictures), "Read Lists (train/val)"):
        assert words in page
    assert "The line does not end with a class number. The first is line 2." in page
    assert ada.get(f"/files/{job.id}/uploaded_val.txt").text == lines[0] + "nothing\n"
    assert ada.get(f"{CREATE}/explore?job_id={job.id}").status_code == 200
    assert "11 training" in ada.get("/datasets/summary", params={"job_id": job.id}).text


def test_lists_on_the_server_in_a_json_body(
    ada: httpx.Client, server: Server, pictures: Path, lines: list[str]
) -> None:
    (pictures / "train.txt").write_text("".join(lines))
    (pictures / "labels.txt").write_text(LABELS)
    sent = fields(
        pictures,
        textfile_use_local_files=True,
        textfile_local_train_images=str(pictures / "train.txt"),
        textfile_local_labels_file=str(pictures / "labels.txt"),
        textfile_shuffle=0,
    )
    job = built(server, ada.post(f"{CREATE}.json", json=sent))
    assert job.status == "D"
    listed = (server.store.files.directory(job.id) / "train.txt").read_text()
    assert listed == "".join(f"{pictures}/{line}" for line in lines)
    # A clone needs nothing else: all of it is remembered.
    clone = built(server, ada.post(f"{CREATE}.json", data={"clone": job.id}))
    assert clone.status == "D"
    page = ada.get(f"{CREATE}/new?clone={job.id}").text
    assert f'value="{pictures / "train.txt"}"' in page


def test_a_clone_of_uploads_asks_for_the_files_again(
    ada: httpx.Client, server: Server, pictures: Path, lines: list[str]
) -> None:
    files = uploads(train_images="".join(lines), labels_file=LABELS)
    first = ada.post(f"{CREATE}.json", data=fields(pictures), files=files).json()["id"]
    page = ada.get(f"{CREATE}/new?clone={first}").text
    assert "uploads are not remembered" in page
    assert str(pictures) in page
    again = ada.post(f"{CREATE}.json", data={"clone": first})
    assert again.status_code == 400
    assert set(again.json()["errors"]) == {"textfile_train_images", "textfile_labels_file"}
    clone = ada.post(f"{CREATE}.json", data={"clone": first}, files=files)
    assert built(server, clone).status == "D"


def test_wrong_uploads_are_named_and_leave_nothing(
    ada: httpx.Client, server: Server, pictures: Path, lines: list[str]
) -> None:
    good = {"train_images": "".join(lines), "labels_file": LABELS}
    wrong: list[tuple[dict[str, str], dict[str, object], str]] = [
        ({"labels_file": LABELS}, {}, "textfile_train_images"),
        ({**good, "train_images": ""}, {}, "textfile_train_images"),
        ({**good, "labels_file": "one\n"}, {}, "textfile_labels_file"),
        ({**good, "labels_file": "a\na\n"}, {}, "textfile_labels_file"),
        (good, {"textfile_use_val": "y"}, "textfile_val_images"),
        (good, {"textfile_train_folder": "/etc"}, "textfile_train_folder"),
        (good, {"textfile_train_folder": "a\0b"}, "textfile_train_folder"),
        (good, {"textfile_shuffle": "2"}, "textfile_shuffle"),
        (good, {"textfile_use_local_files": "perhaps"}, "textfile_use_local_files"),
    ]
    for texts, values, field in wrong:
        sent, files = fields(pictures, **values), uploads(**texts)
        answer = ada.post(f"{CREATE}.json", data=sent, files=files)
        assert answer.status_code == 400, (field, answer.text)
        assert field in answer.json()["errors"]
        page = ada.post(CREATE, data=sent, files=files)
        assert page.status_code == 400
        assert "alert-danger" in page.text
    assert server.store.jobs()[1] == 0
    assert list(server.store.files.jobs.iterdir()) == []


def test_lists_outside_the_roots_are_refused(ada: httpx.Client, pictures: Path) -> None:
    sent = fields(
        pictures,
        textfile_use_local_files="y",
        textfile_local_train_images="/etc/passwd",
        textfile_local_labels_file="/etc/passwd",
    )
    errors = ada.post(f"{CREATE}.json", data=sent).json()["errors"]
    assert set(errors) == {"textfile_local_train_images", "textfile_local_labels_file"}
    assert all("outside the folders" in texts[0] for texts in errors.values())


def test_json_of_any_type_in_any_field_is_an_answer_not_a_crash(
    ada: httpx.Client, pictures: Path
) -> None:
    names = [
        f"textfile_{name}"
        for name in ("use_local_files", "train_images", "local_train_images", "train_folder")
    ] + ["textfile_use_val", "textfile_shuffle", "textfile_local_labels_file"]
    values: list[Any] = [None, True, 5, 1.5, [1], ["a"], {"a": 1}, [], "", "/\ud7ff"]
    for field in names:
        for value in values:
            answer = ada.post(f"{CREATE}.json", json={**fields(pictures), field: value})
            assert answer.status_code == 400, (field, value, answer.text)


def test_an_error_in_a_list_is_the_sentence_of_the_job(
    ada: httpx.Client, server: Server, pictures: Path, lines: list[str]
) -> None:
    files = uploads(train_images="".join(lines) + "light/0.png 2\n", labels_file=LABELS)
    job = built(server, ada.post(f"{CREATE}.json", data=fields(pictures), files=files))
    assert job.status == "E"
    page = ada.get(f"/datasets/{job.id}").text
    assert "Line 13 of the training list has the class number 2" in page
