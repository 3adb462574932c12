"""
Options: declared once, as typed fields.

A form, its validation, the JSON schema, the command line and the stored row all
come from one `Options` class. What a page needs beyond the type stands in the
field itself:

    class Photo(Options):
        width: int = Field(
            256, ge=1, title="Width", description="Width of every image",
            json_schema_extra={"group": "Image", "unit": "px", "advanced": True},
        )
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticUndefined

from netloom.errors import InvalidOptions

MISSING = "This field is required."


ControlType = Literal["text", "integer", "number", "boolean", "choice"]


@dataclass(frozen=True, kw_only=True)
class OptionField:
    """What a page, the command line and the docs say about one field."""

    name: str
    label: str
    help: str
    type: ControlType
    default: Any  # None where a value is required or the field may stay empty
    required: bool  # also where only some choices of another field require it
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    group: str = ""
    unit: str = ""
    advanced: bool = False
    extra: Mapping[str, Any]  # the field's json_schema_extra, for widgets of their own


class Options(BaseModel):
    """Base of all options; knows how HTML forms and JSON bodies spell them."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    @classmethod
    def from_form(cls, values: Mapping[str, Any]) -> Self:
        """
        Return options from form fields or a JSON object; raise InvalidOptions for bad fields.

        HTML rules: a check box that is off is absent, so an absent boolean is false; any
        other absent field takes its default; a blank value means none was given.
        Unknown fields are ignored, as existing scripts send more than is needed.
        """
        given: dict[str, Any] = {}
        errors: dict[str, list[str]] = {}
        for name, field in cls.model_fields.items():
            if name not in values:
                if _plain_type(field) is bool:
                    given[name] = False
                continue
            value = values[name]
            if isinstance(value, str) and "\0" in value:
                errors[name] = ["A text cannot contain the null character."]
            elif not (isinstance(value, str) and not value.strip()):
                given[name] = value
            elif _may_be_empty(field):
                given[name] = "" if _plain_type(field) is str and not _optional(field) else None
            elif _plain_type(field) is not bool:
                errors[name] = [MISSING]
        return cls._checked(given, errors)

    @classmethod
    def _checked(cls, given: Mapping[str, Any], errors: dict[str, list[str]]) -> Self:
        try:
            options = cls.model_validate(given)
        except ValidationError as error:
            for detail in error.errors():
                name = str(detail["loc"][0]) if detail["loc"] else _field_of(detail)
                if name not in errors:
                    errors[name] = [_sentence(detail)]
        if errors:
            raise InvalidOptions(errors)
        return options

    @classmethod
    def describe(cls) -> tuple[OptionField, ...]:
        """Return what pages and the command line show, in order of declaration."""
        return tuple(_describe(name, field) for name, field in cls.model_fields.items())


class FieldError(ValueError):
    """Raised by a model validator to say which field a rule between fields belongs to."""

    def __init__(self, field: str, sentence: str) -> None:
        self.field = field
        super().__init__(sentence)


def _field_of(detail: ErrorDetails) -> str:
    error = detail.get("ctx", {}).get("error")
    return error.field if isinstance(error, FieldError) else "options"


def _sentence(detail: ErrorDetails) -> str:
    """Say in plain English what is wrong with a value."""
    kind, context, value = detail["type"], detail.get("ctx", {}), detail["input"]
    shown = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:57]}..."
    match kind:
        case "missing":
            return MISSING
        case "value_error":
            return str(context["error"])
        case "int_parsing" | "int_type" | "int_from_float" | "int_parsing_size":
            return f"{shown} is not a whole number."
        case "float_parsing" | "float_type" | "finite_number":
            return f"{shown} is not a number."
        case "bool_parsing" | "bool_type":
            return f"{shown} is neither true nor false."
        case "string_type":
            return f"{shown} is not a text."
        case "literal_error" | "enum":
            return f"{shown} is not one of: {context['expected']}."
        case "greater_than_equal":
            return f"Must be at least {context['ge']:g}."
        case "greater_than":
            return f"Must be more than {context['gt']:g}."
        case "less_than_equal":
            return f"Must be at most {context['le']:g}."
        case "less_than":
            return f"Must be less than {context['lt']:g}."
        case "string_too_long":
            return f"Must be at most {context['max_length']} characters long."
        case "string_too_short":
            return MISSING
    return f"{detail['msg']}."


def _describe(name: str, field: FieldInfo) -> OptionField:
    plain = _plain_type(field)
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    choices = tuple(str(choice) for choice in get_args(plain)) if _is_choice(plain) else ()
    names: dict[object, ControlType] = {bool: "boolean", int: "integer", float: "number"}
    default = None if field.default is PydanticUndefined else field.default
    return OptionField(
        name=name,
        label=field.title or name.replace("_", " ").capitalize(),
        help=field.description or "",
        type="choice" if choices else names.get(plain, "text"),
        default=default,
        required=field.is_required() or bool(extra.get("required", False)),
        choices=choices,
        minimum=_limit(field, "ge", "gt"),
        maximum=_limit(field, "le", "lt"),
        group=str(extra.get("group", "")),
        unit=str(extra.get("unit", "")),
        advanced=bool(extra.get("advanced", False)),
        extra=extra,
    )


def _limit(field: FieldInfo, *names: str) -> float | None:
    for item in field.metadata:
        for name in names:
            if (value := getattr(item, name, None)) is not None:
                return float(value)
    return None


def _plain_type(field: FieldInfo) -> Any:
    """Return the type of a field without `| None`."""
    if get_origin(field.annotation) in (Union, types.UnionType):
        parts = [part for part in get_args(field.annotation) if part is not type(None)]
        return parts[0] if len(parts) == 1 else str
    return field.annotation


def _is_choice(plain: Any) -> bool:
    return get_origin(plain) is Literal


def _optional(field: FieldInfo) -> bool:
    return type(None) in get_args(field.annotation)


def _may_be_empty(field: FieldInfo) -> bool:
    return _optional(field) or (field.default == "" and _plain_type(field) is str)
