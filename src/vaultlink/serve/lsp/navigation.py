"""Follow links in both directions: definitions, references, hovers."""

from bisect import bisect_right
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain, islice
from typing import Any, Literal, NamedTuple, TypeVar

from lsprotocol import types
from msgspec.structs import replace

from vaultlink.index.anchors import find_anchor
from vaultlink.index.index import Index, target_spellings
from vaultlink.index.note_parts import LinkPlace, read_link_places, read_tags
from vaultlink.index.resolve import is_canvas, is_note, normalize_name, resolve
from vaultlink.index.suggest_headings import suggest_anchors
from vaultlink.links.naming import find_query_target
from vaultlink.model import (
    BlockId,
    Definition,
    Heading,
    HtmlImage,
    Link,
    Note,
    QueryName,
    SourceSpan,
    Suggestion,
)
from vaultlink.parse.properties import frontmatter_span
from vaultlink.refactor.canvas_edits import locate_links
from vaultlink.refactor.tags import find_tagged_notes, rename_in_tag
from vaultlink.report.layout import format_count
from vaultlink.serve.lsp.images import read_image_size
from vaultlink.serve.lsp.views import HasPosition, View
from vaultlink.text import (
    TextLines,
    escape_controls,
    find_line_span,
    lazy_pattern,
    line_starts,
    list_first,
    quote_name,
)

_NOTES_AT_ONCE = 500
"""Notes after which other requests are answered first."""

AT_TOP = types.Range(types.Position(0, 0), types.Position(0, 0))
"""The place of a whole file."""

Part = Heading | BlockId
Span = SourceSpan | LinkPlace
Steps = Generator[None, None, Any]

# -- ranges ----------------------------------------------------------------------------------------


def list_ranges(view: View, path: str, spans: Iterable[Span]) -> list[types.Range]:
    """Return the ranges of links, headings, tags or blocks of a note.

    A text that is not open is read only if columns may count other units than code points.
    """
    spans = list(spans)
    if is_canvas(path):
        spans = _locate_in_canvas(view, path, spans)
    units = _find_units(view, path)
    if units is None or any("\n" in getattr(span, "raw", "") for span in spans):
        places = view.places(path)
        return [places.range(span.start, span.end) for span in spans]
    text = view.vault.text(path) if units == "many" else ""
    return [_make_line_range(view, span, text) for span in spans]


def _make_line_range(view: View, span: Span, text: str) -> types.Range:
    """Return the range of a span in one line of a text.

    The text is "" if each of its characters is one unit in columns of the editor.
    """
    start, size = span.column - 1, span.end - span.start
    if text:
        count = view.client.codec.client_num_units
        size = count(text[span.start : span.end])
        start = count(text[span.start - start : span.start])
    line = span.line - 1
    return types.Range(types.Position(line, start), types.Position(line, start + size))


def _locate_in_canvas(view: View, path: str, spans: Sequence[Span]) -> list[Span]:
    """Return links of a canvas with their own spans; notes have those of their cards."""
    known: dict[tuple[int, str], list[Link]] = {}
    for link, own in zip(
        view.vault.index.notes[path].links, _list_canvas_links(view, path), strict=True
    ):
        known.setdefault((link.start, link.raw), []).append(own)
    return [known[span.start, getattr(span, "raw", "")].pop(0) for span in spans]


def _list_canvas_links(view: View, path: str) -> Sequence[Link]:
    """Return the links of a canvas with their spans in its text."""
    links, text = view.vault.index.notes[path].links, view.vault.text(path)
    spans = locate_links(path, text)
    if len(spans) != len(links):
        return links  # the file was changed, which is not noticed yet
    lines = TextLines(text)
    return [
        replace(link, start=start, end=end, line=line, column=column)
        for link, (start, end) in zip(links, spans, strict=True)
        for line, column in [lines.locate(start)]
    ]


_Units = Literal["one", "many"]
"""The units of the characters of a text in columns of the editor: one each, or many for some."""


def _find_units(view: View, path: str) -> _Units | None:
    """Return the units of a text on disk.

    None for one that is open or has lone returns. They are kept while the stamp of the file stays
    the same.
    """
    stamp = view.vault.scan.listing.files.get(path)
    if path in view.documents or path in view.vault.overlays or stamp is None:
        return None
    known = view.kept.setdefault(_find_units, {})
    assert isinstance(known, dict)
    if path not in known or known[path][0] != stamp:
        text = view.vault.text(path)
        has_lone_returns = text.count("\r") != text.count("\r\n")
        known[path] = stamp, None if has_lone_returns else _measure_units(view, text)
    found: _Units | None = known[path][1]
    return found


def _measure_units(view: View, text: str) -> _Units:
    widest = view.client.codec.client_num_units("\U0001f600")
    if text.isascii() or widest == 1:
        return "one"
    has_wide_ones = widest > 2 or len(text.encode("utf-16-le", "surrogatepass")) > 2 * len(text)
    return "many" if has_wide_ones else "one"


# -- what is at a place ----------------------------------------------------------------------------


class Subject(NamedTuple):
    """A file, a part of one, a tag or an unresolved name, to which a place refers.

    Attributes:
        start: Offset of its text in the note, in code points.
        end: Offset behind it; `start` for the top of a note, which has no text of its own.
        path: Vault path of the file; None for a tag, and for a name that does not resolve.
        part: The heading or block of the file; None for the file.
        link: The link that names it; None at the thing itself.
        tag: The tag without `#`.
    """

    start: int
    end: int
    path: str | None = None
    part: Part | None = None
    link: Link | Definition | HtmlImage | None = None
    tag: str = ""

    @property
    def target(self) -> str:
        """The target as written; "" at the thing itself."""
        return self.link.target if self.link else ""

    def is_seen_from(self, source: str) -> bool:
        """Return True if a place in a note names it, False for the thing itself."""
        return self.link is not None or self.path != source

    @property
    def subpath(self) -> str:
        """The heading or block as written, with its `#`; "" if there is none."""
        return "" if self.link is None or isinstance(self.link, HtmlImage) else self.link.subpath


def _find_asked(view: View, params: HasPosition) -> tuple[str, Subject | None]:
    """Return the note of a request, "" for none, and what is at its place."""
    found = view.find(params)
    return (found[0], _find_subject(view, *found)) if found else ("", None)


def _find_subject(view: View, path: str, offset: int) -> Subject | None:
    """Return what is at a place of a note; None for text that names nothing."""
    note = view.vault.index.notes.get(path)
    if note is None:
        return None
    if is_canvas(path):
        note = replace(note, links=tuple(_list_canvas_links(view, path)))
    if link := _find_narrowest(_list_links(note), offset):
        return _follow_link(view.vault.index, path, link)
    if tag := _find_narrowest(note.tags, offset):
        return Subject(tag.start, tag.end, tag=tag.name)
    if query := _find_narrowest(note.queries, offset):
        return _follow_query(view.vault.index, path, query)
    if block := _find_narrowest(note.blocks, offset):
        return Subject(block.start, block.end, path, block)
    return _find_heading(view, note, offset) or _find_top(view, note, offset)


def _list_links(note: Note) -> Iterator[Link | Definition | HtmlImage]:
    """Yield all links, those of managed sections, labels and HTML included."""
    links = (link for link in note.links if not link.external)
    entries = (entry for section in note.sections if section.text for entry in section.entries)
    generated = (entry.link for entry in entries if entry.link)
    return chain(links, generated, note.definitions, note.images)


_S = TypeVar("_S", bound=SourceSpan)


def _find_narrowest(spans: Iterable[_S], offset: int) -> _S | None:
    """Return the innermost span at an offset, which may be its end."""
    found = [span for span in spans if span.start <= offset <= span.end]
    return min(found, key=lambda span: (offset == span.end, span.end - span.start), default=None)


def _follow_link(index: Index, source: str, link: Link | Definition | HtmlImage) -> Subject:
    """Return what a link leads to: the file if its heading or block is missing."""
    target = link.lookup_target if isinstance(link, Link) else link.target
    found = Subject(link.start, link.end, resolve(source, target, index.names), link=link)
    note = index.notes.get(found.path) if found.path else None
    part = find_anchor(note, found.subpath) if note and found.subpath else None
    return found._replace(part=part)


def _follow_query(index: Index, source: str, query: QueryName) -> Subject | None:
    """Return the file or tag that a name in a query means; None for a folder."""
    if query.kind == "tag":
        return Subject(query.start, query.end, tag=query.text)
    path = find_query_target(query, source, index)
    is_file = path is not None and path in index.files
    return Subject(query.start, query.end, path) if is_file else None


def _find_heading(view: View, note: Note, offset: int) -> Subject | None:
    """Return the heading of the line at an offset; the note at its title."""
    text = view.places(note.path).text
    start, end = find_line_span(text, offset, offset)
    for number, heading in enumerate(note.headings):
        if start <= heading.start <= end:
            is_title = number == 0 and heading.level == 1
            return Subject(heading.start, heading.end, note.path, None if is_title else heading)
    return None


def _find_top(view: View, note: Note, offset: int) -> Subject | None:
    """Return the note at its names in properties, and at an empty place at its top."""
    for item in note.properties or ():
        if item.key.lower() in ("title", "aliases") and item.start <= offset <= item.value_end:
            return Subject(item.value_start, item.value_end, note.path)
    text = view.places(note.path).text
    span = frontmatter_span(text)
    first_line, _, _ = text.partition("\n")
    is_at_top = offset < span[2] if span else offset <= len(first_line) and not first_line.strip()
    return Subject(offset, offset, note.path) if is_at_top else None


# -- definitions -----------------------------------------------------------------------------------


def find_definition(
    view: View, params: types.DefinitionParams
) -> types.Location | list[types.LocationLink] | None:
    """Return the place that a link leads to; for what is no link, its own place."""
    source, subject = _find_asked(view, params)
    if subject is None or not (subject.path or subject.tag):
        return None
    if subject.tag:  # so that editors offer its references
        return view.location(source, subject.start, subject.end)
    path, part = subject.path or "", subject.part
    if part is None:
        whole = selection = AT_TOP
    else:
        places = view.places(path)
        start, end = Passages(view.vault.index.notes[path], places.text).find(part)
        line_end = places.text.find("\n", start, end)
        first_line = start, end if line_end == -1 else line_end
        words = (part.start, part.end) if isinstance(part, Heading) else first_line
        whole, selection = places.range(start, end), places.range(*words)
    if not view.client.has_location_links:
        return types.Location(view.uri(path), selection)
    origin = view.places(source).range(subject.start, subject.end)
    return [types.LocationLink(view.uri(path), whole, selection, origin)]


class Passages:
    """The spans of the parts of a note: what definitions and hovers show."""

    def __init__(self, note: Note, text: str):
        self._note, self._text = note, text

    def find(self, part: Part) -> tuple[int, int]:
        """Return the span of a heading with the text below it, or of a block with its id."""
        if isinstance(part, BlockId):
            start = self._line_starts[min(part.block_line, len(self._line_starts)) - 1]
            before = self._text[start : part.start]
            return start + len(before) - len(before.lstrip()), part.end
        following = bisect_right(self._heading_starts, part.start)
        below = islice(self._note.headings, following, None)
        end = next((item.start for item in below if item.level <= part.level), None)
        stop = len(self._text) if end is None else self._find_line(end)
        size = len(self._text[part.start : stop].rstrip())
        return self._find_line(part.start), max(part.start + size, part.end)

    def _find_line(self, offset: int) -> int:
        return self._text.rfind("\n", 0, offset) + 1

    @cached_property
    def _line_starts(self) -> list[int]:
        return line_starts(self._text)

    @cached_property
    def _heading_starts(self) -> list[int]:
        return [heading.start for heading in self._note.headings]


# -- references ------------------------------------------------------------------------------------


def find_uses(view: View, subject: Subject) -> Iterator[tuple[str, Sequence[Span]]]:
    """Yield the notes that name a subject, in any order, and where they do."""
    index, path, part = view.vault.index, subject.path, subject.part
    if path and part is None:
        return _find_links_to(view, path)
    if subject.tag:
        return _find_tags(index, subject.tag, find_tagged_notes(index, subject.tag))
    if path and part:
        note = index.notes[path]

        def leads_there(link: Link, target: str | None) -> bool:
            return target == path and link.subpath != "" and find_anchor(note, link.subpath) == part

        return _filter_links(index, index.anchor_sources_of(path), leads_there)
    key, spellings = normalize_name(subject.target), target_spellings(subject.target)

    def names_it(link: Link, target: str | None) -> bool:
        return target is None and not link.external and normalize_name(link.target) == key

    return _filter_links(index, index.notes_mentioning(spellings), names_it)


def _find_links_to(view: View, path: str) -> Iterator[tuple[str, Sequence[Span]]]:
    """Yield the notes with links to a file, except links to parts of their own note."""
    index = view.vault.index
    sources = index.sources_of(path)
    targets_of = {source: index.targets[source] for source in sources}
    for source, links in _read_places(view, sources):
        pairs = zip(links, targets_of[source], strict=True)
        spans: list[Span] = [link for link, target in pairs if target == path]
        if source == path:
            named = {link.start for link in index.notes[path].links if link.target}
            spans = [span for span in spans if span.start in named]
        if spans:
            yield source, spans


_MAX_KNOWN = 5_000
"""Notes of which the places of links are kept."""


class _KnownPlaces(NamedTuple):
    """The places of links in notes of a saved state, which `origin` identifies."""

    origin: object
    by_path: dict[str, Sequence[Link | LinkPlace]]


def _read_places(
    view: View, sources: Iterable[str]
) -> Iterator[tuple[str, Sequence[Link | LinkPlace]]]:
    """Yield notes with the places of their links; those of unchanged notes are kept."""
    notes = view.vault.index.notes
    known, changed = view.kept.get(_KnownPlaces), frozenset(notes.keys_changed())
    if (
        not isinstance(known, _KnownPlaces)
        or known.origin != notes.origin
        or len(known.by_path) > _MAX_KNOWN
    ):
        known = view.kept[_KnownPlaces] = _KnownPlaces(notes.origin, {})
    missing = []
    for source in sources:
        if source in known.by_path and source not in changed:
            yield source, known.by_path[source]
        else:
            missing.append(source)
    for source, places in read_link_places(notes, missing):
        yield source, places
        if known.origin is not None and source not in changed:
            known.by_path[source] = places


def _filter_links(
    index: Index, sources: Iterable[str], is_wanted: Callable[[Link, str | None], bool]
) -> Iterator[tuple[str, Sequence[Span]]]:
    for source in sources:
        pairs = index.resolved_links(source)
        if links := [link for link, target in pairs if is_wanted(link, target)]:
            yield source, links


def _find_tags(
    index: Index, name: str, sources: Iterable[str]
) -> Iterator[tuple[str, Sequence[Span]]]:
    """Yield a tag and those nested in it, each place once."""
    for source, tags in read_tags(index.notes, sources):
        found = {tag.start: tag for tag in tags if rename_in_tag(tag.name, name, name) is not None}
        if found:
            yield source, list(found.values())


def find_references(view: View, params: types.ReferenceParams) -> Steps:
    """Return the places that name what is at a place. Pauses between notes."""
    _, subject = _find_asked(view, params)
    if subject is None:
        return None
    places = []
    if params.context.include_declaration and subject.path:
        path, part = subject.path, subject.part
        extent = list_ranges(view, path, [part])[0] if part else AT_TOP
        places.append(types.Location(view.uri(path), extent))
    return places + (yield from locate_uses(view, subject))


def locate_uses(view: View, subject: Subject) -> Generator[None, None, list[types.Location]]:
    """Return the places that name a subject. Pauses between notes."""
    found = {}
    for source, spans in find_uses(view, subject):
        uri, ranges = view.uri(source), list_ranges(view, source, spans)
        found[source] = [types.Location(uri, extent) for extent in ranges]
        if len(found) % _NOTES_AT_ONCE == 0:
            yield
    return [place for source in sorted(found) for place in found[source]]


# -- hovers ----------------------------------------------------------------------------------------

_MAX_LINES, _MAX_CHARACTERS, _MAX_NAME = 20, 1_500, 300
"""The longest passage and the longest name that a hover shows."""


def find_hover(view: View, params: types.HoverParams) -> types.Hover | None:
    """Return facts about what is at a place, and the passage a link leads to."""
    source, subject = _find_asked(view, params)
    if subject is None or subject.start == subject.end:
        return None
    facts = _describe(view, source, subject)
    if facts is None:
        return None
    parts = [facts]
    if subject.path and subject.is_seen_from(source) and is_note(subject.path):
        passage = _read_passage(view, subject.path, subject.part)
        parts += ["---", passage] if passage else []
    kinds = types.MarkupKind
    kind = kinds.Markdown if view.client.has_markdown_hover else kinds.PlainText
    extent = view.places(source).range(subject.start, subject.end)
    return types.Hover(types.MarkupContent(kind, "\n\n".join(parts)), extent)


def _describe(view: View, source: str, subject: Subject) -> str | None:
    """Return a sentence about a subject; None if nothing is known of it."""
    if subject.path is None:
        if not view.is_whole:
            return None
        return (
            _describe_tag(view, subject.tag) if subject.tag else _describe_unresolved(view, subject)
        )
    path, index = subject.path, view.vault.index
    name = _code(view, f"{path}{subject.subpath if subject.part else ''}")
    if subject.part:
        count = sum(len(spans) for _, spans in find_uses(view, subject))
        kind = "heading" if isinstance(subject.part, Heading) else "block"
        linked = f"{format_count(count, 'link')} to this {kind}"
    else:
        linked = format_count(count_backlinks(index, path), "backlink")
    facts = [name, linked] if subject.is_seen_from(source) else [linked]
    facts += _describe_attachment(view, path)
    sentence = ", ".join(facts)
    others = index.alternatives(source, subject.link) if isinstance(subject.link, Link) else ()
    if others:
        sentence += f". The link also fits {list_first([_code(view, item) for item in others], 3)}"
    note = index.notes.get(path)
    if note and subject.subpath and not subject.part:
        found = suggest_anchors(path, note, subject.subpath)
        missing = f"{quote_name(subject.subpath)} is missing there."
        sentence += f". {missing}{_list_suggestions(view, found)}"
    return sentence


def count_backlinks(index: Index, path: str) -> int:
    """Return the number of other files that link to a file."""
    sources = index.sources_of(path)
    return len(sources) - (path in sources)


def _describe_attachment(view: View, path: str) -> list[str]:
    """Return the size of an attachment in pixels and bytes."""
    stamp = view.vault.scan.listing.files.get(path)
    if stamp is None or path in view.vault.index.notes:
        return []
    size = read_image_size(view.vault.root / path)
    pixels = [f"{size[0]:,} × {size[1]:,} pixels"] if size else []
    return [*pixels, format_count(stamp.size, "byte")]


def _describe_tag(view: View, tag: str) -> str:
    notes = find_tagged_notes(view.vault.index, tag)
    return f"{_code(view, '#' + tag)}: {format_count(len(notes), 'note')}, nested tags included"


def _describe_unresolved(view: View, subject: Subject) -> str:
    sources = view.vault.index.unresolved_sources.get(subject.target, ())
    named = f" {format_count(len(sources), 'note names', 'notes name')} it." if sources else ""
    return (
        f"{quote_name(subject.target)} does not resolve to any file in the vault.{named}"
        f"{_list_suggestions(view, view.vault.suggest(subject.target))}"
    )


def _list_suggestions(view: View, found: Sequence[Suggestion]) -> str:
    names = [_code(view, f"{item.path}{item.subpath or ''}") for item in found]
    return f" It may mean {' or '.join(names)}." if names else ""


def _code(view: View, text: str) -> str:
    """Return a text as code, so that its signs are no markup."""
    shown = escape_controls(text if len(text) <= _MAX_NAME else f"{text[:_MAX_NAME]}…")
    if not view.client.has_markdown_hover:
        return shown
    fence = "`" * (max(map(len, _TICKS.findall(shown)), default=0) + 1)
    return f"{fence} {shown} {fence}" if "`" in shown else f"`{shown}`"


_TICKS = lazy_pattern("`+")


def _read_passage(view: View, path: str, part: Part | None) -> str:
    """Return the beginning of what a link leads to, without the properties of a note."""
    text = view.vault.text(path)
    if part is None:
        span = frontmatter_span(text)
        start, end = span[2] if span else 0, len(text)
    else:
        start, end = Passages(view.vault.index.notes[path], text).find(part)
    shown = text[start : min(end, start + _MAX_CHARACTERS)].strip("\r\n")
    lines = [escape_controls(line.expandtabs(4)) for line in shown.splitlines()]
    is_cut = start + _MAX_CHARACTERS < end or len(lines) > _MAX_LINES
    return "\n".join([*lines[:_MAX_LINES], *(["", "…"] if is_cut else [])])


REQUESTS: Mapping[str, Callable[[View, Any], Any]] = {
    types.TEXT_DOCUMENT_DEFINITION: find_definition,
    types.TEXT_DOCUMENT_REFERENCES: find_references,
    types.TEXT_DOCUMENT_HOVER: find_hover,
}

PREPARATIONS: Sequence[Callable[[View], object]] = (lambda view: view.vault.index.backlinks,)
"""What first answers would wait for."""
