"""Value types of a report: frozen structs whose fields are the keys of its JSON.

From the first published release on, a field is never renamed or removed without a new number in
`SCHEMA`.
"""

from collections.abc import Callable

import msgspec

from vaultlink.text import list_first

SCHEMA = 1


class ScorePart(msgspec.Struct, frozen=True):
    """One input of the health score.

    Attributes:
        name: A name for programs, such as `links`.
        label: What is counted, for people, such as `links that resolve`.
        healthy: How many of `total` are healthy.
        total: How many there are. Without any, the part does not count.
        weight: The weight of the part among those that count.
        points: `most` times the square of the healthy share, rounded to two digits.
        most: The part's share of 100 points, rounded to two digits; 0 if it does not count.
    """

    name: str
    label: str
    healthy: int
    total: int
    weight: int
    points: float
    most: float


class HealthScore(msgspec.Struct, frozen=True):
    """The health of a vault from 0 to 100: the sum of its parts, rounded down.

    Attributes:
        value: The score, from 0 to 100.
        parts: The inputs of the score.
        limit: The highest value of a vault with as many errors and warnings.
    """

    value: int
    parts: tuple[ScorePart, ...]
    limit: int = 100


class Totals(msgspec.Struct, frozen=True):
    """The numbers of a vault, equal to those that the other commands print.

    Attributes:
        notes: Notes, as `check` counts them.
        attachments: All files that are not notes.
        links: All links.
        resolved: Links that resolve.
        dangling: Links that lead to no file, and are not external.
        ambiguous: Resolved links whose text also fits other files.
        external: Links to other places, such as websites.
        topics: Unresolved topics, as `topics` lists them.
        errors: Findings with the severity `error`, those of the baseline included.
        warnings: Findings with the severity `warning`, those of the baseline included.
        infos: Findings with the severity `info`, those of the baseline included.
        fixes_safe: Findings that `fix` resolves.
        fixes_unsafe: Findings that `fix --unsafe-fixes` resolves in addition; None if some
            were not counted.
        orphans: Notes without backlinks, as `orphans` lists them.
        dead_ends: Notes without links to files, as `deadends` lists them.
        islands: Groups of notes that no link connects with the largest group.
        sections_in_step: Backlinks sections without a finding.
        sections_out_of_step: Backlinks sections with a finding.
        unlinked: Notes that are linked with no other file, in neither direction.
        has_all_fixes: False if there may be more unsafe fixes than were counted.
        mentions: Names of notes in text without a link that `mentions --write` links; None if they
            were not searched, because a library is missing.
    """

    notes: int
    attachments: int
    links: int
    resolved: int
    dangling: int
    ambiguous: int
    external: int
    topics: int
    errors: int
    warnings: int
    infos: int
    fixes_safe: int
    fixes_unsafe: int | None
    orphans: int
    dead_ends: int
    islands: int
    sections_in_step: int
    sections_out_of_step: int
    unlinked: int = 0
    has_all_fixes: bool = True
    mentions: int | None = 0


class ReportStep(msgspec.Struct, frozen=True):
    """Something to do next.

    Attributes:
        kind: `safe-fixes`, `proposals`, `mentions`, `sections` or `unresolved`.
        command: The command line, for the folder of the vault.
        purpose: What the command does, as one line without a full stop.
        gain: Number of findings that it can resolve, links that it adds or sections that it
            updates; 0 for a command that lists.
        points: Points of the score that it can gain, rounded to one digit.
    """

    kind: str
    command: str
    purpose: str
    gain: int
    points: float


class RuleRow(msgspec.Struct, frozen=True):
    """A rule with findings.

    Attributes:
        code: Rule code, such as `VL101`.
        name: Rule name, such as `dangling-link`.
        severity: `error`, `warning` or `info`, as the settings define it.
        findings: Number of findings, those of the baseline included.
        notes: Number of files with such a finding.
        safe: Findings that `vaultlink fix` resolves.
        unsafe: Findings that `--unsafe-fixes` resolves in addition.
        summary: What the rule reports.
    """

    code: str
    name: str
    severity: str
    findings: int
    notes: int
    safe: int
    unsafe: int
    summary: str


class FolderRow(msgspec.Struct, frozen=True):
    """A folder with its own notes, not those of folders in it.

    Attributes:
        folder: Vault path of the folder; "" is the vault's root.
        notes: Number of notes in the folder.
        links: Number of links in these notes.
        dangling: Number of these links that lead to no file.
        findings: Number of findings in these notes.
    """

    folder: str
    notes: int
    links: int
    dangling: int
    findings: int


class LinkSource(msgspec.Struct, frozen=True):
    """A place of a link.

    Attributes:
        path: Vault path of the file with the link.
        line: Line of the link, 1-based.
    """

    path: str
    line: int


class TopicRow(msgspec.Struct, frozen=True):
    """A topic without a note.

    Attributes:
        name: The target of the links, as written.
        links: Number of all links to it.
        notes: Number of files with such a link.
        sources: The places of these links; only the first five if tables are cut.
        suggestion: Vault path of the note that may be meant; "" without one.
        reason: The reason of the suggestion, for people; "" without one.
    """

    name: str
    links: int
    notes: int
    sources: tuple[LinkSource, ...]
    suggestion: str = ""
    reason: str = ""


class NoteRow(msgspec.Struct, frozen=True):
    """A note with its numbers of links in, links out and findings.

    Attributes:
        path: Vault path of the note.
        title: The `title` property, else the file name without extension.
        incoming: Number of links to the note.
        outgoing: Number of its links that resolve.
        findings: Number of findings in the note.
    """

    path: str
    title: str
    incoming: int
    outgoing: int
    findings: int


class Island(msgspec.Struct, frozen=True):
    """A group of notes that no link connects with the largest group.

    Attributes:
        size: Number of notes in the group, at least two.
        notes: Vault paths of the notes, sorted; only the first five if tables are cut.
    """

    size: int
    notes: tuple[str, ...]


class Bridge(msgspec.Struct, frozen=True):
    """A note without which `separated` other notes are not connected with the rest.

    Attributes:
        path: Vault path of the note.
        separated: Number of notes that would be separated from the rest without it.
    """

    path: str
    separated: int


class MissingAttachment(msgspec.Struct, frozen=True):
    """A file that links name and that does not exist.

    Attributes:
        name: The target of the links, such as `map.png`.
        links: Number of links to it.
        sources: The places of these links; only the first five if tables are cut.
    """

    name: str
    links: int
    sources: tuple[LinkSource, ...]


class SectionRow(msgspec.Struct, frozen=True):
    """A backlinks section.

    Attributes:
        path: Vault path of the note.
        line: Line of the section's heading, 1-based.
        managed: True if vaultlink maintains the section.
        in_step: True if there is no finding about the section.
        status: `in step`, or the message of the finding about it.
    """

    path: str
    line: int
    managed: bool
    in_step: bool
    status: str


class FixRow(msgspec.Struct, frozen=True):
    """A fix that waits, with a line before and after it.

    Of a fix of several lines, it is the first one that changes. Long lines are cut around the
    change.

    Attributes:
        path: Vault path of the file.
        line: Line of the finding, 1-based.
        code: Code of the rule.
        message: Message of the finding.
        safe: True if `vaultlink fix` applies it; False if it requires `--unsafe-fixes`.
        before: The line before the fix.
        after: The line after the fix; "" if the line is removed.
    """

    path: str
    line: int
    code: str
    message: str
    safe: bool
    before: str
    after: str


class MentionPlace(msgspec.Struct, frozen=True):
    """A place where a note's text names another note without a link.

    Attributes:
        path: Vault path of the note with the text.
        line: Line of the words, 1-based.
        before: The text of the sentence before the words; cut if it is long.
        words: The words that name the note.
        after: The text of the sentence after the words; cut if it is long.
    """

    path: str
    line: int
    before: str
    words: str
    after: str


class MentionedNote(msgspec.Struct, frozen=True):
    """A note that others certainly name without a link.

    Attributes:
        path: Vault path of the note that is named.
        title: The `title` property, else the file name without extension.
        mentions: Number of its mentions that `mentions --write` links.
        places: The places of these mentions; only the first five if tables are cut.
    """

    path: str
    title: str
    mentions: int
    places: tuple[MentionPlace, ...]


class RelatedNoteRow(msgspec.Struct, frozen=True):
    """A note that is related to another one, as `related` lists it.

    Attributes:
        path: Vault path of the note.
        title: The `title` property, else the file name without extension.
        score: The sum of the evidence.
        why: The evidence, as one line without a full stop.
    """

    path: str
    title: str
    score: float
    why: str


class IsolatedNote(msgspec.Struct, frozen=True):
    """A note without backlinks, and the notes that could link to it.

    Attributes:
        path: Vault path of the note.
        title: The `title` property, else the file name without extension.
        outgoing: Number of its links that resolve.
        related: The notes that are most related to it, at most three.
    """

    path: str
    title: str
    outgoing: int
    related: tuple[RelatedNoteRow, ...]


class TwinRow(msgspec.Struct, frozen=True):
    """Two notes with common lines and sentences, as `related --twins` lists them.

    Attributes:
        path: Vault path of the first note.
        title: The `title` property, else the file name without extension.
        twin: Vault path of the other note.
        twin_title: Its title.
        score: The share of the longer note that the other one has too, from 0 to 1.
    """

    path: str
    title: str
    twin: str
    twin_title: str
    score: float


class TableCut(msgspec.Struct, frozen=True):
    """A table of a report with fewer rows than there are.

    Attributes:
        table: The key of the table in the report, such as `orphans`.
        rows: Number of rows in the report.
        total: Number of rows in the vault.
    """

    table: str
    rows: int
    total: int


class VaultReport(msgspec.Struct, frozen=True):
    """Everything that a report shows, apart from the picture of the graph.

    Attributes:
        schema: The version of the JSON; it changes if a key is removed or changes its meaning.
        vault: The name of the vault's folder.
        version: The version of vaultlink.
        commit: The commit of the vault, "" without git.
        date: The day of the report, `YYYY-MM-DD`, "" unless it was named.
        score: The health score.
        totals: The numbers of the vault.
        rules: Rules with findings, most findings first.
        folders: Folders, most findings first.
        topics: Unresolved topics, most links first.
        orphans: Notes without backlinks, as `orphans` lists them.
        dead_ends: Notes without links to files, as `deadends` lists them.
        islands: Groups apart from the largest, largest first.
        hubs: The notes with most links in.
        bridges: The notes that hold most others together.
        worst: The notes with most findings.
        unused_attachments: Vault paths of attachments that nothing in the vault uses.
        missing_attachments: Attachments that do not exist, most links first.
        sections: Backlinks sections, those out of step first.
        fixes: Fixes that wait, safe ones first.
        cuts: The tables that are cut, with their numbers of rows; empty if none is.
        next: What to do next, most points first.
        mentions: Notes that others certainly name without a link, most mentions first.
        related: The notes without backlinks that have the fewest links, each with related notes.
        twins: The pairs of notes that are most alike, at most twenty.
        paths: Vault paths to which all tables are limited; empty for the whole vault. The score,
            the totals and what to do next are always those of the whole vault.
    """

    schema: int
    vault: str
    version: str
    commit: str
    date: str
    score: HealthScore
    totals: Totals
    rules: tuple[RuleRow, ...]
    folders: tuple[FolderRow, ...]
    topics: tuple[TopicRow, ...]
    orphans: tuple[NoteRow, ...]
    dead_ends: tuple[NoteRow, ...]
    islands: tuple[Island, ...]
    hubs: tuple[NoteRow, ...]
    bridges: tuple[Bridge, ...]
    worst: tuple[NoteRow, ...]
    unused_attachments: tuple[str, ...]
    missing_attachments: tuple[MissingAttachment, ...]
    sections: tuple[SectionRow, ...]
    fixes: tuple[FixRow, ...]
    cuts: tuple[TableCut, ...] = ()
    next: tuple[ReportStep, ...] = ()
    mentions: tuple[MentionedNote, ...] = ()
    related: tuple[IsolatedNote, ...] = ()
    twins: tuple[TwinRow, ...] = ()
    paths: tuple[str, ...] = ()


def describe_part(report: VaultReport, format_name: Callable[[str], str] = str) -> str:
    """Return sentences on what the tables are limited to; "" if they are not."""
    if not report.paths:
        return ""
    names = list_first(list(map(format_name, report.paths)), _MAX_PATHS)
    return (
        f"The tables are about {names} only. The score, the totals and what to do next are those "
        "of the whole vault."
    )


_MAX_PATHS = 5
"""Paths that a sentence names."""
