"""`vaultlink rename` and `vaultlink move`: change names, and every link with them."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from vaultlink.api import Vault
from vaultlink.cli.options import argument, option
from vaultlink.cli.refactor_run import RefactorOptions, run_refactor
from vaultlink.cli.rename_arguments import (
    load_plan_text,
    read_move_words,
    read_rename_file,
    read_rename_words,
)
from vaultlink.cli.rename_completion import find_unfinished_run
from vaultlink.disk.remembered import ask_disk
from vaultlink.errors import UsageError
from vaultlink.fix.plan import Plan, Rename, RenameKind
from vaultlink.fix.sources import FixSources
from vaultlink.refactor.planner import plan_renames
from vaultlink.refactor.refusals import refuse_renames
from vaultlink.refactor.relocation import expand, reduce_plan
from vaultlink.rules.portable_names import read_name_limits


class _PathOptions(RefactorOptions, frozen=True, kw_only=True):
    unsafe_fixes: Annotated[
        bool,
        option(
            "--unsafe-fixes",
            help="Change the old name in queries of bases and Dataview, too.",
        ),
    ] = False


class RenameOptions(_PathOptions, frozen=True, kw_only=True):
    old: Annotated[
        str | None,
        argument(
            "OLD",
            "A note (path, or name as in a link), a folder (Projects/), an attachment, "
            "a heading (Note#Heading), a block (Note#^id) or a tag (#tag).",
        ),
    ] = None
    new: Annotated[
        str | None,
        argument(
            "NEW",
            "The new name in the same folder, or a path in the vault (with a slash); "
            "a heading's text, a block id, a tag.",
        ),
    ] = None
    from_file: Annotated[
        Path | None,
        option(
            "--from-file",
            metavar="FILE",
            help="Make all renames of a file in one run: OLD, a tab and NEW on each line.",
        ),
    ] = None
    merge: Annotated[bool, option("--merge", help="Merge a tag into one that exists already.")] = (
        False
    )


class MoveOptions(_PathOptions, frozen=True, kw_only=True):
    words: Annotated[
        tuple[str, ...],
        argument(
            "SRC... FOLDER",
            "Notes, attachments and folders, and then the folder to move them into (/ for the "
            "vault itself). A folder that does not exist is created.",
        ),
    ] = ()


def rename(options: RenameOptions) -> int:
    """Rename a note, file, folder, heading or tag; links follow.

    Links keep their meaning and their style: in notes, properties, canvases, embeds and backlinks
    sections. Nothing else changes, not even the text that links display. A note keeps .md and an
    attachment its extension. Queries of bases and Dataview that have the old name are listed, and
    changed with --unsafe-fixes. `vaultlink undo` reverts a run, paths included. In a shell, put
    names with # or spaces in quotes.

    With --from-file, all renames happen at once, so names can be swapped. The exit code is 0 if
    everything was renamed, 1 if --skip-unwritable left out a note (run the command again to
    complete it; with --diff: if anything would change), 2 if nothing was written because the rename
    is not possible: the name is taken, hidden or not portable, or a note can't be changed.

    Output formats: table, tsv, json. Columns of tsv: path, new path, number of edits.
    """
    file = options.from_file
    if file is not None and options.old is not None:
        raise UsageError("--from-file and OLD NEW can't be used together.")
    content = load_plan_text(file) if file is not None else ""

    def read(vault: Vault) -> tuple[Rename, ...]:
        if file is not None:
            return read_rename_file(vault, file, content)
        return read_rename_words(vault, options.old, options.new)

    return _run_renames("rename", options, read, merge=options.merge)


def move(options: MoveOptions) -> int:
    """Move notes, attachments and folders; links follow.

    Links to and in them keep their meaning. Names stay the same, so only links with paths change,
    and links that would become ambiguous. Queries of bases and Dataview that have an old path are
    listed, and changed with --unsafe-fixes. `vaultlink undo` reverts a run. The exit code is 0 if
    everything was moved, 1 if --skip-unwritable left out a note (run the command again to complete
    it; with --diff: if anything would change), 2 if nothing was written because the move is not
    possible, or a note can't be changed.

    Output formats: table, tsv, json. Columns of tsv: path, new path, number of edits.
    """
    return _run_renames("move", options, lambda vault: read_move_words(vault, options.words))


def _run_renames(
    name: str,
    options: _PathOptions,
    read: Callable[[Vault], tuple[Rename, ...]],
    *,
    merge: bool = False,
) -> int:
    def plan_all(vault: Vault, sources: FixSources, renames: tuple[Rename, ...]) -> Plan:
        moves, files = expand(renames, vault.index)
        return plan_renames(
            vault.state, sources, renames, moves, files, queries=options.unsafe_fixes
        )

    def make_plan(vault: Vault, sources: FixSources) -> Plan:
        unfinished = find_unfinished_run(vault, sources)
        if unfinished:
            plan = plan_all(unfinished.vault, unfinished.sources, read(unfinished.vault))
            missing = reduce_plan(plan, unfinished.files, unfinished.former)
            if missing.texts or missing.skipped:
                return missing
        renames = read(vault)
        if merge and not any(item.kind is RenameKind.TAG for item in renames):
            raise UsageError("--merge requires a tag. `vaultlink merge` appends a note to another.")
        limits = read_name_limits(vault.config.options)
        refuse_renames(renames, vault.index, ask_disk(vault.root), limits, merge=merge)
        return plan_all(vault, sources, renames)

    hint = "" if options.unsafe_fixes else "--unsafe-fixes changes the names in queries, too."
    return run_refactor(name, options, make_plan, hint)
