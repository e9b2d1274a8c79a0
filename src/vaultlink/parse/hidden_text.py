"""Find what unclosed blocks, HTML and missing blank lines hide."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from vaultlink.model import Link, ParseProblem
from vaultlink.parse import leaf_blocks
from vaultlink.parse.blocks import HidingBlock, ParsedBlocks, read_blocks
from vaultlink.parse.inline import InlineMarkdownLink, InlineWikilink, read_inline
from vaultlink.parse.leaf_blocks import HTML_TAG, OPAQUE_HTML
from vaultlink.parse.lines import SourceLine, TextRun, is_blank, split_lines
from vaultlink.parse.link_parts import parse_wikilink
from vaultlink.parse.note_builder import NoteBuilder
from vaultlink.text import lazy_pattern, line_and_column

# -- read a note again with other text, to see what a change reveals -------------------------------


Item = tuple[str, int, str]
"""Kind (`link`, `tag`, `heading`, `block id` or `unclosed block`), offset and text."""


_MAX_TRIALS = 20
_MAX_TRIED_CHARACTERS = 500_000


def count_trials(text: str) -> int:
    """Return how many changes of a note may be tried: each reads the note again."""
    return min(_MAX_TRIALS, 1 + _MAX_TRIED_CHARACTERS // (len(text) + 1))


class BodyItems(NamedTuple):
    """The items in the body of a note, and the targets of links by offset."""

    items: frozenset[Item]
    targets: dict[int, str]


def read_body_items(text: str, body: int) -> BodyItems:
    builder = NoteBuilder(text)
    blocks = read_blocks(split_lines(text, body))
    for run in blocks.runs:
        builder.add_run(run)
    items: set[Item] = {("link", link.start, link.raw) for link in builder.links}
    items.update(("tag", tag.start, tag.name) for tag in builder.tags)
    items.update(("heading", start, f"{level} {name}") for level, name, start, _ in blocks.headings)
    items.update(("block id", at, name) for name, at, _ in blocks.ids)
    items.update(
        ("unclosed block", block.lines[0].offset, block.kind)
        for block in blocks.hiding
        if block.kind
    )
    targets = {
        link.start: link.target for link in builder.links if not link.external and link.target
    }
    return BodyItems(frozenset(items), targets)


def find_revealed(
    before: BodyItems, text: str, body: int, change: tuple[int, int, str]
) -> BodyItems | None:
    """Return what a change of a note reveals, with offsets of the old text.

    None if any item outside the changed span is lost or new. The change is start, end and new
    text.
    """
    start, end, new = change
    after = read_body_items(text[:start] + new + text[end:], body)
    inserted = len(new) - (end - start)
    lead = len(new) - len(new.lstrip("\r\n"))
    items: set[Item] = set()
    for kind, at, name in after.items:
        old = at if at < start else at - lead if at < end + lead else at - inserted
        items.add((kind, old, name))
    revealed = items - before.items
    if before.items - items or any(not start <= at < end for _, at, _ in revealed):
        return None
    targets = {at - lead: target for at, target in after.targets.items()}
    return BodyItems(
        frozenset(revealed),
        {at: targets[at] for kind, at, _ in revealed if kind == "link" and at in targets},
    )


# -- describe what unclosed code, comments, math and HTML hide -------------------------------------
# The hidden lines are read as if the opening mark were not there. Only links, headings, tags and
# block identifiers count. In code, text that only looks like one of these does not: `#` comments,
# directives of a preprocessor, indexes of arrays, tests of a shell.


_PROSE_LANGUAGES = ("", "md", "markdown", "text", "txt")
_LANGUAGE_WITHOUT_HASH_COMMENTS = lazy_pattern(
    r"c|cpp|c\+\+|cs|csharp|css|dart|go|html|java|javascript|js|json|jsx|kotlin|math|rust|scala|scss|"
    r"sql|swift|ts|tsx|typescript|xml"
)
"""A language in which a line that starts with `# ` is not a comment."""

_LINK_NAME = lazy_pattern(r"[^\W_][^\[\]{}()<>\"'`$=;,]*")
_LINK_DESTINATION = lazy_pattern(r"<.+>|#.+|https?://\S+|\S+\.\w{1,8}(?:#\S*)?")
_INDEXED = lazy_pattern(r"[A-Za-z0-9_)}\]$]")
_DIRECTIVE = lazy_pattern(
    r"include|import|define|undef|if|ifdef|ifndef|elif|else|endif|pragma|error|warning|line|region|"
    r"endregion",
    re.IGNORECASE,
)
_COLOR = lazy_pattern(r"(?:[0-9a-fA-F]{3,4}){1,2}")
_TAGS_ONLY = lazy_pattern(r"[ \t]*+(?:#\S++[ \t]*+)++")
_BARE_MARK = lazy_pattern(r"[ \t>]*(?:`{3,}|~{3,}|\${2,})[ \t]*")
_MEANT_CLOSINGS = {
    "unclosed-fence": re.compile(
        r"^[ \t]*(?:`{3,}|~{3,})[ \t]*(?=\S+[ \t]+\S)|(?<=\S)`{3,}[ \t]*$"
    ),
    "unclosed-math": re.compile(r"\${2,}"),
}
_ID_ONLY = lazy_pattern(r"[ \t]*\^[A-Za-z0-9-]+[ \t]*")


def describe_hiding_blocks(blocks: ParsedBlocks, starts: list[int]) -> Iterator[ParseProblem]:
    """Yield the unclosed blocks that hide text, each with a clause about it.

    The clause says what the block hides, where that ends, and which earlier block ended with
    its container, so that its closing mark opens this one. It is "" if the text contains no
    link, heading, tag or block identifier.
    """
    earlier: dict[str, HidingBlock] = {}
    for block in blocks.hiding:
        first = next((line.text for line in block.lines[1:] if not is_blank(line.text)), "").strip()
        # Scripts of the Excalidraw plugin open a fence in a comment, so that their code shows as
        # code.
        is_script = first == "*/" or block.lines[0].text.rstrip().endswith("*/")
        if not block.kind or not first or is_script:
            continue
        clause = _describe_hidden(block, starts)
        before = earlier.get(block.kind)
        if clause and before and _BARE_MARK.fullmatch(block.lines[0].text):
            line, _ = line_and_column(starts, before.lines[0].offset)
            clause += f"; the one in line {line} ended with its {before.container}"
        start, end = block.lines[0].offset, block.lines[0].offset + len(block.lines[0].text)
        yield ParseProblem(start, end, *line_and_column(starts, start), block.kind, clause)
        if block.container != "note":
            earlier[block.kind] = block


def describe_container(container: str) -> str:
    """Return a container with its article."""
    return "the note" if container == "note" else f"its {container}"


def _describe_hidden(block: HidingBlock, starts: list[int]) -> str:
    """Return what a block hides and where that ends; "" if nothing counts."""
    hidden = block.lines[1:]
    while hidden and is_blank(hidden[-1].text):
        hidden.pop()
    prose = _find_prose(block.kind, hidden)
    lines = _HiddenLines(hidden, _code_language(block)) if prose is None else _HiddenLines(prose)
    parts = [f"{count} {noun}s" if count > 1 else f"a {noun}" for noun, count in lines.count()]
    if not parts:
        return ""
    text = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
    line, _ = line_and_column(starts, hidden[-1].offset)
    return f"{text} up to line {line}, the end of {describe_container(block.container)}"


def _find_prose(kind: str, hidden: list[SourceLine]) -> list[SourceLine] | None:
    """Return the text behind a mark that was meant to close; None without one.

    Such a mark does not close the block, because other text stands on its line.
    """
    pattern = _MEANT_CLOSINGS.get(kind)
    for number, (text, offset) in enumerate(hidden):
        mark = pattern.search(text) if pattern else None
        if mark:
            return [SourceLine(text[mark.end() :], offset + mark.end()), *hidden[number + 1 :]]
    return None


def _code_language(block: HidingBlock) -> str | None:
    """Return the language of hidden code; "" for an unnamed one, None for comments."""
    if block.kind == "unclosed-comment":
        return None
    if block.kind != "unclosed-fence":
        return "math" if block.kind == "unclosed-math" else "html"
    words = block.lines[0].text.strip(" \t`~").lower().split()
    language = words[0].strip("{}.") if words else ""
    return "" if language in _PROSE_LANGUAGES else language


class _HiddenLines:
    """The lines that an unclosed block hides, and the language of their code."""

    def __init__(self, lines: list[SourceLine], language: str | None = None):
        self._lines = lines
        self._offsets = [line.offset for line in lines]
        self._language = language

    def count(self) -> list[tuple[str, int]]:
        """Return the numbers of links, headings, tags and block identifiers above 0."""
        blocks, links, tags = read_blocks(self._lines), 0, 0
        for run in blocks.runs:
            found = read_inline(run.text)
            links += sum(self._is_link(run.text, link) for link in found.links)
            only_tags = bool(found.tags) and _TAGS_ONLY.fullmatch(run.text) is not None
            tags += sum(self._is_tag(run.text[start:end], only_tags) for start, end in found.tags)
        headings = sum(self._is_heading(start, level) for level, _, start, _ in blocks.headings)
        ids = sum(self._is_block_id(at) for _, at, _ in blocks.ids)
        counts = [("link", links), ("heading", headings), ("tag", tags), ("block id", ids)]
        return [(noun, count) for noun, count in counts if count]

    def _line_number(self, offset: int) -> int:
        return bisect_right(self._offsets, offset) - 1

    def _is_link(self, text: str, link: InlineWikilink | InlineMarkdownLink) -> bool:
        """Return True if a link cannot be meant as code."""
        if self._language is None:
            return True
        if isinstance(link, InlineMarkdownLink):
            return _LINK_DESTINATION.fullmatch(link.destination) is not None
        inner = text[link.start + 2 + link.embed : link.end - 2]
        if _INDEXED.match(text[max(link.start - 1, 0) : link.start]) or inner.isdigit():
            return False
        target, subpath, _ = parse_wikilink(inner)
        return inner[0] != " " and _LINK_NAME.fullmatch(target or subpath.lstrip("#^")) is not None

    def _is_tag(self, name: str, only_tags: bool) -> bool:
        """Return True if a tag cannot be meant as code.

        Its run may consist of tags only.
        """
        if self._language is None:
            return True
        if _DIRECTIVE.fullmatch(name) or name.startswith("!") or _COLOR.fullmatch(name):
            return False
        return self._language in ("", "math") or only_tags

    def _is_heading(self, start: int, level: int) -> bool:
        """Return True if a heading cannot be meant as a comment.

        A comment of one hash stands directly above or below code. Rows of hashes frame comments.
        """
        if self._language is None:
            return True
        at = self._line_number(start)
        text = self._lines[at].text
        if not leaf_blocks.HEADING.match(text) or text.rstrip().endswith("#"):
            return False
        if level > 1 or _LANGUAGE_WITHOUT_HASH_COMMENTS.fullmatch(self._language):
            return True
        around = self._lines[max(at - 1, 0) : at] + self._lines[at + 1 : at + 2]
        return at > 0 and all(is_blank(line.text) for line in around)

    def _is_block_id(self, at: int) -> bool:
        """Return True if a block identifier cannot be meant as code."""
        text = self._lines[self._line_number(at)].text
        return not self._language or _ID_ONLY.fullmatch(text) is not None


# -- find links that an HTML block swallows, and the blank line that would end it ------------------
# The block of a tag such as `<div>` or `</details>` ends only at a blank line (3.15), so Markdown
# directly below it is text for Obsidian. Links in code, scripts, comments and attributes are left
# out: they are meant as text.


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
    visible = OPAQUE_HTML.sub(lambda match: _NOT_LINE_END.sub(" ", match[0]), joined).split("\n")
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


# -- find block identifiers that lack only the blank lines around them -----------------------------
# An identifier on a line of its own names the block above it (6.8). If text follows directly, or
# the block above swallows the line, Obsidian reads it as text. Only lines at the top level are
# considered, and only if blank lines certainly make them identifiers.


_ID_LINE = lazy_pattern(r"^ {0,3}(\^([A-Za-z0-9-]+))[ \t]*\r?$", re.MULTILINE)
_LISTED_BLOCK = lazy_pattern(r"[ \t]*(?:>|[-*+][ \t]|\d+[.)][ \t])|.*\|")
"""A line of a list, quote, callout or table, which need an identifier of their own line."""

_FENCE_OR_HTML = lazy_pattern(r"[ \t]*(?:```|~~~|\$\$|<)")
_MAX_CANDIDATES = 500
"""Lines of one note that are looked at."""


def find_detached_ids(
    blocks: ParsedBlocks, text: str, body: int, starts: list[int]
) -> Iterator[ParseProblem]:
    """Yield the lines of a body that lack only blank lines to be block identifiers.

    `starts` are the line starts of the text.
    """
    if "^" not in text:
        return
    read = {at for _, at, _ in blocks.ids}
    code = [span for span in blocks.hidden if not _is_open_html(text, span)]
    code_starts = [start for start, _ in code]
    candidates, trials, before = 0, 0, None
    for match in _ID_LINE.finditer(text, body):
        at = match.start(1)
        block = bisect_right(code_starts, at) - 1
        if at in read or (block >= 0 and at < code[block][1]):
            continue
        candidates += 1
        if candidates > _MAX_CANDIDATES or trials == count_trials(text):
            return
        found = _propose_blank_lines(text, body, starts, match)
        if found:
            trials += 1
            before = before or read_body_items(text, body)
            if _reveals_only_id(before, text, body, found):
                yield found


def _is_open_html(text: str, span: tuple[int, int]) -> bool:
    """Return True for hidden HTML other than comments: a blank line may end it."""
    return text.startswith("<", span[0]) and not text.startswith("<!--", span[0])


def _propose_blank_lines(
    text: str, body: int, starts: list[int], match: re.Match[str]
) -> ParseProblem | None:
    """Return the problem of a line without blank lines around it; None if it has them.

    It is certain if the block is one that needs an identifier of its own line.
    """
    start, end = match.start(), match.end()
    line_end = "\r\n" if text.endswith("\r", start, end) else "\n"
    end -= len(line_end) - 1
    above, is_adjacent = _read_block_above(text, body, start)
    below = text[match.end() + 1 : (text.find("\n", match.end() + 1) + 1 or len(text) + 1) - 1]
    if not above or _ID_LINE.fullmatch(below) or _ID_LINE.fullmatch(above[-1]):
        return None
    listed = any(_LISTED_BLOCK.match(line) for line in above)
    fenced = any(_FENCE_OR_HTML.match(line) for line in above)
    lead = is_adjacent and (listed or fenced)
    tail = bool(below.strip())
    if not lead and not tail:
        return None
    where = "before and behind it" if lead and tail else "before it" if lead else "behind it"
    new = line_end * lead + text[start:end] + line_end * tail
    return ParseProblem(
        *match.span(1),
        *line_and_column(starts, match.start(1)),
        kind="unread-block-id",
        detail=where,
        replacements=((start, end, new),),
        is_certain=listed and not fenced,
        block_id=match[2],
    )


def _read_block_above(text: str, body: int, start: int) -> tuple[list[str], bool]:
    """Return the lines of the block above an offset, and True if it is adjacent.

    At most one blank line may stand between. The lines go back to the blank line before.
    """
    lines = text[max(body, start - 5000) : max(start - 1, body)].split("\n")
    is_adjacent = bool(lines[-1].strip())
    if not is_adjacent:
        lines.pop()
    above: list[str] = []
    while lines and lines[-1].strip():
        above.insert(0, lines.pop())
    return above, is_adjacent


def _reveals_only_id(before: BodyItems, text: str, body: int, found: ParseProblem) -> bool:
    revealed = find_revealed(before, text, body, found.replacements[0])
    return revealed is not None and revealed.items == {("block id", found.start, found.block_id)}
