"""A text on standard input that stands in for a note, as editors and other programs give it: which note, and what is asked of it.

Without `--stdin-filename` a command is about the paths it names, on disk.
"""

import os
import sys
from pathlib import Path

from vaultlink.api import Vault
from vaultlink.cli.options import ReportOptions
from vaultlink.cli.vault import to_vault_paths
from vaultlink.disk.load import is_source_file
from vaultlink.disk.scan import find_vault, is_vault_folder, is_vault_path
from vaultlink.errors import UsageError

_STDIN_ARGUMENT = (Path("-"),)


def reads_stdin(options: ReportOptions) -> bool:
    """Whether a text on standard input is asked about. Raises UsageError if the command line is not clear about that."""
    if options.stdin_filename is None:
        if options.paths == _STDIN_ARGUMENT:
            raise UsageError(
                "- is a text on standard input; --stdin-filename says in which note it is to stand."
            )
        return False
    if options.paths not in ((), _STDIN_ARGUMENT):
        raise UsageError(
            "--stdin-filename names the one note that is checked; leave out the other paths, or give - for them."
        )
    return True


def find_start_path(options: ReportOptions) -> Path | None:
    """A path in the vault that a command is about. The note need not be there yet, nor its folder. If nothing above it says that
    it is a vault, the current folder is, as long as the note lies in it."""
    if not reads_stdin(options):
        return options.paths[0] if options.paths else None
    assert options.stdin_filename
    place = next(
        (
            place
            for place in (options.stdin_filename, *options.stdin_filename.parents)
            if os.path.lexists(place)
        ),
        Path(),
    )
    here = Path.cwd()
    if is_vault_folder(find_vault(place)):
        return place
    if place.resolve().is_relative_to(here):
        return here
    if place in (options.stdin_filename, options.stdin_filename.parent) or options.vault:
        return place
    raise UsageError(
        f"--stdin-filename: nothing says in which vault {options.stdin_filename} would be. `--vault` names it."
    )


def select_vault_paths(options: ReportOptions, root: Path) -> tuple[str, ...]:
    """The vault paths that a command is about; none for all."""
    return (
        (_find_stdin_note(options, root),)
        if reads_stdin(options)
        else to_vault_paths(root, options.paths)
    )


def with_stdin_text(options: ReportOptions, vault: Vault) -> Vault:
    """The vault with the text that stands in for a note, if there is one."""
    return (
        vault.holding(_find_stdin_note(options, vault.root), _read_stdin())
        if reads_stdin(options)
        else vault
    )


def _read_stdin() -> bytes:
    if sys.stdin is None:  # closed by whoever started this
        raise UsageError(
            "--stdin-filename: standard input is closed, and the text is read from it."
        )
    return sys.stdin.buffer.read()


def _find_stdin_note(options: ReportOptions, root: Path) -> str:
    """The vault path of the note, given as a path on disk or in the vault."""
    given = options.stdin_filename or Path()
    for place in (given, root / given):
        for folder in (place.parent.resolve(), Path(os.path.abspath(place.parent))):  # noqa: PTH100 - a link out of the vault
            if folder.is_relative_to(root) and (place.parent.is_dir() or place is not given):
                path = (folder / place.name).relative_to(root).as_posix()
                if is_source_file(path) and is_vault_path(path):
                    return path
                raise UsageError(
                    f"--stdin-filename: {given} would be no note or canvas of the vault {root}."
                )
    raise UsageError(
        f"--stdin-filename: {given} lies outside the vault {root}. `--vault` names another vault."
    )
