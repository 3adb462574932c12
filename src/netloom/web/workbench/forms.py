"""
A form as a template sees it: groups of fields made from an `Options` model.

    form = build(ClassificationDataset, action="/datasets/images/classification")
    form = build(..., values=what_was_typed, errors={"dataset_name": ["This field is required."]})

What was typed is kept after an error; a field that is wrong carries its sentences.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from netloom.interfaces.options import OptionField, Options


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One entry of a select or one radio button."""

    value: str
    label: str
    selected: bool = False
    help: str = ""  # one line about the choice, e.g. the size of a dataset


@dataclass(frozen=True, kw_only=True)
class FormField:
    """One field: `<label for=name>`, the control, unit, help and errors."""

    name: str  # the name that is posted; also the element id "field-<name>"
    label: str
    help: str = ""  # one sentence under the label
    # text, integer, number, boolean, choice; or a widget that the options name:
    # path (completed against /autocomplete/path), textarea, code, radio, hidden, file, list
    type: str = "text"
    value: str = ""  # as text, for the control; of a boolean "true" or ""
    checked: bool = False  # boolean only
    choices: tuple[Choice, ...] = ()
    errors: tuple[str, ...] = ()
    unit: str = ""  # shown beside the box
    advanced: bool = False  # stands in the folded part of its group
    required: bool = False
    minimum: str = ""  # for <input min=...>; empty = no limit
    maximum: str = ""
    placeholder: str = ""
    changed: bool = False  # differs from the default (the folded part counts these)
    # JSON {"other field": "value" or ["value", ...]}: the field counts only then, so a script
    # shows or hides it; empty = always. Put it into data-when as it is.
    when: str = ""


@dataclass(frozen=True, kw_only=True)
class FormGroup:
    """Fields under one heading, as the user thinks."""

    title: str
    fields: tuple[FormField, ...]

    @property
    def plain(self) -> tuple[FormField, ...]:
        """Return the fields that always show."""
        return tuple(field for field in self.fields if not field.advanced)

    @property
    def advanced(self) -> tuple[FormField, ...]:
        """Return the fields of the folded part."""
        return tuple(field for field in self.fields if field.advanced)

    @property
    def changed(self) -> int:
        """Return how many folded fields differ from their default."""
        return sum(field.changed for field in self.advanced)

    @property
    def wrong(self) -> bool:
        """Return whether a folded field is wrong, so that the part must be open."""
        return any(field.errors for field in self.advanced)


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form: post it to `action` as multipart/form-data."""

    action: str
    groups: tuple[FormGroup, ...]
    errors: tuple[str, ...] = ()  # sentences that belong to no field shown
    first_error: str = ""  # name of the first wrong field: give it the focus
    clone: str = ""  # id of the job whose fields were taken; only a note, not posted

    def field(self, name: str) -> FormField:
        """Return one field by name, for a template that places it by hand."""
        for group in self.groups:
            for field in group.fields:
                if field.name == name:
                    return field
        raise KeyError(name)

    def group(self, title: str) -> FormGroup:
        """Return one group by title; an empty one if there is none."""
        return next((g for g in self.groups if g.title == title), FormGroup(title=title, fields=()))


def build(
    options: type[Options],
    *,
    action: str,
    values: Mapping[str, Any] | None = None,
    errors: Mapping[str, Iterable[str]] | None = None,
    choices: Mapping[str, Iterable[tuple[str, str, str]]] | None = None,
    chosen: Mapping[str, str] | None = None,
    clone: str = "",
) -> Form:
    """Return the form of an options model.

    `values` None shows the defaults; otherwise what was posted (an absent box is not ticked).
    `choices` are (value, label, help) of fields whose choices are known only now;
    `chosen` are defaults in place of the model's.
    """
    told = {name: tuple(texts) for name, texts in (errors or {}).items()}
    groups: dict[str, list[FormField]] = {}
    for declared in options.describe():
        default = (chosen or {}).get(declared.name, declared.default)
        field = dataclasses.replace(declared, default=default)
        shown = _field(field, values, told.pop(field.name, ()), (choices or {}).get(field.name))
        if clone and shown.choices and not any(choice.selected for choice in shown.choices):
            gone = f"That job used {shown.value!r}, which is not here any more. Choose another."
            shown = dataclasses.replace(shown, errors=(*shown.errors, gone))
        groups.setdefault(field.group, []).append(shown)
    wrong = [f.name for fields in groups.values() for f in fields if f.errors]
    return Form(
        action=action,
        groups=tuple(FormGroup(title=title, fields=tuple(f)) for title, f in groups.items()),
        errors=tuple(f"{name}: {text}" for name, texts in told.items() for text in texts),
        first_error=wrong[0] if wrong else "",
        clone=clone,
    )


def _field(
    field: OptionField,
    values: Mapping[str, Any] | None,
    errors: tuple[str, ...],
    known_now: Iterable[tuple[str, str, str]] | None,
) -> FormField:
    value = _shown(field.default) if values is None else _posted(field, values)
    when = field.extra.get("when")
    return FormField(
        name=field.name,
        label=field.label,
        help=field.help,
        type="choice" if known_now is not None else str(field.extra.get("widget", field.type)),
        value=value,
        checked=field.type == "boolean" and value == "true",
        choices=_choices(field, value, known_now),
        errors=errors,
        unit=field.unit,
        advanced=field.advanced,
        required=field.required,
        minimum=_number(field.minimum),
        maximum=_number(field.maximum),
        placeholder=str(field.extra.get("placeholder", "")),
        changed=value != _shown(field.default),
        when=json.dumps(when) if when else "",
    )


def _choices(
    field: OptionField, value: str, known_now: Iterable[tuple[str, str, str]] | None
) -> tuple[Choice, ...]:
    if known_now is not None:
        return tuple(Choice(value=v, label=t, help=h, selected=v == value) for v, t, h in known_now)
    labels = field.extra.get("choices") or {}
    helps = field.extra.get("choice_help") or {}
    return tuple(
        Choice(
            value=v, label=str(labels.get(v, v)), help=str(helps.get(v, "")), selected=v == value
        )
        for v in field.choices or labels
    )


def _posted(field: OptionField, values: Mapping[str, Any]) -> str:
    if field.name in values:
        return _shown(values[field.name], tick=field.type == "boolean")
    # An absent box was not ticked; any other absent field keeps its default.
    return "" if field.type == "boolean" else _shown(field.default)


def _shown(value: Any, *, tick: bool = False) -> str:
    """Return a value as the text of a control."""
    if value is None or value is False:
        return ""
    if value is True:
        return "true"
    if tick:
        return (
            ""
            if str(value).strip().lower() in ("", "0", "false", "off", "no", "n", "f")
            else "true"
        )
    if isinstance(value, list | tuple):
        return ", ".join(_shown(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _number(limit: float | None) -> str:
    return "" if limit is None else f"{limit:g}"
