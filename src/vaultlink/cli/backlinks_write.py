"""Maintenance of backlinks sections: --write, --check, --diff, --adopt, --remove."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.listing import choose_listing_format, print_document, print_lines, print_rows
from vaultlink.cli.section_changes import (
    CHANGE_LABELS,
    NO_CHANGES,
    SectionChangeRow,
    SectionChanges,
    summarize,
)
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import find_vault_root, scan_from_options, warn_of_scan
from vaultlink.cli.write_run import hold_write_lock, print_skipped_notes
from vaultlink.disk.scan import VaultScan
from vaultlink.errors import UsageError
from vaultlink.rules.section_rules import SECTION_RULES
from vaultlink.write.cache import save_result
from vaultlink.write.strays import sweep_strays

if TYPE_CHECKING:
    from vaultlink.cli.backlinks_options import BacklinksOptions


def maintain_sections(options: "BacklinksOptions") -> int:
    """Write, adopt or remove sections, or report what would change."""
    _reject_conflicting_options(options)
    terminal = Terminal(options)
    output_format = choose_listing_format(terminal)
    root = None if options.check or options.diff else find_vault_root(options)
    with hold_write_lock(terminal, root) if root else nullcontext():
        scan = scan_from_options(options, overrides=_build_overrides(options))
        terminal.check_output_file(scan.root)
        warn_of_scan(scan, terminal)
        if root:
            sweep_strays(scan.root, scan.listing.strays)
        changes = _find_changes(options, terminal, scan)
    return _report_sections(options, terminal, output_format, changes)


def _find_changes(
    options: "BacklinksOptions", terminal: Terminal, scan: VaultScan
) -> SectionChanges:
    """Return the changes of sections.

    They are written unless only a report is wanted. If there are none, that is remembered for the
    next run on the unchanged vault.
    """
    cache = scan.open_cache() if options.note is None else None
    variant = repr((options.adopt, options.remove))
    cache_key = scan.cache_key("sections", variant) if cache else None
    if cache and cache_key and cache.load_result(cache_key, "sections") is not None:
        return NO_CHANGES
    from vaultlink.cli.section_plan import plan_and_write  # noqa: PLC0415 - imports the linter

    changes = plan_and_write(options, terminal, scan)
    if cache and cache_key and changes == NO_CHANGES:
        save_result(cache, cache_key, b"", "sections")
    return changes


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
            **({"mentions": True} if options.mentions else {}),
        },
    }


def _report_sections(
    options: "BacklinksOptions",
    terminal: Terminal,
    output_format: str,
    changes: SectionChanges,
) -> int:
    """Print the changes and the skipped notes; return the exit code."""
    rows, skipped = changes.rows, changes.skipped
    if options.diff:
        from vaultlink.report.unified_diff import unified_diff  # noqa: PLC0415 - needed for --diff only

        terminal.print_diff(
            unified_diff(
                [(path, *texts) for path, texts in sorted(changes.texts.items())], terminal.palette
            )
        )
    else:
        _print_section_rows(terminal, output_format, rows)
    print_skipped_notes(skipped)
    was_written = bool(rows) and not (options.check or options.diff)
    if rows or not skipped:
        terminal.print_message(
            summarize(options, rows, "were" if was_written else "would be")
            + (" `vaultlink undo` reverts it." if was_written else "")
        )
    would_change = bool(rows) and not was_written
    return EXIT_FINDINGS if skipped or would_change else EXIT_CLEAN


def _print_section_rows(
    terminal: Terminal, output_format: str, rows: Sequence[SectionChangeRow]
) -> None:
    if output_format == "json":
        print_document(terminal, {}, "sections", rows)
    elif not rows:
        return
    elif output_format == "tsv":
        print_lines(terminal, ("path", "change"), [(row.path, row.change) for row in rows])
    else:
        print_rows(
            terminal,
            ("note", "section"),
            [(row.path, CHANGE_LABELS[row.change]) for row in rows],
            "",
        )
