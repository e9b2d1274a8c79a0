"""Apply changes to a state: `step` returns the next state.

This is the only way to change a state. A full run is a step from the empty state. Checks run on
what the changes affect. Their findings are joined with the previous ones, and suppressions are
applied. No disk, no clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

import msgspec

from vaultlink.backlinks.choice import is_style_changed
from vaultlink.engine.checks import (
    FindingsByPath,
    LinterSettings,
    check_files,
    check_links,
    check_note,
    check_vault,
)
from vaultlink.engine.suppressions import apply_suppressions
from vaultlink.index.index import EMPTY_INDEX, Index, target_spellings
from vaultlink.index.resolve import file_name
from vaultlink.index.update import files_with_changed_names, update
from vaultlink.model import Diagnostic, LinkCounts, Note, ParseProblem
from vaultlink.parse.base_file import parse_base
from vaultlink.parse.canvas import parse_canvas
from vaultlink.parse.note import parse_note

__all__ = [
    "AnalysedNote",
    "Change",
    "FindingsByPath",
    "LinterSettings",
    "Presence",
    "State",
    "analyse",
    "analyse_unreadable",
    "check_note",
    "step",
]


class Presence(Enum):
    """The content of a change without text: an attachment, or no file any more."""

    ATTACHMENT = "attachment"
    GONE = "gone"


class AnalysedNote(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A note and the findings of the checks of scope `note`.

    The text is not needed after the analysis.
    """

    note: Note
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """The new content of a path.

    `content` is a text, a note analysed elsewhere (such as in a worker process), or a presence
    without text.
    """

    path: str
    content: str | AnalysedNote | Presence


@dataclass(frozen=True, slots=True)
class State:
    """The state of a run: the index, and the findings before and after suppressions.

    `all_findings` are those before suppressions, `vault_findings` the part of them made by the
    checks of scope `vault`, `diagnostics` those to report. Paths without findings are absent.
    `tallies` counts the links of each note.
    """

    settings: LinterSettings
    index: Index = EMPTY_INDEX
    all_findings: FindingsByPath = field(default_factory=dict)
    vault_findings: FindingsByPath = field(default_factory=dict)
    diagnostics: FindingsByPath = field(default_factory=dict)
    tallies: Mapping[str, LinkCounts] = field(default_factory=dict)


def step(state: State, changes: Sequence[Change], later: LinterSettings | None = None) -> State:
    """Return the state after changes.

    Equal vaults give equal states, whatever the order and grouping of the changes. `later`
    replaces the settings, if given: it may differ in moves and deleted files, and in what is linted
    among added files.
    """
    settings, previous = later or state.settings, state.settings
    analysed = {
        change.path: _analyse_change(settings, change)
        for change in changes
        if not isinstance(change.content, Presence)
    }
    files = {change.path: change.content is not Presence.GONE for change in changes}
    notes: dict[str, Note | None] = {path: result.note for path, result in analysed.items()}
    notes.update((path, None) for path in files if path not in notes and path in state.index.notes)
    before = state.index
    index, affected = update(before, notes, files)
    if before.files and (
        before.files is not index.files or previous.moves != settings.moves
    ):  # otherwise the moves are the same
        affected |= _find_notes_naming(index, {**previous.moves, **settings.moves})
    if before.files and previous.deleted != settings.deleted:
        affected |= _find_notes_naming(index, previous.deleted ^ settings.deleted)
    if is_style_changed(settings.config.backlinks, before, index):
        affected |= {path for path, note in index.notes.items() if note.sections}
    renamed = (
        files_with_changed_names(before, index, files) if settings.rules_by_scope["files"] else ()
    )
    fresh = _StepFindings(
        {path: result.diagnostics for path, result in analysed.items()},
        check_links(settings, index, affected),
        check_files(settings, index, renamed),
        check_vault(settings, index),
    )
    touched = affected.union(
        files,
        renamed,
        (
            path
            for path in state.vault_findings.keys() | fresh.vault.keys()
            if state.vault_findings.get(path) != fresh.vault.get(path)
        ),
    )
    found, diagnostics, tallies = (
        dict(state.all_findings),
        dict(state.diagnostics),
        dict(state.tallies),
    )
    for path in touched:
        _store_findings(found, path, _merge_findings(state, index, fresh, path))
        _store_findings(diagnostics, path, _suppress(settings, index, path, found.get(path, ())))
    for path, note in notes.items():
        if note is None:
            tallies.pop(path, None)
    tallies.update((path, index.count_links(path)) for path in affected)
    return State(settings, index, found, fresh.vault, diagnostics, tallies)


def _find_notes_naming(index: Index, paths: Iterable[str]) -> set[str]:
    """Return the notes that name one of these files, which may no longer exist.

    The findings of such notes depend on where the files went.
    """
    keys = {key for path in paths for key in target_spellings(file_name(path))}
    return {path for key in keys for path in index.mentions.get(key, ())}


class _StepFindings(NamedTuple):
    """The findings of a step by scope and path.

    A path is absent from a scope if the checks of that scope did not run on it.
    """

    note: FindingsByPath
    links: FindingsByPath
    files: FindingsByPath
    vault: FindingsByPath


def _merge_findings(
    state: State, index: Index, fresh: _StepFindings, path: str
) -> tuple[Diagnostic, ...]:
    """Return all findings at a path.

    They are the new ones, and the previous ones of checks that did not run.
    """
    scopes = state.settings.scope_by_rule
    previous = state.all_findings.get(path, ())
    found = [*fresh.vault.get(path, ())]
    for scope, checked, existing in (
        ("note", fresh.note, index.notes),
        ("links", fresh.links, index.notes),
        ("files", fresh.files, index.files),
    ):
        if path in checked:
            found += checked[path]
        elif previous and path in existing:
            found += [item for item in previous if scopes[item.rule] == scope]
    if len(found) > 1:
        found.sort(key=lambda item: (item.start, item.code, item.end, item.message))
    return tuple(found)


def _suppress(
    settings: LinterSettings, index: Index, path: str, found: tuple[Diagnostic, ...]
) -> tuple[Diagnostic, ...]:
    """Apply the suppressions of a note to the findings at its path.

    Unused suppressions of rules ignored at this path are not reported.
    """
    note = index.notes.get(path) if found or path in index.notes else None
    if note is None or not note.directives or not settings.is_linted(path):
        return found
    ignored = settings.ignored_rules(path)
    remaining = apply_suppressions(
        [rule for rule in settings.rules if rule.name not in ignored], settings.config, note, found
    )
    return tuple(
        sorted(remaining, key=lambda item: (item.start, item.code, item.end, item.message))
    )


def _store_findings(
    found: dict[str, tuple[Diagnostic, ...]], path: str, diagnostics: tuple[Diagnostic, ...]
) -> None:
    if diagnostics:
        found[path] = diagnostics
    else:
        found.pop(path, None)


# -- analysing one text ---------------------------------------------------------------------------


def analyse(settings: LinterSettings, path: str, text: str) -> AnalysedNote:
    """Parse a text and run the checks of scope `note`."""
    if path.lower().endswith(".canvas"):
        canvas = parse_canvas(path, text)
        return AnalysedNote(canvas, check_note(settings, canvas, None) if canvas.problems else ())
    if path.lower().endswith(".base"):
        return AnalysedNote(parse_base(path, text))
    note = parse_note(path, text, settings.section_headings)
    return AnalysedNote(note, check_note(settings, note, text))


def analyse_unreadable(settings: LinterSettings, path: str, kind: str, detail: str) -> AnalysedNote:
    """Return a note whose text can't be read.

    It exists as a target and has one parse problem.
    """
    note = Note(path, problems=(ParseProblem(0, 0, 1, 1, kind, detail),))
    return AnalysedNote(note, check_note(settings, note, None))


def _analyse_change(settings: LinterSettings, change: Change) -> AnalysedNote:
    content = change.content
    if isinstance(content, AnalysedNote):
        return content
    assert isinstance(content, str)
    return analyse(settings, change.path, content)
