"""The page of nouns: what a vault is made of. Values only; all frozen.

Spans are half open and count code points of the text as it stands on disk (without a byte order mark); lines and
columns count from 1. The types are msgspec structs: they are made by the hundred thousand, and written to the cache as
they are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

import msgspec

PropertyValue: TypeAlias = Any
"""A property's value as Obsidian has it: None, bool, int, float, str, list or dict of these."""


class LinkKind(StrEnum):
    """How a link is written."""

    WIKILINK = "wikilink"
    MARKDOWN = "markdown"


class Place(StrEnum):
    """Where in its source a link or tag stands."""

    BODY = "body"
    PROPERTY = "property"
    SECTION = "section"  # inside an "Add backlinks" section
    CANVAS = "canvas"


class Severity(StrEnum):
    """How bad a finding is; ordered by `rank`."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """3 for an error, 2 for a warning, 1 for information."""
        return {"error": 3, "warning": 2, "info": 1}[self.value]


class Safety(StrEnum):
    """Whether a fix may be made unasked: a safe one changes where no link leads but those it is about."""

    SAFE = "safe"
    UNSAFE = "unsafe"


class SourceSpan(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A place in a source: a span, and the line and column it starts at."""

    start: int
    end: int
    line: int
    column: int


class Heading(SourceSpan, frozen=True, array_like=True, gc=False):
    """A top-level heading; its span is the heading's text without the marks."""

    level: int
    text: str


class BlockId(SourceSpan, frozen=True, array_like=True, gc=False):
    """A block identifier `^id`; `block_line` is the line on which the block it names starts."""

    id: str
    block_line: int


class Link(SourceSpan, frozen=True, array_like=True, gc=False):
    """A link or embed, as written.

    `target` is the path part and `subpath` the rest from the first `#` on ("" if there is none or it is empty); both
    trimmed, those of Markdown links percent-decoded. `display` is the text after the first pipe, or a Markdown link's
    text; None if there is none. `raw` is the link as it stands in the source. `key_path` is the key path ("rel.1") of a
    link in a property, and "" elsewhere. `external` is true for URLs, `in_comment` for links in a `%%` comment, which
    Obsidian counts but shows to nobody, `in_table_cell` for links in a cell of a table, where a pipe has to be written `\\|`,
    `after_bracket` for Markdown links right behind an opening bracket, which would change what a wikilink there means.
    """

    raw: str
    target: str
    subpath: str
    display: str | None
    kind: LinkKind
    embed: bool
    place: Place
    key_path: str
    external: bool
    in_comment: bool = False
    in_table_cell: bool = False
    after_bracket: bool = False

    @property
    def lookup_target(self) -> str:
        """The target as it is looked up: that of a canvas's file card is a path from the vault's root."""
        return (
            "/" + self.target
            if self.place is Place.CANVAS and self.raw[0] not in "[!"
            else self.target
        )


class Tag(SourceSpan, frozen=True, array_like=True, gc=False):
    """A tag, its name without the `#`."""

    name: str
    place: Place


class Property(SourceSpan, frozen=True, array_like=True, gc=False):
    """A top-level property; the spot is its key's, `value_start` and `value_end` span its value as written."""

    key: str
    value: PropertyValue
    value_start: int
    value_end: int


class Directive(SourceSpan, frozen=True, array_like=True, gc=False):
    """An instruction to vaultlink inside a note: `disable`, `enable`, `disable-line`, `disable-next-line`,
    `disable-file`, or `property` for the `vaultlink: {ignore: [...]}` property. `rules` empty means all of them."""

    action: str
    rules: tuple[str, ...]


class ParseProblem(SourceSpan, frozen=True, array_like=True, gc=False):
    """Something the parser met and survived.

    Kinds: `unclosed-fence`, `unclosed-comment`, `unclosed-math`, `unclosed-html` (each swallows the rest of the note);
    `invalid-frontmatter`, `duplicate-property` (`detail` is the key), `unquoted-property-link` (`detail` is the text
    between the outer brackets), `malformed-link` (`detail` is the name it holds and, on a line of its own, what is wrong),
    `invalid-canvas`, `undecodable`, `unreadable`. `replacements` (start, end, text) are what makes a malformed link one, where
    only one reading exists.
    """

    kind: str
    detail: str
    replacements: tuple[tuple[int, int, str], ...] = ()


class Owner(StrEnum):
    """Whose an "Add backlinks" section is: its author's, or vaultlink's, which wrote it or was told to adopt it."""

    AUTHOR = "author"
    WRITTEN = "written"
    ADOPTED = "adopted"


class Entry(SourceSpan, frozen=True, array_like=True, gc=False):
    """One entry of a section; the spot runs from its first character behind list and quote marks to its last.

    The title is text[start:title_end], "" if there is none; `dash` stands between title and link, without blanks ("" if
    there is none) at `title_end` to `dash_end` (blanks included). `link` is None where nothing is a link. `marks` are the
    list and quote marks before the entry. `fault` names what keeps the entry from having a link: `no-link`,
    `malformed-link` or `nested-link`. `raw` is the entry as it stands in the source, `tail` what follows it on its line and
    on lines indented below. Without text[cut_start:cut_end] the entry is gone, with its line or with what parts it from the
    one before; the span is empty where that would change what follows.
    """

    title: str
    title_end: int
    dash: str
    dash_end: int
    link: Link | None
    marks: str = ""
    fault: str = ""
    raw: str = ""
    tail: str = ""
    cut_start: int = 0
    cut_end: int = 0


class Section(SourceSpan, frozen=True, array_like=True, gc=False):
    """An "Add backlinks" section: from its heading line (or the marker before it) to behind its last entry (or the marker
    after it), line end not included.

    `heading` is the heading as written, at `heading_start` to `heading_end`. `prose_lines` are the lines among the entries that
    are none. `problems` are those of an author's section: see parse/sections_flaws.py. `text` is the whole section as written,
    and only kept of sections with the marker, whose links are no links of the note: they are made from those of other
    notes. `newlines_before` and `newlines_after` are the numbers of line ends that were written around such a section. Without
    text[cut_start:cut_end] an author's section is gone, with the blank lines before it; `entry_separator` is what parts its entries.
    """

    owner: Owner
    heading: str
    heading_start: int
    heading_end: int
    entries: tuple[Entry, ...] = ()
    prose_lines: tuple[SourceSpan, ...] = ()
    text: str = ""
    newlines_before: int = 0
    newlines_after: int = 0
    problems: tuple[ParseProblem, ...] = ()
    cut_start: int = 0
    cut_end: int = 0
    entry_separator: str = ""


class Note(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Everything a rule asks of a note (or of a canvas, as a source of links), without its text.

    `properties` is None without a frontmatter block and empty if the block can't be read. `blank` is true when nothing
    but white space stands outside the frontmatter.
    """

    path: str
    properties: tuple[Property, ...] | None = None
    headings: tuple[Heading, ...] = ()
    blocks: tuple[BlockId, ...] = ()
    links: tuple[Link, ...] = ()
    tags: tuple[Tag, ...] = ()
    directives: tuple[Directive, ...] = ()
    problems: tuple[ParseProblem, ...] = ()
    blank: bool = False
    sections: tuple[Section, ...] = ()

    def property_value(self, key: str) -> PropertyValue:
        """The value of a property by its exact key, or None."""
        for item in self.properties or ():
            if item.key == key:
                return item.value
        return None

    @property
    def aliases(self) -> tuple[str, ...]:
        """The note's other names: `aliases` as a list, or one text taken whole (specification 4.15)."""
        return tuple(
            alias
            for item in self.properties or ()
            if item.key.lower() == "aliases"
            for alias in text_items(item.value)
        )

    @property
    def title(self) -> str | None:
        """The `title` property, if it is text."""
        value = self.property_value("title")
        return value.strip() or None if isinstance(value, str) else None


def text_items(value: PropertyValue) -> list[str]:
    """The texts of a property that holds a text or a list; other elements are dropped, as Obsidian does."""
    items = value if isinstance(value, list) else [value]
    return [item.strip() for item in items if isinstance(item, str) and item.strip()]


class LinkCounts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How many links a note has: all, those that lead to a file, dangling ones, those of the resolved whose text fits
    other files too, and external ones."""

    links: int = 0
    resolved: int = 0
    dangling: int = 0
    ambiguous: int = 0
    external: int = 0


class Suggestion(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A file a dangling topic may mean: why (`title`, `alias`, `respelling`, `near`) and how surely (0 to 1)."""

    path: str
    reason: str
    score: float


class Edit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One change of a note: the text between two offsets gives way to another. For a path where nothing is yet, it makes
    a note."""

    path: str
    start: int
    end: int
    text: str


class Fix(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What mends a finding: what is done, as a sentence without its full stop, how safe that is, and the edits, which are
    made all or not at all."""

    title: str
    safety: Safety
    edits: tuple[Edit, ...]


class Diagnostic(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A finding as the engine makes it of what a rule yields: with name, severity, path and place.

    `about` is the `about` key of its rule ("" for none); `known_as` the code under which a baseline
    knows it, "" for `code`.
    """

    code: str
    rule: str
    severity: Severity
    path: str
    start: int
    end: int
    line: int
    column: int
    end_line: int
    end_column: int
    message: str
    target: str | None = None
    fix: Fix | None = None
    about: str = ""
    known_as: str = ""


TextByPath = Callable[[str], str]
"""Returns the text of a note by its vault path."""


class FileStamp(NamedTuple):
    """What tells one state of a file from another without reading it: size, and times of change in nanoseconds."""

    size: int
    modified: int
    changed: int


@dataclass(frozen=True, slots=True)
class SkippedNote:
    """A note that was left as it is, and why: a clause such as "it changed since it was read"."""

    path: str
    reason: str
