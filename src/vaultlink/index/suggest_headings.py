"""Suggest headings and blocks for a subpath that its target note does not contain.

A heading is suggested only if a careful editor would take it for the one that is meant: the first
kind of match that fits decides, and a looser kind of match must fit a single heading.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from vaultlink.index.anchors import (
    TRAILING_BLOCK_ID,
    build_anchor_table,
    find_anchor,
    find_slug_heading,
    heading_key,
    split_parts,
)
from vaultlink.index.heading_kinds import (
    LOOSE_KINDS,
    differs_in_meaning,
    is_respelling,
    is_slip,
    list_word_variants,
)
from vaultlink.index.resolve import spelling_key
from vaultlink.index.words import Words, split_text
from vaultlink.model import Heading, Note, Safety, Suggestion
from vaultlink.text import lazy_pattern

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
