"""
Initial weights: where a training starts, if not from chance.

A layer is taken over when each of its weights is in the files by the same name and with the same
shape; every other layer starts fresh. So the last layer of a network that knew other
classes starts fresh by itself.

    take_over(module, read_weights(path))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from netloom.errors import BadWeights
from netloom.interfaces.job import StepRun
from netloom.training.weights import read_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

MOST_NAMED = 50  # layers, in the facts and in one line of the log


class Initial(BaseModel):
    """The weights a training starts from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str  # in words: "birds-net, epoch 3"
    files: tuple[str, ...]  # of a later one of several the weights win
    job: str = ""  # the job in whose directory the files lie; empty: they are paths

    def paths(self, run: StepRun) -> list[Path]:
        """Return the files."""
        folder = run.directory_of(self.job) if self.job else Path("/")
        return [folder / name for name in self.files]


@dataclass(frozen=True)
class Taken:
    """What became of each layer, by name; the layer that is the whole network has none."""

    taken: tuple[str, ...]
    fresh: tuple[str, ...]


def begin_from(initial: Initial, module: nn.Module, run: StepRun) -> None:
    """Copy what fits from the files into the network; raise BadWeights when nothing does."""
    given: dict[str, Tensor] = {}
    for path in initial.paths(run):
        if not path.is_file():
            raise BadWeights(
                f"The weights of {initial.what} do not exist any more.",
                hint="Choose others to start from.",
            )
        given |= read_weights(path)
    found = take_over(module, given)
    if not found.taken:
        raise BadWeights(
            f"None of the layers of this network is in {initial.what}: "
            f"names or shapes differ. It has {_some(given) or 'no weights'}.",
            hint="Choose other weights, or none.",
        )
    _tell(initial, found, run)


def take_over(module: nn.Module, given: Mapping[str, Tensor]) -> Taken:
    """Copy the layers that fit; return which were copied and which were left as they are."""
    import torch

    parameters = {name for name, _ in module.named_parameters(remove_duplicate=False)}
    own = {k: v for k, v in module.state_dict().items() if isinstance(v, torch.Tensor)}
    layers: dict[str, list[str]] = {}
    for name in own:
        layers.setdefault(name.rpartition(".")[0], []).append(name)
    taken, fresh = [], []
    with torch.no_grad():
        for layer, names in layers.items():
            fitting = [name for name in names if name in given and _fit(own[name], given[name])]
            # What a layer counts or averages may be missing: older files do not have it.
            learned = [name for name in names if name in parameters]
            if set(learned or names) <= set(fitting):
                for name in fitting:
                    own[name].copy_(given[name])
                taken.append(layer)
            else:
                fresh.append(layer)
    return Taken(tuple(taken), tuple(fresh))


def _fit(own: Tensor, given: Tensor) -> bool:
    return own.shape == given.shape and own.is_floating_point() == given.is_floating_point()


def _tell(initial: Initial, found: Taken, run: StepRun) -> None:
    total = len(found.taken) + len(found.fresh)
    run.record(
        {
            "initial": {
                "what": initial.what,
                "taken": len(found.taken),
                "layers": total,
                "fresh": [_called(name) for name in found.fresh[:MOST_NAMED]],
                "fresh_count": len(found.fresh),
            }
        }
    )
    run.log(f"Starts from {initial.what}: {len(found.taken)} of {total} layers taken over")
    if found.fresh:
        names: list[str] = [_called(name) for name in found.fresh]
        run.log(f"Layers that start fresh: {_some(dict.fromkeys(names), MOST_NAMED)}")


def _called(layer: str) -> str:
    return layer or "the network itself"


def _some(names: Mapping[str, Any], most: int = 3) -> str:
    shown = ", ".join(list(names)[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
