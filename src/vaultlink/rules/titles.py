"""Whether a title is a note's, and which notes a title may be of (specification 11.4, 11.1.2).

Only what the index says of names, titles, aliases and headings is read.
"""

import unicodedata

from vaultlink.index import Index, stem
from vaultlink.resolve import comparable, is_note, name_key, spelling, title_slug


def same_title(one: str, other: str) -> bool:
    """Whether two texts are the same title, spaces, case and punctuation aside."""
    if _said(one) == _said(other):
        return True
    slug = title_slug(_said(one))
    if slug and slug == title_slug(_said(other)) and one.isascii() and other.isascii():
        return True
    key = spelling(one)
    return bool(key) and key == spelling(other)


def exactly(one: str, other: str) -> bool:
    """Whether two texts are the same but for spaces."""
    return " ".join(one.split()) == " ".join(other.split())


def _said(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def fits(title: str, path: str, index: Index) -> bool:
    """Whether a title is one of a note's: its name, its `title`, an alias, its first heading of the first level, or what its
    name was made from."""
    return title_slug(title.strip()) == comparable(stem(path)) or any(
        same_title(title, name) for name in names_of(path, index)
    )


def names_of(path: str, index: Index) -> tuple[str, ...]:
    """What a file is called, its `title` first."""
    note = index.notes.get(path)
    if note is None:
        return (stem(path),)
    heading = next((item.text for item in note.headings if item.level == 1), "")
    return tuple(name for name in (note.title or "", stem(path), *note.aliases, heading) if name)


def title_now(path: str, index: Index) -> str:
    """What a note is called first: its `title`, or its file's name."""
    return names_of(path, index)[0]


def notes_called(title: str, index: Index, without: str = "") -> tuple[str, ...]:
    """The notes that a title may be of, without one: those so named, titled or called first, else those whose name the title
    gives by its slug, else those spelt so."""
    key, slug = comparable(title.strip()), title_slug(title.strip())
    if not key:
        return ()
    spelled = (
        [path for path in index.spelled.get(spelling(title), ()) if is_note(path)]
        if spelling(title)
        else []
    )
    tiers = (
        {
            *index.names.get(name_key(title.strip() + ".md"), ()),
            *index.titled.get(key, ()),
            *index.aliased.get(key, ()),
        },
        set(index.names.get(f"{slug}.md", ())) if slug else set(),
        {path for path in spelled if same_title(title, stem(path).replace("_", " "))},
    )
    return next((tuple(sorted(tier - {without})) for tier in tiers if tier - {without}), ())
