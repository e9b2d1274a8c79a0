"""What the inline pass finds in a run of text. All spans are the run's."""

from dataclasses import dataclass, field
from typing import NamedTuple


class InlineWikilink(NamedTuple):
    """A wikilink in a run: its span, an exclamation mark included, and whether it is an embed."""

    start: int
    end: int
    embed: bool


class InlineMarkdownLink(NamedTuple):
    """A Markdown link or image in a run: its span, the span of its text, and its destination as written."""

    start: int
    end: int
    embed: bool
    text_end: int
    destination: str


class MalformedLink(NamedTuple):
    """What was meant as a link and is none: its span, the name it holds, and what is wrong with it."""

    start: int
    end: int
    target: str
    fault: str


@dataclass(slots=True)
class InlineContent:
    """What the inline pass found in a run, in order; spans are the run's."""

    links: list[InlineWikilink | InlineMarkdownLink] = field(default_factory=list)
    tags: list[tuple[int, int]] = field(default_factory=list)  # the names' spans
    hidden: list[tuple[int, int]] = field(default_factory=list)  # code, math and HTML
    malformed: list[MalformedLink] = field(default_factory=list)
    depends_on_emphasis: bool = False  # whether a tag counts if emphasis ends before it
