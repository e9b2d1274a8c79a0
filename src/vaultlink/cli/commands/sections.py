"""`vaultlink sections`: write, check, adopt or remove backlinks sections."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.listings import Columns, Listing, choose_listing_format, is_json, print_listing
from vaultlink.cli.opening import find_note_argument, find_note_start, open_scanned_vault
from vaultlink.cli.options import DiffOption, OpenOptions, argument, option
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.write_run import WritingCommand, print_skipped_notes, run_plan
from vaultlink.config.settings import BACKLINKS_CHOICES
from vaultlink.disk.scan import VaultScan
from vaultlink.errors import UsageError
from vaultlink.index.resolve import is_note
from vaultlink.report.layout import format_count
from vaultlink.rules.section_rules import SECTION_RULES
from vaultlink.write.write_notes import WriteResult

if TYPE_CHECKING:
    from vaultlink.api import Vault
    from vaultlink.fix.plan import Plan

ACTIONS = ("write", "check", "adopt", "remove")

_STYLE_KEYS = ("style", "heading", "entries", "order")
"""The settings that options change for one run."""

_LABELS = {
    "written": "written",
    "brought in step": "updated",
    "taken out": "removed",
    "adopted": "adopted",
}
"""The words for people for each change of a section in JSON and TSV."""


_INEFFECTIVE = {
    "write": ("check",),
    "check": ("check",),
    "adopt": ("mentions", "style", "entries", "order"),  # --heading says which sections are some
    "remove": ("mentions", *_STYLE_KEYS),
}
"""The options that have no effect with an action."""


class SectionChangeRow(msgspec.Struct, frozen=True):
    """A note that is or would be changed, and the change of its section.

    Attributes:
        path: Vault path of the note.
        change: `written` (a new section), `brought in step`, `adopted` or `taken out`.
    """

    path: str
    change: str


class SectionsOptions(OpenOptions, frozen=True, kw_only=True):
    """Options of `sections`."""

    hidden_fields: ClassVar[tuple[str, ...]] = ("check",)
    """An option that `backlinks` had beside --adopt and --remove; it still works."""

    action: Annotated[
        str | None, argument("ACTION", "write, check, adopt or remove.", ACTIONS, is_required=True)
    ] = None
    notes: Annotated[
        tuple[str, ...],
        argument("NOTE", "Paths in the vault, or names as in a link. By default, all notes."),
    ] = ()
    diff: DiffOption = False
    check: Annotated[bool, option("List what would change.")] = False
    mentions: Annotated[
        bool, option("Also list notes that certainly name a note without a link.")
    ] = False
    style: Annotated[
        str,
        option("Style of sections, instead of the setting.", choices=BACKLINKS_CHOICES["style"]),
    ] = ""
    heading: Annotated[
        str, option("Heading of sections, instead of the setting.", metavar="LINE")
    ] = ""
    entries: Annotated[
        str,
        option(
            "List notes that are not linked back, or all backlinks.",
            choices=BACKLINKS_CHOICES["entries"],
        ),
    ] = ""
    order: Annotated[
        str,
        option("Order of entries, instead of the setting.", choices=BACKLINKS_CHOICES["order"]),
    ] = ""


def sections(options: SectionsOptions) -> int:
    """Write, check, adopt or remove backlinks sections.

    `write` gives a section to the notes that others link to, and updates it; the section lists the
    notes that link here and are not linked back. `check` lists what `write` would change and exits
    with 1 if that is anything. `adopt` lets vaultlink maintain sections that authors wrote.
    `remove` removes the sections that vaultlink wrote, and its comments from adopted ones.

    The changed notes are listed. With --diff, nothing is written and the exit code is 1 if anything
    would change. A managed section is enclosed by two comments, by which vaultlink recognizes it.
    Removing it restores every byte of the note. `vaultlink undo` reverts a run.

    Output formats: table (on a terminal), tsv (elsewhere), json. Columns of tsv: path, change.
    """
    if options.action is None:
        raise UsageError(f"sections requires an action: {', '.join(ACTIONS)}.")
    given = [name for name in _INEFFECTIVE[options.action] if getattr(options, name)]
    if given:
        raise UsageError(f"--{given[0]} has no effect with `sections {options.action}`.")
    return run_plan(_SectionsCommand(options))


class _SectionsCommand(WritingCommand):
    def __init__(self, options: SectionsOptions):
        terminal = Terminal(options)
        choose_listing_format(terminal)
        super().__init__("sections", options, terminal)
        self.start = find_note_start(options, options.notes)
        self._options = options
        self._action = "write" if options.action == "check" else options.action or ""
        self.is_dry = options.diff or options.check or options.action == "check"
        style = {key: value for key in _STYLE_KEYS if (value := getattr(options, key))}
        mentions = {"mentions": True} if options.mentions else {}
        self.overrides = {
            "select": list(SECTION_RULES),
            "backlinks": {"mode": "write", **style, **mentions},
        }
        self._only_read = ""

    def identify_inputs(self, _scan: VaultScan) -> str:
        """Return the options, which hold everything."""
        return repr(self._options)

    def make_plan(self, scan: VaultScan) -> "Plan":
        vault = open_scanned_vault(scan, self.terminal)
        notes = [find_note_argument(vault, name) for name in self._options.notes]
        for note in notes:
            if not is_note(note):
                raise UsageError(f"{note} is not a note; only notes can have a backlinks section.")
        self._only_read = _describe_left_out(self._action, vault, notes)
        with self.terminal.progress_line("Planning sections") as progress:
            from vaultlink.write.requests import plan_section_changes  # noqa: PLC0415 - as above

            return plan_section_changes(vault.fixer, self._action, notes, progress.count)

    def describe(self, plan: "Plan", *, would: bool = False) -> str:
        rows = self._list_rows(plan)
        return "" if plan.skipped and not rows else _summarize(self._action, rows, would=would)

    def choose_written_format(self) -> str:
        """Return the format of a list, unless a patch is printed."""
        is_patch = self._options.diff
        return super().choose_written_format() if is_patch else self.terminal.output_format

    def _print_only_read(self) -> None:
        if self._only_read:
            self.terminal.print_message(self._only_read)

    def preview(self, plan: "Plan") -> int:
        self._print_only_read()
        if self._options.diff:
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
        if self._action == "adopt":
            return "adopted"
        if self._action == "remove" or len(after) < len(before):
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
