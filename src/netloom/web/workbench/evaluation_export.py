"""Results of an evaluation for other programs: JSON and CSV, shares from 0 to 1."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from netloom.web.workbench.charts import thinned
from netloom.web.workbench.evaluation_asked import Subject
from netloom.web.workbench.evaluation_view import number

if TYPE_CHECKING:
    from netloom.inference.results import Results

MOST_MISTAKES = 100  # of the JSON
AT_ONCE = 5000  # rows of a CSV
FIGURES = ("images", "said", "right", "precision", "recall", "f1", "roc_area", "average_precision")


def as_json(subject: Subject, results: Results, chosen: int | None) -> dict[str, Any]:
    """Return everything but the single images."""
    from netloom.inference import scores

    table, steps = scores.per_class(results), scores.calibration(results)
    mistakes = scores.found(results, right=False)
    wanted = range(len(subject.classes)) if chosen is None else [chosen]
    curve = scores.curve(results, wanted)
    return {
        "status": "done",
        **subject.fields(),
        "remark": subject.remark,
        "images": len(results),
        "top1": number(scores.mean(results.right)),
        "top5": number(scores.mean(results.among_five)),
        "log_loss": number(scores.log_loss(results)),
        "calibration_error": number(steps.error),
        "macro": {
            name: number(table.macro(getattr(table, name)))
            for name in ("precision", "recall", "f1")
        },
        "classes": [
            dict(zip(("name", *FIGURES), row, strict=True)) for row in _classes(subject, results)
        ],
        "confusion": [
            {"truth": truth, "said": said, "count": count}
            for truth, said, count in _confusion(subject, results)
        ],
        "calibration": [
            {
                "from": place / len(steps.images),
                "to": (place + 1) / len(steps.images),
                "images": int(images),
                "confidence": number(steps.confidence[place]),
                "accuracy": number(steps.accuracy[place]),
            }
            for place, images in enumerate(steps.images)
        ],
        "curves": {
            "class": None if chosen is None else subject.classes[chosen],
            "precision_recall": thinned(curve.recall, curve.precision),
            "roc": thinned(curve.false_positives, curve.recall),
        },
        "mistakes_count": len(mistakes),
        "mistakes": [
            dict(zip(IMAGE_COLUMNS, row, strict=True))
            for row in _images(subject, results, mistakes[:MOST_MISTAKES].tolist())
        ],
    }


IMAGE_COLUMNS = ("index", "truth", "said", "right", "score", "truth_score", "image")
Rows = Callable[[Subject, "Results"], Iterable[Sequence[Any]]]


def as_csv(subject: Subject, results: Results, what: str) -> Iterator[bytes]:
    """Yield a table piece by piece; `what` is a key of `TABLES`."""
    columns, rows = TABLES[what]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for place, row in enumerate(rows(subject, results), 1):
        writer.writerow("" if value is None else value for value in row)
        if place % AT_ONCE == 0:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _classes(subject: Subject, results: Results) -> Iterator[Sequence[Any]]:
    from netloom.inference import scores

    table = scores.per_class(results)
    for index, name in enumerate(subject.classes):
        curve = scores.curve(results, [index])
        counts = (int(values[index]) for values in (table.images, table.said, table.right))
        shares = (table.precision[index], table.recall[index], table.f1[index])
        areas = (curve.area, curve.average_precision)
        yield (name, *counts, *(number(value) for value in (*shares, *areas)))


def _confusion(subject: Subject, results: Results) -> Iterator[Sequence[Any]]:
    from netloom.inference import scores

    for (truth, said), count in scores.confusion(results).items():
        yield subject.classes[truth], subject.classes[said], count


def _images(
    subject: Subject, results: Results, indices: Iterable[int] | None = None
) -> Iterator[Sequence[Any]]:
    for index in range(len(results)) if indices is None else indices:
        truth, said = int(results.truth[index]), int(results.said[index])
        yield (
            index,
            subject.classes[truth],
            subject.classes[said],
            truth == said,
            float(results.score[index]),
            float(results.truth_score[index]),
            f"/datasets/{subject.dataset.id}/images/{subject.split}/{index}",
        )


TABLES: dict[str, tuple[tuple[str, ...], Rows]] = {
    "classes": (("class", *FIGURES), _classes),
    "confusion": (("truth", "said", "count"), _confusion),
    "images": (IMAGE_COLUMNS, _images),
}
