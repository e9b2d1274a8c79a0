"""The options of `vaultlink backlinks`."""

from typing import Annotated

from vaultlink.cli.options import OpenOptions, argument, option
from vaultlink.config.settings import BACKLINKS_CHOICES

_MAINTAINING = ("--write", "--check", "--diff", "--adopt", "--remove")
"""Options with which sections are written, or compared with what would be written."""


class BacklinksOptions(OpenOptions, frozen=True, kw_only=True):
    """Options of `backlinks`."""

    note: Annotated[
        str | None, argument("NOTE", "A path in the vault, or a name as in a link.")
    ] = None
    mentions: Annotated[
        bool,
        option(
            "--mentions",
            help="Also list notes that name NOTE without a link; with --write, in sections.",
        ),
    ] = False
    write: Annotated[
        bool,
        option(
            "--write",
            help="Add a section to every note that others link to (or to NOTE), and update it.",
        ),
    ] = False
    check: Annotated[
        bool, option("--check", help="List what would be written; exit with 1 if anything would.")
    ] = False
    diff: Annotated[
        bool,
        option(
            "--diff",
            "--dry-run",
            help="Print a unified diff of the changes; write nothing.",
        ),
    ] = False
    adopt: Annotated[
        bool,
        option("--adopt", help="Take over sections that authors wrote, and maintain them."),
    ] = False
    remove: Annotated[
        bool,
        option(
            "--remove",
            help="Remove the sections that vaultlink wrote, and its markers from adopted ones.",
        ),
    ] = False
    style: Annotated[
        str,
        option(
            "--style",
            choices=BACKLINKS_CHOICES["style"],
            help="Style of sections, instead of the setting.",
            requires=_MAINTAINING,
        ),
    ] = ""
    heading: Annotated[
        str,
        option(
            "--heading",
            metavar="LINE",
            help="Heading of sections, instead of the setting.",
            requires=_MAINTAINING,
        ),
    ] = ""
    entries: Annotated[
        str,
        option(
            "--entries",
            choices=BACKLINKS_CHOICES["entries"],
            help="List notes that are not linked back, or all backlinks.",
            requires=_MAINTAINING,
        ),
    ] = ""
    order: Annotated[
        str,
        option(
            "--order",
            choices=BACKLINKS_CHOICES["order"],
            help="Order of entries, instead of the setting.",
            requires=_MAINTAINING,
        ),
    ] = ""
    group: Annotated[
        str,
        option(
            "--group",
            choices=BACKLINKS_CHOICES["group"],
            help="Group the entries of long sections by folder, or not.",
            requires=_MAINTAINING,
        ),
    ] = ""
