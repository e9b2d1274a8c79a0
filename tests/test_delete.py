"""Tests of plans to delete notes, attachments and folders: what becomes of the links to them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from builder import build_state, make_settings
from tables import each
from vaultlink.fix.plan import DeletedThing, Plan, RenameKind
from vaultlink.fix.sources import FixInputs
from vaultlink.index.resolve import is_canvas, is_note
from vaultlink.links.edit_math import apply_edits
from vaultlink.links.kinds import SYNTAX
from vaultlink.refactor.delete import (
    Disposal,
    LinkChoice,
    ReferenceKind,
    find_references,
    find_unused_attachments,
    list_deleted_files,
    plan_delete,
)
from vaultlink.refactor.relocation import RefusedError

UNLINK, REDIRECT, LEAVE = LinkChoice.UNLINK, LinkChoice.REDIRECT, LinkChoice.LEAVE
FILES = {"Note.md": "# Note\n\n## H\n\nx ^b\n", "Other.md": "## H\n", "B.md": "", "img/a.png": ""}


def thing(path: str) -> DeletedThing:
    kind = RenameKind.FOLDER if path.endswith("/") else RenameKind.ATTACHMENT
    return DeletedThing(RenameKind.NOTE if is_note(path) else kind, path.rstrip("/"))


def plan(
    vault: Mapping[str, str],
    choice: LinkChoice | None,
    paths: Sequence[str] = ("Note.md",),
    to: str = "Other.md",
    **settings: Any,
) -> Plan:
    state = build_state(vault, make_settings(**settings))
    things = [thing(path) for path in paths]
    inputs = FixInputs(lambda path: vault[path] if is_note(path) or is_canvas(path) else None)
    to = to if choice is REDIRECT else ""
    return plan_delete(state, inputs, things, Disposal(), choice, to)


def change(text: str, choice: LinkChoice, path: str = "a.md", **more: Any) -> str:
    """Return a text that links to `Note.md` after this was deleted."""
    vault = {**FILES, path: text}
    done = plan(vault, choice, **more)
    assert done.skipped == ()
    edits = done.edits.get(path, ())
    assert done.texts.keys() <= {path, *FILES}
    after = apply_edits(text, edits)
    assert done.texts.get(path, (text, text)) == (text, after)
    return after


TABLE = "| a | b |\n|---|---|\n| {} | c |\n"

LINKS: Mapping[str, tuple[str, str, str]] = {
    # the text, then with --unlink, then with --to Other
    "wikilink": ("x [[Note]] y\n", "x Note y\n", "x [[Other|Note]] y\n"),
    "display text": ("x [[Note|n]] y\n", "x n y\n", "x [[Other|n]] y\n"),
    "display text that is the new name": ("[[Note|Other]]\n", "Other\n", "[[Other]]\n"),
    "other case": ("[[note]]\n", "note\n", "[[Other|note]]\n"),
    "with extension": ("[[Note.md]]\n", "Note.md\n", "[[Other.md|Note.md]]\n"),
    "heading that both have": ("[[Note#H]]\n", "Note > H\n", "[[Other#H|Note > H]]\n"),
    "heading that only it has": ("[[Note#Note]]\n", "Note > Note\n", "[[Other|Note > Note]]\n"),
    "block": ("x [[Note#^b|n]]\n", "x n\n", "x [[Other|n]]\n"),
    "Markdown link": ("x [t](Note.md) y\n", "x t y\n", "x [t](Other.md) y\n"),
    "title": ('[t](Note.md "x")\n', "t\n", '[t](Other.md "x")\n'),
    "angle brackets": ("[t](<Note.md>)\n", "t\n", "[t](<Other.md>)\n"),
    "emphasis": ("**[[Note]]**\n", "**Note**\n", "**[[Other|Note]]**\n"),
    "heading": ("# On [[Note]]\n", "# On Note\n", "# On [[Other|Note]]\n"),
    "comment": ("%% [[Note]] %%\n", "%% Note %%\n", "%% [[Other|Note]] %%\n"),
    "table": (TABLE.format("[[Note]]"), TABLE.format("Note"), TABLE.format("[[Other\\|Note]]")),
    "table with text": (
        TABLE.format("[[Note\\|n]]"),
        TABLE.format("n"),
        TABLE.format("[[Other\\|n]]"),
    ),
    "list": ("- [[Note]]\n- b\n", "- Note\n- b\n", "- [[Other|Note]]\n- b\n"),
    "task": ("- [ ] [[Note]]\n", "- [ ] Note\n", "- [ ] [[Other|Note]]\n"),
    "image in the text": (
        "[![x](img/a.png)](Note.md)\n",
        "![x](img/a.png)\n",
        "[![x](img/a.png)](Other.md)\n",
    ),
    # embeds
    "embed": ("a\n\n![[Note]]\n\nb\n", "a\n\nb\n", "a\n\n![[Other]]\n\nb\n"),
    "embed at the start": ("![[Note]]\n\nb\n", "b\n", "![[Other]]\n\nb\n"),
    "embed at the end": ("a\n\n![[Note]]\n", "a\n", "a\n\n![[Other]]\n"),
    "embed at the end, no line end": ("a\n\n![[Note]]", "a", "a\n\n![[Other]]"),
    "embed between lines": ("a\n![[Note]]\nb\n", "a\nb\n", "a\n![[Other]]\nb\n"),
    "embed between blank lines": (
        "a\n\n![[Note]]\n\n\nb\n",
        "a\n\nb\n",
        "a\n\n![[Other]]\n\n\nb\n",
    ),
    "embed below properties": (
        "---\nx: 1\n---\n![[Note]]\n\n---\n\nb\n",
        "---\nx: 1\n---\n---\n\nb\n",
        "---\nx: 1\n---\n![[Other]]\n\n---\n\nb\n",
    ),
    "embed in a sentence": ("a ![[Note]] b\n", "a b\n", "a ![[Other]] b\n"),
    "embed at the end of a line": ("a ![[Note]]\nb\n", "a\nb\n", "a ![[Other]]\nb\n"),
    "embeds in one line": ("a\n\n![[Note]] ![[Note#H]]\n", "a\n", "a\n\n![[Other]] ![[Other#H]]\n"),
    "embed as an item": ("- a\n- ![[Note]]\n- b\n", "- a\n- b\n", "- a\n- ![[Other]]\n- b\n"),
    "embed with items below": (
        "- ![[Note]]\n  - b\n",
        "-\n  - b\n",
        "- ![[Other]]\n  - b\n",
    ),
    "embed in a callout": (
        "> [!note] A\n> ![[Note]]\n> b\n",
        "> [!note] A\n> b\n",
        "> [!note] A\n> ![[Other]]\n> b\n",
    ),
    "embed at the end of a callout": (
        "> [!note] A\n> x\n>\n> ![[Note]]\n\nb\n",
        "> [!note] A\n> x\n\nb\n",
        "> [!note] A\n> x\n>\n> ![[Other]]\n\nb\n",
    ),
    "embed with Windows line ends": (
        "a\r\n\r\n![[Note]]\r\n\r\nb\r\n",
        "a\r\n\r\nb\r\n",
        "a\r\n\r\n![[Other]]\r\n\r\nb\r\n",
    ),
    # properties
    "property": (
        '---\nup: "[[Note]]"\n---\n',
        '---\nup: "Note"\n---\n',
        '---\nup: "[[Other|Note]]"\n---\n',
    ),
    "property with an apostrophe": (
        "---\nup: '[[Note#it''s]]'\n---\n",
        "---\nup: 'Note > it''s'\n---\n",
        "---\nup: '[[Other|Note > it''s]]'\n---\n",
    ),
    "item": (
        '---\nrel:\n  - "[[Note]]"\n  - "[[B]]"\n---\n',
        '---\nrel:\n  - "[[B]]"\n---\n',
        '---\nrel:\n  - "[[Other|Note]]"\n  - "[[B]]"\n---\n',
    ),
    "only item": (
        "---\nrel:\n  - '[[Note]]'\nb: 1\n---\n",
        "---\nrel: []\nb: 1\n---\n",
        "---\nrel:\n  - '[[Other|Note]]'\nb: 1\n---\n",
    ),
    "first item between brackets": (
        '---\nrel: ["[[Note]]", "[[B]]"]\n---\n',
        '---\nrel: ["[[B]]"]\n---\n',
        '---\nrel: ["[[Other|Note]]", "[[B]]"]\n---\n',
    ),
    "item on a line between brackets": (
        '---\nrel: [\n  "[[Note]]",\n  "[[B]]"\n]\n---\n',
        '---\nrel: [\n  "[[B]]"\n]\n---\n',
        '---\nrel: [\n  "[[Other|Note]]",\n  "[[B]]"\n]\n---\n',
    ),
    "last item between brackets": (
        '---\nrel: ["[[B]]", "[[Note|n]]"]\n---\n',
        '---\nrel: ["[[B]]"]\n---\n',
        '---\nrel: ["[[B]]", "[[Other|n]]"]\n---\n',
    ),
    "all items between brackets": (
        '---\nrel: ["[[Note]]", "[[Note|n]]"]\n---\n',
        "---\nrel: []\n---\n",
        '---\nrel: ["[[Other|Note]]", "[[Other|n]]"]\n---\n',
    ),
    # definitions of labels
    "label": ("[t][l] and [l]\n\n[l]: Note.md\n", "t and l\n", "[t][l] and [l]\n\n[l]: Other.md\n"),
    # sections
    "author's section": (
        "a\n\n## Add backlinks using these topics:\n\nNote – [[Note | Note]]  \nB – [[B | B]]\n",
        "a\n\n## Add backlinks using these topics:\n\nB – [[B | B]]\n",
        "a\n\n## Add backlinks using these topics:\n\nB – [[B | B]]\n",
    ),
    "list of backlinks": (
        "a\n\n## Backlinks\n\n- [[Note]]\n- [[B]]\n",
        "a\n\n## Backlinks\n\n- [[B]]\n",
        "a\n\n## Backlinks\n\n- [[Other]]\n- [[B]]\n",
    ),
    "backlink with a remark": (
        "a\n\n## Backlinks\n\n- [[Note]] — why\n- [[B]]\n",
        "a\n\n## Backlinks\n\n- Note — why\n- [[B]]\n",
        "a\n\n## Backlinks\n\n- [[Other]] — why\n- [[B]]\n",
    ),
}


@each(("text", "unlinked", "_redirected"), LINKS.values(), ids=LINKS)
def test_unlink(text: str, unlinked: str, _redirected: str) -> None:
    assert change(text, UNLINK) == unlinked


@each(("text", "_unlinked", "redirected"), LINKS.values(), ids=LINKS)
def test_to(text: str, _unlinked: str, redirected: str) -> None:
    assert change(text, REDIRECT) == redirected


@each(("text", "_unlinked", "_redirected"), LINKS.values(), ids=LINKS)
def test_leave(text: str, _unlinked: str, _redirected: str) -> None:
    done = plan({**FILES, "a.md": text}, LEAVE)
    assert done.texts == {}
    assert {place.path for place in done.breaks} == {"a.md"}


@each(("text", "_unlinked", "_redirected"), LINKS.values(), ids=LINKS)
def test_without_a_choice_nothing_is_planned(text: str, _unlinked: str, _redirected: str) -> None:
    with pytest.raises(RefusedError):
        plan({**FILES, "a.md": text}, None)


def test_every_kind_of_link_is_in_the_table() -> None:
    state = build_state({**FILES, **{f"{n}.md": item[0] for n, item in enumerate(LINKS.values())}})
    found = {link.kind for note in state.index.notes.values() for link in note.links}
    assert found == SYNTAX.keys()


# -- what stays -----------------------------------------------------------------------------------------------------

STAYS = {
    "no link": "Note, [Note], (Note.md)\n",
    "code": "`[[Note]]`\n",
    "code block": "```\n[[Note]]\n```\n",
    "HTML comment": "<!-- [[Note]] -->\n",
    "escaped": "\\[[Note]]\n",
    "math": "$[[Note]]$\n",
    "unquoted in properties": "---\nup: [[Note]]\n---\n",
    "other note": "[[Note 2]] [[x/Note]] [[Notes]]\n",
    "URL": "[t](https://Note.md) <https://a.b/Note.md>\n",
    "other place of that name": "[[#Note]]\n\n# Note\n",
}


@each("text", STAYS.values(), ids=STAYS)
@each("choice", [None, UNLINK, REDIRECT, LEAVE])
def test_other_text_stays(text: str, choice: LinkChoice | None) -> None:
    done = plan({**FILES, "a.md": text}, choice)
    assert (done.texts, done.breaks, done.edits) == ({}, (), {})


@each("choice", list(LinkChoice))
def test_links_to_a_note_of_that_name_elsewhere_stay(choice: LinkChoice) -> None:
    vault = {
        "x/Note.md": "",
        "y/Note.md": "",
        "Other.md": "",
        "a.md": "[[y/Note]] [n](y/Note.md)\n",
    }
    assert plan(vault, choice, ["x/Note.md"]).texts == {}


def test_a_link_that_is_left_and_would_lead_to_another_note_is_refused() -> None:
    vault = {"x/Note.md": "", "y/Note.md": "", "x/a.md": "[[Note]]\n", "Other.md": ""}
    with pytest.raises(RefusedError, match=r"\[\[Note\]\] in x/a\.md would lead to y/Note\.md"):
        plan(vault, LEAVE, ["x/Note.md"])
    assert plan(vault, UNLINK, ["x/Note.md"]).texts["x/a.md"][1] == "Note\n"
    assert plan(vault, REDIRECT, ["x/Note.md"], "y/Note.md").texts == {}


def test_links_to_a_heading_with_a_link_follow_it() -> None:
    vault = {**FILES, "a.md": "# On [[Note|it]]\n", "b.md": "[[a#On Note it]]\n"}
    after = plan(vault, UNLINK).texts
    assert after["a.md"][1] == "# On it\n"
    assert after["b.md"][1] in ("[[a#On it|a > On Note it]]\n", "[[a#On it]]\n")


def test_the_new_target_does_not_link_to_itself() -> None:
    vault = {**FILES, "Other.md": "see [[Note]] and [n](Note.md)\n", "a.md": "[[Note]]\n"}
    after = plan(vault, REDIRECT).texts
    assert after["Other.md"][1] == "see Note and n\n"
    assert after["a.md"][1] == "[[Other|Note]]\n"


def test_the_new_target_must_stay() -> None:
    with pytest.raises(RefusedError, match="is deleted, too"):
        plan({**FILES, "a.md": "[[Note]]"}, REDIRECT, to="Note.md")


# -- folders, attachments and several files -------------------------------------------------------------------------


def test_links_between_deleted_files_do_not_count() -> None:
    vault = {"P/a.md": "[[b]] ![[c.png]]", "P/b.md": "[[a]]", "P/c.png": "", "d.md": "x"}
    done = plan(vault, None, ["P/"])
    assert done.texts == {}
    assert done.after.index.files == {"d.md"}


def test_links_into_a_folder_count() -> None:
    vault = {"P/a.md": "", "P/c.png": "", "d.md": "[[a]]\n\n![[c.png]]\n"}
    assert plan(vault, UNLINK, ["P/"]).texts["d.md"][1] == "a\n"


def test_names_with_the_same_start_are_not_in_a_folder() -> None:
    state = build_state({"P/a.md": "", "P2/a.md": "", "P.md": ""})
    assert list_deleted_files(state.index, [thing("P/")]) == {"P/a.md"}


UNUSED = {
    "only it": ({"Note.md": "![[a.png]]", "img/a.png": ""}, ("img/a.png",)),
    "another note": ({"Note.md": "![[a.png]]", "b.md": "![[a.png]]", "img/a.png": ""}, ()),
    "a canvas": (
        {
            "Note.md": "![[a.png]]",
            "c.canvas": '{"nodes":[{"type":"file","file":"img/a.png"}]}',
            "img/a.png": "",
        },
        (),
    ),
    "HTML": ({"Note.md": "![[a.png]]", "b.md": '<img src="img/a.png">', "img/a.png": ""}, ()),
    "a definition": ({"Note.md": "![[a.png]]", "b.md": "[a]: img/a.png", "img/a.png": ""}, ()),
    "nothing": ({"Note.md": "", "img/a.png": ""}, ()),
    "no attachment": ({"Note.md": "[[b]] [[c.canvas]]", "b.md": "", "c.canvas": "{}"}, ()),
}


@each(("vault", "unused"), UNUSED.values(), ids=UNUSED)
def test_attachments_that_only_deleted_notes_use(
    vault: Mapping[str, str], unused: tuple[str, ...]
) -> None:
    state = build_state(vault)
    assert find_unused_attachments(state.index, frozenset({"Note.md"})) == unused


def test_kinds_of_references() -> None:
    text = (
        '---\nup: "[[Note]]"\n---\n[[Note]] ![[Note]] [[Note#H]] <img src="img/a.png">\n\n[l]: Note.md\n\n'
        "```dataview\nLIST FROM [[Note]]\n```\n\n## Backlinks\n\n- [[Note]]\n"
    )
    canvas = '{"nodes":[{"id":"1","type":"file","file":"Note.md"}]}'
    state = build_state({**FILES, "a.md": text, "c.canvas": canvas})
    found = find_references(state.index, frozenset({"Note.md", "img/a.png"}))
    assert {item.kind for item in found} == set(ReferenceKind)
    assert {item.place.path for item in found} == {"a.md", "c.canvas"}


def test_queries_are_listed_and_stay() -> None:
    query = '```dataview\nLIST FROM "P"\n```\n'
    done = plan({"P/a.md": "", "b.md": query}, UNLINK, ["P/"])
    assert done.texts == {}
    assert [(place.path, place.line) for place in done.unchanged] == [("b.md", 2)]
    with pytest.raises(RefusedError):
        plan({"P/a.md": "", "b.md": query}, None, ["P/"])


# -- canvases -------------------------------------------------------------------------------------------------------

CARDS: list[dict[str, object]] = [
    {"id": "1", "type": "file", "file": "Note.md", "subpath": "#H", "x": 0},
    {"id": "2", "type": "text", "text": "see [[Note]] ![[Note]]"},
    {"id": "3", "type": "file", "file": "img/a.png"},
    {"id": "4", "type": "group", "background": "img/a.png", "backgroundStyle": "cover"},
    {"id": "5", "type": "file", "file": "B.md"},
]
EDGES = [{"id": "e", "fromNode": "1", "toNode": "3"}, {"id": "f", "fromNode": "1", "toNode": "5"}]


@each("indent", [None, "\t"])
def test_canvas(indent: str | None) -> None:
    text = json.dumps({"nodes": CARDS, "edges": EDGES}, indent=indent)
    after = json.loads(change(text, UNLINK, "c.canvas", paths=["Note.md", "img/a.png"]))
    assert after["nodes"] == [
        {"id": "1", "type": "text", "text": "Note", "x": 0},
        {"id": "2", "type": "text", "text": "see Note"},
        {"id": "4", "type": "group"},
        {"id": "5", "type": "file", "file": "B.md"},
    ]
    assert after["edges"] == [{"id": "f", "fromNode": "1", "toNode": "5"}]


@each("removed", [[0], [2], [0, 1], [1, 2], [0, 2], [0, 1, 2]])
def test_cards_of_images_go_and_the_rest_of_the_canvas_stays(removed: list[int]) -> None:
    cards = [
        {"id": str(n), "type": "file", "file": "img/a.png" if n in removed else "B.md"}
        for n in range(3)
    ]
    text = json.dumps({"nodes": cards, "edges": []})
    after = change(text, UNLINK, "c.canvas", paths=["img/a.png"])
    kept = [card for n, card in enumerate(cards) if n not in removed]
    assert after == json.dumps({"nodes": kept, "edges": []})


def test_canvas_with_another_target() -> None:
    text = json.dumps({"nodes": CARDS[:2], "edges": []})
    after = json.loads(change(text, REDIRECT, "c.canvas"))
    assert after["nodes"][0] == dict(CARDS[0], file="Other.md")
    assert after["nodes"][1]["text"] in (
        "see [[Other]] ![[Other]]",
        "see [[Other|Note]] ![[Other]]",
    )


def test_other_canvases_stay() -> None:
    text = json.dumps({"nodes": [CARDS[4], {"id": "6", "type": "text", "text": "Note"}]})
    assert plan({**FILES, "c.canvas": text}, None).texts == {}


# -- managed sections, and notes that can't be changed --------------------------------------------------------------

MANAGED = "<!-- vaultlink:backlinks -->\n\n## Backlinks\n\n{}\n\n<!-- /vaultlink:backlinks -->\n"


def test_a_managed_section_in_step_loses_the_entry() -> None:
    vault = {
        "Note.md": "[[a]]\n",
        "B.md": "[[a]]\n",
        "a.md": "x\n\n" + MANAGED.format("- [[B]]\n- [[Note]]"),
    }
    done = plan(vault, None, backlinks={"style": "list"})
    after = done.texts["a.md"][1] or ""
    assert "[[B]]" in after
    assert "[[Note]]" not in after


def test_a_note_that_cannot_be_changed_is_named() -> None:
    vault = {**FILES, "a.md": "[[Note]]\n"}
    state = build_state(vault)
    inputs = FixInputs(vault.get, is_protected=lambda path: path == "a.md")
    done = plan_delete(state, inputs, [thing("Note.md")], Disposal(), UNLINK)
    assert [note.path for note in done.skipped] == ["a.md"]
    assert [place.path for place in done.breaks] == ["a.md"]
