"""Tests of index notes in sections: which notes they are, their place, and when they are enough."""

from collections.abc import Mapping

from builder import build_state
from tables import each
from test_engine import assert_same
from test_upkeep import kept, section, writing
from vaultlink.engine.step import Change, step
from vaultlink.links.index_notes import is_folder_note, is_index_note, lists_notes
from vaultlink.parse.note import parse_note

MANY = "".join(f"- [[Note {number}]]\n" for number in range(20))
PROSE = "".join(f"A sentence. Another one. And [[Note {n}]] in one.\n" for n in range(20))


@each(
    "path",
    [
        *(
            "index.md",
            "x/_index.md",
            "Home.md",
            "README.md",
            "🎲 Welcome 🎲.md",
            "Table of Contents.md",
        ),
        *("Piers MOC.md", "Faction Overview.md", "Timeline of wars.md", "目录.md", "Startseite.md"),
        *(
            "2026-11-03.md",
            "2026-W45.md",
            "2026-11.md",
            "2026.md",
            "2026-11-03 Tue.md",
            "20261103.md",
        ),
        *("2026-11-03-Tuesday.md", "3.11.2026.md", "November 3rd, 2026.md", "2026年11月3日.md"),
    ],
)
def test_index_note_by_its_name(path: str) -> None:
    assert is_index_note(parse_note(path, "It begins in [[N]].\n"))


@each(
    "path",
    [
        *("Mole.md", "Inverted index.md", "Home made jam.md", "Mocha.md", "Welcome speech.md"),
        *("2026-11-03 Harbour walk.md", "Meeting 2026-11-03.md", "Chapter 12.md", "1.2.md", ".md"),
    ],
)
def test_other_note_by_its_name(path: str) -> None:
    assert not is_index_note(parse_note(path, "It begins in [[N]].\n"))


@each(
    ("text", "is_index"),
    [
        (MANY, True),
        (f"# Piers\n\nAll piers:\n\n{MANY}", True),
        (PROSE, False),
        (PROSE * 6, False),
        ("".join(f"A sentence. And [[Note {n}]] in one.\n" for n in range(120)), True),
        ("- [[A]]\n- [[B]]\n- [[C]]\n", False),
        ("- [[A]]\n" * 20, False),
        ("".join(f"- ![[p{n}.png]]\n- [x](https://x.org/{n})\n" for n in range(20)), False),
        ("---\ntype: MOC\n---\nText\n", True),
        ("---\ntype: book\n---\nText\n", False),
        ("Text #moc\n", True),
        ("Text #mocha\n", False),
    ],
)
def test_index_note_by_its_text(text: str, *, is_index: bool) -> None:
    assert is_index_note(parse_note("Piers.md", text)) is is_index
    assert lists_notes(parse_note("Piers.md", text)) is is_index
    brief = parse_note("Piers.md", text, compares=False)
    assert (is_index_note(brief), lists_notes(brief)) == (is_index, is_index)


def test_title_of_a_dated_note_says_that_it_is_no_note_of_a_day() -> None:
    assert not is_index_note(parse_note("2026-11-03.md", "---\ntitle: A walk\n---\nText\n"))
    assert is_index_note(parse_note("2026-11-03.md", "---\ntitle: 2026-11-03\n---\nText\n"))


def test_section_in_a_note_does_not_make_it_another_kind_of_note() -> None:
    entries = section("## Backlinks", "", *(f"- [[Other {n}]]" for n in range(60)))
    text = "".join(f"- [[Note {n}]] is one\n" for n in range(14))
    assert is_index_note(parse_note("Piers.md", text))
    assert is_index_note(parse_note("Piers.md", f"{text}\n{entries}\n"))


@each(
    ("source", "path", "is_parent"),
    [
        ("Piers/Piers.md", "Piers/Mole.md", True),
        ("Piers/Piers.md", "Piers/old/Mole.md", True),
        ("Piers.md", "Piers/Mole.md", True),
        ("x/piers.md", "x/Piers/Mole.md", True),
        ("Piers/Piers.md", "Quays/Mole.md", False),
        ("Piers.md", "x/Piers/Mole.md", False),
        ("Piers/Quay.md", "Piers/Mole.md", False),
        ("Piers.md", "Piers and quays/Mole.md", False),
    ],
)
def test_folder_note(source: str, path: str, *, is_parent: bool) -> None:
    assert is_folder_note(source, path) is is_parent


# -- sections ---------------------------------------------------------------------------------------

DAYS = {f"2026-11-0{day}.md": f"Day {day} in [[N]].\n" for day in range(1, 7)}


def entries(text: str) -> list[str]:
    """Return the notes that the entries of a section link to."""
    return [line[4:-2] for line in text.split("\n") if line.startswith("- [[")]


def test_index_notes_come_last_and_three_are_enough() -> None:
    vault = {**DAYS, "Zebra.md": "The [[N]].\n", "Index.md": "The [[N]]\n", "N.md": "Text\n"}
    written = kept(vault, writing(style="list"))
    assert entries(written["N.md"]) == ["Zebra", "2026-11-01", "2026-11-02", "2026-11-03"]
    every = kept(vault, writing(style="list", entries="all"))
    assert entries(every["N.md"]) == ["Zebra", *(day[:-3] for day in DAYS), "Index"]


def test_section_of_an_older_version_stays() -> None:
    """It lists all index notes, in the order of titles, and is not written again for that."""
    lines = [*(f"- [[{day[:-3]}]]" for day in DAYS), "- [[Zebra]]"]
    old = "Text\n\n" + section("## Backlinks", "", *lines) + "\n"
    vault = {**DAYS, "Zebra.md": "The [[N]].\n", "N.md": old}
    base = writing(style="auto")
    assert not build_state(vault, base).diagnostics
    assert kept(vault, base)["N.md"] == old
    more = kept({**vault, "2026-11-07.md": "[[N]]\n"}, base)["N.md"]
    assert more == old
    fewer = kept({**vault, "2026-11-02.md": "Text\n"}, base)["N.md"]
    assert entries(fewer) == ["Zebra", *(day[:-3] for day in DAYS if day != "2026-11-02.md")]


@each(
    ("sources", "is_worth"),
    [
        ({"A.md": "See [[N]].\n"}, True),
        ({"A.md": "- [[N]]\n"}, False),
        ({"A.md": "> - [ ] **[[N|the note]]**\n"}, False),
        ({"A.md": "- [[N]]\n\nSee [[N]].\n"}, True),
        ({"A.md": "- [[N]] and [[A]]\n"}, True),
        ({"A.md": '---\nup: "[[N]]"\n---\n'}, True),
        ({"A.md": "- [[N]]\n", "B.md": "- [[N]]\n"}, True),
        ({"A.md": "- [[N]]\n", "Index.md": "See [[N]].\n"}, False),
        ({"Index.md": "See [[N]].\n", "2026-11-03.md": "See [[N]].\n"}, False),
        ({"A.md": "See [[N]].\n", "Index.md": "- [[N]]\n"}, True),
    ],
)
@each("style", ["topics", "list", "context"])
def test_new_section_must_tell_enough(
    sources: Mapping[str, str], style: str, *, is_worth: bool
) -> None:
    vault, base = {**sources, "N.md": "Text\n"}, writing(style=style)
    assert bool(build_state(vault, base).diagnostics) is is_worth
    assert (kept(vault, base) != vault) is is_worth
    assert kept(vault, writing(style=style, entries="all")) != vault


def test_section_that_exists_stays() -> None:
    base = writing(style="list")
    old = "Text\n\n" + section("## Backlinks", "", "- [[A]]", "- [[B]]") + "\n"
    for sources in ({"A.md": "- [[N]]\n", "B.md": "Text\n"}, {"B.md": "Text\n", "A.md": "[[N]]\n"}):
        written = kept({**sources, "N.md": old}, base)["N.md"]
        assert entries(written) == ["A"]
        assert kept({**sources, "N.md": written}, base)["N.md"] == written
    assert kept({"B.md": "Text\n", "A.md": "Text\n", "N.md": old}, base)["N.md"] == "Text\n"


def test_only_backlink_that_is_linked_back_gets_no_section() -> None:
    vault = {"A.md": "See [[N]].\n", "N.md": "Text on [[A]]\n"}
    for option in ("missing", "all"):
        base = writing(style="list", entries=option)
        assert not build_state(vault, base).diagnostics
        assert kept(vault, base) == vault
    old = {**vault, "N.md": "On [[A]]\n\n" + section("## Backlinks", "", "- [[A]]") + "\n"}
    assert kept(old, writing(style="list", entries="all")) == old


def test_notes_are_checked_again_when_a_source_becomes_an_index() -> None:
    base = writing(style="list")
    vault = {"Piers.md": f"See [[N]].\n{PROSE}", "N.md": "Text\n"}
    state = build_state(vault, base)
    for text in (f"See [[N]].\n{MANY}", f"See [[N]].\n{PROSE}", "- [[N]]\n", "See [[N]].\n"):
        vault["Piers.md"] = text
        state = step(state, [Change("Piers.md", text)])
        assert_same(state, build_state(vault, base))
        assert ("N.md" in state.diagnostics) == (MANY not in text and text != "- [[N]]\n")


# -- passages ---------------------------------------------------------------------------------------


def passages(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.startswith(("- [[", "  - "))]


def test_sentence_that_two_notes_quote_is_printed_once() -> None:
    line = "In 1902 the [[N]] was built.\n"
    vault = {"A.md": line, "B.md": f"{line}\nAnd the [[N]] fell.\n", "2026-11-03.md": line}
    written = kept({**vault, "N.md": "Text\n"}, writing(style="context"))["N.md"]
    assert passages(written) == [
        "- [[A]]",
        "- In 1902 the [[N]] was built.",
        "- [[B]]",
        "- And the [[N]] fell.",
        "- [[2026-11-03]]",
    ]


@each(
    "line",
    [
        *(
            "- [[N]]",
            "[[N]]",
            "1. [[N|here]]",
            "> [[N]]",
            "- [ ] **[[N]]**, [[A]]",
            "# [[N]]",
            "[[N]] ✅",
            "Tags: [[A]][[N]]",
            "**Type:** #[[A]] | [[N]]",
            "prev:: [[A]] next:: [[N]]",
            "- **See also**: [[N]]",
        ),
        *("| [[N\\|here]] | text |\n| - | - |", "![[p.png]] [[N]]", "[[A]] · [[N]] → 3", "![[N]]"),
    ],
)
def test_passage_that_is_nothing_but_links_is_left_out(line: str) -> None:
    vault = {"A.md": f"Text\n\n{line}\n", "B.md": "See [[N]].\n", "p.png": "", "N.md": "Text\n"}
    written = kept(vault, writing(style="context"))["N.md"]
    assert passages(written) == ["- [[A]]", "- [[B]]", "- See [[N]]."]


@each("line", ["Author: [[N]]", "Next to [[N]]", "Tags: two [[N]]", "up [[N]]"])
def test_passage_with_words_stays(line: str) -> None:
    vault = {"A.md": f"{line}\n", "N.md": "Text\n", "B.md": "See [[N]]\n"}
    assert f"  - {line}" in kept(vault, writing(style="context"))["N.md"].split("\n")


def test_map_of_content_has_no_passages() -> None:
    vault = {"A.md": "See [[N]].\n", "Index.md": "- [[N]]: what it is\n", "N.md": "Text\n"}
    written = kept(vault, writing(style="context"))["N.md"]
    assert passages(written) == ["- [[A]]", "- See [[N]].", "- [[Index]]"]


def test_vault_keeps_lists_with_passages_if_no_link_has_one() -> None:
    base = writing(style="auto")
    bare = {"A.md": "- [[N]]\n", "B.md": "- [[N]]\n", "N.md": "Text\n", "M.md": "Text\n"}
    written = kept(bare, base)
    assert "style=context" in written["N.md"]
    more = kept({**written, "A.md": "- [[N]]\n\nSee [[M]].\n"}, base)
    assert passages(more["M.md"]) == ["- [[A]]", "- See [[M]]."]
