"""Maintenance of backlinks sections: --write, --check, --diff, --adopt, --remove."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import msgspec

from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.listing import choose_listing_format, print_document, print_lines, print_rows
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import (
    find_note_argument,
    find_vault_root,
    open_scanned_vault,
    scan_from_options,
    warn_unreadable_folders,
)
from vaultlink.cli.write_run import (
    hold_write_lock,
    print_skipped_notes,
    report_broken_promise,
    write_fixes,
)
from vaultlink.errors import UsageError
from vaultlink.fix.backlinks_commands import (
    OneTimeChange,
    SectionUpdater,
    adopt_sections,
    remove_sections,
)
from vaultlink.fix.loop import FixPlan
from vaultlink.index.resolve import is_note
from vaultlink.model import SkippedNote
from vaultlink.report.layout import format_count
from vaultlink.report.unified_diff import unified_diff
from vaultlink.rules.managed_sections import SECTION_RULES

if TYPE_CHECKING:
    from vaultlink.cli.backlinks_options import BacklinksOptions


class SectionRow(msgspec.Struct, frozen=True):
    """A note that is or would be changed, and the change of its section."""

    path: str
    change: str


_WRITTEN, _UPDATED, _REMOVED, _ADOPTED = "written", "brought in step", "taken out", "adopted"
"""Changes of a section, as in the JSON and TSV formats."""

_CHANGE_LABELS = {
    _WRITTEN: "written",
    _UPDATED: "updated",
    _REMOVED: "removed",
    _ADOPTED: "adopted",
}
"""Changes of a section, as in text for people."""


def maintain_sections(options: "BacklinksOptions") -> int:
    """Write, adopt or remove sections, or report what would change."""
    _reject_conflicting_options(options)
    terminal = Terminal(options)
    output_format = choose_listing_format(terminal)
    root = None if options.check or options.diff else find_vault_root(options)
    with hold_write_lock(terminal, root) if root else nullcontext():
        plan, rows, skipped = _plan_and_write(options, terminal)
    if plan.broken_promise:
        return report_broken_promise(plan.broken_promise)
    return _report_sections(options, terminal, output_format, (plan, rows, skipped))


def _reject_conflicting_options(options: "BacklinksOptions") -> None:
    names = [
        name
        for name, is_set in (
            ("--write", options.write),
            ("--adopt", options.adopt),
            ("--remove", options.remove),
        )
        if is_set
    ]
    if len(names) > 1:
        raise UsageError(f"{' and '.join(names)} can't be used together.")


def _build_overrides(options: "BacklinksOptions") -> Mapping[str, Any]:
    """Return the settings of this run: only section rules run, in the mode `write`."""
    style_options = {
        "style": options.style,
        "heading": options.heading,
        "entries": options.entries,
        "order": options.order,
        "group": options.group,
    }
    return {
        "select": list(SECTION_RULES),
        "backlinks": {
            "mode": "write",
            **{key: value for key, value in style_options.items() if value},
        },
    }


def _plan_and_write(
    options: "BacklinksOptions", terminal: Terminal
) -> tuple[FixPlan, list[SectionRow], tuple[SkippedNote, ...]]:
    """Return the plan, the notes that are or would be changed, and the skipped ones."""
    scan = scan_from_options(options, overrides=_build_overrides(options))
    terminal.check_output_file(scan.root)
    warn_unreadable_folders(scan, terminal)
    vault = open_scanned_vault(scan, terminal)
    note = find_note_argument(vault, options.note) if options.note is not None else None
    if note is not None and not is_note(note):
        raise UsageError(f"{note} is not a note; only notes can have a backlinks section.")
    plan = vault.fixer.plan_rounds(_make_selector(options, lambda path: note in (None, path)))
    rows = [
        SectionRow(path, change)
        for path, change in sorted(_describe_changes(options, plan).items())
    ]
    if plan.broken_promise or options.check or options.diff:
        return plan, rows, vault.fixer.skipped(plan)
    result = write_fixes(terminal, vault, plan, _summarize(options, rows, "were"))
    written = frozenset(result.written)
    return plan, [row for row in rows if row.path in written], result.skipped


def _report_sections(
    options: "BacklinksOptions",
    terminal: Terminal,
    output_format: str,
    outcome: tuple[FixPlan, list[SectionRow], tuple[SkippedNote, ...]],
) -> int:
    """Print the changes and the skipped notes; return the exit code."""
    plan, rows, skipped = outcome
    if options.diff:
        terminal.print_results(
            unified_diff(
                [(path, *texts) for path, texts in sorted(plan.texts.items())], terminal.palette
            )
        )
    else:
        _print_section_rows(terminal, output_format, rows)
    print_skipped_notes(terminal, skipped)
    was_written = bool(rows) and not (options.check or options.diff)
    if rows or not skipped:
        terminal.print_message(
            _summarize(options, rows, "were" if was_written else "would be")
            + (" `vaultlink undo` reverts it." if was_written else "")
        )
    would_change = bool(rows) and not was_written
    return EXIT_FINDINGS if skipped or would_change else EXIT_CLEAN


def _make_selector(
    options: "BacklinksOptions", chosen: Callable[[str], bool]
) -> SectionUpdater | OneTimeChange:
    if options.remove:
        return remove_sections(chosen)
    return adopt_sections(chosen) if options.adopt else SectionUpdater(chosen)


def _describe_changes(options: "BacklinksOptions", plan: FixPlan) -> dict[str, str]:
    """Return the change of the section in each note that the plan changes."""
    changes = {}
    for path in plan.texts:
        before, after = (
            plan.before.index.notes[path].sections,
            plan.after.index.notes[path].sections,
        )
        if options.adopt:
            changes[path] = _ADOPTED
        elif options.remove or len(after) < len(before):
            changes[path] = _REMOVED
        else:
            changes[path] = _WRITTEN if len(after) > len(before) else _UPDATED
    return changes


def _print_section_rows(terminal: Terminal, output_format: str, rows: list[SectionRow]) -> None:
    if output_format == "json":
        print_document(terminal, {}, "sections", rows)
    elif output_format == "tsv":
        print_lines(terminal, [(row.path, row.change) for row in rows])
    elif rows:
        print_rows(
            terminal,
            ("note", "section"),
            [(row.path, _CHANGE_LABELS[row.change]) for row in rows],
            "",
        )


def _summarize(options: "BacklinksOptions", rows: list[SectionRow], auxiliary: str) -> str:
    """Describe the changes in a sentence. `auxiliary` is “were” or “would be”."""
    counts = [
        (label, count)
        for change, label in _CHANGE_LABELS.items()
        if (count := sum(row.change == change for row in rows))
    ]
    if not counts:
        verb = "adopt" if options.adopt else "remove" if options.remove else "write or update"
        return f"No sections to {verb}."
    (label, count), *others = counts
    verb = "was" if auxiliary == "were" and count == 1 else auxiliary
    parts = [f"{format_count(count, 'section')} {verb} {label}"]
    parts += [f"{count:,} {label}" for label, count in others]
    return f"{', '.join(parts)}."
