"""Related notes: the score, computed by hand in small vaults, its explanation, what does not count, and the command."""

import re
from collections.abc import Mapping
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as some

from builder import build_state
from running import RunCommand, create_vault, print_in_processes
from vaultlink.graph.build import build_graph
from vaultlink.graph.related import (
    RelatedNote,
    build_neighbourhood,
    find_related,
    find_shared_neighbours,
)
from vaultlink.index.index import Index


def make_index(vault: Mapping[str, str]) -> Index:
    """Return the index of a vault: note names to their links, or other files to their texts."""
    return build_state(
        {
            name if "." in name else f"{name}.md": text
            if "." in name
            else " ".join(f"[[{link}]]" for link in text.split())
            for name, text in vault.items()
        }
    ).index


def scores(vault: Mapping[str, str], note: str = "N.md", limit: int = 10) -> dict[str, float]:
    """Return the names of the related notes with their scores, in order."""
    found = find_related(make_index(vault), note, limit)
    return {item.path.removesuffix(".md"): item.score for item in found}


# -- the score --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vault", "expected"),
    [
        # Both link to A, which has two neighbours: 1/2.
        ({"N": "A", "B": "A", "A": ""}, {"B": 0.5}),
        # Both are linked from A: 1/2. A is no candidate, but one that links to NOTE: 1.
        # It is the most similar of no note, and B is similar, but links to nothing.
        ({"N": "", "B": "", "A": "N B"}, {"A": 1.0, "B": 0.5}),
        # N to A to B: A is a neighbour of both. B is similar and links to nothing.
        ({"N": "A", "A": "B", "B": ""}, {"B": 0.5}),
        # B to A to N: the same. B is similar, and its only link leads to A: all of the similar notes link to A.
        ({"N": "", "A": "N", "B": "A"}, {"A": 2.0, "B": 0.5}),
        # A has three neighbours, R only two: the rare one counts more.
        (
            {"N": "A R", "B": "A", "C": "R", "A": "", "R": "", "D": "A"},
            {"C": 0.5, "B": 1 / 3, "D": 1 / 3},
        ),
        # Two shared neighbours: 1/2 + 1/2.
        ({"N": "A R", "B": "A R", "A": "", "R": ""}, {"B": 1.0}),
        # B (1/2) and C (1/3) are similar. Only B links to D: 1/2 / (1/2 + 1/3 + 1/3). E has 1/3 like C.
        (
            {"N": "A R", "B": "A D", "C": "R", "E": "R", "A": "", "R": "", "D": ""},
            {"B": 0.5, "D": 0.4286, "C": 0.3333, "E": 0.3333},
        ),
        # A shared attachment and a shared canvas are neighbours.
        ({"N": "p.png", "B": "p.png", "p.png": ""}, {"B": 0.5}),
        (
            {
                "N": "",
                "B": "",
                "c.canvas": '{"nodes": [{"id": "1", "type": "file", "file": "N.md"}, {"id": "2", "type": "text", "text": "[[B]]"}]}',
            },
            {"B": 0.5},
        ),
        # A shared unresolved topic is a neighbour, in any spelling that would be one note.
        ({"N": "Plan", "B": "plan", "C": "PLAN"}, {"B": 0.3333, "C": 0.3333}),
    ],
)
def test_score(vault: Mapping[str, str], expected: Mapping[str, float]) -> None:
    found = scores(vault)
    assert list(found) == list(expected)
    assert found == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    "vault",
    [
        {"N": ""},
        {"N": "A", "A": ""},  # linked already
        {"N": "A", "A": "N"},
        {"N": "N"},  # the note itself
        {"N": "A", "A": "A"},
        {"N": "", "A": "B", "B": ""},  # not connected
        {"N": "p.png", "A": "q.png", "p.png": "", "q.png": ""},
        {"N": "Plan", "A": "Plans"},  # other topics
        {"N": "A B", "A": "B", "B": "A"},  # all linked already
        {"n.md": "", "N.md": "[site](https://example.org)", "A.md": "[site](https://example.org)"},
        {"N.md": "[[1, 2]]", "A.md": "[[1, 2]]"},  # a list, not a topic
    ],
)
def test_nothing_is_related(vault: Mapping[str, str]) -> None:
    assert scores(vault) == {}


def test_links_repeated_in_a_note_count_once() -> None:
    once = {"N": "A", "B": "A", "C": "A", "A": ""}
    assert scores(once) == scores({**once, "B": "A A A"})


def test_attachments_canvases_and_topics_are_not_listed() -> None:
    vault = {
        "N": "A",
        "A": "p.png Plan",
        "p.png": "",
        "c.canvas": '{"nodes": [{"id": "1", "type": "file", "file": "A.md"}]}',
    }
    assert scores(vault) == {}


def test_a_canvas_and_an_attachment_have_related_notes() -> None:
    vault = {
        "A": "p.png B",
        "B": "",
        "p.png": "",
        "c.canvas": '{"nodes": [{"id": "1", "type": "file", "file": "A.md"}]}',
    }
    assert scores(vault, "c.canvas") == {"B": 0.3333}
    assert scores(vault, "p.png") == {"A": 1.0, "B": 0.3333}


def test_notes_with_the_same_score_are_in_the_order_of_their_paths() -> None:
    names = ["Z", "b/C", "Ä", "a", "A2"]
    vault = {"N": "T", "T": "", **{f"{name}.md": "[[T]]" for name in names}}
    assert list(scores(vault)) == sorted(names)


def test_limit() -> None:
    vault = {"N": "T", "T": "", **{f"{number:02}": "T" for number in range(12)}}
    assert len(scores(vault)) == 10
    assert list(scores(vault, limit=2)) == ["00", "01"]
    assert len(scores(vault, limit=100)) == 12


def test_a_note_to_which_all_similar_notes_link_comes_first() -> None:
    similar = {f"{number:02}": "T X" for number in range(12)}
    index = make_index({"N": "T", "T": "", "X": "", **similar})
    first, *others = find_related(index, "N.md", 99)
    assert (first.path, first.score, first.shared) == ("X.md", 1.0, ())
    assert first.similar == tuple(f"{number:02}.md" for number in range(10))
    assert first.why == "similar notes link to it: 00, 01, 02 and 9 more"
    assert {item.score for item in others} == {round(1 / 13, 4)}


# -- the explanation --------------------------------------------------------------------------------------------------

HARBOUR = {
    "N.md": "[[Tides]] [[sub/Pilots]] [[Rope Maker.md]] [[p.png]] [[Plan]]",
    "B.md": "[[Tides]] [[Pilots]] [[plan]] [[p.png]] [[Rope Maker]] [[N]]",
    "C.md": "[[Tides]] [[D]] [[B]]",
    "D.md": "",
    "Tides.md": "",
    "sub/Pilots.md": "",
    "Rope Maker.md": "",
    "p.png": "",
}


def test_explanation_names_the_evidence_of_each_kind() -> None:
    found = {item.path: item for item in find_related(make_index(HARBOUR), "N.md")}
    assert found["B.md"] == RelatedNote(
        "B.md",
        # B links here: 1. Four shared neighbours have two neighbours each, Tides has three. C links to B: it
        # shares Tides and B, which has seven. So do the other similar notes, Tides, Pilots and Rope Maker, share B.
        round(1 + 4 / 2 + 1 / 3 + (1 / 3 + 1 / 7) / ((4 / 2 + 1 / 3) + (1 / 3 + 1 / 7) + 3 / 7), 4),
        "links to this note; shared neighbours: Plan (dangling), Rope Maker, p.png and 2 more; similar notes link to it: C",
        ("/Plan", "Rope Maker.md", "p.png", "sub/Pilots.md", "Tides.md"),
        ("C.md",),
        linked=False,
    )
    assert found["D.md"].why == "similar notes link to it: C"
    assert (found["D.md"].shared, found["D.md"].similar) == ((), ("C.md",))


def test_notes_already_linked_are_left_out_or_marked() -> None:
    index = make_index({"N": "A B", "A": "B", "B": "", "C": "A"})
    assert [(item.path, item.linked) for item in find_related(index, "N.md")] == [("C.md", False)]
    assert [(item.path, item.linked) for item in find_related(index, "N.md", with_linked=True)] == [
        ("A.md", True),  # B is its shared neighbour, C is similar and links to it: 1/2 + 2/7
        ("B.md", True),  # A is its shared neighbour, is similar and links to it: 1/3 + 3/7
        ("C.md", False),  # A is its shared neighbour: 1/3
    ]


# -- the graph --------------------------------------------------------------------------------------------------------

NAMES = ("a", "b", "c", "d", "e", "gone", "p.png")
VAULTS = some.fixed_dictionaries(
    {name: some.lists(some.sampled_from(NAMES), max_size=5).map(" ".join) for name in "abcde"}
).map(lambda notes: {**notes, "p.png": ""})


@given(VAULTS)
def test_neighbourhood_has_the_degrees_and_indices_of_the_whole_graph(
    vault: Mapping[str, str],
) -> None:
    index = make_index(vault)
    whole: nx.Graph[str] = nx.Graph(build_graph(index))
    whole.remove_edges_from(list(nx.selfloop_edges(whole)))
    near = build_neighbourhood(index, "a.md")
    assert {node: near.degree[node] for node in near.adj["a.md"]} == {
        node: whole.degree[node] for node in whole.adj["a.md"]
    }
    shared = find_shared_neighbours(near, "a.md")
    for _, node, expected in nx.resource_allocation_index(
        whole, [("a.md", node) for node in whole if node != "a.md"]
    ):
        found = sum(1 / near.degree[other] for other in shared.get(node, ()))
        assert found == pytest.approx(expected)


@given(VAULTS)
def test_every_related_note_has_evidence_and_is_another_note(vault: Mapping[str, str]) -> None:
    index = make_index(vault)
    for with_linked in (False, True):
        found = find_related(index, "a.md", with_linked=with_linked)
        assert found == sorted(found, key=lambda item: (-item.score, item.path))
        for item in found:
            assert item.why and item.score > 0
            assert item.path in index.notes and item.path != "a.md"
            assert item.linked == (item.path in index.targets["a.md"])
            assert with_linked or not item.linked


def test_result_is_the_same_in_every_process() -> None:
    code = (
        "from test_related import HARBOUR, make_index; from vaultlink.graph.related import find_related\n"
        "print([find_related(make_index(HARBOUR), path, with_linked=True) for path in HARBOUR])"
    )
    assert len(print_in_processes(code, ("1", "2", "3"))) == 1


# -- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a vault and change to it."""
    monkeypatch.chdir(create_vault(tmp_path / "vault", {**HARBOUR, "Island.md": ""}))
    return tmp_path / "vault"


def test_formats(run: RunCommand, vault: Path) -> None:
    done = run("related", "Pilots")
    assert (done.code, done.err) == (0, "")
    assert done.lines[0] == "path\tscore\tlinked\twhy"
    assert done.lines[1].split("\t")[::2] == ["B.md", "false"]
    data = run("related", "Pilots", "--json").data
    assert isinstance(data, dict)
    assert list(data) == ["schema", "note", "related"]
    assert (data["schema"], data["note"]) == (1, "sub/Pilots.md")
    keys = ["path", "score", "why", "shared", "similar", "linked"]
    assert [list(row) for row in data["related"]] == [keys] * len(data["related"])
    page = run("related", "C", "--limit", "1", "--output-format", "table")
    assert page.lines[0].split() == ["score", "note", "why"]
    assert page.err == "1 note related to C.md.\n"


def test_options(run: RunCommand, vault: Path) -> None:
    assert len(run("related", "N", "--limit", "1").lines) == 2
    assert not [line for line in run("related", "N").lines if "\ttrue\t" in line]
    assert [line for line in run("related", "N", "--linked").lines if "\ttrue\t" in line]
    page = run("related", "N", "--linked", "--output-format", "table")
    assert page.lines[0].split() == ["score", "note", "linked", "why"]
    assert {re.split("  +", line)[2] for line in page.lines[1:]} == {"yes", "no"}
    assert run("related", "N", "--no-cache").out == run("related", "N").out


def test_refusals(run: RunCommand, vault: Path) -> None:
    assert run("related") == (
        *(2, ""),
        "error: related requires a note, as in `vaultlink related NOTE`.\n",
    )
    assert run("related", "Pilot").err.startswith('error: there is no note "Pilot" in ')
    assert "must be a whole number above 0" in run("related", "N", "--limit", "0").err


def test_note_without_related_notes(run: RunCommand, vault: Path) -> None:
    assert run("related", "Island") == (0, "path\tscore\tlinked\twhy\n", "")
    assert run("related", "Island", "--output-format", "table") == (
        *(0, ""),
        "No notes related to Island.md found.\n",
    )
    assert run("related", "Island", "--json").data == {
        "schema": 1,
        "note": "Island.md",
        "related": [],
    }


def test_notes_are_completed(run: RunCommand, vault: Path) -> None:
    assert run("__complete", "related", "Isl").lines == ["Island.md\tnote"]
    assert [line.split("\t")[0] for line in run("__complete", "related", "--li").lines] == [
        "--limit",
        "--linked",
    ]
