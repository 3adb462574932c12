"""
What all pages and fragments are made of: the frame, rows, headers, steps. What only those of
datasets or models have stands in `dataset_parts` and `model_parts`.

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
    disk: int | None = None  # bytes, once measured
    error: str = ""  # one sentence, if it failed
    # "<output> (train) last", "... min", "... max", same with (val): see Table.columns
    outputs: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class GroupBar:
    """The rows of one group."""

    name: str  # empty: the jobs without a group
    jobs: int  # that match, on all pages
    rows: tuple[JobRow, ...]  # on this page


@dataclass(frozen=True, kw_only=True)
class Table:
    """One page of a table; state is in the URL, parameters prefixed with the table's name."""

    name: str  # "datasets" or "models"
    rows: tuple[JobRow, ...]
    total: int  # rows that match, on all pages
    offset: int
    limit: int
    sort: str  # name, status, elapsed, disk, submitted, refs, framework
    descending: bool
    then: str  # second key of the order, or ""
    then_descending: bool
    grouped: bool  # with a bar for each group
    groups: tuple[GroupBar, ...]  # the rows; all in one where they are not grouped
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
