"""Parsing: the rules by which a folder becomes lists."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from netloom.datasets.entries import EntryList, read_labels
from netloom.datasets.failures import read_left_out
from netloom.errors import DatasetFailed, TooFewClasses
from tests.datasets.conftest import plans, run_in, write_classes, write_image


def parse(folder: Path, directory: Path, **fields: Any) -> dict[str, Any]:
    """Run the parse steps of a dataset; return the facts of the last one."""
    directory.mkdir(exist_ok=True)
    run = run_in(directory)
    for plan in plans(folder, **fields):
        if plan.key.startswith("parse"):
            run = run_in(directory)
            plan.step.run(run)
    assert not [path for path in os.listdir(directory) if path.endswith(".partial")]
    return run.facts


def entries(path: Path) -> list[tuple[str, int]]:
    with EntryList(path) as listed:
        return [listed.entry(offset) for offset in listed.offsets().tolist()]


def test_folders_are_numbered_in_byte_order_and_underscores_are_blanks(tmp_path):
    folder = write_classes(tmp_path / "t", b=4, B_c=4, a_b_c=4)
    (folder / "a file beside them.png").write_bytes(b"")
    facts = parse(folder, tmp_path / "job")
    assert read_labels(tmp_path / "job/labels.txt") == ["B c", "a b c", "b"]
    assert facts["labels"] == ["B c", "a b c", "b"]
    assert (facts["label_count"], facts["train_count"], facts["val_count"]) == (3, 9, 3)
    assert facts["test_count"] == 0
    assert facts["seed"] == 7
    assert not (tmp_path / "job/test.txt").exists()
    for path, label in entries(tmp_path / "job/train.txt"):
        assert path.startswith(f"{folder}/{['B_c', 'a_b_c', 'b'][label]}/")


def test_the_lists_hold_every_file_once_in_proportion(tmp_path):
    folder = write_classes(tmp_path / "t", cat=40, dog=20)
    parse(folder, tmp_path / "job", folder_pct_val="25", folder_pct_test="25")
    lists = {name: entries(tmp_path / f"job/{name}.txt") for name in ("train", "val", "test")}
    assert [Counter(label for _, label in lists[name]) for name in lists] == [
        {0: 20, 1: 10},
        {0: 10, 1: 5},
        {0: 10, 1: 5},
    ]
    paths = [path for listed in lists.values() for path, _ in listed]
    assert sorted(paths) == sorted(str(path) for path in folder.rglob("*.png"))


def test_the_same_seed_gives_the_same_lists(tmp_path):
    folder = write_classes(tmp_path / "t", cat=9, dog=9)
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        parse(folder, tmp_path / name, seed=seed)
    texts = [(tmp_path / name / "train.txt").read_bytes() for name in "abc"]
    assert texts[0] == texts[1] != texts[2]


def test_suffixes_links_and_nested_folders(tmp_path):
    folder = write_classes(tmp_path / "t", cat=2, dog=2)
    for name in ("x.PNG", "x.JpG", "x.jpeg", "x.bmp", "x.ppm", "x.pgm"):
        (folder / "cat" / name).write_bytes(b"")
    for name in ("x.gif", "x.txt", "png", "x.png.bak"):
        (folder / "cat" / name).write_bytes(b"")
    write_image(folder / "cat/deep/er/1.png")
    write_image(tmp_path / "elsewhere/2.png")
    (folder / "cat/linked").symlink_to(tmp_path / "elsewhere")
    (folder / "cat/file.png").symlink_to(tmp_path / "elsewhere/2.png")
    (folder / "cat/broken.png").symlink_to(tmp_path / "nowhere")
    (folder / "bird").symlink_to(folder / "dog")
    facts = parse(folder, tmp_path / "job", folder_pct_val="0")
    assert facts["labels"] == ["bird", "cat", "dog"]
    # 2 + 6 suffixes + 2 below + 2 links to files; the build will report the broken one
    assert facts["train_count"] == 2 + (2 + 6 + 2 + 2) + 2


def test_cycles_of_links_end(tmp_path):
    folder = write_classes(tmp_path / "t", cat=3, dog=3)
    (folder / "cat/up").symlink_to(folder / "cat")
    (folder / "cat/all").symlink_to(folder)
    (folder / "cat/self.png").symlink_to(folder / "cat/self.png")
    (folder / "cat/self").symlink_to(folder / "cat/self")
    facts = parse(folder, tmp_path / "job", folder_pct_val="0")
    assert facts["labels"] == ["cat", "dog"]
    assert facts["train_count"] == 3 + 3 + 1 + 3  # cat, dog through the link, self.png; dog


def test_a_named_pipe_is_left_out(tmp_path):
    folder = write_classes(tmp_path / "t", cat=3, dog=3)
    os.mkfifo(folder / "cat/pipe.png")
    facts = parse(folder, tmp_path / "job", folder_pct_val="0")
    assert facts["skipped"] == [{"name": "cat", "count": 1, "reason": "It is not a regular file."}]


def test_minimum_and_maximum_per_class(tmp_path):
    folder = write_classes(tmp_path / "t", few=2, some=3, many=9, none=0)
    facts = parse(
        folder,
        tmp_path / "job",
        folder_train_min_per_class="3",
        folder_train_max_per_class="5",
        folder_pct_val="0",
    )
    assert facts["labels"] == ["many", "some"]
    assert facts["train_count"] == 5 + 3
    assert facts["skipped"] == [
        {"name": "few", "count": 2, "reason": "It has 2 images, the minimum is 3."},
        {"name": "none", "count": 0, "reason": "It has no images."},
    ]
    used = {path for path, label in entries(tmp_path / "job/train.txt") if label == 0}
    assert used == {str(folder / f"many/{index:03d}.png") for index in range(5)}


def test_a_class_with_fewer_images_than_splits_is_left_out(tmp_path):
    folder = write_classes(tmp_path / "t", a=3, b=3, c=2)
    facts = parse(folder, tmp_path / "job", folder_pct_val="1", folder_pct_test="1")
    assert facts["labels"] == ["a", "b"]
    assert facts["skipped"] == [
        {"name": "c", "count": 2, "reason": "It has 2 images for 3 splits."}
    ]
    assert (facts["train_count"], facts["val_count"], facts["test_count"]) == (2, 2, 2)


def test_names_survive(tmp_path):
    names = ["with blank", "comma, 3", "quote ' \" 4", "Grüße 漢字", "line\u2028end", " "]
    folder = write_classes(tmp_path / "t", **dict.fromkeys(names, 2))
    for name in names:
        write_image(folder / name / f"{name} 7.png")
    parse(folder, tmp_path / "job", folder_pct_val="0")
    labels = read_labels(tmp_path / "job/labels.txt")
    assert labels == sorted(names, key=str.encode)
    listed = entries(tmp_path / "job/train.txt")
    assert sorted(path for path, _ in listed) == sorted(str(p) for p in folder.rglob("*.png"))
    assert all(Path(path).parent.name == labels[label] for path, label in listed)


def test_names_that_are_not_utf8_survive(tmp_path):
    folder = write_classes(tmp_path / "t", dog=3)
    odd = os.path.join(os.fsencode(folder), b"caf\xe9_2")
    os.mkdir(odd)
    for number in range(2):
        image = write_image(tmp_path / f"{number}.png")
        os.link(image, os.path.join(odd, b"\xff %d.png" % number))
    facts = parse(folder, tmp_path / "job", folder_pct_val="0")
    assert facts["labels"] == ["caf\\xe9 2", "dog"]
    paths = [os.fsencode(path) for path, label in entries(tmp_path / "job/train.txt") if not label]
    assert sorted(paths) == [os.path.join(odd, b"\xff %d.png" % number) for number in range(2)]


def test_paths_with_line_breaks_are_left_out_and_reported(tmp_path):
    folder = write_classes(tmp_path / "t", cat=3, dog=3, **{"two\nlines": 2})
    write_image(folder / "cat/a\nb.png")
    write_image(folder / "cat/a\rb.png")
    facts = parse(folder, tmp_path / "job")
    reason = "The path contains a line break."
    assert facts["labels"] == ["cat", "dog"]
    assert facts["skipped"] == [
        {"name": "cat", "count": 2, "reason": reason},
        {"name": "two\\nlines", "count": 2, "reason": reason},
        {"name": "two\\nlines", "count": 0, "reason": "It has no images."},
    ]
    rows = list(read_left_out(tmp_path / "job", "train"))
    assert [(row["path"], row["class"]) for row in rows] == [
        (f"{folder}/cat/a\\nb.png", "cat"),
        (f"{folder}/cat/a\\rb.png", "cat"),
        (f"{folder}/two\\nlines/000.png", "two\\nlines"),
        (f"{folder}/two\\nlines/001.png", "two\\nlines"),
    ]
    assert {row["reason"] for row in rows} == {reason}
    (folder / "two\nlines").rename(folder / "bird")
    for path in (folder / "cat").glob("a?b.png"):
        path.unlink()
    parse(folder, tmp_path / "job")
    assert not (tmp_path / "job/train_left_out.jsonl").exists()


def test_two_folders_of_one_name_are_an_error(tmp_path):
    folder = write_classes(tmp_path / "t", **{"a b": 2, "a_b": 2})
    with pytest.raises(DatasetFailed, match=r"'a b'.*rename"):
        parse(folder, tmp_path / "job")


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ({}, "no class folder"),
        ({"cat": 5}, "only one class folder"),
        ({"cat": 5, "dog": 1}, "only one can be used. 'dog': It has 1 image, the minimum is 2."),
        ({"cat": 0, "dog": 0}, "none can be used. 'cat': It has no images."),
    ],
)
def test_too_few_classes_end_with_a_sentence(tmp_path, counts, sentence):
    folder = write_classes(tmp_path / "t", **counts)
    with pytest.raises(TooFewClasses) as caught:
        parse(folder, tmp_path / "job")
    assert sentence in caught.value.message
    assert caught.value.hint
    assert caught.value.field == "folder_train"
    assert os.listdir(tmp_path / "job") == []


def test_a_folder_that_vanished_ends_with_a_sentence(tmp_path):
    folder = write_classes(tmp_path / "t", cat=2, dog=2)
    step = plans(folder)[0].step
    folder.rename(tmp_path / "gone")
    with pytest.raises(DatasetFailed, match="cannot be listed: No such file"):
        step.run(run_in(tmp_path))


def test_separate_folders_are_matched_by_name(tmp_path):
    train = write_classes(tmp_path / "t", a_1=4, b=4, c=4)
    val = write_classes(tmp_path / "v", **{"0": 3, "a 1": 2, "b": 1, "c": 5, "d": 3})
    fields = {"has_val_folder": "1", "folder_val": str(val)}
    facts = parse(train, tmp_path / "job", **fields)
    assert read_labels(tmp_path / "job/labels.txt") == ["a 1", "b", "c"]
    unknown = "The training folder has no class of this name."
    # A class that is too small here takes nothing from the classes after it.
    assert facts["skipped"] == [
        {"name": "0", "count": None, "reason": unknown},
        {"name": "b", "count": 1, "reason": "It has 1 image, the minimum is 2."},
        {"name": "d", "count": None, "reason": unknown},
    ]
    listed = entries(tmp_path / "job/val.txt")
    assert Counter(label for _, label in listed) == {0: 2, 2: 5}
    assert len(entries(tmp_path / "job/train.txt")) == 12
    assert (facts["label_count"], facts["val_count"], facts["train_count"]) == (3, 7, 0)


def test_a_separate_folder_without_known_classes_is_an_error(tmp_path):
    train = write_classes(tmp_path / "t", a=4, b=4)
    val = write_classes(tmp_path / "v", c=3, d=3)
    with pytest.raises(DatasetFailed, match="validation folder has no images of the classes"):
        parse(train, tmp_path / "job", has_val_folder="1", folder_val=str(val))


def test_a_stop_leaves_nothing(tmp_path):
    folder = write_classes(tmp_path / "t", cat=3, dog=3)
    run = run_in(tmp_path / "job")
    run.directory.mkdir()
    run.stop_when = lambda run: len(run.told) >= 1
    plans(folder)[0].step.run(run)
    assert os.listdir(tmp_path / "job") == []
    assert run.facts == {}


def test_an_empty_list_has_no_entries(tmp_path):
    (tmp_path / "train.txt").write_bytes(b"")
    assert entries(tmp_path / "train.txt") == []
