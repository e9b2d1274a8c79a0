"""Each range that is given is one of its text, in all three encodings, and is what it names."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from odd_texts import PARTS, make_text, make_vault
from pygls.exceptions import JsonRpcException

from editors import EDITORS, Editor, choose_editors, find_position, read_path, split_lines, start
from exploring import choose_seeds
from vaultlink.api import Vault, open_vault
from vaultlink.disk.scan import Settings
from vaultlink.model import Note
from vaultlink.text import escape_controls

Json = Any

BY_NOTE = (
    *("textDocument/codeAction", "textDocument/codeLens", "textDocument/documentLink"),
    *("textDocument/documentSymbol", "textDocument/inlayHint", "textDocument/formatting"),
)
BY_PLACE = (
    *("textDocument/completion", "textDocument/definition", "textDocument/hover"),
    *("textDocument/prepareRename", "textDocument/references", "textDocument/rename"),
)


def walk_ranges(value: Json, uri: str) -> Iterator[tuple[str, types.Range]]:
    """Yield the ranges of an answer, each with the address of its text."""
    if isinstance(value, list):
        for item in value:
            yield from walk_ranges(item, uri)
    elif isinstance(value, dict):
        if {"start", "end"} <= value.keys():
            yield uri, types.Range(*(types.Position(**value[key]) for key in ("start", "end")))
            return
        uri = value.get("uri", value.get("textDocument", {}).get("uri", uri))
        for key, item in value.items():
            if key == "changes":
                for place, edits in item.items():
                    yield from walk_ranges(edits, place)
            elif key in ("targetRange", "targetSelectionRange"):
                yield from walk_ranges(item, value["targetUri"])
            elif key not in ("data", "arguments"):
                yield from walk_ranges(item, uri)


async def ask(editor: Editor, method: str, uri: str, place: types.Position) -> Json:
    """Return the answer of a request, as JSON; None for an error."""
    protocol: Any = editor.client.protocol
    position = {"line": place.line, "character": place.character}
    everything = {"start": {"line": 0, "character": 0}, "end": {"line": 999, "character": 0}}
    params = {
        "textDocument": {"uri": uri},
        "position": position,
        "range": everything,
        "context": {"includeDeclaration": True, "diagnostics": [], "triggerKind": 1},
        "newName": "New name",
        "options": {"tabSize": 4, "insertSpaces": True},
    }
    given = protocol._converter.structure(params, types.METHOD_TO_TYPES[method][2])
    try:
        result = await protocol.send_request_async(method, given)
    except JsonRpcException as error:
        assert error.code == types.LSPErrorCodes.RequestFailed.value, error
        assert "internal error" not in str(error)
        return None
    return protocol._converter.unstructure(result)


def open_as_editor(editor: Editor, root: Path) -> Vault:
    vault = open_vault(root, Settings(cache=False, jobs=1))
    for uri, text in editor.texts.items():
        vault = vault.holding(read_path(uri).relative_to(root).as_posix(), text)
    return vault


async def open_some(editor: Editor, chance: random.Random, root: Path) -> Vault:
    """Open and change half of the notes, and return the vault as it is then."""
    for file in sorted(root.rglob("*.md"))[::2]:
        uri = file.as_uri()
        editor.open(uri, make_text(chance) + "\n# One\n🙂 [[a|é]] ![[p.png]] #tag ^k\n")
        at = chance.randint(0, len(editor.texts[uri]))
        editor.change(uri, (at, at, "".join(chance.choices(PARTS, k=3))))
    while not await editor.pull_all():
        pass
    return open_as_editor(editor, root)


def list_places(note: Note, editor: Editor, uri: str) -> list[types.Position]:
    """Return places in the links, headings and elsewhere in a note."""
    text = editor.read(uri)
    mark = text.startswith("\ufeff")
    places = [0, len(text), *(item.start + mark + 2 for item in (*note.links, *note.headings))]
    return [find_position(text, at, editor.encoding) for at in places]


def walk_symbols(symbols: Json) -> Iterator[Json]:
    for symbol in symbols:
        yield symbol
        yield from walk_symbols(symbol.get("children", ()))


def cut_tokens(editor: Editor, uri: str, data: list[int]) -> Iterator[str]:
    """Yield the texts of semantic tokens."""
    line = column = 0
    for below, beside, length, *_ in batched(data, 5):
        line, column = line + below, beside + (0 if below else column)
        ends = types.Position(line, column), types.Position(line, column + length)
        yield editor.cut(uri, types.Range(*ends))


def batched(data: list[int], size: int) -> Iterator[list[int]]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


@pytest.mark.thorough
@pytest.mark.asyncio
@pytest.mark.parametrize("name", choose_editors("code", "helix", "emacs", "minimal"))
@pytest.mark.parametrize("seed", choose_seeds(1))
async def test_ranges_are_those_of_their_texts(name: str, seed: int, tmp_path: Path) -> None:
    chance = random.Random(f"{seed} {name}")
    root = make_vault(chance, tmp_path / "vault")
    async with start(root, can=EDITORS[name]()) as editor:
        vault = await open_some(editor, chance, root)
        for path, note in vault.index.notes.items():
            uri = next((uri for uri in editor.texts if read_path(uri) == root / path), None)
            uri = uri or (root / path).as_uri()
            for method in (*BY_NOTE, *BY_PLACE):
                places = list_places(note, editor, uri)
                for place in places[: 1 if method in BY_NOTE else None]:
                    answer = await ask(editor, method, uri, place)
                    for other, extent in walk_ranges(answer, uri):
                        editor.cut(other, extent)


@pytest.mark.asyncio
@pytest.mark.parametrize("name", choose_editors("code", "helix", "emacs"))
@pytest.mark.parametrize("seed", choose_seeds(1))
async def test_ranges_are_what_they_name(name: str, seed: int, tmp_path: Path) -> None:
    chance = random.Random(f"{seed} {name}")
    root = make_vault(chance, tmp_path / "vault")
    top = types.Position(0, 0)
    async with start(root, can=EDITORS[name]()) as editor:
        vault = await open_some(editor, chance, root)
        for path, note in vault.index.notes.items():
            uri = (root / path).as_uri()
            raws = [link.raw for link in note.links]
            links = await ask(editor, "textDocument/documentLink", uri, top) or []
            cuts = [editor.cut(uri, extent) for _, extent in walk_ranges(links, uri)]
            assert all(any(cut in raw for raw in raws) for cut in cuts), (cuts, raws)
            found = await ask(editor, "textDocument/documentSymbol", uri, top) or []
            for item in walk_symbols(found):
                place = item.get("selectionRange") or item["location"]["range"]
                [(_, extent)] = walk_ranges(place, uri)
                text = editor.cut(uri, extent)
                assert item["name"] in escape_controls(text), (item, text)
            folds = await ask(editor, "textDocument/foldingRange", uri, top) or []
            last = len(list(split_lines(editor.read(uri)))) - 1
            for fold in folds:
                assert 0 <= fold["startLine"] < fold["endLine"] <= last
            tokens = await ask(editor, "textDocument/semanticTokens/full", uri, top)
            for cut in cut_tokens(editor, uri, tokens["data"] if tokens else []):
                assert cut.startswith("#") or any(cut in raw for raw in raws), (cut, raws)
