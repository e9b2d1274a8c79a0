"""What to cut from a text so that an entry of an "Add backlinks" section is gone, and nothing else is out of place."""

from collections.abc import Sequence

from msgspec import structs

from vaultlink.model import Entry


def with_cuts(text: str, start: int, heading_end: int, entries: Sequence[Entry], below: dict[int, int]) -> tuple[Entry, ...]:
    """Entries that know what to cut so that they are gone: with the blank lines before them, the first with those behind."""
    found = []
    for number, entry in enumerate(entries):
        previous = entries[number - 1] if number else None
        following = entries[number + 1] if number + 1 < len(entries) else None
        end = _line_end(text, max(entry.end + len(entry.tail), below.get(entry.start, 0)))
        if previous and previous.line == entry.line:
            cut = (previous.end, end)
        elif following and following.line == entry.line:
            cut = (entry.start, following.start)
        elif entry.start - len(entry.marks) <= heading_end and text.rfind("\n", start, entry.start) < 0:
            cut = (heading_end, end)
        else:
            before = text[:entry.start - len(entry.marks)].rstrip()
            cut = (max(len(_without_quote(before)), heading_end), end)
        tail = text[entry.end:max(entry.end + len(entry.tail), below.get(entry.start, 0))]
        found.append(structs.replace(entry, tail=tail, cut_start=cut[0], cut_end=cut[1]))
    return tuple(found)


def _line_end(text: str, at: int) -> int:
    """The end of a line behind nothing but blanks; the offset itself if more follows."""
    end = at
    while text[end:end + 1] in (" ", "\t") and end < len(text):
        end += 1
    return end if text[end:end + 1] in ("", "\r", "\n") else at


def _without_quote(before: str) -> str:
    """A text without empty lines of a quote at its end."""
    while (line := before[before.rfind("\n") + 1:]) and not line.strip(" \t>"):
        before = before[:-len(line)].rstrip()
    return before
