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

from pydantic import field_validator, model_validator

from netloom.datasets.build import CreateDb
from netloom.datasets.fields import DatasetFields
from netloom.datasets.folders import CheckPath, wrong_with
from netloom.datasets.parse import ParseFolder
from netloom.errors import InvalidOptions
from netloom.images import Preprocessing
from netloom.interfaces.job import Needs, StepPlan
from netloom.interfaces.options import FieldError
from netloom.interfaces.source import SPLITS, SplitName

_FOLDERS: tuple[SplitName, ...] = ("val", "test")


class ClassificationDataset(DatasetFields):
    """A dataset of images that each belong to one class."""

    type: ClassVar[str] = "Image Classification Dataset"

    @classmethod
    def from_form(cls, values: Mapping[str, Any], *, check_path: CheckPath | None = None) -> Self:
        """
        Return the options of a form; raise InvalidOptions with every field that is wrong.

        `check_path` is the caller's rule on which server paths a user may read.
        """
        options, errors = None, {}
        try:
            options = super().from_form(_that_count(values))
        except InvalidOptions as error:
            errors = error.errors
        for name in _folder_fields(values):
            if name not in errors and (reason := wrong_with(values.get(name), check_path)):
                errors[name] = [reason]
        if "method" in errors:  # the fields of one method say nothing about another
            errors = {name: texts for name, texts in errors.items() if "folder" not in name}
        if errors or options is None:
            raise InvalidOptions(errors)
        return options

    @field_validator("resize_channels", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("method", mode="before")
    @classmethod
    def _known_method(cls, value: object) -> object:
        return _available(value, ("textfile", "s3"), "Datasets by {!r}", "folder")

    @field_validator("backend", mode="before")
    @classmethod
    def _known_backend(cls, value: object) -> object:
        return _available(value, ("hdf5",), "{!r} databases", "lmdb")

    @model_validator(mode="after")
    def _shares_leave_training(self) -> Self:
        val, test = self._percentages()
        if val + test >= 100:
            raise FieldError(
                "folder_pct_val" if val else "folder_pct_test",
                f"{val} % for validation and {test} % for testing leave nothing to train on."
                " Lower one of them.",
            )
        return self

    @model_validator(mode="after")
    def _maximum_above_minimum(self) -> Self:
        for split in SPLITS:
            minimum, maximum = self._limits(split)
            if maximum is not None and maximum < minimum:
                raise FieldError(
                    f"folder_{split}_max_per_class",
                    f"Must not be below the minimum, which is {minimum}.",
                )
        return self

    def preprocessing(self) -> Preprocessing:
        """Return how the images are decoded, resized and stored."""
        return Preprocessing(
            width=self.resize_width,
            height=self.resize_height,
            channels=3 if self.resize_channels == "3" else 1,
            resize_mode=self.resize_mode,
            stored=self.encoding,
        )

    def plan(self) -> list[StepPlan]:
        """Return the steps: parse each folder, then create one database per split."""
        seed = random.SystemRandom().getrandbits(32) if self.seed is None else self.seed
        parses = [self._parse("train", self._shares(), seed)]
        for split in _FOLDERS:
            if self._has_folder(split):
                parses.append(self._parse(split, {split: 100}, seed, parents=(parses[0].key,)))
        return parses + self._create_dbs(parses, seed)

    def _parse(
        self,
        folder: SplitName,
        shares: dict[SplitName, int],
        seed: int,
        parents: tuple[str, ...] = (),
    ) -> StepPlan:
        minimum, maximum = self._limits(folder)
        return StepPlan(
            key=f"parse-folder-{'-'.join(shares)}",
            title=f"Parse Folder ({'/'.join(shares)})",
            step=ParseFolder(
                source_options={"root": getattr(self, f"folder_{folder}")},
                shares=shares,
                minimum=minimum,
                maximum=maximum,
                seed=seed,
            ),
            parents=parents,
            needs=Needs(pool="parse_folder_task_pool"),
        )

    def _create_dbs(self, parses: list[StepPlan], seed: int) -> list[StepPlan]:
        listed = {
            split: (plan.key, plan.step.source_options)
            for plan in parses
            if isinstance(plan.step, ParseFolder)
            for split in plan.step.shares
        }
        splits = tuple(split for split in SPLITS if split in listed)
        return [
            StepPlan(
                key=f"create_db-{split}",
                title=f"Create DB ({split})",
                step=CreateDb(
                    split=split,
                    splits=splits,
                    preprocessing=self.preprocessing(),
                    source_options=listed[split][1],
                    seed=seed,
                ),
                parents=(listed[split][0],),
                needs=Needs(pool="create_db_task_pool"),
            )
            for split in splits
        ]

    def _shares(self) -> dict[SplitName, int]:
        val, test = self._percentages()
        shares: dict[SplitName, int] = {"train": 100 - val - test, "val": val, "test": test}
        return {split: share for split, share in shares.items() if share}

    def _percentages(self) -> tuple[int, int]:
        """Return the shares taken from the training folder; a separate folder makes them 0."""
        return (
            0 if self.has_val_folder else self.folder_pct_val,
            0 if self.has_test_folder else self.folder_pct_test,
        )

    def _limits(self, folder: SplitName) -> tuple[int, int | None]:
        minimum: int | None = getattr(self, f"folder_{folder}_min_per_class")
        maximum: int | None = getattr(self, f"folder_{folder}_max_per_class")
        used = folder == "train" or self._has_folder(folder)
        return (minimum or 1, maximum) if used else (1, None)

    def _has_folder(self, split: SplitName) -> bool:
        return bool(getattr(self, f"has_{split}_folder"))


def _available(value: object, later: tuple[str, ...], what: str, now: str) -> object:
    if value in later:
        raise ValueError(f"{what.format(value)} are not available yet. Available: {now}.")
    return value


def _is_on(values: Mapping[str, Any], name: str) -> bool:
    return str(values.get(name, "")).strip().lower() not in ("", "0", "false", "no", "off", "none")


def _that_count(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the fields of separate folders that are not used: they are not checked at all."""
    unused = [f"folder_{split}" for split in _FOLDERS if not _is_on(values, f"has_{split}_folder")]
    return {
        name: value
        for name, value in values.items()
        if not any(name == prefix or name.startswith(f"{prefix}_") for prefix in unused)
    }


def _folder_fields(values: Mapping[str, Any]) -> list[str]:
    used = [split for split in _FOLDERS if _is_on(values, f"has_{split}_folder")]
    return ["folder_train", *(f"folder_{split}" for split in used)]
