"""`vaultlink sections`: write, check, adopt or remove backlinks sections."""

from typing import Annotated

from vaultlink.cli.commands.backlinks import style_option
from vaultlink.cli.options import DiffOption, OpenOptions, argument, option
from vaultlink.cli.sections_run import STYLE_KEYS, SectionsRun, maintain_sections
from vaultlink.errors import UsageError

ACTIONS = ("write", "check", "adopt", "remove")


class SectionsOptions(OpenOptions, frozen=True, kw_only=True):
    """Options of `sections`."""

    action: Annotated[
        str | None, argument("ACTION", "write, check, adopt or remove.", ACTIONS, is_required=True)
    ] = None
    notes: Annotated[
        tuple[str, ...],
        argument("NOTE", "Paths in the vault, or names as in a link. By default, all notes."),
    ] = ()
    diff: DiffOption = False
    mentions: Annotated[
        bool, option("Also list notes that certainly name a note without a link.")
    ] = False
    style: Annotated[str, style_option("style", "Style of sections, instead of the setting.")] = ""
    heading: Annotated[
        str, style_option("heading", "Heading of sections, instead of the setting.")
    ] = ""
    entries: Annotated[
        str, style_option("entries", "List notes that are not linked back, or all backlinks.")
    ] = ""
    order: Annotated[
        str, option("Order of entries, instead of the setting.", choices=("title", "path"))
    ] = ""


def sections(options: SectionsOptions) -> int:
    """Write, check, adopt or remove backlinks sections.

    `write` gives a section to the notes that others link to, and updates it; the section lists the
    notes that link here and are not linked back. `check` lists what `write` would change and exits
    with 1 if that is anything. `adopt` lets vaultlink maintain sections that authors wrote.
    `remove` removes the sections that vaultlink wrote, and its comments from adopted ones.

    The changed notes are listed. With --diff, nothing is written and the exit code is 1 if anything
    would change. A managed section is enclosed by two comments, by which vaultlink recognizes it.
    Removing it restores every byte of the note. `vaultlink undo` reverts a run.

    Output formats: table (on a terminal), tsv (elsewhere), json. Columns of tsv: path, change.
    """
    if options.action is None:
        raise UsageError(f"sections requires an action: {', '.join(ACTIONS)}.")
    style = {key: getattr(options, key) for key in STYLE_KEYS if key != "group"}
    if options.action in ("adopt", "remove"):
        given = [key for key, value in {"mentions": options.mentions, **style}.items() if value]
        if given:
            raise UsageError(f"--{given[0]} has no effect with `sections {options.action}`.")
    return maintain_sections(
        SectionsRun(
            command="sections",
            options=options,
            action="write" if options.action == "check" else options.action,
            notes=options.notes,
            check=options.action == "check",
            diff=options.diff,
            mentions=options.mentions,
            style=style,
        )
    )
