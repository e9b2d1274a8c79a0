"""The fixes that wait, each with a line before and after it."""

from collections.abc import Iterable, Sequence

from vaultlink.dashboard.model import FixRow
from vaultlink.links.edits import apply_edits, sort_edits
from vaultlink.model import Diagnostic, Edit, Fix, Safety, TextByPath

_MAX_LINE = 300
"""Code points of a line that are kept."""

_LEAD = 60
"""Code points before the change that are kept of a line that is cut."""


def sort_fixes(
    findings: Sequence[Diagnostic], fixes: Sequence[Fix | None]
) -> list[tuple[Diagnostic, Fix]]:
    """Return the findings with a fix, those with a safe one first, else in order."""
    pairs = [(d, fix) for d, fix in zip(findings, fixes, strict=True) if fix is not None]
    return sorted(pairs, key=lambda pair: pair[1].safety is not Safety.SAFE)


def describe_fixes(pairs: Iterable[tuple[Diagnostic, Fix]], text: TextByPath) -> tuple[FixRow, ...]:
    """Return the rows of these fixes."""
    return tuple(_describe_fix(item, fix, text) for item, fix in pairs)


def _describe_fix(item: Diagnostic, fix: Fix, text: TextByPath) -> FixRow:
    """Describe the change of the finding's note, else of the first changed note."""
    path = item.path if any(edit.path == item.path for edit in fix.edits) else fix.edits[0].path
    edits = sort_edits(edit for edit in fix.edits if edit.path == path)
    before, after = _find_changed_line(text(path), edits)
    is_safe = fix.safety is Safety.SAFE
    return FixRow(item.path, item.line, item.code, item.message, is_safe, before, after)


def _find_changed_line(text: str, edits: Sequence[Edit]) -> tuple[str, str]:
    """Return the first line that edits change, before and after.

    One of them is "" if the edits add or remove whole lines.
    """
    start = text.rfind("\n", 0, edits[0].start) + 1
    end = text.find("\n", edits[-1].end)
    end = len(text) if end == -1 else end
    moved = [Edit(e.path, e.start - start, e.end - start, e.text) for e in edits]
    old, new = text[start:end], apply_edits(text[start:end], moved)
    old_lines, new_lines = old.splitlines(), new.splitlines()
    number = next(
        (n for n, pair in enumerate(zip(old_lines, new_lines, strict=False)) if len({*pair}) > 1),
        min(len(old_lines), len(new_lines)),
    )
    before, after = ("".join(lines[number : number + 1]) for lines in (old_lines, new_lines))
    if len(old_lines) != len(new_lines) and before and after:
        before, after = _drop_shifted_line(before, after, old_lines, new_lines)
    return _cut_lines(before, after)


def _drop_shifted_line(
    before: str, after: str, old_lines: Sequence[str], new_lines: Sequence[str]
) -> tuple[str, str]:
    """Return "" for a line that is only moved by lines that are added or removed."""
    if len(old_lines) < len(new_lines) and before in new_lines:
        return "", after
    if len(old_lines) > len(new_lines) and after in old_lines:
        return before, ""
    return before, after


def _cut_lines(before: str, after: str) -> tuple[str, str]:
    """Cut the same beginning from two long lines, and what is too long at their ends."""
    if max(len(before), len(after)) <= _MAX_LINE:
        return before, after
    same = next(
        (at for at, pair in enumerate(zip(before, after, strict=False)) if len({*pair}) > 1),
        min(len(before), len(after)),
    )
    start = max(same - _LEAD, 0)
    return _cut_line(before, start), _cut_line(after, start)


def _cut_line(line: str, start: int) -> str:
    part = line[start : start + _MAX_LINE]
    opening = "…" if start and part else ""
    return f"{opening}{part}{'…' if start + _MAX_LINE < len(line) else ''}"
