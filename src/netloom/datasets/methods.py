"""
Methods: the ways to say where the images of a dataset come from, a module each.

    folder_method      a folder with one sub-folder of images per class
    textfile_method    lists of images with class numbers, and a list of class names

A method owns fields of the form and knows the steps that list its images, one list per
split. `netloom.datasets.options` puts the fields of all methods into one form; those of
the methods that were not chosen are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

from netloom.interfaces.job import StepPlan
from netloom.interfaces.source import SplitName

# The caller's rule on which server paths a user may read: raises InvalidInput
# (PathNotAllowed) for the others.
CheckPath = Callable[[str], object]
# Asks for a page on the web; raises InvalidInput that says why it cannot be had.
FetchPage = Callable[[str], object]


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file that came with a form."""

    name: str  # as its user calls it
    file: BinaryIO


@dataclass(frozen=True, kw_only=True)
class Given:
    """What came with a form besides its values."""

    check_path: CheckPath | None = None
    fetch_page: FetchPage | None = None
    files: Mapping[str, Upload] = field(default_factory=dict)  # by field


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Where the list of one split comes from, and who reads the images it names."""

    step: str  # key of the step that writes the list
    source: str  # plugin of the group netloom.sources
    source_options: dict[str, Any]  # its fields


@dataclass(frozen=True, kw_only=True)
class Listing:
    """How the lists of a dataset come about."""

    steps: list[StepPlan]  # that write the lists and labels.txt
    splits: dict[SplitName, Listed]
    shuffle: bool = True  # whether the entries of a database stand in random order


class Method(Protocol):
    """One way; works on the options of the whole form, of which it uses its own fields."""

    def owns(self, field: str) -> bool:
        """Return whether a field of the form belongs to this method."""
        ...

    def that_count(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Leave out the fields that other fields switch off: they are not checked at all."""
        ...

    def wrong(self, values: Mapping[str, Any], given: Given) -> dict[str, str]:
        """Return one sentence per field that is missing or names what cannot be read."""
        ...

    def listing(self, options: Any, seed: int, roots: tuple[str, ...] | None) -> Listing:
        """Return the steps that list the images, by the checked options.

        `roots` are the folders that may be read while they run; None means all.
        """
        ...

    def uploads(self, options: Any) -> dict[str, str]:
        """Return the fields whose uploads are used, and the name each is kept under."""
        ...


def is_on(values: Mapping[str, Any], name: str) -> bool:
    """Return whether a box is ticked, in whatever spelling."""
    return str(values.get(name, "")).strip().lower() not in ("", "0", "false", "no", "off", "none")
