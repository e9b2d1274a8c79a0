"""The vault as a graph: its nodes and edges, its figures, that it can be kept alive, and that other programs can read what
is exported."""

import io
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as some

from builder import Event, apply_events, build_state, event_scripts, make_settings
from running import RunCommand, create_vault, print_in_processes
from tables import each
from vaultlink.api import open_vault
from vaultlink.cli.commands.report import draw_vault
from vaultlink.engine.step import Change, Presence, State, step
from vaultlink.graph.build import (
    GraphSummary,
    LiveGraph,
    build_graph,
    summarize_graph,
    topic_node,
)
from vaultlink.graph.export import GRAPH_FORMATS, export_graph
from vaultlink.index.topics import topic_name

VAULT = {
    "Home.md": "[[Quay|the quay]] and [[quay#Ropes]], ![[map.png]]\n\n[[Nowhere.md]] [[nowhere]] [[Nowhere]]\n",
    "a/Quay.md": '---\nup: "[[Home]]"\n---\n# Ropes\n\n[site](https://example.org) [self](#Ropes)\n',
    "Island.md": "",
    "map.png": "",
    "unused.png": "",
    "Board.canvas": '{"nodes": [{"id": "1", "type": "file", "file": "Home.md", "x": 0, "y": 0}]}',
}
SAMPLE = build_graph(build_state(VAULT).index)
STRANGE = build_graph(
    build_state(
        {"a & <b>.md": '[["x" \x0c|y\tz]] [[a & <b>]]', "back\\slash.md": "[[é]] [[a\x01b]]"}
    ).index
)


def test_nodes_are_notes_topics_and_linked_files() -> None:
    assert {name: data["kind"] for name, data in SAMPLE.nodes(data=True)} == {
        "Home.md": "note",
        "a/Quay.md": "note",
        "Island.md": "note",
        "map.png": "attachment",
        "Board.canvas": "canvas",
        "/Nowhere": "dangling",
        "/nowhere": "dangling",
    }
    assert {name: data["label"] for name, data in SAMPLE.nodes(data=True)} == {
        "Home.md": "Home",
        "a/Quay.md": "Quay",
        "Island.md": "Island",
        "map.png": "map.png",
        "Board.canvas": "Board.canvas",
        "/Nowhere": "Nowhere",
        "/nowhere": "nowhere",
    }


def test_every_internal_link_is_an_edge() -> None:
    edges = [
        (source, goal, data["line"], data["place"], data["embed"])
        for source, goal, data in SAMPLE.edges(data=True)
    ]
    assert sorted(edges) == [
        ("Board.canvas", "Home.md", 1, "canvas", False),
        ("Home.md", "/Nowhere", 3, "body", False),
        ("Home.md", "/Nowhere", 3, "body", False),
        ("Home.md", "/nowhere", 3, "body", False),
        ("Home.md", "a/Quay.md", 1, "body", False),
        ("Home.md", "a/Quay.md", 1, "body", False),
        ("Home.md", "map.png", 1, "body", True),
        ("a/Quay.md", "Home.md", 2, "property", False),
        ("a/Quay.md", "a/Quay.md", 6, "body", False),
    ]


def test_edge_attributes_describe_the_link() -> None:
    one, other = SAMPLE["Home.md"]["a/Quay.md"].values()
    assert one == {
        "line": 1,
        "kind": "wikilink",
        "place": "body",
        "embed": False,
        "subpath": "",
        "display": "the quay",
    }
    assert other == {
        "line": 1,
        "kind": "wikilink",
        "place": "body",
        "embed": False,
        "subpath": "#Ropes",
    }


@each(
    ("target", "name"),
    [
        ("Plan", "Plan"),
        ("Plan.md", "Plan"),
        ("a/Plan.MD", "a/Plan"),
        ("Plan.png", "Plan.png"),
        ("a\u00a0b", "a b"),
    ],
)
def test_topic_is_a_target_without_its_extension(target: str, name: str) -> None:
    assert topic_name(target) == name


def test_topic_nodes_cannot_collide_with_files() -> None:
    made = build_graph(
        build_state({"Home.md": "[[plan]]\n", "plan": "", "#plan": "", "?plan": ""}).index
    )
    assert topic_node("plan") in made
    assert made.nodes[topic_node("plan")]["kind"] == "dangling"


def test_figures() -> None:
    assert summarize_graph(SAMPLE) == GraphSummary(
        nodes={"note": 3, "attachment": 1, "canvas": 1, "dangling": 2},
        self_links=1,
        components=(4, 1),
        hubs=(("a/Quay.md", 3), ("Home.md", 2), ("map.png", 1)),
    )
    assert summarize_graph(SAMPLE, hubs=1).hubs == (("a/Quay.md", 3),)


# -- kept alive ---------------------------------------------------------------------------------------------------

PATHS = (
    "a.md",
    "b.md",
    "x/a.md",
    "x/A b.md",
    "gone.md",
    "p.png",
    "x/p.png",
    "plan",
    "board.canvas",
    "x/list.base",
)
LINES = (
    "[[a]]",
    "[[a|shown]]",
    "[[a#One]]",
    "[[b]] [[b]]",
    "[[x/a]]",
    "[[A b]]",
    "[[Nick]]",
    "[[gone]] [[gone.md]]",
    "[[missing]]",
    "[[Missing.md|no]]",
    "[[plan]]",
    "![[p.png]]",
    "[[board.canvas]]",
    "[[list.base]]",
    "[t](b.md)",
    "[t](a.md) ![t](p.png)",
    "[site](https://example.org)",
    "[[#One]]",
    "# One",
    "[[/x/a]]",
    "[[../b]]",
    "",
)
CANVAS = '{"nodes": [{"id": "1", "type": "file", "file": "a.md"}, {"id": "2", "type": "text", "text": "[[b]] [[gone]]"}]}'
TEXTS = some.just(CANVAS) | some.builds(
    lambda head, lines: head + "\n".join(lines),
    some.sampled_from(["", "---\naliases: [Nick]\n---\n", '---\nup: "[[a]]"\n---\n']),
    some.lists(some.sampled_from(LINES), max_size=6),
)
PLAIN = make_settings(["dangling-link"])


def assert_live(live: LiveGraph, state: State) -> None:
    """Assert that the graph equals a rebuild: nodes, edges, keys and attributes."""
    made = build_graph(state.index)
    assert sorted(live.nx_graph.nodes(data=True)) == sorted(made.nodes(data=True))
    assert {
        (source, goal, key): data
        for source, goal, key, data in live.nx_graph.edges(keys=True, data=True)
    } == {(source, goal, key): data for source, goal, key, data in made.edges(keys=True, data=True)}


@given(event_scripts(PATHS, TEXTS))
def test_live_graph_equals_a_rebuild_after_random_changes(script: list[list[Event]]) -> None:
    vault: dict[str, str] = {}
    state = State(PLAIN)
    live, late = LiveGraph(state.index), LiveGraph(state.index)
    made = live.nx_graph
    for batch in script:
        state = step(state, apply_events(vault, batch))
        live.update_index(state.index)
        assert_live(live, state)
    assert live.nx_graph is made
    late.update_index(state.index)
    assert_live(late, state)


@each(
    ("path", "content"),
    [
        ("Home.md", "[[quay|the quay]] [[Nowhere]]\n"),  # another line, another link
        ("Home.md", "\n" + VAULT["Home.md"]),  # the same links a line further down
        ("Home.md", VAULT["Home.md"].replace("the quay", "a quay")),
        ("Home.md", ""),
        ("Island.md", Presence.GONE),
        ("a/Quay.md", Presence.GONE),  # what others link to gives way to topics
        ("map.png", Presence.GONE),
        ("a/Quay.md", Presence.ATTACHMENT),  # there, but no longer read
        ("Nowhere.md", ""),  # a topic gives way to a note
        ("b/Quay.md", ""),
        ("Board.canvas", '{"nodes": []}'),
        ("Board.canvas", Presence.GONE),
        ("unused.png", Presence.GONE),
    ],
)
def test_live_graph_after_a_change_and_its_reversal(path: str, content: str | Presence) -> None:
    before = build_state(VAULT, PLAIN)
    live = LiveGraph(before.index)
    after = step(before, [Change(path, content)])
    live.update_index(after.index)
    assert_live(live, after)
    live.update_index(before.index)
    assert_live(live, before)


def test_live_graph_updates_only_what_changed() -> None:
    before = build_state(VAULT, PLAIN)
    live = LiveGraph(before.index)
    kept = {
        (source, goal, key): id(data)
        for source, goal, key, data in live.nx_graph.edges(keys=True, data=True)
    }
    live.update_index(step(before, [Change("Island.md", "[[Home]]\n")]).index)
    now = {
        (source, goal, key): id(data)
        for source, goal, key, data in live.nx_graph.edges(keys=True, data=True)
    }
    assert now == {**kept, ("Island.md", "Home.md", 0): now["Island.md", "Home.md", 0]}


# -- exported -----------------------------------------------------------------------------------------------------


@each("made", [SAMPLE, STRANGE], ids=["sample", "strange"])
def test_node_link_json_equals_that_of_networkx(made: "nx.MultiDiGraph[str]") -> None:
    again = nx.node_link_graph(json.loads(export_graph(made, "json")), edges="edges")
    assert nx.utils.graphs_equal(again, made)


def read_xml(text: str, form: str) -> Any:
    """Read an export with networkx, without the ids of edges."""
    data = io.BytesIO(text.encode())
    made = nx.read_graphml(data, force_multigraph=True) if form == "graphml" else nx.read_gexf(data)
    for _, _, values in made.edges(data=True):
        values.pop("id", None)
    return made


def list_parts(made: "nx.MultiDiGraph[str]", *replaced: str) -> list[Any]:
    """List nodes and edges with their attributes. Each of `replaced` stands as a replacement character."""
    table = str.maketrans(dict.fromkeys(replaced, "\ufffd"))

    def convert(values: dict[str, Any]) -> dict[str, Any]:
        return {
            key: value.translate(table) if isinstance(value, str) else value
            for key, value in values.items()
        }

    nodes = [(name.translate(table), convert(data)) for name, data in made.nodes(data=True)]
    edges = [
        (source.translate(table), goal.translate(table), convert(data))
        for source, goal, data in made.edges(data=True)
    ]
    return [nodes, edges]


def build_with_names(*names: str) -> "nx.MultiDiGraph[str]":
    """Build a graph whose nodes and links have these names and texts."""
    made: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    made.add_node("/x", kind="dangling", label="x")
    for name in names:
        made.add_node(f"{name}.md", kind="note", label=name)
    for number, name in enumerate(names):
        values = {"line": number, "kind": "wikilink", "place": "body", "embed": number % 2 == 0}
        made.add_edge("/x", f"{name}.md", **values, subpath=f"#{name}", display=name)
        made.add_edge("/x", f"{name}.md", **values, subpath="")
    return made


HOSTILE = build_with_names(
    *(
        "<b> & \"c\" 'd'",
        "]]>",
        "<!-- x -->",
        "&amp;",
        "a\rb\nc\td\r\n",
        " x ",
        "##[x]##",
        "é\u0301",
        "😀",
    ),
    *("\u200f\u202eb", "\x7f\x85\x9b2J", "\u2028", "\ufeff", "\u00a0", "?><?xml"),
)
INVALID = ("\x00", "\x01", "\x0b", "\x0c", "\x1b", "\x1f", "\ud800", "\udcff", "\ufffe", "\uffff")
XML_FORMATS = each("form", ["graphml", "gexf"])


@XML_FORMATS
@each(
    "made",
    [SAMPLE, HOSTILE, build_graph(build_state({}).index), build_with_names("lonely")],
    ids=["sample", "hostile", "empty", "one"],
)
def test_xml_is_read_by_networkx_with_every_attribute(
    made: "nx.MultiDiGraph[str]", form: str
) -> None:
    again = read_xml(export_graph(made, form), form)
    assert list_parts(again) == list_parts(made)


@XML_FORMATS
def test_xml_has_a_replacement_for_what_it_cannot_hold(form: str) -> None:
    made = build_with_names(*(f"{number} {letter}" for number, letter in enumerate(INVALID)))
    again = read_xml(export_graph(made, form), form)
    assert list_parts(again) == list_parts(made, *INVALID)
    assert "/x" in again


@XML_FORMATS
def test_xml_contains_nothing_that_a_terminal_or_a_ci_service_obeys(form: str) -> None:
    text = export_graph(HOSTILE, form)
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]|##", text
    )


@XML_FORMATS
def test_ids_of_edges_are_unique_and_there_is_no_date(form: str) -> None:
    root = ET.fromstring(export_graph(HOSTILE, form))
    edges = [node for node in root.iter() if node.tag.endswith("}edge")]
    assert len({edge.get("id") for edge in edges}) == len(edges) == HOSTILE.number_of_edges()
    assert not any("lastmodifieddate" in node.attrib for node in root.iter())


@XML_FORMATS
def test_xml_supports_any_name(form: str) -> None:
    root = ET.fromstring(export_graph(STRANGE, form))
    names = {node.get("id") for node in root.iter() if node.tag.endswith("}node")}
    assert {"a & <b>.md", "back\\slash.md", "/é", "/a\ufffdb", '/"x"'} <= names


def test_dot_quotes_names() -> None:
    lines = export_graph(STRANGE, "dot").splitlines()
    assert lines[0] == "digraph vault {"
    assert '  "back\\\\slash.md" [label="back\\\\slash", shape=box];' in lines
    assert '  "a & <b>.md" -> "/\\"x\\"" [line=1];' in lines


def test_dot_shows_unresolved_targets_in_red_and_chooses_a_fast_layout() -> None:
    lines = export_graph(STRANGE, "dot").splitlines()
    assert lines[1].startswith("  graph [layout=sfdp, ")
    nodes = [line for line in lines if "shape=" in line]
    assert {("shape=plaintext" in line) for line in nodes} == {True, False}
    assert all(("color=red" in line) == ("shape=plaintext" in line) for line in nodes)


@pytest.mark.thorough
def test_exports_are_the_same_in_every_process() -> None:
    code = (
        "from test_graph import SAMPLE; from vaultlink.graph.export import GRAPH_FORMATS, export_graph\n"
        "print([export_graph(SAMPLE, name) for name in GRAPH_FORMATS])"
    )
    assert len(print_in_processes(code)) == 1
    assert GRAPH_FORMATS == ("json", "graphml", "gexf", "dot", "svg")


TEXT_IN_BRACKETS = (
    "[[Nowhere]] and [[Elsewhere]].\n\nIf [[ -f $file ]], [[1, 2], [3, 4]] or [[*]].\n"
)


def test_report_and_its_picture_have_the_topics_that_are_listed(
    run: RunCommand, tmp_path: Path
) -> None:
    vault = create_vault(tmp_path / "v", {"a.md": TEXT_IN_BRACKETS, "b.md": "[[Nowhere]]\n"})
    listed: Any = run("topics", "--vault", vault, "--json").data
    assert {row["topic"] for row in listed["topics"]} == {"Nowhere", "Elsewhere"}
    report: Any = run("report", vault, "--output-format", "json").data
    assert report["totals"]["topics"] == len(report["topics"]) == 2
    picture = draw_vault(open_vault(vault))
    assert {node.name for node in picture.nodes} == {"a.md", "b.md", "Nowhere", "Elsewhere"}
