"""Recognize index notes: maps of content, timelines, notes of periods and folders.

They link to a note because it exists, not because they say something about it. In a section they
come last.
"""

from vaultlink.index.file_kinds import has_known_extension
from vaultlink.index.index import link_name
from vaultlink.index.resolve import is_note, parent_folder
from vaultlink.index.words import names_period
from vaultlink.model import Link, Note, Place
from vaultlink.parse.pieces import MIN_LISTED, count_pieces, find_pieces
from vaultlink.text import lazy_pattern

MAX_INDEX_ENTRIES = 3
"""Index notes that a new section lists; where a note is filed needs no more."""

_MIN_SHARE = 0.4
"""From `MIN_LISTED` notes on, a note is an index if it has that many for each line or sentence.

In ten vaults, maps of content have 0.42 to 0.66, notes with prose at most 0.38.
"""

_MANY_LINKS = 100
"""Linked notes from which a note is an index whatever else it says."""

_NAMES = frozenset(
    """
changelog, contents, dashboard, home, home page, homepage, hub, inbox, index, indexes, log,
map of content, maps of content, readme, references, start, start here, table of contents, to do,
to read, toc, todo, welcome, accueil, inhalt, inhaltsverzeichnis, inicio, indice, índice, obsah,
sommaire, spis treści, startseite, sumário, главная, оглавление, содержание, 索引, 目录, 目錄, 目次,
首页, 首頁, 색인, 목차
""".replace("\n", " ")
    .strip()
    .split(", ")
)
"""Names of index notes, in lower case."""

_TELLING_WORDS = frozenset(
    (
        *("moc", "mocs", "overview", "timeline", "übersicht", "zeitleiste", "aperçu"),
        *("chronologie", "cronología", "cronologia", "przegląd", "обзор", "タイムライン"),
    )
)
"""Words that make a name that of an index note or timeline, such as `Timeline of wars`."""

_KIND_WORDS = frozenset(("moc", "index", "map-of-content", "dashboard"))
"""Tags, and values of the property `type`, of index notes."""

_DATE = lazy_pattern(
    r"\d{1,2}[-.]\d{1,2}[-.](?:19|20)\d\d|(?:19|20)\d\d(?:年\d{1,2}月(?:\d{1,2}日)?)?"
    r"|\w+ \d{1,2}(?:st|nd|rd|th)?,? (?:19|20)\d\d"
)
"""Days in other forms than those of `names_period`, and years."""

_WEEKDAY = lazy_pattern(r"[ _.,(-]+(?:\w{1,3}|\w+day)\)?$")
"""A weekday behind a date."""

_WORD = lazy_pattern(r"[^\W_]+")


def is_index_note(note: Note) -> bool:
    """Return True if a note lists notes or is of a period, whatever other notes say."""
    names = _list_names(note)
    if lists_notes(note) or all(map(_is_period, names)):
        return True
    return any(not _TELLING_WORDS.isdisjoint(_WORD.findall(name)) for name in names)


def lists_notes(note: Note) -> bool:
    """Return True if a note is an index by its name, kind or share of links."""
    if any(" ".join(_WORD.findall(name)) in _NAMES for name in _list_names(note)):
        return True
    return _has_index_kind(note) or _is_mostly_links(note)


def _list_names(note: Note) -> tuple[str, ...]:
    """Return the name and the title of a note, in lower case."""
    names = (link_name(note.path), *((note.title,) if note.title else ()))
    return tuple(name.lower() for name in names)


def is_folder_note(source: str, path: str) -> bool:
    """Return True if a note, beside a folder around `path` or in it, has its name."""
    name, folder = link_name(source).lower(), parent_folder(source).lower()
    is_inside = folder[:-1].rpartition("/")[2] == name
    return path.lower().startswith(folder if is_inside else f"{folder}{name}/")


def _is_period(name: str) -> bool:
    texts = name, _WEEKDAY.sub("", name)
    return any(names_period(text) or _DATE.fullmatch(text) is not None for text in texts)


def _has_index_kind(note: Note) -> bool:
    kind = note.property_value("type")
    words = [kind, *(tag.name for tag in note.tags)]
    return any(isinstance(word, str) and word.lower() in _KIND_WORDS for word in words)


def _is_mostly_links(note: Note) -> bool:
    if len(note.links) < MIN_LISTED:
        return False
    count = len({link.target for link in note.links if _may_link_note(link)})
    if not MIN_LISTED <= count < _MANY_LINKS:
        return count >= _MANY_LINKS
    return count >= _MIN_SHARE * count_own_pieces(note)


def _may_link_note(link: Link) -> bool:
    if not link.target or link.place is Place.SECTION or link.external or link.embed:
        return False
    return is_note(link.target) or not has_known_extension(link.target)


def count_own_pieces(note: Note) -> int:
    """Return the number of lines and sentences outside managed sections."""
    written = sum(len(find_pieces(item.text.encode("utf-8", "replace"))) for item in note.sections)
    return count_pieces(note.pieces) - written
