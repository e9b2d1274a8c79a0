"""Value types for notes, links, sections, findings and fixes. All are frozen.

Spans are half open. Offsets are 0-based and count code points of the text on disk, without a byte
order mark. Lines and columns are 1-based. The types are msgspec structs because a large vault has
hundreds of thousands of them and the cache stores them as they are.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

import msgspec

from vaultlink.text import file_extension

PropertyValue: TypeAlias = Any
"""A property's value as Obsidian reads it: None, bool, int, float, str, list, dict."""


class LinkKind(StrEnum):
    """The syntax of a link."""

    WIKILINK = "wikilink"
    MARKDOWN = "markdown"


class Place(StrEnum):
    """The part of its source that contains a link or tag."""

    BODY = "body"
    PROPERTY = "property"
    SECTION = "section"  # inside an "Add backlinks" section
    CANVAS = "canvas"


class Severity(StrEnum):
    """The severity of a finding. Compare severities by `rank`."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """3 for an error, 2 for a warning, 1 for information."""
        return {"error": 3, "warning": 2, "info": 1}[self.value]


class Safety(StrEnum):
    """The safety of a fix.

    vaultlink applies a safe fix without confirmation: it changes the target of no link except those
    that the finding is about.
    """

    SAFE = "safe"
    UNSAFE = "unsafe"


for _enum in (LinkKind, Place, Severity, Safety):
    for _member in _enum:  # Python 3.11 looks members up through a slow descriptor
        type.__setattr__(_enum, _member.name, _member)


class SourceSpan(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A span in a source and its position.

    Attributes:
        start: Offset of the first character, 0-based, in code points.
        end: Offset behind the last character.
        line: Line of `start`, 1-based.
        column: Column of `start`, 1-based.
    """

    start: int
    end: int
    line: int
    column: int


class Heading(SourceSpan, frozen=True, array_like=True, gc=False):
    """A top-level heading. Its span covers the heading's text without the marks.

    Attributes:
        level: 1 to 6.
        text: The heading's text without the marks and the spaces around it.
        body: Number of the first piece of the text below it, among the pieces of the note.
        body_end: Number of the first piece behind that text: the next heading's.
    """

    level: int
    text: str
    body: int = 0
    body_end: int = 0


class BlockId(SourceSpan, frozen=True, array_like=True, gc=False):
    """A block identifier `^id`. Its span includes the caret.

    Attributes:
        id: The identifier without the caret.
        block_line: First line of the block that it identifies, 1-based.
        checksum: CRC-32 of the block's text before the identifier, without the spaces around it; 0
            if that is short.
    """

    id: str
    block_line: int
    checksum: int = 0


class Link(SourceSpan, frozen=True, array_like=True, gc=False):
    """A link or embed, as written.

    Attributes:
        raw: The link's text in the source.
        target: The path part, trimmed; percent-decoded if it is a Markdown link's.
        subpath: The rest from the first `#`, trimmed and decoded like `target`; "" if there is none
            or it is empty.
        display: The text after the first pipe, or the text of a Markdown link; None if there is
            none.
        kind: Wikilink or Markdown link.
        embed: True if the link starts with `!`.
        place: The part of the source that contains the link.
        key_path: Key path of a link in a property, such as "rel.1"; "" elsewhere.
        external: True for URLs.
        in_comment: True for links in a `%%` comment. Obsidian counts these links but does not show
            them.
        in_table_cell: True for links in a table cell, where a pipe must be written `\\|`.
        after_bracket: True for links behind an opening bracket or in another link, which could not
            be of the other kind.
        beside_table: True for links in a line that a pipe would make a row of a table.
    """

    raw: str
    target: str
    subpath: str
    display: str | None
    kind: LinkKind
    embed: bool
    place: Place
    key_path: str = ""
    external: bool = False
    in_comment: bool = False
    in_table_cell: bool = False
    after_bracket: bool = False
    beside_table: bool = False

    @property
    def is_rooted(self) -> bool:
        """True for a Markdown link whose destination starts with a slash."""
        return self.target[:1] == "/" and self.kind is LinkKind.MARKDOWN and not self.external

    @property
    def is_path_wikilink(self) -> bool:
        """True for double brackets with a folder in the target."""
        return "/" in self.target and self.kind is LinkKind.WIKILINK and self.raw[-2:] == "]]"

    @property
    def lookup_target(self) -> str:
        """The target to resolve. A canvas's file card has a path from the vault's root."""
        return (
            "/" + self.target
            if self.place is Place.CANVAS and self.raw[0] not in "[!"
            else self.target
        )


class Definition(SourceSpan, frozen=True, array_like=True, gc=False):
    """A definition of a link's label, such as `[label]: note.md "title"`.

    Its destination is in the vault. Obsidian does not count it as a link. Its span covers the
    destination without angle brackets.

    Attributes:
        raw: The destination as written, without angle brackets.
        target: The path part, decoded.
        subpath: The rest from the first `#`, decoded; "" if there is none or it is empty.
        wrapped: True if the destination is in angle brackets.
    """

    raw: str
    target: str
    subpath: str
    wrapped: bool


class HtmlImage(SourceSpan, frozen=True, array_like=True, gc=False):
    """An image in HTML, `<img src="...">`, whose address has no scheme.

    Obsidian does not count it as a link. Its span covers the address as written.

    Attributes:
        target: The path in the address, decoded, with slashes and without query and fragment.
    """

    target: str


class Tag(SourceSpan, frozen=True, array_like=True, gc=False):
    """A tag.

    Attributes:
        name: The tag without the `#`.
        place: The part of the source that contains the tag.
    """

    name: str
    place: Place


class Property(SourceSpan, frozen=True, array_like=True, gc=False):
    """A top-level property. Its span covers the key.

    Attributes:
        key: The key as written.
        value: The value as Obsidian reads it.
        value_start: Offset of the value as written, 0-based.
        value_end: Offset behind the value.
    """

    key: str
    value: PropertyValue
    value_start: int
    value_end: int


class Directive(SourceSpan, frozen=True, array_like=True, gc=False):
    """A suppression or another instruction to vaultlink in a note.

    Attributes:
        action: `disable`, `enable`, `disable-line`, `disable-next-line`, `disable-file`, or
            `property` for the property `vaultlink: {ignore: [...]}`.
        rules: Codes or names of the rules; empty means all rules.
    """

    action: str
    rules: tuple[str, ...]


class ParseProblem(SourceSpan, frozen=True, array_like=True, gc=False):
    """A defect that the parser found in a source and skipped.

    Attributes:
        kind: `unclosed-fence`, `unclosed-comment`, `unclosed-math`, `unclosed-html` (each hides the
            rest of its container), `invalid-frontmatter`, `duplicate-property`,
            `unquoted-property-link`, `malformed-link`, `wikilink-with-destination`, `link-in-html`
            (a link that an HTML block hides), `unread-block-id` (one that lacks a blank line),
            `invalid-canvas`, `undecodable` or `unreadable`. For the kinds in `Section.problems`
            see parse/backlinks_problems.py.
        detail: The cause. Of a `malformed-link` its fault, of a `link-in-html` its block, of an
            `unread-block-id` the missing blank lines, each as a clause; what an unclosed block
            hides ("" if nothing that counts); the key of a `duplicate-property`.
        replacements: Replacements (start, end, text) that fix the defect. Empty if it can be read
            in several ways. If one replacement fixes several `link-in-html`, only the first of them
            has its text, and the others have "".
        is_certain: False if the text may have been written so on purpose, or if the replacements
            may change more than the defect.
        target: The target of a `malformed-link` or `link-in-html`; the text between the outer
            brackets of an `unquoted-property-link`; the destination of a
            `wikilink-with-destination`.
        block_id: The name of an `unread-block-id`, without the caret.
    """

    kind: str
    detail: str = ""
    replacements: tuple[tuple[int, int, str], ...] = ()
    is_certain: bool = True
    target: str = ""
    block_id: str = ""


class Owner(StrEnum):
    """The owner of an "Add backlinks" section.

    `AUTHOR`: the note's author. `WRITTEN`: vaultlink, which wrote the section. `ADOPTED`:
    vaultlink, which the user told to maintain a section that the author had written.
    """

    AUTHOR = "author"
    WRITTEN = "written"
    ADOPTED = "adopted"


class Entry(SourceSpan, frozen=True, array_like=True, gc=False):
    """An entry of a section. Its span starts behind list and quote marks.

    Attributes:
        title: text[start:title_end]; "" if there is none.
        title_end: Offset behind the title.
        dash: The dash between title and link without the spaces around it; "" if there is none.
        dash_end: Offset behind the dash and the spaces around it, which start at `title_end`.
        link: The entry's link; None if the entry contains none.
        marks: The list and quote marks before the entry.
        fault: Reason for a missing link: `no-link`, `malformed-link` or `nested-link`; ""
            otherwise.
        raw: The entry's text in the source.
        tail: The text behind the entry on its line and on the lines indented below it.
        cut_start: Start of the span to delete in order to remove the entry. The span includes the
            entry's line, or the separator from the previous entry. It is empty if the deletion
            would change the meaning of the text that follows.
        cut_end: End of that span.
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
    """An "Add backlinks" section.

    Its span runs from the heading line (or the begin marker) to the end of the last entry (or of
    the end marker), without the line end.

    Attributes:
        owner: The note's author or vaultlink.
        heading: The heading as written.
        heading_start: Offset of the heading.
        heading_end: Offset behind the heading.
        entries: The entries, in order.
        prose_lines: The lines among the entries that contain no entry.
        problems: The defects of an author's section: see parse/backlinks_problems.py.
        text: The whole section as written, only for sections with markers. The links of these
            sections do not count as links of the note: vaultlink generates them from links of other
            notes.
        newlines_before: Number of line ends that vaultlink wrote before a section with markers.
        newlines_after: Number of line ends that vaultlink wrote behind it.
        cut_start: Start of the span to delete in order to remove an author's section and the blank
            lines before it.
        cut_end: End of that span.
        entry_separator: The text between two entries of an author's section.
        usual: True for an author's section that only a usual heading starts, such as "Backlinks".
            Its entries are the author's own matter: they are not checked.
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
    usual: bool = False


FOLDER_KINDS = ("folder", "source")
"""The kinds of names in queries that may be those of folders."""


class QueryName(SourceSpan, frozen=True, array_like=True, gc=False):
    """A name in a query of Dataview or of a base. Its span excludes quotes.

    Attributes:
        kind: `folder`, `source` (a folder or the path of a note, behind Dataview's FROM), `note`
            (as in a link), `path` (the whole path of a file) or `tag`.
        text: The name: without slashes around a folder, without the `#` of a tag, and without the
            heading or block of a note.
    """

    kind: str
    text: str


DECLARING_NAMES = ("agents.md", "claude.md", "readme.md")
"""The names of notes that may declare folders read-only, in lower case."""


class Note(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A parsed note, or a parsed canvas, without its text.

    Attributes:
        path: Vault path.
        pieces: The hashes of the lines and sentences, as `parse.pieces.hash_pieces` returns them.
        properties: None without a frontmatter block; empty if the block is invalid.
        headings: The top-level headings.
        blocks: The block identifiers.
        links: The links and embeds, without those of managed sections.
        tags: The tags in properties and body.
        directives: The suppressions.
        problems: The defects that the parser found.
        blank: True if the text outside the frontmatter is white space only.
        sections: The "Add backlinks" sections.
        lone_self_links: Offsets of the links that name the note itself and fill a line or list
            item.
        lone_links: Offsets of the links that fill a line or list item, which says nothing else.
        named_files: Ends of the text that name an attachment outside links, such as
            `see my map.png`.
        definitions: The definitions of links' labels that lead to a place in the vault. They are
            not links.
        queries: The names of folders, notes and tags in queries.
        images: The images in HTML. They are not links.
        read_only: The folders that the text declares read-only, as written; "." is its own.
        script: True for a program in the file of a note, as Excalidraw's script store installs.
        page_names: The title and the aliases in the page properties that only Logseq reads.
    """

    path: str
    pieces: bytes = b""
    properties: tuple[Property, ...] | None = None
    headings: tuple[Heading, ...] = ()
    blocks: tuple[BlockId, ...] = ()
    links: tuple[Link, ...] = ()
    tags: tuple[Tag, ...] = ()
    directives: tuple[Directive, ...] = ()
    problems: tuple[ParseProblem, ...] = ()
    blank: bool = False
    sections: tuple[Section, ...] = ()
    lone_self_links: tuple[int, ...] = ()
    named_files: tuple[str, ...] = ()
    definitions: tuple[Definition, ...] = ()
    queries: tuple[QueryName, ...] = ()
    images: tuple[HtmlImage, ...] = ()
    read_only: tuple[str, ...] = ()
    script: bool = False
    lone_links: tuple[int, ...] = ()
    page_names: tuple[str, ...] = ()

    def property_value(self, key: str) -> PropertyValue:
        """Return the value of a property.

        Args:
            key: The key, in its exact case.

        Returns:
            The value; None if the note has no such property.
        """
        for item in self.properties or ():
            if item.key == key:
                return item.value
        return None

    @property
    def aliases(self) -> tuple[str, ...]:
        """The note's aliases: `aliases` as a list, or a single text as one alias (4.15)."""
        return tuple(
            alias
            for item in self.properties or ()
            if item.key.lower() == "aliases"
            for alias in text_items(item.value)
        )

    @property
    def title(self) -> str | None:
        """The `title` property, if it is text and not blank."""
        value = self.property_value("title")
        return value.strip() or None if isinstance(value, str) else None


def text_items(value: PropertyValue) -> list[str]:
    """Return the texts of a property that contains a text or a list of texts.

    Args:
        value: The property's value.

    Returns:
        The trimmed texts. Blank texts and elements of other types are dropped, as Obsidian does.
    """
    items = value if isinstance(value, list) else [value]
    return [item.strip() for item in items if isinstance(item, str) and item.strip()]


class LinkCounts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The numbers of a note's links.

    Attributes:
        links: All links.
        resolved: Links that resolve to a file.
        dangling: Links that do not resolve.
        ambiguous: Resolved links whose text also fits other files.
        external: External links.
    """

    links: int = 0
    resolved: int = 0
    dangling: int = 0
    ambiguous: int = 0
    external: int = 0


def sum_counts(counts: Iterable[LinkCounts]) -> LinkCounts:
    """Add numbers of links.

    Args:
        counts: The numbers of each note.

    Returns:
        Their sums.
    """
    rows = map(msgspec.structs.astuple, counts)
    return LinkCounts(*[sum(column) for column in zip(*rows, strict=True)])


class Suggestion(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A file, heading or block that a broken link may mean.

    Attributes:
        path: Vault path of the file.
        reason: `title`, `alias`, `respelling`, `folder` or `near`; `history` for what the link
            may have meant before; `slug` for a heading's GitHub anchor.
        score: Confidence from 0 to 1.
        subpath: The heading or block with its `#`; None if the file is suggested.
    """

    path: str
    reason: str
    score: float
    subpath: str | None = None


class Edit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A replacement in a note, or a new note if no file exists at the path.

    Attributes:
        path: Vault path of the note.
        start: Offset of the replaced text, 0-based, in code points.
        end: Offset behind the replaced text.
        text: The new text.
    """

    path: str
    start: int
    end: int
    text: str


class Fix(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A fix for a finding.

    Attributes:
        title: The action as a sentence without its full stop.
        safety: `SAFE` or `UNSAFE`.
        edits: The edits. Either all of them are applied or none.
    """

    title: str
    safety: Safety
    edits: tuple[Edit, ...]


UNRESOLVED = ("unresolved-link", "planned-link")
"""What findings about unresolved links are about: mistakes, and notes that are not written yet."""


class Diagnostic(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A finding, as the engine reports it.

    Attributes:
        code: Rule code, such as "VL101".
        rule: Rule name, such as "dangling-link".
        severity: The rule's severity in the settings.
        path: Vault path of the file.
        start: Offset of the text that the finding is about, 0-based, in code points.
        end: Offset behind that text.
        line: Line of `start`, 1-based.
        column: Column of `start`, 1-based.
        end_line: Line of `end`, 1-based.
        end_column: Column of `end`, 1-based.
        message: The message.
        target: The link's target, if the finding is about a link.
        fix: The fix, if there is one.
        about: The `about` key of the rule; "" if it has none.
        known_as: The code under which a baseline knows the finding; "" for `code`.
        subpath: The heading or block with its `#`, if the finding is that it is missing.
        resolved: Vault path of the file that lacks it.
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
    subpath: str | None = None
    resolved: str | None = None


TextByPath = Callable[[str], str]
"""Returns the text of a note, given its vault path."""


class History(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The history of the files, headings and blocks that links meant.

    Attributes:
        moves: Old vault path to the present path, for files that no longer exist under the old one.
        deleted: Paths of files that were deleted: no other file can be the moved one.
        gone: Old vault path to a number that is larger the later the file vanished from there. All
            moved and deleted files, and those of which it is unknown where they went.
        likely: Old vault path to the present path of a file that may be the moved one.
        anchors: Vault path of a note to its former headings and blocks, each with what it is now.
            A heading is given by its comparison key, a block by its lowercase id with a caret.
        former_destinations: Vault path of a note to its links that led elsewhere before: the link
            as written, to the former destination. It has no subpath if the file lacked the heading
            or block.
        reasons: Old vault path to what happened to the file, as a clause.
        names: Former alias or title, normalized, to the only note that had it.
        unseen: What git can't see of the past, such as in a shallow clone, as clauses.
        created: Path of a file that was created since the first state that is remembered, to the
            notes whose unresolved links it resolved then.
    """

    moves: Mapping[str, str] = {}
    deleted: frozenset[str] = frozenset()
    vanished: Mapping[str, int] = {}
    likely_moves: Mapping[str, str] = {}
    anchors: Mapping[str, Mapping[str, "Destination"]] = {}
    former_destinations: Mapping[str, Mapping[str, "Destination"]] = {}
    reasons: Mapping[str, str] = {}
    names: Mapping[str, "FormerName"] = {}
    blind_spots: tuple[str, ...] = ()
    created: Mapping[str, tuple[str, ...]] = {}

    def then(self, later: "History") -> "History":
        """Return this history and a later one, which counts where they differ.

        Args:
            later: The history since, whose former paths are those that this one leads to, or what
                is known better of the same time.

        Returns:
            A history from before this one until now.
        """
        unsure = later.likely_moves.keys()
        went_on = {
            old: later.moves.get(new, new) for old, new in self.moves.items() if new not in unsure
        }
        moves = {**went_on, **later.moves}
        lost = {old for old, new in self.moves.items() if new in later.deleted}
        ends = {**later.likely_moves, **later.moves}
        likely = {old: ends.get(new, new) for old, new in self.likely_moves.items()}
        likely |= {old: ends[new] for old, new in self.moves.items() if new in unsure}
        return History(
            {old: new for old, new in moves.items() if new not in later.deleted},
            ((self.deleted | later.deleted) - moves.keys()) | lost,
            {**self.vanished, **later.vanished},
            {old: new for old, new in {**likely, **later.likely_moves}.items() if old not in moves},
            _merge(self.anchors, later.anchors),
            _merge(self.former_destinations, later.former_destinations),
            {**self.reasons, **later.reasons},
            {**self.names, **later.names},
            self.blind_spots or later.blind_spots,
            {**self.created, **later.created},
        )

    def within(self, files: Collection[str]) -> "History":
        """Return what holds of a vault: it has the present files, and no former one.

        Args:
            files: All vault paths.

        Returns:
            The history without other files.
        """
        moves = {
            old: new
            for old, new in self.moves.items()
            if old not in files and new in files and file_extension(old) == file_extension(new)
        }
        deleted = [path for path in self.deleted if path not in files and path not in moves]
        if len(deleted) > MAX_DELETED:
            deleted.sort(key=lambda path: (-self.vanished.get(path, 0), path))
        return msgspec.structs.replace(
            self,
            moves=moves,
            deleted=frozenset(deleted[:MAX_DELETED]),
            vanished={path: since for path, since in self.vanished.items() if path not in files},
            likely_moves={
                old: new
                for old, new in self.likely_moves.items()
                if old not in files and new in files and old not in moves
            },
        )


UNCOMMITTED = 1 << 40
"""Stands in `History.vanished` for a file that vanished after the last commit.

It is larger than the time of a commit in seconds since the epoch.
"""

MAX_DELETED = 10_000
"""Maximum number of deleted paths that are remembered, the latest ones."""


def _merge(
    one: Mapping[str, Mapping[str, "Destination"]], other: Mapping[str, Mapping[str, "Destination"]]
) -> dict[str, dict[str, "Destination"]]:
    return {path: {**one.get(path, {}), **other.get(path, {})} for path in {**one, **other}}


class Destination(NamedTuple):
    """A place that a link leads to.

    Attributes:
        path: Vault path of the file.
        subpath: A heading or block such as `#A#B` or `#^id`; "" for the whole file.
        is_certain: False if another heading or block may have taken the place of that one.
    """

    path: str
    subpath: str = ""
    is_certain: bool = True


class FormerName(NamedTuple):
    """An alias or title that a note no longer has.

    Attributes:
        path: Present vault path of the note.
        kind: `alias` or `title`.
        until: When it was removed, such as "3f2a91c on 2026-05-02"; "" if that is unknown.
    """

    path: str
    kind: str
    until: str = ""


NO_HISTORY = History()


class FileStamp(NamedTuple):
    """The metadata that identifies a version of a file without reading it.

    Attributes:
        size: Bytes.
        modified: Modification time in nanoseconds.
        changed: Time of the last change of the inode in nanoseconds.
    """

    size: int
    modified: int
    changed: int


class SkippedNote(msgspec.Struct, frozen=True):
    """A note that was not changed.

    Attributes:
        path: Vault path.
        reason: The reason as a clause, such as "it changed since it was read".
    """

    path: str
    reason: str


class PendingWrite(msgspec.Struct, frozen=True):
    """The old and new bytes of a file of a vault.

    Attributes:
        path: Vault path.
        old: The bytes before. None if no file may exist.
        new: The bytes after. None if the file is removed.
        mode: The permissions of a created file, where known.
    """

    path: str
    old: bytes | None
    new: bytes | None
    mode: int | None = None
