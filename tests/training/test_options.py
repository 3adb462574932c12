"""The options of a model: fields, sweeps, and what is refused with which words."""

from __future__ import annotations

from typing import Any

import pytest

from netloom.errors import InvalidOptions
from netloom.training import ClassificationModel, Train
from netloom.training.refinements import Refinements

BASIC = {"dataset": "20260101-101500-0a1b", "model_name": "net", "standard_networks": "lenet"}


def options(**fields: Any) -> ClassificationModel:
    return ClassificationModel.from_form({**BASIC, **fields})


def train(**fields: Any) -> Train:
    (part,) = options(**fields).plan()
    assert isinstance(part.step, Train)
    return part.step


def test_defaults_are_those_that_scripts_expect():
    chosen = ClassificationModel.from_form({"dataset": "d", "model_name": "m", "shuffle": "y"})
    assert chosen.standard_networks == "alexnet"
    assert (chosen.train_epochs, chosen.snapshot_interval, chosen.val_interval) == (30, 1, 1)
    assert (chosen.learning_rate, chosen.lr_policy, chosen.solver_type) == ((0.01,), "step", "SGD")
    assert (chosen.batch_size, chosen.crop_size, chosen.use_mean) == (None, None, "image")
    assert (chosen.rms_decay, chosen.lr_step_size, chosen.lr_step_gamma) == (0.99, 33, 0.1)
    assert chosen.shuffle


def test_one_model_is_one_step():
    (part,) = options(train_epochs="3", batch_size="32", random_seed="7", shuffle="on").plan()
    assert (part.key, part.title, part.needs.gpus) == ("train", "Train Model", 1)
    step = part.step
    assert isinstance(step, Train)
    assert (step.epochs, step.batch_size, step.seed, step.repeatable) == (3, 32, 7, True)
    assert "class" in step.network or "def build(p)" in step.network
    assert type(step).model_validate(step.model_dump(mode="json")) == step


def test_a_blank_seed_is_drawn_and_kept():
    first, second = train(), train()
    assert first.seed != second.seed
    assert not first.repeatable
    assert "GOMP_SPINCOUNT" in first.environment()


def test_lists_make_one_model_per_combination():
    swept = options(learning_rate="[0.01, 0.1]", batch_size="16,32").expand()
    assert [(one.model_name, one.batch_size, one.learning_rate) for one in swept] == [
        ("net learning_rate:0.01 batch_size:16", (16,), (0.01,)),
        ("net learning_rate:0.1 batch_size:16", (16,), (0.1,)),
        ("net learning_rate:0.01 batch_size:32", (32,), (0.01,)),
        ("net learning_rate:0.1 batch_size:32", (32,), (0.1,)),
    ]
    (single,) = options(learning_rate=0.5, batch_size=[8]).expand()
    assert (single.model_name, single.learning_rate, single.batch_size) == ("net", (0.5,), (8,))
    assert options(batch_size=[4, 8], learning_rate=[0.5]).expand()[1].model_name == (
        "net batch_size:8"
    )


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"dataset": " "}, "This field is required."),
        ({"train_epochs": "0"}, "Must be at least 1."),
        ({"train_epochs": "many"}, "'many' is not a whole number."),
        ({"snapshot_interval": "-1"}, "Must be at least 0."),
        ({"snapshot_interval": "0.0001"}, "Must be 0 or at least 0.001."),
        ({"val_interval": "x"}, "'x' is not a number."),
        ({"random_seed": "-1"}, "Must be at least 0."),
        ({"batch_size": "16,0"}, "0 is out of range: each value must be from 1 to 1e+06."),
        ({"batch_size": "1.5"}, "'1.5' is not a whole number."),
        ({"batch_size": ["8", True]}, "True is not a number."),
        ({"batch_accumulation": "0"}, "Must be at least 1."),
        ({"solver_type": "FTRL"}, "'FTRL' is not one of: 'SGD', 'NESTEROV', 'ADAGRAD'"),
        ({"learning_rate": ""}, "This field is required."),
        ({"learning_rate": "1,x"}, "'x' is not a number."),
        ({"lr_policy": "exp", "lr_exp_gamma": "5"}, "The rate grows beyond all bounds."),
        ({"use_mean": "median"}, "'median' is not one of: 'none', 'image' or 'pixel'."),
        ({"crop_size": "0"}, "Must be at least 1."),
        ({"standard_networks": "vgg16"}, "PyTorch has no standard network 'vgg16'. There are:"),
        ({"framework": "caffe"}, "There is no 'caffe' in frameworks. Installed: pytorch."),
        ({"momentum": "0.5", "solver_type": "ADAGRAD"}, "ADAGRAD has none. Leave it blank."),
        ({"precision": "int8"}, "'int8' is not one of: 'float32' or 'bf16'."),
        ({"select_gpus_list": "0,1"}, "Training on several GPUs is not available yet."),
        ({"select_gpu_count": "2"}, "Training on several GPUs is not available yet."),
        ({"aug_flip": "left"}, "'left' is not one of: 'none', 'fliplr', 'flipud' or 'fliplrud'."),
        ({"aug_quad_rot": "rot45"}, "'rot45' is not one of: 'none', 'rot90', 'rot180' or"),
        ({"aug_rot": "181"}, "Must be at most 180."),
        ({"aug_rot": "1.5"}, "'1.5' is not a whole number."),
        ({"aug_scale": "-0.1"}, "Must be at least 0."),
        ({"aug_noise": "nan"}, "'nan' is not a number."),
        ({"aug_contrast": "6"}, "Must be at most 5."),
        ({"aug_hsv_h": "0.6"}, "Must be at most 0.5."),
        ({"class_weights": "all"}, "'all' is not one of: 'none' or 'balanced'."),
        ({"label_smoothing": "1"}, "Must be less than 1."),
        ({"mixup": "-1"}, "Must be at least 0."),
        ({"cutmix": "some"}, "'some' is not a number."),
        ({"clip_gradients": "inf"}, "'inf' is not a number."),
        ({"ema_decay": "1"}, "Must be less than 1."),
        ({"early_stopping": "1.5"}, "'1.5' is not a whole number."),
        ({"early_stopping": "3", "val_interval": "0"}, "Needs a validation interval of more"),
        ({"aug_whitening": "maybe"}, "'maybe' is neither true nor false."),
        ({"python_layer_server_file": "/a.py"}, "Python layers belong to Caffe networks"),
        ({"previous_networks": "", "method": "previous"}, "This field is required."),
        ({"pretrained_networks": "", "method": "pretrained"}, "This field is required."),
        ({"traces_interval": "5"}, "Timeline traces belong to TensorFlow"),
    ],
)
def test_what_cannot_be_used_is_named(fields, sentence):
    with pytest.raises(InvalidOptions) as caught:
        options(**fields)
    field = next(iter(fields))
    assert list(caught.value.errors) == [field]
    assert caught.value.errors[field][0].startswith(sentence)


def test_defaults_of_fields_that_do_nothing_yet_are_accepted():
    options(
        aug_flip="none",
        aug_quad_rot="none",
        aug_rot="0",
        aug_scale=0.0,
        aug_noise="0.0",
        aug_hsv_use=False,
        aug_hsv_h="0.02",
        aug_whitening="",
        python_layer_server_file="",
        traces_interval=0,
        custom_network_snapshot=" ",
        select_gpu_count="",
    )


def test_refinements_are_off_unless_asked_for():
    assert train(mixup="", ema_decay=0).refinements == train().refinements == Refinements()
    wanted = train(
        class_weights="balanced",
        label_smoothing="0.1",
        mixup="0.2",
        cutmix="1",
        clip_gradients="5",
        ema_decay="0.999",
        early_stopping="4",
    ).refinements
    assert wanted == Refinements(
        class_weights="balanced",
        label_smoothing=0.1,
        mixup=0.2,
        cutmix=1,
        largest_gradient=5,
        average_decay=0.999,
        patience=4,
    )


def test_a_custom_network_is_parsed_and_not_run():
    text = "raise SystemExit\ndef build(p):\n    pass\n"
    assert train(method="custom", custom_network=text).network == text
    for bad, sentence in [
        ("", "This field is required."),
        ("def build(p:\n    pass", "Line 1 of the network text is not Python: 'def build(p:'"),
        ("x = 1", "The network text has no function build(p)."),
    ]:
        with pytest.raises(InvalidOptions) as caught:
            options(method="custom", custom_network=bad)
        assert caught.value.errors["custom_network"][0].startswith(sentence)


def test_gpus_are_asked_for_as_chosen():
    def needs(**fields: Any) -> tuple[int, tuple[str, ...]]:
        (part,) = options(**fields).plan()
        return part.needs.gpus, part.needs.gpu_ids

    assert needs() == (1, ())
    assert needs(select_gpu="1") == (1, ("1",))
    assert needs(select_gpus=["0"]) == (1, ("0",))
    assert needs(select_gpu="0", select_gpus_list="3") == (1, ("3",))


@pytest.fixture
def stored(store, dataset, run_job):
    """A dataset of 10 x 10 images, built through the scheduler."""
    from netloom.datasets import ClassificationDataset

    chosen = ClassificationDataset.from_form(
        {
            "dataset_name": "stripes",
            "folder_train": str(dataset.parent / "images"),
            "resize_width": 10,
            "resize_height": 10,
            "seed": 1,
        }
    )
    job = run_job(chosen.plan(), options=chosen.model_dump(mode="json"))
    assert job.status == "D"
    return job


def test_models_are_trained_through_the_store(store, stored, finish):
    # Eight steps at a constant rate are enough for stripes, from whatever weights they start.
    solver = {"learning_rate": "0.00001", "lr_policy": "fixed", "random_seed": 1}
    form = {**BASIC, **solver, "dataset": stored.id, "method": "custom", "train_epochs": 2}
    form["custom_network"] = (
        "from torch import nn\n"
        "def build(p):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(300, p.classes))\n"
    )
    chosen = ClassificationModel.from_form(form)
    (job,) = chosen.submit(store, form, owner="ada")
    job = finish(job.id)
    (trained,) = job.steps
    assert (job.status, trained.error) == ("D", "")
    assert [(row.epoch, row.network) for row in store.snapshots(job.id)] == [
        (1, "snapshot_1.onnx"),
        (2, "snapshot_2.onnx"),
    ]
    curves = store.curves(job.id)
    assert curves["val", "accuracy"].count == 3
    assert trained.facts["best"]["accuracy"] > 0.5
    assert trained.facts["network"]["parameters"] == 903


def test_a_dataset_must_fit(store, stored):
    for fields, field, sentence in [
        ({"dataset": "20000101-000000-0000"}, "dataset", "There is no dataset"),
        (
            {"dataset": stored.id, "crop_size": 11},
            "crop_size",
            "A crop of 11 x 11 does not fit into the images of the dataset, which are 10 x 10.",
        ),
    ]:
        with pytest.raises(InvalidOptions) as caught:
            options(**fields).submit(store, {})
        assert caught.value.errors[field][0].startswith(sentence)
    assert store.briefs(dataset_id=stored.id) == []


def test_a_model_is_not_a_dataset(store, stored):
    (model,) = options(dataset=stored.id).submit(store, {})
    with pytest.raises(InvalidOptions, match="'net' is not an image dataset"):
        options(dataset=model.id).submit(store, {})
