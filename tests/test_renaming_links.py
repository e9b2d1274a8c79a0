"""Links that follow renamed and moved files: what they become, and which stay as they are."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from running import create_vault
from tables import each
from vaultlink import Settings, open_vault
from vaultlink.fix.plan import Plan, Rename, RenameKind
from vaultlink.fix.sources import FixInputs
from vaultlink.refactor.planner import plan_renames
from vaultlink.refactor.relocation import RefusedError

OTHERS = {
    "Old.md": "# Old\n\n## Part\n\ntext ^id\n",
    "a/Twin.md": "twin\n",
    "b/c/Deep.md": "deep\n",
    "Deep (2).md": "deep\n",
    "img/p.png": "",
}
"""The notes beside the one that has the links; it is `s.md` if not stated otherwise."""

RENAMED = {"Old.md": "New name.md"}
MOVED = {"Old.md": "b/Old.md"}

FOLLOWING = {
    # wikilinks
    "plain": (RENAMED, "[[Old]]", "[[New name]]"),
    "display text": (RENAMED, "[[Old|Old]] [[Old|it]]", "[[New name|Old]] [[New name|it]]"),
    "heading": (RENAMED, "[[Old#Part]]", "[[New name#Part]]"),
    "block": (RENAMED, "[[Old#^id|x]]", "[[New name#^id|x]]"),
    "embed": (RENAMED, "![[Old]] ![[Old#Part]]", "![[New name]] ![[New name#Part]]"),
    "other case": (RENAMED, "[[oLD]]", "[[New name]]"),
    "only the case": (
        {"Old.md": "OLD.md"},
        "[[Old]] [x](Old.md) [[oLd]]",
        "[[OLD]] [x](OLD.md) [[oLd]]",
    ),
    "padded": (RENAMED, "[[ Old ]] [[Old | x]]", "[[ New name ]] [[New name | x]]"),
    "with extension": (RENAMED, "[[Old.md]] [[Old.MD]]", "[[New name.md]] [[New name.MD]]"),
    "relative": (RENAMED, "[[./Old]]", "[[./New name]]"),
    "rooted": (RENAMED, "[[/Old]]", "[[/New name]]"),
    "in a table": (
        RENAMED,
        "| a |\n|---|\n| [[Old\\|x]] [[Old]] |",
        "| a |\n|---|\n| [[New name\\|x]] [[New name]] |",
    ),
    "in a comment": (RENAMED, "%% [[Old]] %%", "%% [[New name]] %%"),
    "in a callout": (
        RENAMED,
        "> [!note] [[Old]]\n> [[Old]]",
        "> [!note] [[New name]]\n> [[New name]]",
    ),
    "in a heading": (RENAMED, "# See [[Old]]", "# See [[New name]]"),
    "empty pipe": (RENAMED, "[[Old|]]", "[[New name|]]"),
    # Markdown links
    "Markdown": (RENAMED, "[Old](Old.md)", "[Old](New%20name.md)"),
    "Markdown without extension": (RENAMED, "[x](Old)", "[x](New%20name)"),
    "Markdown in angle brackets": (RENAMED, "[x](<Old.md>)", "[x](<New name.md>)"),
    "parentheses": (
        {"Old.md": "it's (2).md"},
        "[x](Old.md) [x](<Old.md>) [[Old]]",
        "[x](it%27s%20%282%29.md) [x](<it's (2).md>) [[it's (2)]]",
    ),
    "parentheses of the old name": (
        {"Deep (2).md": "Deep (3).md"},
        "[x](Deep%20(2).md#Part)",
        "[x](Deep%20%283%29.md#Part)",
    ),
    "parentheses in a heading that stays": (
        RENAMED,
        "[x](Old.md#Part%20(1))",
        "[x](New%20name.md#Part%20(1))",
    ),
    "percent sign": (
        {"Old.md": "50%.md"},
        "[x](Old.md) [x](<Old.md>) [[Old]]",
        "[x](50%25.md) [x](<50%25.md>) [[50%]]",
    ),
    "Markdown with title": (RENAMED, '[x](Old.md "t")', '[x](New%20name.md "t")'),
    "Markdown with heading": (RENAMED, "[x](Old.md#Part)", "[x](New%20name.md#Part)"),
    "Markdown with dot": (RENAMED, "[x](./Old.md)", "[x](./New%20name.md)"),
    "Markdown embed": (RENAMED, "![x](Old.md)", "![x](New%20name.md)"),
    "moved Markdown": (MOVED, "[x](Old.md) [y](./Old.md)", "[x](b/Old.md) [y](./b/Old.md)"),
    "definition": (
        RENAMED,
        '[x]\n\n[x]: Old.md#Part "t"\n[y]: <Old.md>\n',
        '[x]\n\n[x]: New%20name.md#Part "t"\n[y]: <New name.md>\n',
    ),
    # properties
    "single quotes": (RENAMED, "---\nr: '[[Old]]'\n---\n", "---\nr: '[[New name]]'\n---\n"),
    "double quotes": (RENAMED, '---\nr: "[[Old|x]]"\n---\n', '---\nr: "[[New name|x]]"\n---\n'),
    "list": (
        RENAMED,
        "---\nr:\n  - '[[Old]]'\n  - plain\n---\n",
        "---\nr:\n  - '[[New name]]'\n  - plain\n---\n",
    ),
    "block value": (
        RENAMED,
        "---\nr: >-\n  [[Old]]\nq: |-\n    [x](Old.md)\n---\n",
        "---\nr: >-\n  [[New name]]\nq: |-\n    [x](New%20name.md)\n---\n",
    ),
    "flow list": (RENAMED, '---\nr: ["[[Old]]", x]\n---\n', '---\nr: ["[[New name]]", x]\n---\n'),
    "apostrophe in single quotes": (
        {"Old.md": "It's.md"},
        "---\nr: '[[Old]]'\nq: \"[[Old]]\"\n---\n",
        "---\nr: '[[It''s]]'\nq: \"[[It's]]\"\n---\n",
    ),
    "Markdown property": (
        RENAMED,
        '---\nr: "[x](Old.md)"\n---\n',
        '---\nr: "[x](New%20name.md)"\n---\n',
    ),
    "link in the text of a link": (
        RENAMED | {"img/p.png": "img/q.png"},
        "[![x](img/p.png)](Old.md)",
        "[![x](img/q.png)](New%20name.md)",
    ),
    "anchor and tag": (
        RENAMED,
        "---\nr: &r \"[[Old]]\"\nq: !!str &q\n  '[[Old|x]]'\np: &p !!str >-\n  [[Old]]\n---\n",
        "---\nr: &r \"[[New name]]\"\nq: !!str &q\n  '[[New name|x]]'\np: &p !!str >-\n"
        "  [[New name]]\n---\n",
    ),
    "YAML alias": (
        RENAMED,
        '---\nr: &r ["[[Old]]", x]\nq: *r\np: &p "[[Old]]"\no: [*p, *p]\n---\n',
        '---\nr: &r ["[[New name]]", x]\nq: *r\np: &p "[[New name]]"\no: [*p, *p]\n---\n',
    ),
    # paths
    "moved to a namesake's name": ({"Old.md": "a/b/Twin.md"}, "[[Old]]", "[[a/b/Twin|Twin]]"),
    "namesake keeps its links": ({"Old.md": "Twin.md"}, "[[Twin]]", "[[a/Twin|Twin]]"),
    "namesake in a path": ({"Old.md": "Twin.md"}, "[[a/Twin]] [[Old]]", "[[a/Twin]] [[Twin]]"),
    "path": ({"b/c/Deep.md": "x/Deep.md"}, "[[b/c/Deep]]", "[[x/Deep]]"),
    "end of a path": ({"b/c/Deep.md": "b/c/Low.md"}, "[[c/Deep]]", "[[c/Low]]"),
    "folder": ({"b/c/Deep.md": "b/d/Deep.md"}, "[[c/Deep|x]]", "[[d/Deep|x]]"),
    "attachment": (
        {"img/p.png": "img/q.png"},
        "![[p.png|100]] ![](img/p.png)",
        "![[q.png|100]] ![](img/q.png)",
    ),
    "moved attachment": (
        {"img/p.png": "p.png"},
        "![[img/p.png]] ![](img/p.png)",
        "![[p.png]] ![](p.png)",
    ),
    # several in a line, and bytes that stay
    "several": (
        RENAMED,
        "😀 [[Old]]é[[Old]] [[Old|[[]]\r\n[[Old]]",
        "😀 [[New name]]é[[New name]] [[Old|[[]]\r\n[[New name]]",
    ),
}
"""Moves, a text before and the text after."""

STAYING = {
    "bare name of a moved note": (MOVED, "[[Old]] ![[Old]] [[Old|x]] [[Old#Part]]"),
    "code": (RENAMED, "`[[Old]]`\n\n```\n[[Old]]\n```\n\n    [[Old]]"),
    "math": (RENAMED, "$[[Old]]$\n\n$$\n[[Old]]\n$$"),
    "HTML comment": (RENAMED, "<!-- [[Old]] -->"),
    "HTML attribute": (RENAMED, '<a href="Old.md">x</a>'),
    "escaped": (RENAMED, "\\[[Old]]"),
    "definition in code": (RENAMED, "```\n[x]: Old.md\n```"),
    "external definition": (RENAMED, "[x]: https://x.org/Old.md"),
    "URL": (RENAMED, "https://x.org/Old.md [x](https://x.org/Old.md)"),
    "text": (RENAMED, "Old, Old.md, [Old], #Old"),
    "property text": (RENAMED, "---\nr: Old\nq: Old.md\naliases: [Old]\n---\n"),
    "other names": (RENAMED, "[[Older]] [[a/Old]] [[Old/x]] [[Twin]] [[Deep#Old]]"),
    "Markdown link by name": (MOVED, "[x](Deep.md) [y](Twin.md)"),
}


@each(("files", "before", "after"), FOLLOWING.values(), ids=FOLLOWING.keys())
def test_links_follow(tmp_path: Path, files: dict[str, str], before: str, after: str) -> None:
    assert follow(tmp_path / "vault", before, files) == after


@each(("files", "text"), STAYING.values(), ids=STAYING.keys())
def test_other_text_stays(tmp_path: Path, files: dict[str, str], text: str) -> None:
    assert plan_moves(tmp_path / "vault", {**OTHERS, "s.md": text}, files).texts == {}


LINKS_OUT = {
    "relative Markdown": ("[x](Twin.md)", "[x](../Twin.md)"),
    "relative Markdown below": ("[x](d/e.md) ![](d/p.png)", "[x](../d/e.md) ![](../d/p.png)"),
    "relative wikilink": ("[[../Old]] [[./Twin]]", "[[../../Old]] [[../Twin]]"),
    "self link": ("[[#H]] [x](#H) [[s]] [[s#H]] [x](s.md)", None),
    "by name": ("[[Twin]] [[Old]] [[a/Twin]]", None),
    "rooted": ("[x](/a/Twin.md)", None),
    "unresolved": ("[[nowhere]] [x](nowhere.md) [y](../nowhere.md)", None),
}
"""Links of `a/s.md` before and after it moved to `a/m/s.md`; None if they stay."""


@each(("before", "after"), LINKS_OUT.values(), ids=LINKS_OUT.keys())
def test_links_of_a_moved_note(tmp_path: Path, before: str, after: str | None) -> None:
    others = {**OTHERS, "a/d/e.md": "", "a/d/p.png": ""}
    text = f"{before}\n\n# H\n"
    plan = plan_moves(tmp_path / "vault", {**others, "a/s.md": text}, {"a/s.md": "a/m/s.md"})
    assert plan.texts.get("a/s.md", (text, text))[1] == f"{after or before}\n\n# H\n"


def test_links_of_a_renamed_note_to_itself(tmp_path: Path) -> None:
    text = "[[s]] [[s#H]] [[#H]] [x](s.md#H)\n\n# H\n"
    plan = plan_moves(tmp_path / "vault", {"s.md": text}, {"s.md": "t.md"})
    assert plan.texts["s.md"][1] == "[[t]] [[t#H]] [[#H]] [x](t.md#H)\n\n# H\n"


def test_swapped_names(tmp_path: Path) -> None:
    notes = {"a.md": "[[b]]", "b.md": "[[a]]", "c.md": "[[a]] [[b]] [[a|x]]"}
    plan = plan_moves(tmp_path / "vault", notes, {"a.md": "b.md", "b.md": "a.md"})
    assert {path: after for path, (_, after) in plan.texts.items()} == {
        "a.md": "[[a]]",
        "b.md": "[[b]]",
        "c.md": "[[b]] [[a]] [[b|x]]",
    }


def test_chain_of_names(tmp_path: Path) -> None:
    notes = {"1.md": "", "2.md": "", "s.md": "[[1]] [[2]] [[3]]"}
    plan = plan_moves(tmp_path / "vault", notes, {"1.md": "2.md", "2.md": "3.md"})
    assert plan.texts["s.md"][1] == "[[2]] [[3]] [[3]]"
    assert [(link.raw, link.target) for link in plan.captured] == [("[[3]]", "3.md")]


def test_links_to_a_heading_with_a_renamed_link_follow(tmp_path: Path) -> None:
    notes = {"Old.md": "", "t.md": "# See [[Old]]\n", "s.md": "[[t#See Old]] [[t#See Old|x]]"}
    plan = plan_moves(tmp_path / "vault", notes, RENAMED)
    assert plan.texts["t.md"][1] == "# See [[New name]]\n"
    assert plan.texts["s.md"][1] == "[[t#See New name]] [[t#See New name|x]]"


def test_a_heading_with_a_link_gets_a_text_without(tmp_path: Path) -> None:
    notes = {"t.md": "[[x]]\n# The role of [[x]]\n[[x]]", "x.md": "", "s.md": "[[t#The role of x]]"}
    opened = open_vault(create_vault(tmp_path / "vault", notes), Settings(cache=False))
    rename = Rename(RenameKind.HEADING, "t.md#The role of [[x]]", "t.md#Role")
    sources = FixInputs(opened.text)
    plan = plan_renames(opened.state, sources, [rename], {}, {})
    assert plan.texts["t.md"][1] == "[[x]]\n# Role\n[[x]]"
    assert plan.texts["s.md"][1] == "[[t#Role]]"


def test_entries_of_an_authors_section_follow(tmp_path: Path) -> None:
    section = "# t\n\n## Add backlinks using these topics\n\n- Old — [[Old]]\n- A title — [[Old]]\n"
    plan = plan_moves(tmp_path / "vault", {"Old.md": "", "t.md": section}, RENAMED)
    assert plan.texts["t.md"][1] == section.replace("- Old", "- New name").replace(
        "[[Old]]", "[[New name]]"
    )


SECTION = "# t\n\nAdd backlinks using these topics\nPart – [[Deep]]\n"


@each(
    ("entry", "after"),
    [
        ("The old one [[the_old_one]]", "The old one [[Renamed 2 of x|the_old_one]]"),
        ("The old one: [[the_old_one]]", "The old one: [[Renamed 2 of x|the_old_one]]"),
        ("The old one – [[the_old_one]]", "The old one – [[Renamed 2 of x]]"),
        ("The old one [[the_old_one|The old one]]", "The old one [[Renamed 2 of x|The old one]]"),
        ("the_old_one [[the_old_one]]", "Renamed 2 of x [[Renamed 2 of x]]"),
        ("- [[the_old_one]]", "- [[Renamed 2 of x]]"),
        ("See also this [[the_old_one]]", "See also this [[Renamed 2 of x]]"),
    ],
)
def test_entry_is_still_one_after_a_rename(tmp_path: Path, entry: str, after: str) -> None:
    notes = {"the_old_one.md": "", "b/c/Deep.md": "", "t.md": f"{SECTION}{entry}\n"}
    plan = plan_moves(tmp_path / "vault", notes, {"the_old_one.md": "Renamed 2 of x.md"})
    assert plan.texts["t.md"][1] == f"{SECTION}{after}\n"
    parts = [state.index.notes["t.md"].sections[0].entries for state in (plan.before, plan.after)]
    assert len(parts[0]) == len(parts[1])


def test_a_managed_section_stays_in_step(tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "vault", {"Old.md": "See [[t]].\n", "t.md": "# t\n"})
    opened = open_vault(vault, Settings(cache=False, overrides={"backlinks": {"mode": "write"}}))
    written = opened.fixer.write(opened.fixer.plan(), "test", "test")
    assert written.written == ("t.md",)
    before = (vault / "t.md").read_text()
    plan = plan_moves_of(vault, RENAMED)
    assert plan.texts["t.md"] == (before, before.replace("Old", "New name"))


def test_entries_without_a_link_of_a_managed_section_stay(tmp_path: Path) -> None:
    section = (
        "# t\n\n<!-- vaultlink:backlinks -->\n\n**Add backlinks using these topics:**\n\n"
        "Only words\n\nOld – Old\n\nA site – [x](https://x.org)\n\nOld – [[Old]]\n\n"
        "<!-- /vaultlink:backlinks -->\n"
    )
    plan = plan_moves(tmp_path / "vault", {"Old.md": "", "t.md": section}, RENAMED)
    assert plan.texts["t.md"][1] == section.replace("Old – [[Old]]", "New name – [[New name]]")


def plan_moves_of(vault: Path, files: Mapping[str, str]) -> Plan:
    """Plan the moves of files in a vault on disk."""
    opened = open_vault(vault, Settings(cache=False))
    return plan_renames(opened.state, FixInputs(opened.text), (), files, files)


def test_a_note_that_would_be_read_differently_is_skipped(tmp_path: Path) -> None:
    odd = "_a [[Old | [1]]](Old) b [[Old | [2]]](Old)."
    plan = plan_moves(
        tmp_path / "vault", {"Old.md": "", "s.md": odd, "t.md": "[[Old]]"}, {"Old.md": "co_ 1.md"}
    )
    assert list(plan.texts) == ["t.md"]
    assert [note.path for note in plan.skipped] == ["s.md"]
    with pytest.raises(RefusedError, match=r"^Old\.md: .* Nothing was written\.$"):
        plan_moves(tmp_path / "own", {"Old.md": odd}, {"Old.md": "co_ 1.md"})


CANVAS = """{
  "nodes":[
    {"id":"1","type":"file","file":"Old.md","subpath":"#Part"},
    {"id":"2","type":"text","text":"see [[Old]]\\nand `[[Old]]` \\u00e4 [x](Old.md)"},
    {"id":"3","type":"group","background":"img/p.png"},
    {"id":"4","type":"file","file":"img/p.png"},
    {"id":"5","type":"text","text":"Old.md img/p.png"}
  ]
}"""


def test_a_canvas_follows_by_span(tmp_path: Path) -> None:
    files = {"Old.md": "x/New.md", "img/p.png": "q.png"}
    plan = plan_moves(tmp_path / "vault", {**OTHERS, "c.canvas": CANVAS}, files)
    assert plan.texts["c.canvas"][1] == (
        CANVAS.replace('"file":"Old.md"', '"file":"x/New.md"')
        .replace("see [[Old]]", "see [[New]]")
        .replace("(Old.md)", "(New.md)")
        .replace('":"img/p.png"', '":"q.png"')
    )


@each(
    ("moved", "background"),
    [({"img/p.png": "q.png"}, "q.png"), ({"Old.md": "New.md"}, "img/p.png")],
    ids=["the image moves", "a note moves"],
)
def test_an_image_that_is_only_a_background_is_followed(
    tmp_path: Path, moved: dict[str, str], background: str
) -> None:
    canvas = '{"nodes":[{"id":"1","type":"group","background":"%s"}]}'
    notes = {**OTHERS, "c.canvas": canvas % "img/p.png"}
    plan = plan_moves(tmp_path / "vault", notes, moved)
    assert plan.texts.get("c.canvas", ("", canvas % "img/p.png"))[1] == canvas % background


def test_a_note_that_must_not_be_changed_is_skipped(tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "vault", {"Old.md": "", "s.md": "[[Old]]", "t.md": "[[Old]]"})
    opened = open_vault(vault, Settings(cache=False))
    sources = FixInputs(lambda path: None if path == "s.md" else opened.text(path))
    plan = plan_renames(opened.state, sources, (), RENAMED, RENAMED)
    assert [note.path for note in plan.skipped] == ["s.md"]
    assert list(plan.texts) == ["t.md"]


TAKEN = {
    "a link without text": ("[[Old]]", "[[b/Twin|Twin]]", "[[b/Twin]]"),
    "a link with a text": ("[[Old|it]]", "[[b/Twin|it]]", "[[b/Twin|it]]"),
    "a heading": ("[[Old#Part]]", "[[b/Twin#Part|Twin > Part]]", "[[b/Twin#Part]]"),
    "a table": (
        "| a |\n|---|\n| [[Old]] |",
        "| a |\n|---|\n| [[b/Twin\\|Twin]] |",
        "| a |\n|---|\n| [[b/Twin]] |",
    ),
    "a property": (
        '---\nr: "[[Old]]"\n---\n',
        '---\nr: "[[b/Twin|Twin]]"\n---\n',
        '---\nr: "[[b/Twin]]"\n---\n',
    ),
    "an embed": ("![[Old]]", "![[b/Twin]]", "![[b/Twin]]"),
    "a path that was there": ("[[./Old]]", "[[./b/Twin]]", "[[./b/Twin]]"),
    "the namesake": ("[[Twin]]", "[[a/Twin|Twin]]", "[[a/Twin]]"),
    "a Markdown link": ("[Old](Old.md)", "[Old](b/Twin.md)", "[Old](b/Twin.md)"),
}
"""A link; after the note got a name that is taken; the same without display texts."""


@each("text", TAKEN)
def test_link_that_gets_a_path_shows_the_name(tmp_path: Path, text: str) -> None:
    before, with_text, without = TAKEN[text]
    vault = create_vault(tmp_path / "vault", {**OTHERS, "s.md": before})
    files = {"Old.md": "b/Twin.md"}
    opened = open_vault(vault, Settings(cache=False))
    for expected, adds_display in ((with_text, True), (without, False)):
        plan = plan_renames(
            opened.state, FixInputs(opened.text), (), files, files, adds_display=adds_display
        )
        assert plan.texts["s.md"] == (before, expected)


def test_link_in_a_card_that_gets_a_path_shows_the_name(tmp_path: Path) -> None:
    canvas = '{"nodes":[{"id":"1","type":"text","text":"see [[Old]]"}]}'
    vault = create_vault(tmp_path / "vault", {**OTHERS, "c.canvas": canvas})
    files = {"Old.md": "b/Twin.md"}
    opened = open_vault(vault, Settings(cache=False))
    for link, adds_display in (("[[b/Twin|Twin]]", True), ("[[b/Twin]]", False)):
        plan = plan_renames(
            opened.state, FixInputs(opened.text), (), files, files, adds_display=adds_display
        )
        assert plan.texts["c.canvas"][1] == canvas.replace("[[Old]]", link)


def plan_moves(root: Path, notes: Mapping[str, str], files: Mapping[str, str]) -> Plan:
    """Plan the moves of files in a new vault."""
    return plan_moves_of(create_vault(root, notes), files)


def follow(root: Path, text: str, files: Mapping[str, str]) -> str:
    """Return the text of `s.md` after files moved."""
    plan = plan_moves(root, {**OTHERS, "s.md": text}, files)
    assert plan.skipped == ()
    return plan.texts["s.md"][1] or ""
