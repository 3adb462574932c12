"""
What pages and fragments are made of: rows, headers, panels, charts.

Everything here is plain data, ready to be shown: numbers stay numbers (templates format them
with the filters of `netloom.web.workbench.render`), addresses are complete paths.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What every page shows around its content; a template gets it as `frame`."""

    server_name: str  # empty if none is set
    version: str
    user: str  # empty: nobody is logged in
    path: str  # path and query of this page, for the `next` of the login link
    section: str  # which item of the header is current: "home", "datasets", "models" or ""
    theme: str  # "light", "dark" or "" (follow the system); from the cookie `theme`
    running: int  # running jobs
    cpus_free: int
    cpus_total: int
    gpus_free: int
    gpus_total: int
    last_event: int  # give it to /events?after=... so that nothing between is missed
    messages: tuple[str, ...] = ()  # told once, e.g. "3 jobs were started."


@dataclass(frozen=True, kw_only=True)
class Status:
    """A state as it is shown: a word, never colour alone."""

    code: str  # I, W, R, D, A, E
    name: str  # "Running" ...
    css: str  # success, info, warning, danger, default
    running: bool  # counts as running (I, W, R)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One line of a status history."""

    status: Status
    time: float  # Unix seconds
    seconds: float | None  # how long it lasted; None for the current one while it runs


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """A job in a table."""

    id: str
    url: str
    name: str  # without the sweep words at its end
    name_suffix: str  # "learning_rate:0.01 batch_size:32", shown smaller; often empty
    kind: str  # dataset or model
    type: str  # "Image Classification Dataset" ...
    group: str
    owner: str
    status: Status  # status of tasks (a model that waits for a GPU is Waiting)
    progress: int  # percent
    submitted: float  # Unix seconds
    elapsed: float  # seconds
    editable: bool  # the user may abort, delete, regroup it
    backend: str = ""  # dataset: lmdb ...
    refs: int = 0  # dataset: number of models on it
    facts: str = ""  # dataset: "10 classes, 45,000 images, 2 unreadable, 28 × 28 grey" when known
    framework: str = ""  # model
    dataset_id: str = ""  # model
    dataset_name: str = ""  # model
    sparkline: tuple[float, ...] = ()  # model: training loss, at most 40 values
    loss: float | None = None  # model: last training loss
    accuracy: float | None = None  # model: last validation accuracy, percent
    eta: float | None = None  # seconds left, while running and known
    error: str = ""  # one sentence, if it failed
    # "<output> (train) last", "... min", "... max", same with (val): see Table.columns
    outputs: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Table:
    """One page of a table; state is in the URL, parameters prefixed with the table's name."""

    name: str  # "datasets" or "models"
    rows: tuple[JobRow, ...]
    total: int  # rows that match, on all pages
    offset: int
    limit: int
    sort: str  # name, status, elapsed, submitted, refs, framework
    descending: bool
    text: str  # filter
    status: str  # filter: code or ""
    columns: tuple[str, ...] = ()  # further output columns that exist (models)

    @property
    def pages(self) -> int:
        """Return the number of pages, at least 1."""
        return max(1, -(-self.total // self.limit))

    @property
    def page(self) -> int:
        """Return the current page, from 0."""
        return self.offset // self.limit


@dataclass(frozen=True, kw_only=True)
class JobHeader:
    """The head of a job's page, and what may be done with it. Fragment: /jobs/{id}/header."""

    id: str
    kind: str  # dataset or model
    type: str
    name: str
    group: str
    notes: str
    owner: str
    url: str  # of the page
    json_url: str
    status: Status
    progress: int  # percent
    created: float
    elapsed: float
    eta: float | None  # seconds left
    editable: bool  # the user may rename, abort, delete (DELETE url, PUT /jobs/{id})
    abortable: bool  # ... and it runs: POST {url}/abort
    clone_url: str  # the creation page filled in
    # A failed job opens with these three:
    error: str  # what happened
    hint: str  # what to do
    error_field: str  # the field it belongs to, or ""
    failed_step: str  # title of the step, or ""


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """One line of a step's log."""

    time: float
    level: str  # info, warning, error
    text: str


@dataclass(frozen=True, kw_only=True)
class StepPanel:
    """One step of a job. Fragment: /jobs/{id}/steps renders all of them."""

    element: str  # element id, e.g. "task-create_db-train"
    key: str
    title: str
    status: Status
    progress: int  # percent
    message: str
    done: int | None
    total: int | None
    rate: float | None  # per second
    eta: float | None  # seconds left
    elapsed: float  # seconds
    error: str
    hint: str
    trace: str  # for a folded panel
    log_url: str  # the whole log as text


@dataclass(frozen=True, kw_only=True)
class History:
    """The status history of a job. Fragment: /jobs/{id}/history."""

    job_id: str
    changes: tuple[Change, ...]
    total: float | None  # seconds from the first change to the last, once finished


@dataclass(frozen=True, kw_only=True)
class FileLink:
    """A file of a job directory."""

    name: str
    url: str  # /files/...
    bytes: int
    purpose: str = ""  # "Network text", "Labels" ...


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
    """What parsing a folder found; counts are None until known."""

    title: str  # "Parse Folder (train/val)"
    folder: str
    classes: int | None
    train: int | None
    val: int | None
    test: int | None
    skipped: tuple[tuple[str, int | None, str], ...]  # (class, files if counted, reason)


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
class ModelLink:
    """A model in a list of related jobs."""

    id: str
    name: str
    url: str
    status: Status
    accuracy: float | None  # last validation accuracy, percent
    framework: str


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


@dataclass(frozen=True, kw_only=True)
class SnapshotChoice:
    """A snapshot of a model."""

    epoch: str  # "3" or "2.5": the value to post as snapshot_epoch
    label: str  # "Epoch #3"
    accuracy: float | None  # percent
    loss: float | None
    best: bool
    latest: bool
    usable: bool  # exported, so it can classify
    weights_url: str
    network_url: str  # ONNX; empty until exported


@dataclass(frozen=True, kw_only=True)
class NetworkChoice:
    """A standard network that can be chosen."""

    name: str  # posted value
    title: str
    details: str
    size: str  # "28x28 grey"
    framework: str


@dataclass(frozen=True, kw_only=True)
class PreviousModel:
    """A model whose network text can be taken up."""

    id: str
    name: str
    url: str
    framework: str


@dataclass(frozen=True, kw_only=True)
class Score:
    """One class of an answer."""

    label: str
    index: int
    percent: float  # 0..100, two decimals


@dataclass(frozen=True, kw_only=True)
class ManyRow:
    """One image of a list that was classified."""

    number: int  # from 1
    path: str
    truth: str  # class name; empty if not given
    truth_index: int | None
    scores: tuple[Score, ...]  # the five best
    right: bool | None  # None without truth


@dataclass(frozen=True, kw_only=True)
class ConfusionRow:
    """One true class."""

    name: str
    index: int
    counts: tuple[int, ...]  # per predicted class
    accuracy: float  # percent

    @property
    def taken_for(self) -> int | None:
        """Return the wrong class this one was taken for most often; None if never."""
        wrong = [n if place != self.index else 0 for place, n in enumerate(self.counts)]
        most = max(wrong, default=0)
        return wrong.index(most) if most else None


@dataclass(frozen=True, kw_only=True)
class ManySummary:
    """What is known when all images were classified."""

    images: int
    failed: tuple[tuple[str, str], ...]  # (path, reason), the first 100
    failed_total: int
    seconds: float
    top1: float | None  # percent; None without any truth
    top5: float | None
    classes: tuple[str, ...]  # columns of the confusion matrix
    confusion: tuple[ConfusionRow, ...]  # rows without samples are left out
    largest: int  # largest cell, at least 1


@dataclass(frozen=True, kw_only=True)
class TopImage:
    """An image a class scores high on."""

    url: str  # data URL
    path: str
    percent: float


@dataclass(frozen=True, kw_only=True)
class TopClass:
    """A class and its best images."""

    name: str
    index: int
    images: tuple[TopImage, ...]
