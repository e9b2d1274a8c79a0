"""`vaultlink backlinks` with --write, --check, --diff, --adopt or --remove: the sections of a vault are kept, on disk."""

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
    """A note that is or would be changed, and what is done to its section."""

    path: str
    change: str


_ADOPTED, _REMOVED = "adopted", "taken out"


def maintain_sections(options: "BacklinksOptions") -> int:
    """Write, adopt or take out sections, or say what that would change."""
    _reject_conflicting_options(options)
    terminal = Terminal(options)
    shape = choose_listing_format(terminal)
    root = None if options.check or options.diff else find_vault_root(options)
    with hold_write_lock(terminal, root) if root else nullcontext():
        plan, rows, left = _plan_and_write(options, terminal)
    if plan.broken_promise:
        return report_broken_promise(plan.broken_promise)
    return _report_sections(options, terminal, shape, (plan, rows, left))


def _reject_conflicting_options(options: "BacklinksOptions") -> None:
    given = [
        name
        for name, on in (
            ("--write", options.write),
            ("--adopt", options.adopt),
            ("--remove", options.remove),
        )
        if on
    ]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} can't be followed at once: choose one.")


def _build_overrides(options: "BacklinksOptions") -> Mapping[str, Any]:
    """The settings of this run: only what is about sections is checked, and notes without one are to have one."""
    given = {
        "style": options.style,
        "heading": options.heading,
        "entries": options.entries,
        "order": options.order,
    }
    return {
        "select": list(SECTION_RULES),
        "backlinks": {"mode": "write", **{key: value for key, value in given.items() if value}},
    }


def _plan_and_write(
    options: "BacklinksOptions", terminal: Terminal
) -> tuple[FixPlan, list[SectionRow], tuple[SkippedNote, ...]]:
    """What sections come to, the notes that are or would be changed, and those left alone, each with why."""
    scan = scan_from_options(options, overrides=_build_overrides(options))
    terminal.check_output_file(scan.root)
    warn_unreadable_folders(scan, terminal)
    vault = open_scanned_vault(scan, terminal)
    note = find_note_argument(vault, options.note) if options.note is not None else None
    if note is not None and not is_note(note):
        raise UsageError(f"{note} is no note, so it can't hold a section.")
    plan = vault.plan_rounds(_make_selector(options, lambda path: note in (None, path)))
    rows = [
        SectionRow(path, change)
        for path, change in sorted(_describe_changes(options, plan).items())
    ]
    if plan.broken_promise or options.check or options.diff:
        return plan, rows, vault.skipped_notes(plan)
    result = write_fixes(terminal, vault, plan, _summarise(options, rows, "were"))
    return plan, [row for row in rows if row.path in result.written], result.skipped


def _report_sections(
    options: "BacklinksOptions",
    terminal: Terminal,
    shape: str,
    done: tuple[FixPlan, list[SectionRow], tuple[SkippedNote, ...]],
) -> int:
    """Tell what was done, or would be, and what was left alone."""
    plan, rows, left = done
    if options.diff:
        terminal.print_results(
            unified_diff(
                [(path, *texts) for path, texts in sorted(plan.texts.items())], terminal.palette
            )
        )
    else:
        _print_section_rows(terminal, shape, rows)
    print_skipped_notes(terminal, left)
    written = bool(rows) and not (options.check or options.diff)
    if rows or not left:
        terminal.print_message(
            _summarise(options, rows, "were" if written else "would be")
            + (" `vaultlink undo` takes it back." if written else "")
        )
    would = bool(rows) and not written
    return EXIT_FINDINGS if left or would else EXIT_CLEAN


def _make_selector(
    options: "BacklinksOptions", chosen: Callable[[str], bool]
) -> SectionUpdater | OneTimeChange:
    if options.remove:
        return remove_sections(chosen)
    return adopt_sections(chosen) if options.adopt else SectionUpdater(chosen)


def _describe_changes(options: "BacklinksOptions", plan: FixPlan) -> dict[str, str]:
    """What becomes of the section of each note that changes."""
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
            changes[path] = "written" if len(after) > len(before) else "brought in step"
    return changes


def _print_section_rows(terminal: Terminal, shape: str, rows: list[SectionRow]) -> None:
    if shape == "json":
        print_document(terminal, {}, "sections", rows)
    elif shape == "tsv":
        print_lines(terminal, [(row.path, row.change) for row in rows])
    elif rows:
        print_rows(terminal, ("note", "section"), [(row.path, row.change) for row in rows], "")


def _summarise(options: "BacklinksOptions", rows: list[SectionRow], were: str) -> str:
    """What was done, or would be, in a sentence."""
    kinds = ("written", "brought in step", _REMOVED, _ADOPTED)
    counts = [(kind, sum(row.change == kind for row in rows)) for kind in kinds]
    if not any(count for _, count in counts):
        what = (
            "to be adopted"
            if options.adopt
            else "to be taken out"
            if options.remove
            else "to be written or changed"
        )
        return f"No section is there {what}."
    (kind, count), *others = [(kind, count) for kind, count in counts if count]
    verb = "was" if were == "were" and count == 1 else were
    return (
        ", ".join(
            [
                f"{format_count(count, 'section')} {verb} {kind}",
                *(f"{count:,} {kind}" for kind, count in others),
            ]
        )
        + "."
    )
