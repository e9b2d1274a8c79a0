"""The typer side of the command line: help pages, errors, and every spelling that typer knows.

The fields of an option class and a line of words enter, what was written leaves. The only importer of typer.
"""

from collections.abc import Mapping, Sequence
from inspect import Parameter, Signature, cleandoc
from typing import Annotated, Any

import typer

from vaultlink.cli.options import OptionField, RawValues
from vaultlink.errors import UsageError
from vaultlink.report import FORMATS

_TyperError: type[Exception] = typer.BadParameter.__mro__[2]
"""The root of what typer raises for a wrong line; it has had two homes and keeps its place in the family."""


def parse_with_typer(
    command: str, manual: str, known: Sequence[OptionField], line: Sequence[str]
) -> RawValues | int:
    """What was written for each field, or the exit code after a help page."""
    found: dict[str, bool | str | list[str]] = {}

    def collect(**given: Any) -> None:
        found.update(
            {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in given.items()
                if value not in (None, False, (), [])
            }
        )

    collect.__doc__ = "\n\n".join(
        [
            cleandoc(manual).replace("{formats}", ", ".join(FORMATS)),
            *(
                f"{field.spec.metavar}: {field.spec.help}"
                for field in known
                if not field.spec.names
            ),
        ]
    )
    collect.__setattr__("__signature__", Signature([_make_parameter(field) for field in known]))
    collect.__annotations__ = {field.name: _make_annotation(field) for field in known}
    app = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.command(command)(collect)
    try:
        code = app(list(line), prog_name=f"vaultlink {command}", standalone_mode=False)
    except _TyperError as refusal:
        raise UsageError(_explain_refusal(command, known, refusal)) from None
    return code if isinstance(code, int) else found


def _make_parameter(field: OptionField) -> Parameter:
    default = False if field.type is bool else None
    return Parameter(
        field.name, Parameter.KEYWORD_ONLY, default=default, annotation=_make_annotation(field)
    )


def _make_annotation(field: OptionField) -> Any:
    told: Mapping[str, Any] = {
        "help": field.spec.help,
        "metavar": field.spec.metavar or None,
        "show_default": False,
    }
    kind: Any = (
        bool if field.type is bool else list[str] | None if field.is_repeatable else str | None
    )
    if not field.spec.names:
        return Annotated[
            kind, typer.Argument(**told, hidden=True)
        ]  # the manual says what the words mean
    return Annotated[kind, typer.Option(*field.spec.names, **told)]


def _explain_refusal(command: str, known: Sequence[OptionField], refusal: Exception) -> str:
    """Typer's complaint in this project's words where it is about an option that does not exist."""
    name = getattr(refusal, "option_name", None)
    hint = f"`vaultlink {command} --help` shows all options."
    if type(refusal).__name__ != "NoSuchOption" or not isinstance(name, str):
        text = str(getattr(refusal, "format_message", lambda: str(refusal))())
        return f"{text.rstrip('.')}. {hint}"
    from difflib import get_close_matches  # noqa: PLC0415

    near = get_close_matches(name, [name for field in known for name in field.spec.names], 2, 0.6)
    return f"there is no option {name}. " + (f"Did you mean {' or '.join(near)}?" if near else hint)
