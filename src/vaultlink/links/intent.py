"""Recognize links that are not meant to lead anywhere, or that no author wrote.

These are text in double brackets that Obsidian reads as a link, and the links in a report on
unresolved links. The rules here know no file names, so callers ask only about links that do not
resolve. In doubt, a link is meant as one.
"""

import re
from collections.abc import Set
from functools import lru_cache

from vaultlink.index.index import link_name
from vaultlink.index.resolve import spelling_key
from vaultlink.links.kinds import bracketed_text
from vaultlink.model import Link, Note, text_items
from vaultlink.text import lazy_pattern, line_span

_PLAIN = lazy_pattern(r"[^\W\d_\u037a\uf900-\uffff][^\[\]$=<>&|\"':*!?]*(?:\|[^$]*)?")
"""Text that certainly is a link's: a name that starts with a letter, perhaps with display text."""

_UNUSUAL = lazy_pattern(r"[\[\]$=<>&|\"':*!?]|^[\W\d_]")
"""Signs of text that may not be a link."""

_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?"
_QUOTED = r"(?:\"[^\"]*\"|'[^']*')"
_ITEM = rf"(?:{_NUMBER}|{_QUOTED})"
_LIST = lazy_pattern(rf"\s*{_ITEM}(?:\s*[,;]\s*{_ITEM})+\s*[,;]?\s*", re.I)
"""Numbers or quoted strings, at least two of them: a row of an array, or an index."""

_THOUSANDS = lazy_pattern(r"\d{1,3}(?:,\d{3})+")

_CHARACTER_CLASS = lazy_pattern(r":\^?[a-z]+:|:[<>]:|=.=")
"""The inside of a bracket expression, such as `[[:alpha:]]`."""

_VARIABLE = lazy_pattern(r"\$(?:[A-Za-z_][\w\[\]]*|[{(@#?*!\d])")
_UNARY_TEST = lazy_pattern(r"\s+(?:!\s+)*(?:-[a-zA-Z]|!)\s+\S.*")
_COMPARISON = lazy_pattern(r"\s(?:[=!]=|=~|[<>=]|-(?:eq|ne|lt|le|gt|ge|nt|ot|ef)|&&|\|\|)\s+\S")
_DICE_COMMAND = lazy_pattern(r"/[a-z]+ .*\d*d\d+.*")
"""An inline roll of a virtual tabletop, such as `[[/r 2d6 + 3]]`."""

_MACRO = lazy_pattern(r"_TOC_")
"""The table of contents on GitLab and Azure DevOps."""

_BLOCK_REFERENCE = lazy_pattern(r"\(\([0-9a-f]{8}-[0-9a-f-]{27}\)\)")
"""The block that a Markdown link names in Logseq."""

_WILDCARD = lazy_pattern(r"\*\.\w+(?:#.*)?")
_PLACEHOLDER = lazy_pattern(r"<[^<>:/%]+>")


def is_meant_as_link(link: Link) -> bool:
    """Return True unless an unresolved link is clearly code, a list or other text."""
    inner = bracketed_text(link)
    if inner is None:
        return not _BLOCK_REFERENCE.fullmatch(link.target)
    return is_link_text(inner)


def names_topic(link: Link, resolved: str | None) -> bool:
    """Return True if a link does not resolve, and is meant as one."""
    return resolved is None and not link.external and is_meant_as_link(link)


def is_link_text(inner: str) -> bool:
    """Return True unless the text between double brackets is clearly not a link's.

    False for arrays, shell tests, bracket expressions, several bracketed texts or Markdown
    links in a row, dice rolls, and placeholders: a wildcard, a word in angle brackets, bare
    punctuation.
    """
    if _PLAIN.fullmatch(inner) or not _UNUSUAL.search(inner):
        return True
    target = inner[: pipe if (pipe := inner.find("|", 1)) != -1 else None].strip().rstrip("\\")
    if "](" in target or _has_crossing_brackets(target) or _is_shell_test(inner):
        return False
    if _THOUSANDS.fullmatch(target):
        return True
    patterns = (_LIST, _CHARACTER_CLASS, _DICE_COMMAND, _MACRO, _WILDCARD, _PLACEHOLDER)
    if any(pattern.fullmatch(target) for pattern in patterns):
        return False
    # A target without letters, digits and symbols, such as `...`, is a sample of the syntax.
    return "#" in target or "^" in target or "|" in target or bool(spelling_key(target))


def _has_crossing_brackets(target: str) -> bool:
    """Return True for `a], [b`: a bracket closes that opens before the target."""
    close = target.find("]")
    return close != -1 and close < target.find("[") and target.count("[", 0, close) == 0


def _is_shell_test(inner: str) -> bool:
    """Return True for the inside of a shell's `[[ … ]]`, which spaces surround."""
    spaced = inner[:1].isspace() and inner[-1:].isspace()
    if spaced and (_UNARY_TEST.fullmatch(inner) or _VARIABLE.match(inner.strip(" \t\"'"))):
        return True
    is_variable = _VARIABLE.search(inner) is not None or (spaced and "=" in inner)
    return is_variable and _COMPARISON.search(inner) is not None


# -- links in a report on unresolved links ---------------------------------------------------------


_ABOUT_UNRESOLVED = lazy_pattern(
    r"\b(?:broken|dead|dangling|unresolved|invalid) (?:wiki |internal )?(?:wiki)?links?\b"
    r"|\b(?:missing|orphan(?:ed)?) (?:wiki |internal )?(?:wiki)?links\b"
    r"|\b(?:missing|nonexistent) (?:link )?(?:pages?|notes?|targets?)\b"
    r"|\b(?:link )?lint(?:er|ing)? (?:reports?|results?|logs?|findings?)\b"
    r"|\b(?:defekte|kaputte|tote) links?\b|\bliens? (?:cassés?|morts?|brisés?)\b"
    r"|\b(?:enlaces?|links?) (?:rotos?|quebrados?|rotti)\b|\bбитые ссылки\b"
    r"|断链|死链|失效链接|リンク切れ|깨진 링크"
)
"""Words in the name or in a heading of a report, in lower case and with spaces between them."""

_SAYS_UNRESOLVED = lazy_pattern(
    r"\b(?:(?:does not|doesn[’']t|do not|don[’']t) (?:exist|resolve)|(?:is|was) not found"
    r"|no such (?:file|note|page)|(?:broken|dead|dangling|unresolved) (?:wiki)?links?"
    r"|(?:file|note|page|target) (?:not found|(?:is )?missing)|missing (?:file|note|page|target)"
    r"|existiert nicht|n[’']existe pas|no existe|não existe|non esiste|не существует"
    r"|nie istnieje|bestaat niet|không tồn tại)\b"
    r"|不存在|未找到|找不到|断链|死链|存在しな|存在しません|見つかりません|リンク切れ|존재하지 않",
    re.I,
)
"""Words of a line that says that a link in it does not resolve."""


def reports_unresolved(note: Note, link: Link) -> bool:
    """Return True if the name of a note, or a heading, says it lists unresolved links."""
    if _is_about_unresolved(link_name(note.path)):
        return True
    level = 7
    for heading in reversed(note.headings):
        if heading.start < link.start and heading.level < level:
            if _is_about_unresolved(heading.text):
                return True
            level = heading.level
    return False


@lru_cache(maxsize=1 << 12)
def _is_about_unresolved(name: str) -> bool:
    return _ABOUT_UNRESOLVED.search(_SEPARATORS.sub(" ", name.lower())) is not None


_SEPARATORS = lazy_pattern(r"[\W_]+")


def says_unresolved(text: str, link: Link) -> bool:
    """Return True if the line of a link in a text says that it does not resolve."""
    start, end = line_span(text, link.start, link.end)
    line = text[start : link.start] + text[link.end : end]
    return _SAYS_UNRESOLVED.search(line) is not None


# -- notes whose text a program wrote --------------------------------------------------------------


_CLIPPER_KEYS = frozenset(("source", "clipped", "clipped from", "clipped-from"))
"""Properties in which web clippers keep the address of the page, in lower case."""

_ADDRESS_KEYS = _CLIPPER_KEYS | {"url", "link"}
"""These and the properties in which authors also keep the address of what they write about."""


def is_clipped(note: Note) -> bool:
    """Return True if a property holds the web address of a page."""
    return _has_address(note, _ADDRESS_KEYS)


def is_copied_page(note: Note) -> bool:
    """Return True if a property says that the text is that of a web page."""
    return _has_address(note, _CLIPPER_KEYS)


def _has_address(note: Note, keys: Set[str]) -> bool:
    items = (item.value for item in note.properties or () if item.key.lower() in keys)
    texts = (text.lower() for value in items for text in text_items(value))
    return any(text.startswith(("http://", "https://")) for text in texts)


def is_drawing(note: Note) -> bool:
    """Return True for a drawing of the Excalidraw plugin, which writes the whole note."""
    is_plugin_file = note.path.lower().endswith(".excalidraw.md")
    return is_plugin_file or note.property_value("excalidraw-plugin") is not None
