"""Apply changes to a state: `step` returns the next state.

This is the only way to change a state. A full run is a step from the empty state. Checks run on
what the changes affect. Their findings are joined with the previous ones, and suppressions are
applied. No disk, no clock.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from vaultlink.engine.checks import (
    FindingsByPath,
    LinterSettings,
    check_files,
    check_links,
    check_note,
    check_vault,
)
from vaultlink.index.index import (
    EMPTY_INDEX,
    Index,
    LinkTargets,
    PathsByKey,
    TraitCount,
    target_spellings,
)
from vaultlink.index.packed_map import PackedMap, fold, with_changes
from vaultlink.index.resolve import file_name, is_canvas
from vaultlink.index.suggest import Suggester, find_affected_sources, find_closed_vaults
from vaultlink.index.update import files_with_changed_names, fold_index, update
from vaultlink.links.read_only import find_notes_with_other_reason
from vaultlink.links.style import count_link_traits, find_notes_with_other_style
from vaultlink.model import Diagnostic, History, LinkCounts, Note, ParseProblem


class Presence(Enum):
    """The content of a change without text: an attachment, or no file any more."""

    ATTACHMENT = "attachment"
    GONE = "gone"


class AnalysedNote(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A note and the findings of the checks of scope `note`."""

    note: Note
    diagnostics: tuple[Diagnostic, ...] = ()


class Change(msgspec.Struct, frozen=True):
    """The new content of a path: a text, a note analysed elsewhere, or a presence."""

    path: str
    content: str | AnalysedNote | Presence


class State(msgspec.Struct, frozen=True):
    """The state of a run: the index, and the findings before and after suppressions.

    `all_findings` are those before suppressions, `vault_findings` the part of them made by the
    checks of scope `vault`, `diagnostics` those to report. Paths without findings are absent.
    `tallies` counts the links of each note.
    """

    settings: LinterSettings
    index: Index = EMPTY_INDEX
    all_findings: FindingsByPath = msgspec.field(default_factory=dict)
    vault_findings: FindingsByPath = msgspec.field(default_factory=dict)
    diagnostics: FindingsByPath = msgspec.field(default_factory=dict)
    tallies: Mapping[str, LinkCounts] = msgspec.field(default_factory=dict)

    def folded(self) -> "State":
        """Return an equal state with its changed values encoded, which needs less memory."""
        return replace(
            self,
            index=fold_index(self.index),
            all_findings=fold(self.all_findings),
            diagnostics=fold(self.diagnostics),
            tallies=fold(self.tallies),
        )


class ChangedFiles(msgspec.Struct, frozen=True):
    """Many changes, by path.

    `files` has True for a file that exists and False for one that does not. `notes` has the new
    notes, and None where there is none any more. `diagnostics` are the findings of scope `note`;
    None if these checks have still to run, without the texts. `targets`, if given, are the links'
    targets, resolved with all files that exist after the changes. `spellings` and `maps` are
    derived maps of the index that were computed already; only for changes of the empty state.
    """

    files: Mapping[str, bool]
    notes: Mapping[str, Note | None]
    diagnostics: FindingsByPath | None
    targets: Mapping[str, LinkTargets] | None = None
    spellings: PackedMap[tuple[str, ...]] | None = None
    maps: Mapping[str, PathsByKey] = msgspec.field(default_factory=dict)


class Examined(NamedTuple):
    """All findings, those to report, and link counts by path; None or absent for none."""

    found: Mapping[str, tuple[Diagnostic, ...] | None]
    diagnostics: Mapping[str, tuple[Diagnostic, ...] | None]
    tallies: Mapping[str, LinkCounts | None]


Share = Callable[[Callable[[Sequence[str]], Examined], Sequence[str]], Examined]
"""Runs a function on paths, all at once or in parts, and returns the results together."""


def _examine_here(examine: Callable[[Sequence[str]], Examined], paths: Sequence[str]) -> Examined:
    return examine(paths)


LaterSettings = LinterSettings | Callable[[State], LinterSettings]
"""Settings that replace those of a state, or a function that returns them.

They may differ in the history, and in what is linted among added files. The function is given the
state after the changes before it is checked: its findings are those of before.
"""


_MANY_AFFECTED = 1_000
"""Notes that may be checked in several processes, of which each would list names and words."""


def step(
    state: State,
    changes: Sequence[Change] | ChangedFiles,
    later: LaterSettings | None = None,
    share: Share = _examine_here,
) -> State:
    """Return the state after changes.

    Equal vaults give equal states, whatever the order and grouping of the changes. `later`
    replaces the settings, if given. `share` may run the checks in several processes.
    """
    return step_and_list(state, changes, later, share)[0]


def step_and_list(
    state: State,
    changes: Sequence[Change] | ChangedFiles,
    later: LaterSettings | None = None,
    share: Share = _examine_here,
) -> tuple[State, set[str]]:
    """Return the state after changes, and the paths that were checked again."""
    settings = later if isinstance(later, LinterSettings) else state.settings
    if isinstance(changes, ChangedFiles):
        changed = changes
    else:
        changed = _analyse_changes(settings, state, changes)
    before = state.index
    if settings.reads_style and before.files:
        count_link_traits(before)
    index, affected = update(before, changed.notes, changed.files, changed.targets)
    index.add_maps(changed.maps)
    if changed.spellings is not None:
        index.spellings = changed.spellings
    tallies = _CountedLinks(index, state.tallies, affected.union(changed.files))
    if callable(later):
        settings = later(replace(state, index=index, tallies=tallies))
    affected |= _find_affected_by_settings(state, settings, index)
    if settings.reads_suggestions:
        if before.files:
            affected |= find_affected_sources(before, index, changed.files)
        if index.unresolved_sources and len(affected) > _MANY_AFFECTED:
            index.derive(Suggester).prepare_near_names()  # before checks run in several processes
    renamed = set[str]()
    if settings.rules_by_scope["files"]:
        renamed.update(files_with_changed_names(before, index, changed.files))
    vault_findings = check_vault(settings, index)
    found_elsewhere = _changed_keys(state.vault_findings, vault_findings)
    touched = affected.union(changed.files, renamed, found_elsewhere)
    examiner = _Examiner(
        state, settings, index, changed, vault_findings, affected, renamed, tallies.counted
    )
    examined = share(examiner.examine, sorted(touched))
    after = State(
        settings,
        index,
        with_changes(state.all_findings, examined.found),
        vault_findings,
        with_changes(state.diagnostics, examined.diagnostics),
        with_changes(state.tallies, examined.tallies),
    )
    return after, touched


def recheck(state: State, settings: LinterSettings) -> State:
    """Return a state checked with other settings, of scope `links` and `vault` only."""
    index = state.index
    if settings.reads_style:
        count_link_traits(index)
    unchecked, found = State(settings, index), check_vault(settings, index)
    files = ChangedFiles({}, {}, {})
    examiner = _Examiner(
        unchecked, settings, index, files, found, {*index.notes}, set(), state.tallies
    )
    examined = examiner.examine(sorted(index.notes))
    return State(
        settings,
        index,
        with_changes({}, examined.found),
        found,
        with_changes({}, examined.diagnostics),
        with_changes({}, examined.tallies),
    )


def _count_links(index: Index, paths: Iterable[str]) -> dict[str, LinkCounts | None]:
    return {path: index.count_links(path) if path in index.notes else None for path in paths}


class _CountedLinks(Mapping[str, LinkCounts]):
    """The links of each note, counted when they are asked for.

    `known` are the counts before a change of `changed` notes. `counted` are those that were asked.
    """

    def __init__(self, index: Index, known: Mapping[str, LinkCounts], changed: set[str]):
        self._index, self._known, self._changed = index, known, changed
        self.counted: dict[str, LinkCounts | None] = {}

    def __getitem__(self, path: str) -> LinkCounts:
        if path not in self._changed:
            return self._known[path]
        if path not in self.counted:
            self.counted |= _count_links(self._index, [path])
        count = self.counted[path]
        if count is None:
            raise KeyError(path)
        return count

    def __iter__(self) -> Iterator[str]:
        return iter(self._index.notes)

    def __len__(self) -> int:
        return len(self._index.notes)


def _find_affected_by_settings(state: State, settings: LinterSettings, index: Index) -> set[str]:
    """Return notes affected by another history, style, or set of read-only folders."""
    before, previous = state.index, state.settings.history
    affected: set[str] = set()
    if before.files:
        if before.files is not index.files:
            affected |= _find_notes_naming(index, {**previous.moves, **settings.history.moves})
        if previous is not settings.history:
            affected |= _find_affected_by_history(previous, settings.history, index)
        affected |= find_notes_with_other_reason(before, index)
        vaults = settings.obsidian.vaults
        if find_closed_vaults(vaults, before) != find_closed_vaults(vaults, index):
            affected.update(*index.unresolved_sources.values())
    if _is_section_style_changed(settings, before, index):
        affected |= {path for path, note in index.notes.items() if note.sections}
    if settings.reads_style:
        count_link_traits(index)  # before checks run in several processes
        if before.files:
            affected |= find_notes_with_other_style(before, index, settings.obsidian)
    return affected


def _is_section_style_changed(settings: LinterSettings, before: Index, after: Index) -> bool:
    if not any(isinstance(memo, TraitCount) for memo in before.memos):
        return False  # then nothing depends on the style
    from vaultlink.backlinks.choice import is_style_changed  # noqa: PLC0415 - as above

    return is_style_changed(settings.config.backlinks, before, after)


def _find_affected_by_history(before: History, after: History, index: Index) -> set[str]:
    files = _changed_keys(before.moves, after.moves).union(
        set(before.deleted) ^ set(after.deleted),
        _changed_keys(before.vanished, after.vanished),
        _changed_keys(before.likely_moves, after.likely_moves),
        _changed_keys(before.reasons, after.reasons),
    )
    anchored = _changed_keys(before.anchors, after.anchors)
    names = _changed_keys(before.names, after.names)
    former = _changed_keys(before.former_destinations, after.former_destinations)
    # What a note's own links meant depends on its former paths, and on when these vanished.
    own = files.union(
        *({moves[path] for path in files & moves.keys()} for moves in (before.moves, after.moves))
    )
    return {
        *(_find_notes_naming(index, files) if files else ()),
        *(path for path in own | former if path in index.notes),
        *(index.notes_mentioning({key for name in names for key in target_spellings(name)})),
        *(source for path in anchored for source in index.anchor_sources.get(path, ())),
    }


_ABSENT = object()


def _changed_keys(before: Mapping[str, object], after: Mapping[str, object]) -> set[str]:
    """Return the keys with different values, and those that only one mapping has."""
    if before is after:
        return set()
    keys = before.keys() | after.keys()
    return {key for key in keys if before.get(key, _ABSENT) != after.get(key, _ABSENT)}


def _find_notes_naming(index: Index, paths: Collection[str]) -> set[str]:
    """Return notes that name these files: their findings depend on where these are."""
    keys = {key for path in paths for key in target_spellings(file_name(path))}
    return index.notes_mentioning(keys) | index.notes_querying(paths)


class _Examiner(msgspec.Struct, frozen=True):
    """Checks paths of the vault after a step.

    The checks of scope `links` run on the notes in `affected`, those of scope `files` on `renamed`,
    those of scope `note` ran on the changed notes. The previous findings of other checks stay.
    `tallies` are the counts of links that are known already.
    """

    state: State
    settings: LinterSettings
    index: Index
    changed: ChangedFiles
    vault_findings: FindingsByPath
    affected: set[str]
    renamed: set[str]
    tallies: Mapping[str, LinkCounts | None]

    def examine(self, paths: Sequence[str]) -> Examined:
        """Return the results of checking these paths."""
        index, settings = self.index, self.settings
        links = check_links(settings, index, [path for path in paths if path in self.affected])
        files = check_files(settings, index, [path for path in paths if path in self.renamed])
        found = {path: self._merge(path, links, files) for path in paths}
        diagnostics = {path: _suppress(settings, index, path, found[path]) for path in paths}
        tallies = _count_links(index, [path for path in paths if path not in self.tallies])
        tallies |= {path: self.tallies[path] for path in paths if path in self.tallies}
        return Examined(_drop_empty(found), _drop_empty(diagnostics), tallies)

    def _merge(
        self, path: str, links: FindingsByPath, files: FindingsByPath
    ) -> tuple[Diagnostic, ...]:
        """Return new findings, and the previous ones of checks that did not run."""
        previous = self.state.all_findings.get(path, ())
        found = [*self.vault_findings.get(path, ())]
        for scope, checked, existing in (
            ("note", self._note_findings(path), self.index.notes),
            ("links", links.get(path), self.index.notes),
            ("files", files.get(path), self.index.files),
        ):
            if checked is not None:
                found += checked
            elif previous and path in existing:
                scopes = self.state.settings.scope_by_rule
                found += [item for item in previous if scopes[item.rule] == scope]
        if len(found) > 1:
            found.sort(key=_order)
        return tuple(found)

    def _note_findings(self, path: str) -> tuple[Diagnostic, ...] | None:
        """Return the findings of scope `note`; None if the note did not change."""
        if path not in self.changed.notes or path not in self.index.notes:
            return None
        if self.changed.diagnostics is None:
            return check_note(self.settings, self.index.notes[path], None)
        return self.changed.diagnostics.get(path, ())


def _drop_empty(
    found: Mapping[str, tuple[Diagnostic, ...]],
) -> dict[str, tuple[Diagnostic, ...] | None]:
    return {path: items or None for path, items in found.items()}


def _suppress(
    settings: LinterSettings, index: Index, path: str, found: tuple[Diagnostic, ...]
) -> tuple[Diagnostic, ...]:
    """Apply suppressions; unused ones of rules ignored here are not reported."""
    note = index.notes.get(path) if found or path in index.notes else None
    if note is None or not note.directives or not settings.is_linted(path):
        return found
    from vaultlink.engine.suppressions import apply_suppressions  # noqa: PLC0415 - for few notes

    ignored = settings.ignored_rules(path)
    remaining = apply_suppressions(
        [rule for rule in settings.rules if rule.name not in ignored], settings.config, note, found
    )
    return tuple(sorted(remaining, key=_order))


def _order(item: Diagnostic) -> tuple[int, str, int, str]:
    return item.start, item.code, item.end, item.message


def analyse(settings: LinterSettings, path: str, text: str) -> AnalysedNote:
    """Parse a text and run the checks of scope `note`."""
    # A run on an unchanged vault does not need the parsers.
    if is_canvas(path):
        from vaultlink.parse.canvas import parse_canvas  # noqa: PLC0415

        canvas = parse_canvas(path, text)
        return AnalysedNote(canvas, check_note(settings, canvas, None) if canvas.problems else ())
    if path.lower().endswith(".base"):
        from vaultlink.parse.queries import parse_base  # noqa: PLC0415

        return AnalysedNote(parse_base(path, text))
    from vaultlink.parse.note import parse_note  # noqa: PLC0415

    note = parse_note(path, text, settings.section_headings, compares=settings.compares)
    return AnalysedNote(note, check_note(settings, note, text))


def parse(settings: LinterSettings, path: str, text: str) -> Note:
    """Parse the text of a note, canvas or base."""
    if path.lower().endswith((".canvas", ".base")):
        return analyse(settings, path, text).note
    from vaultlink.parse.note import parse_note  # noqa: PLC0415

    return parse_note(path, text, settings.section_headings, compares=settings.compares)


def analyse_unreadable(settings: LinterSettings, path: str, kind: str, detail: str) -> AnalysedNote:
    """Return a note that can't be read: a target that exists with one parse problem."""
    note = Note(path, problems=(ParseProblem(0, 0, 1, 1, kind, detail),))
    return AnalysedNote(note, check_note(settings, note, None))


def _analyse_changes(
    settings: LinterSettings, state: State, changes: Sequence[Change]
) -> ChangedFiles:
    analysed = {
        change.path: _analyse_change(settings, change)
        for change in changes
        if not isinstance(change.content, Presence)
    }
    files = {change.path: change.content is not Presence.GONE for change in changes}
    notes: dict[str, Note | None] = {path: result.note for path, result in analysed.items()}
    notes.update((path, None) for path in files if path not in notes and path in state.index.notes)
    return ChangedFiles(
        files, notes, {path: result.diagnostics for path, result in analysed.items()}
    )


def _analyse_change(settings: LinterSettings, change: Change) -> AnalysedNote:
    content = change.content
    if isinstance(content, AnalysedNote):
        return content
    assert isinstance(content, str)
    return analyse(settings, change.path, content)
