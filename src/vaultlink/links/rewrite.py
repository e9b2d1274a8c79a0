"""Rewrite a link or definition with another target, subpath or syntax."""

import re

from vaultlink.links.kinds import (
    SYNTAX,
    Encoder,
    LinkParts,
    Replacement,
    bracketed_text,
    change_destination,
    default_display_text,
    encode_destination,
    find_display_span,
    find_text_span,
    format_link,
    make_encoder,
    shown_text,
)
from vaultlink.model import Definition, Edit, Link, LinkKind, Place
from vaultlink.parse.inline import InlineMarkdownLink, read_inline
from vaultlink.parse.link_parts import parse_property_link
from vaultlink.parse.note_builder import parse_definition
from vaultlink.text import lazy_pattern

# -- rewrite a link with another target, subpath or syntax and keep everything else ----------------
# All functions return no edits unless the new link would be read back as exactly the requested
# link and show the same text. This module does not resolve names.

Edits = tuple[Edit, ...]

MAY_CLOSE_MARKUP = lazy_pattern(r"[`$*<>\\\n\r\x00]|~~|==|%%|(?<!\s)_(?!\w)")
"""Markup that can close something that was opened before the link.

Code, math, emphasis, an HTML tag or a comment.
"""

_CONTEXT_MARKUP = lazy_pattern(r"[`$*<>\\\[\]&\n\r]|~~|==|%%|://|www\.|_(?!\w)|(?<!\w)_")
"""Markup with different meanings in the text of a Markdown link and of a wikilink."""

_QUOTES = "\"'\\"


def rewrite_link(path: str, link: Link, target: str, subpath: str) -> Edits:
    """Return edits for another target and subpath; none if the text would change."""
    target = target.replace("\u00a0", " ")
    change = SYNTAX[link.kind].retarget(link, target, subpath)
    return _build_edits(path, link, change, target, subpath) if change else ()


def drop_display_text(path: str, link: Link) -> Edits:
    """Return edits without the display text; none if another one would be shown."""
    return _build_edits(path, link, (*find_display_span(link), ""), link.target, link.subpath)


def convert_link(path: str, link: Link, kind: LinkKind, target: str, subpath: str) -> Edits:
    """Return the edits that make a link another kind; none if this loses anything."""
    text, shown = format_link(link, kind, target, subpath), shown_text(link)
    is_body = link.place is Place.BODY and not link.external and not link.after_bracket
    if not is_body or (link.embed and link.display) or not (shown or link.embed):
        return ()
    if _makes_table_row(link, link.raw, text) or not SYNTAX[link.kind].is_complete(link):
        return ()
    if _CONTEXT_MARKUP.search(shown) or MAY_CLOSE_MARKUP.search(target + subpath):
        return ()
    parts = SYNTAX[kind].read(text, link.in_table_cell)
    if parts is None or parts[:2] != (target, subpath):
        return ()
    is_same = (_visible_text(parts) if shown else parts[2] or "") == shown
    return (Edit(path, link.start, link.end, text),) if is_same else ()


# -- check that the new text is read back as requested ---------------------------------------------


def _build_edits(path: str, link: Link, change: Replacement, target: str, subpath: str) -> Edits:
    """Return edits; none if a link can't change or would not be read as requested."""
    start, end, text = change
    old = link.raw[start:end]
    if link.external or link.place is Place.CANVAS or link.end - link.start != len(link.raw):
        return ()
    if text == old or "\n" in old or _makes_table_row(link, old, text):
        return ()
    raw = link.raw[:start] + text + link.raw[end:]
    if link.place is Place.PROPERTY:
        is_safe = all(raw.count(mark) <= link.raw.count(mark) for mark in _QUOTES)
        parts = _read_property_link(raw)
    else:
        changes = [(link.target, target), (link.subpath, subpath)]  # a pipe keeps the text
        is_safe = not any(
            one != other and _closes_more_markup(one, other)
            for one, other in (changes if SYNTAX[link.kind].has_pipe else [(old, text)])
        )
        parts = SYNTAX[link.kind].read(raw, link.in_table_cell)
    if not is_safe or not parts or parts[:2] != (target, subpath) or not _shows_same(link, parts):
        return ()
    return (Edit(path, link.start + start, link.start + end, text),)


def _makes_table_row(link: Link, old: str, new: str) -> bool:
    return link.beside_table and "|" in new and "|" not in old


def _closes_more_markup(old: str, new: str) -> bool:
    """Return True if a text may close markup that the old one did not close.

    An underscore that the name has as before, as in `_ Index`, does not: nothing was open before
    the link, or it would be no link.
    """
    marks = MAY_CLOSE_MARKUP.findall(new)
    kept = MAY_CLOSE_MARKUP.findall(old).count("_") if marks else 0
    return len(marks) > kept or any(mark != "_" for mark in marks)


def _shows_same(link: Link, parts: LinkParts) -> bool:
    syntax = SYNTAX[link.kind]
    if not syntax.shows_target:
        # Compare with `raw`: the text may span lines with quote marks between them.
        before = syntax.read(link.raw, link.in_table_cell)
        return before is not None and parts[2] == before[2]
    if link.embed:
        return parts[2] == link.display
    return _visible_text(parts) == _visible_text((link.target, link.subpath, link.display))


def _visible_text(parts: LinkParts) -> str:
    target, subpath, display = parts
    return default_display_text(target, subpath) if display is None else display


def _read_property_link(raw: str) -> LinkParts | None:
    link = parse_property_link(raw, (0, 0, 1, 1), "")
    return (link.target, link.subpath, link.display) if link and not link.external else None


# -- let a link lead elsewhere and show the same words ---------------------------------------------


def keep_words(path: str, link: Link, target: str, subpath: str, text: str = "") -> Edits:
    """Return the edits that give a link another target and subpath, with its words.

    Other than `rewrite_link`, this does not check the link against the text around it. `text` is
    the text of the note, needed for links in properties. Empty if the link can't be found in its
    text, or can't be written so.
    """
    change = SYNTAX[link.kind].retarget(link, target, subpath)
    if change is None:
        return ()
    if link.beside_table and "|" not in link.raw:
        change = (*change[:2], change[2].replace("|", "\\|"))
    return place_change(path, link, change, text)


def place_change(path: str, link: Link, change: Replacement, text: str) -> Edits:
    """Return the edits of a change in the note's `text`; none without a place."""
    start, end, new = change
    if link.place is Place.PROPERTY:
        return replace_in_property(path, link, link.raw[:start] + new + link.raw[end:], text)
    if link.end - link.start != len(link.raw):
        return ()
    return (Edit(path, link.start + start, link.start + end, new),)


# -- replace a link in a property ------------------------------------------------------------------


_BLOCK_HEADER = lazy_pattern(r"[|>][^\n]*\n\s*")
"""What stands before the text of a YAML value that begins on the next line."""

_NODE_PROPERTIES = lazy_pattern(r"(?:(?:&[^\s\[\]{},]+|![^\s\[\]{},]*)\s+)+")
"""The anchor and the tag that stand before a YAML value."""


def replace_in_property(path: str, link: Link, new: str, text: str) -> Edits:
    """Return the edit of a link in a property, in its quotation marks or block.

    `new` is the text to write instead, `text` the text of the note.
    """
    start, end = link.start, link.start + len(text[link.start : link.end].rstrip())
    node = _NODE_PROPERTIES.match(text, start, end)
    if node:
        start = node.end()
    block = _BLOCK_HEADER.match(text, start, end)
    if block:
        return (Edit(path, block.end(), end, new),)
    if node and text[start] in "'\"":
        return (Edit(path, start + 1, end - 1, quote_in_yaml(new, text[start])),)
    before = text[:start].rstrip(" ")
    quote = before[-1:] if before[-1:] in ("'", '"') else ""
    return (Edit(path, start, link.end, quote_in_yaml(new, quote)),)


def quote_in_yaml(text: str, quote: str) -> str:
    """Return a text as YAML has it between quotation marks; "" for none."""
    if quote == "'":
        return text.replace("'", "''")
    if quote == '"':
        return text.replace("\\", "\\\\").replace('"', '\\"')
    return text


# -- replace a link by the words that it shows -----------------------------------------------------


_TARGET_MARKUP = lazy_pattern(
    r"[\\`$*<]|~~|==|%%|_(?!\w)|(?<!\w)_|(?<!\S)#(?=[\w/-]*[^\W\d])|(?<!\S)\^(?=[A-Za-z0-9-]+$)"
)
"""Characters of a name that would be markup, a tag or a block id in the text of a note."""

_DISPLAY_MARKUP = lazy_pattern(r"(?<!\S)#(?=[\w/-]*[^\W\d])|(?<!\S)\^(?=[A-Za-z0-9-]+$)")
"""Characters of a display text that would be a tag or a block id in the text of a note."""

_LINE_LEAD = lazy_pattern(r"[\s>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[.\][ \t]+)?)*")
"""Text before the first word of a line: quote marks, list marks, a check box."""

_BLOCK_MARK = lazy_pattern(
    r"(?:\d{1,9}(?=[.)](?:\s|$)))|(?=#{1,6}(?:\s|$)|[-+](?:\s|$)|>|---|===|\|)"
)
"""Words that would begin a heading, list, quote, rule or table, up to the place of the escape."""

_IMAGE_SIZE = lazy_pattern(r"(?:^|\|)\d+(?:x\d+)?$")


def unlink_link(path: str, link: Link, text: str) -> Edits:
    """Return the edits that replace a link by the words that a reader saw.

    `text` is the text of the note. Words that would be markup are escaped. An embed becomes its
    text, or the name of its file. Empty for a URL, and for a link of a canvas.
    """
    if link.external or link.place is Place.CANVAS:
        return ()
    if link.place is Place.PROPERTY:
        return replace_in_property(path, link, _describe_link(link), text)
    if link.end - link.start != len(link.raw):
        return ()
    line = text[text.rfind("\n", 0, link.start) + 1 : link.start]
    begins_line = _LINE_LEAD.fullmatch(line) is not None
    span = None if link.embed else find_text_span(link)
    if span:  # the text may contain other links
        start, end = link.start + span[0], link.start + span[1]
        mark = _BLOCK_MARK.match(text, start, end) if begins_line else None
        escape = (Edit(path, mark.end(), mark.end(), "\\"),) if mark else ()
        return (Edit(path, link.start, start, ""), *escape, Edit(path, end, link.end, ""))
    is_name = link.display is None or link.embed
    markup = _TARGET_MARKUP if is_name else _DISPLAY_MARKUP
    words = markup.sub(r"\\\g<0>", _describe_link(link))
    mark = _BLOCK_MARK.match(words) if begins_line else None
    if mark:
        words = f"{words[: mark.end()]}\\{words[mark.end() :]}"
    return (Edit(path, link.start, link.end, words),)


def _describe_link(link: Link) -> str:
    """Return the words that a link shows, or that stand for an embed."""
    display = link.display
    if link.embed and display is not None:
        display = _IMAGE_SIZE.sub("", display)
    return display or default_display_text(link.target, link.subpath)


# -- rewrite the definition of a link's label with another target or subpath -----------------------


def as_link(definition: Definition) -> Link:
    """Return a definition as a link, written like a Markdown link."""
    return Link(
        start=definition.start,
        end=definition.end,
        line=definition.line,
        column=definition.column,
        raw=definition.raw,
        target=definition.target,
        subpath=definition.subpath,
        display="",
        kind=LinkKind.MARKDOWN,
        embed=False,
        place=Place.BODY,
    )


def rewrite_definition(
    path: str, definition: Definition, target: str, subpath: str
) -> tuple[Edit, ...]:
    """Return the edits of a definition; none if it would not be read back as asked."""
    target = target.replace("\u00a0", " ")
    if (target, subpath) == (definition.target, definition.subpath):
        return ()
    raw = definition.raw
    encoders: list[Encoder] = [make_encoder(raw)]
    if definition.wrapped:
        encoders.insert(0, lambda text, _more: text)
    spellings = [change_destination(definition, raw, target, subpath, item) for item in encoders]
    spellings.append(encode_destination(target) + encode_destination(subpath, "#^"))
    for text in spellings:
        read = parse_definition(f"[x]: <{text}>" if definition.wrapped else f"[x]: {text}")
        if read and read[2:] == (target, subpath, definition.wrapped):
            return (Edit(path, definition.start, definition.end, text),)
    return ()


# -- recognize URLs in wikilinks, and convert such links to links that work ------------------------


_URL = lazy_pattern(r"(?:[a-z][a-z0-9+.-]*://|mailto:[^\s@]+@|www\.[^\s./]+\.)\S.*", re.I)
_WEB_URL = lazy_pattern(r"https?://[^\s/?#]|mailto:|obsidian://", re.I)
_IMAGE_URL = lazy_pattern(r"\.(?:png|jpe?g|gif|svg|webp|bmp|avif)(?:[?#]|$)", re.I)
_ADDRESS_WITHOUT_SCHEME = lazy_pattern(r"www\.", re.I)
_MARKUP = lazy_pattern(r"[`$*<>\\\[\]\n\r]|&#?\w+;|~~|==|%%|(?<!\w)_|_(?!\w)")
"""Markup that the text of a wikilink and that of a Markdown link may show in different ways."""

_NOT_IN_URLS = lazy_pattern(r"[\s<>\\`|\[\]]|&#?\w+;|%%")


def read_url(link: Link) -> str:
    """Return the URL of a wikilink's destination, `www.` as it is written, or ""."""
    raw = link.raw
    if ":" not in raw and "." not in raw:  # most links
        return ""
    inner = bracketed_text(link) or ""
    destination = inner.partition("|")[0].strip().removesuffix("\\").rstrip()
    return destination if _URL.fullmatch(destination) else ""


def is_web_url(url: str) -> bool:
    """Return True for a web address with a host, an e-mail or an Obsidian URL."""
    return _WEB_URL.match(url) is not None


def convert_url_link(path: str, link: Link) -> tuple[Edit, ...]:
    """Return the edits that convert a wikilink to a URL into a link that works.

    `[[url|text]]` becomes `[text](url)`, `[[url]]` becomes `<url>`, and an embed
    `![text](url)`. Empty if the new text would not be read back as this link.
    """
    url, text = read_url(link), link.display or ""
    is_text = link.place in (Place.BODY, Place.SECTION) and link.end - link.start == len(link.raw)
    if not url or not is_text or _NOT_IN_URLS.search(url) or _MARKUP.search(text):
        return ()
    if link.in_table_cell and "|" in text:
        return ()
    if link.embed and not (is_web_url(url) and _IMAGE_URL.search(url)):
        return ()
    if _ADDRESS_WITHOUT_SCHEME.match(url):
        url = f"https://{url}"
    if text in ("", url) and not link.embed:
        return (Edit(path, link.start, link.end, f"<{url}>"),)
    new = f"{'!' if link.embed else ''}[{text}]({url})"
    links = (item for item in read_inline(new).links if isinstance(item, InlineMarkdownLink))
    found = [(item.start, item.end, item.destination) for item in links]
    return (Edit(path, link.start, link.end, new),) if found == [(0, len(new), url)] else ()
