"""
The folder method: one sub-folder of images per class, for training and, if wanted, for
validation and test. Splits without a folder of their own take a share of the training one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from netloom.datasets.folders import wrong_with
from netloom.datasets.methods import Given, Listed, Listing, is_on
from netloom.datasets.parse import ParseFolder
from netloom.images import is_url
from netloom.interfaces.job import Needs, StepPlan
from netloom.interfaces.options import FieldError, Options
from netloom.interfaces.source import SPLITS, SplitName

_SEPARATE: tuple[SplitName, ...] = ("val", "test")


def _folder(split: str, **extra: Any) -> dict[str, Any]:
    return {"group": f"{split} folder", "when": {"method": "folder"}, **extra}


def _minimum(folder: str) -> Any:
    return Field(
        2,
        ge=1,
        title="Minimum samples per class",
        description="Classes with fewer images are left out",
        json_schema_extra=_folder(folder, advanced=True),
    )


def _maximum(folder: str) -> Any:
    return Field(
        None,
        ge=1,
        title="Maximum samples per class",
        description="Further images of a class are left out",
        json_schema_extra=_folder(folder, advanced=True),
    )


def _separate(images: str) -> Any:
    return Field(
        False,
        title=f"Separate {images} images folder",
        description=f"Take {images} images from a folder of their own",
    )


def _separate_folder(folder: str) -> Any:
    return Field(
        "",
        title=f"{folder} images",
        description="Folder on the server with sub-folders named like the training ones",
        json_schema_extra=_folder(folder, widget="path"),
    )


class FolderFields(Options):
    """The fields of the folder method."""

    folder_train: str = Field(
        "",
        title="Training images",
        description="Folder with one sub-folder of images per class: a server path or a URL",
        json_schema_extra=_folder("Training", widget="path", required=True),
    )
    folder_pct_val: int = Field(
        25,
        ge=0,
        le=100,
        title="For validation",
        description="Share of the images moved to validation",
        json_schema_extra=_folder("Training", unit="%"),
    )
    folder_pct_test: int = Field(
        0,
        ge=0,
        le=100,
        title="For testing",
        description="Share of the images moved to the test split",
        json_schema_extra=_folder("Training", unit="%"),
    )
    folder_train_min_per_class: int | None = _minimum("Training")
    folder_train_max_per_class: int | None = _maximum("Training")

    has_val_folder: bool = _separate("validation")
    folder_val: str = _separate_folder("Validation")
    folder_val_min_per_class: int | None = _minimum("Validation")
    folder_val_max_per_class: int | None = _maximum("Validation")

    has_test_folder: bool = _separate("test")
    folder_test: str = _separate_folder("Test")
    folder_test_min_per_class: int | None = _minimum("Test")
    folder_test_max_per_class: int | None = _maximum("Test")

    @model_validator(mode="after")
    def _shares_leave_training(self) -> FolderFields:
        val, test = _percentages(self)
        if val + test >= 100:
            raise FieldError(
                "folder_pct_val" if val else "folder_pct_test",
                f"{val} % for validation and {test} % for testing leave nothing to train on."
                " Lower one of them.",
            )
        return self

    @model_validator(mode="after")
    def _maximum_above_minimum(self) -> FolderFields:
        for split in SPLITS:
            minimum, maximum = _limits(self, split)
            if maximum is not None and maximum < minimum:
                raise FieldError(
                    f"folder_{split}_max_per_class",
                    f"Must not be below the minimum, which is {minimum}.",
                )
        return self


class FolderMethod:
    """Parses each folder, the training one first."""

    def owns(self, field: str) -> bool:
        """Return whether a field of the form belongs to this method."""
        return field in FolderFields.model_fields

    def that_count(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Leave out the fields of separate folders that are not used."""
        unused = [f"folder_{name}" for name in _SEPARATE if not is_on(values, f"has_{name}_folder")]
        return {
            name: value
            for name, value in values.items()
            if not any(name == prefix or name.startswith(f"{prefix}_") for prefix in unused)
        }

    def wrong(self, values: Mapping[str, Any], given: Given) -> dict[str, str]:
        """Return one sentence per folder that is missing or cannot be read."""
        used = [split for split in _SEPARATE if is_on(values, f"has_{split}_folder")]
        names = ["folder_train", *(f"folder_{split}" for split in used)]
        reasons = {
            name: wrong_with(values.get(name), given.check_path, given.fetch_page) for name in names
        }
        return {name: reason for name, reason in reasons.items() if reason}

    def uploads(self, options: FolderFields) -> dict[str, str]:
        """Return the fields whose uploads are used: none."""
        return {}

    def listing(self, options: FolderFields, seed: int, roots: tuple[str, ...] | None) -> Listing:
        """Return the steps that parse the folders; these were checked, so `roots` is not asked."""
        parses = [_parse(options, "train", _shares(options), seed)]
        for split in _SEPARATE:
            if _has_folder(options, split):
                parses.append(_parse(options, split, {split: 100}, seed, (parses[0].key,)))
        listed = {
            split: Listed(
                step=plan.key, source=plan.step.source, source_options=plan.step.source_options
            )
            for plan in parses
            if isinstance(plan.step, ParseFolder)
            for split in plan.step.shares
        }
        return Listing(
            steps=parses, splits={split: listed[split] for split in SPLITS if split in listed}
        )


def _parse(
    options: FolderFields,
    folder: SplitName,
    shares: dict[SplitName, int],
    seed: int,
    parents: tuple[str, ...] = (),
) -> StepPlan:
    minimum, maximum = _limits(options, folder)
    root = str(getattr(options, f"folder_{folder}"))
    return StepPlan(
        key=f"parse-folder-{'-'.join(shares)}",
        title=f"Parse Folder ({'/'.join(shares)})",
        step=ParseFolder(
            source="webfolder" if is_url(root) else "folder",
            source_options={"root": root},
            shares=shares,
            minimum=minimum,
            maximum=maximum,
            seed=seed,
        ),
        parents=parents,
        needs=Needs(pool="parse_folder_task_pool"),
    )


def _shares(options: FolderFields) -> dict[SplitName, int]:
    val, test = _percentages(options)
    shares: dict[SplitName, int] = {"train": 100 - val - test, "val": val, "test": test}
    return {split: share for split, share in shares.items() if share}


def _percentages(options: FolderFields) -> tuple[int, int]:
    """Return the shares taken from the training folder; a separate folder makes them 0."""
    return (
        0 if options.has_val_folder else options.folder_pct_val,
        0 if options.has_test_folder else options.folder_pct_test,
    )


def _limits(options: FolderFields, folder: SplitName) -> tuple[int, int | None]:
    minimum: int | None = getattr(options, f"folder_{folder}_min_per_class")
    maximum: int | None = getattr(options, f"folder_{folder}_max_per_class")
    used = folder == "train" or _has_folder(options, folder)
    return (minimum or 1, maximum) if used else (1, None)


def _has_folder(options: FolderFields, split: SplitName) -> bool:
    return bool(getattr(options, f"has_{split}_folder"))
