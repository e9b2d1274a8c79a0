"""Find the text of a note in which a link can be written.

The parser's passes decide what code, math, comments, HTML, properties, links and tags hide. In a
plain note only the block around a name is read.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import NamedTuple

from vaultlink.index.words import is_unspaced
from vaultlink.model import Note, Place
from vaultlink.parse import fast_parser
from vaultlink.parse.blocks import read_blocks
from vaultlink.parse.brackets import SpanSet, match_brackets
from vaultlink.parse.directives import find_comment_spans
from vaultlink.parse.inline import find_inline_code, read_inline
from vaultlink.parse.lines import TextRun, split_lines
from vaultlink.parse.pieces import count_pieces
from vaultlink.parse.properties import body_start
from vaultlink.text import lazy_pattern

_HEADING = lazy_pattern(r"[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+)*(?:#{1,6}\s|\[!)")
"""The start of a line with a heading or the title of a callout."""

_PIPE = lazy_pattern(r"[\s>]*\|")
_BLOCK_ID = lazy_pattern(r"(?:^|[ \t])\^[A-Za-z0-9-]+[ \t]*$", 8)
_ADDRESS = lazy_pattern(r"://|www\.|@|\w\.\w+/|\\")
_PLACEHOLDER = lazy_pattern(r"\{\{.*?\}\}|\{%.*?%\}", 16)
_GENERATED = lazy_pattern(
    r"%%\s*(?P<start>begin|start)\s+(?P<name>\w+)\s*%%|%%\s*end\s+(?P<end>\w+)\s*%%"
    r"|<!-- (?P<query>SerializedQuery)(?:: | (?P<last>END) -->)",
    re.IGNORECASE,
)
"""The comments between which plugins such as Waypoint write text, again and again."""

_INLINE_KEY = lazy_pattern(r"[*_]*\s*::")
_FIELD_START = lazy_pattern(
    r"[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+(?:\[.\]\s+)?)?[*_]*[^\W_][^\n:()\[\]]{0,60}::\s.*"
    r"|.*[(\[][^\n:()\[\]]{1,60}::\s[^()\[\]]*"
)
"""The text of a line before a value of an inline field, as in `owner:: ` or `(owner:: `."""
_TAG = lazy_pattern(r"<(/?)([A-Za-z][A-Za-z0-9-]*)[^<>]*?(/?)>")
_STYLING_TAGS = frozenset(
    (
        *("b", "big", "blockquote", "br", "center", "cite", "del", "dfn", "div", "em", "font"),
        *("hr", "i", "img", "input", "ins", "li", "mark", "ol", "p", "q", "s", "small", "span"),
        *("strike", "strong", "sub", "summary", "sup", "td", "th", "tr", "u", "ul", "wbr"),
    )
)
"""Elements in whose text a link is a link, and those without text."""

_OTHER_CONTEXTS = lazy_pattern(r"[\[<$`%^{]|https?:|www\.|#")
"""Marks of everything that the inline pass may find in a run."""

_NO_PROSE = lazy_pattern(
    r"%%.*?%%|^[ \t>]*(`{3,}|~{3,})(?:dataview\w*|query|tasks|base)\b.*?(?:^[ \t>]*\1|\Z)"
    r"|^[^\n:]{1,40}:[*_]*[ \t]*$",
    re.DOTALL | re.MULTILINE,
)
"""Comments, queries, and labels without a value."""

_FEW_LETTERS = 8
"""A note with fewer letters of its own says nothing."""

_LETTERS_OF_A_SIGN = 3
"""In scripts without spaces, a character says about as much as so many letters."""

_MANY_PIECES = 60
"""A note with so many lines and sentences has text."""

_SOME_LINKS = 3
"""So many links are something to read."""

_FACT = lazy_pattern(r"\s|://|@")
"""A sign that the value of a property is more than a word or number."""

_NAMING_KEYS = frozenset(("title", "id", "uid", "aliases", "alias", "tags", "tag"))


def has_text(note: Note, read: Callable[[str], str | None]) -> bool:
    """Return True if there is something to read in a note.

    That is some text beside headings, tags and links, or an embed, some links, or a sentence or an
    address in a property. `read` returns the text of a note by its path; it is asked if the parsed
    note leaves a doubt.
    """
    if count_pieces(note.pieces) >= _MANY_PIECES:
        return True
    links = [link for link in note.links if link.place is Place.BODY]
    if len(links) >= _SOME_LINKS or any(link.embed or link.external for link in links):
        return True
    text = read(note.path) or ""
    spans = [(item.start, item.end) for item in (*links, *note.headings, *note.tags)]
    kept, at = list[str](), body_start(text)
    for start, end in sorted(spans):
        kept.append(text[at:start])
        at = max(at, end)
    items = (item for item in note.properties or () if item.key.lower() not in _NAMING_KEYS)
    values = [item.value for item in items if isinstance(item.value, str)]
    facts = " ".join(filter(_FACT.search, values))
    own_text = _NO_PROSE.sub("", "".join([*kept, text[at:]]))
    return any(_count_letters(part) >= _FEW_LETTERS for part in (own_text, facts))


def _count_letters(text: str) -> int:
    letters = [char for char in text if char.isalpha()]
    if text.isascii():
        return len(letters)
    return sum(_LETTERS_OF_A_SIGN if is_unspaced(char) else 1 for char in letters)


class Spot(NamedTuple):
    """The surroundings of a visible span."""

    in_heading: bool
    in_table_cell: bool


def is_in_brackets(text: str, start: int) -> bool:
    """Return True if a bracket or brace is open before an offset, near it."""
    for opening, closing in ("[]", "{}"):
        at = text.rfind(opening, max(0, start - 200), start)
        if at != -1 and not (closing in text[at:start] or "\n" in text[at:start]):
            return True
    return False


def starts_with_pipe(text: str, offset: int) -> bool:
    """Return True if the line of an offset begins with a pipe, as a row of a table."""
    line_start = text.rfind("\n", 0, offset) + 1
    return _PIPE.match(text, line_start, offset) is not None


class VisibleText:
    """The text of a note in which links can be written. Reads only what is asked for."""

    def __init__(self, note: Note, text: str):
        self._text = text
        self.body = body_start(text)
        self._sections = SpanSet((item.start, item.end) for item in note.sections)
        self._written = SpanSet([*_find_commands(text), *_find_generated(text)])
        self._headings = SpanSet((item.start, item.end + 1) for item in note.headings)
        self._runs: list[TextRun] | None = None
        self._firsts: list[int] = []
        self._beside_tables: set[int] = set()
        self._comments: SpanSet | None = None
        self._is_plain: bool | None = None
        self._known: dict[int, SpanSet] = {}

    def find_spot(self, start: int, end: int) -> Spot | None:
        """Return the surroundings of a span; None if no link can be written there."""
        if start < self.body or self._sections.covers(start) or self._written.covers(start):
            return None
        if self._is_excluded(start, end):
            return None
        run = self._find_run(start)
        at = run.find_source_offset(start) if run else None
        if run is None or at is None:
            return None
        words = self._text[start:end]
        if run.text[at : at + len(words)] != words:
            return None
        hidden = self._find_hidden(run)
        if hidden is not None and (hidden.covers(at) or hidden.covers(at + len(words) - 1)):
            return None
        line_start = self._text.rfind("\n", 0, start) + 1
        in_heading = self._headings.covers(start)
        in_heading = in_heading or _HEADING.match(self._text, line_start, start) is not None
        return Spot(in_heading, run.in_table_cell)

    def _is_excluded(self, start: int, end: int) -> bool:
        """Return True in an address, an inline field and a block identifier."""
        text = self._text
        near = max(text.rfind("\n", 0, start) + 1, start - 2000)
        if _INLINE_KEY.match(text, end):
            return True
        if text.find("::", near, start) != -1 and _FIELD_START.fullmatch(text, near, start):
            return True
        first, last = start, end
        while first > 0 and not text[first - 1].isspace() and start - first < 300:
            first -= 1
        while last < len(text) and not text[last].isspace() and last - end < 300:
            last += 1
        return _ADDRESS.search(text, first, last) is not None or text[first] == "^"

    def _find_run(self, offset: int) -> TextRun | None:
        if self._is_plain is None:
            self._read_structure()
        if self._is_plain:
            start, end = fast_parser.block_span(self._text, self.body, offset)
            runs = read_blocks(split_lines(self._text, start, end)).runs
            fitting = [run for run in runs if run.source_offset(0) <= offset]
            return fitting[-1] if fitting else None
        if self._comments is not None and self._comments.covers(offset):
            return None
        line_start = self._text.rfind("\n", 0, offset) + 1
        if line_start in self._beside_tables:
            return None
        number = bisect_right(self._firsts, offset)
        return self._runs[number - 1] if self._runs and number else None

    def _read_structure(self) -> None:
        """Find out if a note is plain; read all of it if it is not."""
        text = self._text
        marks = fast_parser.markup_bytes(text.encode("utf-8", "surrogatepass"))
        has_comments = "%%" in text
        self._is_plain = (
            not has_comments and fast_parser.find_plain_headings(text, self.body, marks) is not None
        )
        if self._is_plain:
            return
        blocks = read_blocks(split_lines(text, self.body))
        self._runs = sorted(blocks.runs, key=lambda run: run.source_offset(0))
        self._firsts = [run.source_offset(0) for run in self._runs]
        self._beside_tables = {text.rfind("\n", 0, offset) + 1 for offset in blocks.beside_tables}
        if has_comments:
            code = [*blocks.hidden, *find_inline_code(self._runs)]
            self._comments = SpanSet(find_comment_spans(text, self.body, code))

    def _find_hidden(self, run: TextRun) -> SpanSet | None:
        key = run.source_offset(0)
        if key not in self._known:
            spans = _list_hidden(run.text) if _OTHER_CONTEXTS.search(run.text) else []
            self._known[key] = SpanSet(spans)
        return self._known[key]


def _find_commands(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of the commands of Templater. They may contain blank lines."""
    at = text.find("<%")
    while at != -1 and (end := text.find("%>", at + 2)) != -1:
        yield at, end + 2
        at = text.find("<%", end + 2)


def _find_generated(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of the text that plugins write, with the comments around it."""
    if "%%" not in text and "<!--" not in text:
        return
    opened: dict[str, int] = {}
    for match in _GENERATED.finditer(text):
        name = (match["name"] or match["end"] or match["query"]).lower()
        if match["end"] is None and match["last"] is None:
            opened.setdefault(name, match.start())
        elif name in opened:
            yield opened.pop(name), match.end()


def _list_hidden(text: str) -> list[tuple[int, int]]:
    """Return the spans of links, code, math, HTML, tags and the like in a run."""
    found = read_inline(text)
    spans = [(link.start, link.end) for link in found.links]
    spans += found.hidden
    spans += [(start - 1, end) for start, end in found.tags]
    if "[" in text:
        spans += [(start, close + 1) for start, close in match_brackets(text).items()]
        spans += [
            (item.start, len(text))
            for item in found.unlinked_brackets
            if not item.close and text.startswith("[[", item.start)
        ]
    if "<" in text:
        spans += _list_elements(text)
    spans += [match.span() for match in _PLACEHOLDER.finditer(text)]
    spans += [match.span() for match in _BLOCK_ID.finditer(text)]
    return spans


def _list_elements(text: str) -> list[tuple[int, int]]:
    """Return the spans of HTML elements whose text is no plain text, such as `<kbd>`."""
    opened: list[tuple[str, int]] = []
    spans = []
    for match in _TAG.finditer(text):
        closing, name, alone = match[1], match[2].lower(), match[3]
        if name in _STYLING_TAGS or alone:
            continue
        if not closing:
            opened.append((name, match.start()))
        else:
            while opened:
                other, start = opened.pop()
                if other == name:
                    spans.append((start, match.end()))
                    break
    return spans + [(start, len(text)) for _, start in opened]
