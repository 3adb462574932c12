"""Folders, files and names that nobody should have: each gets a clear answer."""

from __future__ import annotations

import html
import json
import os
from pathlib import Path

import pytest

from netloom import datasets
from tests.acceptance.conftest import draw
from tests.acceptance.judging import broken_files, failed, refused
from tests.acceptance.workbench import Workbench

pytestmark = pytest.mark.usefixtures("nothing_half_made")


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


def test_only_broken_files_fail(bench: Workbench, shapes: Path, tmp_path: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for name, data in broken_files().items():
            (tmp_path / label / name).write_bytes(data)
    answer = bench.dataset(tmp_path, folder_pct_val=0)
    assert "read" in failed(bench, answer)
    page = bench.http.get(f"/datasets/{answer.json()['id']}").text
    assert f"{2 * len(broken_files())} files could not be read" in page
    assert all(f"{tmp_path}/b/{name}" in page for name in broken_files())


def test_broken_files_among_good_ones_are_listed_with_reasons(
    bench: Workbench, tmp_path: Path
) -> None:
    folder = draw(tmp_path / "mixed", each=20)
    broken = broken_files()
    for name, data in broken.items():
        (folder / "lying" / name).write_bytes(data)
    job = bench.built(folder, folder_pct_val=0)
    told = bench.http.get(f"/datasets/{job}.json").json()
    assert told["CreateDbTasks"][0]["entries"] == 40

    rows, total = datasets.unreadable(bench.store.files.directory(job), "train", 0, 100)
    assert total == len(broken)
    assert {Path(row["path"]).name for row in rows} == set(broken)
    assert all(row["reason"].endswith(".") for row in rows)
    assert len({row["reason"] for row in rows}) >= 4
    page = bench.http.get(f"/datasets/{job}").text
    for name in broken:
        assert name in page


def test_files_that_no_list_can_hold_are_named_on_the_page_and_in_its_download(
    bench: Workbench, tmp_path: Path
) -> None:
    folder = draw(tmp_path / "train", each=4)
    image = next((folder / "lying").iterdir())
    for name in ("one\ntwo.png", "one\rtwo.png", "<b>\n.png"):
        (folder / "standing" / name).write_bytes(image.read_bytes())
    os.mkfifo(folder / "standing/pipe.png")
    job = bench.built(folder, folder_pct_val=0)
    page = bench.http.get(f"/datasets/{job}").text
    assert "4 files could not be read" in page
    named = ("one\\ntwo.png", "one\\rtwo.png", "<b>\\n.png", "pipe.png")
    for name in named:
        assert f"{folder}/standing/{html.escape(name)}</td><td>standing</td>" in page
    download = f"/files/{job}/train_unreadable.jsonl"
    assert f'href="{download}"' in page
    rows = [json.loads(line) for line in bench.http.get(download).text.splitlines()]
    assert sorted(row["path"] for row in rows) == sorted(f"{folder}/standing/{n}" for n in named)
    assert {row["reason"] for row in rows} == {
        "The path contains a line break.",
        "It is not a regular file.",
    }


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
