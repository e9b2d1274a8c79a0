"""Compare a note with others by their words, the rare ones counting most.

The score is the cosine of the vectors of two notes. A word weighs the more, the fewer notes have
it (tf-idf) and the oftener the note has it; words of names, titles and headings count more. Of long
words only the start is compared, so that most forms of a word are one. Scripts without spaces
between words, and Korean with its particles, are compared by pairs of letters.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from heapq import nlargest, nsmallest
from itertools import groupby
from math import fsum, log, sqrt
from operator import add

from vaultlink.index.index import Index, link_name
from vaultlink.index.note_parts import NoteHead, read_heads
from vaultlink.index.resolve import is_note
from vaultlink.index.words import is_dense, is_function_pair
from vaultlink.model import Note, Owner, text_items
from vaultlink.parse.pieces import NO_PIECES, Pieces, drop_pieces
from vaultlink.text import lazy_pattern

MAX_READ = 1_000
"""Number of notes up to which the texts of all are read."""

_MAX_SAMPLE = 400
"""Number of notes of a larger vault that tell how rare a word is."""

_MAX_LENGTH = 6_000
"""Characters of a text that count. More of them hardly change the order."""

_STEM = 6
"""Letters of a word that are compared."""

_NAME_COUNT = 3
"""How often a word of a name counts, besides those in the text. One of a heading counts once."""

_NAMED_PROPERTIES = ("title", "aliases")

_HIDDEN = lazy_pattern(
    r"\A---\n.*?\n---\n|%%.*?(?:%%|\Z)|\]\([^)\n]*\)|(?:https?://|www\.)\S*|<[^<>\n]*>|!\[\[[^\]\n]*\]\]"
    r"|^[ \t>]*(?:(`{3,})[^`\n]*$.*?(?:^[ \t>]*\1|\Z)|(~{3,}).*?(?:^[ \t>]*\2|\Z))|`[^`\n]*`"
    r"|\$\$[^$]*\$\$|(?<![\\$])\$(?=[^\s$])[^$\n]*(?<![\\ \t$])\$(?![\d$])",
    re.DOTALL | re.MULTILINE,
)
"""Properties, comments, destinations of links, addresses, HTML, embeds, code and math."""

_MIN_LETTERS = 3
_WORD = lazy_pattern(r"[^\W\d_]+")
_SCRIPT = lazy_pattern(r"[a-z]+|[^a-z]+")
"""Parts of a word in one script: `docker는` has two."""

_START = lazy_pattern(rf"([^\W\d_]{{{_MIN_LETTERS},{_STEM}}})[^\W\d_]*+")
"""What `_list_stems` returns for the words of a text without such scripts."""

_MAX_SHARE = 0.1
"""Share of the notes up to which a word counts. More have it whatever they are about."""

_MIN_COMMON = 3
"""Number of notes up to which a word always counts."""

_FEW_WORDS = 4
"""Number of words of a note from which half of the likeness counts: few words say little."""

_MIN_SHARED = 2
"""Number of words that notes must share, unless the note has fewer."""

_MAX_WORDS = 5
"""Maximum number of words that are named."""

ReadText = Callable[[str], str]
"""Returns the text of a note by its path."""


class WordComparison:
    """Compares the words of a note with those of others.

    `scores` has the notes that share words with it, each with a score from 0 to 1.
    """

    def __init__(
        self,
        index: Index,
        path: str,
        read: ReadText,
        wanted: Collection[str] = (),
        common: Pieces = NO_PIECES,
    ):
        """Read the notes of a vault of at most `MAX_READ` notes.

        Of a larger one only some are read: the `wanted` notes, and those whose names and headings
        share most with the note. `common` are the hashes of lines that come from a template, whose
        words do not count.
        """
        described = drop_pieces(_describe(index.notes[path], _hide(read(path))), common)
        self._words = list(_split_words(_fold(described)))
        own = Counter(stem for word in self._words for stem in _list_stems(word))
        sample, others = _choose_notes(index, path, own, wanted)
        self._names = {item: frozenset(_list_stems_of(link_name(item))) for item in (path, *others)}
        self._path, self._stems = path, own.keys()
        self._shared: dict[str, dict[str, int]] = {}
        sizes: dict[str, int] = {}
        for other in others:
            counts = Counter(_list_stems_of(_describe(index.notes[other], _hide(read(other)))))
            sizes[other] = len(counts)
            self._shared[other] = {stem: counts[stem] for stem in own.keys() & counts.keys()}
        holders = Counter(stem for other in sample for stem in self._shared[other])
        known = set[str]().union(*self._shared.values())
        most = max(len(sample) * _MAX_SHARE, _MIN_COMMON)
        self._rarities = {
            stem: _weigh_rarity(holders[stem], len(sample))
            for stem in sorted(known)
            if holders[stem] <= most and not is_function_pair(stem)
        }
        self._own = {
            stem: _weigh_count(own[stem]) * rarity for stem, rarity in self._rarities.items()
        }
        self._length = sqrt(fsum([weight**2 for weight in self._own.values()]))
        self.scores = {
            other: score for other in others if (score := self._score(other, sizes[other]))
        }

    def _score(self, other: str, size: int) -> float:
        """Return the cosine of both notes, less if the note has few words.

        Words that only the other note has are taken to be as rare as those of the note: to count
        in how many notes they occur would take longer than all the rest.
        """
        weights = {
            stem: self._rarities[stem] * _weigh_count(count)
            for stem, count in self._shared[other].items()
            if stem in self._rarities
        }
        product = fsum([self._own[stem] * weight for stem, weight in weights.items()])
        if not product or len(weights) < min(_MIN_SHARED, len(self._own)):
            return 0.0
        common = sqrt(fsum([weight**2 for weight in weights.values()]))
        usual = self._length * sqrt(size / len(self._own))
        certainty = len(self._own) / (len(self._own) + _FEW_WORDS)
        return certainty * product / (self._length * max(common, usual))

    def count_namings(self, other: str) -> int:
        """Return 1 for each of both notes that has all words of the other's name.

        Words that are in both names, as in a series, do not count.
        """
        if other not in self._shared:
            return 0
        own, names = self._names[self._path], self._names[other]
        return (own <= self._shared[other].keys() and self._is_telling(own - names)) + (
            names <= self._stems and self._is_telling(names - own)
        )

    def _is_telling(self, stems: frozenset[str]) -> bool:
        """Return True if one of the words is not in too many notes."""
        return not stems.isdisjoint(self._rarities)

    def count_own(self) -> int:
        """Return the number of words of the note that count and that some other note has."""
        return len(self._rarities)

    def was_compared(self, other: str) -> bool:
        return other in self._shared

    def count_shared(self, other: str) -> int:
        """Return the number of words that count and that another note shares."""
        return len(self._shared.get(other, {}).keys() & self._rarities.keys())

    def name_words(self, other: str) -> tuple[str, ...]:
        """Return the shared words that weigh most, in a form that the note has."""
        shared = self._shared.get(other, {}).keys() & self._rarities.keys()
        weights: dict[str, float] = {}
        named = set[str]()
        for word in self._words:
            for form, stems in _list_forms(word, shared):
                if 2 * len(named.intersection(stems)) < len(stems):
                    named.update(stems)
                    weights[form] = fsum([self._own[stem] for stem in stems])
        return tuple(nlargest(_MAX_WORDS, weights, key=lambda form: (weights[form], form)))


def _weigh_count(count: int) -> float:
    return 1 + log(count)


def _weigh_rarity(holders: int, notes: int) -> float:
    return log((notes + 1) / (holders + 0.5))


# -- the notes to read ----------------------------------------------------------------------------


def _choose_notes(
    index: Index, path: str, own: Collection[str], wanted: Collection[str]
) -> tuple[Sequence[str], Sequence[str]]:
    """Return the notes that tell how rare words are, and all notes to compare."""
    others = sorted(other for other in index.notes if is_note(other) and other != path)
    if len(others) <= MAX_READ:
        return others, others
    sample = others[:: -(-len(others) // _MAX_SAMPLE)]
    chosen = {*sample, *wanted, *_find_named(index, frozenset(own), MAX_READ - len(sample))}
    return sample, [other for other in others if other in chosen]


def _find_named(index: Index, own: frozenset[str], limit: int) -> list[str]:
    """Return the notes with most of some words in names and headings."""
    shared = {
        note.path: own.intersection(_list_stems_of(_describe(note)))
        for note in read_heads(index.notes)
        if is_note(note.path)
    }
    holders = Counter(stem for stems in shared.values() for stem in stems)
    scores = {
        path: fsum([_weigh_rarity(holders[stem], len(shared)) for stem in stems])
        for path, stems in shared.items()
        if stems
    }
    return nsmallest(limit, scores, key=lambda path: (-scores[path], path))


# -- the words of a note --------------------------------------------------------------------------


def _describe(note: Note | NoteHead, text: str | None = None) -> str:
    """Return what is compared of a note: names, headings and, if given, text."""
    names = [link_name(note.path)]
    for item in note.properties or ():
        if item.key.lower() in _NAMED_PROPERTIES:
            names += text_items(item.value)
    sections = note.sections if isinstance(note, Note) else ()
    written = [(item.start, item.end) for item in sections if item.owner is not Owner.AUTHOR]
    parts = [
        *names,
        *(
            heading.text
            for heading in note.headings
            if not any(start <= heading.start < end for start, end in written)
        ),
    ]
    if text is not None:
        parts += names * (_NAME_COUNT - 1)
        parts.append(text)
    return "\n".join(parts)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()


def _hide(text: str) -> str:
    """Return the start of a text without properties and what readers do not see."""
    return _HIDDEN.sub(" ", text[:_MAX_LENGTH])


def _split_words(text: str) -> Iterator[str]:
    """Yield the words of a text in lower case; another script starts another word."""
    for word in _WORD.findall(text):
        if is_dense(word):
            yield from _SCRIPT.findall(word)
        else:
            yield word


def _list_stems(word: str) -> list[str]:
    """Return what is compared of a word: its start, or its pairs of letters."""
    if is_dense(word):
        return list(map(add, word, word[1:])) or [word]
    return [word[:_STEM]] if len(word) >= _MIN_LETTERS else []


def _list_stems_of(text: str) -> list[str]:
    text = _fold(text)
    if is_dense(text):
        return [stem for word in _split_words(text) for stem in _list_stems(word)]
    return _START.findall(text)


def _list_forms(word: str, stems: Collection[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the parts of a word that have only some stems, each with its stems."""
    parts = _list_stems(word)
    start = 0
    for is_shared, group in groupby(parts, stems.__contains__):
        end = start + len(list(group))
        if is_shared:
            yield (word[start : end + 1] if is_dense(word) else word), parts[start:end]
        start = end
