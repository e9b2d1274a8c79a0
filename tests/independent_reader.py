"""An independent reader of vaults, which judges what `vaultlink rename` and `move` write.

It shares no code with vaultlink: notes are parsed by markdown-it-py, properties by PyYAML, canvases by `json`. The small rest,
wikilinks, tags and the resolution of links, follows the specification of Obsidian's links (sections 1 to 8) in its own way.
It reads less than Obsidian: no cells beyond the last column of a table, and none of the list quirks of old remark versions.

All positions are character positions in the text of a file without its byte order mark.
"""

import json
import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from json.decoder import scanstring  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.image import image
from markdown_it.rules_inline.link import link
from markdown_it.token import Token

Span = tuple[int, int]


class SeenLink(NamedTuple):
    """A link of a file.

    Attributes:
        form: `wikilink`, `markdown`, `definition`, `card` (a file of a canvas) or `background`.
        place: `body`, `property` or `canvas`.
        embed: Whether the link embeds its target.
        target: The path or name as written, decoded.
        subpath: The part from the first `#` on, decoded; empty if there is none.
        display: The display text of a wikilink, or None.
        written: The destination as it stands in the file, with the angle brackets.
        start: Where the link begins.
        end: Where the link ends.
        pieces: The parts of the file that a rename may replace.
        outer: What surrounds the destination within a piece; a rename keeps it.
    """

    form: str
    place: str
    embed: bool
    target: str
    subpath: str
    display: str | None
    written: str
    start: int
    end: int
    pieces: tuple[Span, ...]
    outer: tuple[str, ...] = ()


class SeenTag(NamedTuple):
    """A tag of a note, without `#`. A rename may replace `piece`."""

    name: str
    piece: Span
    outer: tuple[str, ...] = ()


class SeenHeading(NamedTuple):
    """A heading of a note with its raw text; `piece` is where the text stands."""

    level: int
    text: str
    piece: Span


class SeenBlock(NamedTuple):
    """A block id of a note, without `^`; `piece` is where it stands."""

    name: str
    piece: Span


class SeenFile(NamedTuple):
    """What a note or canvas contains. Links are sorted by position."""

    text: str
    links: tuple[SeenLink, ...] = ()
    tags: tuple[SeenTag, ...] = ()
    headings: tuple[SeenHeading, ...] = ()
    blocks: tuple[SeenBlock, ...] = ()


class Meaning(NamedTuple):
    """Where a link leads.

    Attributes:
        path: The vault path of the file, or None if the link does not resolve.
        anchor: `heading 0` for the first heading of the note, `block 0` for its first block, `missing`, or None without
            subpath and for files that have no headings.
    """

    path: str | None
    anchor: str | None


# -- Markdown -------------------------------------------------------------------------------------

WIKILINK = re.compile(r"!?\[\[([^\n]+?)\]\]")
MATH = re.compile(r"\$\$.+?\$\$|\$(?![ \t$])(?:\\.|[^$\\])*?(?<![ \t])\$(?!\d)", re.DOTALL)
DEFINITION = re.compile(
    r"""[ ]{0,3}\[(?!\^)(?:\\.|[^\[\]\\])+\]:[ \t]*(<[^<>\n]*>|[^\s<]\S*)"""
    r"""([ \t]+("[^"\n]*"|'[^'\n]*'|\([^()\n]*\)))?[ \t]*$""",
    re.MULTILINE,
)
NO_TAG = "!\"#$%&'()*+,.:;<=>?@^{|}~\\[\\]`\\\\\u2000-\u206f\u2e00-\u2e7f"
EMPHASIS = ("*", "**", "_", "__", "~~")
TAG = re.compile(rf"#([^\s{NO_TAG}]+)")
BLOCK_ID = re.compile(r"(?:^|\s)\^([A-Za-z0-9-]+)$")
NEWLINE = re.compile(r"\r\n?|\n")
URL_BEFORE = re.compile(r"[a-z][a-z0-9+.-]*://[^\s<]*$", re.IGNORECASE)


def _read_wikilink(state: StateInline, silent: bool) -> bool:
    """Read `[[target|text]]` or `![[target|text]]`: clauses 1.1 to 1.11."""
    found = WIKILINK.match(state.src, state.pos, state.posMax)
    if not found or "[[" in found[1] or URL_BEFORE.search(state.src[: state.pos]):
        return False
    if not silent:
        inner = found[1]
        bar = inner.find("|", 1 + len(inner) - len(inner.lstrip()))
        written = inner[: bar if bar >= 0 else None]
        display = inner[bar + 1 :].strip() if bar >= 0 else None
        dest = written.strip().removesuffix("\\").rstrip()
        start = found.start(1) + len(written) - len(written.lstrip())
        _push(state, "wikilink", found.span(), (start, start + len(dest)), dest, display or None)
    state.pos = found.end()
    return True


def _read_markdown_link(state: StateInline, silent: bool) -> bool:
    """Read `[text](destination "title")` or an image, with the library's own rule."""
    start, begin = state.pos, state.pos + (state.src[state.pos] == "!")
    if state.src[begin : begin + 1] != "[":
        return False
    linked = len(state.tokens)
    if not (image if begin > start else link)(state, silent):
        return False
    if not silent:
        end = state.pos
        state.pos = begin
        close = state.md.helpers.parseLinkLabel(state, begin, begin == start)
        state.pos = end
        open_at = close + 2
        while state.src[open_at] in " \t\n":
            open_at += 1
        found = state.md.helpers.parseLinkDestination(state.src, open_at, end)
        href = decode(found.str)
        if href is None and begin > start:  # clause 2.3
            href = found.str
        if (
            found.str
            and href is not None
            and (href.startswith(("./", "../")) or ":" not in found.str)
        ):
            inner = state.tokens[linked:]
            del state.tokens[linked:]
            _push(state, "markdown", (start, end), (open_at, found.pos), href, None)
            state.tokens.extend(inner)
    return True


def _read_definition(state: StateInline, silent: bool) -> bool:
    """Read `[label]: destination "title"` at the start of a paragraph."""
    before = state.src[: state.pos]
    if silent or (before and not all(map(DEFINITION.fullmatch, before.rstrip("\n").split("\n")))):
        return False
    found = DEFINITION.match(state.src, state.pos, state.posMax)
    if not found or (before and not before.endswith("\n")):
        return False
    href = decode(found[1].removeprefix("<").removesuffix(">"))
    if href and ":" not in href:
        _push(state, "definition", found.span(), found.span(1), href, None)
    state.pos = found.end()
    return True


def _read_math(state: StateInline, silent: bool) -> bool:
    found = MATH.match(state.src, state.pos, state.posMax)
    if not found:
        return False
    if not silent:
        state.push("math", "", 0)
    state.pos = found.end()
    return True


def _read_tag(state: StateInline, silent: bool) -> bool:
    """Read `#tag` at the start of text (also of emphasis), after white space or another tag: clauses 7.1 to 7.3."""
    found = TAG.match(state.src, state.pos, state.posMax)
    before = state.src[state.pos - 1 : state.pos]
    last = state.tokens[-1] if state.tokens and not state.pending else None
    follows = last is not None and (last.type in ("tag", "link_open") or last.content in EMPHASIS)
    if not found or found[1].isdigit() or not (not before or before.isspace() or follows):
        return False
    if not silent:
        state.push("tag", "", 0).meta = {"name": found[1], "piece": found.span(1)}
    state.pos = found.end()
    return True


def _push(
    state: StateInline, form: str, span: Span, piece: Span, dest: str, display: str | None
) -> None:
    embed = state.src[span[0]] == "!"
    state.push("seen", "", 0).meta = {
        "form": form,
        "span": span,
        "piece": piece,
        "dest": dest,
        "display": display,
        "embed": embed,
    }


def _build_parser() -> MarkdownIt:
    """Return a CommonMark parser with tables, math, tags and wikilinks, and without reference links."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.disable("reference")
    for name, rule in (
        ("seen_definition", _read_definition),
        ("seen_math", _read_math),
        ("seen_tag", _read_tag),
        ("seen_wikilink", _read_wikilink),
        ("seen_markdown", _read_markdown_link),
    ):
        parser.inline.ruler.before("link", name, rule)
    parser.disable(["link", "image"])
    parser.validateLink = lambda url: url is not None  # type: ignore[method-assign]
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    return parser


PARSER = _build_parser()
RESERVED = frozenset(b"#/?:&=+,;@$")


MALFORMED = re.compile(r"%(?![0-9A-Fa-f]{2})")


def decode(text: str) -> str | None:
    """Decode percent escapes as JavaScript's `decodeURI` does: clause 2.2. None if they are malformed."""

    def decode_run(found: re.Match[str]) -> str:
        codes = bytes.fromhex(found[0].replace("%", ""))
        parts = [b"%%%02X" % code if code in RESERVED else bytes([code]) for code in codes]
        return b"".join(parts).decode()

    try:
        decoded = re.sub(r"(?:%[0-9A-Fa-f]{2})+", decode_run, text)
    except UnicodeDecodeError:
        return None
    return None if MALFORMED.search(text) else decoded


class _Lines:
    """The lines of a text and where they begin."""

    def __init__(self, text: str) -> None:
        self.starts = [0, *(found.end() for found in NEWLINE.finditer(text))]
        ends = [found.start() for found in NEWLINE.finditer(text)]
        self.lines = [text[a:b] for a, b in zip(self.starts, [*ends, len(text)], strict=True)]

    def map_paragraph(self, content: str, line: int) -> list[int]:
        """Return the position in the text of each character of an inline token and of its end."""
        places: list[int] = []
        for number, part in enumerate(content.split("\n"), line):
            core = part.strip()
            column = self.lines[number].rfind(core) - (len(part) - len(part.lstrip()))
            places += [self.starts[number] + column + index for index in range(len(part) + 1)]
        return places

    def map_cell(self, content: str, line: int, cursor: int) -> list[int]:
        """Return the same for a table cell, whose pipes are escaped in the text."""
        source = self.lines[line]
        column = source.index(content.replace("|", "\\|"), cursor)
        places = []
        for sign in content:
            places.append(self.starts[line] + column)
            column += 2 if sign == "|" else 1
        return [*places, self.starts[line] + column]


def read_markdown(text: str, first_line: int = 0, place: str = "body") -> SeenFile:
    """Return what a text contains, from a line on (0-based); the lines before it are properties."""
    lines = _Lines(text)
    hidden = "\n" * first_line + "\n".join(lines.lines[first_line:])
    links: list[SeenLink] = []
    tags: list[SeenTag] = []
    headings: list[SeenHeading] = []
    blocks: list[SeenBlock] = []
    row, cursor = -1, 0
    tokens = PARSER.parse(hidden)
    for before, token in pairwise(tokens):
        if before.type == "tr_open":
            row, cursor = (before.map or [row + 1])[0], 0
        if token.type != "inline" or not token.content:
            continue
        if before.type in ("th_open", "td_open"):
            places = lines.map_cell(token.content, row, cursor)
            cursor = places[-1] - lines.starts[row]
        else:
            places = lines.map_paragraph(token.content, (token.map or [0])[0])
        for child in token.children or []:
            _collect(child, text, places, place, links, tags)
        if before.type == "heading_open" and before.level == 0 and "\n" not in token.content:
            content = token.content.strip()
            headings.append(SeenHeading(int(before.tag[1]), content, (places[0], places[-1])))
        if found := BLOCK_ID.search(token.content):
            blocks.append(SeenBlock(found[1], (places[found.start(1)], places[found.end(1)])))
    return SeenFile(
        text, tuple(sorted(links, key=_position)), tuple(tags), tuple(headings), tuple(blocks)
    )


def _position(link: SeenLink) -> tuple[int, int]:
    return link.start, -link.end


def _collect(
    token: Token,
    text: str,
    places: Sequence[int],
    place: str,
    links: list[SeenLink],
    tags: list[SeenTag],
) -> None:
    if token.type == "tag":
        start, end = token.meta["piece"]
        tags.append(SeenTag(token.meta["name"], (places[start], places[end])))
    elif token.type == "seen":
        seen = token.meta
        target, mark, subpath = seen["dest"].partition("#")
        (start, end), (first, last) = seen["piece"], seen["span"]
        piece = places[start], places[end]
        written = text[piece[0] : piece[1]]
        links.append(
            SeenLink(
                seen["form"],
                place,
                seen["embed"],
                target,
                mark + subpath if subpath else "",
                seen["display"],
                written,
                places[first],
                places[last],
                (piece,),
            )
        )


# -- properties -----------------------------------------------------------------------------------

FRONTMATTER = re.compile(r"---\r?\n(.*?)^---[^\S\r\n]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)


def read_note(text: str) -> SeenFile:
    """Return what a note contains, properties included."""
    found = FRONTMATTER.match(text)
    body = read_markdown(text, len(NEWLINE.findall(found[0])) if found else 0)
    if not found:
        return body
    links: list[SeenLink] = []
    tags: list[SeenTag] = []
    try:
        root = yaml.compose(found[1])
    except yaml.YAMLError:
        root = None
    if isinstance(root, yaml.MappingNode):
        for key, value in root.value:
            for node in _scalars(value):
                span = node.start_mark.index + found.start(1), node.end_mark.index + found.start(1)
                links += _read_property(node.value, text, span)
                if key.value.lower() == "tags" and not re.search(r"[\s,]|^\d+$|^$", node.value):
                    name = node.value.removeprefix("#")
                    hash_mark = "#" if name != node.value else ""
                    tags.append(SeenTag(name, span, (node.style or "", hash_mark)))
    links.sort(key=_position)
    return body._replace(links=(*links, *body.links), tags=(*tags, *body.tags))


def _scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """Yield all values below a node, keys excepted."""
    if isinstance(node, yaml.MappingNode):
        for _key, value in node.value:
            yield from _scalars(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _scalars(item)
    elif isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:str":
        yield node


def _read_property(value: str, text: str, span: Span) -> list[SeenLink]:
    """Return the link that a property value is as a whole: clauses 4.9 to 4.14."""
    links = read_markdown(value, 0, "property").links
    if len(links) != 1 or (links[0].start, links[0].end) != (0, len(value)) or links[0].embed:
        return []
    [(start, end)] = links[0].pieces
    raw = text[span[0] : span[1]]
    quote = raw[0] if raw[0] in "'\"" else ""
    outer = quote, value[:start], value[end:]
    return [links[0]._replace(start=span[0], end=span[1], pieces=(span,), outer=outer)]


# -- canvases -------------------------------------------------------------------------------------


class _Strings:
    """The strings of a JSON text in their order, each with its value and span."""

    def __init__(self, text: str) -> None:
        self.items: list[tuple[str, Span]] = []
        position = text.find('"')
        while position >= 0:
            value, end = scanstring(text, position + 1)
            self.items.append((value, (position, end)))
            position = text.find('"', end)
        self._left = iter(self.items)

    def walk(self, value: object) -> Any:
        """Return the value with each string as a pair of itself and its span; keys stay plain."""
        if isinstance(value, dict):
            pairs = [(next(self._left)[0], self.walk(item)) for item in value.values()]
            return dict(pairs)
        if isinstance(value, list):
            return [self.walk(item) for item in value]
        return next(self._left) if isinstance(value, str) else value


def read_canvas(text: str) -> SeenFile:
    """Return the links and tags of a canvas: file cards, group backgrounds and text cards (section 8)."""
    try:
        data = _Strings(text).walk(json.loads(text))
    except ValueError:
        return SeenFile(text)
    links: list[SeenLink] = []
    tags: list[SeenTag] = []
    for node in data.get("nodes", ()) if isinstance(data, Mapping) else ():
        kind = node.get("type", ("", (0, 0)))[0]
        if kind == "file" and "file" in node:
            subpath, where = node.get("subpath", ("", None))
            pieces = [node["file"][1], *([where] if where else [])]
            links.append(_card("card", node["file"], subpath, pieces))
        elif kind == "group" and "background" in node:
            links.append(_card("background", node["background"], "", [node["background"][1]]))
        elif kind == "text" and "text" in node:
            value, span = node["text"]
            card, places = read_markdown(value, 0, "canvas"), _map_string(text, span)
            links += [_shift(seen, places) for seen in card.links]
            tags += [SeenTag(tag.name, _shift_span(tag.piece, places)) for tag in card.tags]
    return SeenFile(text, tuple(sorted(links, key=_position)), tuple(tags))


def _card(form: str, written: tuple[str, Span], subpath: str, pieces: Sequence[Span]) -> SeenLink:
    value, (start, end) = written
    embed = form == "background"
    return SeenLink(form, "canvas", embed, value, subpath, None, value, start, end, tuple(pieces))


ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|."
)


def _map_string(text: str, span: Span) -> list[int]:
    """Return the position in a JSON text of each character of a string and of its end."""
    start, end = span[0] + 1, span[1] - 1
    return [*(found.start() for found in ESCAPE.finditer(text, start, end)), end]


def _shift_span(span: Span, places: Sequence[int]) -> Span:
    return places[span[0]], places[span[1]]


def _shift(seen: SeenLink, places: Sequence[int]) -> SeenLink:
    """Return a link of a text card with its positions in the file."""
    start, end = _shift_span((seen.start, seen.end), places)
    pieces = tuple(_shift_span(piece, places) for piece in seen.pieces)
    return seen._replace(start=start, end=end, pieces=pieces)


MANAGED = re.compile(r"<!-- vaultlink:backlinks.*?<!-- /vaultlink:backlinks", re.DOTALL)
"""A section that vaultlink writes; it does not list the links in it."""


def is_managed(seen: SeenLink, text: str) -> bool:
    """Return True if a link is in a section that vaultlink writes."""
    return any(found.start() < seen.start < found.end() for found in MANAGED.finditer(text))


def remove_pieces(text: str, pieces: Sequence[Span]) -> str:
    """Return a text with a NUL instead of each piece; equal pieces are removed once."""
    rest, last = [], 0
    for start, end in sorted(set(pieces)):
        rest.append(text[last:start])
        last = end
    return "\0".join([*rest, text[last:]])


# -- resolution -----------------------------------------------------------------------------------


def normalize(path: str) -> str:
    """Return a path as compared: composed, with plain spaces, in lower case (5.3, 5.18)."""
    plain = path.replace("\u00a0", " ").replace("\u202f", " ")
    return unicodedata.normalize("NFC", plain).lower()


HEADING_SIGNS = re.compile(r"""[!"#$%&()*+,.:;<=>?@^{|}~/\[\]`\\\r\n\s]+""")


def heading_key(text: str) -> str:
    """Return heading text as compared: clause 6.2."""
    return HEADING_SIGNS.sub(" ", text).strip().lower()


class SeenVault:
    """The files of a vault by vault path, and where their links lead."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        """Read a vault from the bytes of its files; paths with a part that starts with a dot are no part of it."""
        self.files: dict[str, SeenFile | None] = {}
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for path, content in sorted(files.items()):
            if any(part.startswith(".") for part in path.split("/")):
                continue
            self.files[path] = read_file(path, content)
            self._by_name[normalize(path).rsplit("/", 1)[-1]].append(path)

    @classmethod
    def from_folder(cls, folder: Path) -> "SeenVault":
        """Read a vault from a folder."""
        return cls(read_tree(folder))

    def resolve(self, target: str, source: str) -> str | None:
        """Return the file that a path or name leads to from a source, or None: section 5."""
        if not target:
            return source
        link, candidates = self._candidates(normalize(target.strip()))
        if not candidates:
            return None
        bare = "/" not in link
        if bare and len(candidates) == 1:
            return candidates[0]
        by_path = {normalize(path): path for path in candidates}
        folder = normalize(posixpath.dirname(source))
        rooted = link.startswith("/")
        if link.startswith(("./", "../")):
            link = _join(folder, link)
            if link in by_path:
                return by_path[link]
            if "/" not in link:
                return None  # R11: no bare name
        link = link.removeprefix("/")
        if link in by_path or rooted:
            return by_path.get(link)
        ending = [path for path in by_path if bare or ("/" + path).endswith("/" + link)]
        prefix = folder + "/" if folder else ""
        ending.sort(key=lambda path: (not path.startswith(prefix), len(path), path))
        return by_path[ending[0]] if ending else None

    def is_unique(self, name: str) -> bool:
        """Return True if at most one file has a name, as a link gives it."""
        return len(self._candidates(normalize(name))[1]) <= 1

    def _candidates(self, link: str) -> tuple[str, list[str]]:
        """Return the link with its extension, and the files of that name: clause 5.4."""
        name = link.rsplit("/", 1)[-1]
        if "." in name and self._by_name.get(name):
            return link, self._by_name[name]
        return link + ".md", self._by_name.get(name + ".md", [])

    def find_anchor(self, path: str, subpath: str) -> str | None:
        """Return which heading or block of a note a subpath names: section 6."""
        parts = [part for part in subpath.split("#") if part]
        file = self.files.get(path)
        if not parts or file is None or not path.lower().endswith(".md"):
            return None
        if len(parts) == 1 and parts[0].startswith("^"):
            for number, block in enumerate(file.blocks):
                if block.name.lower() == parts[0][1:].strip().lower():
                    return f"block {number}"
        level, left, last = 0, [heading_key(part) for part in parts], "missing"
        for number, heading in enumerate(file.headings):
            if left and heading.level > level and heading_key(heading.text) == left[0]:
                level, last = heading.level, f"heading {number}"
                del left[0]
        return "missing" if left else last

    def meaning(self, link: SeenLink, source: str) -> Meaning:
        """Return where a link leads. Cards and backgrounds of canvases contain full paths."""
        if link.form in ("card", "background"):
            path = (
                link.target
                if link.target in self.files
                else self.resolve("/" + link.target, source)
            )
        else:
            path = self.resolve(link.target, source)
        return Meaning(path, self.find_anchor(path, link.subpath) if path else None)

    def occurrences(self) -> Iterator[tuple[str, SeenLink, Meaning]]:
        """Yield each link of the vault with its source and meaning."""
        for path, file in self.files.items():
            for seen in file.links if file else ():
                yield path, seen, self.meaning(seen, path)


def _join(folder: str, link: str) -> str:
    """Join a relative path to a folder; climbing past the root stops there: clause 5.6."""
    parts = folder.split("/") if folder else []
    steps = link.split("/")
    while steps and steps[0] in (".", ".."):
        if steps.pop(0) == "..":
            del parts[-1:]
    return "/".join([*parts, *steps])


def read_file(path: str, content: bytes) -> SeenFile | None:
    """Return what a file contains, or None if it is no note or canvas, or can't be decoded."""
    ending = path.lower().rsplit(".", 1)[-1]
    if ending not in ("md", "canvas"):
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return read_note(text) if ending == "md" else read_canvas(text)


def read_tree(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files below a folder by vault path, in files of git excepted."""
    return {
        path: file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not (path := file.relative_to(folder).as_posix()).startswith(".git/")
    }
