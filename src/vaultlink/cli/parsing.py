"""From the words of a command line to one of the option classes.

Words and a class enter, its instance leaves; what can't be followed raises `UsageError`. A plain line is read here;
typer, which costs every run a tenth of a second, is asked for help pages, errors and unusual spellings.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar, get_type_hints

from vaultlink.cli.options import Field, Raw, fields

Options = TypeVar("Options")


def parse(command: str, run: Callable[[Options], int], line: Sequence[str]) -> Options | int:
    """The options a command's function takes, made from its words; or an exit code when a help page was printed."""
    [options] = [hint for name, hint in get_type_hints(run).items() if name != "return"]
    known = fields(options)
    raw = plain(known, line)
    if raw is None:
        from vaultlink.cli.typed import read  # noqa: PLC0415 - imports typer

        answer = read(command, run.__doc__ or "", known, line)
        if isinstance(answer, int):
            return answer
        raw = answer
    made: Options = options(
        **{field.name: field.value(raw[field.name]) for field in known if field.name in raw}
    )
    return made


def plain(known: Sequence[Field], line: Sequence[str]) -> Raw | None:
    """A line of whole option names, values and bare words; None for anything else."""
    named = {name: field for field in known for name in field.word.names}
    bare = next((field for field in known if not field.word.names), None)
    raw: dict[str, bool | str | list[str]] = {}
    rest = iter(line)
    for word in rest:
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        is_bare = word[:1] != "-" or word == "-"
        field = bare if is_bare else named.get(name)
        if field is None or (is_bare and not field.many and field.name in raw):
            return None
        if field.type is bool:
            if equals:
                return None
            raw[field.name] = True
            continue
        text = word if field is bare else value if equals else next(rest, "-")
        if text[:1] == "-" and not is_bare:
            return None
        if field.many:
            kept = raw.setdefault(field.name, [])
            assert isinstance(kept, list)
            kept.append(text)
        else:
            raw[field.name] = text
    return raw
