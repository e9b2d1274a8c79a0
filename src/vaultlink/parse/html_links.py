"""Find links that an HTML block swallows, and the blank line that would end it.

The block of a tag such as `<div>` or `</details>` ends only at a blank line (3.15), so Markdown
directly below it is text for Obsidian. Links in code, scripts, comments and attributes are left
out: they are meant as text.
"""

import re
from collections.abc import Iterator

from vaultlink.model import Link, ParseProblem
from vaultlink.parse.blocks import HidingBlock
from vaultlink.parse.hidden import describe_container
from vaultlink.parse.leaves import HTML_TAG
from vaultlink.parse.lines import SourceLine, TextRun
from vaultlink.parse.note_builder import NoteBuilder
from vaultlink.parse.retry import BodyItems, count_trials, find_revealed, read_body_items
from vaultlink.text import lazy_pattern, line_and_column

_OPAQUE = lazy_pattern(
    r"<(pre|code|script|style|textarea|svg|math|kbd|samp|tt)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_NOT_LINE_END = lazy_pattern(r"[^\n]")
_TAG = lazy_pattern(HTML_TAG)
_TAG_NAME = lazy_pattern(r"[A-Za-z][A-Za-z0-9-]*")
_VOID_TAG = lazy_pattern(
    r"area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr", re.IGNORECASE
)
_STRUCTURED_TAG = lazy_pattern(
    r"table|thead|tbody|tfoot|tr|td|th|caption|colgroup|ul|ol|li|dl|dt|dd|p|summary|figure|"
    r"figcaption|select|option|picture|video|audio|object"
)
"""A tag whose content must stay in one block."""

_MAX_OPEN_TAGS = 60
"""Elements nested deeper have no fix. The search for the tag that closes one takes time."""


def find_swallowed_links(blocks: list[HidingBlock], text: str, body: int) -> Iterator[ParseProblem]:
    """Yield the internal links in HTML blocks that a blank line ends.

    A fix is certain if it leaves every HTML element as it is and reveals no other links.
    """
    candidates = [
        block
        for block in blocks
        if not block.kind and any("[[" in line.text or "](" in line.text for line in block.lines)
    ]
    builder = NoteBuilder(text) if candidates else None
    trials, before = 0, None
    for block in candidates:
        assert builder
        links = _read_links(block, builder)
        if not links:
            continue
        change, is_certain = None, False
        if block.container == "note" and trials < count_trials(text):
            trials += 1
            before = before or read_body_items(text, body)
            change, is_certain = _find_blank_line(block, links, before, text, body)
        clause = _describe_block(block, builder)
        for link in links:
            is_fixed = change is not None and link.start >= change[0]
            yield ParseProblem(
                link.start,
                link.end,
                link.line,
                link.column,
                kind="link-in-html",
                detail=clause,
                replacements=(change,) if change and is_fixed else (),
                is_certain=is_certain and is_fixed,
                target=link.target,
            )
            if change and is_fixed:
                change = (*change[:2], "")  # many copies of a long text would be slow to store


def _read_links(block: HidingBlock, builder: NoteBuilder) -> list[Link]:
    """Return the internal links in an HTML block that are not meant as code."""
    joined = "\n".join(line.text for line in block.lines)
    visible = _OPAQUE.sub(lambda match: _NOT_LINE_END.sub(" ", match[0]), joined).split("\n")
    lines = [
        SourceLine(shown, line.offset) for shown, line in zip(visible, block.lines, strict=True)
    ]
    builder.links.clear()
    builder.add_run(TextRun(lines))
    return [link for link in builder.links if not link.external and link.target]


def _describe_block(block: HidingBlock, builder: NoteBuilder) -> str:
    """Return where an HTML block starts and ends, as a clause."""
    first, _ = line_and_column(builder.starts, block.lines[0].offset)
    if block.ends_container:
        return f"line {first} and ends with {describe_container(block.container)}"
    last, _ = line_and_column(builder.starts, block.lines[-1].offset)
    return f"line {first} and ends at the blank line {last + 1}"


def _find_blank_line(
    block: HidingBlock, links: list[Link], before: BodyItems, text: str, body: int
) -> tuple[tuple[int, int, str] | None, bool]:
    """Return the change that inserts a blank line, and True if it is certain.

    The change is missing if no blank line makes links of the text below it, or if one changes
    other parts.
    """
    number, balanced = _find_markdown(block.lines)
    if not number:
        return None, False
    start = block.lines[number].offset
    last = block.lines[-1]
    end = last.offset + len(last.text)
    line_end = "\r\n" if text.endswith("\r\n", 0, start) else "\n"
    revealed = find_revealed(before, text, body, (start, end, line_end + text[start:end]))
    wanted = {link.start for link in links if link.start >= start}
    if revealed is None or not wanted or not wanted <= revealed.targets.keys():
        return None, False
    # The change covers what it reveals, so that verification knows what to expect.
    last_item = max(at + (len(name) if kind == "link" else 0) for kind, at, name in revealed.items)
    line = next((item for item in block.lines if item.offset + len(item.text) >= last_item), last)
    end = line.offset + len(line.text)
    change = start, end, line_end + text[start:end]
    return change, balanced and wanted == revealed.targets.keys()


def _find_markdown(lines: list[SourceLine]) -> tuple[int, bool]:
    """Return the index of the first line of Markdown below HTML, 0 if there is none.

    The second value is True if the HTML above it leaves no element open.
    """
    open_tags: list[str] = []
    inside = 0
    for number, line in enumerate(lines):
        if number and not line.text.lstrip().startswith("<"):
            if not open_tags:
                return number, True
            inside = inside or number
        if "<" in _TAG.sub("", line.text):
            return 0, False  # a tag that spans lines
        _update_open_tags(open_tags, line.text)
        if len(open_tags) > _MAX_OPEN_TAGS:
            return 0, False
        if inside == 0 and any(map(_STRUCTURED_TAG.fullmatch, open_tags)):
            inside = -1
    return max(inside, 0), False


def _update_open_tags(open_tags: list[str], text: str) -> None:
    for tag in _TAG.finditer(text):
        found = _TAG_NAME.search(tag[0])
        assert found
        name = found[0].lower()
        if tag[0].startswith("</"):
            if name in open_tags:
                del open_tags[len(open_tags) - 1 - open_tags[::-1].index(name) :]
        elif not _VOID_TAG.fullmatch(name) and not tag[0].endswith("/>"):
            open_tags.append(name)
