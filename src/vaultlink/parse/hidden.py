"""Describe what unclosed code, comments, math and HTML hide.

The hidden lines are read as if the opening mark were not there. Only links, headings, tags and
block identifiers count. In code, text that only looks like one of these does not: `#` comments,
directives of a preprocessor, indexes of arrays, tests of a shell.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator

from vaultlink.model import ParseProblem
from vaultlink.parse import leaves
from vaultlink.parse.blocks import HidingBlock, ParsedBlocks, read_blocks
from vaultlink.parse.inline import read_inline
from vaultlink.parse.inline_types import InlineMarkdownLink, InlineWikilink
from vaultlink.parse.lines import SourceLine, is_blank
from vaultlink.parse.link_parts import parse_wikilink
from vaultlink.text import lazy_pattern, line_and_column

_PROSE_LANGUAGES = ("", "md", "markdown", "text", "txt")
_LANGUAGE_WITHOUT_HASH_COMMENTS = lazy_pattern(
    r"c|cpp|c\+\+|cs|csharp|css|dart|go|html|java|javascript|js|json|jsx|kotlin|math|rust|scala|scss|"
    r"sql|swift|ts|tsx|typescript|xml"
)
"""A language in which a line that starts with `# ` is not a comment."""

_LINK_NAME = lazy_pattern(r"[^\W_][^\[\]{}()<>\"'`$=;,]*")
_LINK_DESTINATION = lazy_pattern(r"<.+>|#.+|https?://\S+|\S+\.\w{1,8}(?:#\S*)?")
_INDEXED = lazy_pattern(r"[A-Za-z0-9_)}\]$]")
_DIRECTIVE = lazy_pattern(
    r"include|import|define|undef|if|ifdef|ifndef|elif|else|endif|pragma|error|warning|line|region|"
    r"endregion",
    re.IGNORECASE,
)
_COLOR = lazy_pattern(r"(?:[0-9a-fA-F]{3,4}){1,2}")
_TAGS_ONLY = lazy_pattern(r"[ \t]*+(?:#\S++[ \t]*+)++")
_BARE_MARK = lazy_pattern(r"[ \t>]*(?:`{3,}|~{3,}|\${2,})[ \t]*")
_MEANT_CLOSINGS = {
    "unclosed-fence": re.compile(
        r"^[ \t]*(?:`{3,}|~{3,})[ \t]*(?=\S+[ \t]+\S)|(?<=\S)`{3,}[ \t]*$"
    ),
    "unclosed-math": re.compile(r"\${2,}"),
}
_ID_ONLY = lazy_pattern(r"[ \t]*\^[A-Za-z0-9-]+[ \t]*")


def describe_hiding_blocks(blocks: ParsedBlocks, starts: list[int]) -> Iterator[ParseProblem]:
    """Yield the unclosed blocks that hide text, each with a clause about it.

    The clause says what the block hides, where that ends, and which earlier block ended with
    its container, so that its closing mark opens this one. It is "" if the text contains no
    link, heading, tag or block identifier.
    """
    earlier: dict[str, HidingBlock] = {}
    for block in blocks.hiding:
        first = next((line.text for line in block.lines[1:] if not is_blank(line.text)), "").strip()
        # Scripts of the Excalidraw plugin open a fence in a comment, so that their code shows as
        # code.
        is_script = first == "*/" or block.lines[0].text.rstrip().endswith("*/")
        if not block.kind or not first or is_script:
            continue
        clause = _describe_hidden(block, starts)
        before = earlier.get(block.kind)
        if clause and before and _BARE_MARK.fullmatch(block.lines[0].text):
            line, _ = line_and_column(starts, before.lines[0].offset)
            clause += f"; the one in line {line} ended with its {before.container}"
        start, end = block.lines[0].offset, block.lines[0].offset + len(block.lines[0].text)
        yield ParseProblem(start, end, *line_and_column(starts, start), block.kind, clause)
        if block.container != "note":
            earlier[block.kind] = block


def describe_container(container: str) -> str:
    """Return a container with its article."""
    return "the note" if container == "note" else f"its {container}"


def _describe_hidden(block: HidingBlock, starts: list[int]) -> str:
    """Return what a block hides and where that ends; "" if nothing counts."""
    hidden = block.lines[1:]
    while hidden and is_blank(hidden[-1].text):
        hidden.pop()
    prose = _find_prose(block.kind, hidden)
    lines = _HiddenLines(hidden, _code_language(block)) if prose is None else _HiddenLines(prose)
    parts = [f"{count} {noun}s" if count > 1 else f"a {noun}" for noun, count in lines.count()]
    if not parts:
        return ""
    text = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
    line, _ = line_and_column(starts, hidden[-1].offset)
    return f"{text} up to line {line}, the end of {describe_container(block.container)}"


def _find_prose(kind: str, hidden: list[SourceLine]) -> list[SourceLine] | None:
    """Return the text behind a mark that was meant to close; None without one.

    Such a mark does not close the block, because other text stands on its line.
    """
    pattern = _MEANT_CLOSINGS.get(kind)
    for number, (text, offset) in enumerate(hidden):
        mark = pattern.search(text) if pattern else None
        if mark:
            return [SourceLine(text[mark.end() :], offset + mark.end()), *hidden[number + 1 :]]
    return None


def _code_language(block: HidingBlock) -> str | None:
    """Return the language of hidden code; "" for an unnamed one, None for comments."""
    if block.kind == "unclosed-comment":
        return None
    if block.kind != "unclosed-fence":
        return "math" if block.kind == "unclosed-math" else "html"
    words = block.lines[0].text.strip(" \t`~").lower().split()
    language = words[0].strip("{}.") if words else ""
    return "" if language in _PROSE_LANGUAGES else language


class _HiddenLines:
    """The lines that an unclosed block hides, and the language of their code."""

    def __init__(self, lines: list[SourceLine], language: str | None = None):
        self._lines = lines
        self._offsets = [line.offset for line in lines]
        self._language = language

    def count(self) -> list[tuple[str, int]]:
        """Return the numbers of links, headings, tags and block identifiers above 0."""
        blocks, links, tags = read_blocks(self._lines), 0, 0
        for run in blocks.runs:
            found = read_inline(run.text)
            links += sum(self._is_link(run.text, link) for link in found.links)
            only_tags = bool(found.tags) and _TAGS_ONLY.fullmatch(run.text) is not None
            tags += sum(self._is_tag(run.text[start:end], only_tags) for start, end in found.tags)
        headings = sum(self._is_heading(start, level) for level, _, start, _ in blocks.headings)
        ids = sum(self._is_block_id(at) for _, at, _ in blocks.ids)
        counts = [("link", links), ("heading", headings), ("tag", tags), ("block id", ids)]
        return [(noun, count) for noun, count in counts if count]

    def _line_number(self, offset: int) -> int:
        return bisect_right(self._offsets, offset) - 1

    def _is_link(self, text: str, link: InlineWikilink | InlineMarkdownLink) -> bool:
        """Return True if a link cannot be meant as code."""
        if self._language is None:
            return True
        if isinstance(link, InlineMarkdownLink):
            return _LINK_DESTINATION.fullmatch(link.destination) is not None
        inner = text[link.start + 2 + link.embed : link.end - 2]
        if _INDEXED.match(text[max(link.start - 1, 0) : link.start]) or inner.isdigit():
            return False
        target, subpath, _ = parse_wikilink(inner)
        return inner[0] != " " and _LINK_NAME.fullmatch(target or subpath.lstrip("#^")) is not None

    def _is_tag(self, name: str, only_tags: bool) -> bool:
        """Return True if a tag cannot be meant as code.

        Its run may consist of tags only.
        """
        if self._language is None:
            return True
        if _DIRECTIVE.fullmatch(name) or name.startswith("!") or _COLOR.fullmatch(name):
            return False
        return self._language in ("", "math") or only_tags

    def _is_heading(self, start: int, level: int) -> bool:
        """Return True if a heading cannot be meant as a comment.

        A comment of one hash stands directly above or below code. Rows of hashes frame comments.
        """
        if self._language is None:
            return True
        at = self._line_number(start)
        text = self._lines[at].text
        if not leaves.HEADING.match(text) or text.rstrip().endswith("#"):
            return False
        if level > 1 or _LANGUAGE_WITHOUT_HASH_COMMENTS.fullmatch(self._language):
            return True
        around = self._lines[max(at - 1, 0) : at] + self._lines[at + 1 : at + 2]
        return at > 0 and all(is_blank(line.text) for line in around)

    def _is_block_id(self, at: int) -> bool:
        """Return True if a block identifier cannot be meant as code."""
        text = self._lines[self._line_number(at)].text
        return not self._language or _ID_ONLY.fullmatch(text) is not None
