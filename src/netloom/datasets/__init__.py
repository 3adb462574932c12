"""
Datasets: from images to databases that training reads.

    options      what a user chooses, and the steps that follow from it
    parse        list the images of a source, divided into splits
    build        write the database of a split
    manifest     what a built dataset says about itself
    reader       random access to the samples
    unreadable   the files that could not be read, with reasons
    download     well-known datasets as folders of images
"""

from netloom.datasets.build import CreateDb
from netloom.datasets.manifest import Manifest, SplitInfo
from netloom.datasets.options import ClassificationDataset
from netloom.datasets.parse import ParseFolder
from netloom.datasets.reader import Dataset, PageEntry, Split, open  # noqa: A004
from netloom.datasets.unreadable import unreadable

__all__ = [
    "ClassificationDataset",
    "CreateDb",
    "Dataset",
    "Manifest",
    "PageEntry",
    "ParseFolder",
    "Split",
    "SplitInfo",
    "open",
    "unreadable",
]
