"""The vault as one request of an editor sees it, with its places and addresses."""

import os
import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar, cast
from urllib.parse import quote, unquote

import msgspec
from lsprotocol import types
from pygls import uris
from pygls.capabilities import get_capability
from pygls.workspace import PositionCodec

from vaultlink.api import Vault
from vaultlink.model import Note
from vaultlink.text import lazy_pattern

_T = TypeVar("_T")

_LINE_END = lazy_pattern(r"\r\n|\n|\r")
"""The line ends of the protocol. `str.splitlines` knows others."""


class TextPlaces:
    """The places of a text: offsets as positions of the protocol, and back.

    Offsets don't count a byte order mark, as everywhere, unless `counts_mark` is true; positions
    do, if the editor shows it. `codec` knows the units of columns that were negotiated.
    """

    def __init__(self, text: str, codec: PositionCodec, *, counts_mark: bool = False):
        self._text, self._codec = text, codec
        self._mark = int(text.startswith("\ufeff") and not counts_mark)
        if "\r" in text:
            self._starts = [0, *(match.end() for match in _LINE_END.finditer(text))]
        else:  # which is found in a fifth of the time
            sizes = map((1).__add__, map(len, text.split("\n")))
            self._starts = list(accumulate(sizes, initial=0))[:-1]
        self._units: dict[int, array[int] | None] = {}

    @property
    def text(self) -> str:
        """The text without a byte order mark."""
        return self._text[self._mark :]

    @property
    def lines(self) -> list[str]:
        """The lines with their ends, and with a byte order mark."""
        return [
            self._text[start:end]
            for start, end in zip(self._starts, [*self._starts[1:], len(self._text)], strict=True)
        ]

    def position(self, offset: int) -> types.Position:
        """Return the position of an offset. One in a line end is that of the line's end."""
        offset += self._mark
        line = bisect_right(self._starts, offset) - 1
        column = min(offset, self._find_end(line)) - self._starts[line]
        units = self._measure(line)
        return types.Position(line, column if units is None else units[column])

    def offset(self, position: types.Position) -> int:
        """Return the offset of a position; one behind its line is that of the line's end."""
        line = max(position.line, 0)
        if line >= len(self._starts):
            return len(self._text) - self._mark
        start, end = self._starts[line], self._find_end(line)
        units, column = self._measure(line), max(position.character, 0)
        column = column if units is None else bisect_left(units, column)
        return max(min(start + column, end) - self._mark, 0)

    def range(self, start: int, end: int) -> types.Range:
        """Return the range between two offsets."""
        return types.Range(self.position(start), self.position(end))

    def span(self, extent: types.Range) -> tuple[int, int]:
        """Return the two offsets of a range, the smaller one first."""
        one, other = self.offset(extent.start), self.offset(extent.end)
        return min(one, other), max(one, other)

    def _find_end(self, line: int) -> int:
        """Return the offset where a line ends, without its line end."""
        if line + 1 == len(self._starts):
            return len(self._text)
        start, end = self._starts[line : line + 2]
        return end - 2 if self._text.endswith("\r\n", start, end) else end - 1

    def _measure(self, line: int) -> "array[int] | None":
        """Return the units before each character of a line; None if each has one."""
        if line not in self._units:
            text = self._text[self._starts[line] : self._find_end(line)]
            sizes = map(self._codec.impl.code_units_for_char, text)
            self._units[line] = None if text.isascii() else array("I", accumulate(sizes, initial=0))
        return self._units[line]


class Client(NamedTuple):
    """The abilities of an editor, by the capabilities that it sent.

    Attributes:
        codec: Knows the units of its columns.
        has_versions: It takes edits for a version of a document (`documentChanges`).
        operations: The changes of files that an edit may contain: "create", "rename", "delete".
        has_annotations: It shows the reasons of an edit, and asks.
        pulls_again: It can be asked to pull diagnostics again.
        has_progress: It shows the progress of work.
        reads_settings: It answers `workspace/configuration`.
        registers_settings: It tells of changed settings if asked to.
        has_markdown_hover: It shows Markdown.
        resolves_edits: A code action may be completed when it is chosen.
        has_location_links: A place to go to may have two ranges.
        has_link_tooltips: The links of a document may have tooltips.
        has_symbol_trees: The symbols of a document may contain others.
        references_command: Its command that shows places; "" if it has none.
        applies_edits: It applies edits that a command makes.
    """

    codec: PositionCodec
    has_versions: bool = False
    operations: frozenset[str] = frozenset()
    has_annotations: bool = False
    pulls_again: bool = False
    has_progress: bool = False
    reads_settings: bool = False
    registers_settings: bool = False
    has_markdown_hover: bool = False
    resolves_edits: bool = False
    has_location_links: bool = False
    has_link_tooltips: bool = False
    has_symbol_trees: bool = False
    references_command: str = ""
    applies_edits: bool = False


_REFERENCES_COMMANDS = ("vaultlink.showReferences", "editor.action.showReferences")
"""The commands that show places, of which an editor may say that it has one."""


def read_client(capabilities: types.ClientCapabilities, codec: PositionCodec) -> Client:
    """Return what an editor can do."""

    def has(name: str) -> bool:
        return bool(get_capability(capabilities, name, default=False))

    edits = "workspace.workspace_edit"
    operations = get_capability(capabilities, f"{edits}.resource_operations", default=()) or ()
    formats = get_capability(capabilities, "text_document.hover.content_format", default=()) or ()
    support = get_capability(capabilities, "text_document.code_action.resolve_support")
    commands = _list_commands(capabilities.experimental)
    return Client(
        codec,
        has_versions=has(f"{edits}.document_changes"),
        operations=frozenset(str(getattr(name, "value", name)) for name in operations),
        has_annotations=has(f"{edits}.change_annotation_support"),
        pulls_again=has("workspace.diagnostics.refresh_support"),
        has_progress=has("window.work_done_progress"),
        reads_settings=has("workspace.configuration"),
        registers_settings=has("workspace.did_change_configuration.dynamic_registration"),
        has_markdown_hover=types.MarkupKind.Markdown in formats,
        resolves_edits=bool(support and "edit" in support.properties),
        has_location_links=has("text_document.definition.link_support"),
        has_link_tooltips=has("text_document.document_link.tooltip_support"),
        has_symbol_trees=has("text_document.document_symbol.hierarchical_document_symbol_support"),
        references_command=next((name for name in _REFERENCES_COMMANDS if name in commands), ""),
        applies_edits=has("workspace.apply_edit"),
    )


def _list_commands(experimental: object) -> list[object]:
    """Return the commands that an editor runs for servers: `commands.commands`."""
    group = experimental.get("commands") if isinstance(experimental, dict) else None
    names = group.get("commands") if isinstance(group, dict) else None
    return names if isinstance(names, list) else []


class OpenDocument(NamedTuple):
    """A document that the editor has open, with its address as the editor writes it.

    `version` is None if the editor counts none.
    """

    uri: str
    version: int | None
    text: str


class EditorSettings(msgspec.Struct, frozen=True, rename="camel"):
    """The settings of the editor, in the section `vaultlink`.

    Attributes:
        inlay_hints: Show the titles of linked notes beside links.
        code_lens: Show the number of backlinks above a note and its headings.
        unsafe_fixes: Offer unsafe fixes, too.
    """

    inlay_hints: bool = False
    code_lens: bool = True
    unsafe_fixes: bool = True


class View(msgspec.Struct, frozen=True, dict=True):
    """A vault in one state, as a request sees it. It holds the open documents' texts.

    `root` is the path of the vault's folder as the editor writes it, without a slash at its end.
    `documents` are the open ones by vault path. `is_whole` is False for a document outside a vault:
    of other files nothing is known. `declined` are the vault paths of open documents whose texts
    are too long to be followed: the vault has those on disk. `kept` has values from request to
    request. `clock` returns seconds that only grow.
    """

    vault: Vault
    client: Client
    root: str
    documents: Mapping[str, OpenDocument] = {}
    settings: EditorSettings = EditorSettings()
    is_whole: bool = True
    declined: frozenset[str] = frozenset()
    kept: dict[object, object] = {}
    clock: Callable[[], float] = time.monotonic

    def uri(self, path: str) -> str:
        """Return the address of a file, as the editor writes it if the file is open."""
        document = self.documents.get(path)
        return document.uri if document else f"{self._base}{quote(path)}"

    @cached_property
    def _base(self) -> str:
        return str(uris.from_fs_path(f"{self.root}/"))

    def path(self, uri: str) -> str | None:
        """Return the vault path of an address; None if it is outside the vault."""
        if not self.is_whole:
            names = {unquote(document.uri): path for path, document in self.documents.items()}
            return names.get(unquote(uri))
        return find_path(self.root, os.fspath(self.vault.root), uri)

    def note(self, uri: str) -> Note | None:
        """Return the note or canvas of an address; None for other addresses."""
        return self.vault.index.notes.get(self.path(uri) or "")

    def places(self, path: str) -> TextPlaces:
        """Return the places of a text, open or on disk."""
        known = self._places.get(path)
        if known is None:
            document = self.documents.get(path)
            text = document.text if document else self.vault.text(path)
            # The vault has left the mark out; another one is a part of the text.
            known = TextPlaces(text, self.client.codec, counts_mark=document is None)
            self._places[path] = known
        return known

    @cached_property
    def _places(self) -> dict[str, TextPlaces]:
        return {}

    def keep(self, kind: object, key: object, make: Callable[[], _T]) -> _T:
        """Return the value for a key; only the last one of a kind is kept."""
        known = self.kept.get(kind)
        if not isinstance(known, tuple) or known[0] != key:
            known = self.kept[kind] = key, make()
        return cast("_T", known[1])

    def location(self, path: str, start: int, end: int) -> types.Location:
        """Return the place of a span of a file."""
        return types.Location(self.uri(path), self.places(path).range(start, end))

    def find(self, params: "HasPosition") -> tuple[str, int] | None:
        """Return vault path and offset of a request; None if it is outside the vault."""
        path = self.path(params.text_document.uri)
        return None if path is None else (path, self.places(path).offset(params.position))


class HasPosition(Protocol):
    """A request about a position in a document."""

    text_document: types.TextDocumentIdentifier
    position: types.Position


def find_path(client_root: str, root: str, uri: str) -> str | None:
    """Return the vault path of an address: "" for the vault, None for one outside it.

    `client_root` is the path of the vault as the editor writes it, `root` the same without symbolic
    links.
    """
    file = read_address(uri)
    if file is None:
        return None
    for base in (client_root, root):
        if file == base:
            return ""
        if file.startswith(f"{base}/"):
            return file[len(base) + 1 :]
    real = f"{Path(file).parent.resolve()}/{Path(file).name}"
    return real[len(root) + 1 :] if real.startswith(f"{root}/") else None


def read_address(uri: str) -> str | None:
    """Return the absolute path of the file of an address; None if it has none here."""
    try:
        file = uris.to_fs_path(uri)
        os.fsencode(file or "")
    except ValueError:  # such as file://[
        return None
    file = os.path.normpath((file or "").removeprefix("//localhost"))
    return file if os.path.isabs(file) and "\0" not in file else None  # noqa: PTH117 - a text
