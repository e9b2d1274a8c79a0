"""Results of the inline pass.

All spans are offsets in the run, 0-based, in code points.
"""

from typing import NamedTuple

import msgspec

from vaultlink.model import LinkKind


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
