"""Collect the names that may be linked: file names, titles and aliases of notes."""

from collections.abc import Iterator, Mapping

from vaultlink.config.date_names import MONTH_NAMES, WEEKDAY_NAMES
from vaultlink.index.index import Index, link_name
from vaultlink.index.words import WORD, is_unspaced
from vaultlink.mentions.folding import fold_name
from vaultlink.mentions.mention import MentionOptions, NameKind, NoteName
from vaultlink.model import Note
from vaultlink.text import has_placeholder, lazy_pattern

_MIN_LETTERS = 4
_MIN_UNBROKEN_LETTERS = 2
_LONGEST_NAME = 120
_DATE_PART = lazy_pattern(r"[\divxlc]+(?:st|nd|rd|th)?|[wq]\d+|\d+[a-z]|week|day|of|t\d+")
_STRUCTURAL_NAMES = """
about, about me, archive, archives, attachments, backlog, best practices, bookmarks, changelog,
contact, contents, contributing, daily note, example, examples, first steps, further reading,
getting started, home, home page, how to, images, inbox, index, intro, introduction, journal,
key concepts, key takeaways, learn more, license, links, list, lists, meta, misc, miscellaneous,
name, new note, next steps, note, notes, open questions, other, overview, page, people, projects,
read more, reading list, readme, reference, references, related notes, resources, sandbox,
see also, start here, summary, table of contents, template, templates, test, tests, title, to do,
to do list, todo, untitled, untitled note, welcome, what is
""".replace("\n", " ").strip()
_STRUCTURAL = frozenset(name.strip() for name in _STRUCTURAL_NAMES.split(","))
"""Names that describe a note's place in its vault. In a text they seldom mean that note."""

NotesByName = Mapping[str, tuple[NoteName, ...]]
"""Folded name to the notes that have it, each with its most telling form of the name."""


def list_names(index: Index, path: str, options: MentionOptions) -> Mapping[str, NoteName]:
    """Return the names of a note by their folded form.

    Names that never mean a note in a text are left out: short ones, numbers, dates, and such as
    "Index". Of names that differ only in case and separators, it is the title, else the alias,
    because the name of a file may be a slug.
    """
    found: dict[str, NoteName] = {}
    for name in _list_forms(index, path):
        key = fold_name(name.text)
        if name.text.strip("-_") != name.text:
            continue  # in `name--`, the hyphens are a part of the name
        if (key not in found or found[key].text.islower()) and is_findable(key, options):
            found[key] = name
    return found


def _list_forms(index: Index, path: str) -> Iterator[NoteName]:
    note = index.notes[path]
    if note.properties:
        if note.title:
            yield NoteName(path, note.title, NameKind.TITLE)
        for alias in note.aliases:
            yield NoteName(path, alias, NameKind.ALIAS)
    name = link_name(path)
    heading = _first_heading(note)
    if name.islower() and heading and fold_name(heading) == fold_name(name):
        name = heading  # a slug says nothing about capitals
    yield NoteName(path, name, NameKind.FILE)


def _first_heading(note: Note) -> str:
    return note.headings[0].text if note.headings and note.headings[0].level == 1 else ""


def is_of_overview(name: NoteName) -> bool:
    """Return True for a title or alias of an overview: its title is that of a folder."""
    return name.kind is not NameKind.FILE and fold_name(link_name(name.path)) in _STRUCTURAL


def is_part_of_title(index: Index, name: NoteName) -> bool:
    """Return True for a file name in lower case whose first heading has more words.

    `font-size` is the plugin `Font Size Adjuster`.
    """
    if name.kind is not NameKind.FILE or not name.text.islower():
        return False
    heading = fold_name(_first_heading(index.notes[name.path]))
    return heading.startswith(f"{fold_name(name.text)} ")


def is_findable(key: str, options: MentionOptions) -> bool:
    """Return True if a folded name may mean a note in a text."""
    letters = sum(map(str.isalpha, key))
    unbroken = any(map(is_unspaced, key)) if not key.isascii() else False
    if unbroken and not options.cjk:
        return False
    return (
        letters >= (_MIN_UNBROKEN_LETTERS if unbroken else _MIN_LETTERS)
        and len(key) <= _LONGEST_NAME
        and key not in _STRUCTURAL
        and not has_placeholder(key)
        and not _is_date(key)
    )


def _is_date(key: str) -> bool:
    return all(
        word in MONTH_NAMES or word in WEEKDAY_NAMES or _DATE_PART.fullmatch(word)
        for word in WORD.findall(key)
    )
