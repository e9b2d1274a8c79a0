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
        self._source = text[:start] + change.text + text[end:]
        if _HALF.search(self._source, max(start - 1, 0), start + len(change.text) + 1):
            halves = self._source.encode("utf-16-le", "surrogatepass")
            self._source = halves.decode("utf-16-le", "surrogatepass")


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


def read_document(document: TextDocument) -> OpenDocument:
    """Return a document as it is now, with a replacement for half a character."""
    text = document.source
    try:
        text.encode()  # which takes less time than a search
    except UnicodeEncodeError:
        text = _HALF.sub("\ufffd", text)
    return OpenDocument(document.uri, document.version, text)
