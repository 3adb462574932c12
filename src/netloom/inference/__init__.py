"""From a model and images to predictions; needs no torch."""

from netloom.inference.best import TopN, tiled
from netloom.inference.evaluate import Evaluation, evaluate_split
from netloom.inference.listing import Entry, Reader, check_list, is_url, read_list
from netloom.inference.model import Model
from netloom.inference.predict import Predictor
from netloom.inference.session import Sessions

__all__ = [
    "Entry",
    "Evaluation",
    "Model",
    "Predictor",
    "Reader",
    "Sessions",
    "TopN",
    "check_list",
    "evaluate_split",
    "is_url",
    "read_list",
    "tiled",
]
