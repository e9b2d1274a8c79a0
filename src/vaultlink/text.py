"""Places in a text: where lines start, and what line and column an offset has.

Text and offsets enter, lines and columns leave. Nothing here knows about notes. Offsets are code points from 0, as
Python counts them; lines and columns count from 1, as editors do.
"""

from bisect import bisect_right


def line_starts(text: str) -> list[int]:
    """Offsets at which the lines of a text start; the first is always 0. A line ends with a line feed."""
    starts = [0]
    end = text.find("\n")
    while end != -1:
        starts.append(end + 1)
        end = text.find("\n", end + 1)
    return starts


def line_and_column(starts: list[int], offset: int) -> tuple[int, int]:
    """The line and column of an offset, given the text's line starts."""
    line = bisect_right(starts, offset)
    return line, offset - starts[line - 1] + 1


_TEMPLATE_MARKS = ("{{", "<%")


def has_placeholder(text: str) -> bool:
    """Whether a text holds a sign of Obsidian's own templates or of Templater."""
    return any(sign in text for sign in _TEMPLATE_MARKS)
