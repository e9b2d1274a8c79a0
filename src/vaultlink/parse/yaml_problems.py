"""Explain why YAML is invalid, in plain words, at the line that is wrong.

A YAML parser reports where it gave up, which may be the end of the block. The wrong line is the
first one with which the text above it stops being valid for good: a quote or bracket that is closed
later makes it valid again. The line itself then shows the usual mistakes.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from vaultlink.text import lazy_pattern

_MAX_WORK = 2_000_000
"""Characters that are parsed again to find the wrong line, at most."""

_CONFLICT_MARK = lazy_pattern(r"(?:<{7}|={7}|>{7})(?:[ \t]|$)")
_BLANK_LINES = lazy_pattern(r"(?:[ \t\r]*(?:#[^\n]*)?\n)*")
_INDENT = lazy_pattern(r"[ \t]*")
_ENTRY = lazy_pattern(
    r"[ \t]*((?:-[ \t]+)*)"  # list marks, a name, the spaces before its value
    r"(?:([^\s\"'\[\]{}#&*!|>%@`,-][^:\n]*?|\"[^\"]*\"|'[^']*'):(?=[ \t]|$)[ \t]*)?"
)
_VALUE_COLON = lazy_pattern(r":(?=[ \t]|$)")
_SPECIAL_IN_BRACKETS = lazy_pattern(r"(?<=[\[{,])[ \t]*([@`%*&!|>])")
_BRACKET = lazy_pattern(r"[\[\]{}]")
_HAS_VALUE = lazy_pattern(r"[^-\n][^\n]*?:[ \t]+[^\s#]")
_MISSING_SPACE = lazy_pattern(r"[ \t]*(?:- +)*[\w-]+:(?!//)\S")
_QUOTED = lazy_pattern(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'")
_COMMENT = lazy_pattern(r"(?:^|(?<=[ \t\[,]))#.*")
_NO_PLAIN_START = {
    "@": "text can't start with “@” unless it is in quotes",
    "`": "text can't start with a backtick unless it is in quotes",
    "%": "text can't start with “%” unless it is in quotes",
    "*": "“*” at the start of a value has a special meaning, so the value needs quotes",
    "&": "“&” at the start of a value has a special meaning, so the value needs quotes",
    "!": "“!” at the start of a value has a special meaning, so the value needs quotes",
    "|": "“|” at the start of a value has a special meaning, so the value needs quotes",
    ">": "“>” at the start of a value has a special meaning, so the value needs quotes",
    ",": "text can't start with a comma unless it is in quotes",
    "]": "a bracket is closed here that was not opened",
    "}": "a brace is closed here that was not opened",
    "?": "“?” at the start of a value has a special meaning, so the value needs quotes",
}
_PLAIN_WORDS = (
    ("duplicate anchor", "the same anchor is set twice"),
    ("second occurrence", "the same anchor is set twice"),
    ("undefined alias", "“*” refers to an anchor that does not exist, so the value needs quotes"),
    ("escape", "“\\” in double quotes starts an escape, so the value needs single quotes"),
    ("special characters are not allowed", "it contains a control character"),
    ("control characters are not allowed", "it contains a control character"),
    ("document start", "“...” ends the properties before this line"),
)


class YamlProblem(NamedTuple):
    """The cause of a YAML error, and its span."""

    problem: str
    offset: int
    end: int = 0


class ParserError(NamedTuple):
    """An error as a YAML parser reports it: its words, and the offsets that it names.

    The words are "" for valid YAML that is not a mapping.
    """

    words: str
    marks: tuple[int, ...]


def explain_error(
    text: str, error: ParserError, find_error: Callable[[str], ParserError | None]
) -> YamlProblem:
    """Return the cause of a YAML error and the span of the text that is wrong.

    `find_error` returns the parser's error for a text, None if it is a valid mapping.
    """
    start = _find_wrong_line(text, error, find_error)
    end = text.find("\n", start)
    line = text[start : end if end != -1 else len(text)].rstrip("\r")
    marks = [mark - start for mark in error.marks if start <= mark < start + len(line)]
    at = marks[0] if marks else None
    problem, column = _explain_line(line, at, text[:start], error.words)
    return YamlProblem(problem, start + column, start + max(len(line.rstrip()), column + 1))


def _find_wrong_line(
    text: str, error: ParserError, find_error: Callable[[str], ParserError | None]
) -> int:
    """Return the offset of the first line that makes the text above it invalid."""
    last = min(max(error.marks), len(text.rstrip()) - 1)
    start = text.rfind("\n", 0, max(last, 0)) + 1
    work = 0
    while start > 0:
        work += start
        if work > _MAX_WORK:
            return text.rfind("\n", 0, min(error.marks)) + 1
        if find_error(text[:start]) is None:
            break
        start = text.rfind("\n", 0, start - 1) + 1
    blank = _BLANK_LINES.match(text, start)
    return blank.end() if blank and blank.end() < len(text) else start


def _explain_line(line: str, at: int | None, above: str, words: str) -> tuple[str, int]:
    """Return the cause of an error in a line, and its column.

    `at` is the column that the parser reports, None if it reports another line; `words` are the
    parser's, "" if the text is valid but not a mapping.
    """
    indent = len(_INDENT.match(line)[0])  # type: ignore[index] # it always matches
    if _CONFLICT_MARK.match(line):
        return "this line is the mark of a merge conflict", 0
    tab = line.find("\t", 0, indent) if "\t" in line[:indent] else -1
    if tab == -1 and at is not None and line[at] == "\t":
        tab = at
    if tab != -1:
        return "a tab stands here, and YAML allows only spaces", tab
    found = next(((plain, at) for part, plain in _PLAIN_WORDS if part in words), None)
    if found:
        return found[0], indent if found[1] is None else found[1]
    entry = _ENTRY.match(line)
    assert entry
    value, column = line[entry.end() :].rstrip(), entry.end()
    explained = _explain_value(value, entry, None if at is None else at - column) if words else None
    if explained:
        return explained[0], column + explained[1]
    return _explain_structure(line, entry, above), indent if at is None else at


def _explain_value(value: str, entry: re.Match[str], at: int | None) -> tuple[str, int] | None:
    """Return the cause of an error in a value, and its column in the value."""
    first = value[:1]
    if first in ("'", '"'):
        return _explain_quotes(value)
    if first in ("[", "{"):
        return _explain_brackets(value, at)
    if first in _NO_PLAIN_START:
        return _NO_PLAIN_START[first], 0
    if entry[2] and value == "-":
        return "a hyphen alone is not a value unless it is in quotes", 0
    if entry[2] and value.startswith("- "):
        return "a list can't start on the line of its property", 0
    if not entry[2] and not entry[1]:
        return None
    colon = _VALUE_COLON.search(value)
    if colon is None:
        return None
    has_end = colon.end() == len(value)
    kind = "ends with a colon" if has_end else "contains a colon and a space"
    return f"a value that {kind} needs quotes", colon.start()


def _explain_quotes(value: str) -> tuple[str, int] | None:
    """Return the cause of an error in a value that starts with a quote."""
    quoted = _QUOTED.match(value)
    if not quoted:
        return "the quote that opens here is not closed", 0
    rest = value[quoted.end() :].lstrip()
    if not rest or rest.startswith("#"):
        return None
    at = quoted.end()
    if value[0] in rest and value[at].isalnum():
        return "a quote inside the value ends it early", at - 1
    return "text follows the closing quote, so the whole value needs quotes", len(value) - len(rest)


def _explain_brackets(value: str, at: int | None) -> tuple[str, int] | None:
    """Return the cause of an error in a value that starts with a bracket or brace."""
    name = "bracket" if value[0] == "[" else "brace"
    masked = _QUOTED.sub(lambda match: "x" * len(match[0]), value)
    shown = _COMMENT.sub("", masked)
    end = _find_closing(shown)
    if end == -1:
        if _find_closing(masked) != -1:
            return f"“#” starts a comment here, so the {name} is not closed", len(shown)
        return f"the {name} that opens here is not closed", 0
    rest = shown[end + 1 :].strip()
    if rest:
        column = value.index(rest[0], end + 1)
        return f"text follows the closing {name}, so the whole value needs quotes", column
    special = _SPECIAL_IN_BRACKETS.search(masked)
    if special:
        return _NO_PLAIN_START[special[1]], special.start(1)
    quote = re.search(r"[\"']", masked)
    if quote and masked[: quote.start()].rstrip()[-1:] in ("[", "{", ",", ":"):
        return "the quote that opens here is not closed", quote.start()
    return f"the text inside the {name}s is not a list", at if at is not None and at >= 0 else 0


def _find_closing(text: str) -> int:
    """Return the position of the bracket that closes the first one, or -1."""
    depth = 0
    for mark in _BRACKET.finditer(text):
        depth += 1 if mark[0] in "[{" else -1
        if depth == 0:
            return mark.start()
    return -1


def _explain_structure(line: str, entry: re.Match[str], above: str) -> str:
    """Return the cause of an error in the place of a line among others."""
    previous = next((text for text in reversed(above.splitlines()) if text.strip()), "")
    has_value = _HAS_VALUE.match(previous) is not None
    if line.strip() == "-" or entry[1]:
        if not previous:
            return "this list belongs to no property"
        return (
            "this list belongs to no property, because the one above it has a value"
            if has_value
            else "this line is not indented like the lines above it"
        )
    if entry[2]:
        indented = line[:1] in (" ", "\t")
        return (
            "this line is indented, but the line above it has a value"
            if indented and has_value
            else "this line is not indented like the lines above it"
        )
    if _MISSING_SPACE.match(line):
        return "a space is missing behind the colon"
    if re.match(r"[ \t]*-\S", line) and previous.lstrip().startswith("-"):
        return "a space is missing behind the hyphen"
    return "this line is not a property, which needs a name, a colon and a value"
