"""Related notes: the score of the links, computed by hand in small vaults, words, twins, order, and the command."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as some

from builder import build_state
from running import RunCommand, create_vault, print_in_processes
from tables import each
from vaultlink import open_vault
from vaultlink.graph.build import build_graph
from vaultlink.graph.related import (
    RelatedNote,
    build_neighbourhood,
    find_related,
    find_shared_neighbours,
)
from vaultlink.graph.shared_words import MAX_READ
from vaultlink.graph.twins import MIN_TWIN, compare_pieces, find_repeated, rank_twins
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
    """Return the names of the related notes with the sums of their links, in order."""
    found = find_related(make_index(vault), note, limit)
    return {item.path.removesuffix(".md"): item.score / (1 - item.score) for item in found}


def score_links(total: float) -> float:
    """Return the score of a sum of links."""
    return round(total / (1 + total), 4)


def list_by_words(texts: Mapping[str, str], note: str = "N.md", **options: Any) -> list[str]:
    """Return the paths of the related notes in a vault of texts, in order."""
    index = build_state(texts).index
    return [item.path for item in find_related(index, note, read=texts.__getitem__, **options)]


# -- the score --------------------------------------------------------------------------------------------------------


@each(
    ("vault", "expected"),
    [
        # Both link to A, which has two neighbours: 1/2.
        ({"N": "A", "B": "A", "A": ""}, {"B": 0.5}),
        # Both are linked from A, which has two neighbours: 1/2. So does the link from A to NOTE count.
        # B is similar, but links to nothing.
        ({"N": "", "B": "", "A": "N B"}, {"A": 0.5, "B": 0.5}),
        # N to A to B: A is a neighbour of both. B is similar and links to nothing.
        ({"N": "A", "A": "B", "B": ""}, {"B": 0.5}),
        # B to A to N: the same. B is similar, and its only link leads to A: 1/2 of 1/2 + 1/2.
        ({"N": "", "A": "N", "B": "A"}, {"A": 1.0, "B": 0.5}),
        # A has three neighbours, R only two: the rare one counts more.
        (
            {"N": "A R", "B": "A", "C": "R", "A": "", "R": "", "D": "A"},
            {"C": 0.5, "B": 1 / 3, "D": 1 / 3},
        ),
        # Two shared neighbours: 1/2 + 1/2.
        ({"N": "A R", "B": "A R", "A": "", "R": ""}, {"B": 1.0}),
        # B (1/2), C and E (1/3) are similar. Only B links to D: 1/2 of 1/2 + 1/3 + 1/3 + 1/2.
        (
            {"N": "A R", "B": "A D", "C": "R", "E": "R", "A": "", "R": "", "D": ""},
            {"B": 0.5, "C": 1 / 3, "E": 1 / 3, "D": 0.3},
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
    assert found == pytest.approx(expected, abs=1e-3)


@each(
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
    assert scores(vault, "c.canvas") == pytest.approx({"B": 1 / 3}, abs=1e-3)
    assert scores(vault, "p.png") == pytest.approx({"A": 1 / 3, "B": 1 / 3}, abs=1e-3)


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
    assert (first.path, first.shared) == ("X.md", ())
    assert first.score == score_links(12 / 13 / (12 / 13 + 1 / 2))
    assert first.similar == tuple(f"{number:02}.md" for number in range(10))
    assert first.why == "similar notes link to it: 00, 01, 02 and 9 more"
    assert {item.score for item in others} == {score_links(1 / 13)}


# -- indexes ----------------------------------------------------------------------------------------------------------


def make_wiki(size: int, index_name: str) -> dict[str, str]:
    """Return a wiki of a topic with an index that links to all pages and is linked from all."""
    pages = {f"{number:03}": index_name for number in range(size)}
    topic = {
        "N": "Tide",
        "Tide": f"Moon {index_name}",
        "Moon": "Tide",
        "Ebb": "Tide Moon",
    }
    return {
        **pages,
        **topic,
        index_name: " ".join([*pages, "N", "Tide"]),
        "log": "N " + " ".join(pages),
    }


@each("size", [60, 100, 400])
@each("index_name", ["index", "overview", "Home"])
def test_index_or_log_does_not_win(size: int, index_name: str) -> None:
    found = list(scores(make_wiki(size, index_name)))
    assert set(found[:2]) == {"Moon", "Ebb"}


@each("links", [1, 5, 399])
def test_link_to_the_note_counts_like_a_shared_neighbour(links: int) -> None:
    others = {f"{number:03}": "" for number in range(links)}
    found = scores({"N": "", "A": " ".join(["N", *others]), **others}, limit=999)
    assert found["A"] == pytest.approx(1 / (links + 1), abs=1e-3)
    assert found["A"] == pytest.approx(found["000"], abs=1e-3)


def test_note_that_links_to_itself_is_no_source_of_its_own() -> None:
    assert scores({"N": "N A", "A": "", "B": "A"}) == pytest.approx({"B": 0.5}, abs=1e-3)


# -- words ------------------------------------------------------------------------------------------------------------

ORPHANS = {
    "English": (
        "The harbour pilot boards a vessel from the cutter before the breakwater.",
        "A cutter brings each harbour pilot to the vessel outside of the breakwater.",
        "Bread rises faster when the dough is warm and the yeast is fresh.",
    ),
    "German": (
        "Der Lotse steigt vor der Mole vom Versetzboot auf das Schiff.",
        "Auf der Mole wartet der Lotse auf das Versetzboot und ein Schiff.",
        "Das Brot geht schneller auf, wenn der Teig warm und die Hefe frisch ist.",
    ),
    "Russian": (
        "Лоцман поднимается на судно с катера перед волноломом.",
        "Катер доставил лоцмана на судно у волнолома.",
        "Хлеб поднимается быстрее, если тесто тёплое, а дрожжи свежие.",
    ),
    "Chinese": (
        "引航员在防波堤外从引航艇登上船舶。",
        "引航艇把引航员送到防波堤外港船舶。",
        "面团温暖而且酵母新鲜，面包发得更快。",
    ),
    "Japanese": (
        "水先人は防波堤の外でパイロットボートから船に乗り移る。",
        "パイロットボートは水先人を防波堤の外の船まで運ぶ。",
        "生地が温かくイーストが新しいとパンは早く膨らむ。",
    ),
    "Korean": (
        "도선사는 방파제 밖에서 도선선을 타고 선박에 오른다.",
        "도선선이 방파제에서 도선사를 선박으로 데려간다.",
        "반죽이 따뜻하고 효모가 신선하면 빵이 빨리 부푼다.",
    ),
}


@each("language", ORPHANS)
def test_note_without_links_is_answered_by_its_words(language: str) -> None:
    note, related, other = ORPHANS[language]
    found = list_by_words({"N.md": note, "A.md": other, "B.md": related})
    assert found[0] == "B.md"
    assert list_by_words({"N.md": "", "A.md": other, "B.md": related}) == []


WORDS = "harbour pilot cutter breakwater vessel"


@each(
    ("note", "other"),
    [
        ({"N.md": WORDS}, {"A.md": "breakwater vessel harbour pilot cutter"}),
        ({"N.md": WORDS}, {"A.md": "Breakwaters, VESSELS, harbours, pilots, cutters"}),
        ({"N.md": WORDS}, {"Harbour pilot cutter.md": ""}),  # the name
        ({"N.md": WORDS}, {"A.md": "# Harbour pilot\n\n## Cutter\n"}),
        ({"N.md": WORDS}, {"A.md": '---\ntitle: "Harbour pilot cutter"\n---\n'}),
        ({"N.md": WORDS}, {"A.md": "---\naliases: [Harbour pilot, Cutter]\n---\n"}),
        ({"N.md": "Café über naïve Øre"}, {"A.md": "cafe\u0301 u\u0308ber nai\u0308ve øre"}),
        ({"N.md": "[[Gone|harbour pilot cutter]]"}, {"A.md": "harbour pilot cutter"}),
    ],
)
def test_words_that_count(note: Mapping[str, str], other: Mapping[str, str]) -> None:
    assert list_by_words({**note, **other, "Z.md": "bread dough yeast oven flour"}) == [*other]


@each(
    "other",
    [
        "bread dough yeast oven flour",  # no word in common
        "a breakwater and bread, dough, yeast, oven, flour",  # only one
        "---\nharbour: pilot cutter breakwater vessel\n---\nbread",  # other properties
        "%% harbour pilot cutter breakwater vessel %% bread",  # a comment
        "[bread](harbour/pilot/cutter/breakwater/vessel.md)",  # the destination of a link
        "bread https://harbour.example/pilot/cutter/breakwater/vessel",
        '<div class="harbour pilot cutter breakwater vessel">bread</div>',
        "![[harbour pilot cutter breakwater vessel]] bread",  # an embedded file
        "```sh\nharbour pilot cutter breakwater vessel\n```\nbread",
        "bread `harbour pilot cutter breakwater vessel`",
        "bread $harbour pilot cutter$ oven $$breakwater\nvessel$$",
    ],
)
def test_words_that_do_not_count(other: str) -> None:
    assert list_by_words({"N.md": WORDS, "A.md": other, "B.md": "oven"}) == []


@each(
    ("note", "other"),
    [
        ("なければならないのではない", "しなければならないのではないか"),
        ("공유합니다 처리하는 되는 있는", "사용합니다 변환하는 되는 있는"),
        ("这样的是在那里的了", "那样的是在这里的了"),
    ],
)
def test_letters_of_grammar_do_not_count(note: str, other: str) -> None:
    assert list_by_words({"N.md": note, "A.md": other}) == []


def test_words_alone_relate_notes_that_share_several() -> None:
    words = [f"{letter}{letter}lantern{letter}" for letter in "abcdefghijkl"]
    shared = {f"{count}.md": " ".join(words[:count]) for count in (2, 4, 6, 12)}
    fillers = {f"Z{number}.md": f"bread{number}" for number in range(60)}
    assert list_by_words({"N.md": " ".join(words), **shared, **fillers}) == ["12.md", "6.md"]


def test_copies_with_one_file_name_are_listed_once() -> None:
    lines = "".join(f"The {WORDS} of day {number}.\n" for number in range(9))
    texts = {
        "N.md": WORDS,
        "a/Pilot.md": lines,
        "b/Pilot.md": lines,
        "c/Pilot.md": f"{WORDS} bread",
        "Cutter.md": lines,
        **{f"Z{number}.md": f"bread{number}" for number in range(60)},
    }
    assert sorted(list_by_words(texts)) == ["Cutter.md", "a/Pilot.md", "c/Pilot.md"]


SERIES = ("The lighthouse keepers of Anglesey slept.", "A mitochondrial membrane folds proteins.")


@each(
    ("names", "text", "is_named"),
    [
        (("Chapter 1", "Chapter 2"), SERIES[0], False),  # the words are in both names
        (("Anglesey", "Membrane"), SERIES[0], False),
        (("Anglesey", "Membrane"), f"{SERIES[0]} It has no membrane.", True),
    ],
)
def test_note_that_has_the_words_of_another_ones_name(
    names: Sequence[str], text: str, *, is_named: bool
) -> None:
    one, other = (f"{name}.md" for name in names)
    fillers = {f"Z{number}.md": f"bread{number}" for number in range(60)}
    links = {"Both.md": f"[[{names[0]}]] [[{names[1]}]]"}
    texts = {**fillers, **links, one: text, other: SERIES[1]}
    index = build_state(texts).index
    reasons = {
        item.path: item.why
        for item in find_related(index, one, read=texts.__getitem__, with_linked=True)
    }
    assert ("one names the other" in reasons.get(other, "")) == is_named


@each(
    "text",
    [
        "At $5 the harbour pilot cutter, breakwater and vessel cost $9 more.",
        "Price: $$ for the harbour pilot cutter, breakwater and vessel.",
        "```x``` is the harbour pilot cutter, breakwater and vessel.",
    ],
)
def test_prices_and_code_in_a_line_hide_no_words(text: str) -> None:
    assert list_by_words({"N.md": WORDS, "A.md": text, "B.md": "oven"}) == ["A.md"]


def test_words_that_most_notes_have_do_not_count() -> None:
    common = {f"{number:02}.md": f"harbour pilot x{number}word" for number in range(20)}
    assert list_by_words({**common, "N.md": "harbour pilot bread"}) == []


def test_lines_of_a_template_do_not_count() -> None:
    """Rare words of a note relate it to others, those of its template do not."""
    form = "## Change this heading\n\n## Exercises of the lecture\n\n## Flashcards to repeat\n"
    notes = {f"{number:03}.md": f"plain{number}word" for number in range(200)}
    forms = {f"Form {number}.md": form for number in range(12)}
    vault = {**notes, **forms, "N.md": f"{form}\nharbour pilots", "P.md": "harbour pilots"}
    assert list_by_words(vault) == ["P.md"]


def test_weak_links_are_listed_only_where_nothing_else_is() -> None:
    hub = {f"{number:03}.md": "[[Hub]]" for number in range(20)}
    weak = {**hub, "N.md": f"[[Hub]] {WORDS}", "Hub.md": ""}
    assert len(list_by_words(weak)) == 3
    assert list_by_words({**weak, "A.md": WORDS}) == ["A.md"]


def test_shared_words_are_named() -> None:
    texts = {
        "N.md": "Harbours need pilots. 防波堤外港船舶",
        "A.md": "pilots in harbours, 外港船舶",
        "B.md": "bread",
    }
    found = find_related(build_state(texts).index, "N.md", read=texts.__getitem__)
    assert [set(item.words) for item in found] == [{"harbours", "pilots", "外港船舶"}]
    assert found[0].why == f"words: {', '.join(found[0].words)}"


def test_only_some_texts_of_a_large_vault_are_read() -> None:
    """The notes of a large vault that are read are those with similar names or headings, and a sample."""
    texts = {f"{number:04}.md": f"word{number}" for number in range(MAX_READ + 500)}
    texts |= {"N.md": WORDS, "Old/Pilot cutter.md": WORDS, "Old/A.md": f"# Vessel\n\n{WORDS}"}
    read = list[str]()

    def read_text(path: str) -> str:
        read.append(path)
        return texts[path]

    found = find_related(build_state(texts).index, "N.md", read=read_text)
    assert {item.path for item in found} == {"Old/Pilot cutter.md", "Old/A.md"}
    assert len(read) == len(set(read)) <= MAX_READ + 1


# -- twins ------------------------------------------------------------------------------------------------------------

LINES = [
    f"Line {number} of the harbour log tells what happened on day {number}.\n"
    for number in range(40)
]


def test_twins_come_first_and_are_marked() -> None:
    texts = {
        "N.md": "".join(LINES[:10]) + "[[A]]",
        "A.md": "",
        "B.md": "[[A]] [[N]] " + " ".join(LINES[:2]),
        "Copy.md": "".join(LINES[:9]),
    }
    first, *others = find_related(build_state(texts).index, "N.md", read=texts.__getitem__)
    assert (first.path, first.twin) == ("Copy.md", True)
    assert first.why.startswith("twin: 90% the same text")
    assert [item.path for item in others] == ["B.md"]
    assert not any(item.twin for item in others)
    by_links = find_related(build_state(texts).index, "N.md")
    assert [(item.path, item.twin) for item in by_links] == [("Copy.md", True), ("B.md", False)]


@each(
    ("vault", "expected"),
    [
        ({"A.md": LINES[:10], "B.md": LINES[:10]}, [("A.md", "B.md", 1.0)]),
        ({"A.md": LINES[:10], "B.md": LINES[:5]}, [("A.md", "B.md", 0.5)]),
        ({"A.md": LINES[:10], "B.md": [*LINES[5:15]]}, [("A.md", "B.md", 0.5)]),
        ({"A.md": LINES[:10], "B.md": LINES[9::-1]}, [("A.md", "B.md", 1.0)]),  # another order
        ({"A.md": LINES[:10], "B.md": LINES[10:20]}, []),
        ({"A.md": ["Yes.\n"], "B.md": ["Yes.\n"]}, []),  # too short
        ({"A.md": [], "B.md": []}, []),
        ({f"{number}.md": LINES[:10] for number in range(9)}, []),  # a template
        ({"A.canvas": LINES[:10], "B.canvas": LINES[:10]}, []),
    ],
)
def test_pairs_of_twins(
    vault: Mapping[str, list[str]], expected: list[tuple[str, str, float]]
) -> None:
    index = build_state({path: "".join(lines) for path, lines in vault.items()}).index
    found = rank_twins(index)
    assert [(pair.path, pair.twin) for pair in found] == [pair[:2] for pair in expected]
    assert [pair.score for pair in found] == pytest.approx([pair[2] for pair in expected], abs=0.05)


def test_longer_twins_come_first_and_the_limit_is_kept() -> None:
    texts = {
        **{f"Short {letter}.md": "".join(LINES[:3]) for letter in "ab"},
        **{f"Zong {letter}.md": "".join(LINES[10:30]) for letter in "ab"},
        **{f"Part {letter}.md": "".join(LINES[30:36]) for letter in "a"},
        "Part b.md": "".join(LINES[30:33]),
    }
    found = rank_twins(build_state(texts).index)
    assert [pair.path for pair in found] == ["Zong a.md", "Short a.md", "Part a.md"]
    assert rank_twins(build_state(texts).index, 1) == found[:1]


TEXTS = some.dictionaries(
    some.sampled_from([f"{letter}.md" for letter in "abcdefghijkl"]),
    some.lists(some.sampled_from(LINES[:12]), max_size=8).map("".join),
    min_size=2,
)


@given(TEXTS)
def test_twins_are_symmetric_and_the_same_in_both_lists(texts: Mapping[str, str]) -> None:
    index = build_state(texts).index
    found_alone = {path: compare_pieces(index, path) for path in texts}
    index.derive(find_repeated)
    assert {path: compare_pieces(index, path) for path in texts} == found_alone
    twins = {path: matches.twins for path, matches in found_alone.items()}
    pairs = {
        (path, other): score for path, found in twins.items() for other, score in found.items()
    }
    assert all(pairs[other, path] == score for (path, other), score in pairs.items())
    ranked = rank_twins(index)
    assert {(pair.path, pair.twin): pair.score for pair in ranked if pair.score >= MIN_TWIN} == {
        pair: score for pair, score in pairs.items() if pair[0] < pair[1]
    }
    assert all(0 < pair.score <= 1 and pair.path < pair.twin for pair in ranked)
    assert ranked == sorted(
        ranked, key=lambda pair: (-pair.score, -pair.shared, pair.path, pair.twin)
    )


@given(TEXTS)
def test_order_does_not_depend_on_the_order_of_notes(texts: Mapping[str, str]) -> None:
    other = dict(sorted(texts.items(), reverse=True))
    indexes = [build_state(vault).index for vault in (texts, other)]
    for path in texts:
        one, two = (find_related(index, path, read=texts.__getitem__) for index in indexes)
        assert one == two
    assert rank_twins(indexes[0]) == rank_twins(indexes[1])


# -- days, templates and series ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "2024-05-01.md",
        "Daily/2024-W05.md",
        "Journal/21-Sep-2022.md",
        "Friday 3 May 2024.md",
        "Templates/Form.md",
        "area/template/Form.md",
        "open-notebook.2024.05.01.md",  # in a series
    ],
)
def test_minor_notes_come_last_and_need_a_link(tmp_path: Path, path: str) -> None:
    text = f"{WORDS} [[Tide]]"
    files = {
        "N.md": text,
        "Tide.md": "",
        "A.md": "[[Tide]] vessel pilot bread dough yeast oven",
        "open-notebook.2024.05.02.md": "bread",
        path: f"{WORDS} [[Tide]] bread",
    }
    root = create_vault(tmp_path / "vault", files)
    assert [item.path for item in open_vault(root).related("N.md")] == ["A.md", path]
    (root / path).write_text(f"{WORDS} bread", encoding="utf-8")
    assert [item.path for item in open_vault(root).related("N.md")] == ["A.md"]


@pytest.mark.parametrize(
    "path", ["1984 (novel).md", "RAID 1.md", "2021-05-01 harbour pilots.md", "May.md"]
)
def test_other_names_are_not_minor(tmp_path: Path, path: str) -> None:
    files = {"N.md": WORDS, path: WORDS, "RAID 0.md": "", "A.md": "harbour pilot bread dough yeast"}
    root = create_vault(tmp_path / "vault", files)
    assert open_vault(root).related("N.md")[0].path == path


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
        # B, which has seven neighbours, links here. Four shared neighbours have two neighbours each, Tides has three.
        # C links to B: it shares Tides and B. So do the other similar notes, Tides, Pilots and Rope Maker, share B.
        score_links(
            1 / 7
            + (4 / 2 + 1 / 3)
            + (1 / 3 + 1 / 7) / ((4 / 2 + 1 / 3) + (1 / 3 + 1 / 7) + 3 / 7 + 1 / 2)
        ),
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
        ("A.md", True),  # B is its shared neighbour, C is similar and links to it: 1/2 + 1/5
        ("B.md", True),  # A is its shared neighbour, is similar and links to it: 1/3 + 3/10
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
        assert not any(item.words or item.twin for item in found)
        for item in found:
            assert item.why and item.score > 0
            assert item.path in index.notes and item.path != "a.md"
            assert item.linked == (item.path in index.targets["a.md"])
            assert with_linked or not item.linked


@pytest.mark.thorough
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
    assert done.lines[0] == "path\tscore\tlinked\twhy\ttwin"
    assert done.lines[1].split("\t")[::2] == ["B.md", "false", "false"]
    data = run("related", "Pilots", "--json").data
    assert isinstance(data, dict)
    assert list(data) == ["schema", "note", "related"]
    assert (data["schema"], data["note"]) == (1, "sub/Pilots.md")
    keys = ["path", "score", "why", "shared", "similar", "linked", "words", "twin"]
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
        "error: related requires a note, as in `vaultlink related NOTE`, or --twins.\n",
    )
    assert run("related", "Pilot").err.startswith("error: there is no note “Pilot” in ")
    assert "must be a whole number above 0" in run("related", "N", "--limit", "0").err


def test_note_without_related_notes(run: RunCommand, vault: Path) -> None:
    assert run("related", "Island") == (0, "path\tscore\tlinked\twhy\ttwin\n", "")
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


def test_twins_are_listed(run: RunCommand, vault: Path) -> None:
    assert run("related", "--twins") == (0, "path\ttwin\tscore\tshared\n", "")
    assert run("related", "--twins", "--output-format", "table") == (
        *(0, ""),
        "No near-duplicate notes found.\n",
    )
    for name in ("Log", "Log copy", "Part"):
        text = "".join(LINES[: 4 if name == "Part" else 10])
        (vault / f"{name}.md").write_text(text, encoding="utf-8")
    data: Any = run("related", "--twins", "--json").data
    assert list(data) == ["schema", "twins"]
    assert [(row["path"], row["twin"]) for row in data["twins"]] == [
        ("Log copy.md", "Log.md"),
        ("Log copy.md", "Part.md"),
        ("Log.md", "Part.md"),
    ]
    assert run("related", "--twins", "--limit", "1").lines[1:] == [
        f"Log copy.md\tLog.md\t1.0\t{data['twins'][0]['shared']}"
    ]
    page = run("related", "--twins", "--output-format", "table")
    assert page.lines[1].split("  ")[0] == "1.00"
    assert page.err == "3 pairs of notes, most similar first.\n"
    marked = run("related", "Log", "--output-format", "table")
    assert marked.lines[0].split() == ["score", "note", "twin", "why"]
    for words in (("related", "Log", "--twins"), ("related", "--twins", "--linked")):
        assert run(*words).err == (
            "error: --twins compares all notes, so it allows neither a note nor --linked.\n"
        )
