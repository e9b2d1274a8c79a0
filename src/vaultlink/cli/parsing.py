"""From the words of a command line to one of the option classes.

Words and a class enter, its instance leaves; what can't be followed raises `UsageError`. A plain line is read here;
typer, which costs every run a tenth of a second, is asked for help pages, errors and unusual spellings.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from vaultlink.cli.options import Word
from vaultlink.errors import UsageError

Options = TypeVar("Options")
Raw = Mapping[str, bool | str | list[str]]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an option class: its word, the type of one value, and whether there may be several."""

    name: str
    word: Word
    type: type
    many: bool

    def value(self, raw: bool | str | list[str]) -> Any:
        """What was written, as a value of the field's type."""
        if isinstance(raw, list):
            parts = (
                [part.strip() for text in raw for part in text.split(",")]
                if self.word.names
                else raw
            )
            return tuple(self.one(part) for part in parts if part or not self.word.names)
        return raw if isinstance(raw, bool) else self.one(raw)

    def one(self, text: str) -> Any:
        """One written value."""
        if self.word.choices and text not in self.word.choices:
            raise UsageError(
                f'{self.word.names[-1]}: "{text}" is none of {", ".join(self.word.choices)}.'
            )
        if self.type is int:
            if not text.isdecimal() or int(text) < 1:
                raise UsageError(
                    f'{self.word.names[-1]}: must be a whole number from 1 on, not "{text}".'
                )
            return int(text)
        if self.type is float:
            return self._number(text)
        return Path(text) if self.type is Path else text

    def _number(self, text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not 0 < number < math.inf:
            raise UsageError(f'{self.word.names[-1]}: must be a number above 0, not "{text}".')
        return number


def fields(options: type) -> list[Field]:
    """The fields of an option class, its own first, then those of the classes it extends."""
    hints = get_type_hints(options, include_extras=True)
    names = [name for base in options.__mro__ for name in vars(base).get("__annotations__", {})]
    return [_field(name, hints[name]) for name in names]


def _field(name: str, hint: Any) -> Field:
    if get_origin(hint) is not Annotated:
        raise TypeError(f"{name}: says not how it is written")
    kind, word = get_args(hint)
    many = get_origin(kind) is tuple
    if many or get_origin(kind) is UnionType:
        kind = get_args(kind)[0]
    return Field(name, word, kind, many)


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
