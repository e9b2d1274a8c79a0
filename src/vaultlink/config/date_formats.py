"""Date formats of moment.js, as the names of periodic notes have them.

A format is compiled to an expression with bounded parts; what it captures is then checked as a
date. Formats that could match other text than dates are not supported.
"""

import re
from collections.abc import Callable, Iterator, Sequence

import msgspec

from vaultlink.config.date_names import MONTH_NAMES, WEEKDAY_NAMES
from vaultlink.index.resolve import normalize_name
from vaultlink.obsidian import PeriodicNote
from vaultlink.text import lazy_pattern

_MOST_CHARS, _MOST_SEGMENTS, _MOST_TOKENS, _MOST_NAMES = 100, 20, 10, 2
"""Limits of a format and its folder. With them an expression is matched in some thousand steps."""

_LONGEST_TARGET = 300

_TOKEN = lazy_pattern(
    r"\[([^\[]*)\]|\\(.)|(Mo|MM?M?M?|Do|DDDo|DD?D?D?|ddd?d?|do?|w[ow]?|W[oW]?|Qo?"
    r"|Y{4,6}|YY|Y|y{1,4}|gg(?:ggg?)?|GG(?:GGG?)?"
    r"|[eEaANHhkmsSxXzZLl])|(.)",
    re.DOTALL,
)
"""Escaped text, an escaped character, a token, or any other character."""

_ORDINAL = r"(?:st|nd|rd|th|er|re|ste|de|:?[ae]|-(?:го|й|я)|[ºª.ηrntm日月周週일월주م]|['’]\w{1,3})?"
_NAME = r"([^\W\d_][^\d/]{0,14}?)"
_NUMBERS = {1: r"([1-9]\d?)", 2: r"(\d\d)", 3: r"([1-9]\d{0,2})", 4: r"(\d{4})"}

_TOKENS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("YYYY", "Y", "yyyy", "yyy", "y"), ("year", _NUMBERS[4])),
    **dict.fromkeys(("YY", "yy"), ("short-year", _NUMBERS[2])),
    **dict.fromkeys(("gggg", "GGGG"), ("week-year", _NUMBERS[4])),
    **dict.fromkeys(("gg", "GG"), ("short-year", _NUMBERS[2])),
    "M": ("month", _NUMBERS[1]),
    "Mo": ("month", _NUMBERS[1] + _ORDINAL),
    "MM": ("month", _NUMBERS[2]),
    **dict.fromkeys(
        ("MMM", "MMMM"), ("month-name", rf"(?:\d{{1,2}}[月월]|th(?:áng|g) \d{{1,2}}|{_NAME}\.?)")
    ),
    "D": ("day", _NUMBERS[1]),
    "Do": ("day", _NUMBERS[1] + _ORDINAL),
    "DD": ("day", _NUMBERS[2]),
    "DDD": ("day-of-year", _NUMBERS[3]),
    "DDDo": ("day-of-year", _NUMBERS[3] + _ORDINAL),
    "DDDD": ("day-of-year", r"(\d{3})"),
    **dict.fromkeys(("ddd", "dddd"), ("weekday-name", rf"{_NAME}\.?")),
    **dict.fromkeys(("d", "e", "E"), ("weekday", r"([0-7])")),
    **dict.fromkeys(("w", "W"), ("week", _NUMBERS[1])),
    **dict.fromkeys(("wo", "Wo"), ("week", _NUMBERS[1] + _ORDINAL)),
    **dict.fromkeys(("ww", "WW"), ("week", _NUMBERS[2])),
    "Q": ("quarter", r"([1-4])"),
    "Qo": ("quarter", r"([1-4])" + _ORDINAL),
}
"""Token to the part of a date that it stands for, and its expression with one group.

Times are missing: no note of a day or a longer period has one.
"""

_RANGES = {
    "year": range(1900, 2200),
    "week-year": range(1900, 2200),
    "month": range(1, 13),
    "day": range(1, 32),
    "day-of-year": range(1, 367),
    "week": range(1, 54),
}
_NAMES = {"month-name": MONTH_NAMES, "weekday-name": WEEKDAY_NAMES}
_DAYS_IN_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class _Segment(msgspec.Struct, frozen=True):
    """The expression of a format between two slashes, and the date part of each group."""

    expression: str
    parts: tuple[str, ...]

    @property
    def is_dated(self) -> bool:
        """True if the segment alone states a period of a certain year."""
        found = frozenset(self.parts)
        return bool(found & {"year", "week-year"}) or {"short-year", "month", "day"} <= found


def compile_periodic_notes(notes: Sequence[PeriodicNote]) -> Callable[[str], bool]:
    """Return a predicate that is True for link targets that name periodic notes.

    A target is a note's path, with or without `.md`, or the end of it from a folder on, as far as
    it states the year. Case and Unicode form are ignored.
    """
    patterns = [pattern for note in notes if (pattern := _compile_note(note))]
    if not patterns:
        return lambda _target: False

    def matches(target: str) -> bool:
        if len(target) > _LONGEST_TARGET:
            return False
        name = _RELATIVE_PREFIX.sub("", normalize_name(target)).removesuffix(".md")
        return any(
            _is_date(parts, found.groups())
            for expression, parts in patterns
            if (found := expression.fullmatch(name))
        )

    return matches


_RELATIVE_PREFIX = lazy_pattern(r"^(?:\.{0,2}/)+")


def _compile_note(note: PeriodicNote) -> tuple[re.Pattern[str], tuple[str, ...]] | None:
    """Return a pattern for paths and the date part per group; None if unsupported."""
    dated = _read_format(note.format)
    if dated is None:
        return None
    plain = [_Segment(re.escape(normalize_name(part)), ()) for part in note.folder.split("/")]
    segments = [*(plain if note.folder else ()), *dated]
    if len(segments) > _MOST_SEGMENTS:
        return None
    last = max((at for at, segment in enumerate(segments) if segment.is_dated), default=None)
    if last is None:
        whole = tuple(part for segment in dated for part in segment.parts)
        if not _Segment("", whole).is_dated:
            return None
        last = len(segments) - len(dated)
    optional = ""
    for segment in segments[:last]:
        optional = f"(?:{optional}{segment.expression}/)?"
    rest = "/".join(segment.expression for segment in segments[last:])
    parts = tuple(part for segment in segments for part in segment.parts)
    return re.compile(optional + rest), parts


def _read_format(text: str) -> list[_Segment] | None:
    """Return the segments of a format; None if it has a token that is not supported."""
    if len(text) > _MOST_CHARS:
        return None
    segments, expression, parts = [], "", []
    for literal, token in _split_format(text):
        if token:
            if token not in _TOKENS:
                return None
            part, pattern = _TOKENS[token]
            parts.append(part)
            expression += pattern
        elif literal == "/":
            segments.append(_Segment(expression, tuple(parts)))
            expression, parts = "", []
        else:
            expression += re.escape(normalize_name(literal))
    segments.append(_Segment(expression, tuple(parts)))
    found = [part for segment in segments for part in segment.parts]
    if len(found) > _MOST_TOKENS or sum(part in _NAMES for part in found) > _MOST_NAMES:
        return None
    return [segment for segment in segments if segment.expression]


def _split_format(text: str) -> Iterator[tuple[str, str]]:
    """Yield other characters and tokens, as pairs of which one is empty."""
    for match in _TOKEN.finditer(text):
        escaped, char, token, other = match.groups()
        if token:
            yield "", token
        else:
            for literal in escaped or char or other or "":
                yield literal, ""


def _is_date(parts: tuple[str, ...], texts: tuple[str | None, ...]) -> bool:
    """Return True if texts are one date; groups that took no part have None."""
    numbers: dict[str, int] = {}
    for part, text in zip(parts, texts, strict=True):
        if text is None:
            continue
        if part in _NAMES:
            if text.rstrip(".") not in _NAMES[part]:
                return False
        elif numbers.setdefault(part, int(text)) != int(text):
            return False
    month, quarter = numbers.get("month"), numbers.get("quarter")
    return (
        all(part not in _RANGES or number in _RANGES[part] for part, number in numbers.items())
        and (not month or numbers.get("day", 1) <= _count_days(month, numbers.get("year")))
        and (not month or not quarter or quarter == (month + 2) // 3)
    )


def _count_days(month: int, year: int | None) -> int:
    """Return the number of days of a month; 29 for a February of an unknown year."""
    if month == 2 and year and (year % 4 or (year % 100 == 0 and year % 400)):
        return 28
    return _DAYS_IN_MONTH[month - 1]
