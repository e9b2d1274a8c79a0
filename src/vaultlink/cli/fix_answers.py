"""Choices on the command line for the unsafe fixes of dangling topics."""

import time
from pathlib import Path

from vaultlink.cli.options import FixSelectionOptions
from vaultlink.errors import UsageError
from vaultlink.files import read_regular
from vaultlink.fix.sources import FixAnswers

_MAX_TEMPLATE_BYTES = 1_000_000
"""Bytes of the largest template that is read."""


def parse_fix_answers(
    options: FixSelectionOptions, root: Path, *, is_interactive: bool = False
) -> FixAnswers | None:
    """Return the chosen fixes for dangling topics; None without --unsafe-fixes.

    An interactive run asks about unsafe fixes, so it does not need that option.
    """
    if not (options.unsafe_fixes or is_interactive):
        return None
    template = FixAnswers().template
    if options.template:
        try:
            template = read_regular(options.template, _MAX_TEMPLATE_BYTES).decode()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--template: {options.template} can't be read: {error}.") from None
    folder = _resolve_create_folder(options.create, root) if options.create else None
    created = time.strftime("%Y-%m-%d") if options.created else None
    return FixAnswers(options.unlink, folder, template, created)


def _resolve_create_folder(folder: Path, root: Path) -> str:
    """Return a folder as a vault path with a final slash, "" for the root.

    The folder need not exist. Raises UsageError.
    """
    resolved = (folder if folder.is_absolute() else root / folder).resolve()
    if not resolved.is_relative_to(root):
        raise UsageError(f"--create: {folder} is outside the vault {root}.")
    path = resolved.relative_to(root).as_posix()
    if any(part.startswith(".") for part in resolved.relative_to(root).parts):
        raise UsageError(
            f"--create: {path} is hidden: Obsidian ignores names that begin with a dot."
        )
    return "" if path == "." else f"{path}/"
