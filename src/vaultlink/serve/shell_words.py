"""Split simple commands of a POSIX shell into words, and expand their patterns.

In the text of a word, `\\0` stands before each character of a pattern that quotes made literal.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from fnmatch import translate
from typing import NamedTuple

# -- tokens ----------------------------------------------------------------------------------------

_LITERAL = "\0"
_SPECIAL = re.compile(r"[*?\[\]~]")
_OPERATOR = re.compile(r"&&|\|\||\|(?!&)|[;\n]")
_REDIRECTION = re.compile(r"\d*(?:<<<|<<-?|<>|<&|>>|>&|>\||<|>)|&>>?")
_GAP = re.compile(r"(?:[ \t\r]|\\\r?\n)+|#[^\n]*")
_QUOTED = re.compile(r"'([^']*)'|\\(.)|\"((?:[^\"\\$`]|\\.)*)\"", re.DOTALL)
_IN_QUOTES = re.compile(r"\\([\"\\$`])|\\\n")
_PLAIN = re.compile(r"[^\s'\"\\$`{;&|()<>]+")
_EXPANDED = re.compile(r"[$`\\]")
_END_OF_WORD = re.compile(r"[\s;&|)<>]|$")


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
    """Yield the tokens of a line.

    The text of a here document is "" if the shell expands something in it.

    Raises NotUnderstoodError at expansions, groups of commands and commands in the background.
    """
    place, delimiters, expects_delimiter = 0, list[_Delimiter](), False
    while place < len(line):
        if found := _GAP.match(line, place):
            place = found.end()
        elif found := _REDIRECTION.match(line, place):
            place = found.end()
            expects_delimiter = found[0].lstrip("0123456789") in ("<<", "<<-")
            yield Token(TokenKind.REDIRECTION, found[0])
        elif found := _OPERATOR.match(line, place):
            place = found.end()
            if found[0] == "\n":
                for delimiter in delimiters:
                    text, place = _cut_here_text(line, place, delimiter.text)
                    is_known = delimiter.is_quoted or not _EXPANDED.search(text)
                    yield Token(TokenKind.HERE_TEXT, text if is_known else "")
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
    while not _END_OF_WORD.match(line, place):
        if found := _PLAIN.match(line, place):
            parts.append(found[0])
        elif found := _QUOTED.match(line, place):
            single, escaped, double = found.groups()
            if double is not None:
                single = _IN_QUOTES.sub(lambda inner: inner[1] or "", double)
            parts.append(_mark_literal(escaped if single is None else single) or _LITERAL)
        else:
            raise NotUnderstoodError
        place = found.end()
    if not parts:
        raise NotUnderstoodError
    return "".join(parts), place


def _cut_here_text(line: str, place: int, delimiter: str) -> tuple[str, int]:
    """Return the text of a here document at a place, and the place behind it."""
    end = re.compile(rf"^\t*{re.escape(delimiter)}(?:\n|$)", re.MULTILINE).search(line, place)
    if end is None:
        raise NotUnderstoodError
    return line[place : end.start()], end.end()


# -- words -----------------------------------------------------------------------------------------

_PATTERN = re.compile(r"(?<!\0)[*?\[]")

_MAX_FILES = 50_000
"""Files that patterns may match. More are not looked at."""


def _mark_literal(text: str) -> str:
    return _SPECIAL.sub(r"\0\g<0>", text)


def expand_word(word: str, cwd: str) -> list[str]:
    """Return the words that a word stands for, with paths relative to `cwd`.

    Raises NotUnderstoodError for the home folder of another user, and for too many paths.
    """
    if word.startswith("~"):
        if word[1:2] not in ("", "/"):
            raise NotUnderstoodError
        word = _mark_literal(os.path.expanduser("~")) + word[1:]
    plain = word.replace(_LITERAL, "")
    if not _PATTERN.search(word):
        return [plain]
    return _list_matches(word, cwd) or [plain]


def _list_matches(pattern: str, cwd: str) -> list[str]:
    """Return the paths that match a pattern. Raises NotUnderstoodError if they are too many."""
    places, budget = ["/" if pattern.startswith("/") else ""], _MAX_FILES
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
                raise NotUnderstoodError
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


def parse_words(words: Sequence[str], with_value: str = "") -> ParsedWords:
    """Split the words behind a command.

    `with_value` are short options that have a value.
    """
    options, operands = dict[str, str](), list[str]()
    rest = iter(words)
    for word in rest:
        if word == "--":
            operands += rest
        elif word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            needs = not equals and name in _LONG_WITH_VALUE
            options[name] = next(rest, "") if needs else value
        elif word.startswith("-") and len(word) > 1:
            for number, letter in enumerate(word[1:], 2):
                if letter in with_value:
                    options[letter] = word[number:] or next(rest, "")
                    break
                options[letter] = ""
        else:
            operands.append(word)
    return ParsedWords(options, operands)


_LONG_WITH_VALUE = frozenset({"target-directory", "suffix"})
