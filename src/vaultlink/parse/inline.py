"""The inline pass: find links, embeds and tags in a run of text."""

import re
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import msgspec

from vaultlink.model import LinkKind
from vaultlink.parse.brackets import (
    MarkSearch,
    is_domain,
    match_brackets,
    parse_link_destination,
    trim_url_end,
)
from vaultlink.parse.leaf_blocks import HTML_TAG
from vaultlink.parse.lines import TextRun
from vaultlink.text import lazy_pattern

# -- results of the inline pass --------------------------------------------------------------------
# All spans are offsets in the run, 0-based, in code points.


class InlineWikilink(NamedTuple):
    """A wikilink in a run: its span, including `!`, and True if it is an embed.

    `in_link` is True in the text of a Markdown or HTML link.
    """

    start: int
    end: int
    embed: bool
    in_link: bool = False

    @property
    def kind(self) -> LinkKind:
        return LinkKind.WIKILINK


class InlineMarkdownLink(NamedTuple):
    """A Markdown link or image in a run.

    `text_end` is the end of its text, `destination` is as written.
    """

    start: int
    end: int
    embed: bool
    text_end: int
    destination: str

    @property
    def kind(self) -> LinkKind:
        return LinkKind.MARKDOWN


class UnlinkedBracket(NamedTuple):
    """An opening bracket that starts no link.

    `end` is the end of the searched text. `close` is the position of the matching bracket, 0 if
    there is none.
    """

    start: int
    end: int
    close: int


class InlineContent(msgspec.Struct):
    """The content of a run, in order.

    `tags` are the spans of their names, `hidden` those of code, math and HTML, `escapes` the
    positions of the backslashes that escape an opening bracket. `depends_on_emphasis` is True
    if a tag counts only if emphasis ends before it.
    """

    links: list[InlineWikilink | InlineMarkdownLink] = msgspec.field(default_factory=list)
    tags: list[tuple[int, int]] = msgspec.field(default_factory=list)
    hidden: list[tuple[int, int]] = msgspec.field(default_factory=list)
    unlinked_brackets: list[UnlinkedBracket] = msgspec.field(default_factory=list)
    escapes: list[int] = msgspec.field(default_factory=list)
    depends_on_emphasis: bool = False


# -- the inline pass: find links, embeds and tags in a run of text ---------------------------------
# Skips text that code, math, HTML or URLs hide. A single scan from left to right; the earlier
# start wins (3.19). Emphasis matters only where it ends inside a link and so breaks it, so it is
# parsed only in runs where this can happen.


_NON_LINK_BRACKET = r"[^\[\]\\\n`]*\](?![\[\](]| \()"
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\n")
_HTML_TAG = lazy_pattern(HTML_TAG)
_DECLARATION = lazy_pattern(r"<![A-Za-z]+\s")
_AUTOLINK_START = lazy_pattern(r"<[^\s<>@:]*(?:@|:/)")
_AUTOLINK_END = lazy_pattern(r"[\s>]")
_URL_START = lazy_pattern(r"(?:https?://|www\.)([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+)", re.I)
_URL_END = lazy_pattern(r"[\s<]")
TAG_NAME = lazy_pattern("[^\\s!\"#$%&'()*+,.:;<=>?@\\^{|}~\\[\\]`\\\\\u2000-\u206f\u2e00-\u2e7f]+")
"""The characters of a tag's name (7.3)."""

_LABEL = lazy_pattern(r"\[(?:\\.|[^\[\]\\])*\]?")
EMPHASIS_MARK = lazy_pattern(
    r"[*~=_](?:(?<=\*)|(?<=~)~|(?<==)=|(?<=_)(?:(?<![0-9A-Za-z]_)|(?![0-9A-Za-z])))"
)
_MAX_EMPHASIS_LENGTH = 50_000
"""Emphasis is not parsed in runs longer than this.

The search could take quadratic time.
"""

TAG_START = lazy_pattern(r"#(?<![\w#(/\"'&-]#)[^\s#]|#(?<=_#)[^\s#]")
"""Position where a tag may start. A quick test; the scan decides."""


@cache
def _compile_special(*, markdown: bool, urls: bool, emphasis: bool) -> re.Pattern[str]:
    """Return the pattern of the marks that a scan stops at.

    It consists of a set of first characters, which the search finds fast, and of tests that look
    back at the character found.
    """
    first, single, tests = (
        r"\\`$#\[!^<",
        r"\\`$#",
        [rf"(?<=\[)(?!{_NON_LINK_BRACKET})", r"(?<=[!^])\["],
    )
    if markdown or emphasis or urls:
        single += "<"
    else:  # markup matters only if it hides a mark or is an image, or if a tag follows it
        tests.append(r"(?<=<)(?=[!?]|[iI][mM][gG]\s|[^<>]*(?:[\[#`$\\\"']|>#))")
    if urls:
        first += "hHw"
        tests += [r"(?<=[hH])[tT][tT][pP][sS]?://", r"(?<=w)ww\."]
    if emphasis:
        first += "*_~="
        single += "*_"
        tests += ["(?<=~)~", "(?<==)="]
    return re.compile(f"[{first}](?:(?<=[{single}])|{'|'.join(tests)})")


def may_contain_links(text: str) -> bool:
    """Return True if `text` can contain a link, a tag or a malformed link."""
    return (
        "[[" in text
        or "](" in text
        or "]]" in text
        or "] (" in text
        or "\\[\\[" in text
        or ("#" in text and bool(TAG_START.search(text)))
    )


def read_inline(text: str) -> InlineContent:
    scan = _Scan(text, emphasis=False)
    scan.read(0, len(text), in_link=False)
    if len(text) <= _MAX_EMPHASIS_LENGTH and (
        scan.found.depends_on_emphasis or _may_break_links(text, scan.found)
    ):
        scan = _Scan(text, emphasis=True)
        scan.read(0, len(text), in_link=False)
    return scan.found


def find_inline_code(runs: Iterable[TextRun]) -> list[tuple[int, int]]:
    """Return the source spans of the inline code of runs."""
    found: list[tuple[int, int]] = []
    for run in runs:
        if "`" in run.text:
            hidden = read_inline(run.text).hidden
            found += run.locate(span for span in hidden if run.text[span[0]] == "`")
    return found


def _may_break_links(text: str, found: InlineContent) -> bool:
    """Return True if emphasis could end inside a link or hidden span."""
    if not found.links or not any(mark in text for mark in ("_", "*", "~~", "==")):
        return False
    spans = [(link.start, link.end) for link in found.links] + found.hidden
    return any(EMPHASIS_MARK.search(text, start, end) for start, end in spans)


class _Scan:
    """One pass over the text of a run. Nothing is searched for twice."""

    __slots__ = (
        "_bracket_pairs",
        "_last_closing",
        "_marks",
        "_no_domain",
        "_node_end",
        "_special_pattern",
        "emphasis",
        "found",
        "text",
    )

    def __init__(self, text: str, *, emphasis: bool):
        self.text = text
        self.emphasis = emphasis
        self.found = InlineContent()
        self._special_pattern = _compile_special(
            markdown="](" in text, urls="://" in text or "www." in text, emphasis=emphasis
        )
        self._bracket_pairs: dict[int, int] | None = None
        self._last_closing = text.rfind("]")
        self._marks = MarkSearch(text)
        self._node_end = -1
        self._no_domain = (-1, -1)

    def read(self, at: int, end: int, *, in_link: bool) -> None:
        """Read the text from `at` to `end`.

        `end` is the end of the enclosing element. Footnotes are read without recursion, because
        they can be nested without limit.
        """
        begin, outer = at, list[tuple[int, int, bool]]()
        while True:
            special = self._special_pattern.search(self.text, at, end)
            if special is None:
                if not outer:
                    return
                at = self._node_end = end + 1
                begin, end, in_link = outer.pop()
                continue
            at, char = special.start(), special[0]
            if char == "^[":
                close = self._closing_bracket(at + 1, end)
                if close:
                    outer.append((begin, end, in_link))
                    begin, end, at = at + 2, close, at + 2
                else:
                    at += 1
            elif char == "<":
                stop = self._hide_html(at, end)
                if stop and not in_link and self.text[at : at + 3].lower() == "<a ":
                    in_link = True
                elif stop and self.text[at : at + 4].lower() == "</a>":
                    in_link = False
                at = stop or at + 1
            elif char in ("[", "!["):
                at = self._read_bracket(at, end, in_link)
            else:
                at = self._read_mark(char, at, begin, end, in_link)

    def _read_mark(self, char: str, at: int, begin: int, end: int, in_link: bool) -> int:
        """Read an escape, a tag or other inline element; return where to continue."""
        if char == "\\":
            escapes = self.text[at + 1 : at + 2] in _PUNCTUATION and at + 1 < end
            if not escapes:
                return at + 1
            if self.text[at + 1] == "[":
                self.found.escapes.append(at)
            self._node_end = at + 2
            return at + 2
        if char == "#":
            return self._read_tag(at, begin, end)
        stop = self._read_other(char, at, end, in_link)
        self._node_end = stop or self._node_end
        return stop or at + 1

    def _read_other(self, char: str, at: int, end: int, in_link: bool) -> int:
        """Read code, math, a URL or emphasis; return its end, or 0."""
        if char == "`":
            return self._hide(at, self._marks.end_of_code(at, end))
        if char == "$":
            return self._hide(at, self._end_of_math(at, end))
        if char in ("*", "_", "~~", "=="):
            return self._read_emphasis(char, at, end, in_link)
        return 0 if in_link else self._end_of_url(at, end)

    def _end_of_url(self, at: int, end: int) -> int:
        """Return the end of a bare URL, 0 if no domain follows.

        If `www.` occurs again in what is no domain, that has the same last labels.
        """
        is_known = at < self._no_domain[0] and end == self._no_domain[1]
        if is_known and self.text[at] == "w":
            return 0
        url = _URL_START.match(self.text, at, end)
        if url is None:
            return 0
        if not is_domain(url[1]):
            self._no_domain = (url.end(), end)
            return 0
        stop = self._marks.find_char(_URL_END, url.end())
        return trim_url_end(self.text, at, stop if 0 <= stop < end else end)

    def _hide(self, start: int, end: int) -> int:
        if end:
            self.found.hidden.append((start, end))
            self._node_end = end
        return end

    # -- hidden text -----------------------------------------------------------------------------

    def _end_of_math(self, at: int, end: int) -> int:
        """Return the end of inline math (3.13) or of display math in a paragraph (3.14)."""
        if self.text.startswith("$$", at):
            close = self._marks.find_mark("$$", at + 2)
            return close + 2 if at + 2 < close <= end - 2 else 0
        if at + 1 >= end or self.text[at + 1] in " \t\n":
            return 0
        return self._marks.end_of_math(at, end)

    def _hide_html(self, at: int, end: int) -> int:
        stop = self._end_of_autolink(at, end)
        if not stop:
            match = _HTML_TAG.match(self.text, at, end)
            stop = match.end() if match else self._end_of_markup(at, end)
        return self._hide(at, stop)

    def _end_of_autolink(self, at: int, end: int) -> int:
        """Return the end of an address in angle brackets, or 0."""
        opening = _AUTOLINK_START.match(self.text, at, end)
        close = self._marks.find_char(_AUTOLINK_END, opening.end()) if opening else -1
        is_closed = opening and opening.end() < close < end and self.text[close] == ">"
        return close + 1 if is_closed else 0

    def _end_of_markup(self, at: int, end: int) -> int:
        """Return the end of a comment, instruction, declaration or CDATA section, or 0."""
        for opening, closing in (("<!--", "-->"), ("<?", "?>"), ("<![CDATA[", "]]>")):
            if self.text.startswith(opening, at):
                inner = at + len(opening)
                close = self._marks.find_mark(closing, inner)
                if not 0 <= close <= end - len(closing):
                    return 0
                if opening == "<!--" and (
                    self.text[inner] in ">-" or self.text.find("--", inner, close) != -1
                ):
                    return 0
                return close + len(closing)
        if _DECLARATION.match(self.text, at, end):
            close = self._marks.find_mark(">", at)
            return close + 1 if 0 <= close < end else 0
        return 0

    # -- links and tags --------------------------------------------------------------------------

    def _read_tag(self, at: int, begin: int, end: int) -> int:
        """Read a tag and return the position to continue from (7.1, T4, T5).

        A tag starts at the start of the text or of emphasis, after white space, or directly after
        another tag.
        """
        name = TAG_NAME.match(self.text, at + 1, end)
        if not name:
            return at + 1
        if self._begins_tag(at, begin) and not name[0].isdigit():
            self.found.tags.append((at + 1, name.end()))
            self._node_end = name.end()
        return name.end()

    def _begins_tag(self, at: int, begin: int) -> bool:
        if (
            at in (begin, self._node_end)
            or self.text[at - 1].isspace()
            or self.text.startswith("%%", at - 2)
        ):
            return True
        self.found.depends_on_emphasis |= not self.emphasis and self.text[at - 1] in "*_~="
        return False

    def _read_bracket(self, at: int, end: int, in_link: bool) -> int:
        """Read a wikilink, Markdown link or reference; return where to continue."""
        embed = self.text[at] == "!"
        opening = at + embed
        if opening > self._last_closing:
            self.found.unlinked_brackets.append(UnlinkedBracket(opening, end, 0))
            return opening + 1
        if self.text.startswith("[[", opening):
            stop = self._end_of_wikilink(opening, end)
            if stop:
                self.found.links.append(InlineWikilink(at, stop, embed, in_link))
                self._node_end = stop
                return stop
        close = self._closing_bracket(opening, end)
        if close:
            stop = self._read_markdown(at, opening, close, end, in_link)
            if stop:
                self._node_end = stop
                return stop
        self.found.unlinked_brackets.append(UnlinkedBracket(opening, end, close))
        return opening + 1

    def _end_of_wikilink(self, at: int, end: int) -> int:
        """Return the end of the wikilink that opens at `at`, or 0 (1.1 to 1.4)."""
        close = self._marks.find_mark("]]", at + 3)
        if not 0 <= close <= end - 2 or self.text.startswith("]]", at + 2):
            return 0
        nested, line_end = self._marks.find_mark("[[", at + 2), self._marks.find_mark("\n", at + 2)
        return 0 if 0 <= nested < close - 1 or 0 <= line_end < close else close + 2

    def _read_markdown(self, at: int, opening: int, close: int, end: int, in_link: bool) -> int:
        """Read a Markdown link (2) or skip a full reference (2.15); return its end or 0."""
        embed = opening > at
        follow = self.text[close + 1 : close + 2]
        if follow == "(" and close + 1 < end and (embed or not in_link):
            stop, destination = parse_link_destination(self._marks, close + 1, end)
            if stop:
                self.found.links.append(InlineMarkdownLink(at, stop, embed, close, destination))
                if not embed:
                    self.read(opening + 1, close, in_link=True)
                return stop
        if follow == "[" and close + 1 < end and (embed or not in_link):
            return self._skip_reference(opening, close, end, embed)
        return 0

    def _skip_reference(self, opening: int, close: int, end: int, embed: bool) -> int:
        """Skip a reference by label, which is not a link in Obsidian (2.15).

        If no label follows, the reference still takes the next opening bracket, so that `[a][[b]]`
        contains no link.
        """
        label = _LABEL.match(self.text, close + 1, end)
        assert label
        full = label[0].endswith("]") and label[0] != "[]"
        if not full and self.text.find("[", opening + 1, close) != -1:
            return 0
        if not embed:
            self.read(opening + 1, close, in_link=True)
        return label.end() if label[0].endswith("]") else close + 2

    def _closing_bracket(self, at: int, end: int) -> int:
        """Return the matching bracket; 0 if there is none before `end`."""
        if self._bracket_pairs is None:
            self._bracket_pairs = match_brackets(self.text)
        close = self._bracket_pairs.get(at, 0)
        return close if close < end else 0

    def _read_emphasis(self, mark: str, at: int, end: int, in_link: bool) -> int:
        """Read emphasis apart, so that no link extends beyond it; return its end or 0."""
        double = mark * 2 if mark in "*_" else mark
        if self.text.startswith(double, at):
            close = self._marks.end_of_emphasis(double, at + 2, end)
            if close:
                self.read(at + 2, close, in_link=in_link)
                return close + 2
            if len(mark) == 2:
                return 0
        close = self._marks.end_of_emphasis(mark, at + 1, end)
        if close and len(mark) == 1:
            self.read(at + 1, close, in_link=in_link)
            return close + 1
        return 0
