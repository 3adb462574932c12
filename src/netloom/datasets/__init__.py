"""
Datasets: from images to databases that training reads.

    options      what a user chooses, and the steps that follow from it
    methods      the ways to say where images come from, a module each
    parse        list the images of a source, divided into splits
    build        write the database of a split
    manifest     what a built dataset says about itself
    reader       random access to the samples; `open_database` for databases of other programs
    failures     the files that could not be read, with reasons
    download     well-known datasets as folders of images
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netloom.datasets.build import CreateDb
    from netloom.datasets.caffe_database import open_database
    from netloom.datasets.failures import unreadable
    from netloom.datasets.manifest import Manifest, SplitInfo
    from netloom.datasets.options import ClassificationDataset
    from netloom.datasets.parse import ParseFolder
    from netloom.datasets.reader import Dataset, PageEntry, Split, open  # noqa: A004

_MODULES = {
    "ClassificationDataset": "options",
    "CreateDb": "build",
    "Dataset": "reader",
    "Manifest": "manifest",
    "PageEntry": "reader",
    "ParseFolder": "parse",
    "Split": "reader",
    "SplitInfo": "manifest",
    "open": "reader",
    "open_database": "caffe_database",
    "unreadable": "failures",
}

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
    "open_database",
    "unreadable",
]


def __getattr__(name: str) -> Any:
    # Imported when first used: each build starts encoder processes, which need none of it.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
