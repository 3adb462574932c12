"""From a model and images to predictions; needs no torch."""

from netloom.inference.archive import members
from netloom.inference.best import TopN, tiled
from netloom.inference.evaluate import Evaluation, evaluate_split
from netloom.inference.listing import Entry, Reader, check_list, read_list
from netloom.inference.model import Model
from netloom.inference.packing import FORMATS, pack
from netloom.inference.predict import Predictor
from netloom.inference.session import Sessions

__all__ = [
    "FORMATS",
    "Entry",
    "Evaluation",
    "Model",
    "Predictor",
    "Reader",
    "Sessions",
    "TopN",
    "check_list",
    "evaluate_split",
    "members",
    "pack",
    "read_list",
    "tiled",
]
