"""Options: how a form or a JSON body becomes typed fields, and what it says when it cannot."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import Field, model_validator

from netloom.errors import InvalidOptions
from netloom.interfaces.options import FieldError, Options


class Photo(Options):
    name: str = Field(description="Name of the photo", max_length=20)
    width: int = Field(256, ge=1, json_schema_extra={"group": "Image", "unit": "px"})
    most: int | None = Field(None, ge=1)
    share: float = Field(25, ge=0, le=100)
    mode: Literal["crop", "squash"] = "squash"
    grey: bool = True
    folder: str = ""

    @model_validator(mode="after")
    def _not_too_wide(self) -> Photo:
        if self.most is not None and self.width > self.most:
            raise FieldError("most", "Must not be below the width.")
        return self


def errors_of(**values: object) -> dict[str, list[str]]:
    with pytest.raises(InvalidOptions) as caught:
        Photo.from_form(values)
    return caught.value.errors


def test_absent_fields_take_defaults_but_an_absent_boolean_is_off():
    photo = Photo.from_form({"name": "a", "more": "than asked"})
    assert (photo.width, photo.mode, photo.grey, photo.folder) == (256, "squash", False, "")


def test_texts_of_a_form_become_values():
    photo = Photo.from_form(
        {"name": "a b", "width": "64", "most": " ", "share": "12.5", "grey": "on", "folder": ""}
    )
    assert (photo.width, photo.most, photo.share, photo.grey) == (64, None, 12.5, True)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "This field is required."),
        ("name", "a\0b", "A text cannot contain the null character."),
        ("name", "x" * 21, "Must be at most 20 characters long."),
        ("width", "wide", "'wide' is not a whole number."),
        ("width", "", "This field is required."),
        ("width", "0", "Must be at least 1."),
        ("width", "3.5", "'3.5' is not a whole number."),
        ("width", ["1", "2"], "['1', '2'] is not a whole number."),
        ("width", "9" * 5000, f"{repr('9' * 5000)[:57]}... is not a whole number."),
        ("share", "nan", "'nan' is not a number."),
        ("share", "101", "Must be at most 100."),
        ("mode", "zoom", "'zoom' is not one of: 'crop' or 'squash'."),
        ("grey", "perhaps", "'perhaps' is neither true nor false."),
        ("most", "8", "Must not be below the width."),
    ],
)
def test_each_bad_value_is_named_with_its_field(field, value, sentence):
    assert errors_of(**{"name": "a", field: value}) == {field: [sentence]}


def test_every_bad_field_is_told_at_once():
    assert set(errors_of(width="x", share="y")) == {"name", "width", "share"}


def test_describe_gives_a_page_what_it_shows():
    fields = {field.name: field for field in Photo.describe()}
    assert fields["name"].required
    assert (fields["width"].type, fields["width"].unit, fields["width"].minimum) == (
        "integer",
        "px",
        1,
    )
    assert fields["mode"].choices == ("crop", "squash")
    assert fields["grey"].type == "boolean"
    assert fields["most"].type == "integer"
