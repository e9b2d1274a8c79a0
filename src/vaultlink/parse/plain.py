"""The fast parser for plain notes and paragraphs.

Nothing in plain text can hide a link. Most notes consist of paragraphs, headings, flat quotes and
lists, with a few links. Searches that run at memory speed test whether a text can contain anything
else. Plain text is parsed here, everything else by the block and inline passes. The tests check
that both give the same result on every text.
"""

import re
from bisect import bisect_right
from typing import NamedTuple

from vaultlink.parse.backlinks_markers import MARKER_TEXT, STANDALONE_MARKER
from vaultlink.parse.inline import EMPHASIS_MARK, TAG_START, may_contain_links
from vaultlink.parse.lines import UNICODE_SPACES

_BULLET = r"(?:[-*+]|\d+[.)])"
_FENCE = r"```|~~~|%%|<(?!a [^>\n]*>[^\n<])"  # code, a comment, an HTML block
_DELIMITER_ROW = r"-+:?[ \t]*\|[-:| \t]*(?=\n|\Z)"  # the second row of a table
_NO_ITEM = rf" *+(?:\t|\n|(?<= {{5}})|(?<= )(?:{_BULLET}[ \t]++)*+(?:{_FENCE}))"
_HIDDEN_BLOCK = (
    rf"{_FENCE}|\|[ \t]*+:?{_DELIMITER_ROW}|:{_DELIMITER_ROW}|{_DELIMITER_ROW}"
    rf"|\[[^\]\n]*+\]:|[-*+]{_NO_ITEM}|\d++[.)]{_NO_ITEM}"
)
_LINE_START = re.compile(
    "\n(?:"
    r"(#++)[ \t]*+([^\n]*+)(\n(?: {4}|\t))?"  # hashes, text, and indent of the next line
    r"|\n(?: {4}| {0,3}\t)"  # indented behind a blank line: code or a list item
    rf"|{_HIDDEN_BLOCK}"
    r"|=(?<!\n\n=)=*+(?=\n|\Z)|-(?<!\n\n-)-*+(?=\n|\Z)"  # underlined heading
    rf"|>(?:[> ]*(?: {{4}}|\t)|[ \t>]*+(?:{_HIDDEN_BLOCK}))"  # any of these in a quote
    rf"|[ \t](?:[ \t]*\n(?: {{4}}| {{0,3}}\t)|(?<=\n ) {{0,2}}#|[ \t>]*+(?:{_HIDDEN_BLOCK}))"
    ")"
)
"""A line that may be a heading, with groups, or that needs the block pass, without groups."""

_BLOCK_ID = re.compile(r"\^(?<=[ \t\n]\^)[A-Za-z0-9-]+[ \t]*(?=\n|\Z)")
_IN_ATTRIBUTE = re.compile(r"""=\s*(?:"[^"\[]*\[|'[^'\[]*\[|[^\s"'=<>`\[]*\[)""")
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
_WEB_LINK = re.compile(
    r"(?<![\]\\^!\[])\[((?:[^\[\]\n`$\\<>*_#^~=]|(?<=[0-9A-Za-z])_(?=[0-9A-Za-z]))*)\]"
    r"\((https?://(?:[^\s()<>\[\]\\\"'`$#*_~&]|(?<=[0-9A-Za-z])_(?=[0-9A-Za-z]))+)\)(?![(\[])"
)
_WIKILINK = re.compile(r"\[\[(?:([^\n\[\]|*]+)(?:\|([^\n\[\]]*))?\]\])?")

_BLOCK_END = re.compile(r"\n(?=\n|#{1,6}(?:[ \t\n]|\Z)|[-*+] )")
"""The end of a line before a blank line, a heading or a list item."""

_MARKUP_BYTES = b"`$\\^%[]()<>!?\r:/.\"'=#w"
"""The ASCII characters that `markup_bytes` keeps."""
_OTHER_BYTES = bytes(byte for byte in range(256) if byte not in _MARKUP_BYTES)


def markup_bytes(encoded: bytes) -> bytes:
    """Return the markup characters of a text, without all other bytes.

    Characters that are adjacent in the text are adjacent in the result, but not the reverse. The
    result has a tenth of the text's length, so that searching it first is cheap.

    Args:
        encoded: The text as UTF-8.
    """
    return encoded.translate(None, _OTHER_BYTES)


def mask_markers(text: str, body: int, marks: bytes) -> tuple[str, bytes, list[tuple[int, int]]]:
    """Replace vaultlink's standalone section markers by words of the same length.

    The rest of the text has the same meaning.

    Args:
        text: The note's text.
        body: Offset of its body.
        marks: Its markup bytes.

    Returns:
        The masked text, its markup bytes, and the spans of the markers.
    """
    spans: list[tuple[int, int]] = []
    if b"<!" not in marks or MARKER_TEXT not in text:
        return text, marks, spans
    for match in STANDALONE_MARKER.finditer(text, body):
        start, end = match.span()
        spans.append((start, end))
        text = text[:start] + "x" * (end - start) + text[end:]
    return text, markup_bytes(text.encode("utf-8", "surrogatepass")) if spans else marks, spans


def find_plain_headings(text: str, body: int, marks: bytes) -> list[tuple[int, int, str]] | None:
    """Return level, offset and text of the headings of a plain note.

    Returns None if a block of the body hides text or depends on the structure of lines.
    """
    if b"\r" in marks or b"<!" in marks or b"<?" in marks or (b"$$" in marks and "$$" in text):
        return None
    if marks.count(b"[") != marks.count(b"]") or (b"^" in marks and _BLOCK_ID.search(text, body)):
        return None
    if b"%%" in marks and "vaultlink-" in text:
        return None
    found: list[tuple[int, int, str]] = []
    if body == 0 or text.startswith((" ", "\t"), body):
        # The first lines of the body count as if they followed a blank line.
        second = text.find("\n", text.find("\n", body) + 1)
        first_lines = text[body:] if second < body else text[body : second + 1]
        for match in _LINE_START.finditer("\n\n" + first_lines):
            if match.lastindex != 2:
                return None
            if body == 0 and match.start() == 1:
                _add_heading(match, -2, found)
    for match in _LINE_START.finditer(text, max(body - 1, 0)):
        if match.lastindex != 2:
            return None
        _add_heading(match, 0, found)
    return found


def _add_heading(match: re.Match[str], shift: int, found: list[tuple[int, int, str]]) -> None:
    """Add the heading of a line that starts with hashes, if it is one."""
    hashes, text, _ = match.groups()
    start, level = match.end() - len(text) + shift, len(hashes)
    marks_end = match.start() + 1 + level + shift
    if level > 6 or (text and start == marks_end):
        return
    if not (text[-1:].isalnum() and text[0].isalnum()):
        if text.endswith(("#", " ", "\t")):
            text = text.rstrip(" \t")
            bare = text.rstrip("#")
            text = bare if not bare or bare[-1] in " \t" else text
        trimmed = text.strip(UNICODE_SPACES)
        if not text.strip(" \t"):
            start = marks_end
        elif trimmed:
            start += len(text) - len(text.lstrip(UNICODE_SPACES))
        text = trimmed
    found.append((level, start, text))


class PlainLinks(NamedTuple):
    """The links of a plain note.

    Attributes:
        wikilinks: Span with brackets, destination and display text of each wikilink.
        web: Span, text and URL of each external Markdown link.
        complex_spans: Spans of the paragraphs that need the full passes, because something in them
            may hide or break links, or because they contain other kinds of links or tags.
    """

    wikilinks: list[tuple[int, int, str, str | None]]
    web: list[tuple[int, int, str, str]]
    complex_spans: list[tuple[int, int]]


def find_plain_links(text: str, body: int, marks: bytes, hashes: int) -> PlainLinks | None:
    """Return the links of a plain note.

    Returns None if the body contains brackets that are not links: then the full passes must read
    all of it.

    Args:
        text: The note's text.
        body: Offset of its body.
        marks: Its markup bytes.
        hashes: The number of hashes that start its headings.
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
        if target is None:
            end = text.find("]]", start + 3) + 2
            target, display = text[start + 2 : end - 2] if end != 1 else "\n", ""
            if "\n" in target or "[[" in target or target.startswith("]]"):
                return None
        if text[start - 1] == "]" or target[0] == "[" or EMPHASIS_MARK.search(text, start, end):
            begin_of, skip = block_span(text, body, start)
            added.append((begin_of, skip))
            while links and links[-1][0] >= begin_of:
                links.pop()
        else:
            links.append((start, end, target, display))
    spans = sorted([*spans, *added])
    if spans and web:
        starts = [span[0] for span in spans]
        web = [
            link
            for link in web
            if not (at := bisect_right(starts, link[0])) or spans[at - 1][1] <= link[0]
        ]
    return PlainLinks(links, web, spans)


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
    masked = text
    if web:
        parts, at = [], 0
        for start, end, _, _ in web:
            parts += [text[at:start], "x" * (end - start)]
            at = end
        masked = "".join([*parts, text[at:]])
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
    found = []
    for match in _WEB_LINK.finditer(text, body):
        start = match.start()
        begin, _ = block_span(text, body, start)
        before = text[begin:start].lower()
        if before.rfind("<a ") <= before.rfind("</a>"):
            found.append((start, match.end(), match[1], match[2]))
    return found


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
