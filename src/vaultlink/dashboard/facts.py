"""Build a report from the state of a vault: its totals and its tables."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from vaultlink.dashboard.model import (
    SCHEMA,
    Bridge,
    FixRow,
    FolderRow,
    Island,
    IsolatedNote,
    LinkSource,
    MentionedNote,
    MentionPlace,
    MissingAttachment,
    NoteRow,
    RelatedNoteRow,
    ReportStep,
    RuleRow,
    SectionRow,
    TableCut,
    TopicRow,
    Totals,
    TwinRow,
    VaultReport,
)
from vaultlink.dashboard.score import (
    ScoreCounts,
    compute_score,
    count_score,
    estimate_points,
    list_sections,
)
from vaultlink.engine.checks import check_with_rule
from vaultlink.engine.step import State
from vaultlink.fix.forecast import FixForecast, count_by_rule
from vaultlink.graph.build import find_bridges, find_islands
from vaultlink.graph.related import find_related
from vaultlink.graph.twins import find_repeated, rank_twins
from vaultlink.index.file_kinds import has_known_extension
from vaultlink.index.index import link_name
from vaultlink.index.packed_map import unpack_all
from vaultlink.index.resolve import is_any_path, is_note, make_path_filter
from vaultlink.links.edit_math import sort_edits
from vaultlink.mentions.mention import Mention
from vaultlink.model import (
    Diagnostic,
    Fix,
    LinkCounts,
    Safety,
    Severity,
    Suggestion,
    TextByPath,
    sum_counts,
)
from vaultlink.report.changed_lines import cut_lines, find_first_change
from vaultlink.report.full import REASON_LABELS
from vaultlink.report.layout import format_count
from vaultlink.report.listings import (
    DanglingTopic,
    DanglingTopicRow,
    TopicLink,
    find_dead_ends,
    find_orphans,
    rank_topics,
    topic_row,
)
from vaultlink.report.overview import list_fix_steps
from vaultlink.rules.connections import UNUSED_ATTACHMENT
from vaultlink.rules.section_rules import ALL_SECTION_RULES
from vaultlink.text import group_by


class ReportInputs(NamedTuple):
    """The state of a vault, and functions that look up what a report needs of it.

    `find_mentions` returns those that `mentions --write` links; None if it can't search.
    """

    state: State
    text: TextByPath
    suggest_all: Callable[[Sequence[str]], Mapping[str, Sequence[Suggestion]]]
    forecast: Callable[[Sequence[Diagnostic]], FixForecast]
    find_mentions: Callable[[], Sequence[Mention] | None] = lambda: ()


class _Facts(NamedTuple):
    """Everything that is counted, and listed in part."""

    findings: Sequence[Diagnostic]
    fixable: FixForecast
    topics: Sequence[DanglingTopic]
    orphans: Sequence[str]
    dead_ends: Sequence[str]
    islands: Sequence[Sequence[str]]
    bridges: Sequence[tuple[str, int]]
    sections: Sequence[SectionRow]
    unused: Sequence[str]
    counts: ScoreCounts
    mentions: Sequence[Mention] | None


def _collect_facts(inputs: ReportInputs, mentions: Sequence[Mention] | None) -> _Facts:
    state = inputs.state
    index, found = state.index, state.diagnostics
    findings = [item for path in sorted(found) for item in found[path]]
    orphans = [path for path in find_orphans(index) if is_note(path)]  # finds the backlinks of all
    return _Facts(
        findings,
        inputs.forecast(findings),
        rank_topics(state),
        orphans,
        find_dead_ends(index),
        find_islands(index),
        find_bridges(index),
        list_sections(state),
        sorted(check_with_rule(state.settings, index, UNUSED_ATTACHMENT)),
        count_score(state),
        mentions,
    )


def _narrow_facts(facts: _Facts, state: State, wanted: Callable[[str], bool]) -> _Facts:
    """Return the facts about wanted files: links, findings and mentions in them."""
    mentions, forecast = facts.mentions, facts.fixable
    pairs = zip(facts.findings, forecast.fixes, strict=True)
    fixes = tuple(fix for item, fix in pairs if wanted(item.path))
    return facts._replace(
        findings=[item for item in facts.findings if wanted(item.path)],
        fixable=forecast._replace(fixes=fixes),
        topics=rank_topics(state, wanted),
        orphans=list(filter(wanted, facts.orphans)),
        dead_ends=list(filter(wanted, facts.dead_ends)),
        islands=[notes for notes in facts.islands if any(map(wanted, notes))],
        bridges=[item for item in facts.bridges if wanted(item[0])],
        sections=[row for row in facts.sections if wanted(row.path)],
        unused=list(filter(wanted, facts.unused)),
        mentions=mentions and [item for item in mentions if wanted(item.path)],
    )


def _count_totals(state: State, facts: _Facts) -> Totals:
    links = sum_counts(state.tallies.values())
    notes = sum(map(is_note, state.index.files))
    severities = Counter([item.severity for item in facts.findings])
    in_step = sum(row.in_step for row in facts.sections)
    return Totals(
        notes=notes,
        attachments=len(state.index.files) - notes,
        links=links.links,
        resolved=links.resolved,
        dangling=links.dangling,
        ambiguous=links.ambiguous,
        external=links.external,
        topics=len(facts.topics),
        errors=severities[Severity.ERROR],
        warnings=severities[Severity.WARNING],
        infos=severities[Severity.INFO],
        fixes_safe=facts.fixable.safe,
        fixes_unsafe=facts.fixable.unsafe_number,
        orphans=len(facts.orphans),
        dead_ends=len(facts.dead_ends),
        islands=len(facts.islands),
        sections_in_step=in_step,
        sections_out_of_step=len(facts.sections) - in_step,
        unlinked=facts.counts.notes_unlinked,
        has_all_fixes=not facts.fixable.has_guesses,
        mentions=None if facts.mentions is None else len(facts.mentions),
    )


_T = TypeVar("_T")

_MAX_RANKED = 50
"""Hubs, and bridges: rankings of notes of which only the first are of interest."""

_MAX_NAMED = 5
"""Sources of a topic, places of mentions and notes of an island, if tables are cut."""

_MAX_MENTIONED = 50
"""Notes that others mention, if tables are cut: each has passages, which take place."""

_MAX_ISOLATED = 20
"""Notes with related notes. For each, the neighbours of its neighbours are read."""

_MAX_TRIED = 400
"""Notes without backlinks for which related notes are looked for."""

_MAX_RELATED = 3
"""Related notes of each."""

_MAX_TWINS = 20
"""Pairs of notes that are alike."""


class ReportLabels(NamedTuple):
    """The texts at the head of a report: see `VaultReport`."""

    vault: str
    version: str = ""
    commit: str = ""
    date: str = ""


def build_report(
    inputs: ReportInputs,
    labels: ReportLabels,
    max_rows: int | None = None,
    paths: tuple[str, ...] = (),
) -> VaultReport:
    """Build the report of a vault; all rows without `max_rows`.

    The tables are about the files in `paths`, vault paths of files and folders; without any, about
    the whole vault.
    """
    state, wanted = inputs.state, make_path_filter(paths)
    mentions = inputs.find_mentions()  # first: values that are decoded count as changed
    state.index.derive(find_repeated)  # takes most memory
    unpack_all(state.index.targets, state.diagnostics, state.tallies)
    whole, cutter = _collect_facts(inputs, mentions), _TableCutter(max_rows)
    facts = _narrow_facts(whole, state, wanted) if paths else whole
    numbers = _NoteNumbers(state, wanted)
    missing = [topic for topic in facts.topics if has_known_extension(topic.name)]
    fixes = sort_fixes(facts.findings, facts.fixable.fixes)
    return VaultReport(
        SCHEMA,
        *labels,
        score=compute_score(whole.counts),
        totals=_count_totals(state, whole),
        rules=cutter.cut("rules", _list_rules(state, facts)),
        folders=cutter.cut("folders", numbers.list_folders()),
        topics=_list_topics(inputs, cutter.cut("topics", facts.topics), cutter.max_named),
        orphans=numbers.describe(cutter.cut("orphans", facts.orphans)),
        dead_ends=numbers.describe(cutter.cut("dead_ends", facts.dead_ends)),
        islands=tuple(
            [
                Island(len(notes), tuple(notes[: cutter.max_named]))
                for notes in cutter.cut("islands", facts.islands)
            ]
        ),
        hubs=numbers.describe(numbers.rank_hubs()[:_MAX_RANKED]),
        bridges=tuple([Bridge(*item) for item in facts.bridges[:_MAX_RANKED]]),
        worst=numbers.describe(cutter.cut("worst", numbers.rank_findings())),
        unused_attachments=cutter.cut("unused_attachments", facts.unused),
        missing_attachments=tuple(
            [
                MissingAttachment(
                    topic.name, len(topic.sources), _list_sources(topic.sources, cutter.max_named)
                )
                for topic in cutter.cut("missing_attachments", missing)
            ]
        ),
        sections=cutter.cut("sections", facts.sections),
        fixes=describe_fixes(cutter.cut("fixes", fixes), inputs.text),
        next=_list_next_steps(state, whole),
        mentions=_list_mentioned(facts, cutter, numbers, inputs.text),
        related=_list_isolated(state, facts.orphans, numbers),
        twins=_list_twins(state, numbers, wanted),
        cuts=tuple(cutter.cuts),
        paths=paths,
    )


class _TableCutter:
    """Cuts tables to a number of rows, and notes those that were longer."""

    def __init__(self, max_rows: int | None):
        self._max_rows = max_rows
        self.max_named = None if max_rows is None else _MAX_NAMED
        self.cuts: list[TableCut] = []

    def cut(self, table: str, rows: Sequence[_T], most: int | None = None) -> tuple[_T, ...]:
        """Return the first rows; at most `most`, if tables are cut at all."""
        limits = [limit for limit in (self._max_rows, most) if limit is not None]
        first = tuple(rows[: min(limits)] if self._max_rows is not None else rows)
        if len(first) < len(rows):
            self.cuts.append(TableCut(table, len(first), len(rows)))
        return first


def _list_rules(state: State, facts: _Facts) -> list[RuleRow]:
    rules = state.settings.rules_by_name
    notes: dict[str, set[str]] = {}
    for item in facts.findings:
        notes.setdefault(item.rule, set()).add(item.path)
    return [
        RuleRow(
            row.code,
            row.rule,
            row.severity,
            row.findings,
            len(notes[row.rule]),
            row.safe,
            row.unsafe,
            rules[row.rule].summary.strip(),
        )
        for row in count_by_rule(facts.findings, facts.fixable.fixes)
    ]


def _list_topics(
    inputs: ReportInputs, topics: Sequence[DanglingTopic], max_named: int | None
) -> tuple[TopicRow, ...]:
    suggestions = inputs.suggest_all([topic.name for topic in topics])
    vaults = inputs.state.settings.obsidian.vaults
    rows = [topic_row(topic, lambda name: suggestions.get(name, ()), vaults) for topic in topics]
    return tuple([_describe_topic(row, max_named) for row in rows])


def _describe_topic(row: DanglingTopicRow, max_named: int | None) -> TopicRow:
    best = row.suggestions[0] if row.suggestions else None
    return TopicRow(
        row.topic,
        row.count,
        len({source.path for source in row.sources}),
        _list_sources(row.sources, max_named),
        best.path if best else "",
        REASON_LABELS.get(best.reason, best.reason) if best else "",
    )


def _list_sources(sources: Iterable[TopicLink], max_named: int | None) -> tuple[LinkSource, ...]:
    return tuple([LinkSource(item.path, item.line) for item in sources][:max_named])


# -- fixes ----------------------------------------------------------------------------------------


def sort_fixes(
    findings: Sequence[Diagnostic], fixes: Sequence[Fix | None]
) -> list[tuple[Diagnostic, Fix]]:
    """Return the findings with a fix, those with a safe one first, else in order."""
    pairs = [(d, fix) for d, fix in zip(findings, fixes, strict=True) if fix is not None]
    return sorted(pairs, key=lambda pair: pair[1].safety is not Safety.SAFE)


def describe_fixes(pairs: Iterable[tuple[Diagnostic, Fix]], text: TextByPath) -> tuple[FixRow, ...]:
    return tuple(_describe_fix(item, fix, text) for item, fix in pairs)


def _describe_fix(item: Diagnostic, fix: Fix, text: TextByPath) -> FixRow:
    """Describe the change of the finding's note, else of the first changed note."""
    path = item.path if any(edit.path == item.path for edit in fix.edits) else fix.edits[0].path
    edits = sort_edits(edit for edit in fix.edits if edit.path == path)
    before, after = cut_lines(*find_first_change(text(path), edits))
    is_safe = fix.safety is Safety.SAFE
    return FixRow(item.path, item.line, item.code, item.message, is_safe, before, after)


# -- links to add ---------------------------------------------------------------------------------

_MAX_PASSAGE = 90
"""Code points of a sentence that are shown on each side of a mention."""


def _list_mentioned(
    facts: _Facts, cutter: "_TableCutter", numbers: "_NoteNumbers", text: TextByPath
) -> tuple[MentionedNote, ...]:
    """Return the notes that others mention, most mentions first."""
    groups = group_by(facts.mentions or (), lambda item: item.target)
    ranked = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return tuple(
        [
            MentionedNote(
                target,
                numbers.find_title(target),
                len(items),
                tuple([_describe_place(item, text) for item in items[: cutter.max_named]]),
            )
            for target, items in cutter.cut("mentions", ranked, _MAX_MENTIONED)
        ]
    )


def _describe_place(mention: Mention, text: TextByPath) -> MentionPlace:
    whole = text(mention.path)
    before = whole[mention.sentence_start : mention.start].lstrip()
    after = whole[mention.end : mention.sentence_end].rstrip()
    if len(before) > _MAX_PASSAGE:
        before = f"…{before[-_MAX_PASSAGE:]}"
    if len(after) > _MAX_PASSAGE:
        after = f"{after[:_MAX_PASSAGE]}…"
    return MentionPlace(mention.path, mention.line, before, mention.words, after)


def _list_isolated(
    state: State, orphans: Sequence[str], numbers: "_NoteNumbers"
) -> tuple[IsolatedNote, ...]:
    """Return notes without backlinks, fewest links first, with their related notes.

    Notes for which none is found are left out.
    """
    rows = numbers.describe(orphans)
    found: list[IsolatedNote] = []
    for row in sorted(rows, key=lambda row: (row.outgoing, row.path))[:_MAX_TRIED]:
        related = find_related(state.index, row.path, _MAX_RELATED)
        if related:
            notes = [
                RelatedNoteRow(item.path, numbers.find_title(item.path), item.score, item.why)
                for item in related
            ]
            found.append(IsolatedNote(row.path, row.title, row.outgoing, tuple(notes)))
        if len(found) == _MAX_ISOLATED:
            break
    return tuple(found)


def _list_twins(
    state: State, numbers: "_NoteNumbers", wanted: Callable[[str], bool]
) -> tuple[TwinRow, ...]:
    ranked = rank_twins(state.index, _MAX_TWINS if wanted is is_any_path else None)
    pairs = [item for item in ranked if wanted(item.path) or wanted(item.twin)]
    return tuple(
        TwinRow(
            item.path,
            numbers.find_title(item.path),
            item.twin,
            numbers.find_title(item.twin),
            item.score,
        )
        for item in pairs[:_MAX_TWINS]
    )


# -- notes and folders ----------------------------------------------------------------------------


class _NoteNumbers:
    """The numbers of links and findings of each file of a state.

    Rankings and folders are limited to wanted files.
    """

    def __init__(self, state: State, wanted: Callable[[str], bool]):
        self._state, self._wanted = state, wanted
        self._incoming: Counter[str | None] = Counter()
        for targets in state.index.targets.values():
            self._incoming.update(targets)
        self._findings = {path: len(found) for path, found in state.diagnostics.items()}

    def describe(self, paths: Iterable[str]) -> tuple[NoteRow, ...]:
        return tuple(map(self._describe_note, paths))

    def rank_hubs(self) -> list[str]:
        """Return the notes with links to them, most links first."""
        linked = [path for path in self._incoming if path is not None and is_note(path)]
        return sorted(filter(self._wanted, linked), key=lambda path: (-self._incoming[path], path))

    def rank_findings(self) -> list[str]:
        """Return the notes with findings, most findings first."""
        found = [path for path in self._findings if is_note(path)]
        return sorted(filter(self._wanted, found), key=lambda path: (-self._findings[path], path))

    def list_folders(self) -> list[FolderRow]:
        """Return the folders with notes, canvases or findings, most findings first."""
        files = filter(self._wanted, self._state.index.files)
        notes = Counter(_parent_folder(path) for path in files if is_note(path))
        links, dangling, findings = Counter[str](), Counter[str](), Counter[str]()
        for path in filter(self._wanted, self._state.tallies):
            counts = self._state.tallies[path]
            links[_parent_folder(path)] += counts.links
            dangling[_parent_folder(path)] += counts.dangling
        for path in filter(self._wanted, self._findings):
            findings[_parent_folder(path)] += self._findings[path]
        rows = [
            FolderRow(name, notes[name], links[name], dangling[name], findings[name])
            for name in {*notes, *links, *findings}
        ]
        return sorted(rows, key=lambda row: (-row.findings, -row.dangling, row.folder))

    def find_title(self, path: str) -> str:
        """Return the title of a note, else its name without extension."""
        note = self._state.index.notes.get(path)
        return (note.title if note else None) or link_name(path)

    def _describe_note(self, path: str) -> NoteRow:
        counts = self._state.tallies.get(path, LinkCounts())
        return NoteRow(
            path,
            self.find_title(path),
            self._incoming[path],
            counts.resolved,
            self._findings.get(path, 0),
        )


def _parent_folder(path: str) -> str:
    return path.rpartition("/")[0]


# -- the next steps: commands, with the gain of each -----------------------------------------------

_COUNTED_ABOUT = {
    "unresolved-link": ("mistake", "mistakes"),
    "planned-link": ("planned note", "planned notes"),
}
"""What links with a proposal are about; the other proposals are called others."""


def _list_next_steps(state: State, facts: _Facts) -> tuple[ReportStep, ...]:
    """Return what to do next: what gains most points first, then what resolves most."""
    steps = [
        *_list_fix_steps(state, facts),
        *_list_mention_steps(state, facts),
        *_list_section_steps(state, facts),
        *_list_topic_steps(len(facts.topics)),
    ]
    return tuple(sorted(steps, key=lambda step: (-step.points, -step.gain)))


def _list_fix_steps(state: State, facts: _Facts) -> Iterator[ReportStep]:
    for step in list_fix_steps(facts.fixable):
        is_safe = step.command == "vaultlink fix"
        resolved = _select_findings(facts, Safety.SAFE if is_safe else Safety.UNSAFE)
        points = estimate_points(state, facts.counts, resolved)
        if is_safe:
            purpose = f"Apply {format_count(step.gain, 'safe fix', 'safe fixes')}"
            yield ReportStep("safe-fixes", step.command, purpose, step.gain, points)
            continue
        least = "at least " if facts.fixable.has_guesses else ""
        purpose = f"Decide on the proposals for {least}{_describe_proposals(resolved)}"
        yield ReportStep("proposals", step.command, purpose, step.gain, points)


def _select_findings(facts: _Facts, safety: Safety) -> list[Diagnostic]:
    pairs = zip(facts.findings, facts.fixable.fixes, strict=True)
    return [item for item, fix in pairs if fix is not None and fix.safety is safety]


def _describe_proposals(findings: Sequence[Diagnostic]) -> str:
    """Return the numbers of findings by kind: `5 mistakes and 2 other findings`."""
    parts = []
    for about, nouns in _COUNTED_ABOUT.items():
        number = sum(item.about == about for item in findings)
        parts += [format_count(number, *nouns)] if number else []
    others = sum(item.about not in _COUNTED_ABOUT for item in findings)
    parts += [format_count(others, "other finding" if parts else "finding")] if others else []
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def _list_mention_steps(state: State, facts: _Facts) -> Iterator[ReportStep]:
    mentions = facts.mentions
    if mentions:
        targets = len({item.target for item in mentions})
        connected = {path for item in mentions for path in (item.path, item.target)}
        points = estimate_points(state, facts.counts, connected=connected)
        number = format_count(len(mentions), "place")
        verb = "names" if len(mentions) == 1 else "name"
        purpose = f"Link {number} that certainly {verb} {format_count(targets, 'note')}"
        yield ReportStep("mentions", "vaultlink mentions --write", purpose, len(mentions), points)


def _list_section_steps(state: State, facts: _Facts) -> Iterator[ReportStep]:
    """Yield the update of sections, which `vaultlink fix` makes too if it is safe."""
    number = sum(not row.in_step for row in facts.sections)
    if not number:
        return
    safe = _select_section_findings(_select_findings(facts, Safety.SAFE))
    found = safe or _select_section_findings(facts.findings)
    rules = ",".join(sorted({item.rule for item in found}))
    verb, command = ("Update", "fix") if safe else ("Correct", "check")
    purpose = f"{verb} {format_count(number, 'backlinks section')} out of date"
    points = estimate_points(state, facts.counts, found)
    yield ReportStep("sections", f"vaultlink {command} --select {rules}", purpose, number, points)


def _select_section_findings(findings: Sequence[Diagnostic]) -> list[Diagnostic]:
    return [item for item in findings if item.rule in ALL_SECTION_RULES]


def _list_topic_steps(topics: int) -> Iterator[ReportStep]:
    if topics:
        names = format_count(topics, "name")
        verb = "has" if topics == 1 else "have"
        purpose = f"Look through {names} in links that {verb} no file"
        yield ReportStep("unresolved", "vaultlink unresolved", purpose, 0, 0)
