"""A dataset as its page shows it, from the job's row alone; no database of images is opened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from netloom.store import Job, Step, Store
from netloom.web.workbench.dataset_parts import (
    ClassBar,
    DatabasePanel,
    DatasetSummary,
    ParsePanel,
    Unreadable,
)
from netloom.web.workbench.described import is_create
from netloom.web.workbench.panels import file_url
from netloom.web.workbench.rows import address, status_of, status_of_tasks

MOST_UNREADABLE = 100  # on the page; the file has them all
SPLITS = ("train", "val", "test")
EXPLORE = "/datasets/images/classification/explore"
LISTS = "read-lists"  # key of the step of the text file method
PURPOSES = {
    "labels.txt": "Class names, one per line",
    "train.txt": "Training images",
    "val.txt": "Validation images",
    "test.txt": "Test images",
    "uploaded_labels.txt": "Class names, as they were sent",
    "uploaded_train.txt": "Training list, as it was sent",
    "uploaded_val.txt": "Validation list, as it was sent",
    "uploaded_test.txt": "Test list, as it was sent",
    "mean.binaryproto": "Mean image",
    "mean.jpg": "Mean image, to look at",
    "dataset.json": "What the dataset holds",
}


def summary(job: Job) -> DatasetSummary:
    """Return a dataset in a few lines."""
    facts = {step.key: step.facts for step in job.steps}
    entries = {split: facts.get(f"create_db-{split}", {}).get("entries") for split in SPLITS}
    failed = [fact["failed"] for fact in facts.values() if fact.get("failed") is not None]
    return DatasetSummary(
        id=job.id,
        name=job.name,
        url=address(job),
        type=job.type,
        status=status_of_tasks(job),
        width=_whole(job.options.get("resize_width")),
        height=_whole(job.options.get("resize_height")),
        channels=_whole(job.options.get("resize_channels")),
        resize_mode=str(job.options.get("resize_mode", "")),
        backend=str(job.options.get("backend", "")),
        encoding=str(job.options.get("encoding", "")),
        classes=len(class_names(job)) or None,
        train=entries["train"] if entries["train"] is not None else _parsed(job, "train"),
        val=entries["val"] if entries["val"] is not None else _parsed(job, "val"),
        test=entries["test"] if entries["test"] is not None else _parsed(job, "test"),
        failed=sum(failed) if failed else None,
    )


def class_names(job: Job) -> list[str]:
    """Return the names of the classes, empty until they are known."""
    for step in job.steps:
        names = step.facts.get("labels")
        if names:
            return [str(name) for name in names]
    return []


def parses(job: Job) -> tuple[ParsePanel, ...]:
    """Return what parsing each folder, or reading the lists, found."""
    return tuple(_parse(step) for step in job.steps if step.key.startswith(("parse-", LISTS)))


def databases(store: Store, job: Job) -> tuple[DatabasePanel, ...]:
    """Return one panel per database."""
    directory = store.files.directory(job.id)
    names = class_names(job)
    return tuple(_database(job, step, names, directory) for step in job.steps if is_create(step))


def explore_url(job_id: str, split: str, **further: object) -> str:
    """Return the address of the explorer."""
    return f"{EXPLORE}?{urlencode({'job_id': job_id, 'db': f'{split}_db', **further})}"


def split_of(step: Step) -> str:
    """Return the split whose database a step makes."""
    return step.key.removeprefix("create_db-")


def _parse(step: Step) -> ParsePanel:
    facts = step.facts
    return ParsePanel(
        title=step.title,
        lists=step.key == LISTS,
        origins=tuple(_origins(step)),
        classes=_whole(facts.get("label_count")),
        train=_whole(facts.get("train_count")),
        val=_whole(facts.get("val_count")),
        test=_whole(facts.get("test_count")),
        skipped=tuple(
            (str(entry.get("name", "")), _whole(entry.get("count")), str(entry.get("reason", "")))
            for entry in facts.get("skipped") or ()
        ),
    )


def _origins(step: Step) -> Iterator[tuple[str, str]]:
    """Yield where the images come from, in the words of the form."""
    if step.key != LISTS:
        root = (step.options.get("source_options") or {}).get("root")
        if root:
            yield "Folder", str(root)
        return
    words = {"train": "Training", "val": "Validation", "test": "Test"}
    lists = step.options["lists"]
    for split in (split for split in SPLITS if split in lists):
        yield f"{words[split]} list", lists[split]["shown"]
        if lists[split]["folder"]:
            yield f"{words[split]} image folder", lists[split]["folder"]
    yield "Labels", step.options["labels"]["shown"]


def _database(job: Job, step: Step, names: list[str], directory: Path) -> DatabasePanel:
    split, facts = split_of(step), step.facts
    can_explore = step.status == "D"
    bars = _bars(job, split, names, facts, can_explore)
    rows, total = _unreadable(directory, split) if facts.get("failed") else ((), 0)
    has_mean = split == "train" and (directory / "mean.jpg").exists()
    return DatabasePanel(
        split=split,
        title=step.title,
        status=status_of(step.status),
        progress=int(100 * step.progress),
        entries=_whole(facts.get("entries")),
        failed=_whole(facts.get("failed")),
        bytes=_whole(facts.get("bytes")),
        bars=bars,
        largest_bar=max((bar.count + bar.failed for bar in bars), default=1) or 1,
        explore_url=explore_url(job.id, split) if can_explore else "",
        list_url=_if_there(job, directory, f"{split}.txt"),
        mean_url=file_url(job.id, "mean.jpg") if has_mean else "",
        unreadable=rows,
        unreadable_url=_if_there(job, directory, f"{split}_unreadable.jsonl") if total else "",
    )


def _bars(
    job: Job, split: str, names: list[str], facts: dict[str, Any], can_explore: bool
) -> tuple[ClassBar, ...]:
    counts, failed = facts.get("class_counts") or {}, facts.get("failed_counts") or {}
    if not counts and not failed:
        return ()
    return tuple(
        ClassBar(
            index=index,
            name=name,
            count=int(counts.get(name, 0)),
            failed=int(failed.get(name, 0)),
            explore_url=explore_url(job.id, split, label=index) if can_explore else "",
        )
        for index, name in enumerate(names or sorted({*counts, *failed}))
    )


def _unreadable(directory: Path, split: str) -> tuple[tuple[Unreadable, ...], int]:
    from netloom import datasets

    rows, total = datasets.unreadable(directory, split, 0, MOST_UNREADABLE)
    told = tuple(
        Unreadable(path=row["path"], class_name=row["class"], reason=row["reason"]) for row in rows
    )
    return told, total


def _if_there(job: Job, directory: Path, name: str) -> str:
    return file_url(job.id, name) if (directory / name).exists() else ""


def _parsed(job: Job, split: str) -> int | None:
    counts = [
        step.facts[f"{split}_count"]
        for step in job.steps
        if step.facts.get(f"{split}_count") is not None
    ]
    return sum(counts) if counts else None


def _whole(value: Any) -> int | None:
    try:
        return None if value is None else int(value)
    except (TypeError, ValueError):
        return None
