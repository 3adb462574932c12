"""Starting from given weights: what is taken over, what starts fresh, and what cannot be used."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from netloom.errors import BadWeights
from netloom.training.export import Exporter
from netloom.training.initial import Initial, take_over
from netloom.training.weights import check_weights, read_weights


@pytest.fixture
def no_export(monkeypatch):
    """Leave the export out, which takes most of the time."""
    monkeypatch.setattr(Exporter, "write", lambda *_: 0.0)


def network(classes: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(8, classes))


def test_layers_that_fit_are_taken_over_and_others_start_fresh():
    mine, theirs = network(5), network(3)
    fresh = mine[3].weight.clone()
    found = take_over(mine, theirs.state_dict())
    assert (found.taken, found.fresh) == (("0", "1"), ("3",))
    assert torch.equal(mine[0].weight, theirs[0].weight)
    assert torch.equal(mine[3].weight, fresh)


def test_a_layer_is_taken_whole_or_not_at_all():
    mine, given = network(), network().state_dict()
    given["0.bias"] = torch.zeros(5)
    del given["1.num_batches_tracked"]  # older files count no batches
    found = take_over(mine, given)
    assert (found.taken, found.fresh) == (("1", "3"), ("0",))


def test_a_training_starts_where_a_snapshot_ended(make_run, step, no_export):
    first = make_run()
    step(epochs=2).run(first)
    weights = first.directory / "snapshot_2.safetensors"
    initial = Initial(what="stripes, epoch 2", files=(str(weights),))
    second = make_run()
    step(epochs=1, rate=0, solver="ADAM", initial=initial).run(second)
    kept = load_file(second.directory / "snapshot_1.safetensors")
    learned = {k: v for k, v in load_file(weights).items() if "running" not in k and "num" not in k}
    assert all(torch.equal(kept[name], value) for name, value in learned.items())
    told = second.facts["initial"]
    assert (told["what"], told["taken"], told["layers"]) == ("stripes, epoch 2", 3, 3)
    assert ("info", "Starts from stripes, epoch 2: 3 of 3 layers taken over") in second.lines


def test_an_interrupted_training_needs_its_initial_weights_no_more(make_run, step, no_export):
    first = make_run()
    step(epochs=1).run(first)
    weights = first.directory / "snapshot_1.safetensors"
    training = step(initial=Initial(what="it", files=(str(weights),)))
    whole, broken = make_run(), make_run(stop_when=lambda run: bool(run.snapshots))
    training.run(whole)
    training.run(broken)
    weights.unlink()
    broken.stop_when = lambda run: False
    training.run(broken)
    names = [run.directory / "snapshot_3.safetensors" for run in (whole, broken)]
    assert names[0].read_bytes() == names[1].read_bytes()


def test_when_nothing_fits_a_sentence_says_so(make_run, step, tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"conv.weight": torch.zeros(2)}, path)
    with pytest.raises(BadWeights, match=r"None of the layers .* It has conv.weight"):
        step(initial=Initial(what="other.safetensors", files=(str(path),))).run(make_run())
    path.unlink()
    with pytest.raises(BadWeights, match="do not exist any more"):
        step(initial=Initial(what="other.safetensors", files=(str(path),))).run(make_run())


def test_files_of_torch_are_read_as_weights_only(tmp_path):
    state = network().state_dict()
    plain, nested = tmp_path / "plain.pt", tmp_path / "nested.pth"
    torch.save(state, plain)
    torch.save({"state_dict": {f"module.{k}": v for k, v in state.items()}, "epoch": 3}, nested)
    for path in (plain, nested):
        check_weights(path)
        assert read_weights(path).keys() == state.keys()
    whole = tmp_path / "whole.pt"
    torch.save(network(), whole)  # a module: reading it would run code
    with pytest.raises(BadWeights, match="nothing but weights"):
        read_weights(whole)


def test_a_checkpoint_gives_the_weights_of_its_network(make_run, step, no_export):
    run = make_run()
    step(epochs=1).run(run)
    names = read_weights(run.directory / "checkpoint.safetensors").keys()
    assert names == load_file(run.directory / "snapshot_1.safetensors").keys()


def damaged(folder: Path) -> dict[str, Path]:
    """Return files that are no weights, by what is said of them."""
    header = b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 800]}}'
    files = {
        "is not .safetensors or .pt or .pth": ("weights.bin", b"x"),
        "'short.safetensors' is not a safetensors": ("short.safetensors", b"\1"),
        "'long.safetensors' is not a safetensors": ("long.safetensors", b"\xff" * 20),
        "'text.safetensors' is not a safetensors": (
            "text.safetensors",
            b"\4" + b"\0" * 7 + b"[1]]",
        ),
        "'cut.safetensors' is not a safetensors": (
            "cut.safetensors",
            struct.pack("<Q", len(header)) + header + b"\0" * 8,
        ),
        "since version 1.6": ("old.pt", pickle.dumps({"a": 1})),
    }
    for name, content in files.values():
        (folder / name).write_bytes(content)
    return {said: folder / name for said, (name, _) in files.items()}


def test_what_is_no_file_of_weights_is_refused_before_it_is_read(tmp_path):
    for said, path in damaged(tmp_path).items():
        with pytest.raises(BadWeights, match=said):
            check_weights(path)
    with pytest.raises(BadWeights, match="There is no file"):
        check_weights(tmp_path)
