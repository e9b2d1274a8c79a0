"""`vaultlink backlinks`: list the backlinks of a note, or of all files."""

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from vaultlink.cli.listings import Listing, answer_with_rows, cut_rows, is_json
from vaultlink.cli.opening import find_note_argument, find_note_start
from vaultlink.cli.options import AfterOption, LimitOption, NoteArgument, OpenOptions
from vaultlink.cli.terminal import Terminal
from vaultlink.report.layout import format_count
from vaultlink.report.pages import BY_PATH, Order, PageRows

if TYPE_CHECKING:
    from vaultlink.api import Vault


class BacklinksOptions(OpenOptions, frozen=True, kw_only=True):
    """Options of `backlinks`."""

    note: NoteArgument = None
    limit: LimitOption = None
    after: AfterOption = ""


def backlinks(options: BacklinksOptions) -> int:
    """List the backlinks of a note.

    Lists the notes and canvases that link to NOTE, with the line numbers of the links. Without
    NOTE, lists the number of links to each file, highest first. The exit code is 0 whatever is
    listed. `vaultlink mentions --to NOTE` lists where notes name NOTE without a link.

    Output formats: table (on a terminal), tsv (elsewhere), json. Columns of tsv: path, count,
    lines; without NOTE: path, links, files (how many contain them).
    """
    find_start = partial(find_note_start, options, (options.note,))
    return answer_with_rows(
        "backlinks", options, _list_backlinks, find_start, is_kept=not options.note
    )


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
