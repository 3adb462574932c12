"""
The options of a classification dataset, and the steps that build it.

    form = {"dataset_name": "pets", "folder_train": "/data/pets"}
    plans = ClassificationDataset.from_form(form).plan()
    [plan.key for plan in plans]  # parse-folder-train-val, create_db-train, create_db-val
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import field_validator

from netloom.datasets.build import CreateDb
from netloom.datasets.fields import DatasetFields
from netloom.datasets.folder_method import FolderFields, FolderMethod
from netloom.datasets.folders import fetch_listing
from netloom.datasets.methods import CheckPath, FetchPage, Given, Listing, Method, Upload
from netloom.datasets.textfile_method import TextFileFields, TextFileMethod
from netloom.errors import InvalidOptions
from netloom.images import Preprocessing
from netloom.interfaces.job import Needs, StepPlan
from netloom.interfaces.options import Options

METHODS: dict[str, Method] = {"folder": FolderMethod(), "textfile": TextFileMethod()}


# The fields of the last base come first in the form.
class ClassificationDataset(TextFileFields, FolderFields, DatasetFields):
    """A dataset of images that each belong to one class."""

    type: ClassVar[str] = "Image Classification Dataset"

    @classmethod
    def from_form(
        cls,
        values: Mapping[str, Any],
        *,
        check_path: CheckPath | None = None,
        files: Mapping[str, Upload] | None = None,
        fetch_page: FetchPage = fetch_listing,
    ) -> Self:
        """
        Return the options of a form; raise InvalidOptions with every field that is wrong.

        `check_path` is the caller's rule on which server paths a user may read; `files` are
        the uploads that came with the form, by field; `fetch_page` asks for folders on the web.
        """
        given = Given(check_path=check_path, fetch_page=fetch_page, files=files or {})
        values = {**values, **_names(cls, given.files)}
        method = METHODS.get(str(values.get("method", "folder")).strip())
        others = [other for other in METHODS.values() if other is not method]
        counted = {
            name: value
            for name, value in values.items()
            if not any(other.owns(name) for other in others)
        }
        errors: dict[str, list[str]] = {}
        if method is not None:
            counted = method.that_count(counted)
            reasons = method.wrong(counted, given)
            errors = {name: [reason] for name, reason in reasons.items()}
        try:
            options = super().from_form(counted)
        except InvalidOptions as error:
            errors |= error.errors
        if errors:
            raise InvalidOptions(errors)
        return options

    @field_validator("resize_channels", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("method", mode="before")
    @classmethod
    def _known_method(cls, value: object) -> object:
        return _available(value, ("s3",), "Datasets by {!r}", "folder, textfile")

    def preprocessing(self) -> Preprocessing:
        """Return how the images are decoded, resized and stored."""
        return Preprocessing(
            width=self.resize_width,
            height=self.resize_height,
            channels=3 if self.resize_channels == "3" else 1,
            resize_mode=self.resize_mode,
            stored=self.encoding,
        )

    def remembered(self) -> dict[str, Any]:
        """Return what a clone takes over: everything but uploads."""
        return self.model_dump(mode="json", exclude=set(self.uploads()))

    def uploads(self) -> dict[str, str]:
        """Return the fields whose uploads are used, and the name each is kept under."""
        return METHODS[self.method].uploads(self)

    def plan(self, *, roots: tuple[str, ...] | None = None) -> list[StepPlan]:
        """
        Return the steps: list the images, then create one database per split.

        `roots` are the folders from which images named by lists may be read; None means all.
        """
        seed = random.SystemRandom().getrandbits(32) if self.seed is None else self.seed
        listing = METHODS[self.method].listing(self, seed, roots)
        return listing.steps + self._create_dbs(listing, seed)

    def _create_dbs(self, listing: Listing, seed: int) -> list[StepPlan]:
        return [
            StepPlan(
                key=f"create_db-{split}",
                title=f"Create DB ({split})",
                step=CreateDb(
                    split=split,
                    splits=tuple(listing.splits),
                    preprocessing=self.preprocessing(),
                    backend=self.backend,
                    compression=self.compression,
                    source=listed.source,
                    source_options=listed.source_options,
                    shuffle=listing.shuffle,
                    seed=seed,
                ),
                parents=(listed.step,),
                needs=Needs(pool="create_db_task_pool"),
            )
            for split, listed in listing.splits.items()
        ]


def _names(options: type[Options], files: Mapping[str, Upload]) -> dict[str, str]:
    """Return the values of the upload fields: what their users call the files."""
    uploads = [field.name for field in options.describe() if field.extra.get("format") == "binary"]
    return {name: files[name].name for name in uploads if name in files}


def _available(value: object, later: tuple[str, ...], what: str, now: str) -> object:
    if value in later:
        raise ValueError(f"{what.format(value)} are not available yet. Available: {now}.")
    return value
