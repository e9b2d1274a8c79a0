"""The documents of an editor, kept in step with it by pygls."""

from collections.abc import Sequence
from typing import NamedTuple, cast
from urllib.parse import unquote

from lsprotocol import types
from pygls.workspace import TextDocument, Workspace

from vaultlink.serve.lsp.views import OpenDocument, TextPlaces
from vaultlink.text import lazy_pattern

_HALF = lazy_pattern("[\ud800-\udfff]")
"""A surrogate, which is half of a character: an editor may send one half after the other."""

_MAX_PAST, _MAX_PAST_SIZE = 64, 1 << 20
"""Former texts that are kept of a document, and their characters."""


_MAX_LENGTH, _MAX_LINKS = 4_000_000, 50_000
"""Characters and links of the longest text that is followed. It is read anew after each key."""


LIMIT = f"{_MAX_LENGTH:,} characters or {_MAX_LINKS:,} links"
"""What a text that is not followed has more of."""


class _Change(NamedTuple):
    """A change of a document: its version, the text before it, and what is changed."""

    version: int
    before: str
    change: types.TextDocumentContentChangeEvent


class Document(TextDocument):
    """A document that takes changes in any order, with the lines of the protocol.

    The lines of pygls end at form feeds and other separators, too, after which each later change
    would go to another place. Helix 25.01 sends changes of keys that are pressed fast in any order.
    """

    _past: tuple[_Change, ...] = ()
    _measured: tuple[str, bool] = ("", False)

    @property
    def is_too_long(self) -> bool:
        """True if the text is not followed, as it would delay all answers."""
        text = self.source
        if self._measured[0] is not text:
            links = text.count("[[") + text.count("](")
            self._measured = text, len(text) > _MAX_LENGTH or links > _MAX_LINKS
        return self._measured[1]

    def change(self, version: int, change: types.TextDocumentContentChangeEvent) -> None:
        """Make a change before those of later versions, which are made again."""
        index = next((n for n, item in enumerate(self._past) if item.version > version), None)
        late = () if index is None else self._past[index:]
        if late:
            self._source = late[0].before
        self._past = self._past[:index]
        self._make(version, change)
        for item in late:
            self._make(item.version, item.change)
        self.version = max(version, self.version or version)

    def _make(self, version: int, change: types.TextDocumentContentChangeEvent) -> None:
        before = self.source
        count = min(_MAX_PAST, _MAX_PAST_SIZE // (len(before) + 1) + 1)
        self._past = (*self._past[-count:], _Change(version, before, change))
        self.apply_change(change)

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

    def is_too_long(self, uri: str) -> bool:
        """Return True for a document that is open, and too long to be followed."""
        found = self._text_documents.get(unquote(uri))
        return isinstance(found, Document) and found.is_too_long

    def update_text_document(
        self,
        text_doc: types.VersionedTextDocumentIdentifier,
        change: types.TextDocumentContentChangeEvent,
    ) -> None:
        document = self._text_documents[unquote(text_doc.uri)]
        cast("Document", document).change(text_doc.version, change)

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
