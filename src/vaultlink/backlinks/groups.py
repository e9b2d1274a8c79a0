"""Group the entries of a long section by the folders of their notes.

The heading of a group is a bold line with the path of the folder, which ends with a slash. A group
is written again whenever its section changes; text typed in it stays behind its entry.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from vaultlink.backlinks.existing import ParsedSection, SectionPart
from vaultlink.backlinks.style import clean_title, escape_inline, normalize_markdown
from vaultlink.index.resolve import parent_folder
from vaultlink.text import lazy_pattern

MAX_UNGROUPED = 30
"""Maximum number of entries that a reader takes in without groups."""

_GROUP_HEADING = lazy_pattern(r"[ \t]*(?:\*\*|__)(?![ \t])[^\n]*/(?:\*\*|__)[ \t]*\\?")


class GroupedParts(NamedTuple):
    """The parts of a section without the headings of groups.

    `headings` are those headings by their normalized text. `gaps` are the line ends behind each of
    them; the part behind a heading has an empty gap instead.
    """

    parsed: ParsedSection
    headings: Mapping[str, SectionPart]
    gaps: Mapping[str, str]


def is_grouping_needed(settings: Mapping[str, Any], paths: Sequence[str]) -> bool:
    """Return True if the settings group a section with entries for these notes."""
    return (
        settings["group"] == "folder"
        and len(paths) > MAX_UNGROUPED
        and len(set(map(parent_folder, paths))) > 1
    )


def group_key(path: str) -> tuple[str, str]:
    """Return the key that orders the groups of notes."""
    folder = parent_folder(path)
    return folder.casefold(), folder


def format_group_heading(path: str) -> str:
    """Return the heading of the group that a note belongs to."""
    return f"**{escape_inline(clean_title(parent_folder(path) or '/'))}**"


def list_groups(headings_and_paths: Iterable[tuple[str, str]]) -> list[tuple[str, set[str]]]:
    """Return consecutive entries with the same heading as groups of paths.

    An empty path stands for a heading, which begins a group even if it has no entries.
    """
    groups: list[tuple[str, set[str]]] = []
    for heading, path in headings_and_paths:
        normalized = normalize_markdown(heading)
        if not path or not groups or groups[-1][0] != normalized:
            groups.append((normalized, set()))
        if path:
            groups[-1][1].add(path)
    return groups


def is_group_heading(text: str) -> bool:
    """Return True if a line is the heading of a group."""
    return _GROUP_HEADING.fullmatch(text) is not None


def read_group_heading(part: SectionPart) -> str:
    """Return the heading of a group that a part of a section begins with, or ""."""
    is_nested = part.gap.endswith((" ", "\t"))  # typed text in a list of mentions
    line = "" if part.entry or is_nested else part.text.split("\n", 1)[0].rstrip("\r")
    return line if is_group_heading(line) else ""


def split_groups(parsed: ParsedSection) -> GroupedParts:
    """Separate the headings of groups from the other parts of a section."""
    parts: list[SectionPart] = []
    headings: dict[str, SectionPart] = {}
    gaps: dict[str, str] = {}
    above = ""
    for part in parsed.parts:
        heading = read_group_heading(part)
        if not heading:
            parts.append(part._replace(gap="") if above else part)
            gaps.update({above: part.gap} if above else {})
            above = ""
            continue
        above = normalize_markdown(heading)
        headings.setdefault(above, SectionPart(part.gap, heading, None))
        below = part.text[len(heading) :].lstrip("\r\n")
        if below.strip():
            parts.append(SectionPart("", below, None))
    return GroupedParts(parsed._replace(parts=tuple(parts)), headings, gaps)
