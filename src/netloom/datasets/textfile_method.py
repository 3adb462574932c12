"""
The text file method: a list of images with class numbers per split, and a list of names.

The lists are uploads, or lie on the server within the data roots; uploads are kept in the
directory of the job. Relative paths in a list start at the image folder beside it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Literal

from pydantic import Field, field_validator

from netloom.datasets.folders import wrong_with
from netloom.datasets.methods import Given, Listed, Listing, is_on
from netloom.datasets.textfile_lines import read_names
from netloom.datasets.textfile_parse import ListFile, ReadLists, open_list
from netloom.errors import DatasetFailed, InvalidInput
from netloom.interfaces.job import Needs, StepPlan
from netloom.interfaces.options import MISSING, Options
from netloom.interfaces.source import SPLITS, SplitName

LOCAL = "textfile_use_local_files"
LABELS = "textfile_labels_file"
UPLOADS = {  # field: name under which the upload is kept with the job
    "textfile_train_images": "uploaded_train.txt",
    "textfile_val_images": "uploaded_val.txt",
    "textfile_test_images": "uploaded_test.txt",
    LABELS: "uploaded_labels.txt",
}
_OPTIONAL: tuple[SplitName, ...] = ("val", "test")
_HEAD = 65_536  # bytes of an upload that are looked at before the job begins


def _of(split: str, **extra: Any) -> dict[str, Any]:
    when = {"textfile_use_" + split: "true"} if split in _OPTIONAL else {}
    local = {LOCAL: extra.pop("local")} if "local" in extra else {}
    return {"group": "Text files", "when": {"method": "textfile", **when, **local}, **extra}


def _upload(split: str) -> dict[str, Any]:
    return _of(split, local="", widget="file", format="binary", required=True)


def _path(split: str) -> dict[str, Any]:
    return _of(split, local="true", widget="path", required=True)


def _list(split: str, word: str, given: Callable[[str], dict[str, Any]]) -> Any:
    lines = "Lines like those of the training list"
    if split == "train":
        lines = "One image per line: a path or URL, a blank and its class number"
    return Field("", title=f"{word} list", description=lines, json_schema_extra=given(split))


def _image_folder(split: str, word: str) -> Any:
    return Field(
        "",
        title=f"{word} image folder",
        description="Where relative paths of the list start; may stay empty",
        json_schema_extra=_of(split, widget="path"),
    )


class TextFileFields(Options):
    """The fields of the text file method. The value of an upload is the name of its file."""

    textfile_use_local_files: bool = Field(
        False,
        title="The lists lie on the server",
        description="Give paths on the server instead of uploading files",
        json_schema_extra=_of(""),
    )
    textfile_train_images: str = _list("train", "Training", _upload)
    textfile_local_train_images: str = _list("train", "Training", _path)
    textfile_train_folder: str = _image_folder("train", "Training")
    textfile_use_val: bool = Field(
        True,
        title="Use a validation list",
        description="Look at images of a list of their own while training",
        json_schema_extra=_of(""),
    )
    textfile_val_images: str = _list("val", "Validation", _upload)
    textfile_local_val_images: str = _list("val", "Validation", _path)
    textfile_val_folder: str = _image_folder("val", "Validation")
    textfile_use_test: bool = Field(
        False,
        title="Use a test list",
        description="Keep images of a list of their own for the test split",
        json_schema_extra=_of(""),
    )
    textfile_test_images: str = _list("test", "Test", _upload)
    textfile_local_test_images: str = _list("test", "Test", _path)
    textfile_test_folder: str = _image_folder("test", "Test")
    textfile_shuffle: Literal["1", "0"] = Field(
        "1",
        title="Shuffle lines",
        description="Whether the entries stand in random order, or in that of the lists",
        json_schema_extra=_of("", choices={"1": "Yes", "0": "No"}),
    )
    textfile_labels_file: str = Field(
        "",
        title="Labels",
        description="One class name per line; that of class 0 comes first",
        json_schema_extra=_upload(""),
    )
    textfile_local_labels_file: str = Field(
        "",
        title="Labels",
        description="One class name per line; that of class 0 comes first",
        json_schema_extra=_path(""),
    )

    @field_validator("textfile_shuffle", mode="before")
    @classmethod
    def _as_digit(cls, value: object) -> object:
        if isinstance(value, bool | int) and value in (0, 1):
            return str(int(value))
        return value


class TextFileMethod:
    """Reads the lists in one step."""

    def owns(self, field: str) -> bool:
        """Return whether a field of the form belongs to this method."""
        return field in TextFileFields.model_fields

    def that_count(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Leave out the lists that are not used, and uploads or paths, whichever do not count."""
        unused = {f"textfile_{kind}" for kind in _others(is_on(values, LOCAL))}
        for split in _OPTIONAL:
            if not is_on(values, f"textfile_use_{split}"):
                unused |= {f"textfile_{split}_images", f"textfile_local_{split}_images"}
                unused.add(f"textfile_{split}_folder")
        return {name: value for name, value in values.items() if name not in unused}

    def wrong(self, values: Mapping[str, Any], given: Given) -> dict[str, str]:
        """Return one sentence per list or folder that is missing or cannot be read."""
        local = is_on(values, LOCAL)
        errors: dict[str, str] = {}
        for split in ("train", *(s for s in _OPTIONAL if is_on(values, f"textfile_use_{s}"))):
            field, folder = _field(f"{split}_images", local), f"textfile_{split}_folder"
            errors[field] = _wrong_list(field, values, given, local, names=False)
            if str(values.get(folder) or "").strip():
                errors[folder] = wrong_with(values[folder], given.check_path)
        field = _field("labels_file", local)
        errors[field] = _wrong_list(field, values, given, local, names=True)
        return {name: reason for name, reason in errors.items() if reason}

    def listing(self, options: TextFileFields, seed: int, roots: tuple[str, ...] | None) -> Listing:
        """Return the step that reads the lists."""
        splits = tuple(
            split
            for split in SPLITS
            if split == "train" or getattr(options, f"textfile_use_{split}")
        )
        step = StepPlan(
            key="read-lists",
            title=f"Read Lists ({'/'.join(splits)})",
            step=ReadLists(
                lists={split: _list_file(options, f"{split}_images", split) for split in splits},
                labels=_list_file(options, "labels_file"),
                roots=roots,
            ),
            needs=Needs(pool="parse_folder_task_pool"),
        )
        within = {"roots": None if roots is None else list(roots)}
        listed = Listed(step=step.key, source="textfile", source_options=within)
        return Listing(
            steps=[step],
            splits=dict.fromkeys(splits, listed),
            shuffle=options.textfile_shuffle == "1",
        )

    def uploads(self, options: TextFileFields) -> dict[str, str]:
        """Return the fields whose uploads are used, and the name each is kept under."""
        return {field: name for field, name in UPLOADS.items() if getattr(options, field)}


def _others(local: bool) -> list[str]:
    """Return the kinds of the fields that do not count beside the chosen ones."""
    if local:
        return [field.removeprefix("textfile_") for field in UPLOADS]
    return [*(f"local_{split}_images" for split in SPLITS), "local_labels_file"]


def _field(kind: str, local: bool) -> str:
    return f"textfile_{'local_' if local else ''}{kind}"


def _list_file(options: TextFileFields, kind: str, split: str = "") -> ListFile:
    field = _field(kind, options.textfile_use_local_files)
    value = str(getattr(options, field))
    return ListFile(
        path=UPLOADS.get(field, value),
        field=field,
        folder=getattr(options, f"textfile_{split}_folder") if split else "",
        shown=value,
    )


def _wrong_list(
    field: str, values: Mapping[str, Any], given: Given, local: bool, *, names: bool
) -> str:
    """Return one sentence on why a list cannot be used, or nothing."""
    try:
        if not local:
            return _wrong_upload(field, values, given, names)
        path = values.get(field)
        if not isinstance(path, str) or not path.strip():
            return MISSING
        if "\0" in path or not os.path.isabs(path):
            return f"{path!r} is not an absolute path. It must start with '/'."
        if given.check_path is not None:
            given.check_path(path)
        with open_list(Path(path)) as file:
            _look(file, names)
    except InvalidInput as error:
        return str(error)
    except DatasetFailed as error:
        return str(error)
    except OSError as error:
        return f"The file cannot be read: {error.strerror}."
    return ""


def _wrong_upload(field: str, values: Mapping[str, Any], given: Given, names: bool) -> str:
    file = given.files.get(field)
    if file is None:
        if values.get(field):
            other = field.replace("textfile_", "textfile_local_")
            return (
                "This must be an upload. For a file on the server set textfile_use_local_files"
                f" and give its path in {other}."
            )
        return "Choose a file. Uploads are not remembered with a job."
    _look(file.file, names)
    return ""


def _look(file: BinaryIO, names: bool) -> None:
    """Raise DatasetFailed for what is no list; long ones are read whole only by their step."""
    file.seek(0)
    try:
        if names:
            read_names(file)
            return
        head = file.read(_HEAD)
    finally:
        file.seek(0)
    if not head.strip():
        raise DatasetFailed("The file is empty.", hint="Write one image per line.")
    if b"\0" in head:
        raise DatasetFailed("This is not a text file.", hint="Save it as plain text in UTF-8.")
