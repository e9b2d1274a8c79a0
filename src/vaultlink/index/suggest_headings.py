"""Suggest headings and blocks for a subpath that its note does not contain."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from vaultlink.index.anchors import (
    TRAILING_BLOCK_ID,
    build_anchor_table,
    find_anchor,
    find_slug_heading,
    heading_key,
    render_heading,
    split_parts,
)
from vaultlink.index.resolve import is_same_name, spelling_key
from vaultlink.index.words import (
    HEADING_FUNCTION_WORDS,
    SlipKind,
    Words,
    find_numbers,
    find_slip,
    is_inflection,
    split_text,
)
from vaultlink.model import Heading, Note, Safety, Suggestion
from vaultlink.text import lazy_pattern

# -- kinds of matches between the text of a link and a heading with other words --------------------
# Each kind is one that a careful editor would take for the same heading if no other one fits.


# -- words of headings -----------------------------------------------------------------------------


def list_word_variants(heading: str) -> set[Words]:
    """Return the words of a heading as they are written and as a reader sees them."""
    return {
        split_text(text, apostrophe)
        for text in (render_heading(heading), TRAILING_BLOCK_ID.sub("", heading))
        for apostrophe in ("", " ")
    }


_SIGN = lazy_pattern(r"[+*#]|(?<=\w)[./](?=\w)|(?<!\S)[-−](?=\d)")


def differs_in_meaning(one: str, heading: str) -> bool:
    """Return True if two texts with the same words may mean different things.

    Their signs differ, as in `C` and `C++` or `1-1` and `1.1`, or each has another emoji.
    """
    shown, mine = render_heading(heading), _find_emoji(one)
    others = _find_emoji(shown)
    has_same_signs = any(_find_signs(one) == _find_signs(text) for text in (shown, heading))
    return not has_same_signs or bool(mine and others and mine != others)


def _find_signs(text: str) -> list[str]:
    return _SIGN.findall(text) + [
        char
        for char in text
        if not char.isascii() and unicodedata.category(char) in ("Sm", "Sc") and char != "−"
    ]


def _find_emoji(text: str) -> list[str]:
    return [
        char for char in text if not char.isascii() and unicodedata.category(char) in ("So", "Sk")
    ]


def content_words(text: str) -> Words:
    """Return the words of a text without function words; the last word always remains."""
    words = split_text(text)
    return tuple(
        word
        for number, word in enumerate(words, 1)
        if word not in HEADING_FUNCTION_WORDS or number == len(words)
    )


_MIN_SLIP, _MIN_LETTER_SLIP = 5, 8
"""Letters of a word with a swapped or doubled letter, and with a missing or wrong one."""

_MIN_START = 3
"""Letters before a missing or wrong one."""


def is_slip(one: str, other: str) -> bool:
    """Return True if a word of a heading is another with one typing error.

    Two letters are swapped or one is doubled; in a long word, one inside is missing or another.
    """
    slip, size = find_slip(one, other), min(len(one), len(other))
    if slip is None or size < _MIN_SLIP or not (one.isalpha() and other.isalpha()):
        return False
    if slip.kind is SlipKind.MISSING:
        return size >= _MIN_LETTER_SLIP - 1 and _MIN_START <= slip.at < size
    if slip.kind is SlipKind.WRONG:
        return size >= _MIN_LETTER_SLIP and _MIN_START <= slip.at < size - 2
    return True


_MIN_STEM = 3
"""Letters that all forms of a word share: less than in names, as headings of one note are few."""


def _is_same_word(one: str, other: str) -> bool:
    return one == other or is_inflection(one, other, min_stem=_MIN_STEM, verbs=True)


# -- kinds of matches ------------------------------------------------------------------------------


def is_respelling(one: str, other: str) -> bool:
    """Return True if two names differ only in spelling and have the same numbers."""
    return (
        bool(spelling_key(one))
        and spelling_key(one) == spelling_key(other)
        and is_same_name(one, other)
    )


def _has_same_spelling(part: str, heading: str, _note: Note) -> bool:
    return is_respelling(part, heading)


def _has_same_content(part: str, heading: str, _note: Note) -> bool:
    words = content_words(part)
    return bool(words) and words == content_words(heading)


_NUMBERING = lazy_pattern(
    r"\s*(?:§\s*)?(?P<number>\d{1,2}(?:\.\d{1,2})*|[IVXLC]{1,5}(?=[.):])|第[一二三四五六七八九十\d]{1,3}[章节節部篇回])"
    r"(?P<mark>[.):、]?)[\s.):\-–—、]+(?=\S)"
)


def _has_other_numbering(part: str, heading: str, note: Note) -> bool:
    """Return True if only the number before the text is missing or another.

    Numbers of two texts may differ only in a numbered list of headings, where they give the order.
    """
    one, other = _NUMBERING.match(part), _NUMBERING.match(heading)
    if not (one or other):
        return False
    if one and other and not (one["mark"] and other["mark"] and _has_numbered_headings(note)):
        return False
    rest = content_words(part[one.end() :] if one else part)
    if len("".join(rest)) < 4:
        return False
    return rest == content_words(heading[other.end() :] if other else heading)


def _has_numbered_headings(note: Note) -> bool:
    """Return True if a note has several numbered headings, each with other words."""
    texts = [item.text for item in note.headings]
    rests = [
        content_words(text[found.end() :])
        for text in texts
        if (found := _NUMBERING.match(text)) and found["mark"]
    ]
    return len(rests) > 1 and len(set(rests)) == len(rests)


_PARENTHESIS = lazy_pattern(r"\s*[—–-]?\s*[(\[（][^()（）]*[)\]）]\s*$")
_SUBTITLE = lazy_pattern(r"\s*[:：]\s+|\s+[—–|-]\s+")
_ALTERNATIVE = lazy_pattern(r"\s+/\s+")


def _has_other_addition(part: str, heading: str, _note: Note) -> bool:
    """Return True if one text has an addition: brackets, a subtitle, an alternative."""
    one, other = _strip_parenthesis(part), _strip_parenthesis(heading)
    words = content_words(one)
    if not words or not re.search(r"[^\W\d]{2}", one):
        return False
    if one == part or other == heading:
        names = [other, _SUBTITLE.split(other)[0], *map(_strip_parenthesis, _split_names(heading))]
        if words in map(content_words, names):
            return True
    return content_words(part) in map(content_words, _split_names(heading))


def _split_names(heading: str) -> list[str]:
    names = _ALTERNATIVE.split(heading)
    return names if len(names) > 1 else []


def _strip_parenthesis(text: str) -> str:
    return _PARENTHESIS.sub("", text)


def _has_other_forms(part: str, heading: str, note: Note) -> bool:
    """Return True if words differ only in their forms, or one of them by a slip."""
    words, others = content_words(part), content_words(heading)
    if not words or len(words) != len(others):
        return False
    differing = [pair for pair in zip(words, others, strict=True) if not _is_same_word(*pair)]
    if not differing:
        return any(len(word) > 3 for word in words)
    if len(differing) > 1 or not is_slip(*differing[0]):
        return False
    return not any(differing[0][0] in split_text(item.text) for item in note.headings)


_OPPOSITES = frozenset(
    ["not", "no", "non", "without", "un", "anti", "kein", "ohne", "sans", "no", "sin", "senza"]
)


def _has_shared_phrase(part: str, heading: str, _note: Note) -> bool:
    """Return True if one text is a phrase of the other and at least half of it."""
    return any(_is_phrase(*pair) for pair in _list_word_pairs(part, heading))


def _has_shared_words(part: str, heading: str, note: Note) -> bool:
    """Return True if a text has most words of the other, or the first of two words."""
    return any(
        _is_in_order(*pair) or _is_rare_first_word(part, *pair, note)
        for pair in _list_word_pairs(part, heading)
    )


def _list_word_pairs(part: str, heading: str) -> list[tuple[Words, Words]]:
    """Return the words of both texts, the fewer first, with and without an addition.

    Pairs that cannot mean the same are left out: numbers differ, or one has a negation.
    """
    words = content_words(part)
    pairs = []
    for text in (heading, _strip_parenthesis(heading)):
        others = content_words(text)
        short, long = sorted((words, others), key=len)
        differs = (
            find_numbers(words) != find_numbers(others) or (set(long) - set(short)) & _OPPOSITES
        )
        if 0 < len(short) < len(long) and not differs:
            pairs.append((short, long))
    return pairs


def _is_phrase(short: Words, long: Words) -> bool:
    return 1 < len(short) >= len(long) / 2 and any(
        all(map(_is_same_word, short, long[start:])) for start in range(len(long) - len(short) + 1)
    )


def _is_in_order(short: Words, long: Words) -> bool:
    remaining = iter(long)
    return len(short) >= len(long) * 0.7 and all(
        any(_is_same_word(word, other) for other in remaining) for word in short
    )


def _is_rare_first_word(part: str, short: Words, long: Words, note: Note) -> bool:
    """Return True if a text is a long word that opens a heading and is in no other."""
    return (
        len(long) == 2
        and short == content_words(part)
        and len(short[0]) >= _MIN_LONG_WORD
        and short[0] == long[0]
        and sum(short[0] in split_text(item.text) for item in note.headings) == 1
    )


_MIN_LONG_WORD = 7


class LooseKind(NamedTuple):
    """A kind of match between the text of a link and a heading as a reader sees it.

    `is_fixable` is False if the heading is only suggested.
    """

    matches: Callable[[str, str, Note], bool]
    reason: str
    score: float
    is_fixable: bool = True


LOOSE_KINDS = (
    LooseKind(_has_same_spelling, "respelling", 0.94),
    LooseKind(_has_same_content, "near", 0.92),
    LooseKind(_has_other_numbering, "near", 0.9),
    LooseKind(_has_other_forms, "near", 0.88),
    LooseKind(_has_other_addition, "near", 0.86),
    LooseKind(_has_shared_phrase, "near", 0.8),
    LooseKind(_has_shared_words, "near", 0.7, is_fixable=False),
)
"""Kinds of matches, the strictest first."""


# -- suggest headings and blocks for a subpath that its target note does not contain ---------------
# A heading is suggested only if a careful editor would take it for the one that is meant: the
# first kind of match that fits decides, and a looser kind of match must fit a single heading.


_NOT_IN_SUBPATHS = lazy_pattern(r"[\s#|^\[\]%:\\`$*<>~=]+")
"""Characters that end a subpath or the link, or may close a construct around the link.

In a subpath, all of them are equivalent to a space (6.2, 6.15).
"""


class AnchorMatch(NamedTuple):
    """A subpath that may be meant instead of one that its note does not contain.

    `safety` is that of a fix with this subpath: safe if no other heading or block can be meant,
    None if others are as likely.
    """

    subpath: str
    reason: str
    score: float
    safety: Safety | None = Safety.UNSAFE


class _HeadingMatch(NamedTuple):
    heading: Heading
    reason: str
    score: float
    safety: Safety | None = Safety.UNSAFE


def suggest_anchors(path: str, note: Note, subpath: str) -> tuple[Suggestion, ...]:
    """Return the headings or blocks that a missing subpath may mean, best first."""
    return tuple(
        Suggestion(path, item.reason, item.score, item.subpath)
        for item in match_anchors(note, subpath)
    )


def match_anchors(note: Note, subpath: str) -> list[AnchorMatch]:
    """Return the subpaths of a note that a missing subpath may mean, best first."""
    parts = split_parts(subpath)
    if not parts:
        return []
    if parts[-1].startswith("^"):
        return list(_match_blocks(note, parts[-1][1:]))[:3]
    if len(parts) > 1:
        return _match_whole(note, subpath) or _match_path(note, parts)
    found = {
        written: AnchorMatch(written, item.reason, item.score, item.safety)
        for item in reversed(_match_heading(note, parts[0]))
        if (written := build_subpath(note, item.heading))
    }
    return list(reversed(found.values()))[:3]


def build_subpath(note: Note, heading: Heading) -> str:
    """Return a subpath that identifies a heading; "" if there is none.

    A heading with a block id is identified by that, and a repeated heading by a path.
    """
    block_id = TRAILING_BLOCK_ID.search(heading.text)
    if block_id:
        return f"#^{block_id[1]}"
    subpath, parents = "", build_anchor_table(note).parents
    item: Heading | None = heading
    while item:
        subpath = f"#{write_part(item.text)}{subpath}"
        if find_anchor(note, subpath) is heading:
            return subpath
        item = parents[item.start]
    return ""


def write_part(text: str) -> str:
    """Return the part of a subpath that names a heading with a text (6.15)."""
    return _NOT_IN_SUBPATHS.sub(" ", text).strip()


# -- blocks and paths ------------------------------------------------------------------------------

_BLOCK_ID = lazy_pattern(r"[A-Za-z0-9-]+")


def _match_blocks(note: Note, name: str) -> Iterator[AnchorMatch]:
    """Yield the blocks whose ids differ from a name in case, hyphens or by a slip.

    Text behind the id does not count. Ids without words are never compared for slips.
    """
    own = _BLOCK_ID.match(name)
    ids = build_anchor_table(note).derive(_group_block_ids)
    exact = ids.by_key.get(own[0].lower(), []) if own else []
    spelling = ids.by_spelling.get(spelling_key(name), [])
    similar = [item for item in spelling if is_respelling(name, item)]
    for item in exact or similar:
        safety = Safety.UNSAFE if exact else Safety.SAFE if len(similar) == 1 else None
        yield AnchorMatch(f"#^{item}", "respelling", 0.95, safety)
    letters = _join_letters(name)
    if not exact and not similar and letters.isalpha() and len(ids.words) <= _MAX_COMPARED:
        near = [item for item in ids.words if is_slip(letters, _join_letters(item))]
        if len(near) == 1:
            yield AnchorMatch(f"#^{near[0]}", "near", 0.85)


class _BlockIds(NamedTuple):
    """The different block ids of a note; `words` are those of letters only."""

    by_key: dict[str, list[str]]
    by_spelling: dict[str, list[str]]
    words: list[str]


def _group_block_ids(note: Note) -> _BlockIds:
    found = _BlockIds({}, {}, [])
    for item in dict.fromkeys(block.id for block in note.blocks):
        found.by_key.setdefault(item.lower(), []).append(item)
        found.by_spelling.setdefault(spelling_key(item), []).append(item)
        if _join_letters(item).isalpha():
            found.words.append(item)
    return found


def _join_letters(block_id: str) -> str:
    return block_id.lower().replace("-", "")


def _match_whole(note: Note, subpath: str) -> list[AnchorMatch]:
    """Return the heading whose text contains the number signs of a subpath."""
    whole = subpath.removeprefix("#")
    same = _find_same_words(note, whole)
    if len(same) != 1 or differs_in_meaning(whole, same[0].text):
        return []
    written = build_subpath(note, same[0])
    return [AnchorMatch(written, "respelling", 0.95)] if written else []


_WEAKEST_FIRST = (None, Safety.UNSAFE, Safety.SAFE)


def _match_path(note: Note, parts: Sequence[str]) -> list[AnchorMatch]:
    """Match each part to one heading; if only the last has one, suggest that alone."""
    steps = [_match_step(note, part) for part in parts]
    found = [step for step in steps if step]
    last = steps[-1]
    if last is None:
        return []
    score, safeties = min(step.score for step in found), {step.safety for step in found}
    if len(found) == len(parts):
        texts = [
            part if heading_key(part) == heading_key(step.heading.text) else step.heading.text
            for part, step in zip(parts, found, strict=True)
        ]
        subpath = "".join(f"#{write_part(text)}" for text in texts)
        if find_anchor(note, subpath) is last.heading:
            safety = next((item for item in _WEAKEST_FIRST if item in safeties), None)
            return [AnchorMatch(subpath, last.reason, score, safety)]
    alone = build_subpath(note, last.heading) if len(found) == 1 else ""
    return [AnchorMatch(alone, "near", min(score, 0.85))] if alone else []


def _match_step(note: Note, part: str) -> _HeadingMatch | None:
    numbers = build_anchor_table(note).numbers_by_key.get(heading_key(part), ())
    exact = [note.headings[number] for number in numbers]
    if exact:
        safety = Safety.SAFE if len(exact) == 1 else None
        return _HeadingMatch(exact[0], "respelling", 1.0, safety)
    found = _match_heading(note, part)
    return found[0] if len(found) == 1 else None


# -- headings --------------------------------------------------------------------------------------


_MAX_COMPARED = 500
"""Headings of a note, at most, of which each is compared with a link that has other words.

In a longer note a link finds only the heading with its words or with its GitHub anchor.
"""


def _group_by_words(note: Note) -> dict[Words, list[Heading]]:
    groups: dict[Words, list[Heading]] = {}
    for heading in note.headings:
        for words in list_word_variants(heading.text):
            groups.setdefault(words, []).append(heading)
    return groups


def _find_same_words(note: Note, text: str) -> list[Heading]:
    words = split_text(text)
    return build_anchor_table(note).derive(_group_by_words).get(words, []) if words else []


def _match_heading(note: Note, part: str) -> list[_HeadingMatch]:
    """Return headings that a part may mean, of the first kind of match that fits."""
    same = _find_same_words(note, part)
    if same:
        if len(same) > 1:
            return [_HeadingMatch(item, "respelling", 0.9, None) for item in same]
        is_certain = not (
            TRAILING_BLOCK_ID.search(same[0].text) or differs_in_meaning(part, same[0].text)
        )
        safety = Safety.SAFE if is_certain else Safety.UNSAFE
        return [_HeadingMatch(same[0], "respelling", 0.97, safety)]
    slug = find_slug_heading(note, part)
    if slug:
        return [_HeadingMatch(slug, "slug", 0.96)]
    if len(note.headings) > _MAX_COMPARED:
        return []
    rendered = build_anchor_table(note).rendered
    for kind in LOOSE_KINDS:
        found = [
            item
            for item, text in zip(note.headings, rendered, strict=True)
            if kind.matches(part, text, note)
        ]
        if found:
            is_single = len({heading_key(item.text) for item in found}) == 1
            fix_safety = Safety.UNSAFE if kind.is_fixable else None
            best = _HeadingMatch(found[0], kind.reason, kind.score, fix_safety)
            return [best] if is_single else []
    return []
