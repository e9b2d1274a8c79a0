"""Parsing of a command line into an option class.

A plain line is parsed here. typer, which costs a tenth of a second per run, is imported only for
errors and unusual spellings. Help pages are drawn in `help_page`.
"""

from collections.abc import Callable, Container, Sequence
from typing import TypeVar

from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.options import OptionField, RawValues, get_option_class, list_option_fields
from vaultlink.errors import UsageError

OptionsT = TypeVar("OptionsT")


def parse_options(
    command: str, run: Callable[[OptionsT], int], line: Sequence[str]
) -> OptionsT | int:
    """Return the options for the function `run`, or an exit code after a help page.

    Raises UsageError.
    """
    options = get_option_class(run)
    fields = list_option_fields(options)
    plain = [word for word in line if word not in ("-h", "--help")]
    raw = parse_plain_line(fields, plain)
    if raw is not None and len(plain) < len(line):
        return _print_help(command, run, options)
    if raw is None:
        from vaultlink.cli.typer_parser import parse_with_typer  # noqa: PLC0415 - imports typer

        raw = parse_with_typer(command, fields, line)
    if raw is None:
        return _print_help(command, run, options)
    raw = _resolve_json(raw)
    _require_others(fields, raw)
    parsed_options: OptionsT = options(
        **{field.name: field.convert(raw[field.name]) for field in fields if field.name in raw}
    )
    return parsed_options


def _print_help(command: str, run: Callable[[OptionsT], int], options: type) -> int:
    from vaultlink.cli.help_page import render_help  # noqa: PLC0415 - rarely needed
    from vaultlink.cli.terminal import Terminal  # noqa: PLC0415 - as above

    Terminal().print_paged(render_help(command, run.__doc__ or "", options))
    return EXIT_CLEAN


def _resolve_json(raw: RawValues) -> RawValues:
    """Return the values with `--json` as the output format. Raises UsageError."""
    if not raw.get("json_output"):
        return raw
    if raw.get("output_format", "json") != "json":
        raise UsageError(
            f"--json and --output-format {raw['output_format']} can't be used together."
        )
    return {**raw, "output_format": "json"}


def _require_others(fields: Sequence[OptionField], raw: RawValues) -> None:
    """Raise UsageError for an option without effect, because another one is missing."""
    given = {name for field in fields if field.name in raw for name in field.spec.all_names}
    known = {name for field in fields for name in field.spec.all_names}
    for field in fields:
        requires = [name for name in field.spec.requires if name in known]
        if field.name in raw and requires and given.isdisjoint(requires):
            raise UsageError(f"{field.name_on_line} requires {' or '.join(requires)}.")


def parse_plain_line(fields: Sequence[OptionField], line: Sequence[str]) -> RawValues | None:
    """Parse a line of whole option names, values and arguments; else return None."""
    field_by_name = {name: field for field in fields for name in field.spec.all_names}
    arguments = [field for field in fields if not field.spec.names]
    raw: dict[str, bool | str | list[str]] = {}
    words = iter(line)
    for word in words:
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        is_argument = word[:1] != "-" or word == "-"
        field = find_next_argument(arguments, raw) if is_argument else field_by_name.get(name)
        if field is None:
            return None
        if field.type is bool:
            if equals:
                return None
            raw[field.name] = True
            continue
        text = word if is_argument else value if equals else next(words, "-")
        if text[:1] == "-" and not is_argument:
            return None
        if field.is_repeatable:
            values = raw.setdefault(field.name, [])
            assert isinstance(values, list)
            values.append(text)
        else:
            raw[field.name] = text
    return raw


def find_next_argument(arguments: Sequence[OptionField], raw: Container[str]) -> OptionField | None:
    """Return the argument that the next word is for.

    `raw` has the names of the arguments with a value.
    """
    return next((item for item in arguments if item.is_repeatable or item.name not in raw), None)
