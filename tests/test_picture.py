"""Pictures of the graph: where nodes are placed, the SVG and the text for a page, and parts of a graph."""

import base64
import gzip
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import cast

import networkx as nx
import pytest

from builder import build_state
from growth import count_calls
from running import RunCommand, create_vault, print_in_processes
from tables import each
from vaultlink.dashboard.page import encode_picture
from vaultlink.graph.build import build_graph, number_nodes, select_around
from vaultlink.graph.export import export_graph
from vaultlink.graph.layout import (
    draw_picture,
    fill_disc,
    find_communities,
    pack_discs,
)
from vaultlink.graph.picture import PALETTE, SIZE, GraphPicture, PictureNode, render_svg

ROOT = Path(__file__).parents[1]
GRAPH_CSS = (ROOT / "src/vaultlink/dashboard/assets/graph.css").read_text(encoding="utf-8")
SVG = "{http://www.w3.org/2000/svg}"

HARBOUR = {
    "Home.md": "[[Quay]] [[Pier]] [[Crane]] [[Ferry]] [[Nowhere]]\n",
    "a/Quay.md": "[[Home]] [[Pier]] ![[map.png]]\n",
    "a/Pier.md": "[[Home]] [[Quay]]\n",
    "a/Crane.md": "[[Home]] [[Nowhere]]\n",
    "b/Ferry.md": "[[Home]] [[Home]] [[Ferry]]\n",
    "Tide.md": "[[Moon]]\n",
    "Moon.md": "",
    "Alone.md": "[site](https://example.org)\n",
    "Dreamer.md": "[[Castle in the air]]\n",
    "map.png": "",
}
HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "</title></svg><svg onload=alert(1)>",
    "\"' onload=alert(1) x='",
    "javascript:alert(1)",
    "\u202egnp.exe\u2066",
    "half \udcff",
    "zero\x0bwidth\u200b",
    "]]><![CDATA[",
    "x" * 100_000,
)


def make_graph(texts: dict[str, str]) -> "nx.MultiDiGraph[str]":
    """Return the graph of a vault with these texts."""
    return build_graph(build_state(texts).index)


def make_clusters(clusters: int, notes: int) -> "nx.MultiDiGraph[str]":
    """Return groups of notes: each links the next ones of its group, the first the next group's."""
    return make_graph(
        {
            f"{group}/n{group}-{note}.md": " ".join(
                [f"[[n{group}-{(note + step) % notes}]]" for step in (1, 2, 3)]
                + ([f"[[n{(group + 1) % clusters}-0]]"] if note == 0 else [])
            )
            for group in range(clusters)
            for note in range(notes)
        }
    )


def node_of(picture: GraphPicture, name: str) -> PictureNode:
    """Return the only node of a name."""
    (node,) = [node for node in picture.nodes if node.name == name]
    return node


def draw(nx_graph: "nx.MultiDiGraph[str]", titles: dict[str, str]) -> GraphPicture:
    """Return the picture of a graph."""
    return draw_picture(number_nodes(nx_graph), titles)


PICTURE = draw(make_graph(HARBOUR), {"Home.md": "The harbour"})
CLUSTERS = draw(make_clusters(6, 12), {})
LARGE = draw(make_clusters(12, 60), {})


# -- what a picture contains --------------------------------------------------------------------------------------


def test_every_node_of_the_graph_is_in_the_picture() -> None:
    assert {(node.name, node.label, node.kind) for node in PICTURE.nodes} == {
        ("Home.md", "The harbour", "note"),
        ("a/Quay.md", "Quay", "note"),
        ("a/Pier.md", "Pier", "note"),
        ("a/Crane.md", "Crane", "note"),
        ("b/Ferry.md", "Ferry", "note"),
        ("Tide.md", "Tide", "note"),
        ("Moon.md", "Moon", "note"),
        ("Alone.md", "Alone", "note"),
        ("Dreamer.md", "Dreamer", "note"),
        ("map.png", "map.png", "attachment"),
        ("Nowhere", "Nowhere", "dangling"),
        ("Castle in the air", "Castle in the air", "dangling"),
    }


def test_links_are_counted_as_in_the_graph_and_drawn_once() -> None:
    home, ferry = node_of(PICTURE, "Home.md"), node_of(PICTURE, "b/Ferry.md")
    assert (home.incoming, home.outgoing) == (5, 5)
    assert (ferry.incoming, ferry.outgoing) == (2, 3)  # with the link to itself
    names = [(PICTURE.nodes[a].name, PICTURE.nodes[b].name) for a, b in PICTURE.edges]
    assert names.count(("b/Ferry.md", "Home.md")) == 1
    assert ("b/Ferry.md", "b/Ferry.md") not in names
    assert list(PICTURE.edges) == sorted(set(PICTURE.edges))


def test_nodes_with_most_links_are_last_and_largest() -> None:
    assert PICTURE.nodes[-1].name == "Home.md"
    assert [node.radius for node in PICTURE.nodes] == sorted(node.radius for node in PICTURE.nodes)


def test_notes_without_links_to_files_are_orphans() -> None:
    orphans = {node.name for node in PICTURE.nodes if node.community == -1 and node.kind == "note"}
    assert orphans == {"Alone.md", "Dreamer.md"}


def test_a_group_is_named_by_its_note_with_most_links() -> None:
    home = node_of(PICTURE, "Home.md")
    assert home.community == 0
    assert PICTURE.communities[0] == "The harbour"
    assert node_of(PICTURE, "Tide.md").community == node_of(PICTURE, "Moon.md").community != 0


def test_clusters_of_links_are_groups() -> None:
    by_folder = {(node.name.split("/")[0], node.community) for node in CLUSTERS.nodes}
    assert len(by_folder) == len(CLUSTERS.communities) == 6


def test_folders_are_those_of_files_most_notes_first() -> None:
    assert PICTURE.folders == ("", "a", "b")
    assert PICTURE.folders[node_of(PICTURE, "a/Pier.md").folder] == "a"


@each("picture", [PICTURE, CLUSTERS, LARGE], ids=["few", "clusters", "large"])
def test_numbers_are_integers_in_range(picture: GraphPicture) -> None:
    for node in picture.nodes:
        assert {type(value) for value in node[3:]} == {int}
        assert 0 <= node.x <= SIZE
        assert 0 <= node.y <= SIZE
        assert 1 <= node.radius <= SIZE
        assert -1 <= node.community < len(picture.communities)
        assert 0 <= node.folder < max(1, len(picture.folders))
    assert max(node.x for node in picture.nodes) - min(node.x for node in picture.nodes) > SIZE / 3


@each("picture", [PICTURE, CLUSTERS], ids=["few", "clusters"])
def test_no_two_nodes_of_a_small_vault_overlap(picture: GraphPicture) -> None:
    for one, other in combinations(picture.nodes, 2):
        distance = abs(complex(one.x - other.x, one.y - other.y))
        assert distance >= (one.radius + other.radius) * 0.98, (one.name, other.name)


def test_linked_notes_are_nearer_than_others() -> None:
    def distance(one: PictureNode, other: PictureNode) -> float:
        return abs(complex(one.x - other.x, one.y - other.y))

    linked = [distance(LARGE.nodes[a], LARGE.nodes[b]) for a, b in LARGE.edges]
    others = [distance(*pair) for pair in combinations(LARGE.nodes[::7], 2)]
    assert sum(linked) / len(linked) < 0.4 * sum(others) / len(others)


@each(
    "texts",
    [
        {},
        {"a.md": ""},
        {"a.md": "", "b.md": ""},
        {"a.md": "[[a]]"},
        {"a.md": "[[b]]", "b.md": ""},
        {f"{number}.md": "" for number in range(40)},
    ],
    ids=["none", "one", "two apart", "itself", "a pair", "only orphans"],
)
def test_any_vault_has_a_picture(texts: dict[str, str]) -> None:
    picture = draw(make_graph(texts), {})
    assert {node.name for node in picture.nodes} == set(texts)
    assert len({(node.x, node.y) for node in picture.nodes}) == len(texts)
    ET.fromstring(render_svg(picture, 800))
    assert encode_picture(picture)


def test_orphans_surround_the_others() -> None:
    texts = {**HARBOUR, **{f"orphan {number}.md": "" for number in range(60)}}
    picture = draw(make_graph(texts), {})
    left = min(node.x for node in picture.nodes if node.community >= 0)
    right = max(node.x for node in picture.nodes if node.community >= 0)
    orphans = [node.x for node in picture.nodes if node.name.startswith("orphan")]
    assert min(orphans) < left
    assert max(orphans) > right


def test_a_chain_of_notes_takes_no_longer_than_other_vaults() -> None:
    chain: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for day in range(1997):
        chain.add_edge(f"{day:04}.md", f"{day + 1:04}.md")
    found: list[Sequence[object]] = []
    calls = count_calls(lambda: found.append(find_communities(number_nodes(chain))))
    assert 20 < len(found[0]) < 80
    assert calls < 1_000_000  # with rounding errors, it takes many times as many


def test_the_order_of_nodes_and_links_has_no_influence() -> None:
    graph = make_clusters(4, 10)
    turned: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    turned.add_nodes_from(reversed(list(graph.nodes(data=True))))
    turned.add_edges_from(reversed(list(graph.edges(data=True))))
    assert draw(turned, {}) == draw(graph, {})


@pytest.mark.thorough
def test_pictures_are_the_same_in_every_process() -> None:
    code = (
        "from test_picture import CLUSTERS, LARGE, PICTURE, encode_picture, render_svg\n"
        "print([(encode_picture(each), render_svg(each, 900)) for each in (CLUSTERS, LARGE, PICTURE)])"
    )
    assert len(print_in_processes(code)) == 1


# -- discs --------------------------------------------------------------------------------------------------------

RADII = [9.0, 7.0, 7.0, 5.0, 4.0, 3.0, 2.0, 2.0, 1.0, 1.0, 1.0]
CHAIN = [{(number + 1) % len(RADII): 1.0} for number in range(len(RADII))]


def overlap(places: list[complex], radii: list[float]) -> float:
    """Return the largest overlap of two discs."""
    return max(
        radii[a] + radii[b] - abs(places[a] - places[b])
        for a, b in combinations(range(len(radii)), 2)
    )


@each("links", [CHAIN, [{} for _ in RADII]], ids=["chain", "none"])
def test_packed_discs_do_not_overlap(links: list[dict[int, float]]) -> None:
    assert overlap(pack_discs(RADII, links), RADII) < 0.1


def test_the_largest_disc_is_in_the_middle() -> None:
    places = pack_discs(RADII, [{} for _ in RADII])
    assert abs(places[0]) < RADII[0]
    assert min(abs(place) for place in places[3:]) > RADII[0] / 2


def test_linked_discs_are_nearer() -> None:
    radii = [8.0, *[5.0] * 7, 2.0]
    links: list[dict[int, float]] = [{} for _ in radii]
    apart = pack_discs(radii, links)
    links[8] = {1: 1.0}
    places = pack_discs(radii, links)
    assert abs(places[8] - places[1]) < abs(apart[8] - apart[1]) - 1


def test_seeds_of_a_disc_keep_apart() -> None:
    radii = [1.0] * 200
    assert overlap(fill_disc(radii), radii) < 0.6
    assert min(abs(place) for place in fill_disc(radii, inside=10.0)) >= 10.0


# -- the text for a page ------------------------------------------------------------------------------------------


def decode(text: str) -> dict[str, list[object]]:
    """Return the columns that a page reads."""
    data = gzip.decompress(base64.b64decode(text))
    columns: dict[str, list[object]] = json.loads(data)
    return columns


def test_encoded_picture_has_all_nodes_and_edges() -> None:
    data = decode(encode_picture(PICTURE))
    count = len(PICTURE.nodes)
    for column in ("names", "kinds", "x", "y", "radius", "incoming", "outgoing", "community"):
        assert len(data[column]) == count, column
    assert len(data["edges"]) == 2 * len(PICTURE.edges)
    assert data["communities"] == list(PICTURE.communities)
    assert [label for _, label in cast("list[tuple[int, str]]", data["labels"])] == ["The harbour"]


def test_names_are_stored_without_what_the_page_can_add() -> None:
    texts = {"a/plain.md": "", "b.MD": "", "c.md.md": "[[photo.md.png]]", "photo.md.png": ""}
    data = decode(encode_picture(draw(make_graph(texts), {})))
    assert sorted(map(str, data["names"])) == ["b.MD", "c.md.md", "photo.md.png", "plain"]


def test_long_names_are_cut() -> None:
    data = decode(encode_picture(draw(make_graph({"a.md": f"[[{'y' * 5000}]]"}), {})))
    assert max(len(str(name)) for name in data["names"]) == 241


def test_encoded_text_cannot_leave_its_element() -> None:
    texts = {"a.md": " ".join(f"[[{name}]]" for name in HOSTILE)}
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", encode_picture(draw(make_graph(texts), {})))


# -- SVG ----------------------------------------------------------------------------------------------------------


def test_file_has_a_circle_with_a_title_for_each_node() -> None:
    root = ET.fromstring(render_svg(PICTURE, 900, standalone=True))
    titles = [title.text for title in root.iter(f"{SVG}title")]
    assert len(titles) == len(PICTURE.nodes)
    assert "The harbour: 5 links in, 5 out" in titles
    assert root.get("aria-label") == (
        "Graph of 10 files and 2 topics without a note, with 10 connections."
    )


def test_still_picture_of_a_page_has_no_colours_of_its_own() -> None:
    text = render_svg(LARGE, 900)
    root = ET.fromstring(text)
    assert list(root.iter(f"{SVG}style")) == []
    assert "style=" not in text
    assert set(re.findall(r'class="graph-(\w+)"', text)) - {"still"} <= {
        *PALETTE,
        *(f"c{name}" for name in PALETTE),
    }


def test_still_picture_says_how_many_links_it_leaves_out() -> None:
    nodes = LARGE.nodes
    edges = tuple((a, b) for a in range(len(nodes)) for b in range(a + 1, min(a + 30, len(nodes))))
    text = render_svg(LARGE._replace(edges=edges), 900)
    label = ET.fromstring(text).get("aria-label")
    assert label is not None
    assert re.search(
        r"with 2\d,\d{3} connections\. [67],\d{3} of the connections are drawn\.", label
    )


def test_colours_are_those_of_the_page() -> None:
    for theme, block in enumerate(re.findall(r":root \{(.*?)\}", GRAPH_CSS, re.DOTALL)):
        colors = dict(re.findall(r"--graph-(\w+): (#\w+);", block))
        assert {name: pair[theme] for name, pair in PALETTE.items()}.items() <= colors.items()


@each("standalone", [True, False], ids=["file", "page"])
def test_hostile_names_are_inert_text(standalone: bool) -> None:
    texts = {"a.md": " ".join(f"[[{name}]]" for name in HOSTILE), "b.md": "[[a]]"}
    graph = make_graph(texts)
    svg = render_svg(
        draw(graph, {"a.md": HOSTILE[0], "b.md": HOSTILE[1]}), 900, standalone=standalone
    )
    root = ET.fromstring(svg.encode())
    assert {item.tag.removeprefix(SVG) for item in root.iter()} <= {
        "svg", "style", "rect", "g", "path", "circle", "title", "text",
    }  # fmt: skip
    assert not [name for item in root.iter() for name in item.attrib if name.startswith("on")]
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b]", svg)
    assert len(svg) < 20_000


def test_export_draws_titles() -> None:
    text = export_graph(make_graph(HARBOUR), "svg", {"Home.md": "The harbour"})
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<svg ')
    assert ">The harbour</text>" in text
    assert ">Home</text>" in export_graph(make_graph(HARBOUR), "svg")


def test_the_picture_in_the_documentation_is_that_of_the_sample_vault(run: RunCommand) -> None:
    done = run("graph", ROOT / "fixtures" / "podcast-wiki", "--format", "svg")
    assert (ROOT / "docs" / "graph.svg").read_text(encoding="utf-8") == done.out


# -- a part of the graph ------------------------------------------------------------------------------------------

ROAD = make_graph(
    {
        "One.md": "[[Two]]",
        "Two.md": "[[Three]] [[Three]] [[Gap]]",
        "Three.md": "[[Four]]",
        "Four.md": "[[Two]]",
        "Away.md": "",
    }
)


@each(
    ("node", "depth", "names"),
    [
        ("One.md", 0, {"One.md"}),
        ("One.md", 1, {"One.md", "Two.md"}),
        ("Two.md", 1, {"One.md", "Two.md", "Three.md", "Four.md", "/Gap"}),
        ("One.md", 2, {"One.md", "Two.md", "Three.md", "Four.md", "/Gap"}),
        ("Away.md", 9, {"Away.md"}),
    ],
)
def test_links_lead_both_ways_from_the_focus(node: str, depth: int, names: set[str]) -> None:
    assert set(select_around(ROAD, node, depth)) == names


def test_part_keeps_all_links_among_its_nodes_in_order() -> None:
    part = select_around(ROAD, "Three.md", 1)
    assert list(part) == [name for name in ROAD if name in part]
    assert list(part.edges(data="line")) == [
        ("Four.md", "Two.md", 1),
        ("Three.md", "Four.md", 1),
        ("Two.md", "Three.md", 1),
        ("Two.md", "Three.md", 1),
    ]
    assert part.nodes["Two.md"] == {"kind": "note", "label": "Two"}


def test_dot_draws_one_line_for_each_pair() -> None:
    lines = [line for line in export_graph(ROAD, "dot").splitlines() if " -> " in line]
    assert len(lines) == ROAD.number_of_edges()
    assert sum("style=invis" in line for line in lines) == 1


ROAD_TEXTS = {"One.md": "[[Two]]", "Two.md": "[[Three]]", "Three.md": "", "unlinked.png": ""}


@each(
    ("words", "names"),
    [
        (("--focus", "One"), {"One.md", "Two.md"}),
        (("--focus", "One.md", "--depth", "2"), {"One.md", "Two.md", "Three.md"}),
        ((), {"One.md", "Two.md", "Three.md"}),
    ],
)
def test_command_exports_what_is_near_a_note(
    run: RunCommand, tmp_path: Path, words: tuple[str, ...], names: set[str]
) -> None:
    vault = create_vault(tmp_path / "vault", ROAD_TEXTS)
    data = run("graph", vault, "--json", *words).data
    assert isinstance(data, dict)
    assert {node["id"] for node in data["nodes"]} == names


@each(
    ("words", "message"),
    [
        (("--focus", "One"), "--focus requires a format that exports the graph: json, "),
        (("--depth", "1", "--json"), "--depth requires --focus"),
        (("--focus", "One", "--depth", "0", "--json"), "--depth: must be a whole number above 0"),
        (("--focus", "Onw", "--json"), "there is no note “Onw”"),
        (("--focus", "unlinked.png", "--json"), "unlinked.png is not in the graph"),
    ],
)
def test_focus_without_meaning_is_a_usage_error(
    run: RunCommand, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    vault = create_vault(tmp_path / "vault", ROAD_TEXTS)
    done = run("graph", vault, *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
