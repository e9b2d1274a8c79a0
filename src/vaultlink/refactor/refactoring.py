"""Let links follow while files get other paths, or text goes to another note."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from msgspec.structs import replace

from vaultlink.backlinks.existing import find_mentioning_notes, parse_managed_sections
from vaultlink.engine.step import State, parse
from vaultlink.fix.plan import CapturedLink, ChangedTexts, NamedPlace, Plan
from vaultlink.fix.sections import SectionContext, find_section_edits
from vaultlink.fix.sources import FixInputs
from vaultlink.fix.verify import BrokenPromise, find_broken_moves
from vaultlink.index.index import Index, update_names
from vaultlink.links.edit_math import OffsetShift, apply_edits, sort_edits
from vaultlink.model import Destination, Edit, Link, Note, SkippedNote
from vaultlink.parse.backlinks_markers import MARKER_TEXT
from vaultlink.refactor.plan_link_edits import LinkEdits, LinkPlanner, find_defining_sources
from vaultlink.refactor.relocation import RefusedError, Relocation, step_after
from vaultlink.refactor.subpaths import SubpathMap
from vaultlink.text import list_first, quote_name

MOST_NAMED = 5
"""Links or notes that a refusal names, at most."""

EditsByPath = dict[str, tuple[Edit, ...]]
"""Path of a file before the moves to its edits, sorted."""


class Refactoring:
    """A vault in one state, and what becomes of its files and headings.

    Managed sections that are up to date before are up to date afterwards. The entries of other
    sections follow as links do.

    Attributes:
        files: Old path to new path of every file that moves.
        new_paths: The same, and path of each removed note to the note that gets its text.
        names: The names of the vault's files afterwards.
        maps: The subpaths of links to each note whose headings or blocks change.
        adds_display: True if links that get a path get a display text, too.
    """

    def __init__(
        self,
        state: State,
        sources: FixInputs,
        files: Mapping[str, str],
        joined: Mapping[str, str] = {},
        created: Set[str] = frozenset(),
        removed: Set[str] = frozenset(),
    ) -> None:
        """Prepare a plan.

        `joined` are paths of notes that are removed, to those of the notes that get their texts;
        `created` those of new notes, `removed` those of files whose texts no note gets.
        """
        self.state, self.index, self.sources = state, state.index, sources
        self.files, self.new_paths = files, {**files, **joined}
        self._old_paths = {new: old for old, new in files.items()}
        self._removed = joined.keys() | removed
        added = frozenset(files.values()) | created
        vanished = frozenset(self._removed | files.keys())
        self.names = update_names(self.index.names, vanished, added)
        self.maps: dict[str, SubpathMap] = {}
        self.adds_display = True
        in_step = _find_sections_in_step(state, sources)
        self._generated = {
            path: items - removed for path, items in in_step.items() if path not in self._removed
        }

    def text(self, path: str) -> str:
        return require_text(self.sources, path)

    def parse(self, path: str, text: str) -> Note:
        return parse(self.state.settings, path, text)

    def find_destination(self, link: Link, path: str) -> Destination | None:
        """Return where a link must lead that leads to a file now; None for anywhere."""
        subpaths = self.maps.get(path) if link.subpath else None
        subpath = subpaths.new_subpath(link.subpath, link.kind) if subpaths else link.subpath
        return Destination(self.new_paths.get(path, path), subpath)

    def edit_links(self, relocation: Relocation, sources: Iterable[str]) -> LinkEdits:
        """Return the edits of links in files. Raises RefusedError if one can't follow."""
        obsidian, text_of = self.state.settings.obsidian, self.sources.find_text
        planner = LinkPlanner(
            self.index,
            obsidian,
            text_of,
            relocation,
            self._generated.keys(),
            self.sources.peek,
            adds_display=self.adds_display,
        )
        links = planner.plan(sources)
        if links.unwritable:
            listed = list_first([f"{raw} in {path}" for path, raw in links.unwritable], MOST_NAMED)
            problem = f"no link can be written that leads to the new name: {listed}."
            raise RefusedError(f"{problem} Nothing was written. Choose another name.")
        return links

    def follow_links(
        self, relocation: Relocation, sources: Set[str], own: Mapping[str, Sequence[Edit]]
    ) -> LinkEdits:
        """Return the edits of links; those of links to headings that edits change, too.

        `sources` are the files with links that may lose their meaning, `own` the other edits.
        Raises RefusedError if a link can't follow.
        """
        while True:
            index, followers = self.index, set(self.maps)
            for path in self.maps:
                followers.update(index.anchor_sources.get(path, ()))
                followers |= find_defining_sources(index, path)
            links = self.edit_links(relocation, (sources | followers) - self._removed)
            edits = merge_edits(own, links.edits)
            if not [path for path in edits if self._follow_headings(path, edits[path])]:
                return links

    def _follow_headings(self, path: str, edits: Sequence[Edit]) -> bool:
        """Make links follow headings that edits of links change; False if none do."""
        note, shift = self.index.notes[path], OffsetShift(edits)
        if path in self.maps or not self.index.anchor_sources.get(path):
            return False
        if not any(shift.is_touched(item.start, item.end) for item in note.headings):
            return False
        after = self.parse(path, apply_edits(self.text(path), edits))
        if len(after.headings) == len(note.headings) and len(after.blocks) == len(note.blocks):
            self.maps[path] = SubpathMap(note, after)
        return path in self.maps

    def find_captured(self, paths: Iterable[str]) -> Iterator[CapturedLink]:
        """Yield the links to missing headings and blocks of some notes that will exist."""
        maps = {path: self.maps[path] for path in paths}
        sources = {source for path in maps for source in self.index.anchor_sources.get(path, ())}
        for source in sorted(sources):
            for link, target in self.index.resolved_links(source):
                subpaths = maps.get(target or "")
                if subpaths and link.subpath and subpaths.captures(link.subpath):
                    after = subpaths.after.path
                    where = source, link.line, link.column, link.raw
                    yield CapturedLink(*where, self.files.get(after, after))

    def path_before(self, path: str) -> str:
        return self._old_paths.get(path, path)

    def step(
        self, edits: Mapping[str, Sequence[Edit]], others: ChangedTexts
    ) -> tuple[State, set[str]]:
        """Return the state after edits, `others` created or removed, and affected paths."""
        new = {path: text for path, (_, text) in others.items()}
        return step_after(self.state, self.files, {**self._list_texts(edits), **new})

    def _list_texts(self, edits: Mapping[str, Sequence[Edit]]) -> dict[str, str | None]:
        return {
            self.files.get(path, path): apply_edits(self.text(path), group)
            for path, group in edits.items()
        }

    def find_broken(
        self, edits: Mapping[str, Sequence[Edit]], after: State, paths: Iterable[str]
    ) -> Iterator[BrokenPromise]:
        """Yield what would be wrong afterwards in files that exist before, by path."""
        present, find = sorted(self.index.files.intersection(paths)), self.find_destination
        return find_broken_moves(self.state, after, edits, present, self.files, find)

    def complete(
        self,
        edits: Mapping[str, tuple[Edit, ...]],
        after: State,
        others: ChangedTexts,
        skipped: Mapping[str, str],
    ) -> Plan:
        """Return the plan, with the edits of the managed sections that were up to date.

        `after` is the state after `edits` and `others`: the texts of notes that are created or
        removed. `skipped` are notes that should change and can't, with the reasons.
        """
        found = self._plan_section_edits(edits, after)
        if found:
            edits = merge_edits(edits, found)
            new_texts = self._list_texts({path: edits[path] for path in found})
            after, _ = step_after(after, {}, new_texts)
        old = {path: self.text(path) for path in edits}
        new = {path: (old[path], apply_edits(old[path], edits[path])) for path in edits}
        texts: ChangedTexts = {**new, **others}
        return Plan(
            before=self.state,
            after=after,
            texts=texts,
            edits=edits,
            marked=frozenset(filter(self.sources.has_mark, texts)),
            files=self.files,
            is_whole=True,
            breaks=tuple(self._find_breaks(after.index, skipped)),
            skipped=tuple([SkippedNote(path, skipped[path]) for path in sorted(skipped)]),
        )

    def _find_breaks(self, after: Index, skipped: Iterable[str]) -> Iterator[NamedPlace]:
        for path in sorted(skipped):
            now = [target for _, target in after.resolved_links(self.files.get(path, path))]
            for (link, target), new in zip(self.index.resolved_links(path), now, strict=True):
                if target is not None and new is None:
                    yield NamedPlace(path, link.line, link.column, link.raw)

    def _plan_section_edits(self, edits: Mapping[str, Sequence[Edit]], after: State) -> EditsByPath:
        found: EditsByPath = {}
        if not self._generated:
            return found

        def new_text(new_path: str) -> str | None:
            path = self.path_before(new_path)
            text = self.sources.find_text(path)
            return apply_edits(text, edits[path]) if text is not None and path in edits else text

        mentions = {
            self.files.get(path, path): {self.new_paths.get(item, item) for item in items}
            for path, items in self._generated.items()
        }
        sources = replace(self.sources, text=new_text, mentions=mentions)
        context = SectionContext.from_state(after, sources)
        for new_path in sorted(mentions):
            path, text = self.path_before(new_path), new_text(new_path)
            if text is None:
                continue
            shift = OffsetShift(edits.get(path, ()))
            group = [
                Edit(path, shift.map_back(edit.start), shift.map_back(edit.end), edit.text)
                for _, edit in find_section_edits(context, after.index.notes[new_path], text)
            ]
            if group:
                found[path] = tuple(group)
        return found


def _find_sections_in_step(state: State, sources: FixInputs) -> dict[str, Set[str]]:
    """Return the notes whose managed sections are up to date, with their mentions."""
    found: dict[str, Set[str]] = {}
    context, index = None, state.index
    for path in index.notes.find_keys(MARKER_TEXT.encode()):
        note = index.notes[path]
        text = sources.text(path) if any(item.text for item in note.sections) else None
        if text is None or not state.settings.is_linted(path):
            continue
        context = context or SectionContext.from_state(state, sources)
        if not any(find_section_edits(context, note, text)):
            parsed = [item for _, item in parse_managed_sections(note, "")]
            found[path] = frozenset(find_mentioning_notes(path, parsed, index.names))
    return found


def require_text(sources: FixInputs, path: str) -> str:
    """Return the text of a note that must change. Raises RefusedError if it can't."""
    text = sources.find_text(path)
    if text is None:
        raise RefusedError(f"{quote_name(path)} can't be changed: {sources.explain(path)}.")
    return text


def merge_edits(
    one: Mapping[str, Sequence[Edit]], other: Mapping[str, Sequence[Edit]]
) -> EditsByPath:
    """Return the edits of both, without those of the second within the first."""
    merged = {path: tuple(group) for path, group in one.items()}
    for path, group in other.items():
        own = merged.get(path, ())
        free = [
            edit
            for edit in group
            if not any(larger.start <= edit.start and edit.end <= larger.end for larger in own)
        ]
        merged[path] = tuple(sort_edits([*own, *free]))
    return merged
