"""Value types for unlinked mentions. All are frozen."""

from enum import StrEnum
from typing import NamedTuple

import msgspec

DEFAULT_MIN_SCORE = 0.7
"""Mentions with this score or a higher one are certain enough to write."""

LOWEST_MIN_SCORE = 0.5
"""The lowest documented score. Mentions with a lower one are not worth reading."""

_MANY_PLAIN = 8
_LINKED_SELDOM = 0.15
"""The author leaves a name plain that so many notes have, and of which this share is linked."""


class NameKind(StrEnum):
    FILE = "file"
    TITLE = "title"
    ALIAS = "alias"


class NoteName(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A name of the note at `path`. A file name has no extension."""

    path: str
    text: str
    kind: NameKind


class Habit(NamedTuple):
    """The numbers of notes in which authors use a name of a note.

    `linked` link to the note with this name, in any capitals, `same` with exactly the words in
    question. About `plain` have the name in their prose and do not link to the note.
    """

    linked: int = 0
    same: int = 0
    plain: float = 0.0

    @property
    def share(self) -> float:
        """The share of the notes with the name that link it, below 1."""
        return self.linked / (self.linked + self.plain + 1)

    @property
    def is_mostly_plain(self) -> bool:
        """True if many notes have the name and hardly any of them links it."""
        return self.plain >= _MANY_PLAIN and self.share < _LINKED_SELDOM


class NamePlace(NamedTuple):
    """A place of a name in a text.

    `key` is the folded name, and `sources` the number of notes that link to the named note, which
    is an overview if `is_overview`.
    """

    text: str
    start: int
    end: int
    key: str
    name: NoteName
    sources: int
    habit: Habit
    is_overview: bool = False

    @property
    def words(self) -> str:
        return self.text[self.start : self.end]


class Mention(msgspec.Struct, frozen=True):
    """A place where a note's text names another note without a link.

    Attributes:
        path: Vault path of the note that contains the text.
        start: Offset of the first character, 0-based, in code points.
        end: Offset behind the last character.
        line: Line of `start`, 1-based.
        column: Column of `start`, 1-based.
        words: The text between `start` and `end`, as written.
        target: Vault path of the note that is named.
        name: The name that the words match.
        score: Confidence from 0 to 1 that a reader would want the link, rounded to two digits.
        why: The reasons for the score, as one line without a full stop.
        certain: True if the link may be written without confirmation: the score is at least
            `MentionOptions.min_score`, and only one note can be meant.
        sentence_start: Offset of the sentence that contains the words. A sentence never extends
            beyond its line.
        sentence_end: Offset behind that sentence.
        others: Vault paths of the other notes that have the same name, sorted.
        in_table_cell: True if a pipe in the link must be written `\\|`.
    """

    path: str
    start: int
    end: int
    line: int
    column: int
    words: str
    target: str
    name: NoteName
    score: float
    why: str
    certain: bool
    sentence_start: int
    sentence_end: int
    others: tuple[str, ...] = ()
    in_table_cell: bool = False


class MentionOptions(msgspec.Struct, frozen=True):
    """The options of a search for mentions.

    Attributes:
        min_score: The lowest score of a mention that is `certain`, from 0 to 1.
        lowest_score: The lowest score of a mention that is returned at all. With 0, so are all
            places that a search for the whole words finds and in which a link can stand.
        headings: True to search headings too.
        each_section: True for the first mention in each section instead of each note. A link counts
            for its section only.
        cjk: True to search for names in scripts without spaces between words; None to do so if
            most notes are Chinese, Japanese or Korean.
        ignored_names: Names never to link, in any spelling.
        ignored_notes: Vault paths of notes never to link to.
        ignored_pairs: Vault paths of a note and of the note that it must never link to.
        ignored_folders: Globs in the syntax of .gitignore, for notes in which and to which no link
            is wanted.
    """

    min_score: float = DEFAULT_MIN_SCORE
    lowest_score: float = LOWEST_MIN_SCORE
    headings: bool = False
    each_section: bool = False
    cjk: bool | None = None
    ignored_names: frozenset[str] = frozenset()
    ignored_notes: frozenset[str] = frozenset()
    ignored_pairs: frozenset[tuple[str, str]] = frozenset()
    ignored_folders: tuple[str, ...] = ()
