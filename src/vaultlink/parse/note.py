"""Parse a note: run the passes and combine their results."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from zlib import crc32

from msgspec import structs

from vaultlink.model import (
    DECLARING_NAMES,
    BlockId,
    Directive,
    Heading,
    HtmlImage,
    Link,
    Note,
    Owner,
    ParseProblem,
    Place,
    Property,
    PropertyValue,
    Section,
    Tag,
)
from vaultlink.parse import fast_parser
from vaultlink.parse.backlinks_heading import (
    compile_wordings,
    find_heading_candidates,
    find_usual_headings,
)
from vaultlink.parse.blocks import ParsedBlocks, read_blocks
from vaultlink.parse.brackets import SpanSet
from vaultlink.parse.lines import UNICODE_SPACES, TextRun, split_lines
from vaultlink.parse.link_parts import parse_property_link
from vaultlink.parse.names_in_text import (
    find_image_tags,
    find_lone_links,
    find_lone_self_links,
    find_named_files,
    find_page_names,
)
from vaultlink.parse.note_builder import BODY, MARKDOWN, WIKILINK, NoteBuilder
from vaultlink.parse.pieces import MIN_LISTED, hash_sections
from vaultlink.parse.properties import Frontmatter, frontmatter_span, read_properties
from vaultlink.text import line_and_column


def parse_note(
    path: str, text: str, headings: tuple[str, ...] = (), *, compares: bool = True
) -> Note:
    """Parse a note.

    Never fails; the note's `problems` list what cannot be parsed.

    Args:
        path: Vault path of the note.
        text: Its text without byte order mark.
        headings: Wordings of section headings in addition to the built-in one.
        compares: False if no text is compared with another one, or with a later one: then the notes
            have no pieces, unless they may be indexes of notes.
    """
    found = NoteBuilder(text)
    found.compares = compares
    encoded = text.encode("utf-8", "surrogatepass")
    marks = fast_parser.markup_bytes(encoded)
    lowered = encoded.lower()
    found.may_have_directives = (b"%%" in marks or b"<!" in marks) and "vaultlink-" in text
    found.may_have_images = b"<" in marks and b"<img" in lowered
    span = frontmatter_span(text)
    body = span[2] if span else 0
    properties: tuple[Property, ...] | None = None
    directives: tuple[Directive, ...] = ()
    if span:
        properties, directives = _add_properties(read_properties(text, span[0], span[1]), found)
    titles, blocks, hidden, runs = _read_plain_body(found, body, marks) or _read_full_body(
        found, body
    )
    if found.may_have_directives:
        from vaultlink.parse.directives import find_directives  # noqa: PLC0415 - for few notes

        directives += find_directives(text, found.starts, found.code_spans)
    blank = not text[body : body + 200].strip(UNICODE_SPACES) and not text[body:].strip(
        UNICODE_SPACES
    )
    wording = compile_wordings(headings)
    sections: tuple[Section, ...] = ()
    candidates = find_heading_candidates(text, lowered, wording)
    usual_headings = find_usual_headings(text, body, found.links, titles, found.starts)
    if candidates or usual_headings:
        from vaultlink.parse.backlinks_entries import SectionInputs  # noqa: PLC0415 - few notes
        from vaultlink.parse.backlinks_section import read_sections  # noqa: PLC0415 - as above

        sections = read_sections(
            SectionInputs(text, body, found.starts, hidden, runs),
            found.links,
            wording,
            candidates,
            usual_headings,
        )
    comments: list[tuple[int, int]] = []
    if b"%%" in marks:
        from vaultlink.parse.directives import find_comment_spans  # noqa: PLC0415 - as above

        comments = find_comment_spans(text, body, found.code_spans)
    links, sections = _assign_places(found, comments, sections)
    problems = _drop_managed_problems(found.problems, sections) if sections else found.problems
    return Note(
        path=path,
        pieces=found.pieces,
        properties=properties,
        headings=titles,
        blocks=blocks,
        links=links,
        tags=tuple(found.tags),
        directives=directives,
        problems=tuple(problems),
        blank=blank,
        sections=sections,
        lone_self_links=find_lone_self_links(path, text, links),
        named_files=find_named_files(text, links),
        definitions=found.definitions,
        queries=found.queries,
        images=_sort_images(found.images, comments) if found.images else (),
        read_only=_find_declared(path, text) if path.lower().endswith(DECLARING_NAMES) else (),
        script=text.startswith("/*") and "*/" in text,
        lone_links=find_lone_links(text, links) if links else (),
        page_names=find_page_names(text, body),
    )


_BodyParts = tuple[
    tuple[Heading, ...], tuple[BlockId, ...], list[tuple[int, int]], list[TextRun] | None
]
"""Headings, block identifiers, spans of hidden blocks, and runs.

The runs are None unless all of them were read.
"""


def _read_plain_body(found: NoteBuilder, body: int, marks: bytes) -> _BodyParts | None:
    """Read the body of a plain note, the fast way.

    The full passes read only the paragraphs that need them. Returns None if the whole body needs
    them, as it does for images in HTML.
    """
    if found.may_have_images:
        return None
    text, marks, hidden = fast_parser.mask_markers(found.text, body, marks)
    plain_headings = fast_parser.find_plain_headings(text, body, marks)
    if plain_headings is None:
        return None
    hashes = sum([level for level, _, _ in plain_headings])
    plain_links = fast_parser.find_plain_links(text, body, marks, hashes)
    if plain_links is None:
        return None
    links, starts = found.links, found.starts
    before = len(links)
    for start, end, target, display in plain_links.wikilinks:
        embed = text[start - 1] == "!" and start > body
        if embed:
            start -= 1  # noqa: PLW2901 - an embed starts at its `!`
        if display == "" or "#" in target or "\\" in target or not target.isascii():
            found.add_wikilink(start, end, embed)
            continue
        line = bisect_right(starts, start)
        links.append(
            Link(
                start,
                end,
                line,
                start - starts[line - 1] + 1,
                raw=text[start:end],
                target=target.strip(),
                subpath="",
                display=display and (display.strip() or None),
                kind=WIKILINK,
                embed=embed,
                place=BODY,
            )
        )
    if plain_links.complex_spans or plain_links.web:
        _add_other_links(found, plain_links)
        links[before:] = sorted(links[before:], key=lambda link: link.start)
    headings = [(level, words, start, start + len(words)) for level, start, words in plain_headings]
    return _locate_headings(headings, found), (), hidden, None


def _add_other_links(found: NoteBuilder, plain_links: fast_parser.PlainLinks) -> None:
    text = found.text
    for start, end, words, address in plain_links.web:
        found.links.append(
            Link(
                *found.locate(start, end),
                raw=text[start:end],
                target=address,
                subpath="",
                display=words,
                kind=MARKDOWN,
                embed=False,
                place=BODY,
                external=True,
            )
        )
    for start, end in plain_links.complex_spans:
        for run in read_blocks(split_lines(text, start, end)).runs:
            found.add_run(run)


def _read_full_body(found: NoteBuilder, body: int) -> _BodyParts:
    from vaultlink.parse.hidden_text import (  # noqa: PLC0415 - most notes are read fast
        describe_hiding_blocks,
        find_detached_ids,
        find_swallowed_links,
    )

    blocks = read_blocks(split_lines(found.text, body))
    for run in blocks.runs:
        found.add_run(run)
    if blocks.beside_tables:
        found.mark_links_beside_tables(blocks.beside_tables)
    if blocks.definitions:
        from vaultlink.parse.note_builder import read_definitions  # noqa: PLC0415 - rare

        found.definitions = read_definitions(blocks.definitions, found)
    if blocks.queries:
        from vaultlink.parse.queries import find_query_names  # noqa: PLC0415 - rare

        found.queries = find_query_names(blocks.queries, found.starts)
    found.code_spans.extend(
        span for span in blocks.hidden if not found.text.startswith("<", span[0])
    )
    if found.may_have_images:
        html = [TextRun(block.lines) for block in blocks.hiding if not block.kind]
        for run in html:
            found.add_images(find_image_tags(run.text), run)
    if blocks.hiding:
        found.problems += describe_hiding_blocks(blocks, found.starts)
        found.problems += find_swallowed_links(blocks.hiding, found.text, body)
    found.problems += find_detached_ids(blocks, found.text, body, found.starts)
    return (
        _locate_headings(blocks.headings, found),
        _locate_block_ids(blocks, found),
        blocks.hidden,
        blocks.runs,
    )


def _find_declared(path: str, text: str) -> tuple[str, ...]:
    from vaultlink.parse.read_only import find_read_only_folders  # noqa: PLC0415 - for few notes

    return find_read_only_folders(path, text)


def _locate_headings(
    headings: Sequence[tuple[int, str, int, int]], found: NoteBuilder
) -> tuple[Heading, ...]:
    """Return the headings with places, from level, text, start and end of each."""
    lines = [bisect_right(found.starts, start) for _, _, start, _ in headings]
    line_starts = [found.starts[line - 1] for line in lines]
    places = [(begin, end) for begin, (_, _, _, end) in zip(line_starts, headings, strict=True)]
    linked = (link.target for link in found.links if not (link.external or link.embed))
    if found.compares or len(set(linked)) >= MIN_LISTED:
        found.pieces, bodies = hash_sections(found.text, places)
    else:
        bodies = [(0, 0)] * len(places)
    return tuple(
        Heading(start, end, line, start - begin + 1, level, words, *body)
        for (level, words, start, end), line, begin, body in zip(
            headings, lines, line_starts, bodies, strict=True
        )
    )


def _locate_block_ids(blocks: ParsedBlocks, found: NoteBuilder) -> tuple[BlockId, ...]:
    checksums = _GrowingChecksum(found.text)
    return tuple(
        BlockId(
            *found.locate(at, at + 1 + len(name)),
            name,
            line_and_column(found.starts, block)[0],
            checksums.compute(block, at),
        )
        for name, at, block in blocks.ids
    )


class _GrowingChecksum:
    """Checksums of texts with one start (the ids of a block), each part read once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._block = -1
        self._start = self._end = self._value = 0

    def compute(self, block: int, end: int) -> int:
        """Return the CRC-32 of the text between two offsets; 0 if it is short."""
        if block != self._block or end < self._end:
            part = self._text[block:end]
            self._block, self._value = block, 0
            self._start = self._end = block + len(part) - len(part.lstrip())
        part = self._text[self._end : end].rstrip()
        if part:
            self._value = crc32(part.encode("utf-8", "surrogatepass"), self._value)
            self._end += len(part)
        return self._value if self._end - self._start >= _MIN_TEXT else 0


_MIN_TEXT = 20
"""Minimum number of characters of a text that tells a block from others."""


def _add_properties(
    read: Frontmatter, found: NoteBuilder
) -> tuple[tuple[Property, ...], tuple[Directive, ...]]:
    if read.invalid:
        _add_invalid_frontmatter(*read.invalid, found)
        return (), ()
    for key, start, end in read.duplicates:
        found.add_problem("duplicate-property", start, end, key)
    for inner, start, end in read.unquoted_links:
        found.problems.append(
            ParseProblem(*found.locate(start, end), kind="unquoted-property-link", target=inner)
        )
    for path, value, start, end in read.scalars:
        if value.startswith("["):
            link = parse_property_link(value, found.locate(start, end), path)
            if link:
                found.links.append(link)
    directives = []
    properties = []
    for entry in read.properties:
        spot = found.locate(entry.start, entry.end)
        properties.append(
            Property(*spot, entry.key, entry.value, entry.value_start, entry.value_end)
        )
        if entry.key.lower() == "tags":
            _add_property_tags(entry.key, entry.value, read, found)
        if entry.key == "vaultlink":
            from vaultlink.parse.directives import parse_ignored_rules  # noqa: PLC0415 - as above

            directives.append(Directive(*spot, "property", parse_ignored_rules(entry.value)))
    return tuple(properties), tuple(directives)


def _add_invalid_frontmatter(problem: str, start: int, end: int, found: NoteBuilder) -> None:
    """Add a problem, except for text with `<%`, which Templater fills in first."""
    if "<%" not in found.text[: found.text.find("\n---", 3)]:
        found.add_problem("invalid-frontmatter", start, end, problem)


def _add_property_tags(
    key: str, value: PropertyValue, read: Frontmatter, found: NoteBuilder
) -> None:
    """Add the tags of a list, or of a text without commas; none with spaces (4.16)."""
    spots = {scalar.key_path: (scalar.start, scalar.end) for scalar in read.scalars}
    items: Iterable[tuple[str, PropertyValue]] = [(key, value)]
    if isinstance(value, list):
        items = [(f"{key}.{index}", item) for index, item in enumerate(value)]
    for path, item in items:
        name = item.strip().removeprefix("#") if isinstance(item, str) else ""
        if name and path in spots and "," not in name and not any(char.isspace() for char in name):
            found.tags.append(Tag(*found.locate(*spots[path]), name, Place.PROPERTY))


def _assign_places(
    found: NoteBuilder, comments: list[tuple[int, int]], sections: tuple[Section, ...]
) -> tuple[tuple[Link, ...], tuple[Section, ...]]:
    """Set place and comment flag of links; drop the links of managed sections.

    Returns the links, and the sections with the updated links in their entries.
    """
    links = found.links
    if not sections and not comments:
        return tuple(links), ()
    remaining, by_start = [], {}
    for link in links:
        if link.place is not BODY:
            section, commented = None, False
        else:
            section = _enclosing_section(link.start, sections) if sections else None
            before = bisect_left(comments, (link.start + 1,))
            commented = before > 0 and link.start < comments[before - 1][1]
        updated = link
        if section or commented:
            place = Place.SECTION if section else BODY
            updated = structs.replace(link, place=place, in_comment=commented)
        by_start[link.start] = updated
        if not section or section.owner is Owner.AUTHOR:
            remaining.append(updated)
    return tuple(remaining), tuple(_replace_entry_links(section, by_start) for section in sections)


def _sort_images(images: list[HtmlImage], comments: list[tuple[int, int]]) -> tuple[HtmlImage, ...]:
    """Return the images outside comments, in order."""
    spans = SpanSet(comments)
    shown = [image for image in images if not spans.covers(image.start)]
    return tuple(sorted(shown, key=lambda image: image.start))


def _enclosing_section(at: int, sections: tuple[Section, ...]) -> Section | None:
    """Return the section that contains an offset. Sections are in order."""
    before = bisect_right(sections, at, key=lambda section: section.start)
    return sections[before - 1] if before and at < sections[before - 1].end else None


def _replace_entry_links(section: Section, by_start: dict[int, Link]) -> Section:
    return structs.replace(
        section,
        entries=tuple(
            structs.replace(entry, link=by_start[entry.link.start]) if entry.link else entry
            for entry in section.entries
        ),
    )


def _drop_managed_problems(
    problems: list[ParseProblem], sections: tuple[Section, ...]
) -> Iterable[ParseProblem]:
    """Yield the problems except malformed links in managed sections."""
    for problem in problems:
        section = (
            _enclosing_section(problem.start, sections)
            if problem.kind in ("malformed-link", "wikilink-with-destination")
            else None
        )
        if not section or section.owner is Owner.AUTHOR:
            yield problem
