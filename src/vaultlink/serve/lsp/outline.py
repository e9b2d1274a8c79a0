"""The structure of a note: symbols, links, folding, code lenses, hints, tokens."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote

from lsprotocol import types

from vaultlink.index.anchors import find_anchor
from vaultlink.index.index import link_name
from vaultlink.index.name_search import FoundName, SearchedKind, Symbol
from vaultlink.index.resolve import is_note
from vaultlink.index.titles import get_current_title, is_same_title
from vaultlink.links.kinds import shown_text
from vaultlink.model import BlockId, Heading, Link, Note, SourceSpan
from vaultlink.parse.blocks import read_blocks
from vaultlink.parse.brackets import SpanSet
from vaultlink.parse.directives import find_comment_spans
from vaultlink.parse.lines import split_lines
from vaultlink.parse.properties import body_start
from vaultlink.report.layout import format_count
from vaultlink.serve.lsp.navigation import (
    AT_TOP,
    Part,
    Passages,
    Steps,
    Subject,
    count_backlinks,
    find_uses,
    list_ranges,
    locate_uses,
)
from vaultlink.serve.lsp.views import TextPlaces, View
from vaultlink.text import escape_controls, lazy_pattern

# -- symbols ---------------------------------------------------------------------------------------

_KINDS: Mapping[SearchedKind, types.SymbolKind] = {
    SearchedKind.NOTE: types.SymbolKind.File,
    SearchedKind.TITLE: types.SymbolKind.File,
    SearchedKind.ALIAS: types.SymbolKind.File,
    SearchedKind.ATTACHMENT: types.SymbolKind.File,
    SearchedKind.HEADING: types.SymbolKind.String,
    SearchedKind.BLOCK: types.SymbolKind.Key,
    SearchedKind.TAG: types.SymbolKind.Constant,
}
"""Markdown has no kinds of its own in the protocol; editors show headings as strings."""


def list_document_symbols(
    view: View, params: types.DocumentSymbolParams
) -> list[types.DocumentSymbol] | list[types.SymbolInformation] | None:
    """Return the headings of a note with the headings and blocks below each."""
    note = view.note(params.text_document.uri)
    if note is None:
        return None
    roots: list[types.DocumentSymbol] = []
    above: list[tuple[int, types.DocumentSymbol]] = []
    flat: list[types.SymbolInformation] = []
    passages = Passages(note, view.places(note.path).text)
    parts: list[Part] = [*note.headings, *note.blocks]
    for part in sorted(parts, key=lambda item: item.start):
        level = part.level if isinstance(part, Heading) else _LEAF
        while above and above[-1][0] >= level:
            above.pop()
        symbol = _make_symbol(view.places(note.path), part, passages.find(part))
        parent = above[-1][1] if above else None
        (parent.children if parent else roots).append(symbol)  # type: ignore[union-attr] # a list
        place = types.Location(view.uri(note.path), symbol.range)
        outer = parent.name if parent else None
        flat.append(types.SymbolInformation(place, symbol.name, symbol.kind, container_name=outer))
        above.append((level, symbol))
    return roots if view.client.has_symbol_trees else flat


_LEAF = 7
"""The level of blocks, which is below that of all headings."""


def _make_symbol(places: TextPlaces, part: Part, span: tuple[int, int]) -> types.DocumentSymbol:
    if isinstance(part, Heading):
        kind, name = SearchedKind.HEADING, part.text or "#" * part.level
    else:
        kind, name = SearchedKind.BLOCK, f"^{part.id}"
    return types.DocumentSymbol(
        escape_controls(name),
        _KINDS[kind],
        places.range(*span),
        places.range(part.start, part.end),
        children=[],
    )


_MAX_SYMBOLS = 200


def find_workspace_symbols(
    view: View, params: types.WorkspaceSymbolParams
) -> list[types.SymbolInformation]:
    """Return the names, headings and tags that match a typed text, best first."""
    list_symbols = cache(view.vault.symbols)
    return [
        types.SymbolInformation(
            types.Location(view.uri(item.path), _locate(view, item, list_symbols(item.path))),
            escape_controls(f"#{item.text}" if item.kind is SearchedKind.TAG else item.text),
            _KINDS[item.kind],
            container_name=None if item.kind in _OWN_NAMES else escape_controls(item.path),
        )
        for item in view.vault.find_names(params.query, _MAX_SYMBOLS)
    ]


_OWN_NAMES = (SearchedKind.NOTE, SearchedKind.ATTACHMENT)


def _locate(view: View, item: FoundName, symbols: Iterable[Symbol]) -> types.Range:
    """Return the place of a name in its note; the top for the name of a file.

    That of a title or alias is the whole value if it has escapes.
    """
    key = item.kind, item.text.lower()
    same = (symbol for symbol in symbols if (symbol.kind, symbol.text.lower()) == key)
    found = next((symbol for symbol in same if item.line in (0, symbol.line)), None)
    if found is None or item.kind in _OWN_NAMES:
        return AT_TOP
    places = view.places(item.path)
    at = places.text.find(item.text, found.start, found.end)
    span = (found.start, found.end) if at == -1 else (at, at + len(item.text))
    return places.range(*span)


# -- links -----------------------------------------------------------------------------------------

_SCHEMES = ("http", "https", "mailto", "obsidian", "file", "ftp", "tel", "zotero")
"""Schemes of addresses that a click may open. Others could run commands of the editor."""

_ALLOWED = "%/:?#[]@!$&'()*+,;=~"
"""Signs of addresses that stay as they are."""


def list_document_links(
    view: View, params: types.DocumentLinkParams
) -> list[types.DocumentLink] | None:
    """Return the links of a note that lead to a file or an address."""
    note = view.note(params.text_document.uri)
    if note is None:
        return None
    found, has_tooltips = [], view.client.has_link_tooltips
    for link, target in view.vault.index.resolved_links(note.path):
        if link.external:
            scheme, tooltip = link.target.partition(":")[0].lower(), None
            address = quote(link.target, _ALLOWED, errors="replace") if scheme in _SCHEMES else ""
        else:
            address = _write_address(view, link, target) if target else ""
            tooltip = escape_controls(f"{target}{link.subpath}") if has_tooltips else None
        if address:
            found.append((link, address, tooltip))
    ranges = list_ranges(view, note.path, [link for link, _, _ in found])
    return [
        types.DocumentLink(extent, address, tooltip)
        for extent, (_, address, tooltip) in zip(ranges, found, strict=True)
    ]


def _write_address(view: View, link: Link, target: str) -> str:
    """Return the address of a file, with the line of a heading or block."""
    note = view.vault.index.notes.get(target) if link.subpath else None
    part = find_anchor(note, link.subpath) if note else None
    line = part.block_line if isinstance(part, BlockId) else part.line if part else 0
    return f"{view.uri(target)}#L{line}" if line else view.uri(target)


# -- folding ---------------------------------------------------------------------------------------


def list_folds(view: View, params: types.FoldingRangeParams) -> list[types.FoldingRange] | None:
    """Return the foldable properties, sections, quotes, lists, code, comments."""
    note = view.note(params.text_document.uri)
    if note is None:
        return None
    places = view.places(note.path)
    folds: dict[tuple[int, int], types.FoldingRange] = {}
    for start, end, kind in _list_foldable(note, places.text):
        first, last = places.position(start).line, places.position(max(start, end)).line
        if first < last:
            folds.setdefault((first, last), types.FoldingRange(first, last, kind=kind))
    return sorted(folds.values(), key=lambda item: (item.start_line, -item.end_line))


Fold = tuple[int, int, types.FoldingRangeKind | None]
"""A span and its kind."""


def _list_foldable(note: Note, text: str) -> Iterator[Fold]:
    body = body_start(text)
    if body:
        yield 0, len(text[:body].rstrip()), types.FoldingRangeKind.Region
    passages = Passages(note, text)
    for heading in note.headings:
        yield *passages.find(heading), None
    for section in note.sections:
        if section.text:
            yield section.start, section.end, types.FoldingRangeKind.Region
    hidden = read_blocks(split_lines(text, body)).hidden
    for start, end in hidden:
        is_comment = text.startswith("<!--", start)
        yield start, end, types.FoldingRangeKind.Comment if is_comment else None
    for start, end in find_comment_spans(text, body, hidden):
        yield start, end, types.FoldingRangeKind.Comment
    yield from _list_groups(text, body, hidden)


_LIST_ITEM = lazy_pattern(r"(?:[-*+]|\d{1,9}[.)])[ \t]")


class _Line(NamedTuple):
    """A line of a body, without blanks at both ends, and its indent in columns."""

    start: int
    end: int
    indent: int
    text: str


def _list_groups(text: str, body: int, hidden: Sequence[tuple[int, int]]) -> Iterator[Fold]:
    """Yield quotes with callouts, and list items with what is indented below them."""
    code = SpanSet(hidden)
    quote: _Line | None = None
    items: list[_Line] = []
    last = 0
    for line in [*(_measure(*line) for line in split_lines(text, body)), _Line(0, 0, 0, "|")]:
        if quote and not line.text.startswith(">"):
            yield quote.start, last, None
            quote = None
        if not line.text:
            continue
        while items and line.indent <= items[-1].indent and not code.covers_inside(line.start):
            yield items.pop().start, last, None
        if line.text.startswith(">"):
            quote = quote or line
        elif _LIST_ITEM.match(line.text) and not code.covers(line.start):
            items.append(line)
        last = line.end


def _measure(text: str, offset: int) -> _Line:
    shown = text.strip()
    indent = len(text) - len(text.lstrip())
    columns = len(text[:indent].expandtabs(4))
    return _Line(offset + indent, offset + indent + len(shown), columns, shown)


# -- code lenses and inlay hints -------------------------------------------------------------------


def list_lenses(view: View, params: types.CodeLensParams) -> list[types.CodeLens] | None:
    """Return a lens for a note and for each heading with links, without counts."""
    index, note = view.vault.index, view.note(params.text_document.uri)
    if not (view.settings.code_lens and view.is_whole and note and is_note(note.path)):
        return None
    headings = {
        part.start: part
        for source in index.anchor_sources_of(note.path)
        for link, target in index.resolved_links(source)
        if target == note.path and link.subpath
        if isinstance(part := find_anchor(note, link.subpath), Heading)
    }
    uri, parts = params.text_document.uri, [headings[start] for start in sorted(headings)]
    ranges = list_ranges(view, note.path, parts)
    return [types.CodeLens(AT_TOP, data={"uri": uri})] + [
        types.CodeLens(extent, data={"uri": uri, "heading": part.start})
        for extent, part in zip(ranges, parts, strict=True)
    ]


def resolve_lens(view: View, lens: types.CodeLens) -> Steps:
    """Return a lens with the number of links, and a command that shows them. Pauses."""
    data = lens.data if isinstance(lens.data, dict) else {}
    note = view.note(str(data.get("uri", "")))
    if note is None:
        return lens
    start = data.get("heading")
    part = next((item for item in note.headings if item.start == start), None)
    subject = Subject(0, 0, note.path, part)
    if part:
        count = sum(len(spans) for _, spans in find_uses(view, subject))
        title = format_count(count, "link")
    else:
        title = format_count(count_backlinks(view.vault.index, note.path), "backlink")
    name, arguments = view.client.references_command, None
    if name:
        places = yield from locate_uses(view, subject)
        arguments = [data["uri"], lens.range.start, places]
    command = types.Command(title, name, arguments=arguments)
    return types.CodeLens(lens.range, command, lens.data)


_MAX_HINT = 60
"""Characters of a title beside a link."""


def list_hints(view: View, params: types.InlayHintParams) -> list[types.InlayHint] | None:
    """Return the titles of linked notes that the links don't show."""
    index, note = view.vault.index, view.note(params.text_document.uri)
    if not view.settings.inlay_hints or note is None or not is_note(note.path):
        return None
    places = view.places(note.path)
    start, end = places.span(params.range)
    hints = []
    for link, target in index.resolved_links(note.path):
        if target and link.target and is_note(target) and start <= link.end <= end:
            title = get_current_title(target, index)
            if not is_same_title(title, shown_text(link) or link_name(target)):
                label = title if len(title) <= _MAX_HINT else f"{title[:_MAX_HINT]}…"
                hints.append(
                    types.InlayHint(
                        places.position(link.end), escape_controls(label), padding_left=True
                    )
                )
    return hints


# -- semantic tokens -------------------------------------------------------------------------------

LEGEND = types.SemanticTokensLegend(["class", "unresolvedReference", "decorator"], [])
"""The types of links, of links that do not resolve, and of tags. Most themes know them."""

_LINK, _UNRESOLVED, _TAG = range(3)


def list_tokens(
    view: View, params: types.SemanticTokensParams | types.SemanticTokensRangeParams
) -> types.SemanticTokens | None:
    """Return the links and tags of a note, or of a part of it, as tokens.

    They are encoded as numbers: each place is relative to the one before.
    """
    note = view.note(params.text_document.uri)
    if note is None:
        return None
    found = list(_find_tokens(view, note))
    if isinstance(params, types.SemanticTokensRangeParams):
        start, end = view.places(note.path).span(params.range)
        found = [item for item in found if start <= item[0].end and item[0].start <= end]
    found.sort(key=lambda item: (item[0].start, -item[0].end))
    data: list[int] = []
    line = column = 0
    done = types.Position(0, 0)
    ranges = list_ranges(view, note.path, [span for span, _ in found])
    for extent, (_, kind) in zip(ranges, found, strict=True):
        first, last = extent.start, extent.end
        if first < done or first.line != last.line:
            continue
        begin = first.character - (column if first.line == line else 0)
        data += [first.line - line, begin, last.character - first.character, kind, 0]
        line, column, done = first.line, first.character, last
    return types.SemanticTokens(data)


def _find_tokens(view: View, note: Note) -> Iterator[tuple[SourceSpan, int]]:
    index = view.vault.index
    for link, target in index.resolved_links(note.path):
        if target:
            is_missing = index.has_anchor(link, target) is False
            yield link, _UNRESOLVED if is_missing else _LINK
        elif view.is_whole and not link.external:
            yield link, _UNRESOLVED
    yield from ((tag, _TAG) for tag in note.tags)


REQUESTS: Mapping[str, Callable[[View, Any], Any]] = {
    types.TEXT_DOCUMENT_DOCUMENT_SYMBOL: list_document_symbols,
    types.WORKSPACE_SYMBOL: find_workspace_symbols,
    types.TEXT_DOCUMENT_DOCUMENT_LINK: list_document_links,
    types.TEXT_DOCUMENT_FOLDING_RANGE: list_folds,
    types.TEXT_DOCUMENT_CODE_LENS: list_lenses,
    types.CODE_LENS_RESOLVE: resolve_lens,
    types.TEXT_DOCUMENT_INLAY_HINT: list_hints,
    types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL: list_tokens,
    types.TEXT_DOCUMENT_SEMANTIC_TOKENS_RANGE: list_tokens,
}

OPTIONS: Mapping[str, Any] = {
    types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL: LEGEND,
    types.TEXT_DOCUMENT_SEMANTIC_TOKENS_RANGE: LEGEND,
}
