"""Completion of links, and of the tags and properties in `word_completion`.

The text before the cursor says what is typed. Whether it counts there, a trial says: the link is
completed, and the note is parsed with it. So nothing is offered in code, in comments, or where a
link would not be read as one. All items lead where they say: names that can't be written, or that
would lead to another file, are left out.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, takewhile
from typing import Any, NamedTuple

from lsprotocol import types

from vaultlink.index.anchors import find_anchor
from vaultlink.index.index import Index
from vaultlink.index.name_search import FoundName, SearchedKind, list_named_paths, name_file
from vaultlink.index.near_names import build_near_keys, normalize_words
from vaultlink.index.resolve import (
    file_name,
    is_note,
    normalize_name,
    parent_folder,
    resolve,
    resolve_with_alternatives,
)
from vaultlink.index.vocabulary import count_name_words
from vaultlink.links.kinds import SYNTAX, default_display_text, list_kinds
from vaultlink.links.naming import LinkStyle, choose_target, strip_note_extension
from vaultlink.links.rewrite import MAY_CLOSE_MARKUP, quote_in_yaml
from vaultlink.links.style import count_traits_in_parts, find_link_style
from vaultlink.model import Edit, Heading, Link, LinkKind, Note, Owner, Place
from vaultlink.parse.blocks import read_blocks
from vaultlink.parse.brackets import SpanSet
from vaultlink.parse.lines import split_lines
from vaultlink.parse.link_parts import decode_destination, is_external, parse_property_link
from vaultlink.parse.note import parse_note
from vaultlink.parse.properties import frontmatter_span
from vaultlink.refactor.relocation import RefusedError
from vaultlink.refactor.subpaths import list_heading_paths
from vaultlink.serve.lsp.edits import make_text_edits, make_workspace_edit
from vaultlink.serve.lsp.views import View
from vaultlink.serve.lsp.word_completion import (
    MAX_ITEMS,
    Choice,
    Choices,
    complete_property,
    complete_tag,
    count_tags,
    make_list,
)
from vaultlink.text import (
    blake2b,
    find_line_span,
    lazy_pattern,
    line_starts,
    quote_name,
    strip_accents,
)

# -- blocks to which a link can lead, with an id or without ----------------------------------------

_MARKS = lazy_pattern(r"(?:[-*+>]|\d{1,9}[.)]|\[.\]|#{1,6})[ \t]+|>")
"""Marks of lists, quotes, tasks and headings before the text of a block."""


class _Block(NamedTuple):
    """A block of a note.

    `id` has no caret, and `text` is that of the first line, without marks. `start` is the offset of
    that line, in code points; `end` is behind the text, where a new id is added. `is_new` is True
    if the note does not contain the id yet.
    """

    id: str
    text: str
    start: int
    end: int
    is_new: bool = False

    def make_edit(self, path: str) -> Edit:
        """Return the edit that adds the id to the note."""
        return Edit(path, self.end, self.end, f" ^{self.id}")


def _list_blocks(note: Note, text: str) -> list[_Block]:
    """Return the blocks of a note that have an id."""
    starts = line_starts(text)
    return [
        _Block(
            item.id,
            _read_line(text, starts[item.block_line - 1]),
            starts[item.block_line - 1],
            item.end,
        )
        for item in note.blocks
    ]


def _list_new_blocks(note: Note, text: str) -> list[_Block]:
    """Return the blocks of a note that have no id, each with a new one.

    They are paragraphs and list items. All new ids are tried at once, in one text: those that the
    parser reads as ids of a block are returned.
    """
    found = {}
    names = {item.id.lower() for item in note.blocks}
    for end, words in _list_ends(note, text):
        name = _make_id(words, names)
        names.add(name)
        found[name] = end
    parts, at = [], 0
    for name, end in found.items():
        parts += [text[at:end], f" ^{name}"]
        at = end
    tried = parse_note(note.path, "".join([*parts, text[at:]]))
    taken = {item.block_line for item in note.blocks}
    read = {item.block_line: item for item in tried.blocks if item.block_line not in taken}
    starts = line_starts(text)
    return [
        _Block(item.id, _read_line(text, starts[line - 1]), starts[line - 1], found[item.id], True)
        for line, item in read.items()
        if item.id in found
    ]


def _list_ends(note: Note, text: str) -> list[tuple[int, str]]:
    """Return the ends of paragraphs and list items, in order, with their texts."""
    span = frontmatter_span(text)
    headings = {item.start for item in note.headings}
    managed = SpanSet(
        (item.start, item.end) for item in note.sections if item.owner is not Owner.AUTHOR
    )
    ends = dict[int, str]()
    for run in read_blocks(split_lines(text, span[2] if span else 0)).runs:
        words = run.text.rstrip()
        if words and not run.in_table_cell and run.source_offset(0) not in headings:
            end = run.source_end(len(words))
            rest = text[end : find_line_span(text, end, end)[1]]
            if not managed.covers(end - 1) and not rest.strip():
                ends[end] = words
    return sorted(ends.items())


def _make_id(words: str, names: set[str]) -> str:
    """Return an id for a text, the same one each time, which is not in `names`."""
    number = 0
    while True:
        key = f"{number}{words}" if number else words
        name = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=3).hexdigest()
        if name not in names:
            return name
        number += 1


def _read_line(text: str, start: int) -> str:
    """Return the text of a line without marks and without an id at its end."""
    line = text[start : find_line_span(text, start, start)[1]].strip()
    while mark := _MARKS.match(line):
        line = line[mark.end() :].lstrip()
    return _ID.sub("", line)


_ID = lazy_pattern(r"(?:^|[ \t])\^[A-Za-z0-9-]+$")


# -- the link that is typed ------------------------------------------------------------------------


class _TypedLink(NamedTuple):
    """A link that is typed, up to the cursor.

    Attributes:
        kind: The kind of the link to write.
        embed: True if it starts with `!`.
        start: Offset of the text to replace.
        end: Offset behind that text.
        target: The target as typed, decoded.
        subpath: The subpath as typed, from its `#`, decoded; None if there is none.
        opening: What the new text has before the target.
        closing: What it has behind the target, subpath and display text.
        keeps_text: True if the link has a display text or title that stays.
        is_whole: True if a whole Markdown link replaces the brackets of a wikilink.
        quote: The quotation mark around the link in a property.
    """

    kind: LinkKind
    embed: bool
    start: int
    end: int
    target: str
    subpath: str | None
    opening: str = ""
    closing: str = ""
    keeps_text: bool = False
    is_whole: bool = False
    quote: str = ""


_WIKI, _WITH_PATH = list_kinds(use_markdown_links=False)
_WIKILINK = lazy_pattern(r"(!?)\[\[[^\[\]|\r\n]*\Z")
_DESTINATION = lazy_pattern(r"\]\((<?)([^()<>\r\n]*)\Z")
_WIKILINK_REST = lazy_pattern(r"([^\[\]|\r\n\\]*)(?:(\]\])|\\?\|[^\[\]\r\n]*\]\])")
"""The rest of a link behind the cursor, with its closing brackets or a display text."""

_DESTINATION_REST = lazy_pattern(r"[^()<>\s]*>?(\)|(?=\s+[\"'(][^\n]*\)))")
_CUT_ESCAPE = lazy_pattern(r"%[0-9A-Fa-f]?\Z")
_VALUE_START = lazy_pattern(r"[^\n]*?(?::[ \t]+|-[ \t]+|[\[,][ \t]*)([\"']?)\Z")
"""The text before a link in a property, which must be the whole value."""


def _find_link(view: View, text: str, offset: int, body: int) -> _TypedLink | None:
    """Return the link that is typed at an offset."""
    line = text.rfind("\n", 0, offset) + 1
    before = text[line:offset]
    found = _WIKILINK.search(before)
    if found:
        return _read_wikilink(view, text, line + found.start(), offset, body)
    found = _DESTINATION.search(before) if offset >= body else None
    return _read_destination(text, line + found.start(1), offset) if found else None


def _read_wikilink(view: View, text: str, at: int, offset: int, body: int) -> _TypedLink | None:
    """Return the wikilink at an offset, which is that of an `!` for an embed."""
    embed = text[at] == "!"
    start = at + 2 + embed
    target, mark, rest = text[start:offset].partition("#")
    closed = _WIKILINK_REST.match(text, offset)
    end, closing, keeps_text = offset, "]]", False
    if closed:
        end, keeps_text = (closed.end(), False) if closed[2] else (closed.end(1), True)
        closing = "" if keeps_text else "]]"
    elif text.startswith("]", offset):
        end = offset + 1
    typed = _TypedLink(_WIKI, embed, start, end, target.strip(), mark + rest or None)
    typed = typed._replace(closing=closing, keeps_text=keeps_text)
    if offset < body:
        return _read_property_link(text, typed, at)
    if view.vault.scan.obsidian.use_markdown_links and not keeps_text:
        return typed._replace(kind=_WITH_PATH, start=at, closing="", is_whole=True)
    return typed


def _read_property_link(text: str, typed: _TypedLink, at: int) -> _TypedLink | None:
    """Return a link in a property, with the quotation marks that it needs."""
    line = text.rfind("\n", 0, at) + 1
    before = _VALUE_START.match(text[line:at])
    if before is None or typed.embed:
        return None
    quote = before[1]
    if quote:
        is_closed = text.startswith(quote, typed.end) or typed.keeps_text
        closing = typed.closing + ("" if is_closed else quote)
        return typed._replace(closing=closing, quote=quote)
    if typed.keeps_text:
        return None  # a quotation mark would have to be added behind the text
    return typed._replace(start=at, opening='"[[', closing=']]"', quote='"')


def _read_destination(text: str, start: int, offset: int) -> _TypedLink | None:
    """Return the Markdown link whose destination begins at an offset."""
    typed = _CUT_ESCAPE.sub("", text[start:offset].removeprefix("<").lstrip())
    decoded = decode_destination(typed)
    decoded = typed if decoded is None else decoded
    if is_external(decoded):
        return None
    target, mark, rest = decoded.partition("#")
    closed = _DESTINATION_REST.match(text, offset)
    end = closed.end() if closed else offset
    closing = "" if closed and not closed[1] else ")"
    return _TypedLink(_WITH_PATH, False, start, end, target, mark + rest or None, closing=closing)


# -- trials ----------------------------------------------------------------------------------------


def _try_link(path: str, text: str, typed: _TypedLink, new: str) -> Link | None:
    """Return the link that a note has if a new text replaces what is typed."""
    note = parse_note(path, text[: typed.start] + new + text[typed.end :])
    at = typed.start + len(typed.opening)
    found = [link for link in note.links if link.start <= at < link.end]
    link = max(found, key=lambda link: link.start, default=None)
    return None if link is None or link.in_comment else link


def _find_surroundings(view: View, path: str, text: str, typed: _TypedLink) -> Link | None:
    """Return the link that a plain name would make there.

    The last answer is kept: the text before and behind a link stays as it is while one types.
    """

    def find() -> Link | None:
        new = f"{typed.opening}x{typed.closing}" if not typed.is_whole else "[x](x)"
        link = _try_link(path, text, typed, new)
        return link if link and link.target == "x" else None

    shape = typed._replace(end=0, target="", subpath="")
    return view.keep(
        _find_surroundings, (path, text[: typed.start], text[typed.end :], shape), find
    )


_MAX_TRIALS = 5
"""Names with marks that could end something before the link, each of which takes a trial."""


def _has_folders(index: Index) -> bool:
    """Return True if a file is in a folder: else all wikilinks have the same style."""
    return any(["/" in path for path in index.files])  # noqa: C419 - faster so


class _Writer:
    """Writes the text of links in the place of one that is typed."""

    def __init__(self, view: View, path: str, text: str, typed: _TypedLink, around: Link):
        self.path, self.text, self.typed, self.around = path, text, typed, around
        self.index = view.vault.index
        self.style = self._find_style(view)
        self._trials = 0

    def _find_style(self, view: View) -> LinkStyle:
        vault, typed = view.vault, self.typed
        has_styles = SYNTAX[typed.kind].writes_paths or _has_folders(vault.index)
        style = find_link_style(
            self.path, vault.index, vault.scan.obsidian, typed.kind, reads_vault=has_styles
        )
        has_mark = typed.target.startswith("./") and style.path == "relative"
        return style._replace(has_mark=style.has_mark or has_mark)

    def is_inside(self, note: Note, heading: Heading) -> bool:
        """Return True if the link is typed in a heading."""
        return note.path == self.path and heading.start <= self.typed.start <= heading.end

    def write_file(self, path: str, text: str = "", subpath: str = "") -> str | None:
        """Return the text of a link to a file; None if it can't be written."""
        target = choose_target(self.path, path, self.index, self.style)
        return None if target is None else self.write(target, subpath, text)

    def write(self, target: str, subpath: str, text: str = "") -> str | None:
        """Return the text of a link that shows a text, if it has none yet."""
        typed, syntax = self.typed, SYNTAX[self.typed.kind]
        if syntax.writes_paths:
            name = strip_note_extension(file_name(target))
            shown = text or default_display_text(name, subpath) if typed.is_whole else "x"
            raw = self.style.write_link(target, shown, subpath)
            inner = f"{'!' * typed.embed}{raw}" if typed.is_whole else raw[4:-1]
        else:
            shown = "" if typed.keeps_text else text
            raw = syntax.write(target, subpath, shown, False, self.around.in_table_cell)
            inner = raw[2:-2]
            if "|" in inner and self.around.beside_table:
                return None
        if not self._is_read(raw, target, subpath):
            return None
        quoted = quote_in_yaml(inner, typed.quote)
        new = f"{typed.opening}{quoted}{typed.closing}"
        return (
            new if not MAY_CLOSE_MARKUP.search(inner) or self._try(new, target, subpath) else None
        )

    def _is_read(self, raw: str, target: str, subpath: str) -> bool:
        if self.around.place is Place.PROPERTY:
            link = parse_property_link(raw, (0, 0, 1, 1), "")
            return link is not None and (link.target, link.subpath) == (target, subpath)
        parts = SYNTAX[self.typed.kind].read(raw, self.around.in_table_cell)
        return parts is not None and parts[:2] == (target, subpath)

    def _try(self, new: str, target: str, subpath: str) -> bool:
        self._trials += 1
        if self._trials > _MAX_TRIALS:
            return False
        link = _try_link(self.path, self.text, self.typed, new)
        return link is not None and (link.target, link.subpath) == (target, subpath)


# -- notes, aliases and attachments ----------------------------------------------------------------

_FILE_KINDS = (SearchedKind.NOTE, SearchedKind.TITLE, SearchedKind.ALIAS, SearchedKind.ATTACHMENT)
_ITEM_KINDS = {
    SearchedKind.NOTE: types.CompletionItemKind.File,
    SearchedKind.TITLE: types.CompletionItemKind.Reference,
    SearchedKind.ALIAS: types.CompletionItemKind.Reference,
    SearchedKind.ATTACHMENT: types.CompletionItemKind.Color,
    SearchedKind.HEADING: types.CompletionItemKind.Module,
    SearchedKind.BLOCK: types.CompletionItemKind.Text,
}

_MAX_IN_FOLDERS = 1_000
"""Names among which those of files in a typed folder are looked for."""


def _complete_files(view: View, writer: _Writer) -> Choices:
    typed = writer.typed
    names = list(islice(_find_files(view, writer.path, typed), MAX_ITEMS + 1))
    choices = list[Choice]()
    for name in names[:MAX_ITEMS]:
        if name.path == writer.path:
            continue  # a link to the note itself names a heading or block
        shown = name.text if name.kind in (SearchedKind.TITLE, SearchedKind.ALIAS) else ""
        new = writer.write_file(name.path, shown)
        if new is not None:
            detail = name.path if shown else parent_folder(name.path).removesuffix("/")
            data = {"path": name.path}
            choices.append(Choice(name.text, new, _ITEM_KINDS[name.kind], detail, data=data))
    return Choices(choices, is_cut=len(names) > MAX_ITEMS, is_filtered=bool(typed.target))


def _find_files(view: View, source: str, typed: _TypedLink) -> Iterator[FoundName]:
    """Yield the names of files that match a target; for embeds, attachments first."""
    query = typed.target.removesuffix(".md")
    folder, _, name = query.rpartition("/")
    folder = folder.lstrip("./")
    if not typed.embed:
        return _search_files(view, source, folder, name, _FILE_KINDS)
    first = _search_files(view, source, folder, name, _FILE_KINDS[3:])
    rest = _search_files(view, source, folder, name, _FILE_KINDS[:3])
    return (item for group in (islice(first, MAX_ITEMS // 2), rest) for item in group)


def _search_files(
    view: View, source: str, folder: str, name: str, kinds: Sequence[SearchedKind]
) -> Iterator[FoundName]:
    """Yield the names of files, those in a folder only if one is typed.

    If there is no name to look for, open files are first, then those of the same folder.
    """
    if normalize_words(name):
        limit = _MAX_IN_FOLDERS if folder else MAX_ITEMS + 1
        found: Iterable[FoundName] = view.vault.find_names(name, limit, kinds)
        if folder:  # a title may contain a slash
            whole = view.vault.find_names(f"{folder}/{name}", MAX_ITEMS, kinds)
            found = [*(item for item in found if _is_in(item.path, folder)), *whole]
        yield from dict.fromkeys(found)
        return
    index = view.vault.index
    others = list_named_paths(index, parent_folder(source), frozenset(kinds))
    opened = [path for path in view.documents if path in index.files]
    for path in (*opened, *(path for path in others if path not in view.documents)):
        item = name_file(path)
        if item.kind in kinds and (not folder or _is_in(path, folder)):
            yield item


def _is_in(path: str, folder: str) -> bool:
    """Return True if the folders of a path contain some, which need not be complete."""
    return f"/{normalize_name(folder)}" in f"/{normalize_name(parent_folder(path))}"


# -- headings --------------------------------------------------------------------------------------

_MAX_HEADINGS = 30
"""Headings of all notes: each of their notes must be read."""


def _complete_all_headings(view: View, writer: _Writer, query: str) -> Choices:
    index = view.vault.index
    found = view.vault.find_names(query, _MAX_HEADINGS, (SearchedKind.HEADING,))
    choices = list[Choice]()
    for name in found:
        note = index.notes[name.path]
        heading = next(item for item in note.headings if item.line == name.line)
        subpath = None if writer.is_inside(note, heading) else _name_heading(note, heading)
        new = subpath and writer.write_file(name.path, "", subpath)
        if new:
            data = {"path": name.path, "at": heading.start}
            kind = _ITEM_KINDS[SearchedKind.HEADING]
            choices.append(Choice(name.text, new, kind, name.path, data=data))
    return Choices(choices, is_cut=True, is_filtered=True)


def _complete_headings(writer: _Writer, path: str, note: Note, subpath: str) -> Choices:
    """Return the headings of a note below the typed ones."""
    above, _, query = subpath.rpartition("#")
    parent = find_anchor(note, above) if above.strip("#") else None
    if above.strip("#") and not isinstance(parent, Heading):
        return Choices([])
    parts: Iterable[Heading] = note.headings
    if isinstance(parent, Heading):
        behind = note.headings[note.headings.index(parent) + 1 :]
        parts = takewhile(lambda heading: heading.level > parent.level, behind)
    words = _fold(query).split()
    found = [
        heading
        for heading in parts
        if _matches(words, heading.text) and not writer.is_inside(note, heading)
    ]
    found.sort(key=lambda heading: not _fold(heading.text).startswith(_fold(query)))
    choices = list[Choice]()
    for heading in found[:MAX_ITEMS]:
        name = _name_heading(note, heading, above)
        new = name and _write_subpath(writer, path, name)
        if new:
            data = {"path": path, "at": heading.start}
            detail = "#" * heading.level
            kind = _ITEM_KINDS[SearchedKind.HEADING]
            choices.append(Choice(heading.text, new, kind, detail, data=data))
    return Choices(choices, is_cut=len(found) > MAX_ITEMS, is_filtered=bool(words))


def _name_heading(note: Note, heading: Heading, above: str = "") -> str | None:
    """Return the subpath of a heading, below the typed ones if it can be.

    Of several headings of one name, the first is found by it, the others by those above them.
    """
    names = list(list_heading_paths(note, heading))
    if above.strip("#") and names:
        names.insert(0, f"{above}{names[0]}")
    return next((name for name in names if find_anchor(note, name) is heading), None)


def _write_subpath(writer: _Writer, path: str, subpath: str) -> str | None:
    """Return the text of a link to a place in a file; a typed target that fits stays."""
    target, names = writer.typed.target, writer.index.names
    leads_to, others = resolve_with_alternatives(writer.path, target, names)
    if writer.typed.is_whole or leads_to != path or others:
        return writer.write_file(path, "", subpath)
    return writer.write(target, subpath)


def _fold(text: str) -> str:
    return normalize_words(strip_accents(text))


def _matches(words: Sequence[str], text: str) -> bool:
    name = _fold(text) if words else ""
    return all(word in name for word in words)


# -- blocks ----------------------------------------------------------------------------------------

ADD_BLOCK_ID = "vaultlink.addBlockId"
"""The command that adds the id of a block to another note, when a link to it was completed."""


def _complete_blocks(view: View, writer: _Writer, path: str, note: Note, query: str) -> Choices:
    """Return the blocks of a note, those with an id first."""
    text = view.vault.text(path) if path != writer.path else writer.text
    words = _fold(query).split()
    is_own = path == writer.path
    blocks = _list_blocks(note, text)
    if is_own or view.client.applies_edits:
        blocks += _list_new(view, note, text)
    found = [
        item
        for item in blocks
        if (_matches(words, item.text) or item.id.startswith(query.lower()))
        and not (is_own and item.start <= writer.typed.start <= max(item.end, item.start))
    ]
    choices = list[Choice]()
    for block in found[:MAX_ITEMS]:
        new = _write_subpath(writer, path, f"#^{block.id}")
        if new:
            choices.append(_offer_block(view, writer, path, block, new))
    return Choices(choices, is_cut=len(found) > MAX_ITEMS, is_filtered=bool(query))


def _list_new(view: View, note: Note, text: str) -> list[_Block]:
    if view.vault.state.settings.is_protected(note.path):
        return []
    return view.keep(_list_new, (note.path, text), lambda: _list_new_blocks(note, text))


def _offer_block(view: View, writer: _Writer, path: str, block: _Block, new: str) -> Choice:
    """Return the item of a block; one without id gets it when the item is chosen."""
    edits, command = [], None
    if block.is_new and path == writer.path:
        edits = make_text_edits(view, path, [block.make_edit(path)])
    elif block.is_new:
        arguments = [view.uri(writer.path), path, block.id]
        command = types.Command("Add the id of the block", ADD_BLOCK_ID, arguments=arguments)
    detail = "new id" if block.is_new else f"^{block.id}"
    return Choice(
        block.text or f"^{block.id}",
        new,
        _ITEM_KINDS[SearchedKind.BLOCK],
        detail,
        data={"path": path, "at": block.start},
        edits=edits,
        command=command,
    )


def add_block_id(view: View, arguments: Sequence[Any]) -> types.WorkspaceEdit | None:
    """Return the edit that adds the id of a block to its note.

    The arguments are the URI of the note with the link, the path of the other one, and the id.
    """
    _, path, name = arguments
    note = view.vault.index.notes.get(str(path))
    if note and any(block.id == name for block in note.blocks):
        return None
    blocks = _list_new(view, note, view.vault.text(note.path)) if note else []
    block = next((item for item in blocks if item.id == name), None)
    if block is None:
        raise RefusedError(
            f"the block ^{name} of {quote_name(str(path))} has changed since the link was "
            "completed: choose it again."
        )
    return make_workspace_edit(view, {str(path): [block.make_edit(str(path))]})


# -- the requests ----------------------------------------------------------------------------------


def complete(view: View, params: types.CompletionParams) -> types.CompletionList | None:
    """Return what can stand at a position instead of what is typed there."""
    place = view.find(params)
    if place is None or not is_note(place[0]):
        return None
    path, offset = place
    text = view.places(path).text
    span = frontmatter_span(text)
    body = span[2] if span else 0
    typed = _find_link(view, text, offset, body)
    if typed:
        around = _find_surroundings(view, path, text, typed)
        if around is None:
            return None
        typed = typed._replace(embed=typed.embed or around.embed)
        choices = _complete_link(view, _Writer(view, path, text, typed, around))
        return make_list(view, path, (typed.start, offset, typed.end), choices)
    if span and span[0] <= offset <= span[1]:
        return complete_property(view, path, offset, span[1])
    return complete_tag(view, path, offset) if offset >= body else None


def _complete_link(view: View, writer: _Writer) -> Choices:
    target, subpath = writer.typed.target, writer.typed.subpath
    if subpath is None:
        return _complete_files(view, writer)
    if subpath.startswith("##") and not target:
        return _complete_all_headings(view, writer, subpath.lstrip("#"))
    path = resolve(writer.path, target, view.vault.index.names)
    if path is None or path not in view.vault.index.notes:
        return Choices([])
    note = view.vault.index.notes[path]
    if subpath.startswith("#^"):
        return _complete_blocks(view, writer, path, note, subpath[2:])
    return _complete_headings(writer, path, note, subpath)


_MAX_LINES, _MAX_LETTERS = 12, 600
"""The size of a passage."""


def resolve_item(view: View, item: types.CompletionItem) -> types.CompletionItem:
    """Return an item with the passage to which it leads."""
    data = item.data if isinstance(item.data, dict) else {}
    path, at = data.get("path"), data.get("at")
    if not isinstance(path, str) or path not in view.vault.index.notes or not is_note(path):
        return item
    text = view.vault.text(path)
    span = frontmatter_span(text)
    start = at if isinstance(at, int) else span[2] if span else 0
    start = text.rfind("\n", 0, start) + 1
    lines = text[start : start + _MAX_LETTERS].strip("\r\n").split("\n")[:_MAX_LINES]
    has_markdown = view.client.has_markdown_hover
    kind = types.MarkupKind.Markdown if has_markdown else types.MarkupKind.PlainText
    item.documentation = types.MarkupContent(kind, "\n".join(lines))
    return item


REQUESTS: Mapping[str, Callable[[View, Any], Any]] = {
    types.TEXT_DOCUMENT_COMPLETION: complete,
    types.COMPLETION_ITEM_RESOLVE: resolve_item,
}
OPTIONS: Mapping[str, Any] = {
    types.TEXT_DOCUMENT_COMPLETION: types.CompletionOptions(
        trigger_characters=["[", "#", "^", "(", "/"], resolve_provider=True
    )
}
PREPARATIONS: Sequence[Callable[[View], object]] = (
    lambda view: view.vault.find_names("x", 1, _FILE_KINDS),
    lambda view: view.vault.index.derive(count_name_words),
    lambda view: view.vault.index.derive(build_near_keys),
    lambda view: count_tags(view.vault.index),
    lambda view: (
        count_traits_in_parts(view.vault.index, view.vault.scan.obsidian)
        if _has_folders(view.vault.index)
        else None
    ),
)
"""What first answers would wait for.

A target is unresolved until its last letter is typed, so with each one names near it are looked
for: words of names, and the keys of near names, make that ten times faster.
"""
COMMANDS: Mapping[str, Callable[[View, Sequence[Any]], types.WorkspaceEdit | None]] = {
    ADD_BLOCK_ID: add_block_id
}
