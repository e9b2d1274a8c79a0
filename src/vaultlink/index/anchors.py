"""Find the heading or block that a link's subpath identifies (section 6).

Also finds headings by the anchors that GitHub gives them, which Obsidian does not follow (2.8).
"""

import re
import unicodedata
from collections.abc import Sequence

from vaultlink.model import BlockId, Heading, Note
from vaultlink.text import lazy_pattern

_IGNORED_IN_HEADINGS = lazy_pattern(r"[\s!\"#$%&()*+,.:;<=>?@^{|}~/\[\]`\\]+")


def heading_key(text: str) -> str:
    """Return the comparison key of a heading (6.2).

    Punctuation except `-`, `_` and `'` becomes a space, runs of spaces collapse, letters become
    lower case.
    """
    return _IGNORED_IN_HEADINGS.sub(" ", text).strip().lower()


def part_key(part: str) -> str:
    """Return the comparison key of a part of a subpath.

    A block is given by its lowercase id with a caret.
    """
    return part.lower() if part.startswith("^") else heading_key(part)


def split_parts(subpath: str) -> list[str]:
    """Return the trimmed parts of a subpath such as `#A#B`, without empty ones (6.1)."""
    return [part.strip() for part in subpath.split("#") if part.strip()]


def find_anchor(note: Note, subpath: str) -> Heading | BlockId | None:
    """Return the heading or block that a subpath such as `#A#B` or `#^id` identifies.

    Returns the first of several, None if there is none.
    """
    parts = split_parts(subpath)
    if len(parts) == 1 and parts[0].startswith("^"):
        name = parts[0][1:].lower()
        block = next((block for block in note.blocks if block.id.lower() == name), None)
        if block:
            return block
    return _find_heading(note, [heading_key(part) for part in parts])


def _find_heading(note: Note, keys: list[str]) -> Heading | None:
    """Return the heading at the end of a path.

    Each part follows the last and is deeper (6.3).
    """
    found: Heading | None = None
    remaining = iter(keys)
    key = next(remaining, None)
    for heading in note.headings:
        if key is None:
            break
        if heading_key(heading.text) == key and (found is None or heading.level > found.level):
            found = heading
            key = next(remaining, None)
    return found if key is None else None


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
    for heading in note.headings:
        explicit = _EXPLICIT_ID.search(heading.text)
        if explicit and explicit[1].lower() == slug:
            return heading
    for texts in (
        [render_heading(heading.text) for heading in note.headings],
        [heading.text for heading in note.headings],
    ):
        slugs = _number_slugs(texts)
        if slug in slugs:
            return note.headings[slugs.index(slug)]
    return None


def _number_slugs(texts: Sequence[str]) -> list[str]:
    """Return the anchor of each heading of a note, with counters."""
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
