"""From the words of a command line to one of the option classes.

Words and a class enter, its instance leaves; what can't be followed raises `UsageError`. A plain line is read here;
typer, which costs every run a tenth of a second, is asked for help pages, errors and unusual spellings.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar, get_type_hints

from vaultlink.cli.options import OptionField, RawValues, list_option_fields

OptionsT = TypeVar("OptionsT")


def parse_options(
    command: str, run: Callable[[OptionsT], int], line: Sequence[str]
) -> OptionsT | int:
    """The options a command's function takes, made from its words; or an exit code when a help page was printed."""
    [options] = [hint for name, hint in get_type_hints(run).items() if name != "return"]
    known = list_option_fields(options)
    raw = parse_plain_line(known, line)
    if raw is None:
        from vaultlink.cli.typer_parser import parse_with_typer  # noqa: PLC0415 - imports typer

        answer = parse_with_typer(command, run.__doc__ or "", known, line)
        if isinstance(answer, int):
            return answer
        raw = answer
    made: OptionsT = options(
        **{field.name: field.convert(raw[field.name]) for field in known if field.name in raw}
    )
    return made


def parse_plain_line(known: Sequence[OptionField], line: Sequence[str]) -> RawValues | None:
    """A line of whole option names, values and bare words; None for anything else."""
    named = {name: field for field in known for name in field.spec.names}
    bare = next((field for field in known if not field.spec.names), None)
    raw: dict[str, bool | str | list[str]] = {}
    rest = iter(line)
    for word in rest:
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        is_bare = word[:1] != "-" or word == "-"
        field = bare if is_bare else named.get(name)
        if field is None or (is_bare and not field.is_repeatable and field.name in raw):
            return None
        if field.type is bool:
            if equals:
                return None
            raw[field.name] = True
            continue
        text = word if field is bare else value if equals else next(rest, "-")
        if text[:1] == "-" and not is_bare:
            return None
        if field.is_repeatable:
            kept = raw.setdefault(field.name, [])
            assert isinstance(kept, list)
            kept.append(text)
        else:
            raw[field.name] = text
    return raw
