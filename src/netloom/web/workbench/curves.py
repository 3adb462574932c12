"""Curves of a training as the data of a chart, in the layout of the reference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from netloom.store import Curve

CurvesByName = Mapping[tuple[str, str], Curve]
RATE = "learning_rate"
NOT_IN_GRAPH = (RATE, "throughput")
NULL = "none"  # how a missing value is sent


def combined_graph(curves: CurvesByName) -> dict[str, Any]:
    """Return losses and accuracies, accuracies in percent on the second axis.

    There is no data before the first training value.
    """
    if not any(split == "train" and curve.values for (split, _), curve in curves.items()):
        return graph(())
    return graph(curve for (_, name), curve in curves.items() if name not in NOT_IN_GRAPH)


def graph(curves: Iterable[Curve]) -> dict[str, Any]:
    """Return columns, each with its column of epochs."""
    data: dict[str, Any] = {"columns": [], "xs": {}, "axes": {}, "names": {}}
    epochs: dict[str, list[float]] = {}
    for curve in sorted(curves, key=lambda curve: (curve.split, curve.name)):
        column = f"{curve.name}-{curve.split}"
        is_share = "accuracy" in curve.name
        data["columns"].append([column, *_values(curve, 100.0 if is_share else 1.0)])
        data["xs"][column] = _epochs_column(curve, epochs, data["columns"])
        data["names"][column] = f"{curve.name} ({curve.split})"
        if is_share:
            data["axes"][column] = "y2"
    return data


def rate_graph(curves: CurvesByName) -> dict[str, Any]:
    """Return the learning rate over the epochs."""
    curve = curves.get(("train", RATE))
    if curve is None:
        return {"columns": [], "xs": {}, "names": {}}
    columns = [["epoch", *curve.epochs], ["lr", *_values(curve, 1.0)]]
    return {"columns": columns, "xs": {"lr": "epoch"}, "names": {"lr": "Learning Rate"}}


def _values(curve: Curve, factor: float) -> list[float | str]:
    return [NULL if value is None else factor * value for value in curve.values]


def _epochs_column(curve: Curve, known: dict[str, list[float]], columns: list[list[Any]]) -> str:
    """Return the name of the column of epochs; curves measured together share one."""
    for name, epochs in known.items():
        if name.startswith(curve.split) and epochs == curve.epochs:
            return name
    name = f"{curve.split}_epochs"
    while name in known:
        name += "_"
    known[name] = curve.epochs
    columns.append([name, *curve.epochs])
    return name
