"""
Training: from a dataset and a network text to a model.

    options      what a user chooses, and the jobs that follow from it
    rates        the seven learning-rate policies; no torch
    job          the step `train`, in a worker process
    data         batches from memory or from disk
    loop         the training itself
    pretrained   networks and weights kept to start from
    optimisers   the solvers
    origins      which text and which weights the options mean
    initial      starting from given weights, layer by layer
    weights      files of weights, checked and read
    again        more epochs for a model that is done
    checkpoint   everything a restart needs
    export       from weights to ONNX, checked on real samples
    threads      how many cores to use beside other work

Nothing here imports torch before a step runs. By hand:

    netloom train dataset=20260105-101500-0a1b standard_networks=lenet train_epochs=3
"""

from netloom.training.again import train_on
from netloom.training.fields import RateFields
from netloom.training.job import Train
from netloom.training.options import ClassificationModel
from netloom.training.origins import paths_of, text_of, weights_in, weights_of, with_snapshot
from netloom.training.pretrained import PretrainedFields, add_pretrained, from_snapshot
from netloom.training.rates import RatePolicy

__all__ = [
    "ClassificationModel",
    "PretrainedFields",
    "RateFields",
    "RatePolicy",
    "Train",
    "add_pretrained",
    "from_snapshot",
    "paths_of",
    "text_of",
    "train_on",
    "weights_in",
    "weights_of",
    "with_snapshot",
]
