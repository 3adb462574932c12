"""
Bad input over HTTP: each case gets its status or an Error job with one clear sentence.

Afterwards nothing half-made is left: no job that was refused, no database of a job that failed.
"""

from __future__ import annotations

import os
import struct
import subprocess
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from netloom.datasets import ClassificationDataset
from netloom.interfaces.options import Options, OptionField
from netloom.training import ClassificationModel
from tests.acceptance.conftest import draw
from tests.acceptance.workbench import DATASETS, MODELS, Workbench

NOBODY = "20200101-000000-0000"


@pytest.fixture(autouse=True)
def nothing_half_made(bench: Workbench) -> Iterator[None]:
    yield
    known = {path.name for path in bench.store.files.jobs.iterdir()}
    rows, _ = bench.store.jobs(limit=1000)
    assert known == {row.id for row in rows}
    for row in rows:
        if row.status == "E" and row.kind == "dataset":
            directory = bench.store.files.directory(row.id)
            assert not list(directory.glob("*_db")), row.name
    assert not list((bench.store.files.root / "temporary").glob("*"))


def refused(answer: httpx.Response, field: str) -> str:
    """Check that a form was refused because of one field; return the sentence."""
    assert answer.status_code == 400, answer.text
    errors = answer.json()["errors"]
    assert list(errors) == [field]
    (sentence,) = errors[field]
    assert sentence.endswith((".", "?")), sentence
    return str(sentence)


def failed(bench: Workbench, answer: httpx.Response) -> str:
    """Check that a job was made and ended in Error; return its sentence."""
    assert answer.status_code == 200, answer.text
    job = answer.json()["id"]
    assert bench.ended(job)["status"] == "Error"
    sentence = bench.sentence(job)
    assert sentence.endswith("."), sentence
    assert "Traceback" not in sentence
    assert sentence[:40] in bench.http.get(f"/jobs/{job}", follow_redirects=True).text
    return sentence


# The folder.


def test_a_missing_folder_is_refused(bench: Workbench, tmp_path: Path) -> None:
    assert "folder" in refused(bench.dataset(tmp_path / "nowhere"), "folder_train").lower()


def test_a_missing_validation_folder_is_refused(
    bench: Workbench, shapes: Path, tmp_path: Path
) -> None:
    answer = bench.dataset(shapes, has_val_folder="y", folder_val=str(tmp_path / "nowhere"))
    refused(answer, "folder_val")


@pytest.mark.parametrize("path", ["/etc", "/", "../../etc", "/proc/self/root"])
def test_a_folder_outside_the_data_roots_is_refused(bench: Workbench, path: str) -> None:
    refused(bench.dataset(path), "folder_train")


def test_a_link_out_of_the_data_roots_is_refused(bench: Workbench, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/usr/share")
    refused(bench.dataset(tmp_path / "link"), "folder_train")


def test_an_empty_folder_fails(bench: Workbench, tmp_path: Path) -> None:
    assert "class" in failed(bench, bench.dataset(tmp_path))


def test_one_class_fails(bench: Workbench, shapes: Path, tmp_path: Path) -> None:
    (tmp_path / "lying").symlink_to(shapes / "lying")
    assert "class" in failed(bench, bench.dataset(tmp_path))


# Files.


def png_header(width: int, height: int) -> bytes:
    """Return the start of a PNG file that says it is very large."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    return b"\x89PNG\r\n\x1a\n" + chunk


def broken_files(shapes: Path) -> dict[str, bytes]:
    import cv2
    import numpy as np

    _, jpeg = cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8))
    return {
        "empty.png": b"",
        "truncated.jpg": jpeg.tobytes()[: jpeg.size // 2],
        "huge.png": png_header(60_000, 60_000),
        "text.png": b"This is a shopping list, not a picture.\n",
        "noise.bmp": os.urandom(500),
    }


def test_only_broken_files_fail(bench: Workbench, shapes: Path, tmp_path: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for name, data in broken_files(shapes).items():
            (tmp_path / label / name).write_bytes(data)
    assert "read" in failed(bench, bench.dataset(tmp_path))


def test_broken_files_among_good_ones_are_listed_with_reasons(
    bench: Workbench, tmp_path: Path
) -> None:
    folder = draw(tmp_path / "mixed", each=20)
    broken = broken_files(folder)
    for name, data in broken.items():
        (folder / "lying" / name).write_bytes(data)
    job = bench.built(folder, folder_pct_val=0)
    told = bench.http.get(f"/datasets/{job}.json").json()
    assert told["CreateDbTasks"][0]["entries"] == 40

    from netloom import datasets

    rows, total = datasets.unreadable(bench.store.files.directory(job), "train", 0, 100)
    assert total == len(broken)
    assert {Path(row["path"]).name for row in rows} == set(broken)
    assert all(row["reason"].endswith(".") for row in rows)
    assert len({row["reason"] for row in rows}) >= 4
    page = bench.http.get(f"/datasets/{job}").text
    for name in broken:
        assert name in page


NAMES = ("with blank", "comma, comma", "quote ' and \"", "Grüße 漢字", "tag <b>&amp;", "per%20cent")


def test_odd_class_and_file_names_are_kept(bench: Workbench, tmp_path: Path) -> None:
    good = draw(tmp_path / "good", each=4)
    for name in NAMES:
        (tmp_path / "odd" / name).mkdir(parents=True)
        for number, path in enumerate((good / "lying").iterdir()):
            (tmp_path / "odd" / name / f"{number} {name}.png").write_bytes(path.read_bytes())
    job = bench.built(tmp_path / "odd", dataset_name='name, "quoted" Ünï <i>')
    assert bench.row(job)["name"] == 'name, "quoted" Ünï <i>'
    labels = bench.http.get(f"/files/{job}/labels.txt").content.decode().splitlines()
    assert labels == sorted(NAMES, key=str.encode)
    page = bench.http.get(f"/datasets/{job}").text
    assert "<i>" not in page.split("<body")[1].replace("<i>", "", 0) or "&lt;i&gt;" in page
    assert "tag &lt;b&gt;&amp;amp;" in page


@pytest.mark.parametrize("name", ["two\nlines", "return\rhere", b"not utf-8 \xff"])
def test_names_that_no_list_can_hold_harm_nothing(
    bench: Workbench, tmp_path: Path, name: str | bytes
) -> None:
    folder = draw(tmp_path / "train", each=6)
    odd = os.fsencode(folder) + b"/" + os.fsencode(name)
    os.mkdir(odd)
    for number, path in enumerate((folder / "lying").iterdir()):
        with open(odd + b"/%d.png" % number, "wb") as file:
            file.write(path.read_bytes())
        with open(
            os.fsencode(folder) + b"/lying/%d" % number + os.fsencode(name) + b".png", "wb"
        ) as file:
            file.write(path.read_bytes())
    answer = bench.dataset(folder)
    assert answer.status_code == 200, answer.text
    job = answer.json()["id"]
    row = bench.ended(job)
    if row["status"] == "Error":
        assert bench.sentence(job).endswith(".")
    else:
        labels = bench.http.get(f"/files/{job}/labels.txt").content.decode().splitlines()
        assert {"lying", "standing"} <= set(labels)
        assert len(labels) in (2, 3)
    assert bench.http.get(f"/datasets/{job}").status_code == 200


# Fields.


def wrong_values(kind: type[Options]) -> list[tuple[str, str]]:
    def wrong(field: OptionField) -> Iterator[str]:
        if field.type in ("integer", "number"):
            yield from ("many", "1e999", "nan", "--1")
            if field.minimum is not None:
                yield str(int(field.minimum) - 1)
            if field.maximum is not None:
                yield str(int(field.maximum) + 1)
        if field.type == "choice":
            yield "no such choice"
        if field.required:
            yield "  "

    return [(field.name, value) for field in kind.describe() for value in wrong(field)]


@pytest.mark.parametrize(("field", "value"), wrong_values(ClassificationDataset))
def test_a_wrong_dataset_field_is_named(
    bench: Workbench, shapes: Path, field: str, value: str
) -> None:
    # Fields of the separate folders count only where these are used.
    extra = {"has_val_folder": "y", "folder_val": str(shapes)} if "_val_" in field else {}
    extra |= {"has_test_folder": "y", "folder_test": str(shapes)} if "_test_" in field else {}
    answer = bench.dataset(shapes, **{**extra, field: value})
    assert answer.status_code == 400, answer.text
    assert field in answer.json()["errors"]


@pytest.fixture(scope="module")
def dataset(bench: Workbench, shapes: Path) -> str:
    return bench.built(shapes)


@pytest.mark.parametrize(("field", "value"), wrong_values(ClassificationModel))
def test_a_wrong_model_field_is_named(
    bench: Workbench, dataset: str, field: str, value: str
) -> None:
    answer = bench.model(dataset, **{field: value})
    assert answer.status_code == 400, answer.text
    assert field in answer.json()["errors"]


def test_a_refused_form_comes_back_as_typed(bench: Workbench) -> None:
    answer = bench.http.post(DATASETS, data={"dataset_name": "typed & kept", "resize_width": "x"})
    assert answer.status_code == 400
    assert "typed &amp; kept" in answer.text
    assert "alert-danger" in answer.text


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'{"a": ' + b"[" * 2000, b"\xff\xfe"])
def test_a_body_that_is_no_object_is_refused(bench: Workbench, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    for route in (f"{DATASETS}.json", f"{MODELS}.json", f"{MODELS}/classify_one.json"):
        assert bench.http.post(route, content=body, headers=headers).status_code == 400, route


def test_a_model_needs_a_dataset_that_exists(bench: Workbench) -> None:
    refused(bench.model(NOBODY), "dataset")
    refused(bench.model("../../etc"), "dataset")


# Ids.


@pytest.mark.parametrize("job", [NOBODY, "nonsense", "..", "a b", "%00", "ä", "x" * 3000])
@pytest.mark.parametrize(
    ("method", "route"),
    [
        ("GET", "/jobs/{}"),
        ("GET", "/jobs/{}/table_data.json"),
        ("GET", "/datasets/{}"),
        ("GET", "/datasets/{}.json"),
        ("GET", "/models/{}"),
        ("GET", "/models/{}.json"),
        ("PUT", "/jobs/{}"),
        ("DELETE", "/jobs/{}"),
        ("DELETE", "/datasets/{}"),
        ("POST", "/models/{}/abort"),
        ("GET", "/clone/{}"),
        ("GET", "/datasets/summary?job_id={}"),
        ("GET", f"{DATASETS}/explore?job_id={{}}"),
        ("POST", f"{MODELS}/classify_one.json?job_id={{}}"),
        ("GET", "/files/{}/labels.txt"),
    ],
)
def test_unknown_jobs_are_not_found(bench: Workbench, method: str, route: str, job: str) -> None:
    answer = bench.http.request(method, route.format(job))
    assert answer.status_code in (400, 404, 405, 414), answer.text
    if job == NOBODY:
        assert answer.status_code == 404


def test_the_status_of_an_unknown_job_is_an_answer(bench: Workbench) -> None:
    answer = bench.http.get(f"/jobs/{NOBODY}/status")
    assert (answer.status_code, answer.json()) == (200, {"error": "Job not found."})


@pytest.mark.parametrize(
    "path",
    ["../netloom.db", "..%2fnetloom.db", "%2e%2e/netloom.db", "/etc/passwd", "%2fetc/passwd"],
)
def test_files_outside_the_jobs_are_not_given_out(bench: Workbench, path: str) -> None:
    assert bench.http.get(f"/files/{path}").status_code in (400, 404)


# Network texts.

SYNTAX_ERROR = "def build(p):\n    return torch.nn.Linear(\n"
WRONG_SIZE = """
from torch import nn

def build(p):
    return nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 17))
"""


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (SYNTAX_ERROR, "line 2"),
        (WRONG_SIZE, "17"),
        ("x = 1", "build"),
        ("def build(p):\n    return 3\n", "Module"),
        ("def build(p):\n    raise ValueError('no such luck')\n", "no such luck"),
        ("import no_such_package\n", "no_such_package"),
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


# Pictures to classify.


@pytest.fixture(scope="module")
def model(bench: Workbench, dataset: str) -> str:
    return bench.done(bench.model(dataset).json()["id"])


@pytest.mark.parametrize("name", list(broken_files(Path())))
def test_a_picture_that_cannot_be_read_is_refused(bench: Workbench, model: str, name: str) -> None:
    data = broken_files(Path())[name]
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


# The disk.


@pytest.fixture()
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(place)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a small disk can be mounted by root only")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_during_a_build_is_an_error_that_says_so(
    start: Callable[..., Workbench], small_disk: Path, tmp_path: Path
) -> None:
    folder = draw(tmp_path / "train", each=150, size=256)
    bench = start(small_disk / "data")
    answer = bench.dataset(folder, encoding="none", resize_width=256, resize_height=256)
    sentence = failed(bench, answer)
    assert "disk" in sentence.lower()
    directory = bench.store.files.directory(answer.json()["id"])
    assert not list(directory.glob("*_db"))
    # There is room again, and the server goes on.
    assert bench.http.get("/").status_code == 200
    bench.built(folder, resize_width=28, resize_height=28)
