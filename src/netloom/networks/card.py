"""
The card of a model: `model.json`, all that is needed to use the networks beside it.

Training writes it into the model directory, inference reads it. It says how an
image becomes the input tensor and what the outputs mean; the networks themselves
are the ONNX files next to it, one per snapshot. By hand:

    ModelCard.read(Path("jobs/20260101-101500-1a2b")).classes
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from netloom.atomic import whole_file
from netloom.errors import BadModel, InvalidInput
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

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Sizes of the input tensor without the batch, in its own order."""
        sizes = dict(zip("CHW", self.preprocessing.input_shape, strict=True))
        return tuple(sizes[axis] for axis in self.preprocessing.dimension_order[1:])

    @model_validator(mode="after")
    def _classifiers_have_classes(self) -> Self:
        if self.task == "classification" and not self.classes:
            raise ValueError("a classification model needs the names of its classes")
        return self

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read the card and the mean image beside it; raise BadModel that says what is wrong."""
        values = _read_object(directory)
        preprocessing = values.get("preprocessing")
        try:
            if isinstance(preprocessing, dict):
                values["preprocessing"] = Preprocessing.parse(preprocessing, directory)
            return cls.model_validate(values)
        except InvalidInput as error:
            raise _unusable(directory, error.message) from error
        except ValidationError as error:
            raise _unusable(directory, _first(error)) from error

    def write(self, directory: Path) -> None:
        """Write the card into a model directory, whole or not at all, and the mean image before."""
        self.preprocessing.save_mean(directory)
        with whole_file(directory / CARD) as file:
            file.write(self.model_dump_json(indent=2).encode() + b"\n")


def _read_object(directory: Path) -> dict[str, Any]:
    try:
        values = json.loads((directory / CARD).read_bytes())
    except FileNotFoundError:
        raise BadModel(
            f"There is no {CARD} in {directory.name!r}: it is not a model.",
            hint="Train the model to its first snapshot.",
        ) from None
    except (OSError, ValueError) as error:
        raise _unusable(directory, "It cannot be read as JSON.") from error
    if not isinstance(values, dict):
        raise _unusable(directory, "It does not hold an object.")
    return values


def _unusable(directory: Path, reason: str) -> BadModel:
    return BadModel(
        f"{CARD} of {directory.name!r} cannot be used: {reason}",
        hint="Restore the file or train the model again.",
    )


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    return f"{place}: {problem['msg']}." if place else f"{problem['msg']}."
