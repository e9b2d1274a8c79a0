"""Whether a vault kept alive is what a fresh start makes of the same files: the doubt that `watch --verify` puts into words.

A live vault enters, the first difference leaves as a sentence.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from vaultlink.api import rebuild_settings, replace_state
from vaultlink.disk.load import read_changes
from vaultlink.disk.scan import RACY_WINDOW_NS, list_files, scan_vault
from vaultlink.engine.step import State, step
from vaultlink.graph.build import build_graph
from vaultlink.watch.session import Session

_INDEX_MAPS = (
    "backlinks",
    "notes_by_alias",
    "notes_by_title",
    "files_by_spelling",
    "mentions",
    "definitions",
)


class VaultChanging(Exception):  # noqa: N818 - a state of affairs
    """The vault changes while it is compared, so that nothing can be said."""


def find_difference(session: Session) -> str | None:
    """What a live vault holds otherwise than a fresh start would; None if nothing. Raises Changing."""
    scan = scan_vault(session.vault.root, session.scan.settings)
    settings = rebuild_settings(session.vault, scan)
    fresh = step(State(settings), list(read_changes(scan, settings, scan.listing.files)))
    files = list_files(session.vault.root).files
    lately = any(stamp.changed > scan.started - RACY_WINDOW_NS for stamp in files.values())
    if lately or not files == scan.listing.files == session.scan.listing.files:
        raise VaultChanging
    return next(_iterate_differences(session, fresh), None)


def _iterate_differences(session: Session, fresh: State) -> Iterator[str]:
    kept = session.vault.state
    sides: list[tuple[str, Any, Any]] = [
        ("notes", kept.index.notes, fresh.index.notes),
        ("names", kept.index.names, fresh.index.names),
        ("targets", kept.index.targets, fresh.index.targets),
        *((name, getattr(kept.index, name), getattr(fresh.index, name)) for name in _INDEX_MAPS),
        ("findings", kept.all_findings, fresh.all_findings),
        ("reported findings", kept.diagnostics, fresh.diagnostics),
        ("tallies", kept.tallies, fresh.tallies),
        (
            "nodes of the graph",
            _collect_nodes(session.graph.nx_graph),
            _collect_nodes(build_graph(fresh.index)),
        ),
        (
            "edges of the graph",
            _collect_edges(session.graph.nx_graph),
            _collect_edges(build_graph(fresh.index)),
        ),
    ]
    for what, ours, theirs in sides:
        yield from _compare_maps(what, ours, theirs)
    if kept.index.files != fresh.index.files:
        yield f"files: {sorted(kept.index.files ^ fresh.index.files)[:3]} are on one side only"
    if session.count_totals() != Session(replace_state(session.vault, fresh)).count_totals():
        yield "the figures differ"


def _compare_maps(what: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(key), theirs.get(key)
        if one != other:
            yield f"{what}: {key}: kept {_truncate(one)}, fresh {_truncate(other)}"


def _collect_nodes(made: Any) -> dict[str, Any]:
    return dict(made.nodes(data=True))


def _collect_edges(made: Any) -> dict[str, list[str]]:
    """The edges from each node, in no order."""
    edges: dict[str, list[str]] = {}
    for source, goal, data in made.edges(data=True):
        edges.setdefault(source, []).append(f"{goal} {sorted(data.items())}")
    return {source: sorted(out) for source, out in edges.items()}


def _truncate(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:199] + "…"
