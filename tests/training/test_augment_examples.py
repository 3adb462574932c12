"""Examples of augmentation: the image as it is, and variations within what was asked for."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from netloom import datasets, images
from netloom.errors import DatasetFailed, InvalidInput
from netloom.training.augment import Augmentations, examples
from netloom.training.augment.examples import Wanted, pictures


def decoded(found: list[bytes]) -> list[np.ndarray]:
    return [images.decode(picture, 3) for picture in found]


def test_the_image_comes_first_and_then_what_training_sees(dataset):
    wanted = Wanted(augmentations=Augmentations(flip="fliplr"), sample=3)
    original, *variations = decoded(pictures(dataset, wanted))
    split = datasets.open(dataset).split("train")
    assert any(np.array_equal(original, one) for one in split.read(range(len(split))))
    assert len(variations) == 8
    expected = {original.tobytes(), original[:, ::-1].tobytes()}
    assert {one.tobytes() for one in variations} == expected


def test_a_crop_is_cut_from_anywhere(dataset):
    wanted = Wanted(augmentations=Augmentations(), crop_size=6)
    original, *variations = decoded(pictures(dataset, wanted))
    cuts = {
        original[row : row + 6, column : column + 6].tobytes()
        for row in range(5)
        for column in range(5)
    }
    assert {one.tobytes() for one in variations} <= cuts
    assert len({one.tobytes() for one in variations}) > 1


def test_each_sample_shows_another_image(dataset):
    wanted = Wanted(augmentations=Augmentations())
    first, second = (
        pictures(dataset, wanted.model_copy(update={"sample": number}))[0] for number in (0, 1)
    )
    assert first != second
    assert first == pictures(dataset, wanted)[0]


def test_what_cannot_be_drawn_is_said(dataset):
    with pytest.raises(InvalidInput, match="A crop of 11 x 11 does not fit into 10 x 10"):
        pictures(dataset, Wanted(augmentations=Augmentations(), crop_size=11))


def test_a_process_that_takes_too_long_is_ended(dataset, monkeypatch):
    monkeypatch.setattr(examples, "PATIENCE", 0.001)
    with pytest.raises(DatasetFailed, match="took too long"):
        examples.draw(dataset, Wanted(augmentations=Augmentations()))


def test_a_process_that_fails_is_told_in_words(dataset, monkeypatch):
    failed = subprocess.CalledProcessError(1, "python")

    def run(*_: object, **__: object) -> None:
        raise failed

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(DatasetFailed, match="No examples can be drawn"):
        examples.draw(dataset, Wanted(augmentations=Augmentations()))
