"""Fold texts so that equal names are equal, with the offsets of the original text.

Folding ignores case and Unicode normal forms. Hyphens, underscores and spaces of one line are the
same, and so are straight and curly apostrophes.
"""

import unicodedata
from functools import lru_cache

from vaultlink.text import lazy_pattern

_ASCII_SEPARATORS = str.maketrans("-_", "  ")
_SEPARATORS = "-_\u00a0\u202f\u2010\u2011"
_APOSTROPHES = "\u2019\u2018\u02bc"
_NOT_ASCII = lazy_pattern(r"[^\x00-\x7f]+")
_FIRST_VOWEL, _LAST_CONSONANT = "\u1160", "\u11ff"
"""Hangul letters that join the one before them."""


def fold_name(name: str) -> str:
    """Return the form of a name that is compared with folded texts."""
    return " ".join(FoldedText(name).text.split())


class FoldedText:
    """A folded text (`text`), and the offsets of its characters in the original."""

    __slots__ = ("_offsets", "text")

    def __init__(self, source: str):
        self._offsets: list[int | None] = []
        if source.isascii():
            self.text = source.lower().translate(_ASCII_SEPARATORS)
            return
        folded = source.casefold()
        # No letter is folded to fewer characters, so an equal length means one by one.
        if len(folded) != len(source) or not unicodedata.is_normalized("NFC", folded):
            folded = self._fold_parts(source)
        self.text = _unify(folded)

    def source_offset(self, at: int) -> int | None:
        """Return the original offset of a boundary between two folded characters.

        None if the boundary is inside of what one original letter was folded to.
        """
        return self._offsets[at] if self._offsets else at

    def _fold_parts(self, source: str) -> str:
        parts: list[str] = []
        for start, end in _split_parts(source):
            part = _fold_part(source[start:end])
            parts.append(part)
            if len(part) == end - start:
                self._offsets += range(start, end)
            else:
                self._offsets += [start, *[None] * (len(part) - 1)]
        self._offsets.append(len(source))
        return "".join(parts)


def _split_parts(source: str) -> list[tuple[int, int]]:
    """Return the spans of ASCII text, and of each other letter with its marks."""
    starts = []
    at = 0
    for match in _NOT_ASCII.finditer(source):
        start = match.start()
        if start > at:
            starts.append(at)
            if _joins(source[start]) and start - 1 > at:
                starts.append(start - 1)
        starts.extend(
            index for index in range(start, match.end()) if index == 0 or not _joins(source[index])
        )
        at = match.end()
    if at < len(source):
        starts.append(at)
    return list(zip(starts, [*starts[1:], len(source)], strict=True))


@lru_cache(maxsize=4096)
def _joins(char: str) -> bool:
    """Return True for a character that may be combined with the one before it."""
    return unicodedata.category(char)[0] == "M" or _FIRST_VOWEL <= char <= _LAST_CONSONANT


@lru_cache(maxsize=4096)
def _fold_part(part: str) -> str:
    if part.isascii():
        return part.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", part).casefold())


def _unify(text: str) -> str:
    for char in _SEPARATORS:
        text = text.replace(char, " ")
    for char in _APOSTROPHES:
        text = text.replace(char, "'")
    return text
