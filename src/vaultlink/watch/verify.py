"""Comparison of a watched vault with a fresh start, for `watch --verify`."""

from collections.abc import Iterator, Mapping
from typing import Any

from vaultlink.api import rebuild_settings, replace_state
from vaultlink.disk.changes import read_changes
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


class VaultChanging(Exception):  # noqa: N818 - a state, not a mistake
    """The vault changes during the comparison, so there is no result."""


def find_difference(session: Session) -> str | None:
    """Return the first difference from a fresh start as a sentence, or None.

    Raises VaultChanging.
    """
    scan = scan_vault(session.vault.root, session.scan.settings)
    settings = rebuild_settings(session.vault, scan)
    fresh = step(State(settings), list(read_changes(scan, settings, scan.listing.files)))
    files = list_files(session.vault.root).files
    is_racy = any(stamp.changed > scan.started - RACY_WINDOW_NS for stamp in files.values())
    if is_racy or not files == scan.listing.files == session.scan.listing.files:
        raise VaultChanging
    return next(_iterate_differences(session, fresh), None)


def _iterate_differences(session: Session, fresh: State) -> Iterator[str]:
    current = session.vault.state
    sides: list[tuple[str, Any, Any]] = [
        ("notes", current.index.notes, fresh.index.notes),
        ("names", current.index.names, fresh.index.names),
        ("targets", current.index.targets, fresh.index.targets),
        *((name, getattr(current.index, name), getattr(fresh.index, name)) for name in _INDEX_MAPS),
        ("findings", current.all_findings, fresh.all_findings),
        ("reported findings", current.diagnostics, fresh.diagnostics),
        ("tallies", current.tallies, fresh.tallies),
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
    for label, current_map, fresh_map in sides:
        yield from _compare_maps(label, current_map, fresh_map)
    if current.index.files != fresh.index.files:
        yield f"files: {sorted(current.index.files ^ fresh.index.files)[:3]} exist on one side only"
    if session.count_totals() != Session(replace_state(session.vault, fresh)).count_totals():
        yield "the totals differ"


def _compare_maps(name: str, current: Mapping[str, Any], fresh: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(current.keys() | fresh.keys()):
        one, other = current.get(key), fresh.get(key)
        if one != other:
            yield f"{name}: {key}: current {_truncate(one)}, fresh {_truncate(other)}"


def _collect_nodes(graph: Any) -> dict[str, Any]:
    return dict(graph.nodes(data=True))


def _collect_edges(graph: Any) -> dict[str, list[str]]:
    """Return the edges from each node, sorted."""
    edges: dict[str, list[str]] = {}
    for source, target, data in graph.edges(data=True):
        edges.setdefault(source, []).append(f"{target} {sorted(data.items())}")
    return {source: sorted(targets) for source, targets in edges.items()}


def _truncate(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:199] + "…"
