"""Choose the style of sections that is configured as `auto`.

It is the style of most sections of the vault, whoever wrote them. A vault without sections gets
topics if the names of its notes are slugs of their titles, else a list.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from vaultlink.index.index import Index, TraitCount, link_name
from vaultlink.index.resolve import is_note, spelling_key, title_slug
from vaultlink.model import Entry, Note, Section
from vaultlink.text import lazy_pattern

_NESTED_LINK = lazy_pattern(r"\n[ \t>]*[ \t](?:[-*+]|\d{1,9}[.)])[ \t][^\n]*(?:\[\[|\]\()")
"""A list item with a link below an entry, such as a passage that cites the note."""

_INDENT = (" ", "\t")
"""What the list mark of a mention in a managed section begins with."""

_MIN_TITLED_SHARE = 0.1
"""Share of the notes that must have a `title` property before titles say how names are made."""


def choose_style(settings: Mapping[str, Any], index: Index) -> str:
    """Return the configured style of sections, or the one that fits the vault."""
    style: str = settings["style"]
    return style if style != "auto" else _choose_vault_style(index)


def is_style_changed(settings: Mapping[str, Any], before: Index, after: Index) -> bool:
    """Return True if findings made with the index before have another style than now.

    If nothing was chosen before, no finding depends on it.
    """
    return (
        settings["style"] == "auto"
        and TraitCount(list_section_traits) in before.memos
        and _choose_vault_style(before) != _choose_vault_style(after)
    )


def _choose_vault_style(index: Index) -> str:
    counts = index.tally(list_section_traits)
    topics, lists, contexts = (counts[style] for style in ("topics", "list", "context"))
    if topics == lists + contexts:  # also if there are no sections
        is_titled = counts["titled"] >= counts["note"] * _MIN_TITLED_SHARE
        return "topics" if is_titled and 2 * counts["slug"] > counts["titled"] else "list"
    if topics > lists + contexts:
        return "topics"
    return "context" if contexts > lists else "list"


def list_section_traits(note: Note) -> Iterator[str]:
    """Yield the styles of a note's sections, and how its name relates to its title."""
    for section in note.sections:
        style = _detect_style(section)
        if style:
            yield style
    if is_note(note.path):
        yield "note"
        if note.properties and note.title:
            yield "titled"
            if is_slug(link_name(note.path), note.title):
                yield "slug"


def is_slug(name: str, title: str) -> bool:
    """Return True if a file name is a slug: a title in lower case without spaces."""
    if name == title or name != name.lower() or " " in name:
        return False
    key = spelling_key(title)
    return name == title_slug(title) or (bool(key) and key == spelling_key(name))


def _detect_style(section: Section) -> str:
    """Return the style that most entries of a section have; "" if it has no links."""
    linked = [entry for entry in section.entries if entry.link]
    if not linked:
        return ""
    entries = [
        (entry, text)
        for entry, text in zip(linked, _list_texts_below(section, linked), strict=True)
        if not (section.text and entry.marks[:1] in _INDENT)
    ]
    if not entries:
        return ""
    topics = sum(bool(entry.title and entry.dash) for entry, _ in entries)
    if 2 * topics > len(entries):
        return "topics"
    cited = sum(bool(_NESTED_LINK.search(text)) for _, text in entries)
    return "context" if 2 * cited > len(entries) else "list"


def _list_texts_below(section: Section, entries: list[Entry]) -> list[str]:
    if not section.text:
        return [entry.tail for entry in entries]
    ends = [*(entry.start for entry in entries[1:]), section.end]
    return [
        section.text[entry.end - section.start : end - section.start]
        for entry, end in zip(entries, ends, strict=True)
    ]
