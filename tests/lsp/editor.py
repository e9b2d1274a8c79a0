"""An editor for tests: it opens a vault, and makes the edits of an answer as the protocol says."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from lsprotocol import types
from pygls import uris
from pygls.workspace import PositionCodec

from running import create_vault
from vaultlink.api import Vault, open_vault
from vaultlink.serve.lsp.views import Client, OpenDocument, View

ALL = frozenset(("create", "rename", "delete"))
UNITS = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
SIZES = {"utf-8": 1, "utf-16": 2, "utf-32": 4}


def open_view(
    folder: Path,
    files: Mapping[str, Any],
    held: Mapping[str, str] | None = None,
    encoding: str = "utf-16",
    **abilities: Any,
) -> View:
    """Create a vault and open it in an editor that can do all that is not said otherwise; `held` are unsaved texts."""
    vault = open_vault(create_vault(folder, files))
    return view_vault(vault, held, encoding, **abilities)


def view_vault(
    vault: Vault, held: Mapping[str, str] | None = None, encoding: str = "utf-16", **abilities: Any
) -> View:
    documents = {}
    for number, (path, text) in enumerate((held or {}).items(), 1):
        vault = vault.holding(path, text)
        documents[path] = OpenDocument(
            uris.from_fs_path(f"{vault.root}/{path}") or "", number, text
        )
    can = {"has_versions": True, "operations": ALL, "has_annotations": True, "resolves_edits": True}
    client = Client(PositionCodec(encoding), **{**can, **abilities})
    return View(vault, client, str(vault.root), documents)


def read_texts(view: View) -> dict[str, str]:
    """Return the texts that the editor has: the open ones, and those on disk."""
    root = view.vault.root
    return {
        path: view.documents[path].text
        if path in view.documents
        else (root / path).read_bytes().decode("utf-8", "surrogateescape").removeprefix("\ufeff")
        for path in view.vault.index.files
    }


def find_position(view: View, path: str, offset: int) -> types.Position:
    return view.places(path).position(offset)


def locate(view: View, path: str, text: str) -> dict[str, Any]:
    """Return the place in a request: that of the sign `¦`, which is not in the note, in a part of its text."""
    before, after = text.split("¦")
    whole = read_texts(view)[path]
    assert whole.count(before + after) == 1, "the place is not clear"
    offset = whole.index(before + after) + len(before)
    return {
        "text_document": types.TextDocumentIdentifier(view.uri(path)),
        "position": find_position(view, path, offset),
    }


def apply_edit(view: View, edit: types.WorkspaceEdit | None) -> dict[str, str]:
    """Return the texts after an edit. Every change must be possible, and for the version that is open."""
    texts, encoding = read_texts(view), str(view.client.codec.encoding)
    if edit is None:
        return texts
    for uri, edits in (edit.changes or {}).items():
        path = find_path(view, uri)
        texts[path] = apply_text_edits(texts[path], edits, encoding)
    for change in edit.document_changes or ():
        if isinstance(change, types.TextDocumentEdit):
            path = find_path(view, change.text_document.uri)
            document = view.documents.get(path)
            assert change.text_document.version == (document.version if document else None)
            texts[path] = apply_text_edits(texts[path], change.edits, encoding)
        elif isinstance(change, types.CreateFile):
            path = find_path(view, change.uri)
            assert path not in texts
            texts[path] = ""
        elif isinstance(change, types.DeleteFile):
            del texts[find_path(view, change.uri)]
        else:
            texts = dict(_move(view, texts, change))
    return texts


def _move(
    view: View, texts: Mapping[str, str], move: types.RenameFile
) -> Iterator[tuple[str, str]]:
    old, new = find_path(view, move.old_uri), find_path(view, move.new_uri)
    assert not any(f"{path}/".startswith(f"{new}/") for path in texts if not path.startswith(old))
    for path, text in texts.items():
        yield new + path[len(old) :] if f"{path}/".startswith(f"{old}/") else path, text


def find_path(view: View, uri: str) -> str:
    start = f"file://{view.root}/"
    assert unquote(uri).startswith(start)
    return unquote(uri)[len(start) :]


def apply_text_edits(text: str, edits: Any, encoding: str) -> str:
    """Return a text after edits, whose ranges are those before all of them and must not overlap."""
    spans = sorted(
        (
            (*find_span(text, item.range, encoding), number, item.new_text)
            for number, item in enumerate(edits)
        ),
        key=lambda span: span[:3],
    )
    done, parts = 0, []
    for start, end, _, new in spans:
        assert done <= start <= end
        parts += [text[done:start], new]
        done = end
    return "".join([*parts, text[done:]])


def find_span(text: str, extent: types.Range, encoding: str) -> tuple[int, int]:
    return find_offset(text, extent.start, encoding), find_offset(text, extent.end, encoding)


def find_offset(text: str, position: types.Position, encoding: str) -> int:
    """Return the offset of a position, which must be in the text, and not in a character or a line end."""
    starts = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text))]
    start = starts[position.line]
    line = re.split(r"\r\n|\r|\n", text[start:], maxsplit=1)[0]
    data = line.encode(UNITS[encoding], "surrogatepass")
    size = position.character * SIZES[encoding]
    assert size <= len(data), "behind the line"
    return start + len(data[:size].decode(UNITS[encoding], "surrogatepass"))
