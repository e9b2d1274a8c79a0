"""Turn mentions into links, or print what would change."""

from collections.abc import Sequence

from vaultlink.api import Vault
from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.listing import choose_listing_format, print_lines
from vaultlink.cli.mention_options import MentionsOptions
from vaultlink.cli.mention_results import (
    WriteOutcome,
    describe_redundant,
    find_mentions,
    make_rows,
    print_topics,
    render_document,
)
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import (
    find_vault_root,
    open_scanned_vault,
    scan_from_options,
    warn_of_scan,
)
from vaultlink.cli.write_run import hold_write_lock, print_skipped_notes, write_fixes
from vaultlink.mentions.planning import MentionPlan
from vaultlink.mentions.wanted_topics import WantedTopic
from vaultlink.report.mention_rows import (
    TSV_HEADER,
    describe_linked,
    mention_cells,
    render_mentions,
)
from vaultlink.report.unified_diff import unified_diff
from vaultlink.write.strays import sweep_strays
from vaultlink.write.write import PendingWrite, WriteResult


def write_mentions(options: MentionsOptions) -> int:
    """Link the mentions that are certain; return the exit code.

    Only one run at a time writes to a vault.
    """
    terminal = Terminal(options)
    output_format = choose_listing_format(terminal)
    with hold_write_lock(terminal, find_vault_root(options)):
        vault = open_for_writing(options, terminal)
        found = find_mentions(options, vault)
        plan = vault.fixer.plan_mentions(found.certain, confirmed=bool(found.topics))
        run = WrittenMentions(output_format, vault, found.topics, plan)
        result = write_mention_plan(terminal, vault, plan)
    return run.report(terminal, result)


def print_mention_diff(options: MentionsOptions) -> int:
    """Print what `write_mentions` would change; return the exit code."""
    terminal = Terminal(options)
    output_format = choose_listing_format(terminal)
    scan = scan_from_options(options)
    terminal.check_output_file(scan.root)
    warn_of_scan(scan, terminal)
    vault = open_scanned_vault(scan, terminal)
    found = find_mentions(options, vault)
    plan = vault.fixer.plan_mentions(found.certain, confirmed=bool(found.topics))
    skipped = (*plan.skipped, *vault.fixer.skipped(plan.plan))
    if output_format == "json":
        outcome = WriteOutcome(None, skipped)
        rows = make_rows(vault, plan.linked)
        terminal.print_results(render_document(vault, rows, found.topics, outcome))
    else:
        terminal.print_diff(unified_diff(list_text_changes(vault, plan), terminal.palette))
    print_skipped_notes(skipped)
    print_topics(terminal, found.topics)
    terminal.print_message(describe_linked(plan.linked, would=True) or "Nothing to link.")
    return EXIT_FINDINGS if plan.plan.texts or skipped else EXIT_CLEAN


def list_text_changes(vault: Vault, plan: MentionPlan) -> list[tuple[str, str | None, str | None]]:
    """Return the path and the texts of each changed note, with its byte order mark."""
    encode = vault.fixer.encode
    return [
        (
            path,
            None if old is None else encode(path, old).decode(),
            encode(path, new).decode(),
        )
        for path, (old, new) in sorted(plan.plan.texts.items())
    ]


def open_for_writing(options: MentionsOptions, terminal: Terminal) -> Vault:
    """Open the vault of a run that may write; remove what interrupted runs left."""
    scan = scan_from_options(options)
    terminal.check_output_file(scan.root)
    warn_of_scan(scan, terminal)
    sweep_strays(scan.root, scan.listing.strays)
    return open_scanned_vault(scan, terminal)


def write_mention_plan(
    terminal: Terminal,
    vault: Vault,
    plan: MentionPlan,
    others: Sequence[PendingWrite] = (),
    summary: str = "",
) -> WriteResult:
    """Write a plan. `others` are files that are not notes, which `summary` describes."""
    sentences = [sentence for sentence in (describe_linked(plan.linked), summary) if sentence]
    return write_fixes(terminal, vault, plan.plan, " ".join(sentences), others)


class WrittenMentions:
    """The mentions of a plan, as they are reported after it was written.

    It must be created before that, because rows have offsets in the texts before.
    """

    def __init__(
        self,
        output_format: str,
        vault: Vault,
        topics: Sequence[WantedTopic],
        plan: MentionPlan,
    ):
        self._format, self._vault, self._topics, self._plan = output_format, vault, topics, plan
        self._rows = make_rows(vault, plan.linked) if output_format == "json" else []

    def report(self, terminal: Terminal, result: WriteResult, summary: str = "") -> int:
        """Print what was linked and what was skipped; return the exit code."""
        written = frozenset(result.written)
        linked = [item for item in self._plan.linked if item.path in written]
        skipped = (*self._plan.skipped, *result.skipped)
        if self._format == "json":
            rows = [row for row in self._rows if row.note in written]
            outcome = WriteOutcome(result.run_id, skipped)
            terminal.print_results(render_document(self._vault, rows, self._topics, outcome))
        elif self._format == "tsv":
            print_lines(terminal, TSV_HEADER, mention_cells(linked))
        elif terminal.verbose and linked:
            terminal.print_results(
                render_mentions(linked, self._old_text, terminal.width, terminal.palette)
            )
        print_skipped_notes(skipped)
        print_topics(terminal, self._topics)
        sentence = " ".join(filter(None, (describe_linked(linked), summary)))
        undo = " `vaultlink undo` reverts it." if result.run_id else ""
        terminal.print_message(f"{sentence or 'Nothing was written.'}{undo}")
        if linked and (advice := describe_redundant(self._topics)):
            terminal.print_message(advice)
        return EXIT_FINDINGS if skipped else EXIT_CLEAN

    def _old_text(self, path: str) -> str:
        return self._plan.plan.texts[path][0] or ""
