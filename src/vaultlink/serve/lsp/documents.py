"""The documents of an editor, kept in step with it by pygls."""

from collections.abc import Sequence

from lsprotocol import types
from pygls.workspace import TextDocument, Workspace

from vaultlink.serve.lsp.views import OpenDocument, TextPlaces
from vaultlink.text import lazy_pattern

_HALF = lazy_pattern("[\ud800-\udfff]")
"""A surrogate, which is half of a character: an editor may send one half after the other."""


class Document(TextDocument):
    """A document whose lines end as the protocol says.

    Those of pygls end at form feeds and other separators, too, after which each later change would
    go to another place.
    """

    @property
    def lines(self) -> Sequence[str]:
        return TextPlaces(self.source, self.position_codec).lines

    def _apply_incremental_change(self, change: types.TextDocumentContentChangePartial) -> None:
        text = self.source
        start, end = TextPlaces(text, self.position_codec, counts_mark=True).span(change.range)
        self._source = _join_halves(text[:start] + change.text + text[end:])


class Documents(Workspace):
    """The documents that an editor has open."""

    def _create_text_document(
        self,
        doc_uri: str,
        source: str | None = None,
        version: int | None = None,
        language_id: str | None = None,
    ) -> TextDocument:
        return Document(
            doc_uri,
            source=source,
            version=version,
            language_id=language_id,
            sync_kind=self._sync_kind,
            position_codec=self.position_codec,
        )


def _join_halves(text: str) -> str:
    """Return a text in which two halves of a character are one."""
    if not _HALF.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def read_document(document: TextDocument) -> OpenDocument:
    """Return a document as it is now, with a replacement for half a character."""
    text = _HALF.sub("\ufffd", document.source)
    return OpenDocument(document.uri, document.version, text)
