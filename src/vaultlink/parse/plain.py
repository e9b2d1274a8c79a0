"""The fast parser for plain notes and paragraphs.

Nothing in plain text can hide a link. Most notes consist of paragraphs, headings, flat quotes and
lists, with a few links. Searches that run at memory speed test whether a text can contain anything
else. Plain text is parsed here, everything else by the block and inline passes. The tests check
that both give the same result on every text.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from vaultlink.parse.backlinks_markers import MARKER_TEXT, STANDALONE_MARKER
from vaultlink.parse.inline import TAG_START, may_contain_links
from vaultlink.parse.lines import UNICODE_SPACES

_BULLET = r"(?:[-*+]|\d+[.)])"
_HIDDEN_BLOCK_START = r"(?:```|~~~|%%|<(?!a [^>\n]*>[^\n<]))"  # fence, comment, HTML block
_DELIMITER_ROW = r":?-+:?[ \t]*\|[-:| \t]*(?=\n|\Z)"  # the second row of a table
_HIDDEN_BLOCK = (
    rf"(?:{_HIDDEN_BLOCK_START}|(?:\|[ \t]*)?{_DELIMITER_ROW}|\[[^\]\n]*\]:"
    rf"|{_BULLET}(?:[ \t]*\n| {{5}}| *\t|[ \t]+(?:{_BULLET}[ \t]+)*{_HIDDEN_BLOCK_START}))"
)
_NEEDS_BLOCK_PASS = re.compile(
    "\n(?:"
    r"\n(?: {4}| {0,3}\t)"  # indented behind a blank line: code or a list item
    r"|#[^\n]*\n(?: {4}|\t)"  # indented behind a heading
    rf"|(?=[`~%<|:\-*+0-9\[]){_HIDDEN_BLOCK}"
    r"|(?<!\n\n)(?:=+|-+)(?=\n|\Z)"  # underlined heading
    rf"|>(?:[> ]*(?: {{4}}|\t)|[ \t>]*{_HIDDEN_BLOCK})"  # any of these in a quote
    rf"|[ \t](?:[ \t]*\n(?: {{4}}| {{0,3}}\t)|(?<=\n ) {{0,2}}#|[ \t>]*{_HIDDEN_BLOCK})"
    ")"
)
_BLOCK_ID = re.compile(r"\^(?<=[ \t\n]\^)[A-Za-z0-9-]+[ \t]*(?=\n|\Z)")
_EMPHATIC_UNDERSCORE = re.compile(r"_(?<![0-9A-Za-z]_)|_(?![0-9A-Za-z])")
_IN_ATTRIBUTE = re.compile(r"""=\s*(?:"[^"\[]*\[|'[^'\[]*\[|[^\s"'=<>`\[]*\[)""")
_NEEDS_INLINE_PASS = tuple(
    (mark, re.compile(pattern))
    for mark, pattern in (
        (b"`", "`"),
        (b"$", r"\$(?<=\S\$)(?!\d)"),
        (b"\\", r"\\"),
        (b"^[", r"\^\["),
        (b"](", r"\] ?\("),
        (b"://", "://"),
        (b".", r"www\."),
        (b"", TAG_START.pattern),
    )
)
_WEB_LINK = re.compile(
    r"(?<![\]\\^!\[])\[((?:[^\[\]\n`$\\<>*_#^~=]|(?<=[0-9A-Za-z])_(?=[0-9A-Za-z]))*)\]"
    r"\((https?://(?:[^\s()<>\[\]\\\"'`$#*_~&]|(?<=[0-9A-Za-z])_(?=[0-9A-Za-z]))+)\)(?![(\[])"
)
_HEADING = re.compile(r"\n(#{1,6})(?:[ \t]+([^\n]*)|)(?=\n|\Z)")
_WIKILINK = re.compile(r"\[\[(?:([^\n\[\]|*]+)(?:\|([^\n\[\]]*))?\]\])?")

_MARKUP_BYTES = b"`$\\^%[]()<>!?\r:/.\"'="
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


def has_plain_blocks(text: str, body: int, marks: bytes) -> bool:
    """Return True if no block of a note's body needs the block pass.

    Such a block hides text or depends on the structure of lines.
    """
    if b"\r" in marks or b"<!" in marks or b"<?" in marks or (b"$$" in marks and "$$" in text):
        return False
    if marks.count(b"[") != marks.count(b"]") or (b"^" in marks and _BLOCK_ID.search(text, body)):
        return False
    if b"%%" in marks and "vaultlink-" in text:
        return False
    # The first lines of the body count as if they followed a blank line.
    second = text.find("\n", text.find("\n", body) + 1)
    if _NEEDS_BLOCK_PASS.search(
        "\n\n" + (text[body:] if second < body else text[body : second + 1])
    ):
        return False
    return _NEEDS_BLOCK_PASS.search(text, max(body - 1, 0)) is None


def find_plain_headings(text: str, body: int) -> Iterator[tuple[int, int, str]]:
    """Yield level, offset and text of the headings of a plain note."""
    if "#" not in text:
        return
    if body == 0 and text.startswith("#"):
        first = _HEADING.match("\n" + text[: text.find("\n") + 1 or None])
        if first:
            yield _heading_parts(first, -1)
    for match in _HEADING.finditer(text, max(body - 1, 0)):
        yield _heading_parts(match, 0)


def _heading_parts(match: re.Match[str], shift: int) -> tuple[int, int, str]:
    """Return level, offset and text of a heading without closing hashes and spaces."""
    marks, text = match.groups("")
    start = match.end() - len(text) + shift
    if text.endswith(("#", " ", "\t")):
        text = text.rstrip(" \t")
        bare = text.rstrip("#")
        text = bare if not bare or bare[-1] in " \t" else text
    trimmed = text.strip(UNICODE_SPACES)
    if not text.strip(" \t"):
        start = match.end(1) + shift
    elif trimmed and len(trimmed) != len(text):
        start += len(text) - len(text.lstrip(UNICODE_SPACES))
    return len(marks), start, trimmed


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


def find_plain_links(text: str, body: int, marks: bytes) -> PlainLinks | None:
    """Return the links of a plain note.

    Returns None if the body contains brackets that are not links: then the full passes must read
    all of it.
    """
    found = PlainLinks([], [], [])
    found.complex_spans.extend(_find_complex_paragraphs(text, body, marks, found.web))
    complex_spans, links = found.complex_spans, found.wikilinks
    has_emphasis = "_" in text and _EMPHATIC_UNDERSCORE.search(text, body) is not None
    next_complex, at = 0, body
    while True:
        for match in _WIKILINK.finditer(text, at):
            start, end = match.span()
            while next_complex < len(complex_spans) and complex_spans[next_complex][1] <= start:
                next_complex += 1
            if next_complex < len(complex_spans) and complex_spans[next_complex][0] <= start:
                at = complex_spans[next_complex][1]
                break
            target, display = match.groups()
            if target is None:
                end = text.find("]]", start + 3) + 2
                inner = text[start + 2 : end - 2] if end != 1 else "\n"
                if "\n" in inner or "[[" in inner or inner.startswith("]]"):
                    return None
                target, display = inner, ""
            if (
                text[start - 1] == "]"
                or target.startswith("[")
                or _may_break_link(text[start:end], has_emphasis)
            ):
                at = _move_to_complex(text, body, start, links, complex_spans, next_complex)
                break
            links.append((start, end, target, display))
            if match.end() != end:
                at = end
                break
        else:
            found.web[:] = [
                link
                for link in found.web
                if not any(begin <= link[0] < end for begin, end in complex_spans)
            ]
            return found


def _may_break_link(raw: str, has_emphasis: bool) -> bool:
    """Return True if emphasis could end inside a link."""
    return (
        "*" in raw
        or "~~" in raw
        or "==" in raw
        or (has_emphasis and _EMPHATIC_UNDERSCORE.search(raw) is not None)
    )


def _move_to_complex(
    text: str,
    body: int,
    at: int,
    links: list[tuple[int, int, str, str | None]],
    complex_spans: list[tuple[int, int]],
    number: int,
) -> int:
    """Move the paragraph at an offset to the complex ones; return its end."""
    begin, end = paragraph_span(text, body, at)
    while links and links[-1][0] >= begin:
        links.pop()
    complex_spans.insert(number, (begin, end))
    return end


def _find_complex_paragraphs(
    text: str, body: int, marks: bytes, web: list[tuple[int, int, str, str]]
) -> list[tuple[int, int]]:
    """Return the paragraphs that need the full passes.

    These contain a mark that may hide or break a link, and any link or tag. External links in plain
    syntax do not need them; they are added to `web`.
    """
    patterns = [pattern for mark, pattern in _NEEDS_INLINE_PASS if mark in marks]
    if b"=" in marks and _IN_ATTRIBUTE.search(marks.decode("ascii")):
        patterns.append(_IN_ATTRIBUTE)
    links = list(_find_web_links(text, body)) if b"](" in marks and b"://" in marks else []
    masked = text
    for start, end, _, _ in links:
        masked = masked[:start] + "x" * (end - start) + masked[end:]
    found: set[tuple[int, int]] = set()
    for pattern in patterns:
        mark = pattern.search(masked, body)
        while mark:
            begin, end = paragraph_span(text, body, mark.start())
            if may_contain_links(text[begin:end]):
                found.add((begin, end))
            mark = pattern.search(masked, end)
    web.extend(links)
    return sorted(found)


def _find_web_links(text: str, body: int) -> Iterator[tuple[int, int, str, str]]:
    """Yield the external links with plain text and URL outside HTML anchors."""
    for match in _WEB_LINK.finditer(text, body):
        begin, _ = paragraph_span(text, body, match.start())
        before = text[begin : match.start()].lower()
        if before.rfind("<a ") <= before.rfind("</a>"):
            yield match.start(), match.end(), match[1], match[2]


def paragraph_span(text: str, body: int, at: int) -> tuple[int, int]:
    """Return the span of the lines around an offset, up to the nearest empty lines."""
    begin = text.rfind("\n\n", body, at)
    end = text.find("\n\n", at)
    return body if begin == -1 else begin + 2, len(text) if end == -1 else end
