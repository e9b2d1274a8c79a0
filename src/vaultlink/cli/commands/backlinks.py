"""`vaultlink backlinks`: list backlinks, or maintain backlinks sections."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec

from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.listing import (
    Columns,
    Listing,
    choose_listing_format,
    is_json,
    print_listing,
    print_plan,
)
from vaultlink.cli.options import DiffOption, NoteArgument, OpenOptions, ParameterSpec, option
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import find_note_argument, open_from_options, open_scanned_vault
from vaultlink.cli.write_run import WritingCommand, print_skipped_notes, run_plan
from vaultlink.config.settings import BACKLINKS_CHOICES, RETIRED_CHOICES
from vaultlink.disk.scan import VaultScan
from vaultlink.errors import UsageError
from vaultlink.index.resolve import is_note
from vaultlink.report.layout import format_count
from vaultlink.rules.section_rules import SECTION_RULES
from vaultlink.write.cache import save_result
from vaultlink.write.write_notes import WriteResult

if TYPE_CHECKING:
    from vaultlink.api import Vault
    from vaultlink.fix.plan import Plan
    from vaultlink.fix.sections import OneTimeChange, SectionUpdater


# -- the options of `vaultlink backlinks` ----------------------------------------------------------


_MAINTAINING = ("--write", "--check", "--diff", "--adopt", "--remove")
"""Options with which sections are written, or compared with what would be written."""


def _style_option(key: str, help: str) -> ParameterSpec:  # noqa: A002
    if key == "heading":
        return option("--heading", help=help, metavar="LINE", requires=_MAINTAINING)
    choices = (*BACKLINKS_CHOICES.get(key, ()), *RETIRED_CHOICES.get(key, ()))
    return option(f"--{key}", help=help, choices=choices, requires=_MAINTAINING)


class BacklinksOptions(OpenOptions, frozen=True, kw_only=True):
    """Options of `backlinks`."""

    note: NoteArgument = None
    mentions: Annotated[
        bool,
        option(
            "--mentions",
            help="Also list notes that name NOTE without a link; with --write, in sections.",
        ),
    ] = False
    write: Annotated[
        bool,
        option(
            "--write",
            help="Add a section to every note that others link to (or to NOTE), and update it.",
        ),
    ] = False
    check: Annotated[
        bool, option("--check", help="List what would be written; exit with 1 if anything would.")
    ] = False
    diff: DiffOption = False
    adopt: Annotated[
        bool,
        option("--adopt", help="Take over sections that authors wrote, and maintain them."),
    ] = False
    remove: Annotated[
        bool,
        option(
            "--remove",
            help="Remove the sections that vaultlink wrote, and its markers from adopted ones.",
        ),
    ] = False
    style: Annotated[str, _style_option("style", "Style of sections, instead of the setting.")] = ""
    heading: Annotated[
        str, _style_option("heading", "Heading of sections, instead of the setting.")
    ] = ""
    entries: Annotated[
        str, _style_option("entries", "List notes that are not linked back, or all backlinks.")
    ] = ""
    order: Annotated[
        str,
        _style_option(
            "order", "Order of entries, instead of the setting; rank and recent are now title."
        ),
    ] = ""
    group: Annotated[str, _style_option("group", "No longer has an effect.")] = ""


def backlinks(options: BacklinksOptions) -> int:
    """List the backlinks of a note, or maintain backlinks sections.

    Lists the notes and canvases that link to NOTE, with the line numbers of the links. Without
    NOTE, lists the number of links to each file, highest first. The exit code is 0 whatever is
    listed. --mentions also lists where notes name NOTE without a link; `vaultlink mentions --to
    NOTE` says more about them, and links them. With --write, --check and --diff, sections list the
    notes that certainly name a note, under “Mentioned in”.

    With --write, --adopt or --remove, sections are written, adopted or removed, and the changed
    notes are listed. --check and --diff write nothing and exit with 1 if anything would change. A
    managed section is enclosed by two comments, by which vaultlink recognizes it. Removing it
    restores every byte of the note. `vaultlink undo` reverts a run.

    Output formats: table (on a terminal), tsv (elsewhere), json. Columns of tsv: path, count,
    lines; with --mentions also entry (link or mention); without NOTE: path, links, files (how many
    contain them); with sections: path, change.
    """
    _reject_mentions(options)
    if options.write or options.check or options.diff or options.adopt or options.remove:
        return maintain_sections(options)
    return _list_backlinks(options)


def _reject_mentions(options: BacklinksOptions) -> None:
    if not options.mentions:
        return
    for name in ("adopt", "remove"):
        if getattr(options, name):
            raise UsageError(f"--mentions and --{name} can't be used together.")
    if options.note is None and not (options.write or options.check or options.diff):
        raise UsageError("--mentions requires NOTE. `vaultlink mentions` lists those of all notes.")


def _list_backlinks(options: BacklinksOptions) -> int:
    from vaultlink.report.listings import (  # noqa: PLC0415 - needed for listing only
        BACKLINKS_TABLE,
        BacklinkRow,
        backlink_rows,
    )

    terminal = Terminal(options)
    output_format = choose_listing_format(terminal)
    vault = open_from_options(options, terminal)
    if options.note is None:
        _print_link_counts(terminal, output_format, vault)
        return EXIT_CLEAN
    note = find_note_argument(vault, options.note)
    rows = backlink_rows(vault.index, note)
    if options.mentions:
        from vaultlink.cli.mention_search import print_with_mentions  # noqa: PLC0415 - rarely needed

        print_with_mentions(terminal, output_format, vault, note, rows)
        return EXIT_CLEAN
    listing = Listing(
        "backlinks",
        rows,
        BacklinkRow.__struct_fields__,
        BACKLINKS_TABLE,
        head={"note": note},
        empty=f"No backlinks of {note} found.",
    )
    if print_listing(terminal, output_format, listing):
        terminal.print_message(
            f"{format_count(sum(row.count for row in rows), 'link')} to {note} "
            f"in {format_count(len(rows), 'file')}."
        )
    return EXIT_CLEAN


def _print_link_counts(terminal: Terminal, output_format: str, vault: "Vault") -> None:
    from vaultlink.report.listings import all_backlink_rows  # noqa: PLC0415

    rows = all_backlink_rows(vault.index)
    counts = [
        _LinkCount(row.note, sum(link.count for link in row.backlinks), len(row.backlinks))
        for row in rows
    ]
    counts.sort(key=lambda row: (-row.links, row.path))
    listing = Listing(
        "notes",
        rows,
        _LinkCount._fields,
        {"file": "path", "links": "links", "from files": "files"},
        lines=counts,
        empty="No backlinks found.",
    )
    print_listing(terminal, output_format, listing)


class _LinkCount(NamedTuple):
    path: str
    links: int
    files: int


# -- maintenance of backlinks sections: --write, --check, --diff, --adopt, --remove ----------------
# The linter is imported only if the vault has changed since a run that had nothing to change.


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


def maintain_sections(options: "BacklinksOptions") -> int:
    names = [name for name in ("write", "adopt", "remove") if getattr(options, name)]
    if len(names) > 1:
        raise UsageError(f"{' and '.join(f'--{name}' for name in names)} can't be used together.")
    return run_plan(_SectionsCommand(options))


class _SectionsCommand(WritingCommand):
    def __init__(self, options: "BacklinksOptions"):
        terminal = Terminal(options)
        super().__init__("backlinks", options, terminal, choose_listing_format(terminal))
        self._options, self.is_dry = options, options.check or options.diff
        self.overrides = _build_overrides(options)
        self._only_read = ""

    def make_plan(self, scan: VaultScan) -> "Plan | None":
        """Plan the changes; None if a former run on this vault had nothing to change."""
        options = self._options
        cache = scan.open_cache() if options.note is None else None
        variant = repr((options.adopt, options.remove))
        cache_key = scan.cache_key("sections", variant) if cache else None
        known = cache.load_result(cache_key, "sections") if cache and cache_key else None
        if known is not None:
            self._only_read = bytes(known).decode()
            return None
        vault = open_scanned_vault(scan, self.terminal)
        note = find_note_argument(vault, options.note) if options.note is not None else None
        if note is not None and not is_note(note):
            raise UsageError(f"{note} is not a note; only notes can have a backlinks section.")
        self._only_read = _describe_left_out(options, vault, note)
        plan = vault.fixer.plan_rounds(_make_selector(options, vault, note))
        if cache and cache_key and not (plan.texts or plan.skipped):
            save_result(cache, cache_key, self._only_read.encode(), "sections")
        return plan

    def describe(self, plan: "Plan", *, would: bool = False) -> str:
        rows = self._list_rows(plan)
        return "" if plan.skipped and not rows else _summarize(self._options, rows, would=would)

    def choose_written_format(self) -> str:
        """Return the format of a list, unless a patch is printed."""
        return super().choose_written_format() if self._options.diff else self.output_format

    def _print_only_read(self) -> None:
        if self._only_read:
            self.terminal.print_message(self._only_read)

    def preview(self, plan: "Plan") -> int:
        self._print_only_read()
        if self._options.diff:
            return super().preview(plan)
        rows = self._list_rows(plan)
        self._print_rows(rows)
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

    def report_nothing(self) -> int:
        if not self._options.diff:
            self._print_rows([])
        elif is_json(self.output_format):
            from vaultlink.fix.plan import VaultChanges  # noqa: PLC0415 - rarely needed

            print_plan(self.terminal, self.output_format, self.name, VaultChanges())
        self._print_only_read()
        self.terminal.print_message(_summarize(self._options, []))
        return EXIT_CLEAN

    def _print_rows(self, rows: Sequence[SectionChangeRow]) -> None:
        if rows or is_json(self.output_format):
            columns = SectionChangeRow.__struct_fields__
            table: Columns = {"note": "path", "section": lambda row: _LABELS[row.change]}
            print_listing(
                self.terminal, self.output_format, Listing("sections", rows, columns, table)
            )

    def _list_rows(self, plan: "Plan") -> list[SectionChangeRow]:
        return [
            SectionChangeRow(path, self._name_change(plan, path)) for path in sorted(plan.texts)
        ]

    def _name_change(self, plan: "Plan", path: str) -> str:
        before = plan.before.index.notes[path].sections
        after = plan.after.index.notes[path].sections
        if self._options.adopt:
            return "adopted"
        if self._options.remove or len(after) < len(before):
            return "taken out"
        return "written" if len(after) > len(before) else "brought in step"


def _make_selector(
    options: "BacklinksOptions", vault: "Vault", note: str | None
) -> "SectionUpdater | OneTimeChange":
    from vaultlink.fix.sections import (  # noqa: PLC0415 - imports the linter
        SectionUpdater,
        adopt_sections,
        remove_sections,
    )

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


def _describe_left_out(options: "BacklinksOptions", vault: "Vault", note: str | None) -> str:
    """Return a line about the notes that get no section because they are only read."""
    if options.remove:
        return ""
    from vaultlink.report.read_only_notes import describe_read_only  # noqa: PLC0415

    index = vault.index
    paths = index.notes if note is None else [note]
    return describe_read_only(
        vault.state,
        (
            path
            for path in paths
            if index.notes[path].sections or (not options.adopt and index.sources_of(path))
        ),
    )


def _build_overrides(options: "BacklinksOptions") -> Mapping[str, Any]:
    """Return the settings of this run: only section rules run, in the mode `write`."""
    style = {
        key: value
        for key in ("style", "heading", "entries", "order", "group")
        if (value := getattr(options, key))
    }
    return {
        "select": list(SECTION_RULES),
        "backlinks": {
            "mode": "write",
            **style,
            **({"mentions": True} if options.mentions else {}),
        },
    }


def _summarize(
    options: "BacklinksOptions", rows: Sequence[SectionChangeRow], *, would: bool = False
) -> str:
    counts = [
        (label, count)
        for change, label in _LABELS.items()
        if (count := sum(row.change == change for row in rows))
    ]
    if not counts:
        verb = "adopt" if options.adopt else "remove" if options.remove else "write or update"
        return f"No sections to {verb}."
    (label, count), *others = counts
    verb = "would be" if would else "was" if count == 1 else "were"
    parts = [f"{format_count(count, 'section')} {verb} {label}"]
    parts += [f"{count:,} {label}" for label, count in others]
    return f"{', '.join(parts)}."
