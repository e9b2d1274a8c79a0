"""`vaultlink init`: a commented settings file to start from. Never overwrites."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from vaultlink.api import find_vault
from vaultlink.cli import CLEAN
from vaultlink.cli.options import Placed, UsageError, words
from vaultlink.cli.terminal import Terminal
from vaultlink.files import CONFIG_NAMES, load_config

STARTER = """\
# Settings of vaultlink for this vault. All are optional; a line behind a # has no effect until the # is removed.
# `vaultlink rules` lists all rules, `vaultlink rule NAME` explains one, `vaultlink config` lists what is in force.

# Which rules run: by name, code (VL101) or beginning of a code (VL1). Without `select`, those that are on by default.
# select = ["VL0", "VL1", "VL2", "VL3"]

# Rules that run as well, and rules that do not.
# extend-select = ["orphan-note", "unused-attachment"]
# ignore = ["ambiguous-link"]

# Notes in which nothing is reported. Links to them still count. What git or Obsidian ignores need not be named.
# exclude = ["Templates/**"]

# Topics that may be linked to before they have a note.
# allow-dangling = ["20??-??-??"]

# Whose findings `vaultlink fix` mends, and whose it leaves alone; `vaultlink fix --diff` shows what it would do.
# fixable = ["ALL"]
# unfixable = ["link-style"]

# How bad a finding is: error, warning or info. Errors and warnings make `vaultlink check` end with 1.
# [severity]
# missing-heading = "warning"

# Rules that are not asked of some notes.
# [per-file-ignores]
# "Daily/**" = ["orphan-note"]

# Options of single rules.
# [rules.orphan-note]
# ignore = ["Home.md"]

# Backlinks sections. repair: mend the entries of those that people wrote; write: give every note that others link to a section
# and keep it; off: leave them alone.
# [backlinks]
# mode = "repair"
# style = "topics"                # topics, list, or context (with the passages that cite the note)
# heading = "**Add backlinks using these topics:**"
# headings = []                   # more headings that open such a section
# entries = "missing"             # missing: notes that link here and are not linked back; all
# order = "title"                 # title, path, rank, recent
"""


@dataclass(frozen=True, kw_only=True)
class Start(Placed):
    """What `init` is told."""

    folder: Annotated[Path | None, words("VAULT", "The vault, or a folder in it.")] = None


def init(options: Start) -> int:
    """Write a commented vaultlink.toml to start from.

    It is written into the vault's folder. A vault that has settings keeps them.

    Forms: none; the file's path is printed.
    """
    terminal = Terminal(options)
    start = options.vault or options.folder or Path()
    if not start.is_dir():
        raise UsageError(f"{start}: there is no such folder.")
    root = options.vault or find_vault(start)
    for name in CONFIG_NAMES:
        if (root / name).exists() and (name != "pyproject.toml" or load_config(root, root / name)):
            raise UsageError(f"{root / name} exists already; nothing was written.")
    target = root / "vaultlink.toml"
    try:
        with target.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(STARTER)
    except OSError as error:
        raise UsageError(f"can't write {target}: {error.strerror}.") from None
    terminal.show(f"{target}\n")
    terminal.say("Wrote the settings above; everything in them is commented out. Next: `vaultlink check`.")
    return CLEAN
