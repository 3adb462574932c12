"""
Snapshots: weights, and the network that answers with them, for every moment that is kept.

    snapshot_3.safetensors   the weights
    snapshot_3.onnx          the network; its weights are references into the file above
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from netloom.interfaces.job import ExportedModel, SnapshotFile, StepRun
from netloom.networks.card import ModelCard
from netloom.training.checkpoint import write_tensors
from netloom.training.export import Exporter

if TYPE_CHECKING:
    from torch import nn


class Snapshots:
    """Writes snapshots, checks them and knows which is the best."""

    def __init__(
        self, module: nn.Module, exporter: Exporter, card: ModelCard, run: StepRun
    ) -> None:
        self._module = module
        self._card = card
        self._exporter = exporter
        self._run = run
        self.best: dict[str, float] | None = None  # epoch, accuracy, loss; kept in the checkpoint

    def take(self, epoch: float, iteration: int, validated: Mapping[str, float]) -> None:
        """Keep the weights as they are; `validated` is what validation said of just them."""
        begun = time.perf_counter()
        name = f"snapshot_{_shown(epoch)}"
        weights = self._run.directory / f"{name}.safetensors"
        network = self._run.directory / f"{name}.onnx"
        write_tensors(weights, self._module.state_dict(), {"format": "pt"})
        difference = self._exporter.write(weights, network)
        is_best = self._is_best(validated)
        if is_best:
            self.best = {"epoch": _shown(epoch), **validated}
        self._run.snapshot(
            SnapshotFile(
                epoch=_shown(epoch),
                iteration=iteration,
                weights=weights.name,
                network=network.name,
                model=self._exported(difference),
                metrics={**validated, "difference": difference},
                best=is_best,
            )
        )
        self._run.log(
            f"Snapshot of epoch {_shown(epoch)} in {time.perf_counter() - begun:.2f} s; "
            f"the exported network differs by {difference:.1e}"
        )

    def _exported(self, difference: float) -> ExportedModel:
        return ExportedModel(
            task=self._card.task,
            classes=self._card.classes,
            preprocessing=self._card.preprocessing.model_dump(mode="json"),
            outputs=self._card.outputs,
            difference=difference,
        )

    def _is_best(self, validated: Mapping[str, float]) -> bool:
        """Return whether accuracy, or at the same accuracy the loss, is better than ever."""
        if not validated:
            return False
        return self.best is None or _rank(validated) > _rank(self.best)


def _rank(values: Mapping[str, Any]) -> tuple[float, float]:
    return values["accuracy"], -values["loss"]


def _shown(epoch: float) -> int | float:
    return int(epoch) if epoch == int(epoch) else epoch
