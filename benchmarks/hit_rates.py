"""Measure how often `vaultlink related` finds a link that was hidden, compared with other scores.

    python benchmarks/hit_rates.py [--seed 18] VAULT...

VAULT is a folder or an archive without a top folder. One in ten pairs of a note and a note that it
links to is hidden: all links from the first to the second are removed from the index. A score hits
if the second is among its first ten notes for the first one; notes that are still linked are left
out. The second column counts only pairs whose second note does not link back.
"""

import argparse
import math
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice
from pathlib import Path
from random import Random

import networkx as nx
from msgspec.structs import replace

from measure import Bench
from renames import unpack
from vaultlink import Note, Settings, open_vault
from vaultlink.graph.build import build_graph
from vaultlink.graph.related import find_related
from vaultlink.graph.twins import find_repeated
from vaultlink.index.index import Index
from vaultlink.index.packed_map import PackedMap
from vaultlink.index.resolve import is_note

Pair = tuple[str, str]
"""A note, and a note that it links to."""

CHOSEN = "vaultlink related"
FIRST = 10


@dataclass(frozen=True, slots=True)
class VaultGraphs:
    """A vault without the hidden links: its index, its graph with and without directions.

    `popular` has the number of notes that link to each note, highest first.
    """

    index: Index
    directed: "nx.DiGraph[str]"
    plain: "nx.Graph[str]"
    popular: Mapping[str, float]


Score = Callable[[VaultGraphs, str], Mapping[str, float]]
"""Returns a value for the nodes that a note may be related to; higher is more related."""

# -- scores ---------------------------------------------------------------------------------------


def rank_popular(graphs: VaultGraphs, source: str) -> Mapping[str, float]:
    """Score each note by the number of notes that link to it, whatever the source."""
    enough = FIRST + len(graphs.directed.succ[source]) + 1
    return dict(islice(graphs.popular.items(), enough))


def rank_cited_together(graphs: VaultGraphs, source: str) -> Mapping[str, float]:
    """Score by the number of notes that link to both (co-citation)."""
    both = graphs.directed
    return Counter(other for node in both.pred[source] for other in both.succ[node])


def rank_by_neighbours(weigh: Callable[[int], float], *, links_back: bool = False) -> Score:
    """Return a score: the sum of the weights of shared neighbours, and 1 for a link back.

    `weigh` returns the weight of a neighbour, given the number of its neighbours.
    """

    def rank(graphs: VaultGraphs, source: str) -> Mapping[str, float]:
        sums: dict[str, float] = defaultdict(float)
        for node in graphs.plain.adj[source]:
            weight = weigh(len(graphs.plain.adj[node]))
            for other in graphs.plain.adj[node]:
                sums[other] += weight
        if links_back:
            for node in graphs.directed.pred[source]:
                sums[node] += 1
        return sums

    return rank


def weigh_equally(_degree: int) -> float:
    """Return 1: common neighbours."""
    return 1


def weigh_by_logarithm(degree: int) -> float:
    """Return the weight of Adamic and Adar."""
    return 1 / math.log(max(degree, 2))


def weigh_by_number(degree: int) -> float:
    """Return the weight of resource allocation."""
    return 1 / degree


SCORES: Mapping[str, Score] = {
    "popularity": rank_popular,
    "co-citation": rank_cited_together,
    "common neighbours": rank_by_neighbours(weigh_equally),
    "Adamic-Adar": rank_by_neighbours(weigh_by_logarithm),
    "resource allocation": rank_by_neighbours(weigh_by_number),
    "Adamic-Adar, link back": rank_by_neighbours(weigh_by_logarithm, links_back=True),
    "resource allocation, link back": rank_by_neighbours(weigh_by_number, links_back=True),
}


def find_first(score: str, graphs: VaultGraphs, source: str) -> set[str]:
    """Return the first notes for a source by a score."""
    if score == CHOSEN:
        return {item.path for item in find_related(graphs.index, source, FIRST)}
    known = {source, *graphs.directed.succ[source]}
    candidates = (
        (-value, path)
        for path, value in SCORES[score](graphs, source).items()
        if path not in known and path in graphs.index.notes and is_note(path)
    )
    return {path for _, path in nsmallest(FIRST, candidates)}


# -- hidden links ---------------------------------------------------------------------------------


def list_pairs(index: Index) -> list[Pair]:
    """Return each note with each other note that it links to, sorted."""
    return sorted(
        (path, target)
        for path in filter(is_note, index.notes)
        for target in {*index.targets[path]} - {path, None}
        if target is not None and is_note(target)
    )


def hide_links(index: Index, hidden: set[Pair]) -> VaultGraphs:
    """Return the graphs of a vault without the links between pairs."""
    notes: dict[str, Note | None] = {}
    targets = {}
    for path in index.notes:
        rest = [item for item in index.resolved_links(path) if (path, item[1]) not in hidden]
        notes[path] = replace(index.notes[path], links=tuple(link for link, _ in rest))
        targets[path] = tuple(target for _, target in rest)
    changed = Index(PackedMap(Note, notes), index.names, targets, index.files)
    changed.derive(find_repeated)  # once, instead of for each note
    graph = build_graph(changed)
    directed: nx.DiGraph[str] = nx.DiGraph(graph)
    directed.remove_edges_from([(node, node) for node in directed])
    counts = sorted((-count, path) for path, count in directed.in_degree() if path in notes)
    popular = {path: -count for count, path in counts if is_note(path)}
    return VaultGraphs(changed, directed, nx.Graph(directed), popular)


def measure_hit_rates(index: Index, seed: int) -> Mapping[str, tuple[float, float]]:
    """Print and return the hit rate of each score: of all pairs, and of those without link back."""
    pairs = list_pairs(index)
    hidden = Random(seed).sample(pairs, len(pairs) // 10)
    graphs = hide_links(index, set(hidden))
    by_source: dict[str, list[str]] = defaultdict(list)
    for source, target in hidden:
        by_source[source].append(target)
    one_way = {
        (source, target) for source, target in hidden if source not in graphs.directed.succ[target]
    }
    print(f"  {len(hidden):,} of {len(pairs):,} links hidden; {len(one_way):,} without a link back")
    print(f"  {'hit rate at 10':<32} {'all':>6} {'no link back':>13} {'s per note':>11}")
    rates = {}
    for score in (*SCORES, CHOSEN):
        start = time.process_time()
        hits = {
            (source, target)
            for source in by_source
            for target in find_first(score, graphs, source).intersection(by_source[source])
        }
        each = (time.process_time() - start) / max(len(by_source), 1)
        rates[score] = (
            len(hits) / max(len(hidden), 1),
            len(hits & one_way) / max(len(one_way), 1),
        )
        print(
            f"  {score:<32} {rates[score][0]:6.3f} {rates[score][1]:13.3f} {each:11.4f}", flush=True
        )
    return rates


def bench_hit_rates(bench: Bench) -> None:
    """Hidden links that `related` finds, compared with other scores."""
    index = open_vault(bench.vault, Settings(cache=False)).index
    rates = measure_hit_rates(index, 18)
    for score, (rate, _) in rates.items():
        bench.figures.add(f"hit rate at 10, {score}", rate * 100, "%")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("vaults", nargs="+", type=Path, metavar="VAULT")
    parser.add_argument("--seed", type=int, default=18, help="of the random choices; default: 18")
    given = parser.parse_args()
    for source in given.vaults:
        with tempfile.TemporaryDirectory(prefix="vaultlink-related-") as folder:
            index = open_vault(unpack(source, Path(folder)), Settings(cache=False)).index
            print(f"{source.name}: {len(index.notes):,} notes and canvases")
            measure_hit_rates(index, given.seed)


if __name__ == "__main__":
    main()
