"""Renames from an editor: what a place names, what is changed, and what is refused."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote

import pytest
from editor import (
    apply_edit,
    apply_text_edits,
    find_position,
    find_span,
    locate,
    open_view,
    read_texts,
    view_vault,
)
from lsprotocol import types
from msgspec.structs import replace

from editors import Wire
from exploring import count_examples
from random_renames import generate_vault
from running import create_vault, new_folder
from tables import each
from vaultlink.api import Vault, open_vault
from vaultlink.errors import UsageError
from vaultlink.fix.requests import RenameRequest
from vaultlink.index.index import link_name
from vaultlink.refactor.tags import find_tag_conflict
from vaultlink.serve.lsp.edits import follow_changes
from vaultlink.serve.lsp.folders import view_alone
from vaultlink.serve.lsp.renames import (
    find_named_thing,
    follow_renamed_files,
    prepare_rename,
    rename,
)
from vaultlink.serve.lsp.views import EditorSettings, OpenDocument, View

HOME = """# Home

🌊 [[Sea/Tide]] and [[Tide|the tide]], [[Tide#Low water]], [[Tide#Low water#Rocks|rocks]].
[text](Sea/Tide.md#Low%20water) [up](./Sea/Tide.md) ![[map.png]] [[Tide#^fact]] #sea/tide [[#Home]]
[[Nowhere]] [[Tide#Nothing]] <https://example.org> [site](https://example.org)
"""
TIDE = """---
aliases: [Flood]
tags: [sea, "harbour"]
up: "[[Home]]"
---
# Tide

## Low water

A fact. ^fact

### Rocks

## Again

## Again #sea
"""
FILES: dict[str, Any] = {
    "Home.md": HOME,
    "Sea/Tide.md": TIDE,
    "map.png": b"PNG",
    "Plain.md": "Text [[Home]]\n\nmore #/reef/ash\n",
}


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    """A vault that no test changes."""
    return open_vault(create_vault(tmp_path_factory.mktemp("renames") / "vault", FILES))


@pytest.fixture
def view(vault: Vault) -> View:
    return view_vault(vault)


NAMES = [
    # file, place, the text that is renamed, the name to change
    ("Home.md", "[[Sea/Ti¦de]]", "Tide", "Tide"),
    ("Home.md", "[[S¦ea/Tide]]", "Sea", "Sea"),
    ("Home.md", "[[Ti¦de|the tide]]", "Tide", "Tide"),
    ("Home.md", "[[Tide|the t¦ide]]", "Tide", "Tide"),
    ("Home.md", "[[Tide#Low¦ water]]", "Low water", "Low water"),
    ("Home.md", "[[Tide#Low¦ water#Rocks|rocks]]", "Low water", "Low water"),
    ("Home.md", "[[Tide#Low water#Ro¦cks|rocks]]", "Rocks", "Rocks"),
    ("Home.md", "[[Tide#Low water#Rocks|ro¦cks]]", "Rocks", "Rocks"),
    ("Home.md", "[text](Sea/Ti¦de.md#", "Tide.md", "Tide"),
    ("Home.md", "[text](Se¦a/Tide.md#", "Sea", "Sea"),
    ("Home.md", "[text](Sea/Tide.md#Low%¦20water)", "Low%20water", "Low water"),
    ("Home.md", "[up](./Se¦a/Tide.md)", "Sea", "Sea"),
    ("Home.md", "![[map¦.png]]", "map.png", "map.png"),
    ("Home.md", "[[Tide#^fa¦ct]]", "^fact", "fact"),
    ("Home.md", "#se¦a/tide", "sea", "sea"),
    ("Home.md", "#sea/ti¦de", "sea/tide", "sea/tide"),
    ("Home.md", "[[#Ho¦me]]", "Home", "Home"),
    ("Home.md", "# Ho¦me", "Home", "Home"),
    ("Sea/Tide.md", "-¦--\naliases", "---", "Tide"),
    ("Sea/Tide.md", "tags: [s¦ea", "sea", "sea"),
    ("Sea/Tide.md", '"har¦bour"', "harbour", "harbour"),
    ("Sea/Tide.md", 'up: "[[Ho¦me]]"', "Home", "Home"),
    ("Sea/Tide.md", "## Low¦ water", "Low water", "Low water"),
    ("Sea/Tide.md", "#¦# Low water", "Low water", "Low water"),
    ("Sea/Tide.md", "^fa¦ct", "fact", "fact"),
    ("Sea/Tide.md", "Again #s¦ea", "sea", "sea"),
    ("Plain.md", "¦#/reef", "/reef", "/reef"),
    ("Plain.md", "Te¦xt", "Text [[Home]]", "Plain"),
]


@each(("path", "place", "text", "name"), NAMES)
def test_place_names_a_thing(view: View, path: str, place: str, text: str, name: str) -> None:
    found = prepare_rename(view, types.PrepareRenameParams(**locate(view, path, place)))
    assert found is not None
    start, end = find_span(read_texts(view)[path], found.range, "utf-16")
    assert (read_texts(view)[path][start:end], found.placeholder) == (text, name)


@each(
    ("path", "place"),
    [
        ("Home.md", " a¦nd [[Tide"),
        ("Home.md", "<https://exa¦mple"),
        ("Home.md", "[site](https://exam¦ple"),
        ("Plain.md", "mo¦re"),
        ("Sea/Tide.md", "ali¦ases:"),
    ],
)
def test_nothing_to_rename(view: View, path: str, place: str) -> None:
    place_ = locate(view, path, place)
    assert prepare_rename(view, types.PrepareRenameParams(**place_)) is None
    with pytest.raises(UsageError, match="nothing here can be renamed"):
        rename(view, types.RenameParams(**place_, new_name="x"))


@each(
    ("path", "place", "message"),
    [
        ("Home.md", "[[Now¦here]]", "“Nowhere” does not resolve to any file in the vault."),
        ("Home.md", "[[Tide#Noth¦ing]]", "Sea/Tide.md has no heading “Nothing”."),
    ],
)
def test_link_to_nothing_says_so(view: View, path: str, place: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        prepare_rename(view, types.PrepareRenameParams(**locate(view, path, place)))
    assert str(error.value) == message


RENAMES = [
    # place, new name, the files and parts of texts afterwards
    (
        "[[Ti¦de|the tide]]",
        "Ebb",
        {"Sea/Ebb.md": "# Tide", "Home.md": "[[Sea/Ebb]] and [[Ebb|the tide]]"},
    ),
    (
        "[[Ti¦de|the tide]]",
        "Ebb.md",
        {"Sea/Ebb.md": "# Tide", "Home.md": "[[Sea/Ebb]] and [[Ebb|the tide]]"},
    ),
    (
        "[[Ti¦de|the tide]]",
        "Land/Ebb",
        {"Land/Ebb.md": "# Tide", "Home.md": "[[Land/Ebb]] and [[Ebb|the tide]]"},
    ),
    ("[[Ti¦de|the tide]]", "/Ebb", {"Ebb.md": "# Tide", "Home.md": "[[Ebb]] and [[Ebb|the tide]]"}),
    (
        "[[S¦ea/Tide]]",
        "Land",
        {"Land/Tide.md": "# Tide", "Home.md": "[[Land/Tide]] and [[Tide|the tide]]"},
    ),
    (
        "[[Tide#Low¦ water]]",
        "Ebb",
        {"Sea/Tide.md": "## Ebb\n", "Home.md": "[[Tide#Ebb]], [[Tide#Ebb#Rocks|rocks]]"},
    ),
    ("[[Tide#^fa¦ct]]", "truth", {"Sea/Tide.md": "A fact. ^truth", "Home.md": "[[Tide#^truth]]"}),
    ("[[Tide#^fa¦ct]]", "^truth", {"Sea/Tide.md": "A fact. ^truth", "Home.md": "[[Tide#^truth]]"}),
    ("#s¦ea/tide", "#ocean", {"Sea/Tide.md": 'tags: [ocean, "harbour"]', "Home.md": "#ocean/tide"}),
    ("#sea/t¦ide", "sea/ebb", {"Sea/Tide.md": 'tags: [sea, "harbour"]', "Home.md": "#sea/ebb"}),
    ("![[map¦.png]]", "chart", {"chart.png": "PNG", "Home.md": "![[chart.png]]"}),
    (
        "# Ho¦me",
        "House",
        {"House.md": "# House\n", "Plain.md": "[[House]]", "Sea/Tide.md": '"[[House]]"'},
    ),
    ("[[#Ho¦me]]", "House", {"Home.md": "# House\n", "Plain.md": "[[Home]]"}),
]


@each("encoding", ["utf-8", "utf-16", "utf-32"])
@each(("place", "new", "expected"), RENAMES)
def test_thing_is_renamed_with_its_links(
    vault: Vault, place: str, new: str, expected: dict[str, str], encoding: str
) -> None:
    view = view_vault(vault, encoding=encoding)
    edit = rename(view, types.RenameParams(**locate(view, "Home.md", place), new_name=new))
    texts = apply_edit(view, edit)
    assert edit.change_annotations is None
    assert len(texts) == len(FILES)
    for path, part in expected.items():
        assert part in texts[path]


@each(
    ("path", "place", "new", "message"),
    [
        ("Home.md", "[[Ti¦de|the", "Home|x", "the name “Home|x.md” contains |"),
        ("Home.md", "[[Ti¦de|the", "/Home", "there is a file Home.md already"),
        ("Home.md", "[[Ti¦de|the", "../out/x", "contains “..”"),
        ("Home.md", "[[Ti¦de|the", "  ", "is empty"),
        ("Home.md", "[[Tide#Low¦ water]]", "a\nb", "line breaks"),
        ("Home.md", "[[Tide#^fa¦ct]]", "a b", "is not a block id"),
        ("Home.md", "#s¦ea/tide", "a b", "a b"),
        ("Home.md", "![[map¦.png]]", "map.md", "can't become a note"),
        (
            "Home.md",
            "[[Ti¦de|the",
            "x \ud83d",
            "contains U+D83D, which is only a part of a character",
        ),
        ("Home.md", "[[Ti¦de|the", "a/\udc00b", "contains U+DC00"),
        ("Home.md", "[[S¦ea/Tide]]", "\ud83d", "contains U+D83D"),
        ("Home.md", "# Ho¦me", "\ud83d", "contains U+D83D"),
        ("Home.md", "[[Tide#Low¦ water]]", "x \ud83d", "U+D83D, only a part of a character"),
        ("Home.md", "[[Tide#^fa¦ct]]", "\ud83d", "is not a block id"),
        ("Home.md", "#s¦ea/tide", "\ud83d", "a tag can't contain U+D83D"),
    ],
)
def test_what_must_not_be_is_refused(
    view: View, path: str, place: str, new: str, message: str
) -> None:
    with pytest.raises(UsageError) as error:
        rename(view, types.RenameParams(**locate(view, path, place), new_name=new))
    assert message in str(error.value)


def test_unsaved_texts_count(vault: Vault) -> None:
    held = {"Plain.md": "é🌊 [[Tide]]\r\n", "New.md": "\n[[Tide]]"}
    view = view_vault(vault, held)
    edit = rename(view, types.RenameParams(**locate(view, "Plain.md", "[[T¦ide]]"), new_name="Ebb"))
    texts = apply_edit(view, edit)
    assert (texts["Plain.md"], texts["New.md"]) == ("é🌊 [[Ebb]]\r\n", "\n[[Ebb]]")


def test_existing_tag_is_joined_after_a_question(view: View) -> None:
    params = types.RenameParams(**locate(view, "Home.md", "#s¦ea/tide"), new_name="harbour")
    edit = rename(view, params)
    assert edit.change_annotations is not None
    [asked] = edit.change_annotations.values()
    assert asked.needs_confirmation
    assert asked.description == "The tag #harbour exists already: #sea becomes one with it."
    assert 'tags: [harbour, "harbour"]' in apply_edit(view, edit)["Sea/Tide.md"]


def test_existing_tag_is_refused_by_an_editor_that_does_not_ask(vault: Vault) -> None:
    view = view_vault(vault, has_annotations=False)
    params = types.RenameParams(**locate(view, "Home.md", "#s¦ea/tide"), new_name="harbour")
    with pytest.raises(UsageError, match="--merge"):
        rename(view, params)


@each(("operations", "has_versions"), [(frozenset({"create"}), True), (frozenset(), False)])
def test_files_are_not_renamed_by_an_editor_that_can_not(
    vault: Vault, operations: frozenset[str], has_versions: bool
) -> None:
    view = view_vault(vault, operations=operations, has_versions=has_versions)
    params = types.RenameParams(**locate(view, "Home.md", "[[Ti¦de|the"), new_name="Ebb")
    with pytest.raises(UsageError, match="this editor can't rename files"):
        rename(view, params)
    edit = rename(view, types.RenameParams(**locate(view, "Home.md", "# H¦ome"), new_name="Start"))
    assert "[[#Start]]" in apply_edit(view, edit)["Home.md"]  # the heading alone


@each(("notes", "is_asked"), [(19, False), (20, True)])
def test_editor_asks_before_many_files_change(tmp_path: Path, notes: int, is_asked: bool) -> None:
    files = {"Tide.md": "# Tide\n", **{f"{n}.md": "[[Tide]]\n" for n in range(notes)}}
    view = open_view(new_folder(tmp_path), files)
    edit = rename(view, types.RenameParams(**locate(view, "0.md", "[[T¦ide]]"), new_name="Ebb"))
    asked = edit.change_annotations or {}
    assert [item.description for item in asked.values()] == ["21 files change."] * is_asked
    assert [item.label for item in asked.values()] == ["Rename “Tide” to “Ebb”"] * is_asked
    assert set(apply_edit(view, edit).values()) == {"# Tide\n", "[[Ebb]]\n"}


def follow(view: View, *pairs: tuple[str, str]) -> types.WorkspaceEdit | None:
    files = [
        types.FileRename(view.uri(old), new if new.startswith("file:") else view.uri(new))
        for old, new in pairs
    ]
    return follow_renamed_files(view, types.RenameFilesParams(files))


@each(
    ("pairs", "expected"),
    [
        ([("Sea/Tide.md", "Sea/Ebb.md")], {"Home.md": "[[Sea/Ebb]] and [[Ebb|the tide]]"}),
        ([("Sea", "Land")], {"Home.md": "[[Land/Tide]] and [[Tide|the tide]]"}),
        (
            [("Sea", "Land/Sea")],
            {"Home.md": "[[Sea/Tide]] and [[Tide|the tide]], [[Tide#Low water]]"},
        ),
        ([("Sea/Tide.md", "Ebb.md"), ("map.png", "Sea/map.png")], {"Home.md": "[[Ebb]] and"}),
        ([("Home.md", "Sea/Home.md")], {"Home.md": "[text](Tide.md#Low%20water) [up](./Tide.md)"}),
        ([("Home.md", "Tide.md"), ("Sea/Tide.md", "Sea/Home.md")], {"Plain.md": "[[Tide]]"}),
    ],
)
def test_links_follow_files_that_the_editor_renames(
    view: View, pairs: list[tuple[str, str]], expected: dict[str, str]
) -> None:
    edit = follow(view, *pairs)
    assert edit is not None
    texts = apply_edit(view, edit)
    assert texts.keys() == FILES.keys()  # the editor renames them
    for path, part in expected.items():
        assert part in texts[path]


@each(
    "pair",
    [
        ("Plain.md", "Other.md"),  # nothing links there
        ("Nothing.md", "Other.md"),
        (".obsidian/app.json", ".obsidian/x.json"),
        ("Sea/Tide.md", "file:///elsewhere/Tide.md"),  # out of the vault, as if deleted
        ("Empty", "Full"),
    ],
)
def test_no_links_follow(view: View, pair: tuple[str, str]) -> None:
    assert follow(view, pair) is None


@each(
    ("pair", "message"),
    [
        (("Sea/Tide.md", "Sea/Tide.txt"), "the name of a note ends in .md"),
        (("Sea/Tide.md", "Home.md"), "there is a file Home.md already"),
        (("map.png", "map.md"), "can't become a note"),
    ],
)
def test_renames_of_files_that_break_links_are_refused(
    view: View, pair: tuple[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        follow(view, pair)


def test_links_that_can_not_follow_are_asked_about(tmp_path: Path) -> None:
    conflict = b"<<<<<<< a\n[[Tide]]\n=======\n[[Tide]]\n>>>>>>> b\n"
    view = open_view(tmp_path, {**FILES, "Merge.md": conflict})
    edit = follow(view, ("Sea/Tide.md", "Sea/Ebb.md"))
    assert edit is not None
    assert edit.change_annotations is not None
    [asked] = edit.change_annotations.values()
    assert asked.description is not None
    assert asked.description.startswith("2 links resolve no more: Merge.md:")


# -- an editor that makes a rename that was an answer ----------------------------------------------

CLOSED = [f"Café {number}.md" for number in range(6)]
SHIP = {
    "Home.md": "[[Old note]], [[Old note#Part]], [[Sea/Tide]], [[nowhere]]\n",
    "Old note.md": "# Old note\n\n## Part\n\n[[#Part]] [[Home]]\n",
    "Sea/Tide.md": "# Tide\n\n[[Old note|the old one]]\n",
    **dict.fromkeys(CLOSED, "See [[Old note#Part]] and ![[Old note]] and [[Sea/Tide]].\n"),
}
OLD_NEW = ("Old%20note.md", "New.md")


class Ship:
    """An editor with an open note, `Home.md`, that sends messages in any order."""

    def __init__(self, wire: Wire, root: Path):
        self.wire, self.root, self.version = wire, root, 1
        self.opened: list[str] = []
        wire.change_folders([root])
        self.open("Home.md")
        while not wire.ask("workspace/diagnostic", {"previousResultIds": []})["result"]["items"]:
            pass

    def uri(self, path: str) -> str:
        return f"{self.root.as_uri()}/{path}"

    def rename(self, line: int, column: int, new: str, path: str = "Home.md") -> Any:
        place = {"line": line, "character": column}
        document = {"uri": self.uri(path)}
        params = {"textDocument": document, "position": place, "newName": new}
        answer = self.wire.ask("textDocument/rename", params)
        return answer.get("result") or answer["error"]["message"]

    def wait_for(self, path: str) -> None:
        """Wait until a note is known."""
        name = unquote(path).removesuffix(".md")
        while self.uri(path) not in str(self.wire.ask("workspace/symbol", {"query": name})):
            time.sleep(0.02)

    def _list_files(self, pairs: tuple[tuple[str, str], ...]) -> Any:
        return {"files": [{"oldUri": self.uri(old), "newUri": self.uri(new)} for old, new in pairs]}

    def asks(self, *pairs: tuple[str, str]) -> bool:
        """Ask for the edits before files are renamed, and return True if there are some."""
        answer = self.wire.ask("workspace/willRenameFiles", self._list_files(pairs))
        assert "error" not in answer, answer
        return answer["result"] is not None

    def move(self, old: str, new: str, *, tells: bool = True) -> None:
        (self.root / unquote(old)).rename(self.root / unquote(new))
        if tells:
            self.wire.notify("workspace/didRenameFiles", self._list_files(((old, new),)))

    def open(self, path: str, text: str | None = None) -> None:
        text = SHIP[unquote(path)] if text is None else text
        self.opened.append(self.uri(path))
        item = {"uri": self.uri(path), "languageId": "markdown", "version": 1, "text": text}
        self.wire.notify("textDocument/didOpen", {"textDocument": item})

    def change(self, path: str, text: str) -> None:
        self.version += 1
        document = {"uri": self.uri(path), "version": self.version}
        change = {"textDocument": document, "contentChanges": [{"text": text}]}
        self.wire.notify("textDocument/didChange", change)

    def make_edit(self, path: str) -> None:
        """Make the edits of a note, as the rename to `New` has them."""
        text = SHIP[unquote(path)].replace("[[Old note", "[[New")
        self.change(path, text)


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    """A server without a folder."""
    with Wire() as wire:
        edits = {"documentChanges": True, "resourceOperations": ["create", "rename", "delete"]}
        wire.initialize(workspace={"workspaceEdit": edits})
        yield wire


@pytest.fixture
def ship(wire: Wire, tmp_path: Path) -> Iterator[Ship]:
    ship = Ship(wire, create_vault(tmp_path / "vault", SHIP))
    yield ship
    for uri in ship.opened:
        wire.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    wire.change_folders(removed=[ship.root])


def test_edits_of_an_answer_are_not_answered_again(ship: Ship) -> None:
    """Helix asks at once, when its edits have not arrived, or after some of them."""
    changes = ship.rename(0, 3, "New")["documentChanges"]
    assert [change.get("kind") for change in changes] == [*[None] * 8, "rename"]
    assert not ship.asks(OLD_NEW)
    ship.open(CLOSED[0])
    assert not ship.asks(OLD_NEW)
    ship.make_edit("Home.md")
    ship.make_edit(CLOSED[0])
    assert not ship.asks(OLD_NEW)
    ship.open(CLOSED[1], SHIP[CLOSED[1]].replace("Old note", "New"))
    assert not ship.asks(("Old note.md", "New.md"))


def test_rename_of_a_folder_is_not_answered_again(ship: Ship) -> None:
    assert "Land" in str(ship.rename(0, 35, "Land"))
    assert not ship.asks(("Sea/", "Land/"))
    assert not ship.asks(("Sea", "Land"))
    assert ship.asks(("Sea/Tide.md", "Land/Tide.md"))


def test_rename_of_a_title_is_not_answered_again(ship: Ship) -> None:
    assert "New.md" in str(ship.rename(0, 3, "New", "Old%20note.md"))
    assert not ship.asks(OLD_NEW)


@pytest.mark.parametrize(
    "pairs",
    [
        [("Old%20note.md", "Newer.md")],
        [("Sea", "Land")],
        [("Sea/Tide.md", "New.md")],
        [("Old%20note.md", "Sea/New.md")],
        [OLD_NEW, ("Sea/Tide.md", "Sea/Ebb.md")],
    ],
)
def test_rename_of_other_files_is_answered(ship: Ship, pairs: list[tuple[str, str]]) -> None:
    ship.rename(0, 3, "New")
    assert ship.asks(*pairs)


def test_rename_of_an_editor_itself_is_answered(ship: Ship) -> None:
    assert ship.asks(OLD_NEW)
    assert ship.asks(OLD_NEW)


def type_in_open_note(ship: Ship) -> None:
    ship.change("Home.md", "[[Old note]] and more\n")


def type_in_closed_note(ship: Ship) -> None:
    ship.open(CLOSED[0])
    ship.change(CLOSED[0], f"{SHIP[CLOSED[0]]}And [[Old note]].\n")


def write_on_disk(ship: Ship) -> None:
    (ship.root / CLOSED[0]).write_text("[[Old note]] as somebody else wrote it\n")


def rename_to_another_name(ship: Ship) -> None:
    assert "Newer.md" in str(ship.rename(0, 3, "Newer"))


def rename_a_heading(ship: Ship) -> None:
    assert "documentChanges" in ship.rename(2, 4, "Section", "Old%20note.md")


def rename_to_a_taken_name(ship: Ship) -> None:
    assert "there is a file Home.md already" in ship.rename(0, 3, "Home")


def rename_and_rename_back(ship: Ship) -> None:
    ship.move(*OLD_NEW)
    ship.move(*reversed(OLD_NEW))


def rename_and_rename_back_unseen(ship: Ship) -> None:
    """Both are seen on disk only."""
    ship.move(*OLD_NEW, tells=False)
    ship.wait_for("New.md")
    ship.move(*reversed(OLD_NEW), tells=False)
    ship.wait_for("Old%20note.md")


MEANWHILE: list[Callable[[Ship], None]] = [
    type_in_open_note,
    type_in_closed_note,
    write_on_disk,
    rename_to_another_name,
    rename_a_heading,
    rename_to_a_taken_name,
    rename_and_rename_back,
    rename_and_rename_back_unseen,
]


@pytest.mark.thorough
@pytest.mark.parametrize("happen", MEANWHILE)
def test_answer_that_is_no_longer_made_is_planned_again(
    ship: Ship, happen: Callable[[Ship], None]
) -> None:
    ship.rename(0, 3, "New")
    happen(ship)
    assert ship.asks(OLD_NEW)


def test_last_of_two_answers_counts(ship: Ship) -> None:
    ship.rename(0, 3, "New")
    ship.rename(0, 3, "Newer")
    assert not ship.asks(("Old%20note.md", "Newer.md"))


def test_other_notes_may_change_meanwhile(ship: Ship) -> None:
    ship.rename(0, 35, "Land")
    ship.open("Old%20note.md", "Other text\n")
    (ship.root / "Another.md").write_text("[[nowhere]]\n")
    assert not ship.asks(("Sea", "Land"))


def test_answer_is_kept_for_ten_seconds_after_its_last_edit(view: View) -> None:
    """A user who has cancelled the rename may rename the file in the tree."""
    now = 100.0
    view = replace(view, clock=lambda: now)
    params = types.RenameParams(**locate(view, "Home.md", "[[Ti¦de|the"), new_name="Ebb")
    edited = apply_edit(view, rename(view, params))["Home.md"]
    asked = ("Sea/Tide.md", "Sea/Ebb.md")
    now = 109.9
    assert follow(view, asked) is None
    follow_changes(view, ["Home.md", "Plain.md"])  # whose texts are as before
    now = 110.0
    assert follow(view, asked) is not None
    follow_changes(replace(view, vault=view.vault.holding("Home.md", edited)), ["Home.md"])
    now = 119.9
    assert follow(view, asked) is None
    now = 120.0
    assert follow(view, asked) is not None


@each("uri", ["untitled:Untitled-1", "file:///elsewhere/A.md"])
def test_document_outside_a_vault_has_only_its_own_names(view: View, uri: str) -> None:
    text = "# One 🌊\n\n[[#One 🌊]] [[A]] #tag\n"
    alone = view_alone(view.client, EditorSettings(), OpenDocument(uri, 7, text))
    document = types.TextDocumentIdentifier(uri)
    place = types.Position(0, 3)
    edit = rename(alone, types.RenameParams(document, place, "Two"))
    [change] = edit.document_changes or ()
    assert isinstance(change, types.TextDocumentEdit)
    assert (change.text_document.uri, change.text_document.version) == (uri, 7)
    after = apply_text_edits(text, change.edits, "utf-16")
    assert after == "# Two\n\n[[#Two]] [[A]] #tag\n"
    assert prepare_rename(alone, types.PrepareRenameParams(document, types.Position(2, 14))) is None
    renamed = types.RenameFilesParams([types.FileRename(uri, "file:///elsewhere/B.md")])
    assert follow_renamed_files(alone, renamed) is None


# -- renames of random vaults ----------------------------------------------------------------------

NEW_NAMES = ("New", "new.md", "Plan", "alpha/New", "Zoë 🌊", "a|b", "Part", "block", "x/y", "start")


@each("seed", range(count_examples(24)))
def test_renames_are_those_of_the_library(tmp_path: Path, seed: int) -> None:
    """At any place, with unsaved texts and in all units: the same texts and paths, or the same refusal."""
    random = Random(seed)
    files = generate_vault(random)
    notes = [path for path in files if path.endswith(".md")]
    held = {
        path: f"🌊é {files[path].decode()}\n[[{random.choice(notes)}]] #tag/{random.choice('ab')}\n"
        for path in random.sample(notes, random.randint(0, len(notes)))
    }
    encoding = random.choice(("utf-8", "utf-16", "utf-32"))
    view = open_view(new_folder(tmp_path), files, held, encoding)
    texts = read_texts(view)
    for _ in range(12):
        path = random.choice(notes)
        place = find_position(view, path, random.randint(0, len(texts[path])))
        offset = view.places(path).offset(place)  # another one in a line end
        document = types.TextDocumentIdentifier(view.uri(path))
        params = types.RenameParams(document, place, random.choice(NEW_NAMES))
        expected = plan_with_library(view, path, offset, params.new_name)
        try:
            found: object = apply_edit(view, rename(view, params))
        except UsageError as error:
            found = str(error)
        assert found == expected, (path, offset, params.new_name)


def plan_with_library(view: View, path: str, offset: int, new: str) -> object:
    """Return the texts after a rename as `Vault.plan` makes it, or why it is refused."""
    try:
        thing = find_named_thing(view, path, offset)
        if thing is None:
            return "nothing here can be renamed."
        requests = [RenameRequest(thing.old, new, merge=False)]
        requests += [RenameRequest(thing.title, link_name(new))] if thing.title else []
        is_taken = thing.old.startswith("#") and find_tag_conflict(
            view.vault.index, thing.name, new
        )
        if is_taken and thing.name != new:
            requests = [RenameRequest(thing.old, new, merge=True)]
        plan = view.vault.plan(*requests)
    except UsageError as error:
        return str(error)
    texts = {name: text for name, (_, text) in plan.texts.items()}
    return {
        plan.find_new_path(name): texts.get(name, text) for name, text in read_texts(view).items()
    }
