"""Find the notes that are related to a note, by links alone.

The score is the sum of three numbers, all of which are named in the explanation:

- the shared neighbours: files and unresolved topics that are linked with both notes, in either
  direction. Each counts 1 divided by the number of its neighbours, so rare ones count most
  (the index of resource allocation by Zhou, Lü and Zhang, 2009);
- the share of the similar notes that link to the other note, from 0 to 1. The similar notes are
  those with shared neighbours, each weighted by the sum above;
- 1 if the other note links to NOTE.

Only the neighbours of the note and their links are read, not the whole vault.
"""

from collections.abc import Iterable, Mapping
from math import fsum
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from vaultlink.graph.build import is_topic_node, topic_node
from vaultlink.index.index import Index, link_name, target_spellings
from vaultlink.index.resolve import is_note, normalize_name
from vaultlink.index.topics import topic_name
from vaultlink.links.intent import names_topic
from vaultlink.text import list_first

if TYPE_CHECKING:
    import networkx as nx

    Neighbourhood: TypeAlias = nx.Graph[str]

_DIGITS = 4
"""Decimal places of a score. Notes with the same rounded score are in the order of their paths."""

_MAX_NAMES = 3
"""Names in each part of an explanation."""

_MAX_SIMILAR = 10
"""Maximum number of similar notes that are named for each related note."""


class RelatedNote(msgspec.Struct, frozen=True):
    """A note that is related to another one.

    Attributes:
        path: Vault path of the note.
        score: The sum of the evidence: 0 or more, not limited to 1.
        why: The evidence as one line without a full stop.
        shared: The shared neighbours, those with the fewest neighbours first: vault paths, and
            unresolved topics with a slash before their name.
        similar: Vault paths of the similar notes that link to this one, most similar first, at most
            ten.
        linked: True if the note or file that it is related to already links to it.
    """

    path: str
    score: float
    why: str
    shared: tuple[str, ...]
    similar: tuple[str, ...]
    linked: bool


def find_related(
    index: Index, path: str, limit: int = 10, *, with_linked: bool = False
) -> list[RelatedNote]:
    """Return the notes most related to a file, highest score first, then by path.

    The notes to which the file already links are left out unless `with_linked`.
    """
    graph = build_neighbourhood(index, path)
    shared = find_shared_neighbours(graph, path)
    likeness = {
        note: fsum([1 / graph.degree[node] for node in nodes])  # the same sum in any order
        for note, nodes in shared.items()
        if note in index.notes and is_note(note)
    }
    similar = sorted(likeness, key=lambda note: (-likeness[note], note))
    followers = _group_by_target(index, similar)
    sources, known = set(index.sources_of(path)), set(index.targets.get(path, ()))
    whole = fsum([likeness[note] for note in similar])

    def score(note: str) -> float:
        share = fsum([likeness[item] for item in followers.get(note, ())])
        evidence = likeness.get(note, 0.0) + (share / whole if share else 0.0)
        return round(evidence + (note in sources), _DIGITS)

    scores = {
        note: score(note)
        for note in {*likeness, *followers, *filter(is_note, sources)}
        if note != path and (with_linked or note not in known)
    }
    found = []
    for note in sorted(scores, key=lambda note: (-scores[note], note))[:limit]:
        common = sorted(shared.get(note, ()), key=lambda node: (graph.degree[node], node))
        following = followers.get(note, [])
        found.append(
            RelatedNote(
                note,
                scores[note],
                why=_explain(common, following, links_back=note in sources),
                shared=tuple(common),
                similar=tuple(following[:_MAX_SIMILAR]),
                linked=note in known,
            )
        )
    return found


def build_neighbourhood(index: Index, path: str) -> "Neighbourhood":
    """Build the undirected graph of a file's neighbours with all neighbours of these.

    Nodes are vault paths and, for the unresolved topics of the file, `topic_node`. The degree of a
    neighbour is the number of its neighbours in the whole vault. Links from a file to itself are
    left out.
    """
    import networkx as nx  # noqa: PLC0415 - 0.1 s that only graph questions pay

    graph: Neighbourhood = nx.Graph()
    graph.add_node(path)
    topics = _list_topics(index, path)
    nodes = {key: topic_node(topic_name(target)) for key, target in topics.items()}
    for node in sorted(_list_files(index, path) - {path}):
        others = _list_files(index, node)
        others.update(nodes.get(key, topic_node(key)) for key in _list_topics(index, node))
        graph.add_edges_from((node, other) for other in others if other != node)
    for key, target in topics.items():
        for source in index.notes_mentioning(target_spellings(target)):
            if key in _list_topics(index, source):
                graph.add_edge(nodes[key], source)
    return graph


def find_shared_neighbours(graph: "Neighbourhood", path: str) -> Mapping[str, set[str]]:
    """Return the shared neighbours of a node and each node that has any."""
    import networkx as nx  # noqa: PLC0415

    near = {other for node in graph.adj[path] for other in graph.adj[node]} - {path}
    return {node: set(nx.common_neighbors(graph, path, node)) for node in near}


def _list_files(index: Index, path: str) -> set[str]:
    targets = {target for target in index.targets.get(path, ()) if target is not None}
    return targets.union(index.sources_of(path))


def _list_topics(index: Index, path: str) -> Mapping[str, str]:
    """Return the unresolved topics of a file: normalized name to one of its targets."""
    topics: dict[str, str] = {}
    if path in index.notes:
        for link, resolved in index.resolved_links(path):
            if names_topic(link, resolved):
                topics.setdefault(normalize_name(topic_name(link.target)), link.target)
    return topics


def _group_by_target(index: Index, sources: Iterable[str]) -> Mapping[str, list[str]]:
    """Return the notes that others link to, each with those that do, in their order."""
    groups: dict[str, list[str]] = {}
    for source in sources:
        for target in dict.fromkeys(index.targets[source]):
            if target is not None and target != source and is_note(target):
                groups.setdefault(target, []).append(source)
    return groups


def _explain(shared: Iterable[str], similar: Iterable[str], *, links_back: bool) -> str:
    parts = ["links to this note"] if links_back else []
    if names := [_name(node) for node in shared]:
        parts.append(f"shared neighbours: {_join_names(names)}")
    if names := [_name(node) for node in similar]:
        parts.append(f"similar notes link to it: {_join_names(names)}")
    return "; ".join(parts)


def _name(node: str) -> str:
    return f"{node[1:]} (dangling)" if is_topic_node(node) else link_name(node)


def _join_names(names: list[str]) -> str:
    """Return the first names, and the number of the others."""
    if len(names) > _MAX_NAMES:
        return list_first(names, _MAX_NAMES)
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
