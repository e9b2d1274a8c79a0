"""Edits of notes as an editor takes them."""

from collections.abc import Iterable, Mapping

from lsprotocol import types

from vaultlink.model import Edit
from vaultlink.serve.lsp.views import View


def make_text_edits(view: View, path: str, edits: Iterable[Edit]) -> list[types.TextEdit]:
    """Return edits of one file, whose offsets are those of its present text."""
    places = view.places(path)
    return [types.TextEdit(places.range(edit.start, edit.end), edit.text) for edit in edits]


def make_workspace_edit(view: View, edits: Mapping[str, Iterable[Edit]]) -> types.WorkspaceEdit:
    """Return edits of existing files, for the versions of them that are open."""
    found = {path: make_text_edits(view, path, group) for path, group in edits.items()}
    if not view.client.has_versions:
        return types.WorkspaceEdit(changes={view.uri(path): found[path] for path in found})
    return types.WorkspaceEdit(
        document_changes=[
            types.TextDocumentEdit(identify(view, path), list(group))
            for path, group in found.items()
        ]
    )


def identify(view: View, path: str) -> types.OptionalVersionedTextDocumentIdentifier:
    """Return the address of a file, with the version of a document that is open."""
    document = view.documents.get(path)
    return types.OptionalVersionedTextDocumentIdentifier(
        view.uri(path), document.version if document else None
    )
