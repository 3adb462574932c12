"""Models kept open between requests: bounded, shared, opened once."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from netloom import inference
from netloom.errors import BadModel
from netloom.inference.model import Model
from tests.inference.small_models import ModelMaker


@dataclass
class Opener:
    """Stands for `Model.open`: counts, and can be held up."""

    opened: list[str]
    hold: threading.Event | None = None

    def __call__(self, directory: Path, file: str) -> Model:
        self.opened.append(directory.name)
        if self.hold is not None and directory.name == "slow":
            assert self.hold.wait(5)
        return Model.open(directory, file)


def test_a_model_is_opened_once(make_model: ModelMaker) -> None:
    opener = Opener([])
    sessions = inference.Sessions(2**30, open_model=opener)
    directory = make_model()
    with ThreadPoolExecutor(8) as pool:
        models = list(pool.map(lambda _: sessions.get(directory, "snapshot_1.onnx"), range(32)))
    assert opener.opened == ["model"]
    assert all(model is models[0] for model in models)
    assert sessions.bytes == models[0].bytes


def test_least_recently_used_goes_first(make_model: ModelMaker) -> None:
    opener = Opener([])
    a, b, c = make_model("a"), make_model("b"), make_model("c")
    size = Model.open(a, "snapshot_1.onnx").bytes
    sessions = inference.Sessions(2 * size, open_model=opener)
    for directory in (a, b, a, c, a, b):
        sessions.get(directory, "snapshot_1.onnx")
    assert opener.opened == ["a", "b", "c", "b"]
    assert len(sessions) == 2
    assert sessions.bytes <= 2 * size


def test_one_model_stays_even_above_the_limit(make_model: ModelMaker) -> None:
    opener = Opener([])
    sessions = inference.Sessions(1, open_model=opener)
    a, b = make_model("a"), make_model("b")
    for directory in (a, a, b, b):
        sessions.get(directory, "snapshot_1.onnx")
    assert opener.opened == ["a", "b"]
    assert len(sessions) == 1


def test_others_are_answered_while_one_loads(make_model: ModelMaker) -> None:
    opener = Opener([], hold=threading.Event())
    sessions = inference.Sessions(2**30, open_model=opener)
    slow, quick = make_model("slow"), make_model("quick")
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(sessions.get, slow, "snapshot_1.onnx") for _ in range(2)]
        try:
            assert sessions.get(quick, "snapshot_1.onnx").card.classes
            assert not any(future.done() for future in waiting)
        finally:
            assert opener.hold is not None
            opener.hold.set()
        assert waiting[0].result() is waiting[1].result()
    assert opener.opened.count("slow") == 1


def test_a_model_that_changed_is_opened_anew(make_model: ModelMaker) -> None:
    sessions = inference.Sessions(2**30)
    directory = make_model()
    first = sessions.get(directory, "snapshot_1.onnx")
    later = time.time() + 10
    os.utime(directory / "snapshot_1.onnx", (later, later))
    assert sessions.get(directory, "snapshot_1.onnx") is not first
    assert len(sessions) == 1


def test_a_failed_load_is_tried_again(make_model: ModelMaker) -> None:
    sessions = inference.Sessions(2**30)
    directory = make_model()
    good = (directory / "snapshot_1.onnx").read_bytes()
    (directory / "snapshot_1.onnx").write_bytes(b"damaged")
    for _ in range(2):
        with pytest.raises(BadModel, match="cannot be opened"):
            sessions.get(directory, "snapshot_1.onnx")
    assert len(sessions) == 0
    (directory / "snapshot_1.onnx").write_bytes(good)
    assert sessions.get(directory, "snapshot_1.onnx").card.classes


@pytest.mark.parametrize("missing", ["snapshot_1.onnx", "model.json"])
def test_a_missing_file_is_named(make_model: ModelMaker, missing: str) -> None:
    directory = make_model()
    (directory / missing).unlink()
    with pytest.raises(BadModel, match=f"'model' has no file '{missing}'"):
        inference.Sessions(2**30).get(directory, "snapshot_1.onnx")


def test_a_deleted_model_is_forgotten(make_model: ModelMaker) -> None:
    sessions = inference.Sessions(2**30)
    directory = make_model()
    sessions.get(directory, "snapshot_1.onnx")
    sessions.forget(directory)
    assert len(sessions) == 0
    assert sessions.bytes == 0
