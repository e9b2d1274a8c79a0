"""Step to the state of a vault after files were moved and texts edited."""

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from vaultlink.engine.step import (
    AnalysedNote,
    Change,
    Presence,
    State,
    analyse,
    step_and_list,
)
from vaultlink.model import Diagnostic


def step_after(
    state: State, files: Mapping[str, str], texts: Mapping[str, str | None]
) -> tuple[State, set[str]]:
    """Return the state after moves and edits, and the new paths that they may affect.

    Args:
        state: The state before.
        files: Old path to new path of every file that moves.
        texts: The new texts, by new path; None for files that are removed.
    """
    changes: dict[str, Change] = {old: Change(old, Presence.GONE) for old in files}
    for old, new in files.items():
        if new not in texts:
            changes[new] = Change(new, _move_file(state, old, new))
    for path, text in texts.items():
        changes[path] = Change(
            path, Presence.GONE if text is None else analyse(state.settings, path, text)
        )
    return step_and_list(state, list(changes.values()))


def _move_file(state: State, old: str, new: str) -> AnalysedNote | Presence:
    """Return a file with another path. Findings of its text stay the same."""
    note = state.index.notes.get(old)
    if note is None:
        return Presence.ATTACHMENT
    found = tuple([replace(item, path=new) for item in _list_note_findings(state, old, new)])
    return AnalysedNote(replace(note, path=new), found)


def _list_note_findings(state: State, old: str, new: str) -> Iterator[Diagnostic]:
    settings = state.settings
    if settings.is_linted(new):
        ignored = settings.ignored_rules(new)
        for item in state.all_findings.get(old, ()):
            if settings.scope_by_rule[item.rule] == "note" and item.rule not in ignored:
                yield item
