"""Puts a note together: runs the passes in order and gives everything found its line, column and place."""

from bisect import bisect_right
from collections.abc import Iterable

from msgspec import structs

from vaultlink.model import (
    BlockId,
    Directive,
    Heading,
    Kind,
    Link,
    Note,
    Owner,
    Place,
    Property,
    Section,
    Tag,
    Trouble,
    Value,
)
from vaultlink.parse import plain
from vaultlink.parse.blocks import Blocks, read_blocks
from vaultlink.parse.canvas import canvas_cards, file_link, unreadable_canvas
from vaultlink.parse.directives import SIGN, comment_directives, comment_spans, property_rules
from vaultlink.parse.finds import Inline, Markdown, Wiki
from vaultlink.parse.inline import may_hold_links, read_inline
from vaultlink.parse.lines import SPACES, Run, split_lines
from vaultlink.parse.links import (
    is_external,
    markdown_destination,
    split_subpath,
    whole_link,
    wikilink_parts,
)
from vaultlink.parse.properties import Properties, frontmatter_span, read_properties
from vaultlink.parse.sections import Source, read_sections
from vaultlink.parse.sections_headings import may_begin, wordings
from vaultlink.parse.slip_repairs import changes_of, pipe_in_cell
from vaultlink.text import line_starts, position

_WIKILINK, _MARKDOWN, _BODY = Kind.WIKILINK, Kind.MARKDOWN, Place.BODY


class _Found:
    """What the passes found in one text, each thing with its line and column."""

    def __init__(self, text: str, place: Place = _BODY):
        self.text = text
        self.starts = line_starts(text)
        self.place = place
        self.links: list[Link] = []
        self.tags: list[Tag] = []
        self.troubles: list[Trouble] = []
        self.code: list[tuple[int, int]] = []
        self.directives = False

    def spot(self, start: int, end: int) -> tuple[int, int, int, int]:
        """Start, end, line and column of a span."""
        return start, end, *position(self.starts, start)

    def trouble(self, kind: str, start: int, end: int, detail: str = "") -> None:
        """Note a trouble at a span."""
        self.troubles.append(Trouble(*self.spot(start, end), kind, detail))

    def wikilink(self, start: int, end: int, embed: bool, cell: bool = False) -> None:
        """Add the wikilink whose brackets, an exclamation mark included, stand at a span."""
        raw = self.text[start:end]
        target, subpath, display = wikilink_parts(raw[3:-2] if embed else raw[2:-2])
        line, column = position(self.starts, start)
        self.links.append(
            Link(
                start,
                end,
                line,
                column,
                raw,
                target,
                subpath,
                display,
                _WIKILINK,
                embed,
                self.place,
                "",
                False,
                False,
                cell,
            )
        )

    def markdown(self, link: Markdown, run: Run) -> None:
        """Add a Markdown link, unless its destination can't be decoded, which makes it none."""
        destination = markdown_destination(link.destination)
        if destination is None:
            return
        external = is_external(destination)
        target, subpath = (destination, "") if external else split_subpath(destination)
        start, end = run.source(link.start), run.end(link.end)
        text = run.text[link.start + 1 + link.embed : link.text_end]
        self.links.append(
            Link(
                *self.spot(start, end),
                self.text[start:end],
                target,
                subpath,
                text,
                _MARKDOWN,
                link.embed,
                self.place,
                "",
                external,
                False,
                run.cell,
                run.text[max(link.start - 1, 0) : link.start] == "[",
            )
        )

    def run(self, run: Run) -> None:
        """Add everything in a run of text."""
        text = run.text
        if not may_hold_links(text) and not self.directives:
            return
        found = read_inline(text)
        for link in found.links:
            if isinstance(link, Wiki):
                self.wikilink(run.source(link.start), run.end(link.end), link.embed, run.cell)
            else:
                self.markdown(link, run)
        self._rest(found, run)

    def _rest(self, found: Inline, run: Run) -> None:
        for start, end in found.tags:
            spot = self.spot(run.source(start) - 1, run.end(end))
            self.tags.append(Tag(*spot, run.text[start:end], self.place))
        for broken in found.broken:
            start, end = run.source(broken.start), run.end(broken.end)
            in_cell = "closing" in broken.fault and self.text[end : end + 80].lstrip(
                " \t"
            ).startswith("|")
            fault = "in a table its pipe has to be written \\|" if in_cell else broken.fault
            changes = (
                pipe_in_cell(self.text, run, broken)
                if in_cell
                else changes_of(run, broken, self.text)
            )
            self.troubles.append(
                Trouble(
                    *self.spot(start, end), "malformed-link", f"{broken.target}\n{fault}", changes
                )
            )
        self.code.extend(
            (run.source(start), run.end(end))
            for start, end in found.hidden
            if run.text[start] == "`"
        )


def parse_note(path: str, text: str, headings: tuple[str, ...] = ()) -> Note:
    """The note in a text (without byte order mark). `headings` are wordings of sections besides the built-in one. Never
    fails: what can't be understood is in the note's troubles."""
    found = _Found(text)
    encoded = text.encode("utf-8", "surrogatepass")
    marks = plain.bones(encoded)
    found.directives = (b"%%" in marks or b"<!" in marks) and SIGN in text
    span = frontmatter_span(text)
    body = span[2] if span else 0
    properties: tuple[Property, ...] | None = None
    directives: tuple[Directive, ...] = ()
    if span:
        properties, directives = _properties(read_properties(text, span[0], span[1]), found)
    titles, blocks, hidden, runs = _plain(found, body, marks) or _structured(found, body)
    if found.directives:
        directives += comment_directives(text, found.starts, found.code)
    blank = not text[body : body + 200].strip(SPACES) and not text[body:].strip(SPACES)
    wording = wordings(headings)
    sections: tuple[Section, ...] = ()
    asked = may_begin(text, encoded.lower(), wording)
    if asked:
        sections = read_sections(
            Source(text, body, found.starts, hidden, runs), found.links, wording, asked
        )
    links, sections = _placed(found, body, sections)
    troubles = _outside(found.troubles, sections) if sections else found.troubles
    return Note(
        path,
        properties,
        titles,
        blocks,
        links,
        tuple(found.tags),
        directives,
        tuple(troubles),
        blank,
        sections,
    )


_Read = tuple[tuple[Heading, ...], tuple[BlockId, ...], list[tuple[int, int]], list[Run] | None]
"""The headings and block identifiers of a note, the spans of blocks that hide text, and the runs of text if all were read."""


def _plain(found: _Found, body: int, marks: bytes) -> _Read | None:
    """The quick reading; paragraphs that need care are read by the full passes, and None is the answer if all do."""
    text, marks, hidden = plain.without_markers(found.text, body, marks)
    read = plain.plain_links(text, body, marks) if plain.is_plain(text, body, marks) else None
    if read is None:
        return None
    before, starts = len(found.links), found.starts
    for start, end, target, display in read.wikilinks:
        if text[start - 1] == "!" and start > body:
            start -= 1  # noqa: PLW2901 - an embed begins at its exclamation mark
        if display == "" or "#" in target or "\\" in target or not target.isascii():
            found.wikilink(start, end, text[start] == "!")
            continue
        line = bisect_right(starts, start)
        found.links.append(
            Link(
                start,
                end,
                line,
                start - starts[line - 1] + 1,
                text[start:end],
                target.strip(),
                "",
                display and (display.strip() or None),
                _WIKILINK,
                text[start] == "!",
                _BODY,
                "",
                False,
            )
        )
    for start, end, words, address in read.web:
        found.links.append(
            Link(
                *found.spot(start, end),
                text[start:end],
                address,
                "",
                words,
                _MARKDOWN,
                False,
                _BODY,
                "",
                True,
            )
        )
    for start, end in read.careful:
        for run in read_blocks(split_lines(text, start, end)).runs:
            found.run(run)
    if read.careful or read.web:
        found.links[before:] = sorted(found.links[before:], key=lambda link: link.start)
    headings = []
    for level, start, words in plain.plain_headings(text, body):
        line = bisect_right(starts, start)
        headings.append(
            Heading(start, start + len(words), line, start - starts[line - 1] + 1, level, words)
        )
    return tuple(headings), (), hidden, None


def _structured(found: _Found, body: int) -> _Read:
    """The full reading: blocks, then the inline text of each."""
    blocks = read_blocks(split_lines(found.text, body))
    for run in blocks.runs:
        found.run(run)
    found.code.extend(span for span in blocks.hidden if not found.text.startswith("<", span[0]))
    for kind, start, end in blocks.unclosed:
        found.trouble(kind, start, end)
    return _headings(blocks, found), _block_ids(blocks, found), blocks.hidden, blocks.runs


def _headings(blocks: Blocks, found: _Found) -> tuple[Heading, ...]:
    return tuple(
        Heading(*found.spot(start, end), level, text) for level, text, start, end in blocks.headings
    )


def _block_ids(blocks: Blocks, found: _Found) -> tuple[BlockId, ...]:
    return tuple(
        BlockId(*found.spot(at, at + 1 + len(name)), name, position(found.starts, block)[0])
        for name, at, block in blocks.ids
    )


def _properties(
    read: Properties, found: _Found
) -> tuple[tuple[Property, ...], tuple[Directive, ...]]:
    """The properties with their links, tags and troubles added to what was found."""
    if read.invalid:
        _invalid(*read.invalid, found)
        return (), ()
    for key, start, end in read.duplicates:
        found.trouble("duplicate-property", start, end, key)
    for inner, start, end in read.unquoted:
        found.trouble("unquoted-property-link", start, end, inner)
    for path, value, start, end in read.scalars:
        if value.startswith("["):
            link = whole_link(value, found.spot(start, end), path)
            if link:
                found.links.append(link)
    directives = []
    properties = []
    for entry in read.entries:
        spot = found.spot(entry.start, entry.end)
        properties.append(
            Property(*spot, entry.key, entry.value, entry.value_start, entry.value_end)
        )
        if entry.key.lower() == "tags":
            _property_tags(entry.key, entry.value, read, found)
        if entry.key == "vaultlink":
            directives.append(Directive(*spot, "property", property_rules(entry.value)))
    return tuple(properties), tuple(directives)


def _invalid(problem: str, at: int, found: _Found) -> None:
    """Note properties that are no YAML; those of a template are made by Templater first."""
    if "<%" not in found.text[: found.text.find("\n---", 3)]:
        found.trouble("invalid-frontmatter", at, at + 1, problem)


def _property_tags(key: str, value: Value, read: Properties, found: _Found) -> None:
    """Tags of a `tags` property: a list of texts, or one text without a comma; entries with blanks don't count (4.16)."""
    spots = {scalar.key_path: (scalar.start, scalar.end) for scalar in read.scalars}
    items: Iterable[tuple[str, Value]] = [(key, value)]
    if isinstance(value, list):
        items = [(f"{key}.{index}", item) for index, item in enumerate(value)]
    for path, item in items:
        name = item.strip().removeprefix("#") if isinstance(item, str) else ""
        if name and path in spots and "," not in name and not any(char.isspace() for char in name):
            found.tags.append(Tag(*found.spot(*spots[path]), name, Place.PROPERTY))


def _placed(
    found: _Found, body: int, sections: tuple[Section, ...]
) -> tuple[tuple[Link, ...], tuple[Section, ...]]:
    """Links with those inside an author's section or a comment marked as such, those in vaultlink's own left out; and the
    sections with these links."""
    text, links = found.text, found.links
    comments = comment_spans(text, body, found.code) if "%%" in text else []
    if not sections and not comments:
        return tuple(links), ()
    kept, by_start = [], {}
    for link in links:
        section = _holder(link.start, sections) if link.place is _BODY else None
        commented = (
            bool(comments)
            and link.place is _BODY
            and any(start <= link.start < end for start, end in comments)
        )
        place = Place.SECTION if section else link.place
        new = (
            structs.replace(link, place=place, commented=commented)
            if section or commented
            else link
        )
        by_start[link.start] = new
        if not section or section.owner is Owner.AUTHOR:
            kept.append(new)
    return tuple(kept), tuple(_with_links(section, by_start) for section in sections)


def _holder(at: int, sections: tuple[Section, ...]) -> Section | None:
    """The section that an offset lies in."""
    return next((section for section in sections if section.start <= at < section.end), None)


def _with_links(section: Section, by_start: dict[int, Link]) -> Section:
    return structs.replace(
        section,
        entries=tuple(
            structs.replace(entry, link=by_start[entry.link.start]) if entry.link else entry
            for entry in section.entries
        ),
    )


def _outside(troubles: list[Trouble], sections: tuple[Section, ...]) -> Iterable[Trouble]:
    """Troubles without the slips in links of vaultlink's own sections."""
    for trouble in troubles:
        section = _holder(trouble.start, sections) if trouble.kind == "malformed-link" else None
        if not section or section.owner is Owner.AUTHOR:
            yield trouble


def parse_canvas(path: str, text: str) -> Note:
    """A canvas as a source of links. Never fails; lines and columns are those of the cards' texts in the file, as well as
    JSON lets them be known: each link stands where its card's text begins."""
    cards = canvas_cards(text)
    if isinstance(cards, str):
        return unreadable_canvas(path, cards)
    starts = line_starts(text)
    links: list[Link] = []
    at = 0
    for card in cards:
        card_id = card.get("id")
        at = max(text.find(f'"{card_id}"', at) if isinstance(card_id, str) else at, at)
        spot = (at, at + 1, *position(starts, at))
        link = file_link(card, spot)
        if link:
            links.append(link)
        elif card.get("type") == "text" and isinstance(card.get("text"), str):
            links += _card_links(card["text"], spot)
    return Note(path, links=tuple(links))


def _card_links(text: str, spot: tuple[int, int, int, int]) -> list[Link]:
    """The links of a text card, read like a note's."""
    found = _Found(text, Place.CANVAS)
    for run in read_blocks(split_lines(text, 0)).runs:
        found.run(run)
    return [
        Link(
            *spot,
            link.raw,
            link.target,
            link.subpath,
            link.display,
            link.kind,
            link.embed,
            Place.CANVAS,
            "",
            link.external,
        )
        for link in found.links
    ]
