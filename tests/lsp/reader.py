"""A reader of a vault for tests: it asks about places of notes, and reads the places of the answers."""

import re
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from lsprotocol import types
from pygls.workspace import PositionCodec

from running import create_vault
from vaultlink.api import open_vault
from vaultlink.serve.lsp.views import Client, EditorSettings, OpenDocument, View

CURSOR = "¦"
CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
"""Encoding of the protocol to that of Python, and the bytes of a unit."""


def read_vault(
    folder: Path,
    files: Mapping[str, Any],
    held: Mapping[str, str] | None = None,
    settings: EditorSettings | None = None,
    **abilities: Any,
) -> View:
    """Create a vault, and return it as an editor sees it that has the unsaved texts `held`."""
    codec = PositionCodec(abilities.pop("encoding", "utf-16"))
    vault, documents = open_vault(create_vault(folder / "vault", files)), {}
    for path, text in (held or {}).items():
        vault = vault.holding(path, text)
        documents[path] = OpenDocument(f"file://{vault.root}/{path}", 1, text)
    client = Client(codec, **{"has_markdown_hover": True, "has_link_tooltips": True, **abilities})
    return View(vault, client, str(vault.root), documents, settings or EditorSettings(), kept={})


def read_texts(view: View) -> dict[str, str]:
    """Return the texts of all files; those on disk without byte order marks, which editors don't show."""
    files = {path: (view.vault.root / path).read_bytes() for path in view.vault.index.files}
    texts = {
        path: data.decode("utf-8", "replace").removeprefix("\ufeff") for path, data in files.items()
    }
    return {**texts, **{path: document.text for path, document in view.documents.items()}}


def point(view: View, path: str, marked: str) -> dict[str, Any]:
    """Return the place of a request: the cursor in a part of a note's text."""
    before, after = marked.split(CURSOR)
    text = read_texts(view)[path]
    assert text.count(before + after) == 1, "the place is not clear"
    offset = text.index(before + after) + len(before) - text.startswith("\ufeff")
    return {
        "text_document": types.TextDocumentIdentifier(view.uri(path)),
        "position": view.places(path).position(offset),
    }


def identify(view: View, path: str) -> dict[str, Any]:
    return {"text_document": types.TextDocumentIdentifier(view.uri(path))}


def ask(function: Callable[[View, Any], Any], view: View, params: Any) -> Any:
    """Return an answer, with all of its pauses."""
    found = function(view, params)
    while isinstance(found, Generator):
        try:
            next(found)
        except StopIteration as end:
            found = end.value
    return found


def find_path(view: View, uri: str) -> str:
    start = f"file://{view.vault.root}/"
    assert unquote(uri).startswith(start)
    return unquote(uri)[len(start) :]


def read_range(view: View, path: str, extent: types.Range) -> str:
    """Return the text in a range, read as an editor does."""
    text = read_texts(view)[path]
    encoding = str(view.client.codec.encoding)
    start, end = (_find_offset(text, place, encoding) for place in (extent.start, extent.end))
    assert start <= end
    return text[start:end]


def read_place(view: View, uri: str, extent: types.Range) -> str:
    """Return a place as `path: text`; the path alone for the top of a file."""
    path = find_path(view, uri)
    text = "" if extent == TOP else read_range(view, path, extent)
    return f"{path}: {text}" if text else path


TOP = types.Range(types.Position(0, 0), types.Position(0, 0))


def _find_offset(text: str, place: types.Position, encoding: str) -> int:
    codec, size = CODECS[encoding]
    starts = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text))]
    start = starts[place.line]
    data = re.split(r"[\r\n]", text[start:], maxsplit=1)[0].encode(codec, "surrogatepass")
    assert place.character * size <= len(data), "behind the line"
    return start + len(data[: place.character * size].decode(codec, "surrogatepass"))
