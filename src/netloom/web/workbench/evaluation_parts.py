"""What the page of an evaluation is made of. Plain data; shares are in percent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EvaluationForm:
    """What is tested on what."""

    snapshots: tuple[tuple[str, str], ...]  # (epoch, label), newest first
    epoch: str
    datasets: tuple[tuple[str, str], ...]  # (id, name), newest first
    dataset: str
    split: str
    error: str  # why it cannot be done, with what to do; or ""


@dataclass(frozen=True, kw_only=True)
class ClassFigures:
    """One class of the model, compared with all others."""

    index: int
    name: str
    images: int
    said: int
    precision: float | None
    recall: float | None
    f1: float | None
    roc_area: float | None  # 0..1
    average_precision: float | None  # 0..1
    taken_for: str  # the wrong class it was said to be most often, or ""
    taken_count: int
    images_url: str
    mistakes_url: str
    curve_url: str  # this page with the curves of the class


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of the confusion matrix."""

    count: int
    share: float  # of the row, 0..1
    url: str  # its images


@dataclass(frozen=True, kw_only=True)
class MatrixRow:
    """One true class of the confusion matrix."""

    index: int
    name: str
    cells: tuple[Cell, ...]  # per class that was said
    recall: float | None


@dataclass(frozen=True, kw_only=True)
class Confused:
    """Two classes that are often mixed up."""

    truth: str
    said: str
    count: int
    url: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """One curve of a chart."""

    name: str
    points: str  # of an SVG polyline in a square of 100 x 100
    area: float | None
    index: int | None  # of the class; None for all together


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One step of the calibration."""

    low: float  # percent
    high: float
    images: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One image and what was said of it."""

    index: int
    url: str
    truth: str
    truth_index: int
    said: str
    said_index: int
    score: float
    truth_score: float
    right: bool


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """How good a model is on a split."""

    images: int
    top1: float
    top5: float | None  # None with five classes or fewer
    precision: float | None  # means over the classes
    recall: float | None
    f1: float | None
    log_loss: float
    calibration_error: float
    classes: tuple[ClassFigures, ...]
    sort: str
    sorts: tuple[tuple[str, str, str], ...]  # (key, label, url) of the table of classes
    matrix: tuple[MatrixRow, ...]  # empty with very many classes
    columns: tuple[str, ...]
    confused: tuple[Confused, ...]
    precision_recall: tuple[Line, ...]
    roc: tuple[Line, ...]
    shown_class: str  # whose curves are drawn beside those of all, or ""
    calibration: tuple[Bar, ...]
    mistakes: tuple[Answer, ...]
    mistakes_total: int
    mistakes_url: str
    remark: str
    exports: tuple[tuple[str, str], ...]  # (label, url)


@dataclass(frozen=True, kw_only=True)
class Evaluating:
    """How far an evaluation is."""

    done: int
    total: int
    eta: float | None
    waits: bool
    url: str  # of this fragment
    page_url: str
    fields: tuple[tuple[str, str], ...]  # to post when it is stopped
