"""Results of an evaluation as its page shows them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from netloom.web.workbench.charts import polyline
from netloom.web.workbench.evaluation_asked import Subject
from netloom.web.workbench.evaluation_parts import (
    Answer,
    Bar,
    Cell,
    ClassFigures,
    Confused,
    Evaluated,
    Line,
    MatrixRow,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netloom.inference.results import Results
    from netloom.inference.scores import PerClass

WIDEST_MATRIX = 60  # classes
MOST_CONFUSED = 20
MOST_MISTAKES = 24
MOST_LINES = 10  # classes whose curves are drawn at once
SORTS = (
    ("", "Class"),
    ("images", "Images"),
    ("precision", "Precision"),
    ("recall", "Recall"),
    ("f1", "F1"),
    ("average_precision", "AP"),
    ("roc_area", "ROC area"),
)
EXPORTS = (
    ("All figures, JSON", ".json", ""),
    ("Classes, CSV", ".csv", "classes"),
    ("Confusion, CSV", ".csv", "confusion"),
    ("Every image, CSV", ".csv", "images"),
)


def evaluated(subject: Subject, results: Results, sort: str, chosen: int | None) -> Evaluated:
    """Return what the page of an evaluation shows."""
    from netloom.inference import scores

    table = scores.per_class(results)
    cells = scores.confusion(results)
    figures = _classes(subject, results, table, cells)
    mistakes = scores.found(results, right=False)
    steps = scores.calibration(results)
    width = 100 / len(steps.images)
    drawn = _drawn(figures, chosen)
    return Evaluated(
        images=len(results),
        top1=100 * scores.mean(results.right),
        top5=100 * scores.mean(results.among_five) if len(subject.classes) > 5 else None,
        precision=percent(table.macro(table.precision)),
        recall=percent(table.macro(table.recall)),
        f1=percent(table.macro(table.f1)),
        log_loss=scores.log_loss(results),
        calibration_error=100 * steps.error,
        classes=_sorted(figures, sort),
        sort=sort,
        sorts=tuple((key, label, subject.url(sort=key)) for key, label in SORTS),
        matrix=_matrix(subject, table, cells),
        columns=subject.classes,
        confused=_confused(subject, cells),
        precision_recall=_lines(subject, results, drawn, roc=False),
        roc=_lines(subject, results, drawn, roc=True),
        shown_class="" if chosen is None else subject.classes[chosen],
        calibration=tuple(
            Bar(
                low=place * width,
                high=(place + 1) * width,
                images=int(images),
                confidence=percent(steps.confidence[place]),
                accuracy=percent(steps.accuracy[place]),
            )
            for place, images in enumerate(steps.images)
        ),
        mistakes=tuple(answer(subject, results, int(n)) for n in mistakes[:MOST_MISTAKES]),
        mistakes_total=len(mistakes),
        mistakes_url=subject.url("/images", right="no"),
        remark=subject.remark,
        exports=tuple((label, subject.url(end, what=what)) for label, end, what in EXPORTS),
    )


def answer(subject: Subject, results: Results, index: int) -> Answer:
    """Return one image and what was said of it."""
    truth, said = int(results.truth[index]), int(results.said[index])
    return Answer(
        index=index,
        url=f"/datasets/{subject.dataset.id}/images/{subject.split}/{index}",
        truth=subject.classes[truth],
        truth_index=truth,
        said=subject.classes[said],
        said_index=said,
        score=100 * float(results.score[index]),
        truth_score=100 * float(results.truth_score[index]),
        right=truth == said,
    )


def number(value: float) -> float | None:
    """Return a value, None where it is not known."""
    return None if math.isnan(value) else float(value)


def percent(value: float) -> float | None:
    """Return a share in percent, None where it is not known."""
    return None if math.isnan(value) else 100 * float(value)


def _classes(
    subject: Subject, results: Results, table: PerClass, cells: Mapping[tuple[int, int], int]
) -> list[ClassFigures]:
    from netloom.inference import scores

    worst: dict[int, tuple[int, int]] = {}
    for (truth, said), count in cells.items():
        if truth != said and count > worst.get(truth, (0, 0))[0]:
            worst[truth] = (count, said)
    figures = []
    for index, name in enumerate(subject.classes):
        curve = scores.curve(results, [index])
        count, said = worst.get(index, (0, 0))
        figures.append(
            ClassFigures(
                index=index,
                name=name,
                images=int(table.images[index]),
                said=int(table.said[index]),
                precision=percent(table.precision[index]),
                recall=percent(table.recall[index]),
                f1=percent(table.f1[index]),
                roc_area=number(curve.area),
                average_precision=number(curve.average_precision),
                taken_for=subject.classes[said] if count else "",
                taken_count=count,
                images_url=subject.url("/images", truth=index),
                mistakes_url=subject.url("/images", truth=index, right="no"),
                curve_url=subject.url(curves=index) + "#curves",
            )
        )
    return figures


def _sorted(figures: Sequence[ClassFigures], key: str) -> tuple[ClassFigures, ...]:
    if not key:
        return tuple(figures)

    def rank(one: ClassFigures) -> tuple[bool, float]:
        value = getattr(one, key)
        return value is None, value or 0.0  # the worst first, the unknown last

    return tuple(sorted(figures, key=rank))


def _matrix(
    subject: Subject, table: PerClass, cells: Mapping[tuple[int, int], int]
) -> tuple[MatrixRow, ...]:
    if len(subject.classes) > WIDEST_MATRIX:
        return ()
    return tuple(
        MatrixRow(
            index=truth,
            name=name,
            cells=tuple(
                Cell(
                    count=count,
                    share=count / max(1, int(table.images[truth])),
                    url=subject.url("/images", truth=truth, said=said) if count else "",
                )
                for said in range(len(subject.classes))
                for count in (cells.get((truth, said), 0),)
            ),
            recall=percent(table.recall[truth]),
        )
        for truth, name in enumerate(subject.classes)
        if table.images[truth]
    )


def _confused(subject: Subject, cells: Mapping[tuple[int, int], int]) -> tuple[Confused, ...]:
    wrong = [(count, truth, said) for (truth, said), count in cells.items() if truth != said]
    wrong.sort(key=lambda cell: (-cell[0], cell[1:]))
    return tuple(
        Confused(
            truth=subject.classes[truth],
            said=subject.classes[said],
            count=count,
            url=subject.url("/images", truth=truth, said=said),
        )
        for count, truth, said in wrong[:MOST_CONFUSED]
    )


def _drawn(figures: Sequence[ClassFigures], chosen: int | None) -> list[int]:
    """Return the classes to draw: the one that is wanted, else all or those found worst."""
    if chosen is not None:
        return [chosen]
    seen = [one for one in figures if one.images and one.average_precision is not None]
    if len(seen) > MOST_LINES:
        seen = sorted(seen, key=lambda one: one.average_precision or 0.0)[: MOST_LINES // 2]
    return [one.index for one in seen]


def _lines(
    subject: Subject, results: Results, drawn: Sequence[int], *, roc: bool
) -> tuple[Line, ...]:
    from netloom.inference import scores

    lines = []
    for index in (None, *drawn):
        curve = scores.curve(results, range(len(subject.classes)) if index is None else [index])
        across, up = (
            (curve.false_positives, curve.recall) if roc else (curve.recall, curve.precision)
        )
        lines.append(
            Line(
                name="all classes" if index is None else subject.classes[index],
                points=polyline(across, up),
                area=number(curve.area if roc else curve.average_precision),
                index=index,
            )
        )
    return tuple(lines)
