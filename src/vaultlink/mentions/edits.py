"""Write mentions as links, in the style of the vault.

An edit is only made if the changed note is read back with exactly this link more and everything
else as it was.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from operator import itemgetter

from vaultlink.index.index import Index
from vaultlink.index.resolve import is_note, resolve_with_alternatives
from vaultlink.links.edits import OffsetShift, apply_edits
from vaultlink.links.naming import format_target, strip_note_extension
from vaultlink.links.rewrite import default_display_text, encode_destination
from vaultlink.mentions.mention import Mention
from vaultlink.model import Edit, Link, LinkKind, Note
from vaultlink.obsidian import ObsidianSettings
from vaultlink.parse.note import parse_note

_MOST_NOTES = 200
"""The number of notes whose links show if the vault writes spaces around pipes."""


class LinkWriter:
    """Writes the mentions of a vault as links."""

    def __init__(self, index: Index, obsidian: ObsidianSettings, headings: tuple[str, ...] = ()):
        """Prepare to write.

        Args:
            index: The index of the vault.
            obsidian: The settings of the vault.
            headings: Wordings of section headings in addition to the built-in one.
        """
        self._index = index
        self._obsidian = obsidian
        self._headings = headings

    def link(self, mentions: Sequence[Mention], text: str) -> tuple[Edit, ...]:
        """Return the edits that make links of mentions, in order.

        Args:
            mentions: Mentions of one note, which do not overlap.
            text: The text of the note.

        Returns:
            One edit for each mention; none for a mention that cannot be written so that only this
            link is added.
        """
        if not mentions:
            return ()
        ordered = sorted(mentions, key=lambda mention: mention.start)
        before = parse_note(ordered[0].path, text, self._headings)
        edits = [edit for edit in (self._format(item, before, text) for item in ordered) if edit]
        if self._is_exact(before, text, edits):
            return tuple(edits)
        kept: list[Edit] = []
        for edit in edits:
            if self._is_exact(before, text, [*kept, edit]):
                kept.append(edit)
        return tuple(kept)

    def _format(self, mention: Mention, note: Note, text: str) -> Edit | None:
        """Return the link that replaces a mention; None if none leads to the note."""
        if text[mention.start : mention.end] != mention.words:
            return None
        target = self._choose_target(mention, note)
        if target is None:
            return None
        link = self._format_link(mention, note, target)
        return Edit(mention.path, mention.start, mention.end, link)

    def _choose_target(self, mention: Mention, note: Note) -> str | None:
        """Return the target in the vault's style; the full path if that is ambiguous."""
        style, names = self._obsidian.new_link_format, self._index.names
        first = format_target(note.path, mention.target, self._index, style)
        found = []
        for target in (first, strip_note_extension(mention.target)):
            # Obsidian reads a target without the spaces around it.
            path, others = resolve_with_alternatives(note.path, target.strip(), names)
            if path == mention.target:
                found.append((bool(others), target))
        return min(found, key=itemgetter(0))[1] if found else None

    def _format_link(self, mention: Mention, note: Note, target: str) -> str:
        words = mention.words
        if self._obsidian.use_markdown_links:
            extension = mention.target[-3:] if is_note(mention.target) else ""
            return f"[{words}]({encode_destination(target + extension)})"
        if words == target:
            return f"[[{words}]]"
        space = " " if self._has_spaced_pipes(note) else ""
        pipe = "\\|" if mention.in_table_cell else "|"
        return f"[[{target}{space}{pipe}{space}{words}]]"

    def _has_spaced_pipes(self, note: Note) -> bool:
        """Return True if the note, else the vault, writes spaces around pipes."""
        own = Counter(map(_has_spaces, filter(_has_pipe, note.links)))
        counts = own or self._index.derive(_count_spaced_pipes)
        return counts[True] > counts[False]

    def _is_exact(self, before: Note, text: str, edits: Sequence[Edit]) -> bool:
        """Return True if edits add their links to a note and change nothing else."""
        after = parse_note(before.path, apply_edits(text, edits), self._headings)
        shift = OffsetShift(edits)
        written = {span[0]: edit for span, edit in zip(shift.new_spans, edits, strict=True)}
        others = [link for link in after.links if link.start not in written]
        added = [link for link in after.links if link.start in written]
        return (
            len(added) == len(edits)
            and all(_is_written(link, written[link.start], text) for link in added)
            and _describe(before, before.links) == _describe(after, others)
        )


def _is_written(link: Link, edit: Edit, text: str) -> bool:
    """Return True if a link is the one of an edit and shows the words that were there."""
    shown = link.display or default_display_text(link.target, link.subpath)
    return (
        link.raw == edit.text
        and not link.embed
        and not link.external
        and not link.subpath
        and not link.in_comment
        and shown == text[edit.start : edit.end]
    )


def _describe(note: Note, links: Sequence[Link]) -> tuple[object, ...]:
    """Return what must not change in a note: all but offsets and the text of headings."""
    return (
        [(link.raw, link.place, link.kind, link.in_comment, link.in_table_cell) for link in links],
        [(item.key, item.value) for item in note.properties or ()],
        [item.level for item in note.headings],
        [item.id for item in note.blocks],
        [(item.name, item.place) for item in note.tags],
        [(item.action, item.rules) for item in note.directives],
        [(item.kind, item.detail) for item in note.problems],
        [(item.owner, item.heading, item.text, len(item.entries)) for item in note.sections],
        [(item.raw, item.target) for item in note.definitions],
    )


def _has_pipe(link: Link) -> bool:
    return link.kind is LinkKind.WIKILINK and link.display is not None and "|" in link.raw


def _has_spaces(link: Link) -> bool:
    return " |" in link.raw or "| " in link.raw


def _count_spaced_pipes(index: Index) -> "Counter[bool]":
    """Count the links with a display text by whether spaces surround the pipe."""
    step = max(1, len(index.notes) // _MOST_NOTES)
    paths = islice(sorted(index.notes), 0, None, step)
    return Counter(
        _has_spaces(link) for path in paths for link in index.notes[path].links if _has_pipe(link)
    )
