"""Say in one line which notes a run only read, and why."""

from collections.abc import Iterable, Mapping

from vaultlink.engine.step import State
from vaultlink.index.resolve import file_name, is_note, parent_folder
from vaultlink.links.read_only import ReadOnlyKind, ReadOnlyReason
from vaultlink.report.layout import escape_controls, format_count

_MAX_FOLDERS = 3
"""Folders that the line names; it counts the others."""

_NOUNS = {ReadOnlyKind.CLIPPED: "clipped page", ReadOnlyKind.SCRIPT: "script"}


def describe_read_only(state: State, paths: Iterable[str]) -> str:
    """Return a line about the notes among some that are only read, or ""."""
    found: dict[str, ReadOnlyReason] = {}
    for path in paths:
        note = state.index.notes.get(path)
        if note is not None and is_note(path) and state.settings.is_linted(path):
            reason = state.settings.find_read_only_reason(state.index, note)
            if reason:
                found[path] = reason
    return describe_read_only_notes(found)


def describe_read_only_notes(found: Mapping[str, ReadOnlyReason]) -> str:
    """Return a line about notes that are only read, for these reasons, or ""."""
    reasons: dict[ReadOnlyReason, list[str]] = {}
    for path in sorted(found):
        reasons.setdefault(found[path], []).append(path)
    if not reasons:
        return ""
    folders = sorted(reason for reason in reasons if reason.folder)
    parts = [
        f"{format_count(len(reasons[item]), 'note')} in {item.folder} ({item.declared_by} says so)"
        for item in folders[:_MAX_FOLDERS]
    ]
    if others := sum(len(reasons[item]) for item in folders[_MAX_FOLDERS:]):
        parts.append(f"{format_count(others, 'note')} in other such folders")
    parts += [
        format_count(len(reasons[item]), _NOUNS[item.kind])
        for item in sorted(reasons)
        if not item.folder
    ]
    path = next(iter(reasons.values()))[0]
    free = folders[0].folder if folders else parent_folder(path) or file_name(path)
    return escape_controls(
        f"Only read: {', '.join(parts)}. "
        f'`protect = ["!{free}"]` in the settings lets vaultlink write there.'
    )
