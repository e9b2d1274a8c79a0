"""The options of `vaultlink backlinks`."""

from dataclasses import dataclass
from typing import Annotated

from vaultlink.cli.options import OpenOptions, argument, option
from vaultlink.config.settings import BACKLINKS_CHOICES


@dataclass(frozen=True, kw_only=True)
class BacklinksOptions(OpenOptions):
    """What `backlinks` is told."""

    note: Annotated[
        str | None, argument("NOTE", "A path in the vault, or a name as a link would give it.")
    ] = None
    write: Annotated[
        bool,
        option(
            "--write",
            help="Write a section into every note that others link to (or into NOTE), and bring it in step.",
        ),
    ] = False
    check: Annotated[
        bool, option("--check", help="Say what would be written, and end with 1 if anything would.")
    ] = False
    diff: Annotated[
        bool,
        option(
            "--diff",
            "--dry-run",
            help="Print what would be written as a unified diff, and write nothing.",
        ),
    ] = False
    adopt: Annotated[
        bool,
        option(
            "--adopt", help="Let vaultlink keep the sections that notes have of their authors'."
        ),
    ] = False
    remove: Annotated[
        bool,
        option(
            "--remove",
            help="Take out the sections that vaultlink wrote, and its marks off those it adopted.",
        ),
    ] = False
    style: Annotated[
        str,
        option(
            "--style",
            choices=BACKLINKS_CHOICES["style"],
            help="How sections look, instead of as is set.",
        ),
    ] = ""
    heading: Annotated[str, option("--heading", metavar="LINE", help="Their heading.")] = ""
    entries: Annotated[
        str,
        option(
            "--entries",
            choices=BACKLINKS_CHOICES["entries"],
            help="The notes not linked back, or all that link here.",
        ),
    ] = ""
    order: Annotated[
        str, option("--order", choices=BACKLINKS_CHOICES["order"], help="The order of entries.")
    ] = ""
