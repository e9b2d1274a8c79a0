"""Rename tags, and the names in queries."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from unicodedata import category

from vaultlink.fix.plan import Rename, RenameKind
from vaultlink.index.index import Grouping, Index, PathsByKey, merge_groups
from vaultlink.index.note_parts import read_tags
from vaultlink.index.resolve import PathsByName, is_canvas, normalize_name, resolve
from vaultlink.links.edit_math import apply_edits, sort_edits
from vaultlink.links.naming import find_query_target, is_plain_name, rename_in_query
from vaultlink.model import Edit, Link, Note, Place, QueryName, Tag
from vaultlink.parse.canvas import parse_canvas_cards, parse_card_text
from vaultlink.parse.inline import TAG_NAME
from vaultlink.parse.note import parse_note
from vaultlink.refactor.canvas_edits import CardStrings
from vaultlink.refactor.relocation import RefusedError
from vaultlink.text import quote_name


def validate_tag(name: str) -> str:
    """Return a tag's name without `#`; refuse what Obsidian does not read as one tag."""
    tag = name.removeprefix("#")
    if not tag:
        raise RefusedError("a tag needs a name.")
    valid = TAG_NAME.match(tag)
    end = valid.end() if valid else 0
    bad = tag[end : end + 1] or next((char for char in tag if category(char) in ("Cc", "Cs")), "")
    if bad:
        shown = quote_name(bad) if bad.isprintable() and not bad.isspace() else f"U+{ord(bad):04X}"
        what = "a space" if bad == " " else shown
        raise RefusedError(f"{quote_name('#' + tag)} is not a tag: a tag can't contain {what}.")
    problem = f"{quote_name('#' + tag)} is not a tag:"
    if tag.isdigit():
        raise RefusedError(f"{problem} a tag needs a character that is not a digit.")
    if not all(tag.split("/")):
        raise RefusedError(f"{quote_name('#' + tag)} has an empty level before or after a slash.")
    return tag


def rename_in_tag(name: str, old: str, new: str) -> str | None:
    """Return the new name of a tag at or below `old`, in any case; None for others."""
    size = _match_levels(name, old)
    return None if size is None else new + name[size:]


def _match_levels(name: str, old: str) -> int | None:
    """Return the length of `old` in a tag that is it or nested in it, or None."""
    levels = name.split("/")[: old.count("/") + 1]
    if [level.lower() for level in levels] != [level.lower() for level in old.split("/")]:
        return None
    return len("/".join(levels))


def plan_tag_rename(
    path: str, note: Note, text: str, old: str, new: str
) -> tuple[Edit, ...] | None:
    """Return the edits that rename a tag and those nested in it in a note or canvas.

    The tags of a canvas are in its cards, so its `note` is not used. `new` is as `validate_tag`
    returns it. None if the tags would not be read back as requested.
    """
    if is_canvas(path):
        return _edit_cards(path, text, old, new)
    if not any(_is_changed(tag, old, new) for tag in note.tags):
        return ()
    before = parse_note(path, text)
    for quoted in (False, True):
        edits = _edit_tags(path, text, note.tags, (old, new), quoted=quoted)
        after = parse_note(path, apply_edits(text, edits))
        if _describe(after) == _describe(before, (old, new)):
            return tuple(edits)
    return None


def _is_changed(tag: Tag, old: str, new: str) -> bool:
    return rename_in_tag(tag.name, old, new) not in (None, tag.name)


def _describe(note: Note, change: tuple[str, str] | None = None) -> object:
    """Return what a rename of a tag must not change, with the new names of the tags."""
    return (
        _names(note.tags, change),
        _destinations(note.links),
        [(item.level, item.line) for item in note.headings],
        [(item.id, item.block_line) for item in note.blocks],
        [item.key for item in note.properties or ()],
        len(note.problems),
    )


def _names(tags: Sequence[Tag], change: tuple[str, str] | None = None) -> list[tuple[str, str]]:
    """Return name and place of each tag, after a change of old to new name."""
    return [
        ((change and rename_in_tag(tag.name, *change)) or tag.name, tag.place.value) for tag in tags
    ]


def _destinations(links: Sequence[Link]) -> list[tuple[str, str, bool, str]]:
    """Return what each link leads to. Its text may contain tags."""
    return [(link.target, link.subpath, link.embed, link.place.value) for link in links]


def _edit_tags(
    path: str, text: str, tags: Sequence[Tag], change: tuple[str, str], *, quoted: bool
) -> list[Edit]:
    """Return the edits of tags, quoted in properties; a YAML alias is edited once."""
    old, new = change
    edits = {
        (tag.start, tag.end): _edit_property(path, text, tag, change, quoted=quoted)
        if tag.place is Place.PROPERTY
        else Edit(path, tag.start + 1, tag.start + 1 + (_match_levels(tag.name, old) or 0), new)
        for tag in tags
        if _is_changed(tag, old, new)
    }
    return sort_edits(edits.values())


def _edit_property(
    path: str, text: str, tag: Tag, change: tuple[str, str], *, quoted: bool
) -> Edit:
    """Return the edit of a tag in a property, whose span may begin with other marks."""
    old, new = change
    name = rename_in_tag(tag.name, old, new) or tag.name
    raw = text[tag.start : tag.end]
    at = raw.rfind(tag.name)
    if at == -1:  # written with escapes
        return Edit(path, tag.start, tag.end, "#" * raw.startswith("#") + name)
    start = tag.start + at
    if quoted and text[start - 1] not in "#'\"":
        return Edit(path, start, start + len(tag.name), f'"{name}"')
    return Edit(path, start, start + (_match_levels(tag.name, old) or 0), new)


def _edit_cards(path: str, text: str, old: str, new: str) -> tuple[Edit, ...] | None:
    if "#" not in text and "\\u0023" not in text:
        return ()
    cards = parse_canvas_cards(text)
    strings: CardStrings | None = None
    edits: list[Edit] = []
    for card in cards if isinstance(cards, list) else ():
        words = card.values.get("text")
        if card.values.get("type") != "text" or not isinstance(words, str) or "#" not in words:
            continue
        found = parse_card_text(words)
        inner = _edit_tags(path, words, found.tags, (old, new), quoted=False)
        if not inner:
            continue
        after = parse_card_text(apply_edits(words, inner))
        is_same = _destinations(after.links) == _destinations(found.links)
        if not is_same or _names(after.tags) != _names(found.tags, (old, new)):
            return None
        strings = strings or CardStrings(path, text)
        edits += strings.map_edits(card, tuple(inner))
    return tuple(sort_edits(edits))


def find_tagged_notes(index: Index, tag: str) -> list[str]:
    """Return the sorted notes with a tag or one nested in it; no canvases."""
    by_tag = index.derive(_NOTES_BY_TAG)
    found = (paths for name, paths in by_tag.items() if _match_levels(name, tag) is not None)
    return sorted(set().union(*found))


def find_tag_conflict(index: Index, old: str, new: str) -> str | None:
    """Return a tag in use that a renamed one, or one nested in it, would become."""
    names = (name for name in index.derive(_NOTES_BY_TAG) if _match_levels(name, old) is None)
    found = [name for name in names if _match_levels(name, new) is not None]
    return min(found, key=lambda name: (len(name), name), default=None)


class _TagGrouping(Grouping):
    """The notes by tag. Only the tags of notes are decoded at first."""

    def __call__(self, index: Index) -> PathsByKey:
        groups: dict[str, list[str]] = {}
        for path, tags in read_tags(index.notes):
            for name in {tag.name for tag in tags}:
                groups.setdefault(name, []).append(path)
        return merge_groups([groups])


_NOTES_BY_TAG = _TagGrouping(lambda index, path: {tag.name for tag in index.notes[path].tags})
"""Tag as written to the notes that have it."""


# -- rename folders, files and tags in the queries that name them ----------------------------------


class RenamedQuery(NamedTuple):
    """A query at the path before the run; the name is None if it can't be written."""

    path: str
    query: QueryName
    name: str | None


def find_renamed_queries(
    index: Index, renames: Sequence[Rename], files: Mapping[str, str], names: PathsByName
) -> Iterator[RenamedQuery]:
    """Yield the names in queries that no longer mean the same after some renames."""
    tags = [item for item in renames if item.kind is RenameKind.TAG]
    if not (tags or files):
        return
    folders = [item for item in renames if item.kind is RenameKind.FOLDER]
    for path in index.query_sources.get("", ()):
        for query in index.notes[path].queries:
            target = None if query.kind == "tag" else find_query_target(query, path, index)
            new: str | None = query.text
            if query.kind == "tag":
                new = _rename_tag(query.text, tags)
            elif target is not None and target.endswith("/"):
                new = _rename_folder(query.text, folders)
            elif target is not None and target in files:
                source, now = files.get(path, path), files[target]
                is_named = query.kind == "note" and resolve(source, query.text, names) == now
                new = query.text if is_named else rename_in_query(query, source, now, names)
            if new != query.text:
                yield RenamedQuery(path, query, new if new and is_plain_name(new) else None)


def _rename_tag(name: str, renames: Sequence[Rename]) -> str:
    for item in renames:
        new = rename_in_tag(name, item.old.removeprefix("#"), item.new.removeprefix("#"))
        if new is not None:
            return new
    return name


def _rename_folder(path: str, renames: Sequence[Rename]) -> str:
    parts = path.split("/")
    for item in sorted(renames, key=lambda item: len(item.old), reverse=True):
        depth = item.old.count("/") + 1
        if normalize_name("/".join(parts[:depth])) == normalize_name(item.old):
            return "/".join([item.new, *parts[depth:]])
    return path
