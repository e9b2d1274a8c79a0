"""The fast parser for plain notes and paragraphs.

Most notes are paragraphs, headings, flat quotes and lists, with a few links. Searches at memory
speed test if a text can contain anything else, which the block and inline passes read. The tests
check that both ways give the same result on every text.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from vaultlink.parse.backlinks_markers import MARKER_TEXT, STANDALONE_MARKER
from vaultlink.parse.inline import EMPHASIS_MARK, TAG_START, may_contain_links
from vaultlink.parse.lines import UNICODE_SPACES
from vaultlink.text import lazy_pattern

_BULLET = r"(?:[-*+]|\d+[.)])"
_FENCE = r"```|~~~|%%|<(?!a [^>\n]*>[^\n<])"  # code, a comment, an HTML block
_DELIMITER_ROW = (  # the second row of a table
    r"[-:|](?:(?<=\|)|[-: \t]*+\|)[-:| \t]*+(?=\n|\Z)"
)
_NO_ITEM = rf" *+(?:\t|\n|(?<= {{5}})|(?<= )(?:{_BULLET}[ \t]++)*+(?:{_FENCE}))"
_HIDDEN_BLOCK = rf"{_FENCE}|{_DELIMITER_ROW}|\[[^\]\n]*+\]:|[-*+]{_NO_ITEM}|\d++[.)]{_NO_ITEM}"
_LINE_START = lazy_pattern(
    "\n(?:"
    r"(#{1,6}+)[ \t]++([^\s\ufeff][^\n]*+(?<=[^\s\ufeff#]))(?!\n(?: {4}|\t))"  # usual heading
    r"|(#++)[ \t]*+([^\n]*+)(\n(?: {4}|\t))?"  # hashes, text, and indent of the next line
    r"|\n(?: {4}| {0,3}\t)"  # indented behind a blank line: code or a list item
    rf"|{_HIDDEN_BLOCK}"
    r"|=(?<!\n\n=)=*+(?=\n|\Z)|-(?<!\n\n-)-*+(?=\n|\Z)"  # underlined heading
    rf"|>(?:[> ]*(?: {{4}}|\t)|[ \t>]*+(?:{_HIDDEN_BLOCK}))"  # any of these in a quote
    rf"|[ \t](?:[ \t]*\n(?: {{4}}| {{0,3}}\t)|(?<=\n ) {{0,2}}#|[ \t>]*+(?:{_HIDDEN_BLOCK}))"
    ")"
)
"""A line that may be a heading, with groups, or that needs the block pass, without groups."""

_DEFINITION = lazy_pattern(
    r"(?:[ \t>]|(?:[-*+]|\d+[.)]|\[[^\]\n]\])(?=[ \t]))*+\[(?!\^)(?:[^\]\\\n]|\\.)++\]:"
)
"""A line that may define a link's label, also in quotes and list items."""

_BLOCK_ID = lazy_pattern(r"\^(?<=[ \t\n]\^)[A-Za-z0-9-]+[ \t]*(?=\n|\Z)")
_IN_ATTRIBUTE = lazy_pattern(r"""=\s*(?:"[^"\[]*\[|'[^'\[]*\[|[^\s"'=<>`\[]*\[)""")
_IN_ATTRIBUTE_MARKS = re.compile(rb"""=(?:"[^"\[]*+\[|'[^'\[]*+\[|[^"'=<>`\[]*+\[)""")
_NEEDS_INLINE_PASS = tuple(
    (mark, re.compile(pattern))
    for mark, pattern in (
        (b"`", "`"),
        (b"$", r"\$(?<=\S\$)(?!\d)"),
        (b"\\", r"\\"),
        (b"^[", r"\^\["),
        (b"](", r"\] ?\("),
        (b"://", "://"),
        (b"www.", r"www\."),
        (b"#", TAG_START.pattern),
    )
)
_WORD_UNDERSCORE = "_(?<=[0-9A-Za-z]_)(?=[0-9A-Za-z])"  # never a mark of emphasis
_WEB_LINK = lazy_pattern(
    rf"\[(?<![\]\\^!\[]\[)((?:[^\[\]\n`$\\<>*_#^~=]++|{_WORD_UNDERSCORE})*+)\]"
    rf"\((https?://(?:[^\s()<>\[\]\\\"'`$#*_~&]++|{_WORD_UNDERSCORE})++)\)(?![(\[])"
)
_WIKILINK = lazy_pattern(
    rf"\[\[(?:((?![|\]])[^\n\[\]|*_~=]*+(?:{_WORD_UNDERSCORE}[^\n\[\]|*_~=]++)*+)"
    rf"(?:\|([^\n\[\]*_~=]*+(?:{_WORD_UNDERSCORE}[^\n\[\]*_~=]++)*+))?\]\])?"
)
"""A wikilink without marks of emphasis, with groups, or two opening brackets."""

_ANY_WIKILINK = lazy_pattern(r"\[\[([^\n\[\]|*]+)(?:\|([^\n\[\]]*))?\]\]")
_CLOSING = lazy_pattern(r"\]\]")
_BLOCK_END = lazy_pattern(r"\n(?=\n|#{1,6}(?:[ \t\n]|\Z)|[-*+] )")
"""The end of a line before a blank line, a heading or a list item."""

_MARKUP_BYTES = b"`$\\^%[]()<>!?\r:/.\"'=#w"
"""The ASCII characters that `markup_bytes` keeps."""
_OTHER_BYTES = bytes(byte for byte in range(256) if byte not in _MARKUP_BYTES)


def markup_bytes(encoded: bytes) -> bytes:
    """Return the markup characters of a text in UTF-8, without all other bytes.

    Characters that are adjacent in the text are adjacent in the result, but not the reverse.
    The result has a tenth of the text's length, so that searching it first is cheap.
    """
    return encoded.translate(None, _OTHER_BYTES)


def mask_markers(text: str, body: int, marks: bytes) -> tuple[str, bytes, list[tuple[int, int]]]:
    """Replace vaultlink's standalone section markers by words of the same length.

    The rest of the text has the same meaning. Returns the masked text, its markup bytes, and
    the spans of the markers.
    """
    spans: list[tuple[int, int]] = []
    if b"<!" not in marks or MARKER_TEXT not in text:
        return text, marks, spans
    spans.extend(match.span() for match in STANDALONE_MARKER.finditer(text, body))
    if not spans:
        return text, marks, spans
    text = _replace_spans(text, spans, "x")
    return text, markup_bytes(text.encode("utf-8", "surrogatepass")), spans


def _replace_spans(text: str, spans: Iterable[tuple[int, int]], char: str) -> str:
    parts, at = [], 0
    for start, end in spans:
        parts += [text[at:start], char * (end - start)]
        at = end
    return "".join([*parts, text[at:]])


def find_plain_headings(text: str, body: int, marks: bytes) -> list[tuple[int, int, str]] | None:
    """Return level, offset and text of the headings of a plain note.

    Returns None if a block of the body hides text or depends on the structure of lines.
    """
    if _has_block_marks(text, body, marks):
        return None
    found: list[tuple[int, int, str]] = []
    if body == 0 or text.startswith((" ", "\t"), body):
        # The first lines of the body count as if they followed a blank line.
        second = text.find("\n", text.find("\n", body) + 1)
        first_lines = text[body:] if second < body else text[body : second + 1]
        for match in _LINE_START.finditer("\n\n" + first_lines):
            if match.lastindex not in (2, 4):
                return None
            if body == 0 and match.start() == 1:
                _add_heading(match, -2, found)
    for match in _LINE_START.finditer(text, max(body - 1, 0)):
        if match.lastindex == 2:
            found.append((len(match[1]), match.start(2), match[2]))
        elif match.lastindex == 4:
            _add_heading(match, 0, found)
        else:
            return None
    return found


def _has_block_marks(text: str, body: int, marks: bytes) -> bool:
    """Return True if marks anywhere in a line need the block pass."""
    return (
        b"\r" in marks
        or b"<!" in marks
        or b"<?" in marks
        or (b"$$" in marks and "$$" in text)
        or marks.count(b"[") != marks.count(b"]")
        or (b"^" in marks and _BLOCK_ID.search(text, body) is not None)
        or (b"%%" in marks and "vaultlink-" in text)
        or (b"]:" in marks and "]:" in text and _has_definition(text, body))
    )


def _has_definition(text: str, body: int) -> bool:
    at = text.find("]:", body)
    while at != -1:
        if _DEFINITION.match(text, text.rfind("\n", 0, at) + 1):
            return True
        line_end = text.find("\n", at)
        at = text.find("]:", line_end) if line_end != -1 else -1
    return False


def _add_heading(match: re.Match[str], shift: int, found: list[tuple[int, int, str]]) -> None:
    """Add the heading of a line that starts with hashes, if it is one."""
    number = 1 if match.lastindex == 2 else 3
    level, text = len(match[number]), match[number + 1]
    start, marks_end = match.start(number + 1) + shift, match.end(number) + shift
    if level > 6 or (text and start == marks_end):
        return
    if text.endswith(("#", " ", "\t")):
        text = text.rstrip(" \t")
        bare = text.rstrip("#")
        text = bare if not bare or bare[-1] in " \t" else text
    trimmed = text.strip(UNICODE_SPACES)
    if not text.strip(" \t"):
        start = marks_end
    elif trimmed:
        start += len(text) - len(text.lstrip(UNICODE_SPACES))
    found.append((level, start, trimmed))


class PlainLinks(NamedTuple):
    """The links of a plain note.

    Of wikilinks it has the span with brackets, destination and display text, of external links
    span, text and URL. The paragraphs of `complex_spans` need the full passes, because
    something in them may hide or break links, or because they contain other kinds of links or
    tags.
    """

    wikilinks: list[tuple[int, int, str, str | None]]
    web: list[tuple[int, int, str, str]]
    complex_spans: list[tuple[int, int]]


def find_plain_links(text: str, body: int, marks: bytes, hashes: int) -> PlainLinks | None:
    """Return the links of a plain note, whose headings start with `hashes` hashes.

    Returns None if the body contains brackets that are not links: then the full passes must
    read all of it.
    """
    web = _find_web_links(text, body) if b"](" in marks and b"://" in marks else []
    spans = _find_complex_blocks(text, body, marks, hashes, web)
    links: list[tuple[int, int, str, str | None]] = []
    added: list[tuple[int, int]] = []
    later, skip = iter([*spans, (len(text), 0)]), body
    begin, stop = next(later)
    for match in _WIKILINK.finditer(text, body):
        start, end = match.span()
        if start < skip:
            continue
        while begin <= start and stop <= start:
            begin, stop = next(later)
        if begin <= start:
            skip = stop
            continue
        target, display = match.groups()
        is_clean = target is not None
        if target is None:
            other = _read_unclean_wikilink(text, start)
            if other is None:
                return None
            end, target, display, is_clean = other
        if not is_clean or text[start - 1] == "]":
            begin_of, skip = block_span(text, body, start)
            added.append((begin_of, skip))
            while links and links[-1][0] >= begin_of:
                links.pop()
        else:
            links.append((start, end, target, display))
    if marks.count(b"]]") != len(links):
        stray = _find_stray_brackets(text, body, links, {*spans, *added})
        links = _outside(links, stray)
        added += stray
    spans = sorted([*spans, *added])
    web = _outside(web, spans)
    return PlainLinks(links, web, spans)


_Found = TypeVar("_Found", bound=tuple[int, int, str, str | None])


def _outside(links: list[_Found], spans: list[tuple[int, int]]) -> list[_Found]:
    """Return the links that start in none of the sorted spans."""
    if not spans:
        return links
    return [
        link
        for link in links
        if not (at := bisect_left(spans, (link[0] + 1,))) or spans[at - 1][1] <= link[0]
    ]


def _find_stray_brackets(
    text: str, body: int, links: list[tuple[int, int, str, str | None]], known: set[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Return the blocks with closing brackets that end no link, except the known ones."""
    ends, found, stop = {link[1] for link in links}, [], 0
    for match in _CLOSING.finditer(text, body):
        if match.end() not in ends and match.start() >= stop:
            span = block_span(text, body, match.start())
            stop = span[1]
            if span not in known:
                found.append(span)
    return found


def _read_unclean_wikilink(text: str, start: int) -> tuple[int, str, str | None, bool] | None:
    """Return end, destination and display text of a wikilink, and if it is clean.

    Nothing may break a clean one. Returns None if the brackets are no wikilink. The display text
    is "" if the destination contains brackets or a mark of emphasis.
    """
    match = _ANY_WIKILINK.match(text, start)
    if match:
        end, target, display = match.end(), match[1], match[2]
    else:
        end = text.find("]]", start + 3) + 2
        target, display = text[start + 2 : end - 2] if end != 1 else "\n", ""
        if "\n" in target or "[[" in target or target.startswith("]]"):
            return None
    is_clean = target[0] != "[" and EMPHASIS_MARK.search(text, start, end) is None
    return end, target, display, is_clean


def _find_complex_blocks(
    text: str, body: int, marks: bytes, hashes: int, web: list[tuple[int, int, str, str]]
) -> list[tuple[int, int]]:
    """Return the blocks that need the full passes.

    These contain a mark that may hide or break a link, and any link or tag. The given external
    links do not need them.
    """
    patterns = [pattern for mark, pattern in _NEEDS_INLINE_PASS if mark in marks]
    if marks.count(b"#") == hashes and hashes:
        patterns.pop()
    if b"=" in marks and _IN_ATTRIBUTE_MARKS.search(marks):
        patterns.append(_IN_ATTRIBUTE)
    if not patterns:
        return []
    # A web link counts as the character that it ends with.
    masked = _replace_spans(text, [(start, end) for start, end, _, _ in web], ")") if web else text
    found: set[tuple[int, int]] = set()
    for pattern in patterns:
        mark = pattern.search(masked, body)
        while mark:
            begin, end = block_span(text, body, mark.start())
            if may_contain_links(text[begin:end]):
                found.add((begin, end))
            mark = pattern.search(masked, end)
    return sorted(found)


def _find_web_links(text: str, body: int) -> list[tuple[int, int, str, str]]:
    """Return the external links with plain text and URL outside HTML anchors."""
    found, has_tags, is_open = [], "<" in text, False
    at = stop = 0
    for match in _WEB_LINK.finditer(text, body):
        start, end = match.span()
        if has_tags:
            if start >= stop:
                at, stop = block_span(text, body, start)
                is_open = False
            for tag in _ANCHOR_TAG.finditer(text, at, start):
                is_open = tag[0] != "</"
            at = max(at, start)
            if is_open:
                continue
        found.append((start, end, match[1], match[2]))
    return found


_ANCHOR_TAG = lazy_pattern(r"<[aA] |</(?=[aA]>)")
"""The start of an HTML anchor, or its end."""


def block_span(text: str, body: int, at: int) -> tuple[int, int]:
    """Return the span of the lines around an offset that are one block, or a few.

    It extends to the nearest blank lines, headings and list items without indent.
    """
    end = _BLOCK_END.search(text, at)
    begin = at
    while (begin := text.rfind("\n", body, begin)) != -1:
        if text.startswith("\n", begin - 1) or _BLOCK_END.match(text, begin):
            break
    return max(begin + 1, body), end.start() if end else len(text)


def paragraph_span(text: str, body: int, at: int) -> tuple[int, int]:
    """Return the span of the lines around an offset, up to the nearest empty lines."""
    begin = text.rfind("\n\n", body, at)
    end = text.find("\n\n", at)
    return body if begin == -1 else begin + 2, len(text) if end == -1 else end
