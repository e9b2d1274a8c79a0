"""The only way anything happens: `step` takes a state and what changed in the vault, and gives the next state.

A full run is a step from the empty state. Checks are run on what a step affects; what they find is joined here with what
was found before, and silenced by ignores. No disk, no clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

import msgspec

from vaultlink.checking import Found, Setting, check_files, check_links, check_note, check_vault
from vaultlink.index import EMPTY, Index, mention_keys
from vaultlink.model import Diagnostic, Note, Property, Tally, Trouble
from vaultlink.parse import parse_canvas, parse_note
from vaultlink.resolve import file_name
from vaultlink.silence import silenced
from vaultlink.updating import concerned, update

__all__ = [
    "Change",
    "Examined",
    "Found",
    "Presence",
    "Setting",
    "State",
    "check_note",
    "examine",
    "step",
    "unreadable",
]


class Presence(Enum):
    """What a change says of a path that has no text to read."""

    ATTACHMENT = "attachment"
    GONE = "gone"


class Examined(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A note and what the checks of scope `note` found in it: all that is asked of its text."""

    note: Note
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What is now at a path: a text, what came of examining it elsewhere, a file without text, or nothing."""

    path: str
    content: str | Examined | Presence


@dataclass(frozen=True, slots=True)
class State:
    """The whole memory of a run: the index, what all checks found, and of that what ignores leave to be reported.

    `whole` is the part of `found` that the checks of scope `vault` made. Paths without findings are in none of them.
    """

    setting: Setting
    index: Index = EMPTY
    found: Found = field(default_factory=dict)
    whole: Found = field(default_factory=dict)
    diagnostics: Found = field(default_factory=dict)
    tallies: Mapping[str, Tally] = field(default_factory=dict)


def step(state: State, changes: Sequence[Change], later: Setting | None = None) -> State:
    """The state after changes. Whatever their order and grouping, equal vaults come to equal states.

    `later` is the setting from now on, if it is another one: it may tell of other moves, and of what is not linted among the
    files that come.
    """
    setting, moves = later or state.setting, state.setting.moves
    examined = {
        change.path: _examined(setting, change)
        for change in changes
        if not isinstance(change.content, Presence)
    }
    files = {change.path: change.content is not Presence.GONE for change in changes}
    notes: dict[str, Note | None] = {path: result.note for path, result in examined.items()}
    notes.update((path, None) for path in files if path not in notes and path in state.index.notes)
    before = state.index
    index, affected = update(before, notes, files)
    if before.files and (
        before.files is not index.files or moves != setting.moves
    ):  # else what went where stays
        affected |= _following(index, {**moves, **setting.moves})
    named = concerned(before, index, files) if setting.runs["files"] else ()
    fresh = _Fresh(
        {path: result.diagnostics for path, result in examined.items()},
        check_links(setting, index, affected),
        check_files(setting, index, named),
        check_vault(setting, index),
    )
    touched = affected.union(
        files,
        named,
        (
            path
            for path in state.whole.keys() | fresh.whole.keys()
            if state.whole.get(path) != fresh.whole.get(path)
        ),
    )
    found, diagnostics, tallies = dict(state.found), dict(state.diagnostics), dict(state.tallies)
    for path in touched:
        _put(found, path, _refreshed(state, index, fresh, path))
        _put(diagnostics, path, _left(setting, index, path, found.get(path, ())))
    for path, note in notes.items():
        if note is None:
            tallies.pop(path, None)
    tallies.update((path, index.tally(path)) for path in affected)
    return State(setting, index, found, fresh.whole, diagnostics, tallies)


def _following(index: Index, moves: Mapping[str, str]) -> set[str]:
    """The notes that name a file which went elsewhere: what they are advised depends on what is there now."""
    keys = {key for old in moves for key in mention_keys(file_name(old))}
    return {path for key in keys for path in index.mentions.get(key, ())}


class _Fresh(NamedTuple):
    """What the checks of each scope found in a step, by path; a path is absent if its checks did not run."""

    own: Found
    linked: Found
    named: Found
    whole: Found


def _refreshed(state: State, index: Index, fresh: _Fresh, path: str) -> tuple[Diagnostic, ...]:
    """All findings at a path: fresh ones, and the kept ones of those checks that did not run."""
    scopes = state.setting.scopes
    kept = state.found.get(path, ())
    found = [*fresh.whole.get(path, ())]
    for scope, made, there in (
        ("note", fresh.own, index.notes),
        ("links", fresh.linked, index.notes),
        ("files", fresh.named, index.files),
    ):
        if path in made:
            found += made[path]
        elif kept and path in there:
            found += [item for item in kept if scopes[item.rule] == scope]
    if len(found) > 1:
        found.sort(key=lambda item: (item.start, item.code, item.end, item.message))
    return tuple(found)


def _left(
    setting: Setting, index: Index, path: str, found: tuple[Diagnostic, ...]
) -> tuple[Diagnostic, ...]:
    """What is reported of the findings at a path: those that the note's ignores leave. Where a rule is not asked, an ignore of it
    is not found idle."""
    note = index.notes.get(path) if found or path in index.notes else None
    if note is None or not note.directives or not setting.linted(path):
        return found
    spared = setting.spared_at(path)
    left = silenced(
        [rule for rule in setting.rules if rule.name not in spared], setting.config, note, found
    )
    return tuple(sorted(left, key=lambda item: (item.start, item.code, item.end, item.message)))


def _put(
    found: dict[str, tuple[Diagnostic, ...]], path: str, diagnostics: tuple[Diagnostic, ...]
) -> None:
    if diagnostics:
        found[path] = diagnostics
    else:
        found.pop(path, None)


# -- examining one text -------------------------------------------------------------------------------------------


def examine(setting: Setting, path: str, text: str) -> Examined:
    """Parse a text and run the checks that ask nothing but the note."""
    if path.lower().endswith(".canvas"):
        canvas = parse_canvas(path, text)
        return Examined(canvas, check_note(setting, canvas, None) if canvas.troubles else ())
    if path.lower().endswith(
        ".base"
    ):  # no source of links (8.7); what it names is in use all the same
        return Examined(Note(path, (Property(0, 0, 1, 1, "base", text, 0, len(text)),)))
    note = parse_note(path, text, setting.headings)
    return Examined(note, check_note(setting, note, text))


def unreadable(setting: Setting, path: str, kind: str, detail: str) -> Examined:
    """A note whose text can't be had: it exists and is a target, and says what is wrong with it."""
    note = Note(path, troubles=(Trouble(0, 0, 1, 1, kind, detail),))
    return Examined(note, check_note(setting, note, None))


def _examined(setting: Setting, change: Change) -> Examined:
    content = change.content
    if isinstance(content, Examined):
        return content
    assert isinstance(content, str)
    return examine(setting, change.path, content)
