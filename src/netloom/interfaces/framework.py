"""
Frameworks: how a network text becomes a module that can be trained.

A framework is a class registered under the entry point group `netloom.frameworks`.
Declaring it is cheap: it offers standard networks as texts and checks a text without
running it, so the web process may use it. Only a worker calls `build`, which runs the
user's text and imports the engine.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class BuildInputs:
    """What a network text is told: the `p` of `build(p)`."""

    input_shape: tuple[int, int, int]  # channels, height, width; after cropping
    classes: int | None = None  # number of labels; None for other tasks
    crop_size: int | None = None  # pixels; None when images are used whole
    gpus: int = 0  # how many this training may use; 0 means CPU


@dataclass(frozen=True, kw_only=True)
class BuiltNetwork:
    """What a network text gives: a module that answers, and how it wants to be trained."""

    module: nn.Module
    loss: Callable[[Any, Tensor], Tensor]  # of the module's output and the targets; a mean
    train_batch_size: int | None = None  # used when the form gives none
    val_batch_size: int | None = None


@dataclass(frozen=True, kw_only=True)
class StandardNetwork:
    """A network that users may choose by name, or copy and change."""

    name: str  # as in forms: "lenet"
    title: str  # "LeNet"
    description: str  # one sentence
    image: str  # the intended images: "28 x 28, grey"
    text: str


class Framework(ABC):
    """One engine, and the language of its network texts."""

    name: ClassVar[str]  # the entry point name in `netloom.frameworks`
    title: ClassVar[str]
    file: ClassVar[str]  # name of the network text in the model directory
    solvers: ClassVar[tuple[str, ...]]  # values of the field `solver_type`

    @abstractmethod
    def networks(self) -> Mapping[str, StandardNetwork]:
        """Return the standard networks by name, in the order in which pages show them."""

    @abstractmethod
    def check(self, text: str) -> None:
        """Raise NetworkTextError for what can be seen without running the text; cheap."""

    @abstractmethod
    def build(self, text: str, inputs: BuildInputs) -> BuiltNetwork:
        """Run the text, in a worker; raise NetworkTextError when it gives no usable network."""
