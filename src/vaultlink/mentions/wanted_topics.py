"""The topics that an author's section lists, and what the text has of them."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from vaultlink.index.index import Index
from vaultlink.mentions.mention import Mention
from vaultlink.model import Entry, Note, Owner, Place, Section


class TopicStatus(StrEnum):
    """The presence of a topic in a note's text."""

    MENTIONED = "mentioned"
    LINKED = "linked"
    UNNAMED = "unnamed"
    DANGLING = "dangling"


class WantedTopic(msgspec.Struct, frozen=True):
    """An entry of a section of topics.

    Attributes:
        topic: The title of the entry; if it has none, the target of its link or its text.
        target: Vault path of the file that the entry resolves to; None if it does not.
        line: The line of the entry, 1-based.
        status: `linked`, `mentioned` (its name without a link), `unnamed` (neither), or
            `dangling` if the entry does not resolve to a note.
    """

    topic: str
    target: str | None
    line: int
    status: TopicStatus


def find_topic_sections(note: Note) -> list[Section]:
    """Return the sections in which the author of a note lists topics to link.

    A section under a usual heading, such as "Backlinks", lists what links to the note.
    """
    return [item for item in note.sections if item.owner is Owner.AUTHOR and not item.usual]


def list_wanted_targets(index: Index, note: Note) -> frozenset[str]:
    targets = _resolve_entries(index, note)
    found = {targets.get(entry.link.start) for entry in _list_entries(note) if entry.link}
    return frozenset(path for path in found if path is not None and path != note.path)


def judge_topics(index: Index, note: Note, mentions: Iterable[Mention]) -> list[WantedTopic]:
    """Return the topics of a note's sections in order, each once.

    `mentions` are the mentions in the note, of any score.
    """
    targets = _resolve_entries(index, note)
    linked = {
        target
        for link, target in index.resolved_links(note.path)
        if link.place is not Place.SECTION and target is not None
    }
    mentioned = {mention.target for mention in mentions}
    topics: dict[str, WantedTopic] = {}
    for entry in _list_entries(note):
        target = targets.get(entry.link.start) if entry.link else None
        status = TopicStatus.UNNAMED
        if target is None:
            status = TopicStatus.DANGLING
        elif target in linked:
            status = TopicStatus.LINKED
        elif target in mentioned:
            status = TopicStatus.MENTIONED
        topic = entry.title or (entry.link.target if entry.link else "") or entry.raw
        topics.setdefault(target or topic, WantedTopic(topic, target, entry.line, status))
    return list(topics.values())


def _list_entries(note: Note) -> list[Entry]:
    return [entry for section in find_topic_sections(note) for entry in section.entries]


def _resolve_entries(index: Index, note: Note) -> dict[int, str | None]:
    return {
        link.start: target
        for link, target in index.resolved_links(note.path)
        if link.place is Place.SECTION
    }
