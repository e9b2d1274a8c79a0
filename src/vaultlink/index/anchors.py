"""Find the heading or block that a link's subpath identifies (section 6).

Also finds headings by the anchors that GitHub gives them, which Obsidian does not follow (2.8).
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple, TypeVar

from vaultlink.model import BlockId, Heading, Link, Note
from vaultlink.text import lazy_pattern

_IGNORED_IN_HEADINGS = lazy_pattern(r"[\s!\"#$%&()*+,.:;<=>?@^{|}~/\[\]`\\]+")


_T = TypeVar("_T")


def heading_key(text: str) -> str:
    """Return the comparison key of a heading (6.2).

    Punctuation except `-`, `_` and `'` becomes a space, runs of spaces collapse, letters become
    lower case.
    """
    return _IGNORED_IN_HEADINGS.sub(" ", text).strip().lower()


def part_key(part: str) -> str:
    """Return the comparison key of a part of a subpath. That of a block has a caret."""
    return part.lower() if part.startswith("^") else heading_key(part)


class Anchor(NamedTuple):
    """The place to which a link leads.

    Attributes:
        path: Vault path of the file.
        start: Offset of the heading or block, in code points; 0 for the whole file.
        end: Offset behind it; 0 for the whole file.
    """

    path: str
    start: int = 0
    end: int = 0


def locate_anchor(path: str, note: Note | None, link: Link) -> Anchor | None:
    """Return where a link to a file leads; None if its heading or block is missing.

    `note` is None for an attachment, in which a subpath is not looked up.
    """
    if not link.subpath or note is None:
        return Anchor(path)
    found = find_anchor(note, link.subpath)
    return None if found is None else Anchor(path, found.start, found.end)


def find_equal_headings(note: Note, subpath: str) -> list[Heading]:
    """Return the headings that a subpath of one part may name; the first counts."""
    parts = split_parts(subpath)
    if len(parts) != 1:
        return []
    numbers = build_anchor_table(note).numbers_by_key.get(part_key(parts[0]), ())
    return [note.headings[number] for number in numbers]


def split_parts(subpath: str) -> list[str]:
    """Return the trimmed parts of a subpath such as `#A#B`, without empty ones (6.1)."""
    return [part.strip() for part in subpath.split("#") if part.strip()]


def list_anchors(note: Note) -> tuple[list[tuple[int, str]], list[str]]:
    """Return what the subpaths of links to a note depend on."""
    return [(item.level, item.text) for item in note.headings], [item.id for item in note.blocks]


def find_anchor(note: Note, subpath: str) -> Heading | BlockId | None:
    """Return the first heading or block that a subpath such as `#A#B` or `#^id` means."""
    parts = split_parts(subpath)
    table = build_anchor_table(note)
    if len(parts) == 1 and parts[0].startswith("^"):
        block = table.blocks.get(parts[0][1:].lower())
        if block:
            return block
    return table.find_path([heading_key(part) for part in parts])


class AnchorTable:
    """The headings and blocks of a note, of which it can have thousands."""

    def __init__(self, note: Note) -> None:
        self._note = note

        self._derived: dict[Callable[[Note], object], object] = {}

    def derive(self, compute: Callable[[Note], _T]) -> _T:
        if compute not in self._derived:
            self._derived[compute] = compute(self._note)
        return self._derived[compute]  # type: ignore[return-value]

    @cached_property
    def parents(self) -> dict[int, Heading | None]:
        """The start of each heading to the last heading before it with a lower level."""
        found: dict[int, Heading | None] = {}
        above: list[Heading] = []
        for heading in self._note.headings:
            while above and above[-1].level >= heading.level:
                above.pop()
            found[heading.start] = above[-1] if above else None
            above.append(heading)
        return found

    @cached_property
    def blocks(self) -> dict[str, BlockId]:
        """Lowercase id to the first block that has it."""
        return {block.id.lower(): block for block in reversed(self._note.blocks)}

    @cached_property
    def numbers_by_key(self) -> dict[str, list[int]]:
        """Comparison key to the numbers of the headings that have it."""
        groups: dict[str, list[int]] = {}
        for number, heading in enumerate(self._note.headings):
            groups.setdefault(heading_key(heading.text), []).append(number)
        return groups

    @cached_property
    def _numbers_by_level(self) -> dict[tuple[str, int], list[int]]:
        groups: dict[tuple[str, int], list[int]] = {}
        for key, numbers in self.numbers_by_key.items():
            for number in numbers:
                level = self._note.headings[number].level
                groups.setdefault((key, level), []).append(number)
        return groups

    @cached_property
    def normalized_keys(self) -> frozenset[str]:
        """The comparison keys of the headings without block ids, in composed form."""
        return frozenset(normalize_heading(heading.text) for heading in self._note.headings)

    @cached_property
    def rendered(self) -> list[str]:
        return [render_heading(heading.text) for heading in self._note.headings]

    @cached_property
    def explicit_ids(self) -> dict[str, Heading]:
        """Lowercase id in braces to the first heading that has it."""
        found: dict[str, Heading] = {}
        for heading in self._note.headings:
            explicit = _EXPLICIT_ID.search(heading.text)
            if explicit:
                found.setdefault(explicit[1].lower(), heading)
        return found

    @cached_property
    def slugs(self) -> dict[str, Heading]:
        """GitHub anchor to its heading; those of rendered texts come first."""
        headings = self._note.headings
        found: dict[str, Heading] = {}
        for texts in (self.rendered, [heading.text for heading in headings]):
            for slug, heading in zip(_number_slugs(texts), headings, strict=True):
                found.setdefault(slug, heading)
        return found

    def find_path(self, keys: Sequence[str]) -> Heading | None:
        """Return the heading at the end of a path; each part is deeper (6.3)."""
        number, level = -1, 0
        for key in keys:
            number = self._find_deeper(key, number, level)
            if number == -1:
                return None
            level = self._note.headings[number].level
        return self._note.headings[number] if keys else None

    def _find_deeper(self, key: str, after: int, above: int) -> int:
        """Return the number of the next heading with a key and a deeper level, or -1."""
        if above == 0:
            numbers = self.numbers_by_key.get(key, ())
            return numbers[0] if numbers else -1
        found = []
        for level in range(above + 1, _MAX_LEVEL + 1):
            numbers = self._numbers_by_level.get((key, level), [])
            at = bisect_right(numbers, after)
            found += numbers[at : at + 1]
        return min(found, default=-1)


_MAX_LEVEL = 6


class _SameNote:
    """A note as a key that equals only itself, without comparing content."""

    __slots__ = ("note",)

    def __init__(self, note: Note) -> None:
        self.note = note

    def __hash__(self) -> int:
        return id(self.note)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _SameNote) and self.note is other.note


def build_anchor_table(note: Note) -> AnchorTable:
    return _build_table(_SameNote(note))


@lru_cache(maxsize=256)
def _build_table(key: _SameNote) -> AnchorTable:
    return AnchorTable(key.note)


def normalize_heading(heading: str) -> str:
    """Return the comparison key of a heading without its block id, in composed form.

    It is uncertain whether Obsidian compares block id and Unicode form (6.2, 6.6).
    """
    return heading_key(unicodedata.normalize("NFC", TRAILING_BLOCK_ID.sub("", heading)))


# -- text and GitHub anchor of a heading ----------------------------------------------------------

TRAILING_BLOCK_ID = lazy_pattern(r"\s\^([A-Za-z0-9-]+)\s*$")
"""A block id at the end of a heading. It is part of the heading's text (6.6)."""

_INLINE_MARKUP = lazy_pattern(
    r"`+(?P<code>[^`]+)`+"
    r"|\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|!?\[\[(?P<target>[^\[\]|]+)(?:\|(?P<display>[^\[\]]*))?\]\]"
    r"|(?P<footnote>\[\^[^\[\]]+\])"
    r"|!?\[(?P<text>[^\[\]]*)\]\([^()]*\)"
    r"|(?P<tag></?[A-Za-z][^<>]*>)"
)
_EMPHASIS = lazy_pattern(
    r"(?P<stars>\*{1,3}|~~|==)(?=\S)(?P<inner>.+?)(?<=\S)(?P=stars)"
    r"|(?<!\w)(?P<lines>_{1,3})(?=\S)(?P<within>.+?)(?<=\S)(?P=lines)(?!\w)"
)


def render_heading(text: str) -> str:
    """Return the text of a heading as a reader sees it.

    Markup, footnote references and a block id at the end are removed. A link shows its text.
    """
    text = TRAILING_BLOCK_ID.sub("", text)
    for pattern in (_INLINE_MARKUP, _EMPHASIS, _EMPHASIS):
        text = pattern.sub(_take_visible_text, text)
    return text.strip()


def _take_visible_text(match: re.Match[str]) -> str:
    groups = match.groupdict()
    names = ("code", "escaped", "display", "target", "text", "inner", "within")
    return next((groups[name] for name in names if groups.get(name)), "")


_INVISIBLE = {0x200D: "", 0xFE0E: "", 0xFE0F: ""}
"""Joiner and variation selectors: some programs keep those of an emoji in its anchor."""


def github_slug(text: str) -> str:
    """Return the anchor that GitHub gives a heading, without a counter.

    Letters in lower case, digits, marks, hyphens and underscores remain, and a space becomes a
    hyphen. Everything else, emoji included, is removed.
    """
    plain = unicodedata.normalize("NFC", text).translate(_INVISIBLE).lower()
    return "".join([char for char in plain if _is_in_slug(char)]).replace(" ", "-")


def _is_in_slug(char: str) -> bool:
    category = unicodedata.category(char)
    return char in " -" or category[0] in "LM" or category in ("Nd", "Nl", "Pc")


_EXPLICIT_ID = lazy_pattern(r"\{#([\w-]+)\}\s*$")


def has_explicit_id(heading: Heading) -> bool:
    """Return True for a heading with an id in braces, which Obsidian shows as text."""
    return _EXPLICIT_ID.search(heading.text) is not None


def find_slug_heading(note: Note, subpath: str) -> Heading | None:
    """Return the heading that GitHub opens for the subpath of a Markdown link.

    Case does not matter. Repeated headings have counters: `a`, `a-1`, `a-2`. Site generators also
    read an id in braces at the end of a heading: `{#a}`.
    """
    wanted = subpath.removeprefix("#").strip()
    slug = github_slug(wanted)
    if not slug.strip("-") or slug != wanted.translate(_INVISIBLE).lower():
        return None
    table = build_anchor_table(note)
    return table.explicit_ids.get(slug) or table.slugs.get(slug)


def _number_slugs(texts: Sequence[str]) -> list[str]:
    counts: dict[str, int] = {}
    slugs = []
    for text in texts:
        slug = base = github_slug(text)
        while slug in counts:
            counts[base] += 1
            slug = f"{base}-{counts[base]}"
        counts[slug] = 0
        slugs.append(slug)
    return slugs
