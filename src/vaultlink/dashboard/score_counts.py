"""Count what the health score of a state needs."""

from collections.abc import Mapping

from vaultlink.dashboard.score import ScoreCounts
from vaultlink.dashboard.section_facts import count_sections
from vaultlink.engine.step import State
from vaultlink.index.index import LinkTargets
from vaultlink.index.resolve import is_note
from vaultlink.model import Severity, sum_counts

_COUNTED_SEVERITIES = (Severity.ERROR, Severity.WARNING)


def count_score(state: State) -> ScoreCounts:
    """Count the links, notes and sections of a state, for `compute_score`.

    The counts are those of the whole vault: they include the findings of a baseline.
    """
    links = sum_counts(state.tallies.values())
    notes = [path for path in state.index.notes if is_note(path)]
    linked = find_linked_files(state.index.targets)
    with_findings = sum(
        is_note(path) and any(item.severity in _COUNTED_SEVERITIES for item in found)
        for path, found in state.diagnostics.items()
    )
    return ScoreCounts(
        links.resolved,
        links.links - links.external,
        len(notes),
        with_findings,
        sum(path not in linked for path in notes),
        *count_sections(state),
    )


def find_linked_files(targets: Mapping[str, LinkTargets]) -> set[str]:
    """Return the files that a link connects with another file, in either direction."""
    linked: set[str] = set()
    for source, paths in targets.items():
        others = {path for path in paths if path is not None and path != source}
        if others:
            linked.add(source)
            linked |= others
    return linked
