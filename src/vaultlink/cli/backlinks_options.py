"""The options of `vaultlink backlinks`."""

from typing import Annotated

from vaultlink.cli.options import DiffOption, NoteArgument, OpenOptions, ParameterSpec, option
from vaultlink.config.settings import BACKLINKS_CHOICES, RETIRED_CHOICES

_MAINTAINING = ("--write", "--check", "--diff", "--adopt", "--remove")
"""Options with which sections are written, or compared with what would be written."""


def _style_option(key: str, help: str) -> ParameterSpec:  # noqa: A002
    if key == "heading":
        return option("--heading", help=help, metavar="LINE", requires=_MAINTAINING)
    choices = (*BACKLINKS_CHOICES.get(key, ()), *RETIRED_CHOICES.get(key, ()))
    return option(f"--{key}", help=help, choices=choices, requires=_MAINTAINING)


class BacklinksOptions(OpenOptions, frozen=True, kw_only=True):
    note: NoteArgument = None
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
    diff: DiffOption = False
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
    style: Annotated[str, _style_option("style", "Style of sections, instead of the setting.")] = ""
    heading: Annotated[
        str, _style_option("heading", "Heading of sections, instead of the setting.")
    ] = ""
    entries: Annotated[
        str, _style_option("entries", "List notes that are not linked back, or all backlinks.")
    ] = ""
    order: Annotated[
        str,
        _style_option(
            "order", "Order of entries, instead of the setting; rank and recent are now title."
        ),
    ] = ""
    group: Annotated[str, _style_option("group", "No longer has an effect.")] = ""
