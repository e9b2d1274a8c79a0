"""Plan to append a note to another one."""

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from vaultlink.backlinks.placement import detect_line_end, has_open_comment, remove_section
from vaultlink.engine.step import State
from vaultlink.fix.plan import Plan, Rename, RenameKind
from vaultlink.fix.sources import FixSources
from vaultlink.index.anchors import heading_key
from vaultlink.links.edits import OffsetShift, apply_edits, sort_edits
from vaultlink.model import Destination, Edit, Link, Note, Owner, Place, SourceSpan
from vaultlink.parse.properties import frontmatter_span
from vaultlink.refactor.content import count_open_blocks, describe_contents, list_changed_kinds
from vaultlink.refactor.labels import find_common_labels
from vaultlink.refactor.property_merge import (
    MergedProperties,
    format_conflicts,
    merge_properties,
)
from vaultlink.refactor.regrouping import (
    RefactorContext,
    RegroupedTexts,
    Regrouping,
    find_captured_anchors,
)
from vaultlink.refactor.relocation import RefusedError
from vaultlink.refactor.subpaths import SubpathMap

_MOST_ROUNDS = 5
"""Number of times that links are planned: headings that change with them change others."""


def plan_merge(state: State, sources: FixSources, path: str, into: str) -> Plan:
    """Plan to append a note to another one and to remove it. Does not write.

    Links to the first note, and to its headings and blocks, lead to the second one.

    Args:
        state: The state of the vault.
        sources: The texts of notes and canvases.
        path: Vault path of the note to append.
        into: Vault path of the note that it is appended to.

    Returns:
        The plan.

    Raises:
        RefusedError: The notes can't be one note, or a link would lose its meaning.
    """
    if path == into:
        raise RefusedError(f"“{path}” can't be merged with itself.")
    context = RefactorContext(state, sources)
    return _Merging(context, path, into).plan(Rename(RenameKind.NOTE, path, into))


class _Combined(msgspec.Struct, frozen=True):
    """Two notes in one.

    Attributes:
        edits: The edits of the second note, sorted.
        body: Span of the first note's text in the new text.
        note: The note afterwards.
        properties: The merged properties.
    """

    edits: tuple[Edit, ...]
    body: tuple[int, int]
    note: Note
    properties: MergedProperties

    def is_appended(self, item: SourceSpan) -> bool:
        """Return True for an item in the first note's text."""
        return self.body[0] <= item.start < self.body[1]


class _Merging:
    """Plans to append one note to another."""

    def __init__(self, context: RefactorContext, path: str, into: str) -> None:
        self._context, self._path, self._into = context, path, into
        self._text, self._into_text = context.text(path), context.text(into)
        self._note, self._into_note = context.index.notes[path], context.index.notes[into]
        self._at = _find_end(self._into_note, self._into_text)
        self._check_names()
        combined = self._combine((), ())
        self._use_maps(combined.note)
        self._check_contents(combined)
        self._regrouping = Regrouping(context, path, into, self._find_destination, removes_old=True)

    def plan(self, rename: Rename) -> Plan:
        """Plan the edits."""
        for _ in range(_MOST_ROUNDS):
            links, going = self._regrouping.plan_links()
            combined = self._combine(links.edits.get(self._into, ()), going)
            is_stable = _list_keys(combined.note) == _list_keys(self._moves.after)
            if is_stable:
                break
            self._use_maps(combined.note)
        else:
            raise RefusedError("headings contain links that change other headings.")
        captured = find_captured_anchors(
            self._context.index, {self._path: self._moves, self._into: self._stays}
        )
        return self._regrouping.complete(
            rename,
            links,
            RegroupedTexts({self._into: combined.edits}, None, tuple(self._pair_links(combined))),
            captured,
        )

    # -- the text --------------------------------------------------------------------------------

    def _combine(self, staying: Sequence[Edit], going: Sequence[Edit]) -> _Combined:
        """Return both notes in one, given the edits of links in each."""
        line_end = detect_line_end(self._into_text if "\n" in self._into_text else self._text)
        text = apply_edits(self._text, going)
        note = self._context.parse(self._path, text)
        properties = merge_properties(self._into_note, self._into_text, note, text, line_end)
        body = _list_own_text(note, text).replace("\r\n", "\n").replace("\n", line_end)
        self._check_labels(body)
        conflicts = format_conflicts(properties.conflicts, line_end)
        if conflicts and body:
            conflicts += line_end
        lead, tail = self._separate(conflicts + body, line_end)
        content = conflicts + (body.rstrip("\r\n") if self._into_text[self._at :].strip() else body)
        added = Edit(self._into, self._at, self._at, lead + content + tail)
        edits = sort_edits([*staying, *properties.edits, *([added] if content else [])])
        shift = OffsetShift(edits)
        start, end = next(
            (span for edit, span in zip(edits, shift.new_spans, strict=True) if edit is added),
            (0, 0),
        )
        new_text = apply_edits(self._into_text, edits)
        return _Combined(
            tuple(edits),
            (start + len(lead) + len(conflicts) if end else 0, end),
            self._context.parse(self._into, new_text),
            properties,
        )

    def _separate(self, content: str, line_end: str) -> tuple[str, str]:
        """Return the line ends to add before and after the appended text."""
        before = self._into_text[: self._at].replace("\r\n", "\n")
        after = self._into_text[self._at :].replace("\r\n", "\n")
        if not content:
            return "", ""
        own = before[_body_start(before) :]
        missing = 0
        if own.strip():
            missing = max(0, 2 - len(own) + len(own.rstrip("\n")))
        elif before and not before.endswith("\n"):
            missing = 1
        behind = max(0, 2 - len(after) + len(after.lstrip("\n"))) if after.strip() else 0
        return line_end * missing, line_end * behind

    # -- headings and blocks ---------------------------------------------------------------------

    def _is_kept(self, item: SourceSpan) -> bool:
        """Return True for an item of the first note that is not in a managed section."""
        managed = (item for item in self._note.sections if item.owner is not Owner.AUTHOR)
        return not any(section.start <= item.start < section.end for section in managed)

    def _use_maps(self, after: Note) -> None:
        """Let links follow to the headings and blocks of this note."""
        going, staying = [], []
        for had, own, has in (
            (self._note.headings, self._into_note.headings, after.headings),
            (self._note.blocks, self._into_note.blocks, after.blocks),
        ):
            kept = [number for number, item in enumerate(had) if self._is_kept(item)]
            before = sum(item.start < self._at for item in own)
            if len(kept) + len(own) != len(has):
                raise self._refuse("the headings or blocks")
            going.append({number: before + at for at, number in enumerate(kept)})
            staying.append({n: n if n < before else n + len(kept) for n in range(len(own))})
        self._moves = SubpathMap(self._note, after, *going)
        self._stays = SubpathMap(self._into_note, after, *staying)

    def _find_destination(self, link: Link, path: str) -> Destination:
        if not link.subpath:
            return Destination(self._into)
        subpaths = self._moves if path == self._path else self._stays
        return Destination(self._into, subpaths.new_subpath(link.subpath, link.kind))

    # -- checks ----------------------------------------------------------------------------------

    def _check_names(self) -> None:
        """Refuse notes with the same block ids, and blocks without an end."""
        ids = {block.id.lower(): block for block in self._into_note.blocks}
        both = [f"^{item.id}" for item in self._note.blocks if item.id.lower() in ids]
        if both:
            raise RefusedError(
                f"both notes have the blocks {', '.join(both)}. Rename them in one of the notes."
            )
        before = self._into_text[: self._at] + "\n\n"
        probe = self._context.parse(self._into, f"{before}# x\n")
        if all(item.start != len(before) + 2 for item in probe.headings):
            raise RefusedError(
                f"“{self._into}” ends in code, math, HTML or a comment that is not closed."
            )
        own = _list_own_text(self._note, self._text)
        if has_open_comment(self._into_text[: self._at]) or (
            self._into_text[self._at :].strip() and has_open_comment(own)
        ):
            raise RefusedError("a comment (%%) without an end would hide the text behind it.")

    def _check_labels(self, body: str) -> None:
        """Refuse a text with footnotes or definitions of the second note's names."""
        labels = find_common_labels(body, self._into_text)
        if labels:
            listed = ", ".join(f"[{label}]" for label in labels)
            raise RefusedError(
                f"both notes use {listed} with different meanings. Rename them in one of the notes."
            )

    def _check_contents(self, combined: _Combined) -> None:
        """Refuse notes that would be read differently as one, before links are edited."""
        own_start = _body_start(self._text)
        into_start, new_start = (
            _body_start(self._into_text),
            _body_start(apply_edits(self._into_text, combined.edits)),
        )
        for had, has in (
            (
                describe_contents(
                    self._note, lambda item: item.start >= own_start and self._is_kept(item)
                ),
                describe_contents(combined.note, combined.is_appended),
            ),
            (
                describe_contents(self._into_note, lambda item: item.start >= into_start),
                describe_contents(
                    combined.note,
                    lambda item: item.start >= new_start and not combined.is_appended(item),
                ),
            ),
        ):
            for kind in list_changed_kinds(had, has):
                raise self._refuse(f"a {kind}")
        lost = Counter((item.owner, item.heading) for item in self._into_note.sections)
        lost -= Counter((item.owner, item.heading) for item in combined.note.sections)
        if lost:
            raise self._refuse("a backlinks section")
        if count_open_blocks([self._note, self._into_note]) != count_open_blocks([combined.note]):
            raise self._refuse("a block without an end")
        values = combined.properties.values
        new_values = {item.key: item.value for item in combined.note.properties or ()}
        if values is not None and repr(sorted(values.items())) != repr(sorted(new_values.items())):
            raise self._refuse("a property")

    def _refuse(self, what: str) -> RefusedError:
        return RefusedError(
            f"“{self._path}” can't be appended to “{self._into}”: {what} would be read differently."
        )

    def _pair_links(self, combined: _Combined) -> Iterator[tuple[Link, str | None, str, int]]:
        """Yield each link of both notes with its place afterwards.

        The links in properties that the second note does not get have no place.
        """
        numbers = list(enumerate(combined.note.links))
        in_properties = {link.key_path: n for n, link in numbers if link.place is Place.PROPERTY}
        body = [(n, link) for n, link in numbers if link.place is not Place.PROPERTY]
        for path, appended in ((self._path, True), (self._into, False)):
            places = iter([n for n, link in body if combined.is_appended(link) is appended])
            for link, target in self._context.index.resolved_links(path):
                if link.place is not Place.PROPERTY:
                    yield link, target, self._into, next(places)
                elif not appended or link.key_path.partition(".")[0] in combined.properties.added:
                    yield link, target, self._into, in_properties[link.key_path]


def _find_end(note: Note, text: str) -> int:
    """Return the offset at which text is appended: before the sections at the end."""
    end = len(text)
    for section in reversed(note.sections):
        if text[section.end : end].strip():
            break
        end = text.rfind("\n", 0, section.start) + 1
    if end == len(text):
        return end
    start = _body_start(text)
    kept = text[start:end].rstrip("\r\n")
    return start + len(kept) if kept else end


def _list_own_text(note: Note, text: str) -> str:
    """Return the text of a note without its properties and managed sections.

    The blank lines at its start, and those before a managed section at its end, are left out.
    """
    managed = [item for item in note.sections if item.owner is not Owner.AUTHOR]
    start = _body_start(text)
    edits = [Edit("", 0, start, ""), *[remove_section("", text, item) for item in managed]]
    body = apply_edits(text, sort_edits(edits))
    lines = body.splitlines(keepends=True)
    while managed and lines and not lines[-1].strip():
        lines.pop()
    first = next((n for n, line in enumerate(lines) if line.strip()), len(lines))
    return "".join(lines[first:])


def _body_start(text: str) -> int:
    span = frontmatter_span(text)
    return span[2] if span else 0


def _list_keys(note: Note) -> list[str]:
    return [heading_key(item.text) for item in note.headings]
