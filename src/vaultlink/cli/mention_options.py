"""The options of `vaultlink mentions`."""

from typing import Annotated

from vaultlink.cli.options import NotesOptions, option
from vaultlink.errors import UsageError


class MentionsOptions(NotesOptions, frozen=True, kw_only=True):
    to: Annotated[
        str | None, option("--to", metavar="NOTE", help="Only mentions of this note.")
    ] = None
    from_section: Annotated[
        str | None,
        option(
            "--from-section",
            metavar="NOTE",
            help="Only mentions in NOTE of the topics that its backlinks section lists.",
        ),
    ] = None
    write: Annotated[
        bool, option("--write", help="Turn the mentions that are certain into links.")
    ] = False
    interactive: Annotated[
        bool,
        option("-i", "--interactive", help="Ask for each mention whether to link it, by target."),
    ] = False
    diff: Annotated[
        bool,
        option(
            "--diff",
            "--dry-run",
            help="Print a unified diff of what --write would change; write nothing.",
        ),
    ] = False
    min_score: Annotated[
        float | None,
        option(
            "--min-score",
            metavar="S",
            help="Lowest score from 0 to 1 of mentions to list and to link, such as 0.5.",
            highest=1,
        ),
    ] = None
    headings: Annotated[bool, option("--headings", help="Find mentions in headings too.")] = False
    each_section: Annotated[
        bool,
        option("--each-section", help="Find the first mention of each section, not of each note."),
    ] = False


def reject_conflicting_options(options: MentionsOptions) -> None:
    section = ["--from-section"] if options.from_section is not None else []
    for names in (
        [f"--{name}" for name in ("write", "interactive", "diff") if getattr(options, name)],
        [*section, *(["NOTE"] if options.notes else [])],
        [*section, *(["--to"] if options.to is not None else [])],
    ):
        if len(names) > 1:
            raise UsageError(f"{' and '.join(names[:2])} can't be used together.")
