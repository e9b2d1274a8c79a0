"""What is wrong with an author's "Add backlinks" section as a whole: its heading, its lines, its entries."""

import re
from collections.abc import Iterator

from vaultlink.linking import named
from vaultlink.model import Edit, Kind, Note, Owner, Section, Spot, Trouble
from vaultlink.parse.sections_flaws import is_indented
from vaultlink.resolve import is_note, resolve
from vaultlink.rewriting import as_wikilink
from vaultlink.rules import Context
from vaultlink.rules.defects import Defect
from vaultlink.rules.entries import entry_defects

_ACTIVE = re.compile(r"[\[\]|`$*<>\\\n]")
"""What reads otherwise in a wikilink than in the text of a Markdown link."""

STYLE = frozenset(
    (
        "glued-entries",
        "trailing-whitespace",
        "missing-final-newline",
        "extra-final-newlines",
        "heading-variant",
        "markdown-link",
    )
)
_SAID = {
    "no-blank-before": (
        "there is no blank line before the heading, so Markdown joins it to the line before",
        "Insert a blank line before the heading",
    ),
    "one-line": ("entries are on the same line as the heading", "Put each entry on its own line"),
    "several-on-a-line": ("several entries are on one line", "Put each entry on its own line"),
    "mixed-newlines": (
        "its line endings differ from the rest of the note",
        "Use the line endings of the note",
    ),
    "not-last": ("it is not at the end of the note", ""),
    "glued-entries": (
        "there are no blank lines between the entries",
        "Insert blank lines between the entries",
    ),
    "trailing-whitespace": (
        "lines have trailing whitespace",
        "Remove trailing whitespace",
    ),
    "missing-final-newline": (
        "the note does not end with a newline",
        "End the note with a newline",
    ),
    "extra-final-newlines": (
        "the note ends with several newlines",
        "End the note with one newline",
    ),
}


def section_defects(section: Section, note: Note, context: Context) -> Iterator[Defect]:
    """Everything wrong with an author's section, what only style asks for included."""
    if section.owner is not Owner.AUTHOR:
        return
    yield from _lines(section, note, context)
    yield from entry_defects(section, note, context)
    for line in section.prose:
        yield Defect("prose", line, "it is among the entries but is not an entry")
    if not context.obsidian.use_markdown_links:
        yield from _markdown(section, note, context)


def heading_spot(section: Section) -> Spot:
    """The place of a section's heading."""
    return Spot(section.heading_start, section.heading_end, section.line, section.column)


def _lines(section: Section, note: Note, context: Context) -> Iterator[Defect]:
    """What is wrong with a section as a whole, or with its lines."""
    path = note.path
    if not section.entries and not section.prose:
        yield Defect(
            "empty-section",
            heading_spot(section),
            "it has no entries",
            "Remove the heading",
            (Edit(path, section.cut_start, section.cut_end, ""),),
            safe=False,
            part="section",
        )
    for flaw in section.flaws:
        problem, remedy = _SAID[flaw.kind]
        edits = tuple(Edit(path, *change) for change in flaw.changes)
        yield Defect(flaw.kind, _short(flaw), problem, remedy, edits, part="section")
    wanted = context.backlinks["heading"].strip()
    plain = (
        section.entries
        and not is_indented(section)
        and "\n" not in section.heading
        and section.heading[:1] not in " >-+\t"
    )
    if (
        plain
        and section.heading != wanted
        and not any(flaw.kind == "one-line" for flaw in section.flaws)
    ):
        yield Defect(
            "heading-variant",
            heading_spot(section),
            f"the heading is not the configured “{wanted}”",
            "Write the configured heading",
            (Edit(path, section.heading_start, section.heading_end, wanted),),
            part="section",
        )


def _short(flaw: Trouble) -> Spot:
    return Spot(flaw.start, flaw.end, flaw.line, flaw.column)


def _markdown(section: Section, note: Note, context: Context) -> Iterator[Defect]:
    """Markdown links where the vault writes wikilinks."""
    for entry in section.entries:
        link = entry.link
        target = (
            resolve(note.path, link.target, context.index.names)
            if link and link.kind is Kind.MARKDOWN
            else None
        )
        if (
            link
            and target
            and is_note(target)
            and link.display
            and not _ACTIVE.search(link.display)
        ):
            name = named(note.path, target, context.index, context.obsidian.new_link_format)
            edit = Edit(note.path, link.start, link.end, as_wikilink(link, name, link.subpath))
            yield Defect(
                "markdown-link",
                entry,
                "the link is a Markdown link, but the vault uses wikilinks",
                "Change the Markdown link to a wikilink",
                (edit,),
                link=link.start,
            )
