"""Whether a vault kept alive is what a fresh start makes of the same files: the doubt that `watch --verify` puts into words.

A live vault enters, the first difference leaves as a sentence.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from vaultlink.engine import State, step
from vaultlink.files import list_files
from vaultlink.graph import graph
from vaultlink.loading import changes_at
from vaultlink.survey import RECENT, survey
from vaultlink.watching.live import Live

_MAPS = ("backlinks", "aliased", "titled", "spelled", "mentions", "definitions")


class Changing(Exception):  # noqa: N818 - a state of affairs
    """The vault changes while it is compared, so that nothing can be said."""


def difference(live: Live) -> str | None:
    """What a live vault holds otherwise than a fresh start would; None if nothing. Raises Changing."""
    seen = survey(live.vault.root, live.seen.settings)
    setting = live.vault.setting_of(seen)
    fresh = step(State(setting), list(changes_at(seen, setting, seen.listing.files)))
    files = list_files(live.vault.root).files
    lately = any(stamp.changed > seen.started - RECENT for stamp in files.values())
    if lately or not files == seen.listing.files == live.seen.listing.files:
        raise Changing
    return next(_differences(live, fresh), None)


def _differences(live: Live, fresh: State) -> Iterator[str]:
    kept = live.vault.state
    sides: list[tuple[str, Any, Any]] = [
        ("notes", kept.index.notes, fresh.index.notes),
        ("names", kept.index.names, fresh.index.names),
        ("targets", kept.index.targets, fresh.index.targets),
        *((name, getattr(kept.index, name), getattr(fresh.index, name)) for name in _MAPS),
        ("findings", kept.found, fresh.found),
        ("reported findings", kept.diagnostics, fresh.diagnostics),
        ("tallies", kept.tallies, fresh.tallies),
        ("nodes of the graph", _nodes(live.graph.made), _nodes(graph(fresh.index))),
        ("edges of the graph", _edges(live.graph.made), _edges(graph(fresh.index))),
    ]
    for what, ours, theirs in sides:
        yield from _between(what, ours, theirs)
    if kept.index.files != fresh.index.files:
        yield f"files: {sorted(kept.index.files ^ fresh.index.files)[:3]} are on one side only"
    if live.totals() != Live(live.vault.after(fresh)).totals():
        yield "the figures differ"


def _between(what: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(key), theirs.get(key)
        if one != other:
            yield f"{what}: {key}: kept {_cut(one)}, fresh {_cut(other)}"


def _nodes(made: Any) -> dict[str, Any]:
    return dict(made.nodes(data=True))


def _edges(made: Any) -> dict[str, list[str]]:
    """The edges from each node, in no order."""
    edges: dict[str, list[str]] = {}
    for source, goal, data in made.edges(data=True):
        edges.setdefault(source, []).append(f"{goal} {sorted(data.items())}")
    return {source: sorted(out) for source, out in edges.items()}


def _cut(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:199] + "…"
