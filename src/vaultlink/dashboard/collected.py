"""The lists of which a report shows parts, and the totals, complete."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from vaultlink.dashboard.model import SectionRow, Totals
from vaultlink.dashboard.score import ScoreCounts, count_score
from vaultlink.dashboard.section_facts import list_sections
from vaultlink.engine.checks import check_with_rule
from vaultlink.engine.step import State
from vaultlink.fix.forecast import FixForecast
from vaultlink.graph.structure import find_bridges
from vaultlink.index.resolve import is_note
from vaultlink.model import Diagnostic, Severity, Suggestion, TextByPath, sum_counts
from vaultlink.report.listings import DanglingTopic, find_dead_ends, find_orphans, rank_topics
from vaultlink.rules.connections import UNUSED_ATTACHMENT, find_islands


class ReportSources(NamedTuple):
    """The sources of a report: a state, and functions that look up the rest.

    Attributes:
        state: The state of the vault.
        text: Returns the text of a note.
        suggest_all: Returns the suggestions of many unresolved targets.
        forecast: Returns the fixes of findings.
    """

    state: State
    text: TextByPath
    suggest_all: Callable[[Sequence[str]], Mapping[str, Sequence[Suggestion]]]
    forecast: Callable[[Sequence[Diagnostic]], FixForecast]


class CollectedFacts(NamedTuple):
    """Everything that is counted, and listed in part.

    Attributes:
        findings: All findings, in the order of reports.
        fixable: The fixes of these findings.
        topics: The dangling topics, most links first.
        orphans: Vault paths of notes without backlinks.
        dead_ends: Vault paths of notes without links to files.
        islands: The notes of each island, the largest island first.
        bridges: Notes without which others are apart, and their number, the largest first.
        sections: The backlinks sections.
        unused: Vault paths of attachments that nothing uses.
        counts: The counts of the health score.
    """

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


def collect_facts(sources: ReportSources) -> CollectedFacts:
    """Collect the facts of a vault."""
    state = sources.state
    index, found = state.index, state.diagnostics
    findings = [item for path in sorted(found) for item in found[path]]
    return CollectedFacts(
        findings,
        sources.forecast(findings),
        rank_topics(index, state.settings.history),
        [path for path in find_orphans(index) if is_note(path)],
        find_dead_ends(index),
        find_islands(index),
        find_bridges(index),
        list_sections(state),
        sorted(check_with_rule(state.settings, index, UNUSED_ATTACHMENT)),
        count_score(state),
    )


def count_totals(state: State, facts: CollectedFacts) -> Totals:
    """Return the numbers of a vault."""
    links = sum_counts(state.tallies.values())
    notes = sum(map(is_note, state.index.files))
    severities = Counter([item.severity for item in facts.findings])
    fixable = facts.fixable
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
        fixes_safe=fixable.safe,
        fixes_unsafe=fixable.unsafe,
        orphans=len(facts.orphans),
        dead_ends=len(facts.dead_ends),
        islands=len(facts.islands),
        sections_in_step=in_step,
        sections_out_of_step=len(facts.sections) - in_step,
        unlinked=facts.counts.notes_unlinked,
        has_all_fixes=fixable.has_all,
    )
