"""Text of a note on standard input, as editors pass it with `--stdin-filename`.

Without that option a command works on paths on disk.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vaultlink.cli.options import ReportOptions
from vaultlink.cli.vault import to_vault_paths
from vaultlink.disk.scan import is_source_file, is_vault_path
from vaultlink.disk.vault_search import find_marked_folder
from vaultlink.errors import UsageError
from vaultlink.git.location import find_work_tree

if TYPE_CHECKING:
    from vaultlink.api import Vault

_STDIN_ARGUMENT = (Path("-"),)


def reads_stdin(options: ReportOptions) -> bool:
    """Return True if the text of a note is read from standard input.

    Raises UsageError if the arguments contradict each other.
    """
    if options.stdin_filename is None:
        if options.paths == _STDIN_ARGUMENT:
            raise UsageError(
                "- reads a text from standard input; --stdin-filename must name its note."
            )
        return False
    if not options.paths:
        raise UsageError("--stdin-filename requires - as the path: the text is read from there.")
    if options.paths != _STDIN_ARGUMENT:
        raise UsageError(
            "--stdin-filename checks one note only; remove the other paths, or replace them by -."
        )
    return True


def find_start_path(options: ReportOptions) -> Path | None:
    """Return a path in the vault that the command is about, None if none is named.

    The note on standard input and its folder need not exist, if it is in a vault.
    """
    if not reads_stdin(options):
        return options.paths[0] if options.paths else None
    assert options.stdin_filename
    start = next(
        (
            start
            for start in (options.stdin_filename, *options.stdin_filename.parents)
            if os.path.lexists(start)
        ),
        Path(),
    )
    folder = start.resolve()
    if (
        start in (options.stdin_filename, options.stdin_filename.parent)
        or options.vault
        or folder.is_relative_to(Path.cwd())
        or find_marked_folder(folder)
        or find_work_tree(folder)
    ):
        return start
    raise UsageError(
        f"--stdin-filename: no vault contains {options.stdin_filename}. "
        "Name the vault with --vault."
    )


def select_vault_paths(options: ReportOptions, root: Path) -> tuple[str, ...]:
    """Return the vault paths that the command is about; empty for all."""
    return (
        (_find_stdin_note(options, root),)
        if reads_stdin(options)
        else to_vault_paths(root, options.paths)
    )


def with_stdin_text(options: ReportOptions, vault: "Vault") -> "Vault":
    """Return the vault with the text on standard input in place of its note, if given."""
    return (
        vault.holding(_find_stdin_note(options, vault.root), _read_stdin())
        if reads_stdin(options)
        else vault
    )


def _read_stdin() -> bytes:
    if sys.stdin is None:  # closed by the parent process
        raise UsageError("--stdin-filename: can't read the text, because standard input is closed.")
    return sys.stdin.buffer.read()


def _find_stdin_note(options: ReportOptions, root: Path) -> str:
    named_path = options.stdin_filename or Path()
    for candidate in (named_path, root / named_path):
        for folder in (candidate.parent.resolve(), Path(os.path.abspath(candidate.parent))):  # noqa: PTH100 - keeps symbolic links
            if folder.is_relative_to(root) and (
                candidate.parent.is_dir() or candidate is not named_path
            ):
                path = (folder / candidate.name).relative_to(root).as_posix()
                if is_source_file(path) and is_vault_path(path):
                    return path
                raise UsageError(
                    f"--stdin-filename: {named_path} can't be a note or canvas of the vault {root}."
                )
    raise UsageError(
        f"--stdin-filename: {named_path} is outside the vault {root}. "
        "Name another vault with --vault."
    )
