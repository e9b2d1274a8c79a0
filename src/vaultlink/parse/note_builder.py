"""Collect the results of the passes over one text, with line, column and place."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

from msgspec import structs

from vaultlink.model import (
    Definition,
    HtmlImage,
    Link,
    LinkKind,
    ParseProblem,
    Place,
    QueryName,
    Tag,
)
from vaultlink.parse.inline import (
    InlineContent,
    InlineMarkdownLink,
    InlineWikilink,
    may_contain_links,
    read_inline,
)
from vaultlink.parse.leaf_blocks import LINK_DEFINITION
from vaultlink.parse.lines import SourceLine, TextRun
from vaultlink.parse.link_parts import (
    decode_destination,
    is_external,
    parse_wikilink,
    split_subpath,
)
from vaultlink.parse.malformed import (
    BracketFault,
    CutRow,
    LinkFault,
    MalformedLink,
    Replacements,
    TrialBudget,
    escape_pipe_in_cell,
    find_cut_fault,
    find_doubled_brackets,
    find_escaped_links,
    find_malformed_links,
    find_third_bracket,
    fix_malformed_link,
    is_in_code,
    is_in_other_brackets,
)
from vaultlink.parse.names_in_text import IMAGE_TAG, read_image_address
from vaultlink.text import line_and_column, line_starts

WIKILINK, MARKDOWN, BODY = LinkKind.WIKILINK, LinkKind.MARKDOWN, Place.BODY


class NoteBuilder:
    """The links, tags and problems that were found in one text.

    `starts` are the offsets of its line starts. In `code_spans`, directives do not count. Images
    are looked for only if `may_have_images` is set. Without `compares`, only the sentences of what
    may be an index of notes are hashed.
    """

    def __init__(self, text: str, place: Place = BODY):
        self.text = text
        self.starts = line_starts(text)
        self.place = place
        self.links: list[Link] = []
        self.tags: list[Tag] = []
        self.problems: list[ParseProblem] = []
        self.definitions: tuple[Definition, ...] = ()
        self.queries: tuple[QueryName, ...] = ()
        self.pieces = b""
        self.compares = True
        self.code_spans: list[tuple[int, int]] = []
        self.may_have_directives = False
        self.may_have_images = False
        self.images: list[HtmlImage] = []
        self._budget = TrialBudget()
        self._row: CutRow | None = None

    def locate(self, start: int, end: int) -> tuple[int, int, int, int]:
        return start, end, *line_and_column(self.starts, start)

    def add_problem(self, kind: str, start: int, end: int, detail: str = "") -> None:
        """Add a problem at a span that has no fix."""
        self.problems.append(ParseProblem(*self.locate(start, end), kind, detail))

    def add_wikilink(
        self,
        start: int,
        end: int,
        embed: bool,
        in_table_cell: bool = False,
        after_bracket: bool = False,
    ) -> None:
        """Add the wikilink at a span. For an embed, the span includes the `!`."""
        raw = self.text[start:end]
        target, subpath, display = parse_wikilink(raw[3:-2] if embed else raw[2:-2])
        self.links.append(
            Link(
                start,
                end,
                *line_and_column(self.starts, start),
                raw=raw,
                target=target,
                subpath=subpath,
                display=display,
                kind=WIKILINK,
                embed=embed,
                place=self.place,
                in_table_cell=in_table_cell,
                after_bracket=after_bracket,
            )
        )

    def add_markdown_link(self, link: InlineMarkdownLink, run: TextRun) -> None:
        """Add a Markdown link.

        Ignored if its destination cannot be decoded: then it is not a link.
        """
        destination = decode_destination(link.destination, embed=link.embed)
        if destination is None:
            return
        external = is_external(destination)
        target, subpath = (destination, "") if external else split_subpath(destination)
        start, end = run.source_offset(link.start), run.source_end(link.end)
        text = run.text[link.start + 1 + link.embed : link.text_end]
        self.links.append(
            Link(
                *self.locate(start, end),
                raw=self.text[start:end],
                target=target,
                subpath=subpath,
                display=text,
                kind=MARKDOWN,
                embed=link.embed,
                place=self.place,
                external=external,
                in_table_cell=run.in_table_cell,
                after_bracket=run.text[max(link.start - 1, 0) : link.start] == "[",
            )
        )

    def add_run(self, run: TextRun) -> None:
        """Add the links, tags and problems of a run."""
        text = run.text
        has_images = self.may_have_images and IMAGE_TAG.search(text) is not None
        if not (has_images or may_contain_links(text) or self.may_have_directives):
            return
        found = read_inline(text)
        is_in_brackets = _make_bracket_test(found)
        for link in found.links:
            if isinstance(link, InlineWikilink):
                self.add_wikilink(
                    run.source_offset(link.start),
                    run.source_end(link.end),
                    link.embed,
                    run.in_table_cell,
                    link.in_link or is_in_brackets(link.start),
                )
            else:
                self.add_markdown_link(link, run)
        if has_images:
            self.add_images((span for span in found.hidden if IMAGE_TAG.match(text, span[0])), run)
        self._add_tags_and_problems(found, run)

    def add_images(self, tags: Iterable[tuple[int, int]], run: TextRun) -> None:
        """Add the images of the `<img>` tags at spans of a run or HTML block."""
        for tag in tags:
            address = read_image_address(run.text, *tag)
            if address:
                start, end, target = address
                spot = self.locate(run.source_offset(start), run.source_end(end))
                self.images.append(HtmlImage(*spot, target))

    def mark_links_beside_tables(self, offsets: Iterable[int]) -> None:
        """Mark the links in these lines, which a pipe would make rows of a table."""
        lines = {line_and_column(self.starts, offset)[0] for offset in offsets}
        self.links = [
            structs.replace(link, beside_table=True) if link.line in lines else link
            for link in self.links
        ]

    def _add_tags_and_problems(self, found: InlineContent, run: TextRun) -> None:
        for start, end in found.tags:
            spot = self.locate(run.source_offset(start) - 1, run.source_end(end))
            self.tags.append(Tag(*spot, run.text[start:end], self.place))
        if found.unlinked_brackets:
            for link in find_malformed_links(run.text, found.unlinked_brackets):
                self._add_malformed_link(link, found, run)
        if found.escapes:
            for fault in find_escaped_links(run.text, found, self._budget):
                self._add_bracket_fault(fault, run)
        for item in found.links:
            if isinstance(item, InlineWikilink):
                self._add_wikilink_problems(item, found, run)
        self.code_spans.extend(
            (run.source_offset(start), run.source_end(end))
            for start, end in found.hidden
            if run.text[start] == "`"
        )

    def _add_malformed_link(self, link: MalformedLink, found: InlineContent, run: TextRun) -> None:
        row = self._cut_row(run)
        fault = find_cut_fault(run, row, link, self.text)
        if is_in_code(run, row, link) or (fault is None and is_in_other_brackets(run, link)):
            return
        fix: Replacements = ()
        if fault is None:
            fix = fix_malformed_link(run, found, link, self.text, self._budget)
        elif fault is LinkFault.PIPE_IN_CELL:
            fix = escape_pipe_in_cell(run, link, self.text)
        is_certain = fault is None or (row is not None and row.explains_extra_cells)
        self._add_link_problem(run, link._replace(fault=fault or link.fault), fix, is_certain)

    def _cut_row(self, run: TextRun) -> CutRow | None:
        """Return the row of a run; the cells of a row share one."""
        if run.row is None:
            return None
        if self._row is None or self._row.row is not run.row:
            self._row = CutRow(run.row)
        return self._row

    def _add_wikilink_problems(
        self, link: InlineWikilink, found: InlineContent, run: TextRun
    ) -> None:
        if run.text.startswith("[[[", link.start + link.embed):
            fault = find_third_bracket(run, found, link, self._budget)
            if fault:
                self._add_bracket_fault(fault, run)
        elif run.text.startswith("(", link.end):
            doubled = find_doubled_brackets(run, found, link, self._budget)
            if doubled:
                self.problems.append(
                    ParseProblem(
                        *self.locate(run.source_offset(doubled.start), run.source_end(doubled.end)),
                        kind="wikilink-with-destination",
                        replacements=_place_replacements(doubled.replacements, run),
                        target=doubled.destination,
                    )
                )

    def _add_bracket_fault(self, fault: BracketFault, run: TextRun) -> None:
        fix = _place_replacements(fault.replacements, run)
        self._add_link_problem(run, fault.link, fix, fault.is_certain)

    def _add_link_problem(
        self, run: TextRun, link: MalformedLink, fix: Replacements, is_certain: bool
    ) -> None:
        self.problems.append(
            ParseProblem(
                *self.locate(run.source_offset(link.start), run.source_end(link.end)),
                kind="malformed-link",
                detail=link.fault.value,
                replacements=fix,
                is_certain=is_certain,
                target=link.target,
            )
        )


def _make_bracket_test(found: InlineContent) -> Callable[[int], bool]:
    """Return a function that returns True in, and behind, brackets without a link."""
    brackets = sorted(found.unlinked_brackets)
    if not brackets:
        return lambda _at: False
    starts = [bracket.start for bracket in brackets]
    ends = list(accumulate((item.close or item.end for item in brackets), max))

    def is_in_brackets(at: int) -> bool:
        number = bisect_left(starts, at)
        return number > 0 and ends[number - 1] >= at - 1

    return is_in_brackets


def _place_replacements(changes: Replacements, run: TextRun) -> Replacements:
    return tuple(
        (run.source_offset(start), run.source_end(end), text) for start, end, text in changes
    )


# -- parse the definitions of links' labels: `[label]: destination "title"` ------------------------
# Obsidian does not count them as links, but a rename of the file must change them too.


class DefinedDestination(NamedTuple):
    """The destination of a definition; its span in the line, 0-based.

    `wrapped` is True if it is in angle brackets, which the span excludes.
    """

    start: int
    end: int
    target: str
    subpath: str
    wrapped: bool


def read_definitions(lines: list[SourceLine], found: NoteBuilder) -> tuple[Definition, ...]:
    """Return the definitions in lines that the block pass recognized as such.

    Those with a URL are left out.
    """
    return tuple(_iter_definitions(lines, found))


def _iter_definitions(lines: list[SourceLine], found: NoteBuilder) -> Iterator[Definition]:
    for line in lines:
        parsed = parse_definition(line.text)
        if parsed:
            start, end = line.offset + parsed.start, line.offset + parsed.end
            raw = line.text[parsed.start : parsed.end]
            yield Definition(
                *found.locate(start, end), raw, parsed.target, parsed.subpath, parsed.wrapped
            )


def parse_definition(line: str) -> DefinedDestination | None:
    """Return the destination that a line without the marks of its container defines.

    None for a URL, and if the line is no definition.
    """
    match = LINK_DEFINITION.match(line)
    if not match:
        return None
    wrapped = match[1] is not None
    start, end = match.span(1 if wrapped else 2)
    raw = line[start:end]
    decoded = decode_destination(raw)
    if decoded is None or is_external(decoded) or (raw.startswith("<") and not wrapped):
        return None
    target, subpath = split_subpath(decoded)
    return DefinedDestination(start, end, target, subpath, wrapped) if target or subpath else None
