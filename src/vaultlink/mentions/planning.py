"""Turn mentions into findings with fixes, and plan the links that these make."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import chain, islice
from operator import attrgetter, itemgetter
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from vaultlink.config.mention_settings import ARROW, parse_ignored
from vaultlink.config.vault_items import ItemKind, explain_impossible_item
from vaultlink.engine.diagnostics import MENTION, make_finding
from vaultlink.engine.step import State
from vaultlink.fix.causes import FixCause, FixException, FixOption
from vaultlink.fix.loop import ChosenFixes, TextAnalyser, apply_rounds, changes_linked_heading
from vaultlink.fix.plan import Plan
from vaultlink.fix.sections import SectionFixMaker
from vaultlink.fix.select import FindingWithFix, make_fix_filter
from vaultlink.fix.sources import FixInputs
from vaultlink.index.index import Index
from vaultlink.index.resolve import resolve_with_alternatives
from vaultlink.links.edit_math import OffsetShift, apply_edits
from vaultlink.links.kinds import SYNTAX, default_display_text
from vaultlink.links.naming import LinkStyle, format_target, strip_note_extension
from vaultlink.links.style import find_link_style
from vaultlink.mentions.mention import Mention
from vaultlink.mentions.names import fold_name
from vaultlink.mentions.visible import starts_with_pipe
from vaultlink.model import (
    Diagnostic,
    Edit,
    Entry,
    Fix,
    Link,
    Note,
    Owner,
    Place,
    Safety,
    Section,
    SkippedNote,
    SourceSpan,
)
from vaultlink.obsidian import ObsidianSettings
from vaultlink.parse.note import parse_note
from vaultlink.rules.section_rules import SECTION_RULES
from vaultlink.text import group_by


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
    """Return the author's sections without a usual heading, which list topics."""
    return [item for item in note.sections if item.owner is Owner.AUTHOR and not item.usual]


def list_wanted_targets(index: Index, note: Note) -> frozenset[str]:
    targets = _resolve_entries(index, note)
    found = {targets.get(entry.link.start) for entry in _list_entries(note) if entry.link}
    return frozenset(path for path in found if path is not None and path != note.path)


def judge_topics(index: Index, note: Note, mentions: Iterable[Mention]) -> list[WantedTopic]:
    """Return the topics of a note's sections in order, each once, given its mentions."""
    targets = _resolve_entries(index, note)
    links = index.resolved_links(note.path)
    linked = {target for link, target in links if link.place is not Place.SECTION}
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
    links = index.resolved_links(note.path)
    return {link.start: target for link, target in links if link.place is Place.SECTION}


# -- leave out the mentions of a note that would get very many of the links of a run ---------------


_MOST_LINKS = 10
"""Of all links, a note gets and contains at most one in so many without a question."""

_FEW_LINKS = 20
"""So many links of one note are quickly read, also if they are most of a short list."""


class FrequentNote(NamedTuple):
    """A note with many of `total` certain mentions: in it if `is_source`, else of it."""

    path: str
    mentions: int
    total: int
    is_source: bool


class Sifted(NamedTuple):
    """Mentions, of which those of and in frequent notes are not certain; these notes."""

    mentions: tuple[Mention, ...]
    frequent: tuple[FrequentNote, ...]


def sift_frequent(mentions: Sequence[Mention]) -> Sifted:
    """Return mentions so that no note has very many of those that are certain.

    A note with more than a tenth of all, and at least 20, is often a subject that the author
    mentions all the time. One that contains so many is often a log that lists all notes. None of
    these mentions stays certain.
    """
    targets = _find_frequent(mentions, is_source=False)
    sources = _find_frequent(mentions, is_source=True)
    sifted = []
    for item in mentions:
        where = "of" if item.target in targets else "in" if item.path in sources else ""
        if item.certain and where:
            why = f"{item.why}, very many mentions {where} one note"
            item = replace(item, certain=False, why=why)  # noqa: PLW2901
        sifted.append(item)
    return Sifted(tuple(sifted), (*targets.values(), *sources.values()))


def _find_frequent(mentions: Sequence[Mention], *, is_source: bool) -> dict[str, FrequentNote]:
    counts = Counter(item.path if is_source else item.target for item in mentions if item.certain)
    if is_source and len(counts) <= _MOST_LINKS:
        return {}  # a search in a few notes, which contain what they contain
    total = counts.total()
    return {
        path: FrequentNote(path, count, total, is_source)
        for path, count in counts.most_common()
        if count >= _FEW_LINKS and count * _MOST_LINKS > total
    }


# -- turn mentions into findings with fixes, and plan the links that these make --------------------
# A mention is found on demand, like a deferred fix, and is planned, verified and written like any
# other finding. Its links keep one more promise: no finding of any severity is new. A note for
# which that does not hold is left out with all its mentions. Managed sections that list the new
# links are updated.


_MOST_NOTES = 200
"""The number of notes whose links show if the vault writes spaces around pipes."""


class LinkWriter:
    def __init__(self, index: Index, obsidian: ObsidianSettings, headings: tuple[str, ...] = ()):
        """Prepare to write; `headings` are more wordings of section headings."""
        self._index = index
        self._obsidian = obsidian
        self._headings = headings

    def link(self, mentions: Sequence[Mention], text: str) -> tuple[Edit, ...]:
        """Return the edits that link a note's mentions, where this adds only the link."""
        if not mentions:
            return ()
        ordered = sorted(mentions, key=lambda mention: mention.start)
        before = parse_note(ordered[0].path, text, self._headings, compares=False)
        edits = [edit for edit in (self._format(item, before, text) for item in ordered) if edit]
        if self._is_exact(before, text, edits):
            return tuple(edits)
        kept: list[Edit] = []
        for edit in edits:
            if self._is_exact(before, text, [*kept, edit]):
                kept.append(edit)
        return tuple(kept)

    def _format(self, mention: Mention, note: Note, text: str) -> Edit | None:
        if text[mention.start : mention.end] != mention.words:
            return None
        style = find_link_style(note.path, self._index, self._obsidian)
        target = self._choose_target(mention, note, style)
        if target is None:
            return None
        link = self._format_link(mention, note, target, style)
        if "|" in link and not mention.in_table_cell and starts_with_pipe(text, mention.start):
            return None  # other programs read a row of a table here
        return Edit(mention.path, mention.start, mention.end, link)

    def _choose_target(self, mention: Mention, note: Note, style: LinkStyle) -> str | None:
        """Return the target in the vault's style; the full path if that is ambiguous."""
        names = self._index.names
        first = format_target(note.path, mention.target, self._index, style.path)
        found = []
        for target in (first, strip_note_extension(mention.target)):
            # Obsidian reads a target without the spaces around it.
            path, others = resolve_with_alternatives(note.path, target.strip(), names)
            if path == mention.target:
                found.append((bool(others), target))
        return min(found, key=itemgetter(0))[1] if found else None

    def _format_link(self, mention: Mention, note: Note, target: str, style: LinkStyle) -> str:
        words = mention.words
        if not SYNTAX[style.kind].has_pipe or words == target:
            return style.write_link(style.complete_target(target, mention.target), words)
        space = " " if self._has_spaced_pipes(note) else ""
        pipe = "\\|" if mention.in_table_cell else "|"
        return f"[[{target}{space}{pipe}{space}{words}]]"

    def _has_spaced_pipes(self, note: Note) -> bool:
        own = Counter(map(_has_spaces, filter(_has_pipe, note.links)))
        return own[True] > own[False] if own else has_spaced_pipes(self._index)

    def _is_exact(self, before: Note, text: str, edits: Sequence[Edit]) -> bool:
        after = parse_note(before.path, apply_edits(text, edits), self._headings, compares=False)
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
    is_plain = not (link.embed or link.external or link.subpath or link.in_comment)
    return is_plain and link.raw == edit.text and shown == text[edit.start : edit.end]


def _describe(note: Note, links: Sequence[Link]) -> tuple[object, ...]:
    """Return what must not change in a note: all but offsets and the text of headings."""
    return (
        [(link.raw, link.place, link.kind, link.in_comment, link.in_table_cell) for link in links],
        [(item.key, item.value) for item in note.properties or ()],
        [item.level for item in note.headings],
        [item.id for item in note.blocks],
        [(item.name, item.place) for item in note.tags],
        [(item.action, item.rules) for item in note.directives],
        [(item.kind, item.detail, item.target, item.block_id) for item in note.problems],
        [(item.owner, item.heading, item.text, len(item.entries)) for item in note.sections],
        [(item.raw, item.target) for item in note.definitions],
    )


def _has_pipe(link: Link) -> bool:
    return SYNTAX[link.kind].has_pipe and link.display is not None and "|" in link.raw


def _has_spaces(link: Link) -> bool:
    return " |" in link.raw or "| " in link.raw


def has_spaced_pipes(index: Index) -> bool:
    """Return True if links of the vault have spaces around pipes."""
    counts = index.derive(_count_spaced_pipes)
    return counts[True] > counts[False]


def _count_spaced_pipes(index: Index) -> "Counter[bool]":
    step = max(1, len(index.notes) // _MOST_NOTES)
    links = (index.notes[path].links for path in islice(sorted(index.notes), 0, None, step))
    return Counter(map(_has_spaces, filter(_has_pipe, chain.from_iterable(links))))


MentionPlace = tuple[str, int]
"""The vault path of a note and the offset of a mention in it."""


def make_mention_fixes(
    state: State, text: Callable[[str], str | None], mentions: Iterable[Mention]
) -> dict[MentionPlace, FindingWithFix]:
    """Return mentions as findings by place, with fixes where a link can be written."""
    mentions = tuple(mentions)
    links = make_mention_links(state, text, mentions)
    places = {(item.path, item.start): item for item in mentions}
    return {place: _make_fix(places[place], edit) for place, edit in links.items()}


def make_mention_links(
    state: State, text: Callable[[str], str | None], mentions: Iterable[Mention]
) -> dict[MentionPlace, Edit]:
    """Return the edits that link mentions, by place: those of `make_mention_fixes`."""
    settings = state.settings
    writer = LinkWriter(state.index, settings.obsidian, settings.section_headings)
    found = {}
    for path, group in group_by(mentions, attrgetter("path")).items():
        for edit in writer.link(group, content) if (content := text(path)) else ():
            if not changes_linked_heading(state.index, (edit,)):
                found[path, edit.start] = edit
    return found


def _make_fix(mention: Mention, edit: Edit) -> FindingWithFix:
    place = SourceSpan(mention.start, mention.end, mention.line, mention.column)
    doubt = "" if mention.certain else "not certain: "
    why = f"{mention.score:.2f}, {doubt}{mention.why}"
    message = f"“{mention.words}” names {mention.target} without a link ({why})."
    finding = make_finding(MENTION, mention.path, place, message, mention.target)
    return finding, Fix(f"Link to “{mention.target}”", Safety.SAFE, (edit,))


def list_mention_causes(
    fixes: Mapping[MentionPlace, FindingWithFix], mentions: Iterable[Mention]
) -> list[FixCause]:
    causes = []
    for item in sorted(mentions, key=lambda item: (item.target, item.path, item.start)):
        pair = fixes.get((item.path, item.start))
        if pair:
            option = FixOption(f"Link “{item.words}” in {item.path}:{item.line}", (pair,))
            causes.append(FixCause((pair[0],), (option,), exceptions=_list_exceptions(item)))
    return causes


def _list_exceptions(item: Mention) -> tuple[FixException, ...]:
    """Return the entries of `ignore` with which a mention is not found."""
    name, path, target = item.name.text, item.path, item.target
    entries = {
        f"never link the name “{name}”, in any note": (name, ("name", fold_name(name))),
        f"never link to {target}, by any name": (target, ("note", target)),
        f"never link {path} to {target}": (f"{path}{ARROW}{target}", ("pair", path, target)),
    }
    return tuple(
        FixException((entry,) if _may_be_written(entry) else (), meaning, key)
        for meaning, (entry, key) in entries.items()
    )


def _may_be_written(entry: str) -> bool:
    """Return True if an entry of `ignore` is accepted, and not read as a folder."""
    is_folder = bool(parse_ignored([entry]).folders)
    is_accepted = not explain_impossible_item(ItemKind.MENTION, entry)
    return entry.isprintable() and is_accepted and not is_folder


def plan_mentions(
    state: State,
    sources: FixInputs,
    mentions: Iterable[Mention],
    analyse: TextAnalyser,
    *,
    confirmed: bool = False,
) -> Plan:
    """Plan the links for mentions. Does not write.

    With `confirmed`, the user chose the mentions: then an entry of an author's section may become
    redundant, because the text links to its topic.
    """
    wanted = list(mentions)
    # Such a note can't be read, must not change, or changed since it was searched.
    locked = {mention.path for mention in wanted if sources.text(mention.path) is None}
    fixes = make_mention_fixes(state, sources.text, wanted)
    places = [(mention.path, mention.start) for mention in wanted]
    chosen = [fixes[place] for place in places if place in fixes]
    skipped: dict[str, str] = {}
    while True:
        rounds = _MentionRounds(state, [pair for pair in chosen if pair[0].path not in skipped])
        plan = apply_rounds(state, sources, rounds, analyse, made=rounds.chosen.drop)
        problems = _find_problems(plan, confirmed=confirmed)
        if not problems:
            notes = [SkippedNote(path, reason) for path, reason in sorted(skipped.items())]
            every = dict.fromkeys([*notes, *sources.skip(locked), *plan.skipped])
            return replace(plan, skipped=tuple(every))
        skipped.update(problems)


class _MentionRounds:
    """Yields the fixes of mentions, and of the sections that become outdated by them."""

    def __init__(self, before: State, chosen: Sequence[FindingWithFix]):
        self._before = before
        self.chosen = ChosenFixes(chosen)
        settings = before.settings
        self._is_allowed = make_fix_filter(settings.rules, settings.config)

    def __call__(self, state: State, sources: FixInputs) -> Iterator[FindingWithFix]:
        yield from self.chosen(state, sources)
        if state is not self._before:
            yield from self._list_section_fixes(state, sources)

    def _list_section_fixes(self, state: State, sources: FixInputs) -> Iterator[FindingWithFix]:
        make_fix, before = SectionFixMaker(), self._before.diagnostics
        for path, items in state.diagnostics.items():
            known = before.get(path, ())
            if items is known or any(item.rule in SECTION_RULES for item in known):
                continue
            for item in items:
                fix = make_fix(state, sources, item) if item.rule in SECTION_RULES else None
                if fix and self._is_allowed(item, fix):
                    yield item, fix


def _find_problems(plan: Plan, *, confirmed: bool) -> dict[str, str]:
    """Return the edited notes for which a promise does not hold, with the reasons."""
    by_path: dict[str, list[Diagnostic]] = group_by(plan.linked, attrgetter("path"))
    before, after = plan.before.index, plan.after.index
    problems = {
        path: "its mentions would not become links to the notes that they name"
        for path, items in by_path.items()
        if _count_targets(after, path) - _count_targets(before, path)
        != Counter(item.resolved for item in items)
    }
    for path, finding in _find_new_findings(plan):
        if confirmed and path in by_path and _is_about_topics(after, finding):
            continue
        reason = f"links would cause a new finding in {path}, {finding.rule}"
        for source in _find_causes(path, by_path):
            problems.setdefault(source, reason)
    return problems


def _count_targets(index: Index, path: str) -> "Counter[str | None]":
    return Counter(target for _, target in index.resolved_links(path))


def _find_new_findings(plan: Plan) -> Iterator[tuple[str, Diagnostic]]:
    before = plan.before.diagnostics
    for path, items in plan.after.diagnostics.items():
        known = before.get(path, ())
        if items is not known:
            remaining = Counter((item.rule, item.message) for item in known)
            for item in items:
                remaining[item.rule, item.message] -= 1
                if remaining[item.rule, item.message] < 0:
                    yield path, item


def _is_about_topics(index: Index, finding: Diagnostic) -> bool:
    sections = find_topic_sections(index.notes[finding.path])
    return any(section.start <= finding.start <= section.end for section in sections)


def _find_causes(path: str, by_path: Mapping[str, Sequence[Diagnostic]]) -> Collection[str]:
    """Return the edited notes that can be the cause of a new finding at a path."""
    if path in by_path:
        return [path]
    targets = {source: [item.resolved for item in items] for source, items in by_path.items()}
    return [source for source in by_path if path in targets[source]] or by_path.keys()
