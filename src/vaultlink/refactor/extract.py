"""Plan to move a section of a note into a note of its own."""

from collections.abc import Iterator, Sequence

from vaultlink.backlinks.placement import detect_line_end, has_open_comment
from vaultlink.engine.step import State
from vaultlink.fix.plan import Plan, Rename, RenameKind
from vaultlink.fix.sources import FixInputs
from vaultlink.index.anchors import render_heading
from vaultlink.index.index import Index, link_name
from vaultlink.index.resolve import name_key, normalize_name, parent_folder, resolve
from vaultlink.links.edit_math import apply_edits, edit_span
from vaultlink.links.kinds import SYNTAX
from vaultlink.links.style import find_link_style
from vaultlink.mentions.visible import body_start
from vaultlink.model import Destination, Edit, Heading, Link, Note, SourceSpan
from vaultlink.refactor.refactoring import require_text
from vaultlink.refactor.regrouping import (
    LinkPlace,
    NotePart,
    RegroupedNotes,
    Regrouping,
    count_open_blocks,
    find_cut_labels,
    list_changed_kinds,
)
from vaultlink.refactor.relocation import RefusedError
from vaultlink.refactor.subpaths import SubpathMap, find_named_anchor
from vaultlink.text import lazy_pattern

_NOT_IN_NAMES = lazy_pattern(r"[\s\\/:*?\"<>|#^\[\]%\x00-\x1f]+")
"""Characters that file names or links can't contain."""


def plan_extract(
    state: State,
    sources: FixInputs,
    path: str,
    subpath: str,
    new_path: str | None = None,
) -> Plan:
    """Plan to move a section of the note at `path` into a new note. Does not write.

    A link takes the section's place, and links to headings and blocks in it follow. `subpath` is
    the heading, such as `#A` or `#A#B`. Without `new_path`, the new note has the heading's text as
    its name, in the same folder. Raises RefusedError if the section can't be cut out, or a link
    would lose its meaning.
    """
    cut = _Cut(require_text(sources, path), state.index.notes[path], subpath)
    new_path = new_path or default_extract_path(path, cut.heading.text)
    for item in state.index.names.get(name_key(new_path), ()):
        if normalize_name(item) == normalize_name(new_path):
            raise RefusedError(f"there is a file “{item}” already.")
    return _Extraction(state, sources, cut, new_path).plan(
        Rename(RenameKind.HEADING, f"{path}{subpath}", new_path)
    )


def default_extract_path(path: str, heading: str) -> str:
    """Return the path of the note that a section of the note at `path` becomes.

    Raises RefusedError if the text of its heading can't be a file name.
    """
    name = _NOT_IN_NAMES.sub(" ", render_heading(heading)).strip(" .")
    if not name:
        raise RefusedError(f"the heading “{heading}” can't be a file name. Give the new name.")
    return f"{parent_folder(path)}{name}.md"


class _Cut:
    """The section of a note to cut out.

    `end` is the offset behind its last line that is not blank, without the line end.
    """

    def __init__(self, text: str, note: Note, subpath: str) -> None:
        self.text, self.note = text, note
        found = find_named_anchor(note, subpath)
        if not isinstance(found, Heading):
            raise RefusedError(f"“{subpath}” of “{note.path}” is a block, not a heading.")
        self.heading = found
        self.start = self._line_start(found.start)
        after = (item for item in note.headings if item.start > found.start)
        following = next((item for item in after if item.level <= found.level), None)
        end = self._line_start(following.start) if following else len(text)
        self.end = self.start + len(_strip_blank_lines(text[self.start : self._before(end)]))
        self._check()

    def _line_start(self, offset: int) -> int:
        return self.text.rfind("\n", 0, offset) + 1

    def _before(self, end: int) -> int:
        """Return the end of the section without the backlinks sections at its end."""
        inner = [item for item in self.note.sections if self.start <= item.start < end]
        for section in reversed(inner):
            if section.start <= self.heading.start:
                raise RefusedError(f"“{self.heading.text}” is a backlinks section.")
            if self.text[section.end : end].strip():
                raise RefusedError(
                    f"a backlinks section is in the middle of “{self.heading.text}” "
                    f"(line {section.line})."
                )
            end = self._line_start(section.start)
        return end

    def _check(self) -> None:
        """Refuse a section that needs what stays, or the reverse."""
        above, moved = self.text[: self.start], self.text[self.start : self.end]
        labels = find_cut_labels(moved, f"{above}\n{self.text[self.end :]}")
        if labels:
            listed = ", ".join(f"[{label}]" for label in labels)
            raise RefusedError(
                f"“{self.heading.text}” can't be cut out: a definition would be in one note and "
                f"its use in the other, {listed}."
            )
        if has_open_comment(above) or has_open_comment(moved):
            raise RefusedError(f"“{self.heading.text}” can't be cut out: a comment would be cut.")

    def contains(self, item: SourceSpan) -> bool:
        return self.start <= item.start < self.end

    def needs_blank_line(self) -> bool:
        """Return True if a link in place of the section would be part of the text before."""
        if self.start == body_start(self.text):
            return False
        above = self.text[self._line_start(self.start - 1) : self.start]
        is_heading = any(item.line == self.heading.line - 1 for item in self.note.headings)
        return bool(above.strip()) and not is_heading


def _strip_blank_lines(text: str) -> str:
    """Return a text without the blank lines at its end and the line end before them."""
    end = len(text)
    while (at := text.rfind("\n", 0, end)) != -1 and not text[at:end].strip():
        end = at - text.endswith("\r", 0, at)
    return text[:end]


class _Extraction(Regrouping[RegroupedNotes]):
    def __init__(self, state: State, sources: FixInputs, cut: _Cut, new_path: str) -> None:
        super().__init__(state, sources, cut.note.path, new_path, removes_old=False)
        self._cut = cut
        self._line_end = detect_line_end(cut.text)
        self._link = self._format_link()
        lead = self._line_end if cut.needs_blank_line() else ""
        self._replacement = Edit(self.old_path, cut.start, cut.end, lead + self._link)

    def _format_link(self) -> str:
        index, obsidian = self.index, self.state.settings.obsidian
        after = Index(index.notes, self.names, index.targets, index.files)
        style = find_link_style(self.old_path, index, obsidian)
        target = style.format_target(self.old_path, self.new_path, after)
        if resolve(self.old_path, target, self.names) != self.new_path:
            target = self.new_path
        text = "" if SYNTAX[style.kind].shows_target else link_name(self.new_path)
        return style.write_link(target, text)

    def _regroup(self, staying: Sequence[Edit], going: Sequence[Edit]) -> RegroupedNotes:
        cut = self._cut
        before = [edit for edit in staying if edit.end <= cut.start]
        behind = [edit for edit in staying if edit.start >= cut.end]
        edits = (*before, self._replacement, *behind)
        new_text = edit_span(cut.text, cut.start, cut.end, going) + self._line_end
        return RegroupedNotes(
            edits,
            self.parse(self.old_path, apply_edits(cut.text, edits)),
            self.parse(self.new_path, new_text),
            new_text,
        )

    # -- headings and blocks ---------------------------------------------------------------------

    def _use_maps(self, notes: RegroupedNotes) -> None:
        self.maps[self.old_path] = self._map_part(notes.kept, moved=False)
        self._moves = self._map_part(notes.receiver, moved=True)

    def _map_part(self, after: Note, *, moved: bool) -> SubpathMap:
        """Return the subpaths of links to what stays, or to what is moved."""
        note, numbers = self._cut.note, []
        for had, has in ((note.headings, after.headings), (note.blocks, after.blocks)):
            kept = [n for n, item in enumerate(had) if self._cut.contains(item) is moved]
            if len(kept) != len(has):
                raise self._refuse("the headings or blocks")
            numbers.append({number: at for at, number in enumerate(kept)})
        return SubpathMap(note, after, *numbers)

    def find_destination(self, link: Link, path: str) -> Destination:
        """Return where a link must lead that leads to a file now."""
        subpath, kind = link.subpath, link.kind
        if path == self.old_path and subpath and self._moves.contains(subpath, kind):
            return Destination(self.new_path, self._moves.new_subpath(subpath, kind))
        return super().find_destination(link, path)

    # -- checks ----------------------------------------------------------------------------------

    def _find_differences(self, notes: RegroupedNotes) -> Iterator[str]:
        cut, note, rest, new = self._cut, self._cut.note, notes.kept, notes.receiver
        at = cut.start + len(self._replacement.text) - len(self._link)
        if (at, self._link) not in [(link.start, link.raw) for link in rest.links]:
            yield "the link to the new note"
        yield from list_changed_kinds(
            NotePart(note, lambda item: not cut.contains(item)),
            NotePart(rest, lambda item: item.start != at),
        )
        yield from list_changed_kinds(
            NotePart(note, cut.contains), NotePart(new, lambda _item: True)
        )
        sections = [(item.owner, item.heading) for item in note.sections]
        if sections != [(item.owner, item.heading) for item in rest.sections] or new.sections:
            yield "a backlinks section"
        if count_open_blocks([note]) != count_open_blocks([rest, new]):
            yield "a block without an end"

    def _refuse(self, what: str) -> RefusedError:
        return RefusedError(
            f"“{self._cut.heading.text}” can't be cut out: {what} would be read differently."
        )

    def _list_links(self, notes: RegroupedNotes) -> Iterator[LinkPlace]:
        counts = {notes.kept.path: 0, notes.receiver.path: 0}
        for link, target in self.index.resolved_links(self.old_path):
            goes = self._cut.contains(link)
            skipped = not goes and link.start >= self._cut.end  # the link to the new note
            path = self.new_path if goes else self.old_path
            yield (link, target), path, counts[path] + skipped
            counts[path] += 1
