"""Plan the links of a vault when text goes from one note to another."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import State, parse
from vaultlink.fix.plan import CapturedLink, Plan, Rename
from vaultlink.fix.sources import FixSources
from vaultlink.fix.verify import find_broken_moves
from vaultlink.index.index import Index, update_names
from vaultlink.links.edits import OffsetShift, apply_edits
from vaultlink.model import Destination, Edit, Link, Note, Severity
from vaultlink.refactor.link_edits import LinkEdits, find_sources, plan_link_edits
from vaultlink.refactor.managed_sections import find_sections_in_step, plan_section_edits
from vaultlink.refactor.relocation import RefusedError, Relocation, step_after
from vaultlink.refactor.subpaths import SubpathMap

_MOST_NAMED = 5
"""Links that a refusal names, at most."""


class RefactorContext(msgspec.Struct, frozen=True):
    """A vault in one state.

    Attributes:
        state: The index, the settings and the findings.
        sources: The texts of notes and canvases.
    """

    state: State
    sources: FixSources

    @property
    def index(self) -> Index:
        """The index."""
        return self.state.index

    @property
    def settings(self) -> LinterSettings:
        """The settings."""
        return self.state.settings

    def text(self, path: str) -> str:
        """Return the text of a note that is to be changed.

        Raises:
            RefusedError: The note can't be changed.
        """
        found = self.sources.find_text(path)
        if found is None:
            raise RefusedError(f"“{path}” can't be changed: {self.sources.explain(path)}.")
        return found

    def parse(self, path: str, text: str) -> Note:
        """Parse the text of a note."""
        return parse(self.settings, path, text)


class RegroupedTexts(msgspec.Struct, frozen=True):
    """The notes between which text goes.

    Attributes:
        edits: The edits of the notes that stay, with those of their links, by path.
        created: Path and text of the new note, if there is one.
        pairs: Each link of these notes before, the file it led to, the note that contains it
            afterwards, and its number (from 0) in that note.
    """

    edits: Mapping[str, tuple[Edit, ...]]
    created: tuple[str, str] | None = None
    pairs: tuple[tuple[Link, str | None, str, int], ...] = ()


class Regrouping:
    """Text that goes from a note to another, and the links that follow it.

    Attributes:
        vault: The vault before.
        old_path: Vault path of the note that contains the text.
        new_path: Vault path of the note that contains it afterwards.
    """

    def __init__(
        self,
        vault: RefactorContext,
        old_path: str,
        new_path: str,
        destination: Callable[[Link, str], Destination],
        *,
        removes_old: bool,
    ) -> None:
        """Prepare a plan.

        Args:
            vault: The vault before.
            old_path: The note that contains the text.
            new_path: The note that contains it afterwards, which may not exist yet.
            destination: Returns where a link that leads to one of these notes must lead.
            removes_old: True if the first note is removed.
        """
        self.vault, self.old_path, self.new_path = vault, old_path, new_path
        self._destination = destination
        self._removed = frozenset({old_path} if removes_old else ())
        self._added = frozenset({new_path}) - vault.index.files
        names = update_names(vault.index.names, self._removed, self._added)
        self._staying = Relocation({}, names, self._find_destination)
        self._going = Relocation({old_path: new_path}, names, self._find_destination)
        self._subpaths: dict[str, SubpathMap] = {}
        in_step = find_sections_in_step(vault.state, vault.sources)
        renamed = dict.fromkeys(self._removed, new_path)
        self._generated = {
            path: {renamed.get(item, item) for item in mentions}
            for path, mentions in in_step.items()
            if path not in self._removed
        }

    def plan_links(self) -> tuple[LinkEdits, tuple[Edit, ...]]:
        """Return the edits of links in text that stays, and in text that goes.

        Both are edits of the texts before. The second are those of the note `old_path`.

        Raises:
            RefusedError: A link can't follow.
        """
        while True:
            sources = find_sources(self.vault.index, self._going) - self._removed
            for path in self._subpaths:
                sources |= {path, *self.vault.index.anchor_sources.get(path, ())} - self._removed
            staying = self._plan(self._staying, sources)
            going = self._plan(self._going, [self.old_path])
            changed = [path for path in staying.edits if self._follow_headings(path, staying)]
            if not changed:
                return staying, going.edits.get(self.old_path, ())

    def _plan(self, relocation: Relocation, sources: Iterable[str]) -> LinkEdits:
        vault = self.vault
        links = plan_link_edits(
            vault.index,
            vault.settings.obsidian,
            vault.sources.find_text,
            relocation,
            sources,
            self._generated.keys(),
        )
        if links.skipped:
            others = len(links.skipped) - 1
            more = f" and {others} more" if others else ""
            raise RefusedError(f"links in “{links.skipped[0]}”{more} can't be changed.")
        if links.unwritable:
            named = [f"{raw} in {path}" for path, raw in links.unwritable[:_MOST_NAMED]]
            raise RefusedError(f"no link can be written that follows: {', '.join(named)}.")
        return links

    def _follow_headings(self, path: str, links: LinkEdits) -> bool:
        """Make links follow headings of another note that contain edited links."""
        edits = links.edits[path]
        note, shift = self.vault.index.notes[path], OffsetShift(edits)
        if (
            path in self._subpaths
            or path in (self.old_path, self.new_path)
            or not any(shift.is_changed(item.start, item.end) for item in note.headings)
        ):
            return False
        after = self.vault.parse(path, apply_edits(self.vault.text(path), edits))
        if len(after.headings) == len(note.headings) and len(after.blocks) == len(note.blocks):
            self._subpaths[path] = SubpathMap(note, after)
        return path in self._subpaths

    def _find_destination(self, link: Link, path: str) -> Destination:
        if path in (self.old_path, self.new_path):
            return self._destination(link, path)
        subpaths = self._subpaths.get(path) if link.subpath else None
        subpath = subpaths.new_subpath(link.subpath, link.kind) if subpaths else link.subpath
        return Destination(path, subpath)

    def complete(
        self,
        rename: Rename,
        links: LinkEdits,
        regrouped: RegroupedTexts,
        captured: Iterable[CapturedLink],
    ) -> Plan:
        """Return the plan.

        Args:
            rename: The request.
            links: The edits of links in other notes.
            regrouped: The notes between which text goes.
            captured: Links to missing headings and blocks that resolve afterwards.

        Raises:
            RefusedError: A link would lose its meaning.
        """
        specials = {self.old_path, self.new_path}
        edits = {path: group for path, group in links.edits.items() if path not in specials}
        edits |= regrouped.edits
        created = dict([regrouped.created] if regrouped.created else [])
        removed = dict.fromkeys(self._removed)
        after, affected = step_after(
            self.vault.state, {}, {**self._list_texts(edits), **created, **removed}
        )
        self._check_others(edits, after, affected - specials)
        self._check_errors(after, specials)
        self._check_pairs(after.index, regrouped)
        edits, after = self._add_section_edits(edits, after)
        edits = {path: edits[path] for path in sorted(edits) if edits[path]}
        texts: dict[str, tuple[str | None, str | None]] = {
            path: (self.vault.text(path), new) for path, new in self._list_texts(edits).items()
        }
        texts |= {path: (None, text) for path, text in created.items()}
        texts |= {path: (self.vault.text(path), None) for path in removed}
        return Plan(
            before=self.vault.state,
            after=after,
            texts=texts,
            edits=edits,
            marked=frozenset(filter(self.vault.sources.has_mark, texts)),
            required=frozenset({*regrouped.edits, *created, *removed}),
            is_whole=True,
            renames=(rename,),
            captured=(*links.captured, *captured),
        )

    # -- the vault afterwards --------------------------------------------------------------------

    def _list_texts(self, edits: Mapping[str, Sequence[Edit]]) -> dict[str, str]:
        """Return the new texts of edited notes."""
        return {path: apply_edits(self.vault.text(path), group) for path, group in edits.items()}

    def _check_others(
        self, edits: Mapping[str, Sequence[Edit]], after: State, paths: Iterable[str]
    ) -> None:
        """Refuse a plan that changes links or causes errors in other notes."""
        before = self.vault.state
        present = sorted(path for path in paths if path in before.index.files)
        for item in find_broken_moves(before, after, edits, present, {}, self._find_destination):
            raise RefusedError(f"{item.path}: {item.problem}.")

    def _check_errors(self, after: State, paths: Collection[str]) -> None:
        """Refuse a plan that causes errors in the notes between which text goes."""
        added = _count_errors(after, paths) - _count_errors(self.vault.state, paths)
        for rule in added:
            raise RefusedError(f"“{self.new_path}” would have a new error, {rule}.")

    def _check_pairs(self, after: Index, regrouped: RegroupedTexts) -> None:
        """Refuse a plan that changes the meaning of links in the notes that change."""
        for link, target, path, number in regrouped.pairs:
            new, new_target = after.notes[path].links[number], after.targets[path][number]
            wanted = None if target is None else self._find_destination(link, target)
            is_same = (
                (link.kind, link.embed, link.external) == (new.kind, new.embed, new.external)
                and link.display in (None, new.display)
                and link.in_comment == new.in_comment
                and (wanted is None or (new_target, new.subpath) == wanted[:2])
                and (
                    not self.vault.index.has_anchor(link, target)
                    or after.has_anchor(new, new_target)
                )
            )
            if not is_same:
                raise RefusedError(
                    f"the link {link.raw} would become {new.raw} and lead to "
                    f"{new_target or 'nothing'}."
                )

    def _add_section_edits(
        self, edits: Mapping[str, tuple[Edit, ...]], after: State
    ) -> tuple[dict[str, tuple[Edit, ...]], State]:
        """Return all edits with those of sections that were in step, and the state."""

        def new_text(path: str) -> str | None:
            text = self.vault.sources.find_text(path)
            return apply_edits(text, edits[path]) if text is not None and path in edits else text

        sources = replace(self.vault.sources, text=new_text)
        found = plan_section_edits(after, sources, self._generated, edits)
        merged = dict(edits)
        for path, group in found.items():
            merged[path] = tuple(sorted([*merged.get(path, ()), *group], key=_position))
        texts = self._list_texts({path: merged[path] for path in found})
        return merged, step_after(after, {}, texts)[0] if texts else after


def _count_errors(state: State, paths: Iterable[str]) -> Counter[str]:
    """Count the errors at paths by rule."""
    found = (item for path in paths for item in state.all_findings.get(path, ()))
    return Counter(item.rule for item in found if item.severity is Severity.ERROR)


def _position(edit: Edit) -> tuple[int, int]:
    return edit.start, edit.end


def find_captured_anchors(
    index: Index, maps: Mapping[str, SubpathMap], skipped: Iterable[str] = ()
) -> Iterator[CapturedLink]:
    """Yield the links to missing headings and blocks that will exist.

    Args:
        index: The index before.
        maps: The subpaths of links to some notes, by the path of the note before.
        skipped: Sources to leave out.
    """
    sources = {source for path in maps for source in index.anchor_sources.get(path, ())}
    for source in sorted(sources.difference(skipped)):
        for link, target in index.resolved_links(source):
            subpaths = maps.get(target or "")
            if subpaths and link.subpath and subpaths.captures(link.subpath):
                where = source, link.line, link.column, link.raw
                yield CapturedLink(*where, subpaths.after.path)
