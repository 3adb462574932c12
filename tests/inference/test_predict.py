"""One image and many: the same numbers, in order, in bounded memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest

from netloom import inference
from netloom.errors import ImageTooLarge, InferenceFailed, PathNotAllowed, UnreadableImage
from netloom.images import Preprocessing
from netloom.inference.predict import softmax
from netloom.interfaces.prediction import Prediction
from tests.inference.small_models import ModelMaker, card, network, png


@pytest.fixture
def predictor(make_model: ModelMaker) -> inference.Predictor:
    return inference.Predictor.open(make_model(), "snapshot_1.onnx")


def same(data: bytes) -> bytes:
    return data


def test_scores_are_shares_of_one(predictor: inference.Predictor, pictures: list[bytes]) -> None:
    prediction = predictor.classify(pictures[0])
    assert prediction.scores.dtype == np.float32
    assert prediction.scores.sum() == pytest.approx(1, abs=1e-6)
    top = prediction.top(3)
    assert [name for name, _ in top] == [f"class {n}" for n in prediction.ranking(3)]
    assert top == sorted(top, key=lambda pair: -pair[1])
    assert all(round(percent, 2) == percent for _, percent in top)


def test_scores_follow_the_preprocessing(make_model: ModelMaker, pictures: list[bytes]) -> None:
    directory = make_model()
    mean = np.random.default_rng(0).uniform(0, 255, (1, 14, 14)).astype(np.float32)
    preprocessing = Preprocessing(
        width=14, height=14, channels=1, crop_width=12, crop_height=12
    ).with_mean("image", mean)
    card(preprocessing=preprocessing).write(directory)
    predictor = inference.Predictor.open(directory, "snapshot_1.onnx")
    batch = preprocessing(pictures[0])
    assert batch.shape == (1, 1, 12, 12)
    expected = softmax(predictor.model.network.run(batch, ["output"])[0])
    np.testing.assert_array_equal(predictor.classify(pictures[0]).scores, expected[0])


@pytest.mark.parametrize("batch", ["batch", 1, 3])
def test_one_and_many_agree_to_the_last_bit(
    make_model: ModelMaker, pictures: list[bytes], batch: int | str
) -> None:
    directory = make_model(hidden=500, batch=batch)
    predictor = inference.Predictor.open(directory, "snapshot_1.onnx")
    alone = [predictor.classify(data) for data in pictures]
    for threads in (1, 3):
        many = list(predictor.classify_many(pictures, same, threads=threads))
        assert [data for data, _ in many] == pictures
        for one, (_, other) in zip(alone, many, strict=True):
            assert isinstance(other, Prediction)
            np.testing.assert_array_equal(one.scores, other.scores)
            assert one.top() == other.top()


def test_pixels_of_a_dataset_give_the_same_scores(
    predictor: inference.Predictor, pictures: list[bytes]
) -> None:
    pixels = np.stack([predictor.model.card.preprocessing.pixels(data) for data in pictures])
    for data, prediction in zip(pictures, predictor.classify_pixels(pixels), strict=True):
        np.testing.assert_array_equal(prediction.scores, predictor.classify(data).scores)


def test_bad_files_keep_their_place(
    predictor: inference.Predictor, pictures: list[bytes], tmp_path: Path
) -> None:
    (tmp_path / "good.png").write_bytes(pictures[0])
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("This is no picture.")
    (tmp_path / "cut.png").write_bytes(pictures[1][:-30])

    def read(path: Path) -> bytes:
        if path.name == "elsewhere.png":
            raise PathNotAllowed("It lies outside the data roots.")
        return path.read_bytes()

    names = ["good", "empty", "missing", "text", "elsewhere", "cut", "good"]
    paths = [tmp_path / f"{name}.png" for name in names]
    results = list(predictor.classify_many(paths, read))
    assert [path for path, _ in results] == paths
    kinds = [isinstance(result, Prediction) for _, result in results]
    assert kinds == [True, False, False, False, False, False, True]
    reasons = [str(result) for _, result in results if isinstance(result, UnreadableImage)]
    assert all(reason.endswith(".") for reason in reasons)
    assert "No such file" in reasons[1]
    assert "data roots" in reasons[3]
    assert str(tmp_path) not in " ".join(reasons)


def test_a_list_of_bad_files_only(predictor: inference.Predictor) -> None:
    results = list(predictor.classify_many([b""] * 40, same))
    assert len(results) == 40
    assert all(isinstance(result, UnreadableImage) for _, result in results)
    assert list(predictor.classify_many([], same)) == []


def test_items_are_taken_as_they_are_needed(
    predictor: inference.Predictor, pictures: list[bytes]
) -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield pictures[taken % len(pictures)]

    results = predictor.classify_many(endless(), same, threads=2)
    ahead = 4 * predictor.batch_size
    for done in range(1, 500):
        next(results)
        assert taken <= done + ahead
    threads = threading.active_count()
    results.close()
    assert threading.active_count() == threads - 2


def test_closing_early_does_not_wait_for_the_rest(
    predictor: inference.Predictor, pictures: list[bytes]
) -> None:
    read: list[int] = []

    def slow(number: int) -> bytes:
        read.append(number)
        if number >= predictor.batch_size:
            time.sleep(0.05)
        return pictures[0]

    results = predictor.classify_many(range(1000), slow, threads=1)
    next(results)
    results.close()
    assert len(read) < 2 * predictor.batch_size


def test_an_error_of_the_list_reaches_the_caller(
    predictor: inference.Predictor, pictures: list[bytes]
) -> None:
    def broken() -> Iterator[bytes]:
        yield from pictures
        raise InferenceFailed("The list broke off.")

    with pytest.raises(InferenceFailed, match="broke off"):
        list(predictor.classify_many(broken(), same))


def test_large_images_are_not_decoded(make_model: ModelMaker) -> None:
    model = inference.Model.open(make_model(), "snapshot_1.onnx")
    predictor = inference.Predictor(model, max_pixels=100)
    with pytest.raises(ImageTooLarge):
        predictor.classify(png(np.zeros((11, 11))))
    assert isinstance(predictor.classify(png(np.zeros((10, 10)))), Prediction)


def test_a_diverged_network_does_not_answer_with_nonsense(
    make_model: ModelMaker, pictures: list[bytes]
) -> None:
    directory = make_model(scale=float("nan"))
    predictor = inference.Predictor.open(directory, "snapshot_1.onnx")
    with pytest.raises(InferenceFailed, match="not a number"):
        predictor.classify(pictures[0])
    with pytest.raises(InferenceFailed, match="not a number"):
        list(predictor.classify_many(pictures, same))


def test_outputs_beyond_the_classes_are_left_out(
    make_model: ModelMaker, pictures: list[bytes]
) -> None:
    directory = make_model()
    whole = inference.Predictor.open(directory, "snapshot_1.onnx").classify(pictures[0])
    card(classes=4).write(directory)
    part = inference.Predictor.open(directory, "snapshot_1.onnx").classify(pictures[0])
    np.testing.assert_array_equal(part.scores, whole.scores[:4])
    assert len(part.top(5)) == 4


def test_probabilities_are_taken_as_they_are(tmp_path: Path, pictures: list[bytes]) -> None:
    model = network(output="logits")
    model.graph.node.append(onnx.helper.make_node("Softmax", ["logits"], ["output"]))
    model.graph.output[0].name = "output"
    onnx.save(model, tmp_path / "snapshot_1.onnx")
    card(outputs_are="probabilities").write(tmp_path)
    scores = inference.Predictor.open(tmp_path, "snapshot_1.onnx").classify(pictures[0]).scores
    assert scores.sum() == pytest.approx(1, abs=1e-6)


def test_softmax_of_large_and_of_equal_logits() -> None:
    logits = np.array([[1e4, 1e4 - 1, -1e4], [0, 0, 0]], np.float32)
    np.testing.assert_allclose(
        softmax(logits), [[0.7310586, 0.2689414, 0], [1 / 3, 1 / 3, 1 / 3]], rtol=1e-6
    )


def test_ties_go_to_the_lower_class() -> None:
    scores = np.full(4, 0.25, np.float32)
    assert Prediction(classes=("a", "b", "c", "d"), scores=scores).top(2) == [("a", 25), ("b", 25)]


def test_many_threads_may_ask_at_once(make_model: ModelMaker, pictures: list[bytes]) -> None:
    predictor = inference.Predictor.open(make_model(hidden=500), "snapshot_1.onnx")
    alone = [predictor.classify(data).scores.tobytes() for data in pictures]
    with ThreadPoolExecutor(6) as pool:
        for _ in range(5):
            answers = pool.map(lambda data: predictor.classify(data).scores.tobytes(), pictures)
            assert list(answers) == alone


def test_classes_whose_score_is_nothing_keep_their_order() -> None:
    outputs = np.array([-500, 900, -300, -400], np.float32)
    prediction = Prediction(
        classes=("a", "b", "c", "d"), scores=softmax(outputs[None])[0], outputs=outputs
    )
    assert prediction.top() == [("b", 100), ("c", 0), ("d", 0), ("a", 0)]
