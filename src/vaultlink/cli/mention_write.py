"""Turn mentions into links, or print what would change."""

from collections.abc import Mapping, Sequence

from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.listings import Listing, choose_listing_format, print_listing
from vaultlink.cli.mention_search import (
    MentionsOptions,
    describe_frequent,
    describe_topics,
    find_mentions,
    make_mention_listing,
)
from vaultlink.cli.opening import find_note_start, open_scanned_vault
from vaultlink.cli.proposed_commands import format_vault_option
from vaultlink.cli.terminal import Terminal, require_terminal
from vaultlink.cli.write_run import WritingCommand, print_skipped_notes, run_plan
from vaultlink.disk.scan import VaultScan
from vaultlink.fix.plan import Plan
from vaultlink.mentions.mention import Mention
from vaultlink.mentions.planning import list_mention_causes, make_mention_fixes, make_mention_links
from vaultlink.report.changed_lines import describe_linked
from vaultlink.report.mention_rows import mention_rows, render_mentions
from vaultlink.write.settings_lists import SettingsChange, find_ignore_list
from vaultlink.write.write_notes import WriteResult


def link_mentions(options: MentionsOptions) -> int:
    return run_plan(_MentionsCommand(options))


class _MentionsCommand(WritingCommand):
    def __init__(self, options: MentionsOptions):
        if options.interactive:
            require_terminal()
        terminal = Terminal(options)
        choose_listing_format(terminal)
        super().__init__("mentions", options, terminal)
        self._options = options
        self.start = find_note_start(options, options.words)
        self.is_dry, self.is_interactive = options.diff, options.interactive
        self._ignored: SettingsChange | None = None

    def identify_inputs(self, _scan: VaultScan) -> str:
        """Return the options, which hold everything."""
        return repr(self._options)

    def make_plan(self, scan: VaultScan) -> Plan | None:
        """Plan the links; None if there is no mention to ask about."""
        self._vault = open_scanned_vault(scan, self.terminal)
        self._found = found = find_mentions(self._options, self._vault, self.terminal)
        with self.terminal.progress_line("Planning links"):
            if not self.is_interactive:
                certain = [item for item in found.mentions if item.certain]
                plan = self._vault.fixer.plan_mentions(certain, confirmed=bool(found.topics))
            else:
                mentions = found.mentions if self._options.min_score is not None else found.all
                chosen = self._ask(mentions)
                if chosen is None:
                    return None
                plan = self._vault.fixer.plan_mentions(chosen, confirmed=True)
        return plan.with_write(self._ignored.write) if self._ignored else plan

    def _ask(self, mentions: Sequence[Mention]) -> list[Mention] | None:
        """Ask about mentions; return the chosen ones, None if none can be linked."""
        from vaultlink.cli.interactive import ask_about_causes  # noqa: PLC0415 - rarely needed

        vault = self._vault
        causes = list_mention_causes(
            make_mention_fixes(vault.state, vault.text, mentions), mentions
        )
        if not causes:
            return None
        choices = ask_about_causes(causes, self.terminal, vault, find_ignore_list(vault.scan))
        self._ignored = choices.settings
        places = {(item.path, item.start) for item, _ in choices.fixes}
        return [item for item in mentions if (item.path, item.start) in places]

    def describe(self, plan: Plan, *, would: bool = False) -> str:
        ignored = self._ignored
        added = ignored.sentence if ignored and ignored.path in plan.texts else ""
        sentence = " ".join(filter(None, (describe_linked(plan.linked, would=would), added)))
        if self.is_interactive:
            return sentence or "Nothing was changed."
        return sentence or ("Nothing to link." if would else "Nothing was written.")

    def list_more_keys(self, plan: Plan) -> Mapping[str, object]:
        listing = self._make_listing(plan)
        return {**listing.head, "mentions": tuple(listing.rows)}

    def _make_listing(self, plan: Plan, run: str | None = None) -> Listing:
        """Return the linked mentions, with offsets in the texts before."""
        places = {(item.path, item.start) for item in plan.linked}
        linked = [item for item in self._found.all if (item.path, item.start) in places]
        links = make_mention_links(self._vault.state, lambda path: plan.texts[path][0], linked)
        rows = mention_rows(linked, links, plan.old_bytes)
        return make_mention_listing(
            self._vault, rows, linked, self._found.topics, plan.skipped, run
        )

    def _print_search(self) -> None:
        found = self._found
        for sentence in filter(None, [*describe_topics(found.topics), found.only_read]):
            self.terminal.print_message(sentence)

    def preview(self, plan: Plan) -> int:
        self._print_search()
        return super().preview(plan)

    def report(self, plan: Plan, result: WriteResult) -> int:
        terminal, topics = self.terminal, self._found.topics
        listing = self._make_listing(plan, result.run_id)
        linked = [*(listing.lines or ())]
        if terminal.verbose and linked:
            listing = listing._replace(
                text=lambda: render_mentions(
                    linked, lambda path: plan.texts[path][0] or "", terminal.width, terminal.palette
                )
            )
        print_listing(terminal, listing)
        print_skipped_notes(plan.skipped)
        self._print_search()
        undo = f" {self.describe_undo()}" if result.run_id else ""
        terminal.print_message(f"{self.describe(plan)}{undo}")
        if linked and not (topics or self.is_interactive):
            terminal.print_message(
                "Links are evidence: other mentions may be certain now, which the same command "
                "links."
            )
        for sentence in describe_frequent(self._found.frequent):
            terminal.print_message(sentence)
        if linked and topics:
            terminal.print_message(
                f"`vaultlink fix --unsafe-fixes{format_vault_option(self.options, self.root)}` "
                "removes the entries of the topics that are linked."
            )
        return EXIT_FINDINGS if plan.skipped else EXIT_CLEAN

    def report_nothing(self) -> int:
        self._print_search()
        self.terminal.print_message("No unlinked mentions found.")
        return EXIT_CLEAN
