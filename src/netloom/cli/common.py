"""What several commands share: the settings they run under, and OPTION=VALUE arguments."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from netloom.interfaces.options import Options
    from netloom.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])


def data_option(command: Command) -> Command:
    """Add `--data` to a command."""
    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        help="Data folder; NETLOOM_DATA or ~/.netloom when absent.",
    )(command)


def settings_for(**given: Any) -> Settings:
    """Return the settings of the environment, overridden by what the command line gave."""
    from pydantic import ValidationError

    from netloom.errors import BadSettings
    from netloom.settings import FOR_SERVERS_ONLY, Settings

    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        name = str(problem["loc"][0])
        value = "what it is" if name in FOR_SERVERS_ONLY else repr(problem["input"])
        raise BadSettings(
            f"The setting {name} cannot be {value}: {problem['msg']}.",
            hint=f"Look at NETLOOM_{name.upper()}.",
        ) from None


def assignments(arguments: tuple[str, ...], kind: type[Options]) -> dict[str, Any]:
    """Return OPTION=VALUE arguments as a dict; raise UsageError for what `kind` does not have."""
    known = [field.name for field in kind.describe()]
    values: dict[str, Any] = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals:
            raise click.UsageError(f"{argument!r} is not of the form option=value.")
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"There is no option {name!r}.{meant}")
        values[name] = value
    return values


def options_for(kind: type[Options], values: dict[str, Any]) -> Options:
    """
    Return checked options.

    A form leaves out the check boxes that are off; the command line leaves out what shall keep
    its default. So booleans that are not given are filled in before the form's rules apply.
    """
    defaults = {field.name: field.default for field in kind.describe() if field.type == "boolean"}
    return kind.from_form({**defaults, **values})


class OptionsCommand(click.Command):
    """A command whose help lists the fields of an options model."""

    def __init__(self, *arguments: Any, kind: Callable[[], type[Options]], **others: Any) -> None:
        super().__init__(*arguments, **others)
        self.kind = kind

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for field in self.kind().describe():
            rows = groups.setdefault(field.group or "Options", [])
            rows.append((f"{field.name}={value_of(field)}", field.help))
        for title, rows in groups.items():
            with formatter.section(title):
                formatter.write_dl(rows, col_max=44)
        super().format_epilog(context, formatter)


def value_of(field: Any) -> str:
    """Return what help shows behind `option=`: the choices or the type, and the default."""
    what = "|".join(field.choices) or field.type
    if field.required:
        others = [f"{name}={value}" for name, value in field.extra.get("when", {}).items() if value]
        return f"{what} (needed with {', '.join(others)})" if others else f"{what} (needed)"
    return what if field.default in (None, "") else f"{what} ({field.default})"
