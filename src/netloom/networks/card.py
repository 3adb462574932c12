"""
The card of a model: `model.json`, all that is needed to use the networks beside it.

Training writes it into the model directory, inference reads it. It says how an
image becomes the input tensor and what the outputs mean; the networks themselves
are the ONNX files next to it, one per snapshot. By hand:

    ModelCard.read(Path("jobs/20260101-101500-1a2b")).classes
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from netloom.errors import BadModel
from netloom.images import Preprocessing

CARD = "model.json"


class ModelCard(BaseModel):
    """What a model expects and what it answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    task: str = "classification"
    framework: str  # name of the plugin that trained it, e.g. "pytorch"
    classes: tuple[str, ...] = ()  # class number = index; empty for other tasks
    preprocessing: Preprocessing
    input: str = "data"
    outputs: tuple[str, ...] = Field(("output",), min_length=1)  # the last one holds the scores
    outputs_are: Literal["logits", "probabilities"] = "logits"
    dataset_id: str = ""  # the job that built the dataset; empty when unknown

    @model_validator(mode="after")
    def _classifiers_have_classes(self) -> Self:
        if self.task == "classification" and not self.classes:
            raise ValueError("a classification model needs the names of its classes")
        return self

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read the card of a model directory; raise BadModel that says what is wrong with it."""
        path = directory / CARD
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise BadModel(
                f"There is no {CARD} in {directory.name!r}: it is not a model.",
                hint="Train the model to its first snapshot.",
            ) from None
        except OSError as error:
            raise BadModel(f"{CARD} cannot be read: {error.strerror}.") from error
        except ValidationError as error:
            raise BadModel(
                f"{CARD} of {directory.name!r} cannot be used: {_first(error)}.",
                hint="Restore the file or train the model again.",
            ) from None

    def write(self, directory: Path) -> None:
        """Write the card into a model directory, whole or not at all."""
        path = directory / CARD
        unfinished = path.with_suffix(f".{os.getpid()}.tmp")
        unfinished.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
        unfinished.replace(path)


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    return f"{place}: {problem['msg']}" if place else str(problem["msg"])
