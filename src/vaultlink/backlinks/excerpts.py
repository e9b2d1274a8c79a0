"""Copy the excerpts of a note that cite another note, each on one line.

They are for the section of the cited note. An excerpt is the paragraph, list item, lines of a
quote, heading or table cell around a link. It is copied without images, and without markup that
would have an effect at the destination: markers in front, embeds, tags, block ids, footnotes,
comments, escaped pipes. Links that would resolve differently there are rewritten to resolve to the
same file. An excerpt without words outside its links says nothing and is left out.
"""

import re
from collections.abc import Callable, Iterable, Iterator

import msgspec

from vaultlink.backlinks.style import escape_block_start
from vaultlink.index.file_kinds import has_known_extension
from vaultlink.index.index import Index
from vaultlink.index.resolve import is_note, resolve
from vaultlink.links.index_notes import lists_notes
from vaultlink.links.kinds import is_wikilink, shown_text
from vaultlink.links.naming import LinkStyle
from vaultlink.model import Link, Note, Place
from vaultlink.parse.inline import read_inline
from vaultlink.parse.leaf_blocks import html_block_closer, interrupts_paragraph
from vaultlink.parse.lines import is_blank
from vaultlink.parse.note import parse_note
from vaultlink.text import lazy_pattern, line_span

_MAX_EXCERPT_LENGTH = 300
"""Code points above which an excerpt is cut around the link."""


class ExcerptTarget(msgspec.Struct, frozen=True):
    """The cited note, which will contain the excerpts, and the style of its links."""

    path: str
    index: Index
    links: LinkStyle


_QUOTE_MARKS = lazy_pattern(r"[ \t]*(?:>[ \t]?)*")
_BLOCK_MARKS = lazy_pattern(
    r"[ \t]*(?:\[![^\]\n]*\][-+]?[ \t]*|(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[.\][ \t]+)?"
    r"|#{1,6}[ \t]+|\[\^[^\]\s]+\]:[ \t]*)?"
)
_BLOCK_START = lazy_pattern(r"[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]|#{1,6}[ \t]|\[\^[^\]\s]+\]:)")
_BLOCK_ID = lazy_pattern(r"(?:^|[ \t])\^[A-Za-z0-9-]+[ \t]*$")
_COMMENTS = lazy_pattern(r"%%.*?%%|<!--.*?-->|%%|<!--")
_LETTER = lazy_pattern(r"[^\W\d_]")
_LABEL = lazy_pattern(
    r"\b(?:tags?|type|status|topics?|category|categories|keywords?|links?|related|see also|up"
    r"|parent|prev(?:ious)?|next|siehe auch|voir aussi|véase también|ver también|vedi anche"
    r"|veja também)\b"
    r"[*_]*[ \t]*[:：]+",
    re.IGNORECASE,
)
"""The label before links by which a note is filed, such as `Tags: [[Tea]]`."""

_BAR = lazy_pattern(r"(?<!\\)\|")
_FOOTNOTE = lazy_pattern(r"\[\^[^\]\s]+\]")


def _find_excerpts(source: Note, text: str, destination: ExcerptTarget) -> tuple[str, ...]:
    """Return excerpts that link to the destination; none in properties and comments."""
    excerpts, end = list[str](), 0
    for link, target in destination.index.resolved_links(source.path):
        if target != destination.path or link.place is not Place.BODY:
            continue
        if link.in_comment or link.start < end:
            continue
        is_in_row = link.in_table_cell or _is_row(text, link.start)
        start, end = _find_cell(text, link) if is_in_row else _find_block(text, link.start)
        copied = _copy_excerpt(text, start, end, source, destination)
        excerpt = _fit_excerpt(copied.replace("\\|", "|") if is_in_row else copied, destination)
        if excerpt and excerpt not in excerpts:
            excerpts.append(excerpt)
    return tuple(excerpts)


def find_distinct_excerpts(
    sources: Iterable[str], read: Callable[[str], str | None], destination: ExcerptTarget
) -> dict[str, tuple[str, ...]]:
    """Return the excerpts of notes, each once; those that list other notes have none."""
    seen: set[str] = set()
    excerpts: dict[str, tuple[str, ...]] = {}
    for path in sources:
        note = destination.index.notes[path]
        text = None if lists_notes(note) else read(path)
        found = _find_excerpts(note, text, destination) if text else ()
        excerpts[path] = tuple([excerpt for excerpt in found if excerpt not in seen])
        seen.update(found)
    return excerpts


def _find_block(text: str, at: int) -> tuple[int, int]:
    start, end = line_span(text, at)
    while start and not _BLOCK_START.match(_strip_quote_marks(text, start)):
        above = text.rfind("\n", 0, start - 1) + 1
        if not _is_continuation(text, above, start):
            break
        start = above
    if _strip_quote_marks(text, start).lstrip().startswith("#"):
        return start, end
    while end < len(text):
        line, below = text.rfind("\n", 0, end) + 1, end + 1
        is_new = _BLOCK_START.match(_strip_quote_marks(text, below))
        if is_new or not _is_continuation(text, line, below):
            break
        _, end = line_span(text, below)
    return start, end


def _is_continuation(text: str, above: int, below: int) -> bool:
    upper_line, lower_line = _strip_quote_marks(text, above), _strip_quote_marks(text, below)
    if is_blank(upper_line) or is_blank(lower_line):
        return False
    if _count_quote_marks(text, above) != _count_quote_marks(text, below):
        return False
    upper_ends = interrupts_paragraph(upper_line) and not _BLOCK_START.match(upper_line)
    if upper_ends or upper_line.lstrip().startswith("#"):
        return False
    return not interrupts_paragraph(lower_line) or bool(_BLOCK_START.match(lower_line))


def _strip_quote_marks(text: str, start: int) -> str:
    line = text[start : line_span(text, start)[1]].rstrip("\r")
    return line[_QUOTE_MARKS.match(line).end() :]  # type: ignore[union-attr] # it always matches


def _count_quote_marks(text: str, start: int) -> int:
    line = text[start : line_span(text, start)[1]]
    return _QUOTE_MARKS.match(line)[0].count(">")  # type: ignore[index]


def _is_row(text: str, at: int) -> bool:
    """Return True if a line looks like a row of a table, parsed as one or not."""
    line = text[slice(*line_span(text, at))]
    return line.lstrip(" \t>")[:1] == "|" and line.rstrip()[-1:] == "|"


def _find_cell(text: str, link: Link) -> tuple[int, int]:
    line_start, line_end = line_span(text, link.start, link.end)
    bars = [bar.start() for bar in _BAR.finditer(text, line_start, line_end)]
    start = max([line_start - 1, *(bar for bar in bars if bar < link.start)]) + 1
    return start, min([line_end, *(bar for bar in bars if bar >= link.end)])


def _copy_excerpt(text: str, start: int, end: int, source: Note, destination: ExcerptTarget) -> str:
    """Copy a span of a note to one line, with links and tags for the destination."""
    parts, at = [], start
    changes = sorted(
        [
            *_find_line_marks(text, start, end),
            *_escape_tags(source, start, end),
            *_rewrite_links(source, start, end, destination),
        ]
    )
    for begin, stop, new in changes:
        if begin >= at:
            parts += [text[at:begin], new]
            at = stop
    parts.append(text[at:end])
    line = _BLOCK_ID.sub("", " ".join("".join(parts).split()))
    return " ".join(_FOOTNOTE.sub("", _COMMENTS.sub("", line)).split())


def _find_line_marks(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Yield the quote marks to remove, and the first line's item or heading mark."""
    line = start
    while line < end:
        quote_marks = _QUOTE_MARKS.match(text, line, end)
        assert quote_marks
        stop = quote_marks.end()
        if line == start:
            block_marks = _BLOCK_MARKS.match(text, stop, end)
            stop = block_marks.end() if block_marks else stop
        if stop > line:
            yield line, stop, ""
        line = line_span(text, line)[1] + 1


def _escape_tags(source: Note, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    for tag in source.tags:
        if tag.place is Place.BODY and start <= tag.start and tag.end <= end:
            yield tag.start, tag.end, f"`#{tag.name}`"  # formatters remove a backslash


def _rewrite_links(
    source: Note, start: int, end: int, destination: ExcerptTarget
) -> Iterator[tuple[int, int, str]]:
    """Yield texts for images, embeds, and links that would resolve differently."""
    for link, target in destination.index.resolved_links(source.path):
        if link.place is not Place.BODY or link.start < start or link.end > end:
            continue
        raw = "" if _is_picture(link, target) else link.raw.removeprefix("!")
        now = resolve(destination.path, link.target, destination.index.names)
        if raw and not link.external and target not in (None, now):
            raw = _retarget_link(link, target or "", destination)
        if raw != link.raw:
            yield link.start, link.end, raw


def _is_picture(link: Link, target: str | None) -> bool:
    """Return True for an embed of anything but a note."""
    if not link.embed:
        return False
    if target is not None:
        return not is_note(target)
    return link.external or not is_wikilink(link) or has_known_extension(link.target)


def _retarget_link(link: Link, path: str, destination: ExcerptTarget) -> str:
    target = destination.links.format_target(destination.path, path, destination.index)
    return destination.links.write_link(target, shown_text(link) or link.target, link.subpath)


def _fit_excerpt(excerpt: str, destination: ExcerptTarget) -> str:
    """Return an excerpt that is short enough and valid; "" if it would say nothing."""
    if not _has_words(excerpt):
        return ""
    for candidate in (_escape_excerpt(_shorten(excerpt, destination)), _escape_excerpt(excerpt)):
        if len(candidate) <= 2 * _MAX_EXCERPT_LENGTH and _is_valid_excerpt(candidate, destination):
            return candidate
    return ""


def _has_words(excerpt: str) -> bool:
    parts, at = [], 0
    for link in read_inline(excerpt).links:
        parts.append(excerpt[at : link.start])
        at = max(at, link.end)
    rest = "\n".join((*parts, excerpt[at:]))
    return _LETTER.search(_LABEL.sub("", rest)) is not None


def _escape_excerpt(excerpt: str) -> str:
    if html_block_closer(excerpt, interrupting=False) is not None:
        return "\\" + excerpt
    return escape_block_start(excerpt)


def _shorten(excerpt: str, destination: ExcerptTarget) -> str:
    """Cut a long excerpt at blanks around its first link, but never in a link or code."""
    if len(excerpt) <= _MAX_EXCERPT_LENGTH:
        return excerpt
    inline = read_inline(excerpt)
    spans = [(link.start, link.end) for link in inline.links] + inline.hidden
    links = (excerpt[link.start : link.end] for link in inline.links)
    notes = (parse_note(destination.path, link) for link in links)
    found = (_has_link_to_target(note, destination) for note in notes)
    link_span = next((span for span, leads in zip(spans, found, strict=False) if leads), (0, 0))
    room = (_MAX_EXCERPT_LENGTH - min(link_span[1] - link_span[0], _MAX_EXCERPT_LENGTH)) // 2
    start, end = max(link_span[0] - room, 0), min(link_span[1] + room, len(excerpt))
    blanks = [
        at
        for at, char in enumerate(excerpt)
        if char == " " and not any(begin < at < stop for begin, stop in spans)
    ]
    if start > 0:
        start = min((at for at in blanks if start <= at <= link_span[0]), default=link_span[0])
    if end < len(excerpt):
        end = max((at for at in blanks if link_span[1] <= at <= end), default=link_span[1])
    before, behind = "… " if start else "", " …" if end < len(excerpt) else ""
    return before + excerpt[start:end].strip() + behind


def _is_valid_excerpt(excerpt: str, destination: ExcerptTarget) -> bool:
    """Return True if an excerpt links to the note and has no other active markup."""
    note = parse_note(destination.path, f"- x\n  - {excerpt}\n  - y\n")
    has_others = note.tags or note.headings or note.blocks or note.problems or note.directives
    return not has_others and _has_link_to_target(note, destination)


def _has_link_to_target(note: Note, destination: ExcerptTarget) -> bool:
    path, names = destination.path, destination.index.names
    links = (link for link in note.links if link.target and not link.external)
    return any(resolve(path, link.target, names) == path for link in links)
