"""What the pages of datasets are made of: class charts, databases, the explorer. Plain data."""

from __future__ import annotations

from dataclasses import dataclass

from netloom.web.workbench.parts import Status


@dataclass(frozen=True, kw_only=True)
class ClassBar:
    """One bar of the class chart."""

    index: int  # class number: the class's colour is var(--class-<index % 20>)
    name: str
    count: int
    failed: int  # unreadable, not in count; shown in red
    explore_url: str  # the explorer filtered to this class; empty while not possible


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """A file that could not be used."""

    path: str
    class_name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ParsePanel:
    """What parsing a folder, or reading lists, found; counts are None until known."""

    title: str  # "Parse Folder (train/val)", "Read Lists (train/val)"
    lists: bool  # whether lists were read
    origins: tuple[tuple[str, str], ...]  # ("Folder", path); ("Training list", name) ...
    classes: int | None
    train: int | None
    val: int | None
    test: int | None
    # (class or list, files or lines if counted, reason)
    skipped: tuple[tuple[str, int | None, str], ...]


@dataclass(frozen=True, kw_only=True)
class DatabasePanel:
    """One database of a dataset."""

    split: str  # train, val, test
    title: str  # "Create DB (train)"
    status: Status
    progress: int
    entries: int | None
    failed: int | None
    bytes: int | None
    bars: tuple[ClassBar, ...]
    largest_bar: int  # count + failed of the largest, at least 1
    explore_url: str  # empty until it can be explored
    list_url: str  # train.txt ...
    mean_url: str  # mean.jpg, training only, once there
    unreadable: tuple[Unreadable, ...]  # the first 100
    unreadable_url: str  # the whole list as JSON lines; empty if none


@dataclass(frozen=True, kw_only=True)
class DatasetSummary:
    """A dataset in a few lines. Fragment: /datasets/summary?job_id=..."""

    id: str
    name: str
    url: str
    type: str
    status: Status
    width: int | None
    height: int | None
    channels: int | None  # 1 grey, 3 colour
    resize_mode: str
    backend: str
    encoding: str
    classes: int | None
    train: int | None
    val: int | None
    test: int | None
    failed: int | None


@dataclass(frozen=True, kw_only=True)
class ExplorerImage:
    """One image of a database."""

    url: str
    label: int
    label_name: str
    key: str
    index: int


@dataclass(frozen=True, kw_only=True)
class ClassFilter:
    """A class by which the explorer can be filtered."""

    index: int
    name: str
    count: int
    failed: int  # unreadable, not in count
    url: str
    current: bool
