"""Find the names of folders, notes and tags in queries of Dataview and of bases."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from vaultlink.model import FOLDER_KINDS, Note, Property, QueryName
from vaultlink.parse.blocks import QueryBlock
from vaultlink.parse.lines import SourceLine, split_lines
from vaultlink.text import lazy_pattern, line_and_column, line_starts

# -- find the names of folders, notes and tags in queries of Dataview and of bases -----------------
# Obsidian does not count them as links. Only names that are written in full are read, as a text in
# quotes, a link or a tag. A query with a template's placeholder is skipped, and so is a Dataview
# query whose source is not understood.


_PLACEHOLDER = lazy_pattern(r"<%|\{\{|\$\{")
_SUBPATH = lazy_pattern(r"[#|]")


class _Name(NamedTuple):
    """A name and its offset in the source."""

    kind: str
    text: str
    start: int


def find_query_names(blocks: Iterable[QueryBlock], starts: list[int]) -> tuple[QueryName, ...]:
    """Return the names in the queries of a text, in order.

    `starts` are the line starts of the text.
    """
    return tuple(
        QueryName(start, start + len(text), *line_and_column(starts, start), kind, text)
        for block in blocks
        for kind, text, start in _read_block(block)
    )


def _read_block(block: QueryBlock) -> Iterator[_Name]:
    if any(_PLACEHOLDER.search(line.text) for line in block.lines):
        return iter(())
    return (_read_base if block.language == "base" else _read_dataview)(block.lines)


def _cut_name(kind: str, text: str, start: int) -> Iterator[_Name]:
    """Yield the name in a text: nothing if it is empty, such as for the vault's root."""
    if kind in FOLDER_KINDS:
        name = text.strip("/")
    elif kind == "tag":
        name = text.removeprefix("#")
    elif kind == "note":
        is_link = text.startswith("[[") and text.endswith("]]")
        name = _SUBPATH.split(text[2:-2] if is_link else text, maxsplit=1)[0].strip()
    else:
        name = text
    if name.strip():
        yield _Name(kind, name, start + text.index(name))


# -- Dataview -------------------------------------------------------------------------------------


class _Token(NamedTuple):
    """A part of a query: the number of its group in `_TOKEN`, its text and its offset."""

    kind: int
    text: str
    start: int


_TOKEN = lazy_pattern(
    r'"((?:[^"\\]|\\.)*+)"'
    r"|\[\[([^\[\]]*+)\]\]"
    r"|(#[^\s!\"#$%&'()*+,.:;<=>?@^`{|}~\[\]\\]+)"
    r"|([^\W\d][\w.]*+)"
    r"|//.*"  # a comment
    r"|(\S)"
)
_STRING, _LINK, _TAG, _WORD, _SIGN = range(1, 6)
_CLAUSES = frozenset(("where", "sort", "group", "flatten", "limit"))
"""Words that begin a part of a query behind its source."""

_SOURCE_WORDS = frozenset(("and", "or", "outgoing", "csv"))
_COMPARED: Mapping[str, str] = {"file.folder": "folder", "file.path": "path"}
"""Fields to the kind of the text that a query compares them with."""


def _read_dataview(lines: Sequence[SourceLine]) -> Iterator[_Name]:
    """Yield the names in the source of a query, and links and fields behind it."""
    tokens = _split_query(lines)
    words = [token.text.lower() if token.kind == _WORD else "" for token in tokens]
    end = len(tokens)
    start = next((at for at in range(end) if words[at] == "from" or words[at] in _CLAUSES), end)
    rest = next((at for at in range(start, end) if words[at] in _CLAUSES), end)
    source = range(start + 1, rest)
    if not all(_is_in_source(tokens[at]) for at in source):
        return
    for at, (kind, text, offset) in enumerate(tokens[start:], start):
        if kind == _LINK:
            yield from _cut_name("note", text, offset)
        elif kind == _TAG and at in source:
            yield from _cut_name("tag", text, offset)
        elif kind == _STRING and "\\" not in text:
            is_folder = at in source and words[at - 2] != "csv"
            field = "" if at in source else _find_compared(tokens, at)
            if is_folder or field in _COMPARED:
                yield from _cut_name("source" if is_folder else _COMPARED[field], text, offset)


def _split_query(lines: Sequence[SourceLine]) -> list[_Token]:
    """Return the tokens of a query; none if a string has no end in its line."""
    found = []
    for line in lines:
        for match in _TOKEN.finditer(line.text):
            kind = match.lastindex
            if kind == _SIGN and match[0] == '"':
                return []
            if kind:
                found.append(_Token(kind, match[kind], line.offset + match.start(kind)))
    return found


def _is_in_source(token: _Token) -> bool:
    if token.kind == _WORD:
        return token.text.lower() in _SOURCE_WORDS
    return token.kind != _SIGN or token.text in "()-!&|"


def _find_compared(tokens: Sequence[_Token], at: int) -> str:
    """Return the field that a query compares with a string; "" if there is none.

    The string must be all that it is compared with.
    """
    if tokens[at - 1].text != "=" or any(item.text == "+" for item in tokens[at + 1 : at + 2]):
        return ""
    word = tokens[at - 3 if tokens[at - 2].text == "!" else at - 2]
    return word.text.lower() if word.kind == _WORD else ""


# -- bases ----------------------------------------------------------------------------------------

_EXPRESSION = lazy_pattern(
    r"\b(?:(?:(inFolder)|(hasLink|link|file)|(hasTag|tags\.contains(?:Any|All)?))\("
    r"|file\.(?:(folder)|(path))[ \t]*[!=]=)"
)
"""A call or comparison. The groups stand for the kinds in `_KINDS`."""

_KINDS = ("", "folder", "note", "tag", "folder", "path")
_CALLS = range(1, 4)
_ARGUMENT = lazy_pattern(r"""[ \t]*\\?(?:"([^"\\]*+)\\?"|'([^'\\]*+)\\?')[ \t]*""")
_YAML_COMMENT = lazy_pattern(r"(?:^|(?<=[ \t]))#")
_ENDS: Mapping[bool, frozenset[str]] = {True: frozenset(",)"), False: frozenset(("", *",)&|'\""))}
"""What may follow a text in quotes: in a call, and behind a comparison."""


def _read_base(lines: Sequence[SourceLine]) -> Iterator[_Name]:
    """Yield the names in the filters and formulas of a base, line by line."""
    for line in lines:
        comment = _YAML_COMMENT.search(line.text)
        text = line.text[: comment.start()] if comment else line.text
        end = 0
        for match in _EXPRESSION.finditer(text):
            group = match.lastindex or 0
            for name in _read_arguments(text, match.end(), group) if match.start() >= end else ():
                end = name.start + len(name.text)  # a call in a text is no call
                yield from _cut_name(_KINDS[group], name.text, line.offset + name.start)


def _read_arguments(text: str, at: int, group: int) -> Iterator[_Name]:
    """Yield the text in quotes at an offset, if nothing is added to it.

    Calls about tags take several.
    """
    while argument := _ARGUMENT.match(text, at):
        at = argument.end()
        following = text[at : at + 1]
        if following not in _ENDS[group in _CALLS]:
            return
        number = argument.lastindex or 0
        yield _Name("", argument[number], argument.start(number))
        if _KINDS[group] != "tag" or following != ",":
            return
        at += 1


# -- parse an Obsidian base (`.base`) --------------------------------------------------------------


def parse_base(path: str, text: str) -> Note:
    """Return a base as a note with its text in the property `base`.

    A base is not a source of links (8.7), but the files that its text names count as used.
    """
    return Note(
        path,
        properties=(Property(0, 0, 1, 1, "base", text, 0, len(text)),),
        queries=find_query_names([QueryBlock("base", split_lines(text, 0))], line_starts(text)),
    )
