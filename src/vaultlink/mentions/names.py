"""Names that may be linked, folded so that equal ones are equal."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from vaultlink.config.dates import MONTH_NAMES, WEEKDAY_NAMES
from vaultlink.index.index import Index, link_name
from vaultlink.index.words import WORD, has_same_stem, is_hangul, is_unspaced
from vaultlink.mentions.mention import NameKind, NoteName
from vaultlink.model import Note
from vaultlink.text import fold_letters, has_placeholder, lazy_pattern

# -- fold texts so that equal names are equal, with the offsets of the original text ---------------
# Folding ignores case and Unicode normal forms. Hyphens, underscores and spaces of one line are
# the same, and so are straight and curly apostrophes.

_SEPARATORS = "-_\u00a0\u202f\u2010\u2011"
_APOSTROPHES = "\u2019\u2018\u02bc"
_NOT_ASCII = lazy_pattern(r"[^\x00-\x7f]+")
_FIRST_VOWEL, _LAST_CONSONANT = "\u1160", "\u11ff"
"""Hangul letters that join the one before them."""


def fold_name(name: str) -> str:
    """Return a name as compared with folded texts; a dash keeps the spaces beside it."""
    return FoldedText(" ".join(name.split())).text.strip()


class FoldedText:
    """A folded text (`text`), and the offsets of its characters in the original."""

    __slots__ = ("_offsets", "text")

    def __init__(self, source: str):
        self._offsets: list[int | None] = []
        if source.isascii():
            self.text = source.lower().replace("-", " ").replace("_", " ")
            return
        folded = source.casefold()
        # No letter is folded to fewer characters, so an equal length means one by one.
        if len(folded) != len(source) or not unicodedata.is_normalized("NFC", folded):
            folded = self._fold_parts(source)
        self.text = _unify(folded)

    @property
    def has_offsets(self) -> bool:
        """False if all offsets are those of the original."""
        return bool(self._offsets)

    def source_offset(self, at: int) -> int | None:
        """Return the original offset of a boundary; None inside of one original letter."""
        return self._offsets[at] if self._offsets else at

    def _fold_parts(self, source: str) -> str:
        parts: list[str] = []
        for start, end in _split_parts(source):
            part = _fold_part(source[start:end])
            parts.append(part)
            if len(part) == end - start:
                self._offsets += range(start, end)
            else:
                self._offsets += [start, *[None] * (len(part) - 1)]
        self._offsets.append(len(source))
        return "".join(parts)


def _split_parts(source: str) -> list[tuple[int, int]]:
    """Return the spans of ASCII text, and of each other letter with its marks."""
    starts = []
    at = 0
    for match in _NOT_ASCII.finditer(source):
        start = match.start()
        if start > at:
            starts.append(at)
            if _joins(source[start]) and start - 1 > at:
                starts.append(start - 1)
        letters = (at for at in range(start, match.end()) if at == 0 or not _joins(source[at]))
        starts.extend(letters)
        at = match.end()
    if at < len(source):
        starts.append(at)
    return list(zip(starts, [*starts[1:], len(source)], strict=True))


@lru_cache(maxsize=4096)
def _joins(char: str) -> bool:
    """Return True for a character that may be combined with the one before it."""
    return unicodedata.category(char)[0] == "M" or _FIRST_VOWEL <= char <= _LAST_CONSONANT


_fold_part = lru_cache(maxsize=4096)(fold_letters)


def _unify(text: str) -> str:
    for char in _SEPARATORS:
        text = text.replace(char, " ")
    for char in _APOSTROPHES:
        text = text.replace(char, "'")
    return text


# -- collect the names that may be linked: file names, titles and aliases of notes -----------------


_MIN_LETTERS = 3
_MIN_SHORT_LETTERS = 2
"""Letters of names in capitals, or in a script in which two letters make a word."""
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


def list_names(index: Index, path: str) -> Mapping[str, NoteName]:
    """Return the names of a note by folded form; of equal ones the title, or alias."""
    found: dict[str, NoteName] = {}
    for name in list_forms(index, path):
        key = fold_name(name.text)
        if name.text.strip("-_") != name.text:
            continue  # in `name--`, the hyphens are a part of the name
        if key and (key not in found or found[key].text.islower()):
            found[key] = name
    return found


_PARENTHESES = lazy_pattern(r"\s*\([^()]*\)")


def list_all_names(index: Index, path: str) -> Iterator[str]:
    """Yield the folded names of a note and its heading, with and without parentheses."""
    names = [name.text for name in list_forms(index, path)]
    for text in (*names, _first_heading(index.notes[path])):
        yield fold_name(text)
        yield fold_name(_PARENTHESES.sub("", text))


def list_forms(index: Index, path: str) -> Iterator[NoteName]:
    """Yield the title, the aliases and the file name of a note."""
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
    """Return True for a file name in lower case whose first heading has more words."""
    if name.kind is not NameKind.FILE or not name.text.islower():
        return False
    heading = fold_name(_first_heading(index.notes[name.path]))
    return heading.startswith(f"{fold_name(name.text)} ")


def is_findable(key: str, name: str, *, cjk: bool) -> bool:
    """Return True if a name, folded to `key`, may mean a note in a text.

    Short names, numbers, dates, and such as "Index" never do; in scripts without spaces between
    words, names do if `cjk` is set.
    """
    is_unbroken = not key.isascii() and any(map(is_unspaced, key))
    if (is_unbroken and not cjk) or len(key) > _LONGEST_NAME or key in _STRUCTURAL:
        return False
    is_short = is_unbroken or name.isupper() or any(map(is_hangul, key))
    if sum(map(str.isalpha, key)) < (_MIN_SHORT_LETTERS if is_short else _MIN_LETTERS):
        return False
    return not has_placeholder(key) and not is_date(key)


def is_date(key: str) -> bool:
    """Return True for a folded name that consists of parts of dates."""
    return all(
        word in MONTH_NAMES or word in WEEKDAY_NAMES or _DATE_PART.fullmatch(word)
        for word in WORD.findall(key)
    )


# -- tell notes whose text is not prose by their names ---------------------------------------------


_BACKUP = lazy_pattern(r"backups?(?:[-_].*)?")
_CLIPPINGS = lazy_pattern(r"clippings?|readwise")
_LOG = lazy_pattern(r"(?:.* )?(?:log|logs|changelog)")
_CARDS = lazy_pattern(r"(?:.* )?flashcards?")


def is_backup(path: str) -> bool:
    return _has_folder(path, _BACKUP)


def is_in_clippings(path: str) -> bool:
    return _has_folder(path, _CLIPPINGS)


def is_log(path: str) -> bool:
    return _LOG.fullmatch(fold_name(link_name(path))) is not None


def is_card_deck(path: str) -> bool:
    """Return True for flashcards, which other programs know by their text."""
    return _CARDS.fullmatch(fold_name(link_name(path))) is not None


def _has_folder(path: str, pattern: re.Pattern[str]) -> bool:
    return any(map(pattern.fullmatch, path.casefold().split("/")[:-1]))


# -- tell if a name is only another name of a note's own subject -----------------------------------


_LONG_TITLE = 24


def list_subjects(index: Index, path: str) -> tuple[str, ...]:
    """Return the folded file name and title of a note, which say what it is about."""
    note = index.notes[path]
    names = {link_name(path), note.title or ""}
    return tuple(sorted(FoldedText(name).text for name in names if name))


def is_own_subject(key: str, subjects: Sequence[str], *, is_linked: bool) -> bool:
    """Return True if a folded name is a note's own subject under another name.

    The note's name differs only in the number of its words, as in `milking machine`, or it starts
    with the name, as in `Power series of functions`. The latter is a different, broader subject if
    links connect the note with the one that has the name, or if a dash or colon follows.
    """
    if " " not in key:
        return False
    return any(
        _is_inflected(subject, key)
        or _is_same_title(subject, key)
        or (not is_linked and _starts_with(subject, key))
        for subject in subjects
    )


def _starts_with(subject: str, key: str) -> bool:
    rest = subject.removeprefix(key)
    return rest != subject and rest[:1] == " " and rest[1:2].isalnum()


def _is_same_title(subject: str, key: str) -> bool:
    """Return True if two long titles have the same letters, but one may be cut."""
    own, other = "".join(WORD.findall(subject)), "".join(WORD.findall(key))
    shorter, longer = sorted((own, other), key=len)
    return len(shorter) >= _LONG_TITLE and longer.startswith(shorter)


def _is_inflected(subject: str, key: str) -> bool:
    own, other = WORD.findall(subject), WORD.findall(key)
    return len(own) == len(other) and own != other and all(map(has_same_stem, own, other))
