"""Make links text, in notes and in text cards of canvases.

A link becomes the words that a reader saw. An embed has none: it is removed, with its line if it
stands alone there. An item of a list in the properties is removed, another property becomes text,
and an entry of a backlinks section is removed.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from vaultlink.index.index import link_name
from vaultlink.links.edit_math import sort_edits
from vaultlink.links.kinds import is_wikilink
from vaultlink.links.rewrite import replace_in_property, unlink_link
from vaultlink.model import Definition, Edit, Link, Note, Place, Section
from vaultlink.parse.blocks import read_blocks
from vaultlink.parse.inline import read_inline
from vaultlink.parse.lines import TextRun, split_lines
from vaultlink.parse.properties import body_start
from vaultlink.text import lazy_pattern

Span = tuple[int, int]


class UnlinkedPlaces(NamedTuple):
    """The places of a note that name a deleted file."""

    links: Sequence[Link]
    definitions: Sequence[Definition] = ()


def unlink_in_note(note: Note, text: str, places: UnlinkedPlaces) -> tuple[Edit, ...]:
    """Return the edits that make links of a note text."""
    found = _Unlinking(note.path, text, body_start(text))
    properties = [link for link in places.links if link.place is Place.PROPERTY]
    others = [link for link in places.links if link.place is not Place.PROPERTY]
    found.remove_from_properties(properties)
    kept = found.remove_entries(note.sections, others)
    found.unlink_all(kept)
    found.remove_definitions(places.definitions)
    return found.finish()


def remove_entries(note: Note, text: str, places: UnlinkedPlaces) -> tuple[Edit, ...]:
    """Return the edits that remove entries of backlinks sections."""
    found = _Unlinking(note.path, text, body_start(text))
    sections = [section for section in note.sections if not section.usual]
    found.remove_entries(sections, places.links)
    return found.finish()


def unlink_in_text(path: str, text: str, links: Sequence[Link]) -> tuple[Edit, ...]:
    """Return the edits that make links text in the text of a canvas card."""
    found = _Unlinking(path, text, 0)
    found.unlink_all(links)
    return found.finish()


class _Unlinking:
    """The edits of one text. `_cuts` are removed whatever else is edited in them."""

    def __init__(self, path: str, text: str, body: int) -> None:
        self._path, self._text, self._body = path, text, body
        self._edits: list[Edit] = []
        self._cuts: list[Span] = []

    def finish(self) -> tuple[Edit, ...]:
        cuts = list(_join_spans(self._cuts))
        free = [
            edit
            for edit in dict.fromkeys(self._edits)
            if not any(start <= edit.start and edit.end <= end for start, end in cuts)
        ]
        removed = [Edit(self._path, start, end, "") for start, end in cuts]
        return tuple(sort_edits([*free, *removed]))

    def _replace(self, start: int, end: int, new: str) -> None:
        self._edits.append(Edit(self._path, start, end, new))

    def unlink_all(self, links: Iterable[Link]) -> None:
        silent = []
        for link in links:
            if not link.embed and (link.display or is_wikilink(link)):
                self._edits += unlink_link(self._path, link, self._text)
            elif self._fills_link_text(link):
                self._replace(link.start, link.end, link.display or link_name(link.target))
            else:
                silent.append((link.start, link.end))
        self._remove_silent(silent)

    def _fills_link_text(self, link: Link) -> bool:
        """Return True for an embed that is all the text of another link."""
        return self._text[link.start - 1 : link.start] == "[" and self._text.startswith(
            "](", link.end
        )

    def _remove_silent(self, spans: Sequence[Span]) -> None:
        """Remove links without words, with the lines that they fill."""
        by_line: dict[int, list[Span]] = {}
        for start, end in spans:
            by_line.setdefault(self._text.rfind("\n", 0, start) + 1, []).append((start, end))
        for line_start, group in by_line.items():
            line_end = self._find_line_end(group[-1][1])
            if self._is_filled(line_start, line_end, group):
                self._cuts.append(self._widen_to_lines(line_start, line_end))
            else:
                self._cuts += [self._widen_to_space(*span) for span in group]

    def _find_line_end(self, at: int) -> int:
        end = self._text.find("\n", at)
        return len(self._text) if end == -1 else end + 1

    def _is_filled(self, start: int, end: int, spans: Sequence[Span]) -> bool:
        """Return True if nothing else than container marks is in a line."""
        rest, last = [], start
        for span in spans:
            rest.append(self._text[last : span[0]])
            last = span[1]
        rest.append(self._text[last:end])
        is_filled = _CONTAINER.fullmatch("".join(rest).strip()) is not None
        below = self._text[end : self._find_line_end(end)]
        has_items = _indent(below) > _indent(rest[0]) and bool(below.strip())
        return is_filled and not (rest[0].strip(" \t>") and has_items)

    def _widen_to_lines(self, start: int, end: int) -> Span:
        """Return the span of a line, with the blank line that would be a second one."""
        before = self._text[self._text.rfind("\n", 0, max(start - 1, 0)) + 1 : max(start - 1, 0)]
        is_first = start <= self._body
        below = self._text[end : self._find_line_end(end)]
        if end == len(self._text) and start > self._body:
            if not self._text.endswith("\n"):  # the line end before it goes
                start -= 2 if self._text[start - 2 : start] == "\r\n" else 1
            if not before.strip() and not is_first:
                start = max(len(self._text[:start].rstrip("\r\n \t")), self._body)
                kept = self._text[start : self._find_line_end(start)]
                start += len(kept) if self._text.endswith("\n") else 0
        elif before.strip() == ">" and not below.lstrip().startswith(">"):
            start = self._text.rfind("\n", 0, start - 1 - len(before)) + 1  # the end of a quote
        else:
            while below.endswith("\n") and not below.strip(" \t>\r\n"):
                if not is_first and before.strip() != below.strip():
                    break
                end += len(below)
                below = self._text[end : self._find_line_end(end)]
        return start, end

    def _widen_to_space(self, start: int, end: int) -> Span:
        before, behind = self._text[start - 1 : start], self._text[end : end + 1]
        if before == " " and behind in (" ", "\r", "\n", ""):
            start -= 1
        elif behind == " " and before in ("\n", ""):
            end += 1
        return start, end

    def remove_entries(self, sections: Sequence[Section], links: Iterable[Link]) -> list[Link]:
        """Remove entries with these links; return the links that are not in one."""
        starts = {link.start: link for link in links}
        for section in sections:
            gone = [item for item in section.entries if item.link and item.link.start in starts]
            gone = [item for item in gone if item.cut_end > item.cut_start]
            if section.usual:  # an entry may say something of its own
                gone = [item for item in gone if not item.tail.strip()]
            if not gone:
                continue
            is_emptied = len(gone) == len(section.entries) and not section.prose_lines
            if is_emptied and not section.text and section.cut_end > section.cut_start:
                self._cuts.append((section.cut_start, section.cut_end))
            else:
                self._cuts += [(item.cut_start, item.cut_end) for item in gone]
            for item in gone:
                starts.pop(item.link.start if item.link else -1)
        return list(starts.values())

    def remove_from_properties(self, links: Iterable[Link]) -> None:
        """Remove items of lists; other properties become text."""
        lists: dict[str, list[Link]] = {}
        for link in links:
            parent, _, last = link.key_path.rpartition(".")
            if parent and last.isdigit():
                lists.setdefault(parent, []).append(link)
            else:
                self._make_plain(link)
        for group in lists.values():
            self._remove_items(group)

    def _make_plain(self, link: Link) -> None:
        """Make a link in a property text; an embed leaves an empty one."""
        edits = unlink_link(self._path, link, self._text)
        if link.embed:
            edits = replace_in_property(self._path, link, "", self._text)
        self._edits += edits

    def _remove_items(self, links: Sequence[Link]) -> None:
        for link in links:
            line_start = self._text.rfind("\n", 0, link.start) + 1
            line_end = self._find_line_end(link.end)
            around = self._text[line_start : link.start] + self._text[link.end : line_end]
            if _LIST_LINE.fullmatch(around):
                self._cuts.append((line_start, line_end))
            else:
                self._remove_flow_item(link)
        self._close_empty_list(links)

    def _remove_flow_item(self, link: Link) -> None:
        """Remove an item between brackets, with one comma."""
        start, end = link.start, link.end
        if self._text[start - 1 : start] in ("'", '"'):
            start, end = start - 1, end + 1
        behind = _COMMA_BEHIND.match(self._text, end)
        before = _COMMA_BEFORE.search(self._text[:start])
        if before:
            start = before.start()
        elif behind:
            end = behind.end()
        self._cuts.append((start, end))

    def _close_empty_list(self, links: Sequence[Link]) -> None:
        """Write an empty list where all lines of a list go."""
        first = self._text.rfind("\n", 0, links[0].start)
        last = self._find_line_end(links[-1].end)
        lines = self._text[first + 1 : last].splitlines()
        key = self._text[self._text.rfind("\n", 0, max(first, 0)) + 1 : first].rstrip("\r")
        following = self._text[last : self._find_line_end(last)]
        is_list = len(lines) == len(links) and all(line.lstrip()[:1] == "-" for line in lines)
        goes_on = following.lstrip(" \t").rstrip("\r\n")[:2] in ("-", "- ")
        if is_list and key.rstrip().endswith(":") and not goes_on:
            at = first - (self._text[first - 1 : first] == "\r")
            self._replace(at, at, " []")

    def remove_definitions(self, definitions: Sequence[Definition]) -> None:
        """Remove definitions with their lines; the links with their labels become text."""
        labels = {}
        for item in definitions:
            start = self._text.rfind("\n", 0, item.start) + 1
            match = _LABEL.match(self._text, start)
            if match:
                labels[label_key(match[1])] = (start, self._find_line_end(item.end))
        for run in read_blocks(split_lines(self._text, self._body)).runs if labels else ():
            self._unlink_labels(run, labels.__contains__)
        self._cuts += [self._widen_to_lines(*span) for span in labels.values()]

    def _unlink_labels(self, run: TextRun, is_gone: Callable[[str], bool]) -> None:
        hidden = read_inline(run.text).hidden
        silent = []
        for match in _REFERENCE.finditer(run.text):
            if any(start <= match.start() < end for start, end in hidden):
                continue
            if is_gone(label_key(match["label"] or match["words"])):
                start, end = run.source_offset(match.start()), run.source_end(match.end())
                if match["embed"]:
                    silent.append((start, end))
                else:
                    self._replace(start, end, match["words"])
        self._remove_silent(silent)


_CONTAINER = lazy_pattern(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]*(?:\[.\])?[ \t]*)?")
_LIST_LINE = lazy_pattern(r"""[ \t]*-[ \t]+(?:""|''|)[ \t]*\r?\n?""")
_COMMA_BEHIND = lazy_pattern(r"\s*,\s*")
_COMMA_BEFORE = lazy_pattern(r",\s*\Z")
_LABEL = lazy_pattern(r"[ \t>]*(?:[-*+][ \t]+)?\[((?:[^\[\]\\\n]|\\.)+)\]:")
_REFERENCE = lazy_pattern(
    r"(?P<embed>!?)\[(?P<words>(?:[^\[\]\\]|\\.)+)\](?:\[(?P<label>(?:[^\[\]\\]|\\.)*)\])?(?![(:\[])"
)


def _join_spans(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield spans in order; those that overlap as one."""
    last: Span | None = None
    for start, end in sorted(spans):
        if last and start < last[1]:
            last = last[0], max(last[1], end)
            continue
        if last:
            yield last
        last = start, end
    if last:
        yield last


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def label_key(label: str) -> str:
    """Return a label of a definition as CommonMark compares labels."""
    return " ".join(label.split()).casefold()
