"""The pager, for results that fill more than a screen."""

import os
import re
import shlex
from pathlib import Path

from vaultlink.git.program import find_program, read_program_version
from vaultlink.report.layout import remove_hyperlinks

_FIRST_LESS_VERSION = 566
"""The first version of less that understands hyperlinks."""


def find_pager() -> list[str] | None:
    """Return the words of the pager's command; None if there is none.

    The first word is an absolute path. The pager is that of `PAGER`, else `less`. One in a relative
    folder is not used: it may belong to the vault.
    """
    try:
        program, *options = shlex.split(os.environ.get("PAGER") or "less")
    except ValueError:  # quotes are not closed, or there are only blanks
        return None
    if not os.path.isabs(program):  # noqa: PTH117 - pathlib is slower to use here
        found = find_program(program, os.environ.get("PATH", os.defpath))
        if found is None:
            return None
        program = found
    return [program, *options]


def page_text(command: list[str], text: str, *, is_colored: bool) -> None:
    """Show text in a pager. It gets hyperlinks only if it understands them."""
    import click  # noqa: PLC0415 - slow to import, and rarely needed

    os.environ["PAGER"] = shlex.join(command)
    plain = remove_hyperlinks(text)
    if plain != text and is_colored and _shows_hyperlinks(command):
        plain = text
    # Without a choice, click lets `less` show colours, and removes them for other pagers.
    click.echo_via_pager(plain, color=None if is_colored else False)


def _shows_hyperlinks(command: list[str]) -> bool:
    """Return True if the pager is a recent `less` that click runs with `-R`."""
    program, *options = command
    variable = os.environ.get("LESS", "")
    is_raw = not (variable or options) or any(
        re.fullmatch(r"-\w*R\w*|--RAW-CONTROL-CHARS", word)
        for word in (*variable.split(), *options)
    )
    if Path(program).stem != "less" or not is_raw:
        return False
    version = re.match(rb"less (\d+)", read_program_version(program))
    return version is not None and int(version[1]) >= _FIRST_LESS_VERSION
