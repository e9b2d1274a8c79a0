"""Find the notes that are related to a note, by links and words.

The score is that of the links plus that of the words, and more if the text of one note has the name
of the other. Three things count of the links:

- the shared neighbours: files and unresolved topics that are linked with both notes, in either
  direction. Each counts 1 divided by the number of its neighbours, so rare ones count most
  (the index of resource allocation by Zhou, Lü and Zhang, 2009);
- the share of the similar notes that link to the other note, from 0 to 1. The similar notes are
  those with shared neighbours, each weighted by the sum above;
- a link from the other note, which counts like a shared neighbour: 1 divided by the number of the
  neighbours of that note.

Notes with very many links are indexes, logs and overviews, which are linked with everything: the
first two count less for them. If the sum is x, the score of the links is x / (1 + x), so that many
links do not outweigh all words. Only the neighbours of the note and their links are read, not the
whole vault.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from heapq import nsmallest
from itertools import islice
from math import fsum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec

from vaultlink.graph.build import is_topic_node, topic_node
from vaultlink.graph.shared_words import ReadText, WordComparison
from vaultlink.graph.twins import MIN_TWIN, compare_pieces
from vaultlink.index.file_kinds import parse_conflict_copy
from vaultlink.index.index import Index, link_name, target_spellings
from vaultlink.index.packed_map import count_items
from vaultlink.index.resolve import is_note, name_key, normalize_name
from vaultlink.index.topics import topic_name
from vaultlink.index.words import names_period
from vaultlink.links.intent import names_topic
from vaultlink.parse.pieces import Pieces, read_pieces, weigh_all
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

_MANY_LINKS, _MANY_TIMES = 10, 3
"""Number of files, and multiple of the mean, up to which the links of a note tell what it is about.

A note that links to more files is an index, a log or an overview.
"""

_SMOOTHING = 0.5
"""Likeness that is added to that of all similar notes: a share of few notes says little."""

_WORDS_WEIGHT = 3.0
"""Weight of the likeness of words, which seldom is above a third."""

_NAMING_WEIGHT = 0.2
"""Weight of each of two notes that has all words of the other's name."""

_MIN_SCORE = 0.5
"""Score below which a relation by links is mostly chance.

Such notes are listed only if words don't count, or if no others are there, at most `_MAX_WEAK`.
"""

_MAX_WEAK = 3

_MIN_WORDS_SCORE = 0.7
"""The same for words alone, which never are listed below it."""

_MIN_SHARED, _MIN_SHARED_ALONE = 2, 5
"""Words to share for a note that is related by links, and by words alone; of few words, half."""

_MAX_COMPARED = 100
"""Maximum number of notes related by links whose words are always compared."""


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
        words: The words that tell most of those that both notes have, at most five. Long words are
            compared by their start.
        twin: True for a near-duplicate: most lines and sentences are in both notes.
    """

    path: str
    score: float
    why: str
    shared: tuple[str, ...]
    similar: tuple[str, ...]
    linked: bool
    words: tuple[str, ...] = ()
    twin: bool = False


def find_related(
    index: Index,
    path: str,
    limit: int = 10,
    *,
    with_linked: bool = False,
    read: ReadText | None = None,
    is_minor: Callable[[str], bool] | None = None,
) -> list[RelatedNote]:
    """Return the notes most related to a file: twins first, then by score and path.

    Without `with_linked`, the notes to which the file links are left out. `read` returns the text
    of a note by its path; without it, words do not count. Notes for whose path `is_minor` is true
    come last; without it, those whose name is a day or another period.
    """
    evidence = _find_evidence(index, path, read)
    known = set(index.targets.get(path, ()))
    is_last = cache(is_minor or (lambda note: names_period(link_name(note))))
    scores = {
        note: score
        for note in evidence.candidates
        if note != path and (with_linked or note not in known)
        if parse_conflict_copy(note) is None
        if (score := evidence.score(note)) or note in evidence.twins
        if evidence.is_linked(note) or (evidence.is_alike(note, score) and not is_last(note))
    }
    if evidence.words:
        likely = {item for item in scores.items() if evidence.is_likely(*item, is_last)}
        scores, limit = dict(likely or scores), limit if likely else min(limit, _MAX_WEAK)

    def rank(note: str) -> tuple[float, bool, float, str]:
        return -evidence.twins.get(note, 0.0), is_last(note), -scores[note], note

    ranked = _drop_copies(index, sorted(scores, key=rank))
    return [
        evidence.explain(note, scores[note], is_linked=note in known)
        for note in islice(ranked, limit)
    ]


def _drop_copies(index: Index, paths: Iterable[str]) -> Iterator[str]:
    """Yield notes without copies: the same file name, and most of the text of another."""
    seen: dict[str, list[Pieces]] = {}
    for path in paths:
        pieces = read_pieces(index.notes[path].pieces)
        others = seen.setdefault(name_key(path), [])
        least = MIN_TWIN * weigh_all(pieces)
        if all(weigh_all(pieces & other) < least for other in others) or not pieces:
            yield path
        others.append(pieces)


class _Evidence(NamedTuple):
    """The evidence that relates notes to a file, by their paths.

    `weigh` returns the weight of a note, from 0 to 1: less for one with very many links. `likeness`
    is that by shared neighbours. `followers` are the similar notes that link to a note, most
    similar first, and `sources` the notes that link to the file. `words` is None without texts.
    """

    weigh: Callable[[str], float]
    graph: "Neighbourhood"
    shared: Mapping[str, set[str]]
    likeness: Mapping[str, float]
    followers: Mapping[str, list[str]]
    sources: frozenset[str]
    twins: Mapping[str, float]
    words: WordComparison | None = None

    def is_linked(self, note: str) -> bool:
        """Return True if links relate a note to the file, or if it is a twin."""
        return any(
            note in found for found in (self.likeness, self.followers, self.sources, self.twins)
        )

    def shares_words(self, note: str, least: int = _MIN_SHARED) -> bool:
        if not self.words or not self.words.was_compared(note):
            return True
        return self.words.count_shared(note) >= min(least, (self.words.count_own() + 1) // 2)

    def is_alike(self, note: str, score: float) -> bool:
        """Return True if words alone relate a note to the file."""
        return score >= _MIN_WORDS_SCORE and self.shares_words(note, _MIN_SHARED_ALONE)

    def is_likely(self, note: str, score: float, is_last: Callable[[str], bool]) -> bool:
        """Return True unless a relation is mostly chance."""
        if note in self.twins or (score >= _MIN_SCORE and self.shares_words(note)):
            return True
        return note in self.sources and self.weigh(note) == 1 and not is_last(note)

    @property
    def candidates(self) -> set[str]:
        words = self.words.scores if self.words else ()
        return {*self.likeness, *self.followers, *self.sources, *self.twins, *words}

    def score(self, note: str) -> float:
        weight = self.weigh(note)
        followers = fsum([self.likeness[item] for item in self.followers.get(note, ())])
        share = followers / (fsum(self.likeness.values()) + _SMOOTHING)
        back = 1 / self.graph.degree[note] if note in self.sources else 0.0
        links = self.likeness.get(note, 0.0) + weight * share + back
        words = namings = 0.0
        if self.words:
            words = weight * self.words.scores.get(note, 0.0)
            namings = self.words.count_namings(note)
        score = links / (1 + links) + _WORDS_WEIGHT * words + _NAMING_WEIGHT * namings
        return round(score, _DIGITS)

    def explain(self, note: str, score: float, *, is_linked: bool) -> RelatedNote:
        common = sorted(self.shared.get(note, ()), key=lambda node: (self.graph.degree[node], node))
        following = self.followers.get(note, [])
        words = self.words.name_words(note) if self.words else ()
        twin = self.twins.get(note, 0.0)
        namings = self.words.count_namings(note) if self.words else 0
        links_back = note in self.sources
        return RelatedNote(
            note,
            score,
            why=_explain(common, following, words, twin, namings, links_back=links_back),
            shared=tuple(common),
            similar=tuple(following[:_MAX_SIMILAR]),
            linked=is_linked,
            words=words,
            twin=bool(twin),
        )


def _find_evidence(index: Index, path: str, read: ReadText | None) -> _Evidence:
    graph = build_neighbourhood(index, path)
    weigh = _make_weigher(index)
    shared = find_shared_neighbours(graph, path)
    likeness = {
        note: fsum([1 / graph.degree[node] for node in nodes])  # the same sum in any order
        * weigh(note)
        for note, nodes in shared.items()
        if note in index.notes and is_note(note)
    }
    similar = sorted(likeness, key=lambda note: (-likeness[note], note))
    pieces = compare_pieces(index, path)
    evidence = _Evidence(
        weigh,
        graph,
        shared,
        likeness,
        _group_by_target(index, similar),
        frozenset(filter(is_note, index.sources_of(path))) - {path},
        pieces.twins,
    )
    if read is None or path not in index.notes or not is_note(path):
        return evidence
    wanted = nsmallest(
        _MAX_COMPARED, evidence.candidates, key=lambda note: (-evidence.score(note), note)
    )
    return evidence._replace(words=WordComparison(index, path, read, wanted, pieces.common))


def _make_weigher(index: Index) -> Callable[[str], float]:
    """Return a function for the weight of a note: less for very many links."""
    total = count_items(index.targets, index.targets)
    most = max(_MANY_LINKS, _MANY_TIMES * total / len(index.targets))

    @cache
    def weigh(path: str) -> float:
        targets = set(index.targets[path]) - {path, None}
        return min(1.0, most / max(len(targets), 1))

    return weigh


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


def _explain(
    shared: Iterable[str],
    similar: Iterable[str],
    words: Sequence[str],
    twin: float,
    namings: int,
    *,
    links_back: bool,
) -> str:
    parts = [f"twin: {twin:.0%} the same text"] if twin else []
    if links_back:
        parts.append("links to this note")
    if names := [_name(node) for node in shared]:
        parts.append(f"shared neighbours: {_join_names(names)}")
    if names := [_name(node) for node in similar]:
        parts.append(f"similar notes link to it: {_join_names(names)}")
    if words:
        parts.append(f"words: {', '.join(words)}")
    if namings:
        parts.append("each names the other" if namings > 1 else "one names the other")
    return "; ".join(parts)


def _name(node: str) -> str:
    return f"{node[1:]} (dangling)" if is_topic_node(node) else link_name(node)


def _join_names(names: list[str]) -> str:
    """Return the first names, and the number of the others."""
    if len(names) > _MAX_NAMES:
        return list_first(names, _MAX_NAMES)
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
