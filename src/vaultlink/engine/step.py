"""The only way anything happens: `step` takes a state and what changed in the vault, and gives the next state.

A full run is a step from the empty state. Checks are run on what a step affects; what they find is joined here with what
was found before, and silenced by ignores. No disk, no clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

import msgspec

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
    """What a change says of a path that has no text to read."""

    ATTACHMENT = "attachment"
    GONE = "gone"


class AnalysedNote(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A note and what the checks of scope `note` found in it: all that is asked of its text."""

    note: Note
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What is now at a path: a text, what came of examining it elsewhere, a file without text, or nothing."""

    path: str
    content: str | AnalysedNote | Presence


@dataclass(frozen=True, slots=True)
class State:
    """The whole memory of a run: the index, what all checks found, and of that what ignores leave to be reported.

    `vault_findings` is the part of `all_findings` that the checks of scope `vault` made. Paths without findings are in none of them.
    """

    settings: LinterSettings
    index: Index = EMPTY_INDEX
    all_findings: FindingsByPath = field(default_factory=dict)
    vault_findings: FindingsByPath = field(default_factory=dict)
    diagnostics: FindingsByPath = field(default_factory=dict)
    tallies: Mapping[str, LinkCounts] = field(default_factory=dict)


def step(state: State, changes: Sequence[Change], later: LinterSettings | None = None) -> State:
    """The state after changes. Whatever their order and grouping, equal vaults come to equal states.

    `later` is the setting from now on, if it is another one: it may tell of other moves, and of what is not linted among the
    files that come.
    """
    settings, moves = later or state.settings, state.settings.moves
    examined = {
        change.path: _analyse_change(settings, change)
        for change in changes
        if not isinstance(change.content, Presence)
    }
    files = {change.path: change.content is not Presence.GONE for change in changes}
    notes: dict[str, Note | None] = {path: result.note for path, result in examined.items()}
    notes.update((path, None) for path in files if path not in notes and path in state.index.notes)
    before = state.index
    index, affected = update(before, notes, files)
    if before.files and (
        before.files is not index.files or moves != settings.moves
    ):  # else what went where stays
        affected |= _find_notes_naming(index, {**moves, **settings.moves})
    named = (
        files_with_changed_names(before, index, files) if settings.rules_by_scope["files"] else ()
    )
    fresh = _StepFindings(
        {path: result.diagnostics for path, result in examined.items()},
        check_links(settings, index, affected),
        check_files(settings, index, named),
        check_vault(settings, index),
    )
    touched = affected.union(
        files,
        named,
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


def _find_notes_naming(index: Index, moves: Mapping[str, str]) -> set[str]:
    """The notes that name a file which went elsewhere: what they are advised depends on what is there now."""
    keys = {key for old in moves for key in target_spellings(file_name(old))}
    return {path for key in keys for path in index.mentions.get(key, ())}


class _StepFindings(NamedTuple):
    """What the checks of each scope found in a step, by path; a path is absent if its checks did not run."""

    note: FindingsByPath
    links: FindingsByPath
    files: FindingsByPath
    vault: FindingsByPath


def _merge_findings(
    state: State, index: Index, fresh: _StepFindings, path: str
) -> tuple[Diagnostic, ...]:
    """All findings at a path: fresh ones, and the kept ones of those checks that did not run."""
    scopes = state.settings.scope_by_rule
    kept = state.all_findings.get(path, ())
    found = [*fresh.vault.get(path, ())]
    for scope, made, there in (
        ("note", fresh.note, index.notes),
        ("links", fresh.links, index.notes),
        ("files", fresh.files, index.files),
    ):
        if path in made:
            found += made[path]
        elif kept and path in there:
            found += [item for item in kept if scopes[item.rule] == scope]
    if len(found) > 1:
        found.sort(key=lambda item: (item.start, item.code, item.end, item.message))
    return tuple(found)


def _suppress(
    settings: LinterSettings, index: Index, path: str, found: tuple[Diagnostic, ...]
) -> tuple[Diagnostic, ...]:
    """What is reported of the findings at a path: those that the note's ignores leave. Where a rule is not asked, an ignore of it
    is not found idle."""
    note = index.notes.get(path) if found or path in index.notes else None
    if note is None or not note.directives or not settings.is_linted(path):
        return found
    spared = settings.ignored_rules(path)
    left = apply_suppressions(
        [rule for rule in settings.rules if rule.name not in spared], settings.config, note, found
    )
    return tuple(sorted(left, key=lambda item: (item.start, item.code, item.end, item.message)))


def _store_findings(
    found: dict[str, tuple[Diagnostic, ...]], path: str, diagnostics: tuple[Diagnostic, ...]
) -> None:
    if diagnostics:
        found[path] = diagnostics
    else:
        found.pop(path, None)


# -- examining one text -------------------------------------------------------------------------------------------


def analyse(settings: LinterSettings, path: str, text: str) -> AnalysedNote:
    """Parse a text and run the checks that ask nothing but the note."""
    if path.lower().endswith(".canvas"):
        canvas = parse_canvas(path, text)
        return AnalysedNote(canvas, check_note(settings, canvas, None) if canvas.problems else ())
    if path.lower().endswith(".base"):
        return AnalysedNote(parse_base(path, text))
    note = parse_note(path, text, settings.section_headings)
    return AnalysedNote(note, check_note(settings, note, text))


def analyse_unreadable(settings: LinterSettings, path: str, kind: str, detail: str) -> AnalysedNote:
    """A note whose text can't be had: it exists and is a target, and says what is wrong with it."""
    note = Note(path, problems=(ParseProblem(0, 0, 1, 1, kind, detail),))
    return AnalysedNote(note, check_note(settings, note, None))


def _analyse_change(settings: LinterSettings, change: Change) -> AnalysedNote:
    content = change.content
    if isinstance(content, AnalysedNote):
        return content
    assert isinstance(content, str)
    return analyse(settings, change.path, content)
