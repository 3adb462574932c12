"""
The pages: one frozen record per page holds exactly what its template may use.

`render(request, HomePage(...))` gives `templates/home.html` the fields of the page by name,
and `frame` (see `parts.Frame`). A template's name is the page's name in snake case without
"Page". Parts of a page that are fetched alone stand in `fragments`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from netloom.web.workbench.dataset_parts import (
    ClassFilter,
    DatabasePanel,
    DatasetSummary,
    ExplorerImage,
    ParsePanel,
)
from netloom.web.workbench.evaluation_parts import Answer, Evaluated, Evaluating, EvaluationForm
from netloom.web.workbench.forms import Form
from netloom.web.workbench.inside_parts import InsidePart, MapsPart
from netloom.web.workbench.model_parts import (
    DatasetChoice,
    ManyRow,
    ManySummary,
    ModelLink,
    NetworkChoice,
    PretrainedTable,
    PreviousModel,
    Score,
    SnapshotChoice,
    TopClass,
)
from netloom.web.workbench.parts import FileLink, History, JobHeader, JobRow, StepPanel, Table


@dataclass(frozen=True, kw_only=True)
class Page:
    """Base of all pages."""

    section: ClassVar[str] = ""  # which header item is current


@dataclass(frozen=True, kw_only=True)
class HomePage(Page):
    """GET /: running jobs, datasets, models. A fresh install leads through three steps."""

    section = "home"
    tab: str  # "datasets", "models" or "pretrained"; from ?tab=1|2|3
    running: tuple[JobRow, ...]  # newest first, at most 200
    datasets: (
        Table  # finished ones; ?datasets_sort=&datasets_order=&datasets_offset=&datasets_text=
    )
    models: Table  # likewise ?models_...; only the table of the current tab has its rows
    pretrained: PretrainedTable  # has its rows on their tab only
    # For the first steps of a fresh install:
    first_dataset: str  # id of a dataset that is Done, or ""
    first_model: str  # id of a model with an exported snapshot, however it ended, or ""


@dataclass(frozen=True, kw_only=True)
class LoginPage(Page):
    """GET, POST /login: one field `username`, hidden `next`."""

    next: str
    name: str  # what was typed
    error: str  # the banner, or ""


@dataclass(frozen=True, kw_only=True)
class DatasetNewPage(Page):
    """GET /datasets/images/classification/new; preview: POST /datasets/images/resize-example."""

    section = "datasets"
    form: Form
    roots: tuple[str, ...]  # folders under which server paths may lie


@dataclass(frozen=True, kw_only=True)
class DatasetPage(Page):
    """GET /datasets/{id}."""

    section = "datasets"
    job: JobHeader
    summary: DatasetSummary
    directory: str
    bytes: int | None  # size on disk, when known
    compression: str
    parses: tuple[ParsePanel, ...]
    databases: tuple[DatabasePanel, ...]
    steps: tuple[StepPanel, ...]
    history: History
    models: tuple[ModelLink, ...]  # trained on it
    files: tuple[FileLink, ...]


@dataclass(frozen=True, kw_only=True)
class ExplorePage(Page):
    """GET /datasets/images/classification/explore."""

    section = "datasets"
    job: JobHeader
    split: str  # train, val, test
    splits: tuple[tuple[str, int, str], ...]  # (split, images, url)
    classes: tuple[ClassFilter, ...]
    label: int | None  # current filter
    all_url: str  # without filter
    images: tuple[ExplorerImage, ...]
    total: int  # images that match
    page: int  # from 0
    pages: int
    size: int
    sizes: tuple[tuple[int, str], ...]  # (10, url), (25, url), (50, url), (100, url)
    page_urls: tuple[tuple[int, str], ...]  # first, +-5 around the current one, last
    previous_url: str  # or ""
    next_url: str  # or ""


@dataclass(frozen=True, kw_only=True)
class ModelNewPage(Page):
    """GET /models/images/classification/new.

    Previews: POST /models/visualize-lr (JSON); POST /models/customize?network=&framework=
    (the text).
    """

    section = "models"
    form: Form
    datasets: tuple[DatasetChoice, ...]  # of the field `dataset`, newest first
    dataset: DatasetSummary | None  # the chosen one; None where there is none to choose
    networks: tuple[NetworkChoice, ...]
    previous: tuple[PreviousModel, ...]
    pretrained: PretrainedTable
    gpus: tuple[tuple[str, str], ...]  # (id, name)


@dataclass(frozen=True, kw_only=True)
class ModelPage(Page):
    """GET /models/{id}. Curves: GET /models/{id}/curves.json (JSON of reference 6.2)."""

    section = "models"
    job: JobHeader
    dataset: DatasetSummary | None
    directory: str
    bytes: int | None
    framework: str
    epochs: int | None  # wanted
    epoch: float | None  # reached
    settings: tuple[tuple[str, str], ...]  # (label, value) of the options, in order of the form
    snapshots: tuple[SnapshotChoice, ...]  # newest first; classify forms show only if any is usable
    curves_url: str
    lr_curves_url: str
    large_graph_url: str
    network_text: str
    facts: tuple[tuple[str, str], ...]  # (label, value): images per second, device, data path ...
    steps: tuple[StepPanel, ...]
    history: History
    files: tuple[FileLink, ...]
    siblings: tuple[ModelLink, ...]  # other models on the same dataset


@dataclass(frozen=True, kw_only=True)
class PretrainedNewPage(Page):
    """GET /pretrained_models/new: upload of a network text, weights and class names."""

    section = "models"
    form: Form


@dataclass(frozen=True, kw_only=True)
class PretrainedPage(Page):
    """GET /pretrained_models/{id}."""

    section = "models"
    job: JobHeader
    framework: str
    images: str  # "28 × 28, grey"; empty if not known
    resize_mode: str
    labels: tuple[str, ...]  # the first of them
    labels_total: int
    network_text: str
    directory: str
    bytes: int | None
    files: tuple[FileLink, ...]


@dataclass(frozen=True, kw_only=True)
class LargeGraphPage(Page):
    """GET /models/images/classification/large_graph: all points of one job."""

    section = "models"
    job: JobHeader
    curves_url: str


@dataclass(frozen=True, kw_only=True)
class ClassifyOnePage(Page):
    """classify_one. Scripts read `ul.list-group`: each item the percentage, then the label."""

    section = "models"
    job: JobHeader
    epoch: str
    image: str  # what was given: path, URL or file name
    image_url: str  # data URL of the image as the network saw it, before the mean is taken
    scores: tuple[Score, ...]
    milliseconds: float  # decode, preprocess and network
    inside: InsidePart | None  # every layer, if asked for
    maps: MapsPart | None  # what speaks for the best class, if asked for
    again: str  # address that shows both for the same image, empty for uploads


@dataclass(frozen=True, kw_only=True)
class ClassifyManyPage(Page):
    """classify_many, streamed: loop over `rows` once, then call `summary()` once, after the loop.

    The page is sent while the images are classified, so the summary stands after the table in
    the source; CSS order may show it first.
    """

    section = "models"
    job: JobHeader
    epoch: str
    rows: Iterator[ManyRow]
    summary: Callable[[], ManySummary]


@dataclass(frozen=True, kw_only=True)
class TopNPage(Page):
    """top_n: for each class the images with the highest score."""

    section = "models"
    job: JobHeader
    epoch: str
    top_n: int
    classes: tuple[TopClass, ...]
    images: int  # classified
    failed: int


@dataclass(frozen=True, kw_only=True)
class EvaluatePage(Page):
    """evaluate: the form, and what is known of the evaluation it asks for."""

    section = "models"
    job: JobHeader
    form: EvaluationForm
    dataset: str  # name; this and the next empty until a split is chosen
    dataset_url: str
    split: str
    epoch: str
    evaluating: Evaluating | None  # while it runs
    result: Evaluated | None


@dataclass(frozen=True, kw_only=True)
class EvaluateImagesPage(Page):
    """evaluate/images: images of a class, of a cell of the confusion matrix, or all mistakes."""

    section = "models"
    job: JobHeader
    dataset: str
    split: str
    epoch: str
    evaluation_url: str
    truth: str  # name of the class, or "" for all
    said: str
    right: str  # "yes", "no" or ""
    images: tuple[Answer, ...]  # the surest answers first
    total: int
    page: int  # from 0
    pages: int
    previous_url: str  # or ""
    next_url: str  # or ""


@dataclass(frozen=True, kw_only=True)
class ErrorPage(Page):
    """Any error of a page."""

    status: int
    title: str  # "Not Found"
    message: str  # one sentence
    hint: str  # what to do, or ""
