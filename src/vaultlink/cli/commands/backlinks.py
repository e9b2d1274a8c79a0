"""`vaultlink backlinks`: list backlinks, or do what `sections` does."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from vaultlink.cli.listings import Listing, answer_with_rows, cut_rows, is_json, refuse_page
from vaultlink.cli.opening import find_note_argument, find_note_start
from vaultlink.cli.options import (
    AfterOption,
    DiffOption,
    LimitOption,
    NoteArgument,
    OpenOptions,
    ParameterSpec,
    option,
)
from vaultlink.cli.sections_run import STYLE_KEYS, SectionsRun, maintain_sections
from vaultlink.cli.terminal import Terminal
from vaultlink.config.settings import BACKLINKS_CHOICES, RETIRED_CHOICES
from vaultlink.errors import UsageError
from vaultlink.report.layout import format_count
from vaultlink.report.pages import BY_PATH, Order, PageRows

if TYPE_CHECKING:
    from vaultlink.api import Vault

_MAINTAINING = ("--write", "--check", "--diff", "--adopt", "--remove")
"""Options with which sections are written, or compared with what would be written."""


def style_option(key: str, help: str, requires: tuple[str, ...] = ()) -> ParameterSpec:  # noqa: A002
    """Return the option that changes a setting of sections for one run."""
    if key == "heading":
        return option(help, metavar="LINE", requires=requires)
    choices = (*BACKLINKS_CHOICES.get(key, ()), *RETIRED_CHOICES.get(key, ()))
    return option(help, choices=choices, requires=requires)


def _style_option(key: str, help: str) -> ParameterSpec:  # noqa: A002
    return style_option(key, help, _MAINTAINING)


class BacklinksOptions(OpenOptions, frozen=True, kw_only=True):
    """Options of `backlinks`."""

    note: NoteArgument = None
    limit: LimitOption = None
    after: AfterOption = ""
    mentions: Annotated[
        bool, option("Also list notes that name NOTE without a link; with --write, in sections.")
    ] = False
    write: Annotated[
        bool, option("Add a section to every note that others link to (or to NOTE), and update it.")
    ] = False
    check: Annotated[bool, option("List what would be written; exit with 1 if anything would.")] = (
        False
    )
    diff: DiffOption = False
    adopt: Annotated[bool, option("Take over sections that authors wrote, and maintain them.")] = (
        False
    )
    remove: Annotated[
        bool, option("Remove the sections that vaultlink wrote, and its markers from adopted ones.")
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

    --write, --check, --adopt and --remove do the same as `vaultlink sections` with these words:
    sections are written, adopted or removed, and the changed notes are listed. --check and --diff
    write nothing and exit with 1 if anything would change. `vaultlink undo` reverts a run.

    Output formats: table (on a terminal), tsv (elsewhere), json. Columns of tsv: path, count,
    lines; with --mentions also entry (link or mention); without NOTE: path, links, files (how many
    contain them); with sections: path, change.
    """
    _reject_mentions(options)
    maintaining = [word for word in _MAINTAINING if getattr(options, word[2:])]
    refuse_page(options, maintaining)
    if maintaining:
        return maintain_sections(_request_sections(options))
    find_start = partial(find_note_start, options, (options.note,))
    is_kept = not options.note or options.mentions
    return answer_with_rows("backlinks", options, _list_backlinks, find_start, is_kept=is_kept)


def _request_sections(options: BacklinksOptions) -> SectionsRun:
    if options.write and options.check:
        raise UsageError("--write and --check can't be used together.")
    actions = [name for name in ("write", "adopt", "remove") if getattr(options, name)]
    if len(actions) > 1:
        raise UsageError(f"{' and '.join(f'--{name}' for name in actions)} can't be used together.")
    return SectionsRun(
        command="backlinks",
        options=options,
        action=actions[0] if actions else "write",
        notes=() if options.note is None else (options.note,),
        check=options.check,
        diff=options.diff,
        mentions=options.mentions,
        style={key: getattr(options, key) for key in STYLE_KEYS},
    )


def _reject_mentions(options: BacklinksOptions) -> None:
    if not options.mentions:
        return
    for name in ("adopt", "remove"):
        if getattr(options, name):
            raise UsageError(f"--mentions and --{name} can't be used together.")
    if options.note is None and not (options.write or options.check or options.diff):
        raise UsageError("--mentions requires NOTE. `vaultlink mentions` lists those of all notes.")


def _list_backlinks(options: BacklinksOptions, terminal: Terminal, vault: "Vault") -> Listing:
    from vaultlink.report.listings import (  # noqa: PLC0415 - needed for listing only
        BACKLINKS_COLUMNS,
        BACKLINKS_TABLE,
        backlink_rows,
    )

    if options.note is None:
        return _list_link_counts(options, terminal, vault)
    note = find_note_argument(vault, options.note)
    rows = backlink_rows(vault.index, note)
    if options.mentions:
        from vaultlink.cli.mention_search import list_with_mentions  # noqa: PLC0415 - rarely needed

        return list_with_mentions(options, terminal, vault, note, rows)
    links, files = format_count(sum(row.count for row in rows), "link"), len(rows)
    return Listing(
        "backlinks",
        cut_rows(options, terminal, rows, BY_PATH),
        BACKLINKS_COLUMNS,
        BACKLINKS_TABLE,
        head={"note": note},
        empty=f"No backlinks of {note} found.",
        summary=lambda: [f"{links} to {note} in {format_count(files, 'file')}."],
    )


def _list_link_counts(options: BacklinksOptions, terminal: Terminal, vault: "Vault") -> Listing:
    from vaultlink.report.listings import all_backlink_rows  # noqa: PLC0415

    rows = all_backlink_rows(vault.index)
    if is_json(terminal):
        cut: PageRows[Any] = cut_rows(options, terminal, rows, _BY_NOTE)
    else:
        counts = [
            _LinkCount(row.note, sum(link.count for link in row.backlinks), len(row.backlinks))
            for row in rows
        ]
        cut = cut_rows(options, terminal, sorted(counts, key=_BY_COUNT.get_place), _BY_COUNT)
    table = {"file": "path", "links": "links", "from files": "files"}
    return Listing("notes", cut, _LinkCount._fields, table, empty="No backlinks found.")


class _LinkCount(NamedTuple):
    path: str
    links: int
    files: int


_BY_COUNT: Order[_LinkCount] = Order((int, str), lambda row: (-row.links, row.path))
_BY_NOTE: Order[Any] = Order((str,), lambda row: (row.note,))
