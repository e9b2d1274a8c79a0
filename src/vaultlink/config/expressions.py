"""Match regular expressions of JavaScript with the library `regex`, within a time.

Groups capture nothing, as only the fact of a match matters.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from vaultlink.errors import ConfigError
from vaultlink.text import lazy_pattern

_MAX_LENGTH, _MAX_DEPTH, _MAX_COUNT = 1_000, 50, 1_000
"""Characters of an expression, groups within groups, and the numbers of a quantifier."""

_MAX_SIZE = 10_000
"""Characters of an expression whose counted repeats are written out. Larger ones take gigabytes."""

_MAX_SECONDS = 0.2
"""Processor time of one search."""

_ITEM = r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|c[A-Za-z]|[0-3]?[0-7]{1,2}|.)|[^\\]"
_RANGE = lazy_pattern(rf"(?P<first>{_ITEM})-(?P<last>{_ITEM})|{_ITEM}", re.DOTALL)
_TOKEN = lazy_pattern(
    r"(?P<repeat>(?:[*+?]|\{(\d+)(?:,(\d*))?\})\??)"
    r"|(?P<open>\((?:\?(?:[:=!]|<[=!]|<[^>=!][^>]*>))?)|(?P<close>\))|(?P<or>\|)"
    r"|(?P<position>[$^]|\\[bB])|(?P<set>\[(?:\\.|[^]\\])*\])"
    rf"|(?P<reference>\\[1-9k])|(?P<char>{_ITEM}|\\)",
    re.DOTALL,
)

_SETS = {
    "d": "0-9",
    "w": "0-9A-Z_a-z",
    "s": r"\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff",
}
_CONTROLS = {"b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}
_BOUNDARY = "(?<=W)(?!W)|(?<!W)(?=W)".replace("W", f"(?-i:[{_SETS['w']}])")
_POSITIONS = {"^": r"\A", "$": r"\Z", r"\b": f"(?:{_BOUNDARY})", r"\B": f"(?!{_BOUNDARY})"}


class UnsupportedExpression(Exception):  # noqa: N818 - the expression may be valid
    """Reason why an expression is not used, as a clause."""


class Expression:
    """A compiled expression, which ignores case."""

    def __init__(self, source: str):
        """Compile an expression. Raises UnsupportedExpression if it is not possible."""
        import regex  # noqa: PLC0415 - takes 60 ms, and few vaults need it

        if len(source) > _MAX_LENGTH:
            raise UnsupportedExpression(f"it has more than {_MAX_LENGTH:,} characters")
        self._source = source
        translated = "".join(_translate(source))
        if _measure(source) > _MAX_SIZE:
            raise UnsupportedExpression(
                f"with its repetitions written out, it has more than {_MAX_SIZE:,} parts"
            )
        try:
            self._pattern = regex.compile(translated, regex.IGNORECASE)
        except regex.error:
            raise UnsupportedExpression("it is invalid") from None

    def search(self, text: str) -> bool:
        """Return True if the expression matches anywhere. Raises ConfigError if too slow."""
        try:
            return self.search_within(text, _MAX_SECONDS)
        except TimeoutError:
            raise ConfigError(
                f"Excluded files of Obsidian: /{self._source}/ takes too long for {text}. "
                "Remove it, and use `exclude` in the settings of vaultlink."
            ) from None

    def search_within(self, text: str, seconds: float) -> bool:
        """Search as `search` does. Raise TimeoutError after this processor time."""
        return self._pattern.search(text, timeout=seconds) is not None


@lru_cache(maxsize=50)
def compile_expression(source: str) -> Expression | str:
    """Return a compiled expression, or a clause that says why it can't be used."""
    try:
        return Expression(source)
    except UnsupportedExpression as reason:
        return str(reason)


def _translate(source: str) -> Iterator[str]:
    """Yield the parts of an expression for `regex`."""
    groups, can_repeat = list[str](), False
    for match in _TOKEN.finditer(source):
        kind, token = match.lastgroup, match[0]
        if kind == "repeat":
            if not can_repeat:
                raise UnsupportedExpression("there is nothing to repeat")
            if any(number and int(number[:9]) > _MAX_COUNT for number in match.group(2, 3)):
                raise UnsupportedExpression(f"a number of repetitions is above {_MAX_COUNT:,}")
        elif kind == "open":
            groups.append(token)
            if len(groups) > _MAX_DEPTH:
                raise UnsupportedExpression(f"it has more than {_MAX_DEPTH} groups within groups")
            if source.startswith("(?", match.start()) and token == "(":
                raise UnsupportedExpression("it has a group of an unknown kind")
        elif kind == "close" and not groups:
            raise UnsupportedExpression("a parenthesis is closed that was not opened")
        closed = groups.pop() if kind == "close" else ""
        can_repeat = kind in ("char", "set", "close") and closed not in ("(?<=", "(?<!")
        yield _translate_token(kind, token)
    if groups:
        raise UnsupportedExpression("a parenthesis is not closed")


def _measure(source: str) -> int:
    """Return the size of a valid expression with its counted repeats written out."""
    sizes, last = [0], 0
    for match in _TOKEN.finditer(source):
        if match.lastgroup == "open":
            sizes.append(0)
        elif match.lastgroup == "repeat":
            sizes[-1] += last * (max(int(number or 1) for number in match.group(2, 3)) - 1)
        else:
            last = sizes.pop() if match.lastgroup == "close" else 1
            sizes[-1] += last
    return sizes[0]


def _translate_token(kind: str | None, token: str) -> str:
    if kind == "open":
        return token if token in ("(?=", "(?!", "(?<=", "(?<!") else "(?:"
    if kind == "position":
        return _POSITIONS[token]
    if kind == "set":
        return _translate_set(token[1:-1])
    if kind == "reference":
        raise UnsupportedExpression("it has a back reference")
    if kind != "char":
        return token
    if token == "\\":
        raise UnsupportedExpression("it ends too early")
    if token == "[":
        raise UnsupportedExpression("a set of characters is not closed")
    return r"[^\n\r\u2028\u2029]" if token == "." else _find_set(token) or re.escape(_decode(token))


def _translate_set(inside: str) -> str:
    """Translate the characters between brackets. Sets such as `\\W` keep their case.

    Each alternative is one character. So the first that matches is enough, whatever follows.
    """
    is_negated = inside.startswith("^")
    chars, parts = "", list[str]()
    for match in _RANGE.finditer(inside, int(is_negated)):
        items = [match["first"], "-", match["last"]] if match["first"] else [match[0]]
        sets = list(filter(None, map(_find_set, items)))
        if len(items) == 3 and not sets:
            first, last = _decode(items[0]), _decode(items[2])
            if first > last:
                raise UnsupportedExpression("a range of characters is in the wrong order")
            chars += f"{re.escape(first)}-{re.escape(last)}"
        else:
            parts += sets
            chars += "".join(re.escape(_decode(item)) for item in items if not _find_set(item))
    parts += [f"[{chars}]"] if chars else []
    union = "|".join(parts) or "(?!)"
    return f"(?:(?!{union})(?s:.))" if is_negated else f"(?>{union})"


def _find_set(item: str) -> str:
    """Return the set that an escape such as `\\d` stands for; "" for a character."""
    chars = _SETS.get(item[1:].lower())
    return "" if chars is None else f"(?-i:[{'^' if item[1].isupper() else ''}{chars}])"


def _decode(item: str) -> str:
    """Return the character that an item stands for."""
    name = item[1:]
    if not name:
        return item
    if name in _CONTROLS:
        return _CONTROLS[name]
    if name[0] in "01234567":
        return chr(int(name, 8))
    if len(name) == 1:
        return name
    return chr(ord(name[1]) % 32 if name[0] == "c" else int(name[1:], 16))
