"""The quick reading of plain text: notes, and paragraphs of notes, in which nothing can hide a link.

Most notes are paragraphs, headings, flat quotes and lists, with a few links. Whether anything else can occur in a text is
asked with searches that run at memory speed; what is left is read here, and everything else by the block and inline
passes. Both agree on every text: that is tested.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from vaultlink.parse.backlinks_markers import MARKER_TEXT, STANDALONE_MARKER
from vaultlink.parse.inline import TAG_START, may_contain_links
from vaultlink.parse.lines import UNICODE_SPACES

_BULLET = r"(?:[-*+]|\d+[.)])"
_HIDDEN_BLOCK_START = (
    r"(?:```|~~~|%%|<(?!a [^>\n]*>[^\n<]))"  # of a fence, a comment, an HTML block
)
_DELIMITER_ROW = r":?-+:?[ \t]*\|[-:| \t]*(?=\n|\Z)"  # the second row of a table
_HIDDEN_BLOCK = (
    rf"(?:{_HIDDEN_BLOCK_START}|(?:\|[ \t]*)?{_DELIMITER_ROW}|\[[^\]\n]*\]:"
    rf"|{_BULLET}(?:[ \t]*\n| {{5}}| *\t|[ \t]+(?:{_BULLET}[ \t]+)*{_HIDDEN_BLOCK_START}))"
)
_NEEDS_BLOCK_PASS = re.compile(
    "\n(?:"
    r"\n(?: {4}| {0,3}\t)"  # indented behind a blank line: code, or more of a list
    r"|#[^\n]*\n(?: {4}|\t)"  # indented behind a heading
    rf"|(?=[`~%<|:\-*+0-9\[]){_HIDDEN_BLOCK}"
    r"|(?<!\n\n)(?:=+|-+)(?=\n|\Z)"  # underlined heading
    rf"|>(?:[> ]*(?: {{4}}|\t)|[ \t>]*{_HIDDEN_BLOCK})"  # in a quote
    rf"|[ \t](?:[ \t]*\n(?: {{4}}| {{0,3}}\t)|(?<=\n ) {{0,2}}#|[ \t>]*{_HIDDEN_BLOCK})"
    ")"
)
_BLOCK_ID = re.compile(r"\^(?<=[ \t\n]\^)[A-Za-z0-9-]+[ \t]*(?=\n|\Z)")
_EMPHATIC_UNDERSCORE = re.compile(r"_(?<![0-9A-Za-z]_)|_(?![0-9A-Za-z])")
_IN_ATTRIBUTE = re.compile(r"""=\s*(?:"[^"\[]*\[|'[^'\[]*\[|[^\s"'=<>`\[]*\[)""")
_NEEDS_INLINE_PASS = tuple(
    (bone, re.compile(sign))
    for bone, sign in (
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
_OTHER_BYTES = bytes(byte for byte in range(256) if byte not in _MARKUP_BYTES)


def markup_bytes(encoded: bytes) -> bytes:
    """The marks of a text, given as UTF-8, that may matter, everything else dropped.

    Marks that stand side by side in the text do so here; not the other way round. A tenth of the text's length, so that
    asking it first is cheap.
    """
    return encoded.translate(None, _OTHER_BYTES)


def mask_markers(text: str, body: int, marks: bytes) -> tuple[str, bytes, list[tuple[int, int]]]:
    """A text with a word of the same length in place of each of vaultlink's markers in its body that stands apart, its
    marks, and the spans of these markers. Nothing else reads otherwise for that."""
    spans: list[tuple[int, int]] = []
    if b"<!" not in marks or MARKER_TEXT not in text:
        return text, marks, spans
    for match in STANDALONE_MARKER.finditer(text, body):
        start, end = match.span()
        spans.append((start, end))
        text = text[:start] + "x" * (end - start) + text[end:]
    return text, markup_bytes(text.encode("utf-8", "surrogatepass")) if spans else marks, spans


def has_plain_blocks(text: str, body: int, marks: bytes) -> bool:
    """Whether no block of a note's body, which begins at an offset, hides text or needs looking at lines."""
    if b"\r" in marks or b"<!" in marks or b"<?" in marks or (b"$$" in marks and "$$" in text):
        return False
    if marks.count(b"[") != marks.count(b"]") or (b"^" in marks and _BLOCK_ID.search(text, body)):
        return False
    if b"%%" in marks and "vaultlink-" in text:
        return False
    second = text.find(
        "\n", text.find("\n", body) + 1
    )  # the first lines stand as if behind a blank one
    if _NEEDS_BLOCK_PASS.search(
        "\n\n" + (text[body:] if second < body else text[body : second + 1])
    ):
        return False
    return _NEEDS_BLOCK_PASS.search(text, max(body - 1, 0)) is None


def find_plain_headings(text: str, body: int) -> Iterator[tuple[int, int, str]]:
    """Level, offset and text of the headings of a plain note."""
    if "#" not in text:
        return
    if body == 0 and text.startswith("#"):
        first = _HEADING.match("\n" + text[: text.find("\n") + 1 or None])
        if first:
            yield _heading_parts(first, -1)
    for match in _HEADING.finditer(text, max(body - 1, 0)):
        yield _heading_parts(match, 0)


def _heading_parts(match: re.Match[str], shift: int) -> tuple[int, int, str]:
    """A heading without its closing hashes and the spaces around it."""
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
    """The links of a plain note: wikilinks (span of the brackets, destination, display), links to the web (span, text,
    address), and the paragraphs to be read with care instead, because something in them may hide or break links, or they
    hold links or tags of another form."""

    wikilinks: list[tuple[int, int, str, str | None]]
    web: list[tuple[int, int, str, str]]
    careful: list[tuple[int, int]]


def find_plain_links(text: str, body: int, marks: bytes) -> PlainLinks | None:
    """The links of a plain note; None if brackets stand in it that are no link: then all of it is to be read with care."""
    found = PlainLinks([], [], [])
    found.careful.extend(_find_careful_paragraphs(text, body, marks, found.web))
    careful, links = found.careful, found.wikilinks
    doubtful = "_" in text and _EMPHATIC_UNDERSCORE.search(text, body) is not None
    ahead, at = 0, body
    while True:
        for match in _WIKILINK.finditer(text, at):
            start, end = match.span()
            while ahead < len(careful) and careful[ahead][1] <= start:
                ahead += 1
            if ahead < len(careful) and careful[ahead][0] <= start:
                at = careful[ahead][1]
                break
            target, display = match.groups()
            if target is None:
                end = text.find("]]", start + 3) + 2
                inner = text[start + 2 : end - 2] if end != 1 else "\n"
                if "\n" in inner or "[[" in inner or inner.startswith("]]"):
                    return None
                target, display = inner, ""
            if text[start - 1] == "]" or _may_break_link(text[start:end], doubtful):
                at = _move_to_careful(text, body, start, links, careful, ahead)
                break
            links.append((start, end, target, display))
            if match.end() != end:
                at = end
                break
        else:
            found.web[:] = [
                link
                for link in found.web
                if not any(begin <= link[0] < end for begin, end in careful)
            ]
            return found


def _may_break_link(raw: str, doubtful: bool) -> bool:
    """Whether emphasis could end inside a link."""
    return (
        "*" in raw
        or "~~" in raw
        or "==" in raw
        or (doubtful and _EMPHATIC_UNDERSCORE.search(raw) is not None)
    )


def _move_to_careful(
    text: str,
    body: int,
    at: int,
    links: list[tuple[int, int, str, str | None]],
    careful: list[tuple[int, int]],
    ahead: int,
) -> int:
    """Move the paragraph around an offset to those to be read with care; the offset behind it."""
    begin, end = paragraph_span(text, body, at)
    while links and links[-1][0] >= begin:
        links.pop()
    careful.insert(ahead, (begin, end))
    return end


def _find_careful_paragraphs(
    text: str, body: int, marks: bytes, web: list[tuple[int, int, str, str]]
) -> list[tuple[int, int]]:
    """The paragraphs in which a mark stands that may hide or break a link, if they hold any link or tag. Plain links to
    the web are none of these; they are collected."""
    signs = [sign for bone, sign in _NEEDS_INLINE_PASS if bone in marks]
    if b"=" in marks and _IN_ATTRIBUTE.search(marks.decode("ascii")):
        signs.append(_IN_ATTRIBUTE)
    links = list(_find_web_links(text, body)) if b"](" in marks and b"://" in marks else []
    shown = text
    for start, end, _, _ in links:
        shown = shown[:start] + "x" * (end - start) + shown[end:]
    found: set[tuple[int, int]] = set()
    for sign in signs:
        mark = sign.search(shown, body)
        while mark:
            begin, end = paragraph_span(text, body, mark.start())
            if may_contain_links(text[begin:end]):
                found.add((begin, end))
            mark = sign.search(shown, end)
    web.extend(links)
    return sorted(found)


def _find_web_links(text: str, body: int) -> Iterator[tuple[int, int, str, str]]:
    """Links to the web whose text and address hold nothing but words, and that stand in no HTML anchor."""
    for match in _WEB_LINK.finditer(text, body):
        begin, _ = paragraph_span(text, body, match.start())
        before = text[begin : match.start()].lower()
        if before.rfind("<a ") <= before.rfind("</a>"):
            yield match.start(), match.end(), match[1], match[2]


def paragraph_span(text: str, body: int, at: int) -> tuple[int, int]:
    """The lines around an offset up to the empty lines before and after."""
    begin = text.rfind("\n\n", body, at)
    end = text.find("\n\n", at)
    return body if begin == -1 else begin + 2, len(text) if end == -1 else end
