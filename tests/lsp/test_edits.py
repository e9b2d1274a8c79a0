"""Edits over stdio, made by editors of all kinds: afterwards the vault is as the command line would leave it."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from editor import apply_text_edits
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from editors import EDITORS, Editor, choose_editors, find_position, read_path, start
from running import RunCommand, create_vault, new_folder

VAULT = {
    "Home.md": "# Home\n\n🌊 [[Sea/Tide]], [[Tide#Low water]] and [[Tied]].\n",
    "Sea/Tide.md": "\ufeff# Tide\r\n\r\n## Low water\r\n\r\n[[Home]] #sea/tide\r\n",
    "Other.md": "🌊 [[Tide|the 🌊 tide]] #sea\n",
}

ABLE = choose_editors("code", "neovim", "helix")
"""The editors that rename and create files for a server."""


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    return create_vault(tmp_path / "vault", VAULT)


def locate(editor: Editor, uri: str, place: str) -> dict[str, Any]:
    before, after = place.split("¦")
    text = editor.read(uri)
    offset = text.index(before + after) + len(before)
    return {
        "text_document": types.TextDocumentIdentifier(uri),
        "position": find_position(text, offset, editor.encoding),
    }


def make_edit(editor: Editor, edit: types.WorkspaceEdit | None) -> None:
    """Make an edit as editors do: in open documents, else on disk."""
    assert edit is not None
    for uri, edits in (edit.changes or {}).items():
        change_text(editor, uri, edits)
    for change in edit.document_changes or ():
        if isinstance(change, types.TextDocumentEdit):
            uri = change.text_document.uri
            assert change.text_document.version == editor.versions.get(uri)
            change_text(editor, uri, change.edits)
        elif isinstance(change, types.CreateFile):
            read_path(change.uri).open("x").close()
        elif isinstance(change, types.RenameFile):
            old, new = read_path(change.old_uri), read_path(change.new_uri)
            assert not new.exists()
            new.parent.mkdir(parents=True, exist_ok=True)
            old.rename(new)
        else:
            read_path(change.uri).unlink()


def change_text(editor: Editor, uri: str, edits: Any) -> None:
    text = editor.read(uri)
    after = apply_text_edits(text, edits, editor.encoding)
    if uri in editor.texts:
        editor.change(uri, (0, len(text), after))
    else:
        data = read_path(uri).read_bytes()
        mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
        read_path(uri).write_bytes(mark + after.encode())


def save_all(editor: Editor) -> None:
    for uri, text in editor.texts.items():
        read_path(uri).write_bytes(text.encode())


def read_notes(root: Path) -> dict[str, bytes]:
    return {
        file.relative_to(root).as_posix(): file.read_bytes() for file in sorted(root.rglob("*.md"))
    }


RENAMES = [
    ("Home.md", "[[Sea/Ti¦de]]", "Ebb", ("Sea/Tide.md", "Ebb")),
    ("Other.md", "[[Ti¦de|", "Land/Ebb", ("Sea/Tide.md", "Land/Ebb")),
    ("Home.md", "[[S¦ea/Tide]]", "Land", ("Sea/", "Land")),
    ("Home.md", "[[Tide#Low¦ water]]", "High 🌊", ("Tide#Low water", "High 🌊")),
    ("Other.md", "#s¦ea", "water", ("#sea", "#water")),
]


@pytest.mark.thorough
@pytest.mark.asyncio
@pytest.mark.parametrize("name", ABLE)
async def test_rename_is_that_of_the_command(
    tmp_path: Path, run: RunCommand, subtests: pytest.Subtests, name: str
) -> None:
    async with start(can=EDITORS[name]()) as editor:
        for note, place, new, words in RENAMES:
            with subtests.test(place):
                vault, other = (create_vault(new_folder(tmp_path), VAULT) for _ in range(2))
                assert run("rename", "--vault", other, *words).code == 0
                editor.change_folders([vault])
                await editor.pull((vault / "Home.md").as_uri())  # the vault is read
                uri = (vault / "Other.md").as_uri()
                editor.open(uri, VAULT["Other.md"])
                where = locate(editor, (vault / note).as_uri(), place)
                found = await editor.client.text_document_prepare_rename_async(
                    types.PrepareRenameParams(**where)
                )
                assert isinstance(found, types.PrepareRenamePlaceholder)
                params = types.RenameParams(**where, new_name=new)
                make_edit(editor, await editor.client.text_document_rename_async(params))
                save_all(editor)
                assert read_notes(vault) == read_notes(other)
                editor.close(uri)


@pytest.mark.asyncio
@pytest.mark.parametrize("name", choose_editors("emacs", "minimal"))
async def test_editor_without_changes_of_files_renames_headings_only(
    vault: Path, name: str
) -> None:
    async with start(vault, can=EDITORS[name]()) as editor:
        await editor.pull((vault / "Home.md").as_uri())
        home = (vault / "Home.md").as_uri()
        where = locate(editor, home, "[[Tide#Low¦ water]]")
        edit = await editor.client.text_document_rename_async(
            types.RenameParams(**where, new_name="Ebb")
        )
        make_edit(editor, edit)
        assert "[[Tide#Ebb]]" in editor.read(home)
        where = locate(editor, home, "[[Sea/Ti¦de]]")
        with pytest.raises(JsonRpcException, match="can't rename files"):
            await editor.client.text_document_rename_async(
                types.RenameParams(**where, new_name="x")
            )


@pytest.mark.asyncio
async def test_links_follow_a_folder_that_the_editor_renames(vault: Path, run: RunCommand) -> None:
    other = vault.parent / "other"
    shutil.copytree(vault, other)
    assert run("rename", "--vault", other, "Sea/", "Land").code == 0
    async with start(vault) as editor:
        await editor.pull((vault / "Home.md").as_uri())
        pair = types.FileRename((vault / "Sea").as_uri(), (vault / "Land").as_uri())
        params = types.RenameFilesParams([pair])
        make_edit(editor, await editor.client.workspace_will_rename_files_async(params))
        (vault / "Sea").rename(vault / "Land")
        editor.client.workspace_did_rename_files(params)
        items = await editor.pull((vault / "Home.md").as_uri())
        assert [item.code for item in items] == ["VL101"]
    assert read_notes(vault) == read_notes(other)


@pytest.mark.asyncio
@pytest.mark.parametrize("name", choose_editors())
async def test_action_is_made(vault: Path, name: str) -> None:
    async with start(vault, can=EDITORS[name]()) as editor:
        await editor.pull((vault / "Home.md").as_uri())  # the vault is read
        home = (vault / "Home.md").as_uri()
        editor.open(home, VAULT["Home.md"])
        items = await editor.pull(home)
        [item] = [item for item in items if item.code == "VL101"]
        params = types.CodeActionParams(
            types.TextDocumentIdentifier(home), item.range, types.CodeActionContext([item])
        )
        found = await editor.client.text_document_code_action_async(params)
        [action] = [
            action
            for action in found or ()
            if isinstance(action, types.CodeAction) and action.title == "Link to “Sea/Tide”"
        ]
        assert [*(action.diagnostics or ())] == [item]
        if action.edit is None:
            action = await editor.client.code_action_resolve_async(action)
        make_edit(editor, action.edit)
        assert editor.read(home) == VAULT["Home.md"].replace("[[Tied]]", "[[Tide|Tied]]")
        assert not await editor.pull(home)


@pytest.mark.asyncio
@pytest.mark.parametrize("name", choose_editors("code", "neovim"))
async def test_section_becomes_a_note(vault: Path, name: str) -> None:
    async with start(vault, can=EDITORS[name]()) as editor:
        await editor.pull((vault / "Home.md").as_uri())  # the vault is read
        tide = (vault / "Sea/Tide.md").as_uri()
        place = locate(editor, tide, "## L¦ow water")["position"]
        params = types.CodeActionParams(
            types.TextDocumentIdentifier(tide),
            types.Range(place, place),
            types.CodeActionContext([], only=[types.CodeActionKind.Refactor]),
        )
        [action] = await editor.client.text_document_code_action_async(params) or ()
        assert isinstance(action, types.CodeAction)
        make_edit(editor, (await editor.client.code_action_resolve_async(action)).edit)
    notes = read_notes(vault)
    assert notes["Sea/Low water.md"] == b"[[Home]] #sea/tide\r\n"
    assert (
        notes["Sea/Tide.md"]
        == VAULT["Sea/Tide.md"].replace("[[Home]] #sea/tide", "[[Low water]]").encode()
    )
    assert "[[Low water]]" in notes["Home.md"].decode()
