"""Maintain backlinks sections, for `sections` and `backlinks`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.listings import Columns, Listing, choose_listing_format, is_json, print_listing
from vaultlink.cli.opening import find_note_argument, find_note_start, open_scanned_vault
from vaultlink.cli.options import OpenOptions
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.write_run import WritingCommand, print_skipped_notes, run_plan
from vaultlink.disk.scan import VaultScan
from vaultlink.errors import UsageError
from vaultlink.index.resolve import is_note
from vaultlink.report.layout import format_count
from vaultlink.rules.section_rules import SECTION_RULES
from vaultlink.write.write_notes import WriteResult

if TYPE_CHECKING:
    from vaultlink.api import Vault
    from vaultlink.fix.plan import Plan

STYLE_KEYS = ("style", "heading", "entries", "order", "group")
"""The settings that options change for one run."""

_LABELS = {
    "written": "written",
    "brought in step": "updated",
    "taken out": "removed",
    "adopted": "adopted",
}
"""The words for people for each change of a section in JSON and TSV."""


class SectionChangeRow(msgspec.Struct, frozen=True):
    """A note that is or would be changed, and the change of its section.

    Attributes:
        path: Vault path of the note.
        change: `written` (a new section), `brought in step`, `adopted` or `taken out`.
    """

    path: str
    change: str


class SectionsRun(msgspec.Struct, frozen=True, kw_only=True):
    """The action on sections: `write`, `adopt` or `remove`.

    `notes` are arguments; empty for all. With `check`, the changes are listed and nothing is
    written. With `mentions`, they are searched whatever the settings say. `style` has settings for
    this run, by the keys in `STYLE_KEYS`.
    """

    command: str
    options: OpenOptions
    action: str = "write"
    notes: tuple[str, ...] = ()
    check: bool = False
    diff: bool = False
    mentions: bool = False
    style: Mapping[str, str] = {}


def maintain_sections(request: SectionsRun) -> int:
    """Do what is requested, or print what would be done; return the exit code."""
    return run_plan(_SectionsCommand(request))


class _SectionsCommand(WritingCommand):
    def __init__(self, request: SectionsRun):
        terminal = Terminal(request.options)
        choose_listing_format(terminal)
        super().__init__(request.command, request.options, terminal)
        self.start = find_note_start(request.options, request.notes)
        self._request, self.is_dry = request, request.check or request.diff
        self.overrides = _build_overrides(request)
        self._only_read = ""

    def identify_inputs(self, _scan: VaultScan) -> str:
        """Return the request, which holds everything."""
        return repr(self._request)

    def make_plan(self, scan: VaultScan) -> "Plan":
        request = self._request
        vault = open_scanned_vault(scan, self.terminal)
        notes = [find_note_argument(vault, name) for name in request.notes]
        for note in notes:
            if not is_note(note):
                raise UsageError(f"{note} is not a note; only notes can have a backlinks section.")
        self._only_read = _describe_left_out(request.action, vault, notes)
        with self.terminal.progress_line("Planning sections") as progress:
            from vaultlink.write.requests import plan_section_changes  # noqa: PLC0415 - as above

            return plan_section_changes(vault.fixer, request.action, notes, progress.count)

    def describe(self, plan: "Plan", *, would: bool = False) -> str:
        rows = self._list_rows(plan)
        return (
            "" if plan.skipped and not rows else _summarize(self._request.action, rows, would=would)
        )

    def choose_written_format(self) -> str:
        """Return the format of a list, unless a patch is printed."""
        is_patch = self._request.diff
        return super().choose_written_format() if is_patch else self.terminal.output_format

    def _print_only_read(self) -> None:
        if self._only_read:
            self.terminal.print_message(self._only_read)

    def preview(self, plan: "Plan") -> int:
        self._print_only_read()
        if self._request.diff:
            return super().preview(plan)
        rows = self._list_rows(plan)
        self._print_rows(rows, "would be ")
        print_skipped_notes(plan.skipped)
        if sentence := self.describe(plan, would=True):
            self.terminal.print_message(sentence)
        return EXIT_FINDINGS if rows or plan.skipped else EXIT_CLEAN

    def report(self, plan: "Plan", _result: WriteResult) -> int:
        rows = self._list_rows(plan)
        self._print_rows(rows)
        print_skipped_notes(plan.skipped)
        self._print_only_read()
        if sentence := self.describe(plan):
            undo = f" {self.describe_undo()}" if rows else ""
            self.terminal.print_message(sentence + undo)
        return EXIT_FINDINGS if plan.skipped else EXIT_CLEAN

    def _print_rows(self, rows: Sequence[SectionChangeRow], prefix: str = "") -> None:
        if rows or is_json(self.terminal):
            columns = SectionChangeRow.__struct_fields__
            table: Columns = {"note": "path", "section": lambda row: prefix + _LABELS[row.change]}
            print_listing(self.terminal, Listing("sections", rows, columns, table))

    def _list_rows(self, plan: "Plan") -> list[SectionChangeRow]:
        return [
            SectionChangeRow(path, self._name_change(plan, path)) for path in sorted(plan.texts)
        ]

    def _name_change(self, plan: "Plan", path: str) -> str:
        before = plan.before.index.notes[path].sections
        after = plan.after.index.notes[path].sections
        if self._request.action == "adopt":
            return "adopted"
        if self._request.action == "remove" or len(after) < len(before):
            return "taken out"
        return "written" if len(after) > len(before) else "brought in step"


def _describe_left_out(action: str, vault: "Vault", notes: Sequence[str]) -> str:
    """Return a line about the notes that get no section because they are only read."""
    if action == "remove":
        return ""
    from vaultlink.report.read_only_notes import describe_read_only  # noqa: PLC0415

    index = vault.index
    return describe_read_only(
        vault.state,
        (
            path
            for path in notes or index.notes
            if index.notes[path].sections or (action != "adopt" and index.sources_of(path))
        ),
    )


def _build_overrides(request: SectionsRun) -> Mapping[str, Any]:
    """Return the settings of this run: only section rules run, in the mode `write`."""
    style = {key: value for key, value in request.style.items() if value}
    mentions = {"mentions": True} if request.mentions else {}
    return {"select": list(SECTION_RULES), "backlinks": {"mode": "write", **style, **mentions}}


def _summarize(action: str, rows: Sequence[SectionChangeRow], *, would: bool = False) -> str:
    counts = [
        (label, count)
        for change, label in _LABELS.items()
        if (count := sum(row.change == change for row in rows))
    ]
    if not counts:
        verb = "write or update" if action == "write" else action
        return f"No sections to {verb}."
    (label, count), *others = counts
    verb = "would be" if would else "was" if count == 1 else "were"
    parts = [f"{format_count(count, 'section')} {verb} {label}"]
    parts += [f"{count:,} {label}" for label, count in others]
    return f"{', '.join(parts)}."
