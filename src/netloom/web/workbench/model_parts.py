"""What the pages of models are made of: snapshots, networks, answers. Plain data."""

from __future__ import annotations

from dataclasses import dataclass

from netloom.web.workbench.parts import Status


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
class DatasetChoice:
    """A dataset that a new model can learn from."""

    id: str
    name: str
    status: Status


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
    """A model whose network, and the weights of a snapshot, can be taken up."""

    id: str
    name: str
    url: str
    framework: str
    snapshots: tuple[tuple[str, str], ...]  # (value, label) to post as "<id>-snapshot"
    snapshot: str  # the one that is chosen


@dataclass(frozen=True, kw_only=True)
class PretrainedRow:
    """A network with its weights, kept to start from."""

    id: str
    url: str
    name: str
    framework: str
    owner: str
    labels: int  # class names that came with it
    images: str  # "28 × 28, grey"; empty if not known
    submitted: float
    editable: bool


@dataclass(frozen=True, kw_only=True)
class PretrainedTable:
    """The newest of them."""

    rows: tuple[PretrainedRow, ...]
    total: int


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
