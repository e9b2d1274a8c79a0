"""Parse regular expressions of JavaScript, without flags, into a tree.

The syntax is that of ECMAScript 2024 with the extensions of browsers (annex B). Groups capture
nothing, as only the fact of a match matters.
"""

import msgspec

from vaultlink.text import lazy_pattern

MAX_LENGTH, _MAX_DEPTH, _MAX_COUNT = 1_000, 50, 1_000
"""Characters of an expression, groups within groups, and the numbers of a quantifier."""


class UnsupportedExpression(Exception):  # noqa: N818 - the expression may be valid
    """Reason why an expression is not used, as a clause."""


Ranges = tuple[tuple[int, int], ...]
"""Pairs of first and last code point."""


class CharSet(msgspec.Struct, frozen=True):
    """One character in `ranges`; with `negated`, one that is not."""

    ranges: Ranges
    negated: bool = False


class Sequence_(msgspec.Struct, frozen=True):  # noqa: N801 - `Sequence` is the abstract type
    """Parts that follow each other."""

    parts: tuple["Node", ...]


class Choice(msgspec.Struct, frozen=True):
    """One of several alternatives."""

    parts: tuple["Node", ...]


class Repeat(msgspec.Struct, frozen=True):
    """A part `least` to `most` times; None for any number of times."""

    part: "Node"
    least: int
    most: int | None


class Boundary(msgspec.Struct, frozen=True):
    """A position: `^`, `$`, `b` or `B`."""

    kind: str


class Look(msgspec.Struct, frozen=True):
    """A position ahead of or behind which `part` matches, or with `negated` not."""

    part: "Node"
    is_ahead: bool
    negated: bool


Node = CharSet | Sequence_ | Choice | Repeat | Boundary | Look

_DIGITS: Ranges = ((48, 57),)
_WORDS: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACES: Ranges = (
    *((9, 13), (32, 32), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A)),
    *((0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)),
)
_LINE_ENDS: Ranges = ((10, 10), (13, 13), (0x2028, 0x2029))
_CLASSES = {"d": _DIGITS, "w": _WORDS, "s": _SPACES}
_ESCAPES = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}

_QUANTIFIER = lazy_pattern(r"([*+?]|\{(\d+)(,?)(\d*)\})\??")
_GROUP_START = lazy_pattern(r"\((?:\?(?:[:=!]|<[=!]|<[^>=!][^>]*>))?")
_CODE = lazy_pattern(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|c([A-Za-z])|([0-3]?[0-7]{1,2})")
_SYNTAX_CHARS = frozenset("()|*+?")


def parse_expression(source: str, max_length: int = MAX_LENGTH) -> Node:
    """Parse an expression of at most `max_length` characters.

    Raises:
        UnsupportedExpression: The expression is invalid, too long, or uses back references or
            other features that can't be matched in linear time.
    """
    if len(source) > max_length:
        raise UnsupportedExpression(f"it has more than {max_length:,} characters")
    parser = _Parser(source)
    node = parser.parse_choice(0)
    if parser.offset < len(source):
        raise UnsupportedExpression("a parenthesis is closed that was not opened")
    return node


def invert(ranges: Ranges) -> Ranges:
    """Return all code points that are not in sorted ranges."""
    starts = [0, *(last + 1 for _, last in ranges)]
    ends = [*(first - 1 for first, _ in ranges), 0x10FFFF]
    return tuple((low, high) for low, high in zip(starts, ends, strict=True) if low <= high)


class _Parser:
    def __init__(self, source: str):
        self._source, self.offset = source, 0
        self._has_names = "(?<" in source.replace("(?<=", "").replace("(?<!", "")

    def parse_choice(self, depth: int) -> Node:
        """Parse alternatives up to the end of the group."""
        if depth > _MAX_DEPTH:
            raise UnsupportedExpression(f"it has more than {_MAX_DEPTH} groups within groups")
        parts = [self._parse_sequence(depth)]
        while self._take("|"):
            parts.append(self._parse_sequence(depth))
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def _take(self, text: str) -> bool:
        found = self._source.startswith(text, self.offset)
        self.offset += len(text) if found else 0
        return found

    def _next(self) -> str:
        if self.offset >= len(self._source):
            raise UnsupportedExpression("it ends too early")
        self.offset += 1
        return self._source[self.offset - 1]

    def _parse_sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while self.offset < len(self._source) and self._source[self.offset] not in "|)":
            parts.append(self._parse_quantifier(self._parse_atom(depth)))
        return parts[0] if len(parts) == 1 else Sequence_(tuple(parts))

    def _parse_quantifier(self, part: Node) -> Node:
        match = _QUANTIFIER.match(self._source, self.offset)
        if match is None:
            return part
        if isinstance(part, Boundary) or (isinstance(part, Look) and not part.is_ahead):
            raise UnsupportedExpression("a position is repeated")
        self.offset = match.end()
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(match[1], (0, None))
        if match[2]:
            least = int(match[2][:9])
            most = int(match[4][:9]) if match[4] else None if match[3] else least
        if max(least, most or 0) > _MAX_COUNT or (most is not None and most < least):
            raise UnsupportedExpression(f"a number of repetitions is wrong or above {_MAX_COUNT:,}")
        return Repeat(part, least, most)

    def _parse_atom(self, depth: int) -> Node:
        char = self._source[self.offset]
        if char == "(":
            return self._parse_group(depth)
        if char == "{" and _QUANTIFIER.match(self._source, self.offset):
            raise UnsupportedExpression("there is nothing to repeat")
        self.offset += 1
        if char in "^$":
            return Boundary(char)
        if char == ".":
            return CharSet(_LINE_ENDS, negated=True)
        if char == "[":
            return self._parse_class()
        if char == "\\":
            return self._parse_escape()
        if char in _SYNTAX_CHARS:
            raise UnsupportedExpression("there is nothing to repeat")
        return _literal(ord(char))

    def _parse_group(self, depth: int) -> Node:
        match = _GROUP_START.match(self._source, self.offset)
        assert match
        start, self.offset = match[0], match.end()
        if start == "(" and self._source.startswith("?", self.offset):
            raise UnsupportedExpression("it has a group of an unknown kind")
        part = self.parse_choice(depth + 1)
        if not self._take(")"):
            raise UnsupportedExpression("a parenthesis is not closed")
        kind = start[2:]
        if kind in ("=", "!", "<=", "<!"):
            return Look(part, is_ahead=kind in "=!", negated=kind[-1] == "!")
        return Sequence_((part,))  # a position in a group can be repeated

    def _parse_escape(self) -> Node:
        char = self._next()
        if char in "bB":
            return Boundary(char)
        if char in "123456789" or (char == "k" and self._has_names):
            raise UnsupportedExpression("it has a back reference")
        ranges = self._parse_escaped(char)
        return CharSet(ranges)

    def _parse_escaped(self, char: str) -> Ranges:
        """Return the characters that an escape stands for; `char` follows the backslash."""
        if char in _CLASSES:
            return _CLASSES[char]
        if char.lower() in _CLASSES:
            return invert(_CLASSES[char.lower()])
        if char in _ESCAPES:
            return ((_ESCAPES[char],) * 2,)
        match = _CODE.match(self._source, self.offset - 1)
        if match is None:
            return ((ord(char),) * 2,)
        self.offset = match.end()
        code = (
            ord(match[3]) % 32
            if match[3]
            else int(match[4], 8)
            if match[4]
            else int(match[1] or match[2], 16)
        )
        return ((code, code),)

    def _parse_class(self) -> Node:
        negated, ranges = self._take("^"), list[tuple[int, int]]()
        while not self._take("]"):
            first = self._parse_class_item()
            if not self._source.startswith("-", self.offset) or self._source.startswith(
                "-]", self.offset
            ):
                ranges += first
                continue
            self.offset += 1
            last = self._parse_class_item()
            if not (_is_single(first) and _is_single(last)):
                ranges += (*first, (45, 45), *last)  # a class has no order; the hyphen is literal
            elif first[0][0] > last[0][0]:
                raise UnsupportedExpression("a range of characters is in the wrong order")
            else:
                ranges.append((first[0][0], last[0][0]))
        return CharSet(tuple(ranges), negated)

    def _parse_class_item(self) -> Ranges:
        char = self._next()
        if char != "\\":
            return ((ord(char),) * 2,)
        escaped = self._next()
        return ((8, 8),) if escaped == "b" else self._parse_escaped(escaped)


def _literal(code: int) -> CharSet:
    return CharSet(((code, code),))


def _is_single(ranges: Ranges) -> bool:
    return len(ranges) == 1 and ranges[0][0] == ranges[0][1]
