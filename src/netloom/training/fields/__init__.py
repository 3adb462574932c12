"""
The fields of the form of a new model, one module per idea.

    network       the name, the dataset and the network
    solver        epochs, intervals, batches and the optimiser
    rate          the learning rate and its policy
    transform     crop and mean
    augmentation  how training images are varied
    refinement    class weights, label smoothing, mixing, averages, early stopping
    device        GPUs and memory
    numbers       lists of numbers, as forms spell them

`netloom.training.options` puts them together and checks what concerns several of them.
Names, defaults and limits are those that existing scripts send.
"""

from netloom.training.fields.augmentation import AugmentationFields
from netloom.training.fields.device import DeviceFields
from netloom.training.fields.network import NameFields, NetworkFields
from netloom.training.fields.rate import RateFields
from netloom.training.fields.refinement import RefinementFields
from netloom.training.fields.solver import SolverFields
from netloom.training.fields.transform import TransformFields

__all__ = [
    "AugmentationFields",
    "DeviceFields",
    "NameFields",
    "NetworkFields",
    "RateFields",
    "RefinementFields",
    "SolverFields",
    "TransformFields",
]
