"""
Examples of augmentation: one training image of a dataset, and what training would see of it.

The engine of training is large, so other processes ask for examples through a process that
ends with them:

    drawn = draw(directory, Wanted(augmentations=Augmentations(rot=20)))
    drawn.original  # a PNG or JPEG file

or, by hand, with the JSON of a `Wanted` on standard input:

    python -m netloom.training.augment.examples DIRECTORY
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from netloom.errors import DatasetFailed, InvalidInput, NetloomError
from netloom.training.augment.record import Augmentations

PATIENCE = 30.0  # seconds for the process
MOST_PIXELS = 2**20  # of an image
SMALL = 100  # pixels; up to this side pictures are shown larger, so they must not lose anything


class Wanted(BaseModel):
    """What to draw."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    augmentations: Augmentations
    crop_size: int | None = None
    sample: int = Field(0, ge=0)  # which image; they are taken from all over the training split
    count: int = Field(8, ge=1, le=32)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Picture files."""

    original: bytes
    examples: tuple[bytes, ...]


def draw(directory: Path, wanted: Wanted) -> Drawn:
    """Draw examples in a process of their own; raise InvalidInput or DatasetFailed."""
    command = [sys.executable, "-m", __name__, str(directory)]
    try:
        done = subprocess.run(
            command,
            input=wanted.model_dump_json().encode(),
            capture_output=True,
            check=True,
            timeout=PATIENCE,
        )
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise DatasetFailed(
            "The examples took too long.", hint="The machine is busy. Try again later."
        ) from None
    except (subprocess.SubprocessError, OSError, ValueError):
        raise DatasetFailed(
            "No examples can be drawn.", hint="Look whether the dataset is complete."
        ) from None
    if "error" in answer:
        raise InvalidInput(answer["error"])
    first, *others = (base64.b64decode(picture) for picture in answer["pictures"])
    return Drawn(original=first, examples=tuple(others))


def pictures(directory: Path, wanted: Wanted) -> list[bytes]:
    """Return the image as it is and what training sees of it, in this process."""
    import torch

    from netloom import datasets, images
    from netloom.training.augment import Augmenter
    from netloom.training.data import epoch_corners

    split = datasets.open(directory).split("train")
    if not len(split):
        raise InvalidInput("The dataset has no training images.")
    height, width, _ = split.shape
    if height * width > MOST_PIXELS:
        raise InvalidInput(f"Images of {width} x {height} are too large for examples.")
    side = wanted.crop_size
    if side is not None and side > min(height, width):
        raise InvalidInput(f"A crop of {side} x {side} does not fit into {width} x {height}.")
    torch.set_num_threads(1)
    # Steps of a prime, so that neighbours in the order of the classes do not follow each other.
    pixels = split.read([wanted.sample * 7919 % len(split)])
    corners, size = None, (height, width)
    if side is not None:
        size = (side, side)
        room = (height - side, width - side)
        corners = torch.from_numpy(epoch_corners(wanted.count, room, seed=0, epoch=wanted.sample))
    values = Augmenter(wanted.augmentations, seed=0)(
        torch.from_numpy(np.repeat(pixels, wanted.count, 0)),
        epoch=wanted.sample,
        place=0,
        corners=corners,
        size=size,
    )
    shown = values.permute(0, 2, 3, 1).round().clamp(0, 255).byte().numpy()
    kind: Any = "png" if max(height, width) <= SMALL else "jpg"
    return [images.encode(np.squeeze(one), kind) for one in (pixels[0], *shown)]


def main() -> None:
    """Read what is wanted from standard input, write the pictures as JSON."""
    wanted = Wanted.model_validate_json(sys.stdin.buffer.read())
    answer: dict[str, Any]
    try:
        drawn = pictures(Path(sys.argv[1]), wanted)
        answer = {"pictures": [base64.b64encode(picture).decode() for picture in drawn]}
    except NetloomError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
