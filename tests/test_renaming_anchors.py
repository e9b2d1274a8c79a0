"""Tests of renaming headings and blocks: the note's text, and what links to it must say."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from running import RunCommand, create_vault, read_files
from tables import each
from vaultlink.index.anchors import find_anchor, find_slug_heading
from vaultlink.links.edit_math import apply_edits
from vaultlink.model import LinkKind, Note
from vaultlink.parse.note import parse_note
from vaultlink.refactor.relocation import RefusedError
from vaultlink.refactor.subpaths import AnchorChanges, plan_anchor_renames

WIKILINK, MARKDOWN = LinkKind.WIKILINK, LinkKind.MARKDOWN


def parse(text: str) -> Note:
    return parse_note("Plan.md", text)


def plan(text: str, *renames: tuple[str, str]) -> AnchorChanges:
    return plan_anchor_renames(parse(text), text, renames, parse)


def rename(text: str, *renames: tuple[str, str]) -> str:
    return apply_edits(text, plan(text, *renames).edits)


# -- the text of the note ---------------------------------------------------------------------------------------------

TEXTS: Mapping[str, tuple[str, str, str, str]] = {
    "heading": ("# Old\ntext\n", "#Old", "New", "# New\ntext\n"),
    "last line": ("text\n\n## Old", "#Old", "New", "text\n\n## New"),
    "closing hashes": ("## Old ##\n", "#Old", "New", "## New ##\n"),
    "spaces around": ("##   Old  \n", "#Old", "New", "##   New  \n"),
    "new text with spaces around": ("# Old\n", "#Old", "  New ", "# New\n"),
    "underlined": ("Old\n===\ntext\n", "#Old", "New", "New\n===\ntext\n"),
    "underlined with hyphens": ("Old\n---\n", "#Old", "Quite new", "Quite new\n---\n"),
    "CRLF": ("# Old\r\ntext\r\n## B\r\n", "#Old", "New", "# New\r\ntext\r\n## B\r\n"),
    "CRLF, underlined": ("Old\r\n---\r\n", "#Old", "New", "New\r\n---\r\n"),
    "after properties": ("---\na: 1\n---\n# Old\n", "#Old", "New", "---\na: 1\n---\n# New\n"),
    "by another spelling": ("# Old: plan!\n", "#old plan", "New", "# New\n"),
    "only the case": ("# old\n", "#Old", "Old", "# Old\n"),
    "the same text": ("# Old\n", "#Old", "Old", "# Old\n"),
    "first of two": ("# Old\n# Old\n", "#Old", "New", "# New\n# Old\n"),
    "path": ("# A\n## Old\n# B\n## Old\n", "#B#Old", "New", "# A\n## Old\n# B\n## New\n"),
    "emphasis": ("# The *old* one\n", "#The *old* one", "The **new**", "# The **new**\n"),
    "link in the heading": ("# See [[X]]\n", "#See X", "See Y", "# See Y\n"),
    "new text with a link": ("# See X\n", "#See X", "See [[X]]", "# See [[X]]\n"),
    "code in the heading": ("# `a` b\n", "#`a` b", "`c` d", "# `c` d\n"),
    "number sign in the text": ("# Old\n", "#Old", "C# and F#", "# C# and F#\n"),
    "pipe": ("# Old\n", "#Old", "a | b", "# a | b\n"),
    "other scripts": ("# Größe 日本\n", "#größe 日本", "Maße 🚀", "# Maße 🚀\n"),
    "block id stays": ("# Old ^id\n", "#Old id", "New", "# New ^id\n"),
    "block id stays, written again": ("# Old ^id\n", "#Old", "New ^id", "# New ^id\n"),
    "block id stays, text without it": ("# Old  ^id\n", "#Old", "New", "# New  ^id\n"),
    "block id of a heading": ("# Old ^id\n", "#^id", "new-id", "# Old ^new-id\n"),
    "block": ("text ^id\n", "#^id", "other", "text ^other\n"),
    "block, new id with a caret": ("text ^id\n", "#^id", "^other", "text ^other\n"),
    "block, other case": ("text ^Id\n", "#^ID", "x", "text ^x\n"),
    "block, only the case": ("text ^id\n", "#^id", "ID", "text ^ID\n"),
    "block on its own line": ("- a\n- b\n\n^id\n\ntext\n", "#^id", "x", "- a\n- b\n\n^x\n\ntext\n"),
    "block of a list item": ("- a ^id\n- b\n", "#^id", "x", "- a ^x\n- b\n"),
    "block of a nested item": ("- a\n\t- b ^id\n- c\n", "#^id", "x", "- a\n\t- b ^x\n- c\n"),
    "block of a table": (
        "|a|b|\n|-|-|\n|c|d|\n\n^id\n",
        "#^id",
        "x",
        "|a|b|\n|-|-|\n|c|d|\n\n^x\n",
    ),
    "block of a callout": ("> [!note]\n> a\n\n^id\n", "#^id", "x", "> [!note]\n> a\n\n^x\n"),
    "block, CRLF": ("text ^id\r\n\r\nmore\r\n", "#^id", "x", "text ^x\r\n\r\nmore\r\n"),
    "text like the heading stays": (
        "Old\n\n# Old\n\n```\n# Old\n```\n> # Old\n",
        "#Old",
        "New",
        "Old\n\n# New\n\n```\n# Old\n```\n> # Old\n",
    ),
}


@each(("before", "old", "new", "after"), TEXTS.values(), ids=TEXTS)
def test_only_the_name_changes(before: str, old: str, new: str, after: str) -> None:
    assert rename(before, (old, new)) == after


@pytest.mark.parametrize("new", ["C", "N#A#C", "N#C"])
def test_new_name_may_repeat_the_parents_of_the_old_one(
    tmp_path: Path, run: RunCommand, new: str
) -> None:
    vault = create_vault(tmp_path / "vault", {"N.md": "# A\n## B\n", "s.md": "[[N#A#B]]\n"})
    assert run("rename", "N#A#B", new, "--vault", vault).code == 0
    assert read_files(vault) == {"N.md": b"# A\n## C\n", "s.md": b"[[N#A#C]]\n"}


def test_several_names_change_at_once() -> None:
    text = "# A\n## B ^b\ntext ^c\n"
    changes = plan(text, ("#A", "B"), ("#A#B b", "A"), ("#^b", "c"), ("#^c", "b"))
    assert apply_edits(text, changes.edits) == "# B\n## A ^c\ntext ^b\n"
    assert changes.subpaths.new_subpath("#^b", WIKILINK) == "#^c"
    assert changes.subpaths.new_subpath("#^c", WIKILINK) == "#^b"


# -- links to the note ------------------------------------------------------------------------------------------------

DUPLICATES = "# A\n## B\ntext\n# C\n## B\n"
LINKS: Mapping[str, tuple[str, Sequence[tuple[str, str]], Mapping[str, str]]] = {
    "heading": ("# Old\n# Other\n", [("#Old", "New")], {"#Old": "#New", "#Other": "#Other"}),
    "case and marks of the old link": ("# Old: x\n", [("#Old x", "New")], {"#old:  X": "#New"}),
    "several number signs": ("# Old\n", [("#Old", "New")], {"##Old": "##New", "# Old": "# New"}),
    "case of the heading": ("# Old\n", [("#Old", "OLD!")], {"#Old": "#Old"}),
    "characters that a link can't have": (
        "# Old\n",
        [("#Old", "C# [x|y] ^ \\ z: 1")],
        {"#Old": "#C x y z 1"},
    ),
    "emphasis": ("# Old\n", [("#Old", "The *new* `one`")], {"#Old": "#The new one"}),
    "link in the new text": ("# Old\n", [("#Old", "See [[X|y]]")], {"#Old": "#See X y"}),
    "missing heading": ("# Old\n", [("#Old", "New")], {"#None": "#None", "#^old": "#New"}),
    "path, last part": ("# A\n## Old\n", [("#Old", "New")], {"#A#Old": "#A#New", "#A": "#A"}),
    "path, first part": ("# Old\n## B\n", [("#Old", "New")], {"#Old#B": "#New#B", "#B": "#B"}),
    "path, middle": ("# A\n## Old\n### C\n", [("#Old", "New")], {"#a#old#c": "#a#New#c"}),
    "path, all parts": (
        "# A\n## B\n",
        [("#A", "X"), ("#B", "Y")],
        {"#A#B": "#X#Y", "#A # B": "#X # Y", "#A": "#X", "#B": "#Y"},
    ),
    "first of two": (
        DUPLICATES,
        [("#B", "X")],
        {"#B": "#X", "#A#B": "#A#X", "#C#B": "#C#B"},
    ),
    "second of two": (DUPLICATES, [("#C#B", "X")], {"#B": "#B", "#A#B": "#A#B", "#C#B": "#C#X"}),
    "new text is that of a later heading": (
        "# A\n## Old\n# C\n## B\n",
        [("#Old", "B")],
        {"#Old": "#B", "#A#Old": "#A#B", "#B": "#C#B", "#C#B": "#C#B"},
    ),
    "new text is that of an earlier heading": (
        "# A\n## B\n# C\n## Old\n",
        [("#Old", "B")],
        {"#Old": "#C#B", "#B": "#B", "#C#Old": "#C#B", "#A#Old": "#C#B"},
    ),
    "three levels are needed": (
        "# X\n## P\n### B\n# Y\n## P\n### Old\n",
        [("#Old", "B")],
        {"#Old": "#Y#B", "#B": "#B", "#P#B": "#P#B"},
    ),
    "swap": (
        "# A\ntext\n# B\n",
        [("#A", "B"), ("#B", "A")],
        {"#A": "#B", "#B": "#A", "#a": "#B"},
    ),
    "swap of parent and child": (
        "# A\n## B\n",
        [("#A", "B"), ("#B", "A")],
        {"#A#B": "#B#A", "#A": "#B", "#B": "#A"},
    ),
    "chain": (
        "# A\n# B\n# C\n",
        [("#A", "B"), ("#B", "C"), ("#C", "D")],
        {"#A": "#B", "#B": "#C", "#C": "#D"},
    ),
    "block": ("a ^id\n\nb ^c\n", [("#^id", "x")], {"#^id": "#^x", "#^ID": "#^x", "#^c": "#^c"}),
    "block, only the case": ("a ^id\n", [("#^id", "ID")], {"#^id": "#^id"}),
    "repeated block id": ("a ^id\n\nb ^id\n", [("#^id", "x")], {"#^id": "#^x"}),
    "block id of a heading": (
        "# Old ^id\n",
        [("#^id", "x")],
        {"#^id": "#^x", "#Old id": "#Old x", "#Old ^id": "#Old x"},
    ),
    "heading with a block id": (
        "# Old ^id\n",
        [("#Old", "New")],
        {"#^id": "#^id", "#Old id": "#New id", "#Old": "#Old"},
    ),
    "block takes the name of a heading": (
        "# Note\n\na ^id\n",
        [("#^id", "note")],
        {"#^id": "#^note", "#^note": "#Note", "#note": "#note"},
    ),
}


@each(("text", "renames", "links"), LINKS.values(), ids=LINKS)
def test_links_follow(
    text: str, renames: Sequence[tuple[str, str]], links: Mapping[str, str]
) -> None:
    changes = plan(text, *renames)
    assert {link: changes.subpaths.new_subpath(link, WIKILINK) for link in links} == links


GITHUB: Mapping[str, tuple[str, Sequence[tuple[str, str]], Mapping[str, str]]] = {
    "anchor": ("# Old one\n", [("#Old one", "Quite new!")], {"#old-one": "#quite-new"}),
    "text": ("# Old one\n", [("#Old one", "Quite new!")], {"#Old one": "#Quite new!"}),
    "both fit, before": ("# Old\n", [("#Old", "Quite new")], {"#old": "#Quite new"}),
    "both fit": ("# Old\n", [("#Old", "New")], {"#old": "#new", "#Old": "#New"}),
    "other heading": ("# A b\n# Old\n", [("#Old", "New")], {"#a-b": "#a-b"}),
    "counters": (
        "# Old x\n# Old x\n# Old x\n",
        [("#Old x", "New")],
        {"#old-x-1": "#old-x", "#old-x-2": "#old-x-1", "#old-x": "#new"},
    ),
    "counters, new duplicate": (
        "# A b\n# A c\n",
        [("#A c", "A b")],
        {"#a-c": "#a-b-1", "#a-b": "#a-b"},
    ),
    "id in braces": ("# Old one {#x-y}\n", [("#Old one x-y", "New")], {"#x-y": "#new"}),
    "the new anchor is a heading's text": (
        "# Old one\n# a-b\n",
        [("#Old one", "A b")],
        {"#old-one": "#A b"},
    ),
    "no anchor": ("# Old one\n", [("#Old one", "🚀")], {"#old-one": "#🚀"}),
}


@each(("text", "renames", "links"), GITHUB.values(), ids=GITHUB)
def test_markdown_links_follow(
    text: str, renames: Sequence[tuple[str, str]], links: Mapping[str, str]
) -> None:
    changes = plan(text, *renames)
    assert {link: changes.subpaths.new_subpath(link, MARKDOWN) for link in links} == links


def test_wikilinks_with_anchors_of_github_stay() -> None:
    assert (
        plan("# Old one\n", ("#Old one", "New")).subpaths.new_subpath("#old-one", WIKILINK)
        == "#old-one"
    )


def test_captures_are_named() -> None:
    changes = plan("# Old\ntext ^a\n", ("#Old", "New"), ("#^a", "b"))
    asked = ("#New", "#^b", "#Old", "#^a", "#Other", "#new", "#Old#New")
    assert [item for item in asked if changes.subpaths.captures(item)] == ["#New", "#^b", "#new"]


# -- refusals ---------------------------------------------------------------------------------------------------------

REFUSED: Mapping[str, tuple[str, str, str, str]] = {
    "no heading": ("# A\n", "#B", "C", "no heading “#B”"),
    "no block": ("a ^a\n", "#^b", "c", "no block “#^b”"),
    "no subpath": ("# A\n", "#", "C", "no heading “#”"),
    "heading in code": ("```\n# A\n```\n", "#A", "C", "no heading “#A”"),
    "heading in a quote": ("> # A\n", "#A", "C", "no heading “#A”"),
    "path to another section": ("# A\n# B\n", "#A#B", "C", "no heading “#A#B”"),
    "empty": ("# A\n", "#A", " ", "is empty"),
    "several lines": ("# A\n", "#A", "B\nC", "line breaks"),
    "carriage return": ("# A\n", "#A", "B\rC", "line breaks"),
    "closing hashes": ("# A\n", "#A", "B #", "would become “B”, level 1, instead of “B #”"),
    "only hashes": ("# A\n", "#A", "##", "would become “”"),
    "block id": ("# A\n", "#A", "B ^id", "ends with a block id"),
    "second block id": ("# A ^a\n", "#A", "B ^b", "ends with a block id"),
    "heading that is a block id": ("# ^a\n\ntext\n", "#a", "b", "block ids would be added"),
    "heading in an underlined one": ("A\n---\n", "#A", "# B", "would become “B”, level 1"),
    "list in an underlined one": ("A\n---\n", "#A", "```", "0 headings instead of 1"),
    "comment": ("# A\n\n[[x]]\n", "#A", "%% B", "starts a comment"),
    "backlinks section": (
        "text\n\n## A\n\nCup – [[cup | Cup]]\n",
        "#A",
        "Add backlinks using these topics",
        "backlinks section",
    ),
    "block id with a space": ("a ^a\n", "#^a", "b c", "not a block id"),
    "block id with an underscore": ("a ^a\n", "#^a", "b_c", "not a block id"),
    "empty block id": ("a ^a\n", "#^a", "", "not a block id"),
    "block id of another block": ("a ^a\n\nb ^B\n", "#^a", "b", "a block “^b” already"),
}


@each(("text", "old", "new", "reason"), REFUSED.values(), ids=REFUSED)
def test_refusals_say_why(text: str, old: str, new: str, reason: str) -> None:
    with pytest.raises(RefusedError) as refused:
        plan(text, (old, new))
    assert reason in str(refused.value)


def test_heading_is_renamed_once() -> None:
    with pytest.raises(RefusedError, match="twice"):
        plan("# A\n", ("#A", "B"), ("#a", "C"))


def test_heading_of_a_managed_section_is_refused() -> None:
    text = "# A\n\n<!-- vaultlink:backlinks -->\n\n## Add backlinks\n\n- [[x]]\n\n<!-- /vaultlink:backlinks -->\n"
    with pytest.raises(RefusedError, match="vaultlink writes"):
        plan(text, ("#Add backlinks", "B"))


@each(
    ("text", "rename_one", "link", "reason"),
    [
        ("# A\n# B\n", ("#A", "B"), "#B", "“#B” would lead to the heading “B” (line 1)"),
        ("# A\n# B\n", ("#B", "A"), "#B", "“#A” would lead to the heading “A” (line 1)"),
        ("# P\n## A\n## B\n", ("#A", "B"), "#P#B", "links with “#P#B” to the heading “B” (line 3)"),
        ("# A\n", ("#A", "***"), "#A", "a link can't name a heading with the text “***”"),
    ],
)
def test_links_that_can_not_follow_are_refused(
    text: str, rename_one: tuple[str, str], link: str, reason: str
) -> None:
    changes = plan(text, rename_one)
    with pytest.raises(RefusedError) as refused:
        changes.subpaths.new_subpath(link, WIKILINK)
    assert reason in str(refused.value)


# -- random notes -----------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["A", "B", "a!", "C d", "c-d", "*B*", "A ^id", "[[B]]"])
HEADINGS = st.lists(st.tuples(st.integers(1, 4), NAMES), min_size=1, max_size=7)
SUBPATHS = st.lists(
    st.sampled_from(["A", "B", "C d", "c-d", "^id", "a id"]), min_size=1, max_size=3
)


@given(HEADINGS, st.data(), st.lists(SUBPATHS, min_size=1, max_size=12), st.sampled_from(LinkKind))
def test_links_lead_to_the_same_headings(
    headings: list[tuple[int, str]], data: st.DataObject, paths: list[list[str]], kind: LinkKind
) -> None:
    text = "".join(f"{'#' * level} {name}\n\ntext\n\n" for level, name in headings)
    before = parse(text)
    subpaths = ["#" + "#".join(path) for path in paths]
    renamed = data.draw(st.lists(st.sampled_from(subpaths), max_size=3, unique=True))
    texts = data.draw(st.lists(st.sampled_from(["A", "B", "new", "N e", "c-d"]), min_size=3))
    try:
        changes = plan(text, *zip(renamed, texts, strict=False))
    except RefusedError:
        assume(False)
    after = parse(apply_edits(text, changes.edits))
    for subpath in subpaths:
        try:
            new = changes.subpaths.new_subpath(subpath, kind)
        except RefusedError:
            continue
        was, now = find_anchor(before, subpath), find_anchor(after, new)
        if was is not None:
            assert now is not None
            assert number_of(before, was) == number_of(after, now)
        elif kind is WIKILINK or find_slug_heading(before, subpath) is None:
            assert new == subpath
            assert changes.subpaths.captures(subpath) == (now is not None)


def number_of(note: Note, anchor: object) -> tuple[str, int]:
    """Return the kind and number of a heading or block."""
    for kind, items in (("heading", note.headings), ("block", note.blocks)):
        for number, item in enumerate(items):
            if item is anchor:
                return kind, number
    raise AssertionError(anchor)
