"""What an editor offers while somebody types: each item leads where it says, and nothing is offered where no link is."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from lsprotocol import types
from pygls import uris
from pygls.workspace import PositionCodec

from running import create_vault, new_folder
from tables import each
from vaultlink.api import Vault, open_vault
from vaultlink.index.anchors import find_anchor
from vaultlink.links.edit_math import apply_edits
from vaultlink.model import Edit, Link
from vaultlink.refactor.relocation import RefusedError
from vaultlink.serve.lsp.completion import ADD_BLOCK_ID, add_block_id, complete, resolve_item
from vaultlink.serve.lsp.folders import view_alone
from vaultlink.serve.lsp.views import Client, EditorSettings, OpenDocument, View

MARK = "¦"
"""The cursor, in the texts below."""

VAULT: dict[str, Any] = {
    "Mine.md": "",
    "Home.md": "# Home\n",
    "Lex Fridman.md": "---\naliases: [Lex, The Host]\ntitle: Lex Fridman the host\n---\n# About\n\nHe talks.\n",
    "people/Élodie.md": "# Élodie\n",
    "people/Twin.md": "# One\n",
    "places/Twin.md": "# Other\n",
    "Deep.md": "# A\n## Notes\nfirst\n## Same\n# B\n## Notes\nsecond\n### Deeper: yes | no #1\n",
    "Blocks.md": "Some words here. ^old\n\nA paragraph without id.\nAnd its end.\n\n- one\n- two ^two\n\n> quoted\n",
    "img/map of town.png": b"png",
    "board.canvas": "{}",
    "tags.md": "---\ntags: [project/alpha, idea]\nstatus: done\n---\n#project/beta #idea text\n",
    "more.md": "---\nstatus: open\nrelated: \"[[Home]]\"\nrating: 5\ntags: [idea]\n---\n",
    "odd/C# notes.md": "",
    "odd/50% *off*.md": "# It\n",
    "odd/a `tick.md": "# It\n",
    "odd/[brackets].md": "",
    "odd/(round) & more.md": "# It\n",
    ".obsidian/app.json": "{}",
}  # fmt: skip


class Completed(NamedTuple):
    """The answer to a completion, and how to apply its items."""

    view: View
    path: str
    text: str
    found: types.CompletionList | None

    @property
    def items(self) -> Sequence[types.CompletionItem]:
        return self.found.items if self.found else ()

    @property
    def labels(self) -> list[str]:
        return [item.label for item in self.items]

    def accept(self, label: str) -> str:
        """Return the text after the item with a label was chosen."""
        item = next(item for item in self.items if item.label == label)
        return apply_edits(self.text, self.list_edits(item))

    def list_edits(self, item: types.CompletionItem) -> tuple[Edit, ...]:
        assert isinstance(item.text_edit, types.TextEdit)
        edits = [item.text_edit, *(item.additional_text_edits or ())]
        spans = [(*self.view.places(self.path).span(edit.range), edit.new_text) for edit in edits]
        return tuple(
            sorted((Edit(self.path, *span) for span in spans), key=lambda edit: edit.start)
        )

    def hold(self, item: types.CompletionItem) -> Vault:
        """Return the vault after an item was chosen and its command was run."""
        vault = self.view.vault
        if item.command:
            edit = add_block_id(self.view, item.command.arguments or ())
            assert edit and edit.document_changes
            [change] = edit.document_changes
            assert isinstance(change, types.TextDocumentEdit)
            path = self.view.path(change.text_document.uri)
            assert path
            [made] = change.edits
            assert isinstance(made, types.TextEdit)
            span = self.view.places(path).span(made.range)
            text = apply_edits(vault.text(path), (Edit(path, *span, made.new_text),))
            vault = vault.holding(path, text)
        return vault.holding(self.path, apply_edits(self.text, self.list_edits(item)))


def view_vault(vault: Vault, path: str, text: str, **abilities: Any) -> View:
    held = vault.holding(path, text)
    document = OpenDocument(uris.from_fs_path(f"{vault.root}/{path}") or "", 1, text)
    can = {"has_versions": True, "applies_edits": True, "has_markdown_hover": True, **abilities}
    client = Client(PositionCodec("utf-16"), **can)
    return View(held, client, str(vault.root), {path: document}, kept={})


def type_text(vault: Vault, marked: str, path: str = "Mine.md", **abilities: Any) -> Completed:
    """Complete at the mark in a text of a note."""
    text = marked.replace(MARK, "")
    view = view_vault(vault, path, text, **abilities)
    has_mark = text.startswith("\ufeff")
    position = view.places(path).position(max(marked.index(MARK) - has_mark, 0))
    document = types.TextDocumentIdentifier(view.uri(path))
    found = complete(view, types.CompletionParams(document, position))
    return Completed(view, path, text.removeprefix("\ufeff"), found)


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    return open_vault(create_vault(tmp_path_factory.mktemp("vault"), VAULT))


# -- what an item writes ---------------------------------------------------------------------------


@each(
    ("typed", "label", "after"),
    [
        ("see [[hom¦", "Home", "see [[Home]]"),
        ("see [[hom¦]]", "Home", "see [[Home]]"),
        ("see [[hom¦]", "Home", "see [[Home]]"),
        ("see [[¦]] and [[Deep]]", "Deep", "see [[Deep]] and [[Deep]]"),
        ("see [[hom¦ and [[Deep]]", "Home", "see [[Home]] and [[Deep]]"),
        ("see [[hom¦e of it]] x", "Home", "see [[Home]] x"),
        ("see [[hom¦|shown]]", "Home", "see [[Home|shown]]"),
        ("see [[hom¦#Old|shown]]", "Home", "see [[Home|shown]]"),
        ("see [[lex¦", "Lex", "see [[Lex Fridman|Lex]]"),
        ("see [[the host¦|he]]", "The Host", "see [[Lex Fridman|he]]"),
        ("see [[fridman the¦", "Lex Fridman the host", "see [[Lex Fridman|Lex Fridman the host]]"),
        ("see [[elod¦", "Élodie", "see [[Élodie]]"),
        ("see [[people/¦", "Twin", "see [[people/Twin]]"),
        ("see [[people/el¦", "Élodie", "see [[Élodie]]"),
        ("see [[lex fridmann¦", "Lex Fridman", "see [[Lex Fridman]]"),
        ("see ![[map¦", "map of town.png", "see ![[map of town.png]]"),
        ("see [[boa¦", "board.canvas", "see [[board.canvas]]"),
        ("| a | b |\n|--|--|\n| [[lex¦ | x |", "Lex", "| a | b |\n|--|--|\n| [[Lex Fridman\\|Lex]] | x |"),
        ("[x](hom¦", "Home", "[x](Home.md)"),
        ("[x](hom¦)", "Home", "[x](Home.md)"),
        ("[x](hom¦e.md \"title\")", "Home", "[x](Home.md \"title\")"),
        ("[x](<hom¦>)", "Home", "[x](Home.md)"),
        ("[x](lex%20fr¦)", "Lex Fridman", "[x](Lex%20Fridman.md)"),
        ("[x](elod¦)", "Élodie", "[x](people/Élodie.md)"),
        ("[x](./hom¦)", "Home", "[x](./Home.md)"),
        ("![](map¦)", "map of town.png", "![](img/map%20of%20town.png)"),
        ("[x](round¦)", "(round) & more", "[x](odd/%28round%29%20&%20more.md)"),
        ("[[Deep#no¦", "Notes", "[[Deep#Notes]]"),
        ("[[Deep#B#no¦]]", "Notes", "[[Deep#B#Notes]]"),
        ("[[Deep#de¦|text]]", "Deeper: yes | no #1", "[[Deep#Deeper yes no 1|text]]"),
        ("# Mine\n[[#mi¦", "Mine", "# Mine\n[[#Mine]]"),
        ("[[##deeper¦", "Deeper: yes | no #1", "[[Deep#Deeper yes no 1]]"),
        ("[x](Deep.md#no¦)", "Notes", "[x](Deep.md#Notes)"),
        ("[x](Deep.md#deep¦)", "Deeper: yes | no #1", "[x](Deep.md#Deeper%20yes%20no%201)"),
        ("[[Blocks#^¦", "two", "[[Blocks#^two]]"),
        ("[[Blocks#^some¦", "Some words here.", "[[Blocks#^old]]"),
        ("[[Twin#o¦", "One", "[[people/Twin#One]]"),
    ],
)  # fmt: skip
def test_item_writes_a_link(vault: Vault, typed: str, label: str, after: str) -> None:
    assert type_text(vault, typed).accept(label) == after


PROPERTY = "---\n{}\n---\n"


@each(
    ("typed", "label", "after"),
    [
        ("up: [[hom¦", "Home", 'up: "[[Home]]"'),
        ("up: [[hom¦]]", "Home", 'up: "[[Home]]"'),
        ('up: "[[hom¦', "Home", 'up: "[[Home]]"'),
        ('up: "[[hom¦]]"', "Home", 'up: "[[Home]]"'),
        ("up: '[[hom¦]]'", "Home", "up: '[[Home]]'"),
        ('up: "[[hom¦|x]]"', "Home", 'up: "[[Home|x]]"'),
        ("up:\n  - [[lex¦", "Lex", 'up:\n  - "[[Lex Fridman|Lex]]"'),
        ('up: ["[[hom¦]]", "[[Deep]]"]', "Home", 'up: ["[[Home]]", "[[Deep]]"]'),
        ("up: [[[hom¦]]]", "Home", 'up: ["[[Home]]"]'),
        ('up: "[[Deep#no¦]]"', "Notes", 'up: "[[Deep#Notes]]"'),
        ("sta¦", "status", "status: "),
        ("sta¦: x", "status", "status: x"),
        ("sta¦\nup: x", "status", "status: \nup: x"),
        ("sta¦te", "status", "status: "),
        ("¦", "tags", "tags: "),
        ("status: ¦", "done", "status: done"),
        ("status: o¦", "open", "status: open"),
        ('status: "o¦"', "open", 'status: "open"'),
        ("status: [done, o¦]", "open", "status: [done, open]"),
        ("status:\n  - d¦", "done", "status:\n  - done"),
        ("rating: ¦", "5", "rating: 5"),
        ("related: ¦", "[[Home]]", 'related: "[[Home]]"'),
        ("tags: [pro¦]", "project/alpha", "tags: [project/alpha]"),
        ("tags:\n  - pro¦", "project/beta", "tags:\n  - project/beta"),
        ("tags: ¦", "idea", "tags: idea"),
    ],
)  # fmt: skip
def test_item_writes_a_property(vault: Vault, typed: str, label: str, after: str) -> None:
    assert type_text(vault, PROPERTY.format(typed)).accept(label) == PROPERTY.format(after)


@each(
    ("typed", "label", "after"),
    [
        ("text #pro¦", "#project/alpha", "text #project/alpha"),
        ("text #project/b¦", "#project/beta", "text #project/beta"),
        ("text #pro¦x more", "#project/beta", "text #project/beta more"),
        ("text #ALPHA¦", "#project/alpha", "text #project/alpha"),
        ("text #¦", "#idea", "text #idea"),
        ("#i¦", "#idea", "#idea"),
    ],
)
def test_item_writes_a_tag(vault: Vault, typed: str, label: str, after: str) -> None:
    assert type_text(vault, typed).accept(label) == after


def test_frequent_tags_are_first(vault: Vault) -> None:
    assert type_text(vault, "text #¦").labels[0] == "#idea"


# -- where nothing is offered ----------------------------------------------------------------------


@each(
    "typed",
    [
        "plain text¦",
        "`[[hom¦`",
        "`[[hom¦]]`",
        "```\n[[hom¦\n```\n",
        "    [[hom¦",
        "%% [[hom¦ %%",
        "%%\n[[hom¦]]\n%%\n",
        "<!-- [[hom¦ -->",
        "$$\n[[hom¦]]\n$$\n",
        "[[Home]]¦",
        "[[Home|tex¦]]",
        "[x](https://exam¦)",
        "`[x](hom¦)`",
        "[[zzzz¦",
        "[[Nobody#he¦",
        "[[Nobody#^he¦",
        "[[board.canvas#he¦",
        "[[Deep#Nothing#no¦",
        "# Heading¦",
        "#¦",
        "#¦ Heading",
        "`#pro¦`",
        "```\n#pro¦\n```",
        "%% #pro¦ %%",
        "word#pro¦",
        "https://a.b/#pro¦",
        "#zzz¦",
        "---\nkey: |\n  text [[hom¦\n---\n",
        "# Mine [[#mi¦",
        "[[hom\re¦",
        "# Mine [[##mine¦",
        "---\nup: see [[hom¦\n---\n",
        "---\nstatus: unique¦ value\n---\n",
        "---\nnested:\n  sta¦\n---\n",
        "---\n# com¦\n---\n",
        "---¦\nup: x\n---\n",
        "---\nunknown: ¦\n---\n",
        "---\nnested:\n  other: x\n  - ¦\n---\n",
    ],
)
def test_nothing_is_offered(vault: Vault, typed: str) -> None:
    assert type_text(vault, typed).found is None


def test_tags_and_values_are_those_of_the_present_texts(vault: Vault) -> None:
    assert type_text(vault, "text #ide¦").labels == ["#idea"]
    later = vault.holding("new.md", "---\nstatus: started\n---\n#ideal\n")
    assert type_text(later, "text #ide¦").labels == ["#idea", "#ideal"]
    assert type_text(later, "---\nstatus: st¦\n---\n").labels == ["started"]
    gone = later.holding("new.md", "")
    assert type_text(gone, "text #ide¦").labels == ["#idea"]


def test_only_notes_of_a_typed_folder_are_offered(vault: Vault) -> None:
    assert type_text(vault, "see [[people/¦").labels == ["Twin", "Élodie"]


def test_open_notes_are_first_if_nothing_is_typed(vault: Vault) -> None:
    view = view_vault(vault, "Mine.md", "[[")
    opened = OpenDocument(view.uri("tags.md"), 1, vault.text("tags.md"))
    view = View(view.vault, view.client, view.root, {**view.documents, "tags.md": opened})
    document = types.TextDocumentIdentifier(view.uri("Mine.md"))
    found = complete(view, types.CompletionParams(document, types.Position(0, 2)))
    assert found
    assert found.items[0].label == "tags"


def test_document_in_no_vault_is_completed_alone() -> None:
    text = "# Mine\n[[#mi\n\n#topic and #to"
    client = Client(PositionCodec("utf-16"))
    view = view_alone(client, EditorSettings(), OpenDocument("untitled:Untitled-1", 1, text))
    document = types.TextDocumentIdentifier("untitled:Untitled-1")
    labels = []
    for place in (types.Position(1, 5), types.Position(3, 14)):
        found = complete(view, types.CompletionParams(document, place))
        labels.append([item.label for item in found.items] if found else [])
    assert labels == [["Mine"], ["#topic"]]


def test_nothing_is_offered_on_a_canvas(vault: Vault) -> None:
    assert type_text(vault, "[[hom¦", "board.canvas").found is None


def test_key_that_a_note_has_is_not_offered_again(vault: Vault) -> None:
    assert "status" not in type_text(vault, "---\nstatus: x\n¦\n---\n").labels


# -- the law: what is offered leads there ----------------------------------------------------------

TYPED = (
    *("[[¦", "[[¦]]", "a *b [[¦ c* d", "![[¦", "[x](¦", "![x](¦)", "- [ ] [[¦", "> [[¦]]", "[[o¦", "[[e¦]]"),
    *("[[odd/¦", "| a |\n|--|\n| [[¦ |", "| a |\n|--|\n[[¦", "$1 [[¦", "[[./¦", "[x](../¦)"),
    *("---\nup: [[¦\n---\n", "---\nup:\n- '[[¦]]'\n---\n", '---\nup: "[[¦"\n---\n'),
    *("[[##i¦", "[[##no¦|x]]", "[[Deep#¦", "[[Deep#¦|x]]", "[x](Deep.md#¦)", "[[Deep#A#¦", "| a |\n|--|\n| [[Deep#¦ |"),
    *("[[Blocks#^¦", "[[Blocks#^¦|x]]", "[x](Blocks.md#^¦)", "one\n\ntwo\n\n[[#^¦\n\n- three\n- four\n  more\n"),
    *('---\nup: "[[Deep#¦"\n---\n', '---\nup: "[[Blocks#^¦]]"\n---\n'),
)  # fmt: skip

MAY_REMAIN = {"duplicate-name", "unclosed-construct"}
"""The rules whose findings are not about the links of the note."""


@each("path", ["Mine.md", "people/Twin.md"])
@each("typed", TYPED)
def test_every_item_leads_where_it_says(vault: Vault, typed: str, path: str) -> None:
    done = type_text(vault, typed, path)
    assert done.items
    for item in done.items:
        assert isinstance(item.data, dict)
        after = done.hold(item)
        link = find_typed_link(done, item, after)
        target, at = item.data["path"], item.data.get("at")
        anchor = after.anchor_of(path, link)
        assert anchor is not None, (item.label, link.raw)
        assert anchor.path == target
        assert (at is None) == (not link.subpath)
        if link.subpath:
            found = find_anchor(after.index.notes[target], link.subpath)
            assert found is not None
        rules = {item.rule for item in after.state.diagnostics.get(path, ())}
        assert rules <= MAY_REMAIN, (item.label, link.raw)
        shown = link.display
        if (
            item.kind is types.CompletionItemKind.Reference
            and "|x" not in typed
            and "(" not in typed
        ):
            assert shown == item.label


def find_typed_link(done: Completed, item: types.CompletionItem, after: Vault) -> Link:
    edits = done.list_edits(item)
    main = next(edit for edit in edits if not edit.text.startswith(" ^"))
    moved = sum(len(edit.text) for edit in edits if edit.start < main.start)
    found = [
        link
        for link in after.index.notes[done.path].links
        if link.start <= main.start + moved + len(main.text) - 3 < link.end
    ]
    assert found, (item.label, main)
    return max(found, key=lambda link: link.start)


PARTS = (
    *("[[", "]]", "[", "]", "(", ")", "#", "^", "|", "\\", "!", "`", "```\n", "\n", "\n\n", "---\n", "- ", "> "),
    *("| a |\n|--|\n", "%%", "<!--", "-->", "$", "*", "Home", "Deep", "Blocks", "Lex", "x", " ", "\t", "\r\n", "\r"),
    *("\u2028", "\ufeff", "\U0001f600", "é", "key: ", "tags: ", "  - ", '"', "'", "[x](", "<", ">", "%20", "%"),
    *("../", "./", "/", "Notes", "#^old", "\x00", "\x0c", "&amp;", "http://", "{{", "<%", "[[", "[[Deep#", "[[#"),
)  # fmt: skip
"""What random texts are made of."""


@each("seed", range(8))
def test_every_item_leads_where_it_says_in_odd_texts(vault: Vault, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(30):
        parts = [rng.choice(PARTS) for _ in range(rng.randrange(2, 14))]
        typed = rng.choice(("[[", "[[h", "[[Deep#", "[[Blocks#^", "[x](", "[[#", "[[##", "#p", ""))
        parts.insert(rng.randrange(len(parts)), f"{typed}{MARK}")
        start = rng.choice(("", "", "---\n"))
        done = type_text(vault, start + "".join(parts) + (start and "\n---\n"))
        for item in rng.sample(done.items, min(4, len(done.items))):
            if isinstance(item.data, dict):
                after = done.hold(item)
                anchor = after.anchor_of(done.path, find_typed_link(done, item, after))
                assert anchor is not None, (done.text, item.label)
                assert anchor.path == item.data["path"], (done.text, item.label)


# -- Obsidian's settings ---------------------------------------------------------------------------


@each(
    ("settings", "typed", "label", "after"),
    [
        ('{"newLinkFormat": "absolute"}', "[[elod¦", "Élodie", "[[people/Élodie]]"),
        ('{"newLinkFormat": "relative"}', "[[elod¦", "Élodie", "[[../people/Élodie]]"),
        ('{"useMarkdownLinks": true}', "[[elod¦]] x", "Élodie", "[Élodie](Élodie.md) x"),
        ('{"useMarkdownLinks": true}', "![[map¦", "map of town.png", "![map of town.png](map%20of%20town.png)"),
        ('{"useMarkdownLinks": true}', "[[lex¦", "Lex", "[Lex](Lex%20Fridman.md)"),
        ('{"useMarkdownLinks": true}', "[[Deep#no¦", "Notes", "[Deep > Notes](Deep.md#Notes)"),
        ('{"useMarkdownLinks": true, "newLinkFormat": "relative"}', "[[elod¦", "Élodie", "[Élodie](../people/Élodie.md)"),
        ('{"useMarkdownLinks": true}', "[[elod¦|she]]", "Élodie", "[[Élodie|she]]"),
    ],
)  # fmt: skip
def test_item_follows_the_settings(
    tmp_path: Path, settings: str, typed: str, label: str, after: str
) -> None:
    files: Mapping[str, Any] = {**VAULT, ".obsidian/app.json": settings, "notes/Mine.md": ""}
    vault = open_vault(create_vault(new_folder(tmp_path), files))
    assert type_text(vault, typed, "notes/Mine.md").accept(label) == after


# -- blocks without id -----------------------------------------------------------------------------


def test_block_of_the_same_note_gets_an_id_by_an_edit_beside(vault: Vault) -> None:
    done = type_text(vault, "First block.\n\nsee [[#^first¦]]\n")
    after = done.accept("First block.")
    [name] = [
        item.id for item in done.view.vault.holding("Mine.md", after).index.notes["Mine.md"].blocks
    ]
    assert after == f"First block. ^{name}\n\nsee [[#^{name}]]\n"


def test_block_of_another_note_gets_an_id_by_a_command(vault: Vault) -> None:
    done = type_text(vault, "see [[Blocks#^its end¦")
    assert done.labels == []
    done = type_text(vault, "see [[Blocks#^without¦")
    [item] = done.items
    assert item.command is not None
    assert item.command.command == ADD_BLOCK_ID
    after = done.hold(item)
    assert f"And its end. ^{(item.command.arguments or ())[2]}\n" in after.text("Blocks.md")


def test_block_of_an_unsaved_note_gets_its_id_there(vault: Vault) -> None:
    held = vault.holding("Blocks.md", "An unsaved paragraph.\n")
    done = type_text(held, "see [[Blocks#^unsaved¦")
    [item] = done.items
    assert done.hold(item).text("Blocks.md").startswith("An unsaved paragraph. ^")


def test_editor_that_applies_no_edits_is_offered_only_existing_ids(vault: Vault) -> None:
    done = type_text(vault, "see [[Blocks#^¦", applies_edits=False)
    assert done.labels == ["Some words here.", "two"]


def test_blocks_of_a_protected_note_are_offered_only_with_existing_ids(vault: Vault) -> None:
    (vault.root / "vaultlink.toml").write_text('protect = ["Blocks.md"]\n')
    done = type_text(open_vault(vault.root), "see [[Blocks#^¦")
    assert done.labels == ["Some words here.", "two"]


def test_block_that_changed_is_refused(vault: Vault) -> None:
    done = type_text(vault, "see [[Blocks#^without¦")
    assert done.items[0].command
    arguments = done.items[0].command.arguments
    changed = view_vault(vault, "Blocks.md", "Other text.\n")
    with pytest.raises(RefusedError, match="has changed since the link was completed"):
        add_block_id(changed, arguments or ())


def test_command_adds_an_id_once(vault: Vault) -> None:
    assert add_block_id(view_vault(vault, "Home.md", ""), ["", "Blocks.md", "old"]) is None


# -- the list --------------------------------------------------------------------------------------


def test_list_is_cut_and_says_so(tmp_path: Path) -> None:
    many = {f"note {number:03}.md": "" for number in range(300)}
    vault = open_vault(create_vault(tmp_path, {**many, "Home.md": ""}))
    for typed in ("[[¦", "[[note¦", "[x](¦"):
        found = type_text(vault, typed).found
        assert found is not None
        assert len(found.items) <= 200
        assert found.is_incomplete


@each("typed", ["[[elod¦", "[[lex fridmann¦]]", "[x](elod¦", "text #ALPHA¦"])
def test_items_pass_the_filter_of_an_editor(vault: Vault, typed: str) -> None:
    done = type_text(vault, typed)
    assert done.found is not None
    assert done.found.is_incomplete
    for item in done.items:
        assert isinstance(item.text_edit, types.TextEdit)
        start, _ = done.view.places("Mine.md").span(item.text_edit.range)
        assert item.filter_text == done.text[start : typed.index(MARK)]


def test_whole_list_is_filtered_by_the_editor(vault: Vault) -> None:
    found = type_text(vault, "[[¦").found
    assert found is not None
    assert not found.is_incomplete
    assert {item.filter_text for item in found.items} >= {"Home", "Élodie"}


def test_items_are_sorted_as_they_are_ranked(vault: Vault) -> None:
    done = type_text(vault, "[[e¦")
    order = [item.sort_text or "" for item in done.items]
    assert order == sorted(order)


def test_text_is_replaced_in_units_of_the_editor(vault: Vault) -> None:
    [item, *_] = type_text(vault, "\U0001f600 [[elod¦]] \U0001f600").items
    assert isinstance(item.text_edit, types.TextEdit)
    span = item.text_edit.range
    assert (span.start.character, span.end.character) == (5, 11)


# -- the passage of an item ------------------------------------------------------------------------


@each(
    ("typed", "label", "passage"),
    [
        ("[[lex¦", "Lex", "# About\n\nHe talks."),
        ("[[Deep#B#no¦", "Notes", "## Notes\nsecond\n### Deeper: yes | no #1"),
        ("[[Blocks#^tw¦", "two", "- two ^two\n\n> quoted"),
    ],
)
def test_resolved_item_shows_where_it_leads(
    vault: Vault, typed: str, label: str, passage: str
) -> None:
    done = type_text(vault, typed)
    item = resolve_item(done.view, next(item for item in done.items if item.label == label))
    assert item.documentation == types.MarkupContent(types.MarkupKind.Markdown, passage)


@each("data", [None, [], {}, {"path": 1}, {"path": "none.md"}, {"path": "img/map of town.png"}])
def test_item_without_note_is_resolved_as_it_is(vault: Vault, data: Any) -> None:
    view = view_vault(vault, "Home.md", "")
    item = types.CompletionItem("x", data=data)
    assert resolve_item(view, item).documentation is None
