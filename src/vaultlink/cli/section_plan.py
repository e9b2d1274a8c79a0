"""Plan and write changes of backlinks sections."""

from typing import TYPE_CHECKING

from vaultlink.api import Vault
from vaultlink.cli.section_changes import (
    ADOPTED,
    REMOVED,
    UPDATED,
    WRITTEN,
    SectionChangeRow,
    SectionChanges,
    summarize,
)
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import find_note_argument, open_scanned_vault
from vaultlink.cli.write_run import write_fixes
from vaultlink.disk.scan import VaultScan
from vaultlink.errors import UsageError
from vaultlink.fix.backlinks_commands import (
    OneTimeChange,
    SectionUpdater,
    adopt_sections,
    remove_sections,
)
from vaultlink.fix.loop import FixPlan
from vaultlink.index.resolve import is_note

if TYPE_CHECKING:
    from vaultlink.cli.backlinks_options import BacklinksOptions


def plan_and_write(
    options: "BacklinksOptions", terminal: Terminal, scan: VaultScan
) -> SectionChanges:
    """Plan the changes of a vault, and write them unless only a report is wanted."""
    vault = open_scanned_vault(scan, terminal)
    note = find_note_argument(vault, options.note) if options.note is not None else None
    if note is not None and not is_note(note):
        raise UsageError(f"{note} is not a note; only notes can have a backlinks section.")
    plan = vault.fixer.plan_rounds(_make_selector(options, vault, note))
    rows = [
        SectionChangeRow(path, change)
        for path, change in sorted(_describe_changes(options, plan).items())
    ]
    if options.check or options.diff:
        return SectionChanges(rows, vault.fixer.skipped(plan), plan.texts)
    result = write_fixes(terminal, vault, plan, summarize(options, rows, "were"))
    written = frozenset(result.written)
    return SectionChanges([row for row in rows if row.path in written], result.skipped, plan.texts)


def _make_selector(
    options: "BacklinksOptions", vault: Vault, note: str | None
) -> SectionUpdater | OneTimeChange:
    def is_chosen(path: str) -> bool:
        return note in (None, path)

    if options.remove:
        return remove_sections(is_chosen)
    if options.adopt:
        return adopt_sections(is_chosen)
    if not vault.config.backlinks["mentions"]:
        return SectionUpdater(is_chosen)
    from vaultlink.cli.mention_search import find_certain_mentions  # noqa: PLC0415 - rarely needed

    mentions = find_certain_mentions(vault.state, vault.text, vault.config.mentions, note)
    return SectionUpdater(is_chosen, mentions)


def _describe_changes(options: "BacklinksOptions", plan: FixPlan) -> dict[str, str]:
    """Return the change of the section in each note that the plan changes."""
    changes = {}
    for path in plan.texts:
        before, after = (
            plan.before.index.notes[path].sections,
            plan.after.index.notes[path].sections,
        )
        if options.adopt:
            changes[path] = ADOPTED
        elif options.remove or len(after) < len(before):
            changes[path] = REMOVED
        else:
            changes[path] = WRITTEN if len(after) > len(before) else UPDATED
    return changes
