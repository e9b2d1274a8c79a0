"""The structure of a note, as an editor shows it: symbols, links, folds, lenses, hints, tokens."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from reader import ask, find_path, identify, read_place, read_range, read_vault

from editors import EDITORS, WAIT, choose_editors, count_units, start
from running import create_vault, new_folder
from tables import each
from vaultlink.serve.lsp.outline import (
    LEGEND,
    find_workspace_symbols,
    list_document_links,
    list_document_symbols,
    list_folds,
    list_hints,
    list_lenses,
    list_tokens,
    resolve_lens,
)
from vaultlink.serve.lsp.views import EditorSettings, View

NOTE = """\
---
title: The quay
aliases: [Jetty, "Old \\u0070ier"]
tags: [place]
---
# The quay

Ships. ^ships

## Plan #sea

### Depth
deep

##

# End
"""

VAULT: dict[str, Any] = {
    "Quay.md": NOTE,
    "Home.md": (
        "[[Quay]] 🙂 [[Quay#Plan #sea|plan]] [[Nowhere]] #sea\n[[Quay#Gone]] [[#H]]\n\n"
        "## H\n[a\nb](Quay.md) ![[map.png]] [web](https://example.org/a%20b) [run](command:x)\n"
        "[[Quay#^ships]]\n"
    ),
    "map.png": b"",
}


@pytest.fixture
def view(tmp_path: Path) -> View:
    return read_vault(tmp_path, VAULT, has_symbol_trees=True, has_link_tooltips=True)


# -- symbols of a note ------------------------------------------------------------------------------------------------


def draw(view: View, path: str, symbols: list[types.DocumentSymbol], indent: str = "") -> list[str]:
    """Return the tree of symbols, each with the first and last line of its range."""
    rows = []
    for item in symbols:
        extent = item.range
        assert extent.start <= item.selection_range.start
        assert item.selection_range.end <= extent.end
        rows.append(f"{indent}{item.name} {extent.start.line}-{extent.end.line}")
        rows += draw(view, path, list(item.children or ()), f"{indent}  ")
    return rows


def test_symbols_of_a_note_are_its_headings_and_blocks(view: View) -> None:
    found = ask(
        list_document_symbols, view, types.DocumentSymbolParams(**identify(view, "Quay.md"))
    )
    assert draw(view, "Quay.md", found) == [
        "The quay 5-14",
        "  ^ships 7-7",
        "  Plan #sea 9-12",
        "    Depth 11-12",
        "  ## 14-14",
        "End 16-16",
    ]
    assert read_range(view, "Quay.md", found[0].children[1].selection_range) == "Plan #sea"


def test_symbols_are_flat_for_an_editor_without_trees(tmp_path: Path) -> None:
    view = read_vault(tmp_path, VAULT)
    found = ask(
        list_document_symbols, view, types.DocumentSymbolParams(**identify(view, "Quay.md"))
    )
    assert [(item.name, item.container_name) for item in found] == [
        ("The quay", None),
        ("^ships", "The quay"),
        ("Plan #sea", "The quay"),
        ("Depth", "Plan #sea"),
        ("##", "The quay"),
        ("End", None),
    ]


# -- symbols of a vault -----------------------------------------------------------------------------------------------


@each(
    ("query", "expected"),
    [
        pytest.param("quay", ["Quay -> Quay.md", "The quay -> Quay.md: The quay"], id="names"),
        pytest.param("jet", ["Jetty -> Quay.md: Jetty"], id="alias"),
        pytest.param("Old pier", ['Old pier -> Quay.md: [Jetty, "Old \\u0070ier"]'], id="escapes"),
        pytest.param("depth", ["Depth -> Quay.md: Depth"], id="heading"),
        pytest.param("map", ["map.png -> map.png"], id="attachment"),
        pytest.param("place", ["#place -> Quay.md: place"], id="tag"),
        pytest.param("ships", [], id="block"),
        pytest.param("", [], id="nothing typed"),
    ],
)
def test_symbols_of_a_vault(view: View, query: str, expected: list[str]) -> None:
    found = ask(find_workspace_symbols, view, types.WorkspaceSymbolParams(query))
    rows = [f"{x.name} -> {read_place(view, x.location.uri, x.location.range)}" for x in found]
    assert rows[: len(expected)] == expected
    assert bool(rows) == bool(expected)


def test_symbols_of_a_vault_are_at_most_200(tmp_path: Path) -> None:
    view = read_vault(tmp_path, {f"note {number}.md": "" for number in range(300)})
    assert len(ask(find_workspace_symbols, view, types.WorkspaceSymbolParams("note"))) == 200


# -- links ------------------------------------------------------------------------------------------------------------


def test_links_lead_to_files_and_addresses(view: View) -> None:
    found = ask(list_document_links, view, types.DocumentLinkParams(**identify(view, "Home.md")))
    rows = [
        (read_range(view, "Home.md", link.range), (link.target or "").rpartition("/vault/")[2])
        for link in found
    ]
    assert rows == [
        ("[[Quay]]", "Quay.md"),
        ("[[Quay#Plan #sea|plan]]", "Quay.md"),
        ("[[Quay#Gone]]", "Quay.md"),
        ("[[#H]]", "Home.md#L4"),
        ("[a\nb](Quay.md)", "Quay.md"),
        ("![[map.png]]", "map.png"),
        ("[web](https://example.org/a%20b)", "https://example.org/a%20b"),
        ("[[Quay#^ships]]", "Quay.md#L8"),
    ]
    assert [link.tooltip for link in found][2:4] == ["Quay.md#Gone", "Home.md#H"]


# -- folds ------------------------------------------------------------------------------------------------------------


@each(
    ("text", "expected"),
    [
        pytest.param("---\na: 1\n---\ntext\n", ["0-2 region"], id="properties"),
        pytest.param("# A\none\n\n## B\ntwo\n\n\n# C\n", ["0-4", "3-4"], id="sections"),
        pytest.param("a\n\n```\n# no\n- no\n  no\n```\n", ["2-6"], id="code"),
        pytest.param("> [!note] T\n> b\n\nc\n> d\n", ["0-1"], id="callout"),
        pytest.param("- a\n- b\n  c\n\n  d\n  - e\n- f\n", ["1-5"], id="list item"),
        pytest.param("1. a\n   - b\n     c\ntext\n", ["0-2", "1-2"], id="nested items"),
        pytest.param("%%\na\n%%\n<!-- b\nc -->\n", ["0-2 comment", "3-4 comment"], id="comments"),
        pytest.param(
            "x\n\n<!-- vaultlink:backlinks -->\n## Backlinks\n- [[A]]\n"
            "<!-- /vaultlink:backlinks -->\n",
            ["2-5 region", "3-5"],
            id="managed section",
        ),
        pytest.param("# A\r\none\r\n\r\n# B\r\n", ["0-1"], id="Windows line ends"),
        pytest.param("text\n- a\n- b\n> c\n# D\n", [], id="nothing"),
        pytest.param("", [], id="empty"),
    ],
)
def test_folds(tmp_path: Path, text: str, expected: list[str]) -> None:
    view = read_vault(new_folder(tmp_path), {"A.md": text})
    found = ask(list_folds, view, types.FoldingRangeParams(**identify(view, "A.md")))
    rows = [
        f"{fold.start_line}-{fold.end_line} {fold.kind.value if fold.kind else ''}".strip()
        for fold in found
    ]
    assert rows == expected


# -- code lenses ------------------------------------------------------------------------------------------------------


def list_titles(view: View, path: str) -> list[tuple[str, str]]:
    """Return the place and title of each lens."""
    lenses = ask(list_lenses, view, types.CodeLensParams(**identify(view, path)))
    found = [ask(resolve_lens, view, lens) for lens in lenses or ()]
    return [(read_place(view, view.uri(path), lens.range), lens.command.title) for lens in found]


def test_lenses_count_the_links_to_a_note_and_its_headings(view: View) -> None:
    assert list_titles(view, "Quay.md") == [("Quay.md", "1 backlink")]
    assert list_titles(view, "Home.md") == [
        ("Home.md", "0 backlinks"),
        ("Home.md: H", "1 link"),
    ]


def test_lens_shows_places_if_the_editor_can(view: View) -> None:
    client = view.client._replace(references_command="vaultlink.showReferences")
    other = View(view.vault, client, view.root)
    lenses = ask(list_lenses, other, types.CodeLensParams(**identify(other, "Quay.md")))
    command = ask(resolve_lens, other, lenses[0]).command
    assert command.command == "vaultlink.showReferences"
    uri, position, places = command.arguments
    assert (find_path(other, uri), position) == ("Quay.md", types.Position(0, 0))
    assert read_place(other, places[0].uri, places[0].range) == "Home.md: [[Quay]]"
    assert len(places) == 5


@each("data", [None, {}, {"uri": 5}, {"uri": "file:///elsewhere.md"}, [1]])
def test_lens_of_another_server_stays_as_it_is(view: View, data: Any) -> None:
    lens = types.CodeLens(types.Range(types.Position(0, 0), types.Position(0, 0)), data=data)
    assert ask(resolve_lens, view, lens) is lens


def test_no_lenses_without_the_setting(tmp_path: Path) -> None:
    view = read_vault(tmp_path, VAULT, settings=EditorSettings(code_lens=False))
    assert list_titles(view, "Home.md") == []


# -- inlay hints ------------------------------------------------------------------------------------------------------


WHOLE = types.Range(types.Position(0, 0), types.Position(99, 0))


def test_hints_are_titles_that_links_do_not_show(tmp_path: Path) -> None:
    files = {
        "a.md": "[[b1]] [[b1|B, one]] [[c]] [[b1|x]] [[none]] ![[m.png]] [[#h]]\n[[b1]]\n",
        "b1.md": "---\ntitle: B, one\n---\n",
        "c.md": "",
        "m.png": b"",
    }
    view = read_vault(tmp_path, files, settings=EditorSettings(inlay_hints=True))
    first_line = types.Range(types.Position(0, 0), types.Position(0, 70))
    params = types.InlayHintParams(range=first_line, **identify(view, "a.md"))
    found = ask(list_hints, view, params)
    assert [(hint.position.character, hint.label) for hint in found] == [
        (6, "B, one"),
        (35, "B, one"),
    ]


def test_no_hints_without_the_setting(view: View) -> None:
    params = types.InlayHintParams(range=WHOLE, **identify(view, "Home.md"))
    assert ask(list_hints, view, params) is None


# -- semantic tokens --------------------------------------------------------------------------------------------------


def read_tokens(view: View, path: str, data: list[int]) -> list[tuple[str, str]]:
    """Return the text and type of each token."""
    line = column = 0
    found = []
    for at in range(0, len(data), 5):
        lines, columns, size, kind, _ = data[at : at + 5]
        line, column = line + lines, columns if lines else column + columns
        extent = types.Range(types.Position(line, column), types.Position(line, column + size))
        found.append((read_range(view, path, extent), LEGEND.token_types[kind]))
    return found


TOKENS = [
    ("[[Quay]]", "class"),
    ("[[Quay#Plan #sea|plan]]", "unresolvedReference"),
    ("[[Nowhere]]", "unresolvedReference"),
    ("#sea", "decorator"),
    ("[[Quay#Gone]]", "unresolvedReference"),
    ("[[#H]]", "class"),
    ("![[map.png]]", "class"),
    ("[[Quay#^ships]]", "class"),
]


@each("encoding", ["utf-8", "utf-16", "utf-32"])
def test_tokens_are_links_and_tags_in_one_line(tmp_path: Path, encoding: str) -> None:
    view = read_vault(new_folder(tmp_path), VAULT, encoding=encoding)
    found = ask(list_tokens, view, types.SemanticTokensParams(**identify(view, "Home.md")))
    assert read_tokens(view, "Home.md", found.data) == TOKENS


def test_tokens_of_a_range(view: View) -> None:
    """Those that touch one of its ends belong to it."""
    between = types.Range(types.Position(0, 52), types.Position(1, 14))
    params = types.SemanticTokensRangeParams(range=between, **identify(view, "Home.md"))
    found = ask(list_tokens, view, params)
    assert read_tokens(view, "Home.md", found.data) == TOKENS[3:6]


def test_token_in_another_is_left_out(tmp_path: Path) -> None:
    view = read_vault(tmp_path, {"A.md": "[![[A]]](A.md) [[A]]\n"})
    found = ask(list_tokens, view, types.SemanticTokensParams(**identify(view, "A.md")))
    texts = [text for text, _ in read_tokens(view, "A.md", found.data)]
    assert texts == ["[![[A]]](A.md)", "[[A]]"]


@each(
    "function", [list_document_symbols, list_document_links, list_folds, list_lenses, list_tokens]
)
@each("path", ["missing.md", "map.png"])
def test_file_without_a_text_has_no_structure(view: View, function: Any, path: str) -> None:
    assert ask(function, view, types.DocumentSymbolParams(**identify(view, path))) is None


# -- over stdio -------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize("name", choose_editors())
async def test_editor_shows_the_structure_of_an_unsaved_text(name: str, tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "vault", VAULT)
    uri = (vault / "Home.md").as_uri()
    async with start(vault, can=EDITORS[name]()) as editor:
        editor.open(uri, "# 🙂 Title\n\n[[Home]]\ntext #é\n## Part\n[[#Part]]\n")
        client: Any = editor.client
        document = types.TextDocumentIdentifier(uri)
        symbols = None
        async with asyncio.timeout(WAIT):
            while not symbols:  # until the vault is read
                asked = types.DocumentSymbolParams(document)
                symbols = await client.text_document_document_symbol_async(asked)
        assert symbols[0].name == "🙂 Title"
        links = await client.text_document_document_link_async(types.DocumentLinkParams(document))
        assert [editor.cut(uri, link.range) for link in links] == ["[[Home]]", "[[#Part]]"]
        asked_folds = types.FoldingRangeParams(document)
        folds = await client.text_document_folding_range_async(asked_folds)
        assert [(fold.start_line, fold.end_line) for fold in folds] == [(0, 5), (4, 5)]
        lenses = await client.text_document_code_lens_async(types.CodeLensParams(document))
        titles = [(await client.code_lens_resolve_async(lens)).command.title for lens in lenses]
        assert titles == ["0 backlinks", "1 link"]
        tokens = types.SemanticTokensParams(document)
        found = await client.text_document_semantic_tokens_full_async(tokens)
        units = count_units("#é", editor.encoding)
        assert list(found.data) == [*(2, 0, 8, 0, 0), *(1, 5, units, 2, 0), *(2, 0, 9, 0, 0)]
        query = types.WorkspaceSymbolParams("part")
        named = await client.workspace_symbol_async(query)
        assert [editor.cut(item.location.uri, item.location.range) for item in named] == ["Part"]
