"""Plan to move a section of a note into a note of its own."""

from collections.abc import Sequence

from vaultlink.backlinks.placement import detect_line_end, has_open_comment
from vaultlink.engine.step import State
from vaultlink.fix.plan import Plan, Rename, RenameKind
from vaultlink.fix.sources import FixSources
from vaultlink.index.anchors import heading_key, render_heading
from vaultlink.index.index import Index, link_name, update_names
from vaultlink.index.resolve import name_key, normalize_name, parent_folder, resolve
from vaultlink.links.edits import apply_edits
from vaultlink.links.naming import format_target
from vaultlink.links.rewrite import encode_destination
from vaultlink.model import Destination, Edit, Heading, Link, Note, SourceSpan
from vaultlink.parse.properties import frontmatter_span
from vaultlink.refactor.anchors import find_named_anchor
from vaultlink.refactor.content import (
    count_open_blocks,
    describe_contents,
    list_changed_kinds,
)
from vaultlink.refactor.labels import find_cut_labels
from vaultlink.refactor.regrouping import (
    RefactorContext,
    RegroupedTexts,
    Regrouping,
    find_captured_anchors,
)
from vaultlink.refactor.relocation import RefusedError
from vaultlink.refactor.subpaths import SubpathMap
from vaultlink.text import lazy_pattern

_NOT_IN_NAMES = lazy_pattern(r"[\s\\/:*?\"<>|#^\[\]%\x00-\x1f]+")
"""Characters that file names or links can't contain."""

_MOST_ROUNDS = 5
"""Number of times that links are planned: headings that change with them change others."""


def plan_extract(
    state: State,
    sources: FixSources,
    path: str,
    subpath: str,
    new_path: str | None = None,
) -> Plan:
    """Plan to move a section into a new note. Does not write.

    A link takes the section's place, and links to headings and blocks in it follow.

    Args:
        state: The state of the vault.
        sources: The texts of notes and canvases.
        path: Vault path of the note.
        subpath: The heading of the section, such as `#A` or `#A#B`.
        new_path: Vault path of the new note; None for the heading's text in the same folder.

    Returns:
        The plan.

    Raises:
        RefusedError: The section can't be cut out, or a link would lose its meaning.
    """
    vault = RefactorContext(state, sources)
    cut = _Cut(vault.text(path), vault.index.notes[path], subpath)
    new_path = new_path or default_extract_path(path, cut.heading.text)
    existing = (item for item in vault.index.names.get(name_key(new_path), ()))
    for item in existing:
        if normalize_name(item) == normalize_name(new_path):
            raise RefusedError(f"there is a file “{item}” already.")
    return _Extraction(vault, cut, path, new_path).plan(
        Rename(RenameKind.HEADING, f"{path}{subpath}", new_path)
    )


def default_extract_path(path: str, heading: str) -> str:
    """Return the path of the note that a section becomes.

    Args:
        path: Vault path of the note that contains the section.
        heading: The text of the section's heading.

    Raises:
        RefusedError: The text can't be a file name.
    """
    name = _NOT_IN_NAMES.sub(" ", render_heading(heading)).strip(" .")
    if not name:
        raise RefusedError(f"the heading “{heading}” can't be a file name. Give the new name.")
    return f"{parent_folder(path)}{name}.md"


class _Cut:
    """The section of a note to cut out.

    Attributes:
        text: The text of the note.
        note: The note.
        heading: The heading of the section.
        start: Offset of the section.
        end: Offset behind its last line that is not blank, without the line end.
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
        labels = find_cut_labels(self.moved, self.text[: self.start] + "\n" + self.rest)
        if labels:
            listed = ", ".join(f"[{label}]" for label in labels)
            raise RefusedError(
                f"“{self.heading.text}” can't be cut out: a definition would be in one note and "
                f"its use in the other, {listed}."
            )
        if has_open_comment(self.text[: self.start]) or has_open_comment(self.moved):
            raise RefusedError(f"“{self.heading.text}” can't be cut out: a comment would be cut.")

    @property
    def moved(self) -> str:
        """The text of the section."""
        return self.text[self.start : self.end]

    @property
    def rest(self) -> str:
        """The text behind the section."""
        return self.text[self.end :]

    def contains(self, item: SourceSpan) -> bool:
        """Return True for an item in the section."""
        return self.start <= item.start < self.end

    def needs_blank_line(self) -> bool:
        """Return True if a link in place of the section would be part of the text before."""
        span = frontmatter_span(self.text)
        if self.start == (span[2] if span else 0):
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


class _Extraction:
    """Plans to move one section."""

    def __init__(self, vault: RefactorContext, cut: _Cut, path: str, new_path: str) -> None:
        self._vault, self._cut, self._path, self._new_path = vault, cut, path, new_path
        self._regrouping = Regrouping(
            vault, path, new_path, self._find_destination, removes_old=False
        )
        self._line_end = detect_line_end(cut.text)
        self._link = self._format_link()
        lead = self._line_end if cut.needs_blank_line() else ""
        self._replacement = Edit(path, cut.start, cut.end, lead + self._link)
        self._use_maps(*self._parse((), ()))
        self._check_contents()

    def plan(self, rename: Rename) -> Plan:
        """Plan the edits."""
        for _ in range(_MOST_ROUNDS):
            links, going = self._regrouping.plan_links()
            staying = links.edits.get(self._path, ())
            rest, new = self._parse(staying, going)
            is_stable = _list_keys(rest) == _list_keys(self._stays.after) and _list_keys(
                new
            ) == _list_keys(self._moves.after)
            if is_stable:
                break
            self._use_maps(rest, new)
        else:
            raise RefusedError("headings contain links that change other headings.")
        captured = find_captured_anchors(self._vault.index, {self._path: self._stays})
        return self._regrouping.complete(
            rename,
            links,
            RegroupedTexts(
                {self._path: self._edit_rest(staying)},
                (self._new_path, self._edit_moved(going)),
                tuple(self._pair_links()),
            ),
            captured,
        )

    # -- the texts -------------------------------------------------------------------------------

    def _format_link(self) -> str:
        """Return the link to the new note, as the vault writes links."""
        index, obsidian = self._vault.index, self._vault.settings.obsidian
        names = update_names(index.names, frozenset(), frozenset({self._new_path}))
        after = Index(index.notes, names, index.targets, index.files)
        target = format_target(self._path, self._new_path, after, obsidian.new_link_format)
        if resolve(self._path, target, names) != self._new_path:
            target = self._new_path
        if not obsidian.use_markdown_links:
            return f"[[{target}]]"
        extension = "" if target == self._new_path else ".md"
        return f"[{link_name(self._new_path)}]({encode_destination(target + extension)})"

    def _edit_rest(self, edits: Sequence[Edit]) -> tuple[Edit, ...]:
        """Return the edits of the note, given those of its links."""
        cut = self._cut
        before = [edit for edit in edits if edit.end <= cut.start]
        return (*before, self._replacement, *[edit for edit in edits if edit.start >= cut.end])

    def _edit_moved(self, edits: Sequence[Edit]) -> str:
        """Return the text of the new note, given the edits of the links in the old one."""
        cut = self._cut
        inner = [
            Edit(self._new_path, edit.start - cut.start, edit.end - cut.start, edit.text)
            for edit in edits
            if cut.start <= edit.start < cut.end
        ]
        return apply_edits(cut.moved, inner) + self._line_end

    def _parse(self, staying: Sequence[Edit], going: Sequence[Edit]) -> tuple[Note, Note]:
        """Return the two notes afterwards, given the edits of links."""
        rest = apply_edits(self._cut.text, self._edit_rest(staying))
        return (
            self._vault.parse(self._path, rest),
            self._vault.parse(self._new_path, self._edit_moved(going)),
        )

    # -- headings and blocks ---------------------------------------------------------------------

    def _use_maps(self, rest: Note, new: Note) -> None:
        """Let links follow to the headings and blocks of these notes."""
        note = self._cut.note
        numbers = []
        for after, moved in ((rest, False), (new, True)):
            for had, has in ((note.headings, after.headings), (note.blocks, after.blocks)):
                kept = [n for n, item in enumerate(had) if self._cut.contains(item) is moved]
                if len(kept) != len(has):
                    raise self._refuse("the headings or blocks")
                numbers.append({number: at for at, number in enumerate(kept)})
        self._stays = SubpathMap(note, rest, numbers[0], numbers[1])
        self._moves = SubpathMap(note, new, numbers[2], numbers[3])

    def _find_destination(self, link: Link, path: str) -> Destination:
        if path != self._path or not link.subpath:
            return Destination(path, link.subpath)
        goes = self._moves.contains(link.subpath, link.kind)
        subpaths = self._moves if goes else self._stays
        return Destination(subpaths.after.path, subpaths.new_subpath(link.subpath, link.kind))

    # -- checks ----------------------------------------------------------------------------------

    def _check_contents(self) -> None:
        """Refuse a cut that changes how the rest is read, before links are edited."""
        cut, note = self._cut, self._cut.note
        rest, new = self._stays.after, self._moves.after
        added = next((link for link in rest.links if link.raw == self._link), None)
        at = cut.start + len(self._replacement.text) - len(self._link)
        starts = [link.start for link in rest.links if link.raw == self._link]
        if added is None or at not in starts:
            raise self._refuse("the link to the new note")
        for had, has in (
            (
                describe_contents(note, lambda item: not cut.contains(item)),
                describe_contents(rest, lambda item: item.start != at),
            ),
            (describe_contents(note, cut.contains), describe_contents(new, lambda _item: True)),
        ):
            for kind in list_changed_kinds(had, has):
                raise self._refuse(f"a {kind}")
        sections = [(item.owner, item.heading) for item in note.sections]
        if sections != [(item.owner, item.heading) for item in rest.sections] or new.sections:
            raise self._refuse("a backlinks section")
        if count_open_blocks([note]) != count_open_blocks([rest, new]):
            raise self._refuse("a block without an end")

    def _refuse(self, what: str) -> RefusedError:
        return RefusedError(
            f"“{self._cut.heading.text}” can't be cut out: {what} would be read differently."
        )

    def _pair_links(self) -> list[tuple[Link, str | None, str, int]]:
        """Return each link of the note with its place afterwards."""
        counts = {False: 0, True: 0}
        found = []
        for link, target in self._vault.index.resolved_links(self._path):
            goes = self._cut.contains(link)
            skipped = not goes and link.start >= self._cut.end  # the link to the new note
            path = self._new_path if goes else self._path
            found.append((link, target, path, counts[goes] + skipped))
            counts[goes] += 1
        return found


def _list_keys(note: Note) -> list[str]:
    return [heading_key(item.text) for item in note.headings]
