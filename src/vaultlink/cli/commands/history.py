"""`vaultlink history`: the former paths of a note, and the links they broke."""

from typing import TYPE_CHECKING, Annotated

from msgspec.structs import asdict

from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.listing import Listing, choose_listing_format, print_listing
from vaultlink.cli.options import OpenOptions, argument
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import find_note_argument, open_from_options
from vaultlink.disk.remembered import read_git_log
from vaultlink.errors import UsageError
from vaultlink.history.git_renames import (
    NO_NOTE_HISTORY,
    FormerPath,
    NoteHistory,
    git_history,
    read_note_history,
)
from vaultlink.index.resolve import name_key
from vaultlink.report.note_past import (
    PastEvent,
    PastLine,
    build_past,
    list_events,
    list_past,
    summarize_past,
)
from vaultlink.rules.former_targets import resolve_former_path

if TYPE_CHECKING:
    from vaultlink.api import Vault
    from vaultlink.model import History

_MAX_TRIED = 5
"""Maximum number of former paths of which git is asked for the last committed one."""


class HistoryOptions(OpenOptions, frozen=True, kw_only=True):
    note: Annotated[
        str | None,
        argument("NOTE", "A path in the vault or a name as in a link, also a former one."),
    ] = None


def history(options: HistoryOptions) -> int:
    """List the former paths of a note, and the links they broke.

    Prints the former paths of the note with the commits that renamed it, its former headings and
    blocks that links still name, and the links that were broken by its changes. A note that was
    renamed or deleted can be named by its former path. Paths come from git; without git, from
    earlier runs. The exit code is 0 whatever is listed.

    Output formats: table (on a terminal), tsv (elsewhere), json. Columns of tsv: kind (name,
    heading, link), path, line, text and detail: for a former path the commit and the date; for a
    heading its former and its present place; for a link its text and the cause (moved, deleted,
    alias, title, heading, block, retargeted).
    """
    if options.note is None:
        raise UsageError("history requires a note, as in `vaultlink history NOTE`.")
    if options.no_history:
        raise UsageError("--no-history can't be used with `vaultlink history`.")
    terminal = Terminal(options)
    output_format = choose_listing_format(terminal)
    vault = open_from_options(options, terminal)
    known = _load_history(vault)
    path = _find_note(vault, options.note, known)
    row = build_past(path, vault.index, known, _read_recorded(vault, path, known))
    head = asdict(row)
    listing = Listing(
        "links",
        head.pop("links"),
        PastLine._fields,
        PastEvent._fields,
        head=head,
        lines=list_past(row),
        shown=list_events(row),
        empty=f"No history of {path} found.",
    )
    if print_listing(terminal, output_format, listing):
        terminal.print_message(summarize_past(row))
    return EXIT_CLEAN


def _load_history(vault: "Vault") -> "History":
    """Return the history of the vault; git is asked even if no link is broken."""
    known = vault.state.settings.history
    if vault.summary()["dangling"]:
        return known
    found = git_history(vault.root, vault.scan.listing.files, vault.index.notes)
    return found.then(known)


def _find_note(vault: "Vault", name: str, known: "History") -> str:
    """Return the path of a note, or the last one if it is gone. Raises UsageError."""
    if vault.find(name) is None:
        former = resolve_former_path(name, vault.index, known)
        if former is not None:
            return known.moves.get(former, former)
    return find_note_argument(vault, name)


def _read_recorded(vault: "Vault", path: str, known: "History") -> NoteHistory:
    """Return git's record of a note, or of its path before an uncommitted rename."""
    former = [old for old, new in known.moves.items() if new == path]
    commits = read_git_log(vault.scan, vault.index, {name_key(item) for item in (path, *former)})
    recorded = read_note_history(vault.root, commits, path)
    if path not in vault.index.files:
        return recorded
    if recorded.deleted is None and (recorded.created or recorded.paths or not former):
        return recorded
    if not former:
        return NO_NOTE_HISTORY  # that of another note, which had the path before
    former.sort(key=lambda item: (-known.gone.get(item, 0), item))
    for old in former[:_MAX_TRIED]:
        earlier = read_note_history(vault.root, commits, old)
        if earlier.deleted is None:  # the last committed path
            return earlier._replace(paths=(FormerPath(old, None), *earlier.paths))
    return NO_NOTE_HISTORY
