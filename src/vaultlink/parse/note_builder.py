"""Collect the results of the passes over one text, with line, column and place."""

from vaultlink.model import Link, LinkKind, ParseProblem, Place, Tag
from vaultlink.parse.inline import may_contain_links, read_inline
from vaultlink.parse.inline_types import InlineContent, InlineMarkdownLink, InlineWikilink
from vaultlink.parse.lines import TextRun
from vaultlink.parse.link_parts import (
    decode_destination,
    is_external,
    parse_wikilink,
    split_subpath,
)
from vaultlink.parse.malformed import (
    LinkFault,
    escape_pipe_in_cell,
    find_malformed_links,
    fix_malformed_link,
    is_cut_by_cell,
)
from vaultlink.text import line_and_column, line_starts

WIKILINK, MARKDOWN, BODY = LinkKind.WIKILINK, LinkKind.MARKDOWN, Place.BODY


class NoteBuilder:
    """The links, tags and problems that were found in one text.

    Attributes:
        text: The source text.
        starts: Offsets of its line starts.
        place: Place of the links and tags.
        links: The links.
        tags: The tags.
        problems: The defects.
        code_spans: Spans of code, in which directives do not count.
        may_have_directives: True if the text may contain directives.
    """

    def __init__(self, text: str, place: Place = BODY):
        self.text = text
        self.starts = line_starts(text)
        self.place = place
        self.links: list[Link] = []
        self.tags: list[Tag] = []
        self.problems: list[ParseProblem] = []
        self.code_spans: list[tuple[int, int]] = []
        self.may_have_directives = False

    def locate(self, start: int, end: int) -> tuple[int, int, int, int]:
        """Return start, end, line and column of a span."""
        return start, end, *line_and_column(self.starts, start)

    def add_problem(
        self,
        kind: str,
        start: int,
        end: int,
        detail: str = "",
        replacements: tuple[tuple[int, int, str], ...] = (),
    ) -> None:
        """Add a problem at a span."""
        self.problems.append(ParseProblem(*self.locate(start, end), kind, detail, replacements))

    def add_wikilink(self, start: int, end: int, embed: bool, in_table_cell: bool = False) -> None:
        """Add the wikilink at a span. For an embed, the span includes the `!`."""
        raw = self.text[start:end]
        target, subpath, display = parse_wikilink(raw[3:-2] if embed else raw[2:-2])
        line, column = line_and_column(self.starts, start)
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
                WIKILINK,
                embed,
                self.place,
                "",
                False,
                False,
                in_table_cell,
            )
        )

    def add_markdown_link(self, link: InlineMarkdownLink, run: TextRun) -> None:
        """Add a Markdown link.

        Ignored if its destination cannot be decoded: then it is not a link.
        """
        destination = decode_destination(link.destination)
        if destination is None:
            return
        external = is_external(destination)
        target, subpath = (destination, "") if external else split_subpath(destination)
        start, end = run.source_offset(link.start), run.source_end(link.end)
        text = run.text[link.start + 1 + link.embed : link.text_end]
        self.links.append(
            Link(
                *self.locate(start, end),
                self.text[start:end],
                target,
                subpath,
                text,
                MARKDOWN,
                link.embed,
                self.place,
                "",
                external,
                False,
                run.in_table_cell,
                run.text[max(link.start - 1, 0) : link.start] == "[",
            )
        )

    def add_run(self, run: TextRun) -> None:
        """Add the links, tags and problems of a run."""
        text = run.text
        if not may_contain_links(text) and not self.may_have_directives:
            return
        found = read_inline(text)
        for link in found.links:
            if isinstance(link, InlineWikilink):
                self.add_wikilink(
                    run.source_offset(link.start),
                    run.source_end(link.end),
                    link.embed,
                    run.in_table_cell,
                )
            else:
                self.add_markdown_link(link, run)
        self._add_tags_and_problems(found, run)

    def _add_tags_and_problems(self, found: InlineContent, run: TextRun) -> None:
        for start, end in found.tags:
            spot = self.locate(run.source_offset(start) - 1, run.source_end(end))
            self.tags.append(Tag(*spot, run.text[start:end], self.place))
        for link in find_malformed_links(run.text, found.unlinked_brackets):
            in_cell = is_cut_by_cell(run, link, self.text)
            fault = LinkFault.PIPE_IN_CELL if in_cell else link.fault
            fix = escape_pipe_in_cell if in_cell else fix_malformed_link
            self.problems.append(
                ParseProblem(
                    *self.locate(run.source_offset(link.start), run.source_end(link.end)),
                    "malformed-link",
                    f"{link.target}\n{fault}",
                    fix(run, link, self.text),
                )
            )
        self.code_spans.extend(
            (run.source_offset(start), run.source_end(end))
            for start, end in found.hidden
            if run.text[start] == "`"
        )
