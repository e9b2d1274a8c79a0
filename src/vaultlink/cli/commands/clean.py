"""`vaultlink clean`: remove the cache of a vault, and the records that undo needs."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import msgspec

from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.listings import Listing, choose_listing_format, print_listing
from vaultlink.cli.opening import find_root, read_cache_dir
from vaultlink.cli.options import VaultOptions, option
from vaultlink.cli.terminal import Terminal, can_ask
from vaultlink.cli.write_run import hold_write_lock
from vaultlink.disk.cache import Cache, cache_folder
from vaultlink.errors import UsageError
from vaultlink.report.layout import escape_controls, format_count
from vaultlink.write.cache import remove_cache
from vaultlink.write.journal_files import delete_runs, journal_folder, list_record_files


class CleanOptions(VaultOptions, frozen=True, kw_only=True):
    """Options of `clean`."""

    records: Annotated[
        bool, option("Also remove the records of runs: `undo` can't revert them then.")
    ] = False
    yes: Annotated[bool, option("Remove records without a question.", requires=("--records",))] = (
        False
    )
    diff: Annotated[
        bool, option("Show what would be removed; remove nothing.", "--diff", "--dry-run")
    ] = False
    cache_dir: Annotated[
        Path | None, option("Folder of the cache. (VAULTLINK_CACHE_DIR)", metavar="DIR")
    ] = None


class CleanRow(msgspec.Struct, frozen=True):
    """A folder that vaultlink has for the vault, outside of it.

    Attributes:
        kind: `cache`, or `records` of runs.
        folder: Its absolute path.
        files: Number of files that can be removed.
        size: Bytes of these files.
        removed: True if they are removed, or would be with --diff.
    """

    kind: str
    folder: str
    files: int
    size: int
    removed: bool


def clean(options: CleanOptions) -> int:
    """Remove the cache of a vault, and on request its records of runs.

    Lists the two folders that vaultlink has for the vault, with their sizes, and removes the cache:
    the next run reads all notes again. Records stay, because `vaultlink undo` needs them. --records
    removes them too, after a question; where no question can be asked, that requires --yes, and an
    interrupted run is reverted first. Nothing in the vault, and nothing of another vault, is
    removed. The files behind a folder that is a symbolic link stay.

    The exit code is 0, or 1 if something could not be removed or was not confirmed. With --diff, it
    is 1 if anything would be removed.

    Output formats: table (on a terminal), tsv (elsewhere), json. Columns of tsv: kind, folder,
    files, size in bytes, removed.
    """
    terminal = Terminal(options)
    choose_listing_format(terminal)
    root = find_root(options, terminal)
    terminal.check_output_file()
    cache = Cache(cache_folder(read_cache_dir(options.cache_dir)), root)
    records = list_record_files(root)
    takes_records = options.records and (options.diff or _is_confirmed(options, len(records)))
    rows = [
        _make_row("cache", cache.folder, cache.list_files(), is_removed=True),
        _make_row("records", journal_folder(root), records, is_removed=takes_records),
    ]
    left = 0
    if not options.diff:
        left = remove_cache(cache)
        if takes_records and records:
            with hold_write_lock(terminal, root) as is_partial:
                left += len(records) if is_partial else delete_runs(root)
    listing = Listing(
        "folders",
        rows,
        ("kind", "folder", "files", "size", "removed"),
        {
            "kind": "kind",
            "files": "files",
            "size": lambda row: f"{row.size / 1e6:.1f} MB",
            "folder": "folder",
        },
        head={"vault": str(root)},
    )
    print_listing(terminal, listing)
    removed = [row for row in rows if row.removed]
    terminal.print_message(_summarize(removed, left, is_dry=options.diff))
    if options.diff:
        return EXIT_FINDINGS if any(row.files for row in removed) else EXIT_CLEAN
    return EXIT_FINDINGS if left or options.records > takes_records else EXIT_CLEAN


def _make_row(kind: str, folder: Path, files: Iterable[Path], *, is_removed: bool) -> CleanRow:
    sizes = list[int]()
    for file in files:
        with suppress(FileNotFoundError):  # another run has just replaced it
            sizes.append(file.lstat().st_size)
    name = escape_controls(str(folder.absolute()))
    return CleanRow(kind, name, len(sizes), sum(sizes), is_removed and bool(sizes))


def _is_confirmed(options: CleanOptions, files: int) -> bool:
    """Ask whether records may be removed. Raises UsageError if nobody can answer."""
    if options.yes or not files:
        return True
    if not can_ask():
        raise UsageError(
            "--records removes what `vaultlink undo` needs. Confirm that with --yes. "
            "Nothing was removed."
        )
    from vaultlink.cli.interactive import KeyReader, ask_for_key  # noqa: PLC0415 - asked rarely
    from vaultlink.report.fix_question import QuestionKey  # noqa: PLC0415 - as above

    keys = (
        QuestionKey("y", "remove the records; no run can be reverted then"),
        QuestionKey("n", "keep them"),
        QuestionKey("?", "show this list"),
    )
    words = "Remove the records of all runs, which undo needs?"
    return ask_for_key(KeyReader(), words, keys) == "y"


def _summarize(removed: list[CleanRow], left: int, *, is_dry: bool) -> str:
    files, size = sum(row.files for row in removed) - left, sum(row.size for row in removed)
    if not files and not left:
        return "Nothing to remove."
    verb = "Would remove" if is_dry else "Removed"
    text = f"{verb} {format_count(files, 'file')}, {size / 1e6:.1f} MB."
    return f"{text} {format_count(left, 'file')} could not be removed." if left else text
