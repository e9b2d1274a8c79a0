"""Plan renames: the files that move, and the texts that change with them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from vaultlink.engine.step import State, parse
from vaultlink.fix.plan import CapturedLink, NamedPlace, Plan, Rename, RenameKind
from vaultlink.fix.sources import FixSources
from vaultlink.fix.verify import find_broken_moves
from vaultlink.index.index import Index, update_names
from vaultlink.index.resolve import is_canvas
from vaultlink.links.edits import OffsetShift, apply_edits, sort_edits
from vaultlink.model import Destination, Edit, Link, LinkKind, SkippedNote
from vaultlink.refactor.anchors import plan_anchor_renames
from vaultlink.refactor.base_mentions import find_base_mentions, find_mentioned_words
from vaultlink.refactor.link_edits import (
    LinkEdits,
    find_defining_sources,
    find_sources,
    plan_link_edits,
)
from vaultlink.refactor.managed_sections import find_sections_in_step, plan_section_edits
from vaultlink.refactor.regrouping import find_captured_anchors
from vaultlink.refactor.relocation import RefusedError, Relocation, list_emptied_folders, step_after
from vaultlink.refactor.subpaths import SubpathMap
from vaultlink.refactor.tags import find_tagged_notes, plan_tag_rename

NewSubpath = Callable[[str, LinkKind], str]
"""Returns the subpath of links to a note afterwards, given that before and the kind of link."""

_MOST_NAMED = 5
"""Links that a refusal names, at most."""


def plan_renames(
    state: State,
    sources: FixSources,
    renames: Sequence[Rename],
    moves: Mapping[str, str],
    files: Mapping[str, str],
) -> Plan:
    """Plan renames, all of them at once. Does not write.

    Args:
        state: The state of the vault.
        sources: The texts of notes and canvases, and the times of files.
        renames: What is renamed.
        moves: Old path to new path of each file or folder to rename on disk.
        files: Old path to new path of every file that `moves` renames.

    Returns:
        The plan. Notes whose links should change and can't are in `skipped`.

    Raises:
        RefusedError: A heading, block or tag can't be renamed, or a link would lose its meaning.
    """
    return _Planner(state, sources, files).plan(renames, moves)


class _Planner:
    """Plans renames of one vault in one state."""

    def __init__(self, state: State, sources: FixSources, files: Mapping[str, str]):
        self._state, self._index, self._settings = state, state.index, state.settings
        self._sources, self._files = sources, files
        self._old_paths = {new: old for old, new in files.items()}
        self._generated = find_sections_in_step(state, sources)
        self._names = update_names(self._index.names, frozenset(files), frozenset(files.values()))
        self._subpaths: dict[str, NewSubpath] = {}
        self._maps: dict[str, SubpathMap] = {}
        self._skipped: dict[str, str] = {}

    def plan(self, renames: Sequence[Rename], moves: Mapping[str, str]) -> Plan:
        """Plan the renames."""
        own = self._plan_anchors(renames)
        defining = frozenset(own)
        own = _merge_edits(own, self._plan_tags(renames))
        links = self._plan_links(own)
        edits = _merge_edits(own, links.edits)
        skipped = {path: self._sources.explain(path) for path in links.skipped} | self._skipped
        while True:
            after, affected = step_after(self._state, self._files, self._list_texts(edits))
            broken = self._find_broken(edits, after, affected, skipped)
            if not broken:
                break
            if broken.keys() & (defining | self._files.keys()) or not broken.keys() <= edits.keys():
                raise RefusedError(_describe_broken(broken))
            edits = {path: group for path, group in edits.items() if path not in broken}
            skipped.update(
                (path, f"its links can't be changed: {problem}") for path, problem in broken.items()
            )
        edits, after = self._add_section_edits(edits, after)
        texts = {path: self._change_text(path, group) for path, group in edits.items()}
        return Plan(
            before=self._state,
            after=after,
            texts=texts,
            edits=edits,
            marked=frozenset(filter(self._sources.has_mark, texts)),
            moves=moves,
            files=self._files,
            emptied=tuple(list_emptied_folders(renames, moves)),
            required=defining,
            is_whole=True,
            renames=tuple(renames),
            breaks=tuple(self._find_breaks(after.index, skipped)),
            captured=(*links.captured, *self._find_captured_anchors()),
            unchanged=tuple(_find_mentions(self._index, renames)),
            skipped=tuple(SkippedNote(path, reason) for path, reason in sorted(skipped.items())),
        )

    # -- headings, blocks and tags ---------------------------------------------------------------

    def _plan_anchors(self, renames: Sequence[Rename]) -> dict[str, tuple[Edit, ...]]:
        """Return the edits of headings and blocks, by the path of their note."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for item in renames:
            if item.kind in (RenameKind.HEADING, RenameKind.BLOCK):
                path = self._find_file(item.old)
                parents = item.old.rpartition("#")[0] + "#"
                own = parents if item.new.startswith(parents) else f"{path}#"
                name = item.new[len(own) :]
                name = name.removeprefix("^") if item.kind is RenameKind.BLOCK else name
                groups.setdefault(path, []).append((item.old[len(path) :], name))
        edits = {}
        for path, group in groups.items():
            changes = plan_anchor_renames(
                self._index.notes[path],
                self._require_text(path),
                group,
                partial(parse, self._settings, path),
            )
            self._subpaths[path], edits[path] = changes.new_subpath, changes.edits
            self._maps[path] = changes.subpaths
        return edits

    def _plan_tags(self, renames: Sequence[Rename]) -> dict[str, tuple[Edit, ...]]:
        """Return the edits of tags. Notes that can't be changed are skipped."""
        edits: dict[str, tuple[Edit, ...]] = {}
        renames = [item for item in renames if item.kind is RenameKind.TAG]
        canvases = (
            list(filter(is_canvas, self._index.notes)) if renames else []
        )  # their tags are not indexed
        for item in renames:
            old, new = item.old.removeprefix("#"), item.new.removeprefix("#")
            for path in [*find_tagged_notes(self._index, old), *canvases]:
                note, text = self._index.notes[path], self._sources.find_text(path)
                found = None if text is None else plan_tag_rename(path, note, text, old, new)
                if found:
                    edits = _merge_edits(edits, {path: found})
                elif found is None:
                    self._skipped[path] = (
                        self._sources.explain(path)
                        if text is None
                        else "its tags can't be changed safely"
                    )
        return edits

    def _find_captured_anchors(self) -> Iterator[CapturedLink]:
        """Yield the links to missing headings and blocks that get a new name."""
        for item in find_captured_anchors(self._index, self._maps):
            yield item._replace(target=self._files.get(item.target, item.target))

    def _find_file(self, name: str) -> str:
        """Return the path before the heading or block in a name such as `a.md#b`."""
        at = name.find("#")
        while at != -1 and name[:at] not in self._index.notes:
            at = name.find("#", at + 1)
        return name[:at]

    def _require_text(self, path: str) -> str:
        text = self._sources.find_text(path)
        if text is None:
            reason = self._sources.explain(path)
            raise RefusedError(f"{path} can't be changed: {reason}. Nothing was written.")
        return text

    # -- links -----------------------------------------------------------------------------------

    def _plan_links(self, own: Mapping[str, Sequence[Edit]]) -> LinkEdits:
        """Plan the edits of links; again if they change headings that links name."""
        while True:
            relocation = Relocation(self._files, self._names, self._find_destination)
            sources = find_sources(self._index, relocation)
            for path in self._subpaths:
                sources |= {path, *self._index.anchor_sources.get(path, ())}
                sources |= find_defining_sources(self._index, path)
            links = plan_link_edits(
                self._index,
                self._settings.obsidian,
                self._sources.find_text,
                relocation,
                sources,
                self._generated.keys(),
            )
            if links.unwritable:
                raise RefusedError(_describe_unwritable(links.unwritable))
            edits = _merge_edits(own, links.edits)
            changed = [path for path in edits if self._follow_changed_headings(path, edits[path])]
            if not changed:
                return links

    def _follow_changed_headings(self, path: str, edits: Sequence[Edit]) -> bool:
        """Make links follow headings that edits of links change; False if none do."""
        note, shift = self._index.notes[path], OffsetShift(edits)
        if (
            path in self._subpaths
            or not self._index.anchor_sources.get(path)
            or not any(shift.is_touched(item.start, item.end) for item in note.headings)
        ):
            return False
        after = parse(self._settings, path, apply_edits(self._require_text(path), edits))
        if len(after.headings) == len(note.headings) and len(after.blocks) == len(note.blocks):
            self._subpaths[path] = SubpathMap(note, after).new_subpath
        return path in self._subpaths

    def _find_destination(self, link: Link, path: str) -> Destination:
        """Return where a link must lead that leads to a file now."""
        rewrite = self._subpaths.get(path) if link.subpath else None
        subpath = rewrite(link.subpath, link.kind) if rewrite else link.subpath
        return Destination(self._files.get(path, path), subpath)

    # -- the result ------------------------------------------------------------------------------

    def _change_text(self, path: str, edits: Sequence[Edit]) -> tuple[str, str]:
        text = self._require_text(path)
        return text, apply_edits(text, edits)

    def _list_texts(self, edits: Mapping[str, Sequence[Edit]]) -> dict[str, str | None]:
        """Return the new texts by new path."""
        return {
            self._files.get(path, path): self._change_text(path, group)[1]
            for path, group in edits.items()
        }

    def _find_broken(
        self,
        edits: Mapping[str, Sequence[Edit]],
        after: State,
        affected: set[str],
        skipped: Collection[str],
    ) -> dict[str, str]:
        """Return what would be wrong afterwards, by the path of the file before."""
        paths = {self._old_path(path) for path in affected}.difference(skipped)
        return {
            item.path: item.problem
            for item in find_broken_moves(
                self._state,
                after,
                edits,
                sorted(paths & self._index.files),
                self._files,
                self._find_destination,
            )
        }

    def _find_breaks(self, after: Index, skipped: Iterable[str]) -> Iterator[NamedPlace]:
        """Yield the links of skipped notes that will not resolve."""
        for path in sorted(skipped):
            now = [target for _, target in after.resolved_links(self._files.get(path, path))]
            for (link, target), new in zip(self._index.resolved_links(path), now, strict=True):
                if target is not None and new is None:
                    yield NamedPlace(path, link.line, link.column, link.raw)

    def _add_section_edits(
        self, edits: Mapping[str, tuple[Edit, ...]], after: State
    ) -> tuple[dict[str, tuple[Edit, ...]], State]:
        """Return all edits with those of sections that were in step, and the state."""
        files = self._files
        new_edits = {files.get(path, path): group for path, group in edits.items()}

        def new_text(new_path: str) -> str | None:
            path = self._old_path(new_path)
            return (
                self._change_text(path, edits[path])[1]
                if path in edits
                else self._sources.find_text(path)
            )

        found = plan_section_edits(
            after,
            replace(self._sources, text=new_text),
            {
                files.get(path, path): {files.get(item, item) for item in mentions}
                for path, mentions in self._generated.items()
            },
            new_edits,
        )
        by_old_path = {
            self._old_path(path): tuple(replace(edit, path=self._old_path(path)) for edit in group)
            for path, group in found.items()
        }
        merged = _merge_edits(edits, by_old_path)
        changed = {path: merged[path] for path in by_old_path}
        return merged, step_after(after, {}, self._list_texts(changed))[0] if changed else after

    def _old_path(self, path: str) -> str:
        return self._old_paths.get(path, path)


def _find_mentions(index: Index, renames: Sequence[Rename]) -> Iterator[NamedPlace]:
    """Yield the places in bases that name what is renamed."""
    names, tags = set[str](), set[str]()
    for item in renames:
        (tags if item.kind is RenameKind.TAG else names).update(find_mentioned_words(item))
    for path in sorted(path for path in index.files if path.lower().endswith(".base")):
        note = index.notes.get(path)
        text = note.property_value("base") if note else None
        if isinstance(text, str):
            yield from find_base_mentions(path, text, names, tags)


def _merge_edits(
    one: Mapping[str, Sequence[Edit]], other: Mapping[str, Sequence[Edit]]
) -> dict[str, tuple[Edit, ...]]:
    """Return the edits of both, without those of the second within the first."""
    merged = {path: tuple(group) for path, group in one.items()}
    for path, group in other.items():
        own = merged.get(path, ())
        free = [edit for edit in group if not any(_is_within(edit, larger) for larger in own)]
        merged[path] = tuple(sort_edits([*own, *free]))
    return merged


def _is_within(edit: Edit, other: Edit) -> bool:
    return other.start <= edit.start and edit.end <= other.end


def _describe_broken(broken: Mapping[str, str]) -> str:
    path, problem = min(broken.items())
    others = f" There are problems in {len(broken) - 1} more notes." if len(broken) > 1 else ""
    return f"{path}: {problem}. Nothing was written.{others}"


def _describe_unwritable(links: Iterable[tuple[str, str]]) -> str:
    named = [f"{raw} in {path}" for path, raw in links]
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    return (
        f"no link can be written that leads to the new name: {', '.join(named[:_MOST_NAMED])}"
        f"{more}. Nothing was written. Choose another name."
    )
