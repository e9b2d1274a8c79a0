"""Split lines of a POSIX shell into words, and expand those that are certain.

In the text of a word, `\\0` stands before each character that quotes made literal, and `\\1` for a
part that only the shell knows. If that is a variable, its name follows, and `\\2` or, in quotes,
`\\3`.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from fnmatch import translate
from typing import NamedTuple

MAX_FILES = 50_000
"""Files that patterns and `find` may match. More are not looked at."""

# -- tokens ----------------------------------------------------------------------------------------

UNKNOWN = "\1"
_LITERAL = "\0"
_SPECIAL = re.compile(r"[*?\[\]{},~]")
_OPERATOR = re.compile(r"&&|\|\||\|&|;;&?|;&|[;&|()\n]")
_REDIRECTION = re.compile(r"\d*(?:<<<|<<-?|<>|<&|>>|>&|>\||<|>)|&>>?")
_GAP = re.compile(r"(?:[ \t\r]|\\\r?\n)+|#[^\n]*")
_QUOTED = re.compile(r"'([^']*)'|\\(.)|\"((?:[^\"\\$`]|\\.|\$\w+|\$\{\w+\})*)\"", re.DOTALL)
_IN_QUOTES = re.compile(r"\\([\"\\$`])|\\\n|\$(?:(\w+)|\{(\w+)\})")
_PLAIN = re.compile(r"[^\s'\"\\$`;&|()<>]+")
_EXPANDED = re.compile(r"[$`\\]")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\}|[@*#?$!-])")
_MARKED_VARIABLE = re.compile(r"\x01(\w+)([\x02\x03])")


class TokenKind(Enum):
    WORD = 0
    OPERATOR = 1
    REDIRECTION = 2
    HERE_TEXT = 3


class Token(NamedTuple):
    kind: TokenKind
    text: str


class _Delimiter(NamedTuple):
    """The line that ends a here document; nothing in that is expanded if quoted."""

    text: str
    is_quoted: bool


class NotUnderstoodError(Exception):
    """The rest of a line has a form that is not read."""


def split_tokens(line: str) -> Iterator[Token]:
    """Yield the tokens of a line. Raises NotUnderstoodError."""
    place, delimiters, expects_delimiter = 0, list[_Delimiter](), False
    while place < len(line):
        if found := _GAP.match(line, place):
            place = found.end()
        elif found := _REDIRECTION.match(line, place):
            place = found.end()
            expects_delimiter = found[0].lstrip("0123456789") in ("<<", "<<-")
            if line.startswith("(", place):
                raise NotUnderstoodError
            yield Token(TokenKind.REDIRECTION, found[0])
        elif found := _OPERATOR.match(line, place):
            place = found.end()
            if found[0] == "\n":
                for delimiter in delimiters:
                    text, place = _cut_here_text(line, place, delimiter.text)
                    is_known = delimiter.is_quoted or not _EXPANDED.search(text)
                    yield Token(TokenKind.HERE_TEXT, text if is_known else UNKNOWN)
                delimiters = []
            yield Token(TokenKind.OPERATOR, found[0])
        else:
            start = place
            word, place = _read_word(line, place)
            if expects_delimiter:
                is_quoted = not line[start:place].isalnum()
                delimiters.append(_Delimiter(word.replace(_LITERAL, ""), is_quoted))
                expects_delimiter = False
            yield Token(TokenKind.WORD, word)


def _read_word(line: str, place: int) -> tuple[str, int]:
    """Return the word at a place, and its end."""
    parts = list[str]()
    while place < len(line):
        if found := _PLAIN.match(line, place):
            parts.append(found[0])
        elif found := _QUOTED.match(line, place):
            single, escaped, double = found.groups()
            if double is not None:
                single = _IN_QUOTES.sub(_mark_in_quotes, double)
            parts.append(_mark_literal(escaped if single is None else single) or "\0")
        elif found := _VARIABLE.match(line, place):
            parts.append(f"{UNKNOWN}{found[1] or found[2] or ''}\2")
        elif line[place] in "\"'$`":
            parts.append(UNKNOWN)
            place = _skip_nested(line, place)
            continue
        else:
            break
        place = found.end()
    if not parts or line.startswith("(", place):  # a function, an array or an extended pattern
        raise NotUnderstoodError
    return "".join(parts), place


def _mark_in_quotes(found: re.Match[str]) -> str:
    name = found[2] or found[3]
    return f"{UNKNOWN}{name}\3" if name else found[1] or ""


def _skip_nested(line: str, place: int) -> int:
    """Return the end of quotes or of a substitution that begin at a place."""
    pending = list[str]()
    while True:
        top, char = (pending[-1] if pending else ""), line[place : place + 1]
        if not char:
            raise NotUnderstoodError
        step = 1
        if char == top:
            pending.pop()
        elif top != "'":
            step = _open_nested(line, place, top, pending)
        place += step
        if not pending:
            return place


def _open_nested(line: str, place: int, top: str, pending: list[str]) -> int:
    """Add what ends a part that begins at a place, if any does; return its length."""
    char = line[place]
    if char == "\\":
        return 2
    if line.startswith(("$(", "${"), place):
        pending.append(")" if line[place + 1] == "(" else "}")
        return 2
    if char in '"`' or (char in "'(" and top != '"'):
        pending.append(")" if char == "(" else char)
    elif top == ")" and (found := _HERE.match(line, place)):
        start = line.find("\n", place) + 1
        if not start:
            raise NotUnderstoodError
        return _cut_here_text(line, start, found[2])[1] - place - 1
    return 1


_HERE = re.compile(r"<<-?[ \t]*(['\"]?)(\w+)\1")


def _cut_here_text(line: str, place: int, delimiter: str) -> tuple[str, int]:
    """Return the text of a here document at a place, and the place behind it."""
    end = re.compile(rf"^\t*{re.escape(delimiter)}(?:\n|$)", re.MULTILINE).search(line, place)
    if end is None:
        raise NotUnderstoodError
    return line[place : end.start()], end.end()


# -- words -----------------------------------------------------------------------------------------

_BRACES = re.compile(r"(?<!\0)\{((?:[^{}\0]|\0.)*)(?<!\0)\}")
_COMMA = re.compile(r"(?<!\0),")
_PATTERN = re.compile(r"(?<!\0)[*?\[]")
_SPLIT = re.compile(r"\s|[*?\[]|^$")
ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\+?=")

_MAX_BRACES, _MAX_COMMAS = 4, 40
"""Braces and commas of a word that are expanded; more could stand for very many words."""


def _expand_braces(word: str) -> list[str]:
    found = _BRACES.search(word)
    is_large = word.count("{") > _MAX_BRACES or word.count(",") > _MAX_COMMAS
    if found is None or is_large or not _COMMA.search(found[1]):
        return [word]
    head, tail = word[: found.start()], word[found.end() :]
    words = [f"{head}{part}{tail}" for part in _COMMA.split(found[1])]
    return [item for word in words for item in _expand_braces(word)]


def _expand_home(word: str) -> str:
    is_home = word == "~" or word.startswith("~/")
    return _mark_literal(os.path.expanduser("~")) + word[1:] if is_home else word


def _mark_literal(text: str) -> str:
    return _SPECIAL.sub(r"\0\g<0>", text)


def expand_word(word: str, cwd: str | None, values: Mapping[str, str]) -> list[str | None]:
    """Return the words that a word stands for; None for one that is not known.

    `values` are those of variables that are known.
    """

    def insert(found: re.Match[str]) -> str:
        value = values.get(found[1])
        is_word = value is not None and (found[2] == "\3" or not _SPLIT.search(value))
        return _mark_literal(value or "") if is_word else UNKNOWN

    word = _MARKED_VARIABLE.sub(insert, word)
    if UNKNOWN in word:
        return [None]
    words = list[str | None]()
    for part in map(_expand_home, _expand_braces(word)):
        if not _PATTERN.search(part):
            words.append(part.replace("\0", ""))
        elif cwd is None and not part.startswith("/"):
            words.append(None)
        else:
            matches = _list_matches(part, cwd or "/")
            words += [None] if matches is None else matches or [part.replace("\0", "")]
    return words


def _list_matches(pattern: str, cwd: str) -> list[str] | None:
    """Return the paths that match a pattern; None if they are too many to look for."""
    places, budget = ["/" if pattern.startswith("/") else ""], MAX_FILES
    for number, part in enumerate(pattern.lstrip("/").split("/")):
        found = list[str]()
        for place in places:
            prefix = f"{place}/" if number else place
            if not _PATTERN.search(part):
                path = f"{prefix}{part.replace(_LITERAL, '')}"
                found += [path] if os.path.lexists(os.path.join(cwd, path)) else []
                continue
            names = _list_names(os.path.join(cwd, prefix))
            budget -= len(names)
            if budget < 0:
                return None
            matches = _make_name_test(part)
            found += [f"{prefix}{name}" for name in names if matches(name)]
        places = found
    return sorted(places)


def _list_names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _make_name_test(pattern: str) -> Callable[[str], bool]:
    """Return a function that is True for names that match, which for `.` must be said."""
    text = re.sub(r"\0(.)", r"[\1]", pattern).replace(_LITERAL, "").replace("[^", "[!")
    matches = re.compile(translate(re.sub(r"\*{2,}", "*", text))).match
    is_hidden = pattern.startswith(".")
    return lambda name: bool(matches(name)) and name.startswith(".") == is_hidden


class ParsedWords(NamedTuple):
    """The options and operands of a command. Long options have their whole names."""

    options: dict[str, str]
    operands: list[str]


def parse_words(words: Sequence[str | None], with_value: str = "") -> ParsedWords:
    """Split the words behind a command.

    `with_value` are short options that have a value.
    """
    options, operands = dict[str, str](), list[str]()
    rest = iter(words)
    for word in rest:
        if word == "--":
            operands += [item for item in rest if item is not None]
        elif word is None:
            continue
        elif word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            needs = not equals and name in _LONG_WITH_VALUE
            options[name] = (next(rest, "") or "") if needs else value
        elif word.startswith("-") and len(word) > 1:
            for number, letter in enumerate(word[1:], 2):
                if letter in with_value:
                    options[letter] = word[number:] or next(rest, "") or ""
                    break
                options[letter] = ""
        else:
            operands.append(word)
    return ParsedWords(options, operands)


_LONG_WITH_VALUE = frozenset({"target-directory", "suffix"})
