"""Parsing with typer: errors, and all spellings that typer accepts.

No other module imports typer.
"""

import re
from collections.abc import Sequence
from contextlib import redirect_stdout
from inspect import Parameter, Signature
from io import StringIO
from typing import Annotated, Any

import typer

from vaultlink.cli.options import OptionField, RawValues
from vaultlink.errors import UnknownNameError, UsageError, propose
from vaultlink.report.layout import truncate
from vaultlink.text import curl_quotes, lazy_pattern

_TyperError: type[Exception] = typer.BadParameter.__mro__[2]
"""Base class of typer's errors for an invalid line.

It is taken from the class hierarchy because its module differs between versions of typer.
"""

_KNOWN_ELSEWHERE = {
    "--format": ("--output-format",),
    **dict.fromkeys(("-o", "--output"), ("--output-file",)),
    **dict.fromkeys(("-s", "--rule", "--rules"), ("--select",)),
    "--enable": ("--extend-select",),
    **dict.fromkeys(("--disable", "--exclude"), ("--ignore",)),
    "--write": ("--fix",),
    "--root": ("--vault",),
    "--since": ("--changed-since",),
    "--stdin": ("--stdin-filename",),
    **dict.fromkeys(("-j", "--workers"), ("--jobs",)),
    "--unsafe": ("--unsafe-fixes",),
    **dict.fromkeys(("-n", "--preview-changes", "--check"), ("--diff",)),
    "-y": ("--yes",),
    **dict.fromkeys(("--yes", "-f", "--force", "-r", "--recursive", "-a", "--all"), ()),
}
"""Options that other programs have, and what serves here; () if nothing does."""


def parse_with_typer(
    command: str, fields: Sequence[OptionField], line: Sequence[str]
) -> RawValues | None:
    """Return the raw value of each given field; None if the line asks for help."""
    raw: dict[str, bool | str | list[str]] = {}

    def collect(**values: Any) -> None:
        raw.update(
            {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in values.items()
                if value not in (None, False, (), [])
            }
        )

    parameters = [
        Parameter(
            field.name,
            Parameter.KEYWORD_ONLY,
            default=False if field.type is bool else None,
            annotation=_make_annotation(field),
        )
        for field in fields
    ]
    collect.__setattr__("__signature__", Signature(parameters))
    collect.__annotations__ = {item.name: item.annotation for item in parameters}
    app = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.command(command)(collect)
    try:
        with redirect_stdout(StringIO()):  # the help page of typer is not shown
            code = app(list(line), prog_name=f"vaultlink {command}", standalone_mode=False)
    except _TyperError as error:
        text, extra = _read_message(error), _EXTRA_ARGUMENTS.match(_read_message(error))
        hint = f"`vaultlink {command} --help` lists all options."
        if extra:
            quotes = (
                "" if all(it.spec.names for it in fields) else "Names with spaces need quotes. "
            )
            named = _name_extra(extra[1], line)
            raise UnknownNameError(f"unexpected argument: {named}. {quotes}{hint}") from None
        if any(len(word) > 2 and _DASHED_NAME.fullmatch(word) for word in line):
            hint = f"Put -- before names that begin with a dash. {hint}"
        raise UsageError(_explain_error(text, fields, error, hint)) from None
    return None if isinstance(code, int) else raw


def _make_annotation(field: OptionField) -> Any:
    metavar = field.spec.metavar or None  # errors have it
    value_type: Any = (
        bool if field.type is bool else list[str] | None if field.is_repeatable else str | None
    )
    if not field.spec.names:
        return Annotated[value_type, typer.Argument(metavar=metavar)]
    return Annotated[value_type, typer.Option(*field.spec.all_names, metavar=metavar)]


_DASHED_NAME = lazy_pattern(r"-[^\W\d]{2}.*", re.S)
"""A word that is read as several options of one letter, and likely is a name."""

_EXTRA_ARGUMENTS = lazy_pattern(r"^Got unexpected extra arguments?(?:\(s\))? \((.*)\)$", re.S)
"""The message of typer for arguments that a command does not have."""

_QUOTED_OPTION = lazy_pattern(r"'(--?[\w-]+)'")


def _name_extra(text: str, line: Sequence[str]) -> str:
    """Return the extra arguments, which typer joins; of many the first and a number."""
    for count in range(1, len(line) + 1):
        if " ".join(line[-count:]) == text:
            more = count - 1
            return text if more <= _FEW_EXTRA else f"{line[-count]} (and {more:,} more)"
    return truncate(text, _LONG_EXTRA)


_FEW_EXTRA = 3
"""Extra arguments besides the first that an error names."""

_LONG_EXTRA = 200
"""Columns of extra arguments that are not the last words of the line."""


def _read_message(error: Exception) -> str:
    """Return the message of typer, with options bare and other names in curly quotes."""
    text = str(getattr(error, "format_message", lambda: str(error))())
    return curl_quotes(_QUOTED_OPTION.sub(r"\1", text))


def _explain_error(text: str, fields: Sequence[OptionField], error: Exception, hint: str) -> str:
    """Return the message of an error, or another one for an unknown option."""
    name = getattr(error, "option_name", None)
    if type(error).__name__ != "NoSuchOption" or not isinstance(name, str):
        return f"{text.rstrip('.')}. {hint}"
    from difflib import get_close_matches  # noqa: PLC0415

    shown = [field for field in fields if not field.spec.is_hidden]
    names = {word.lstrip("-"): word for field in shown for word in field.spec.names}
    known = set(names.values())
    if name in _KNOWN_ELSEWHERE:
        near = [other for other in _KNOWN_ELSEWHERE[name] if other in known]
    else:
        stem = name.lstrip("-")
        begun = [word for word in names if len(stem) > 1 and word.startswith(stem)]
        near = [names[it] for it in begun[:2] or get_close_matches(stem, names, 2, 0.65)]
    return f"there is no option {name}. {propose(near, hint)}"
