"""Count the words and names of a vault in a sample of its notes.

Precise counts need all texts, but to tell common words from rare ones a sample is enough. It
depends on the paths alone, so that one note and the whole vault get the same scores.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from math import log2
from typing import NamedTuple

from vaultlink.index.index import Index
from vaultlink.index.resolve import is_note
from vaultlink.index.words import WORD
from vaultlink.mentions.folding import FoldedText
from vaultlink.mentions.matcher import Matcher
from vaultlink.mentions.names import NotesByName
from vaultlink.text import lazy_pattern

SAMPLE_SIZE = 500
"""The number of notes of a sample."""

_SMALL_SAMPLE = 40
"""A smaller sample counts as one of this size, in which no more notes have a word."""

_MAX_LENGTH = 50_000
"""Only the start of a longer text is counted."""

_NOT_PROSE = lazy_pattern(
    r"\A---\n.*?\n---\n|```.*?(?:```|\Z)|`[^`\n]*`|\]\([^)\n]*\)|\[\[[^\[\]|\n]*\|?"
    r"|<[^<>\n]*>|(?:https?://|www\.)\S*",
    16,
)
"""Properties, code, destinations, HTML tags and addresses."""

_PLAIN_WORD = lazy_pattern(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def sample_paths(index: Index) -> tuple[str, ...]:
    paths = sorted(path for path in index.notes if is_note(path))
    step = max(1, -(-len(paths) // SAMPLE_SIZE))
    return tuple(paths[::step])


_GERMAN_WORDS = ("und", "der", "ist")
_GERMAN_SHARE = 0.15


class PhraseCount(NamedTuple):
    notes: int
    linked: int


class Tally:
    """Counts of a sample of notes.

    Attributes:
        notes: The number of notes.
        words: Folded word to the number of notes that have it.
        lower: Word to the number of notes that have it in lower case.
        phrases: Folded name to its counts; empty until `count_phrases`.
        links: The mean number of notes that a note links to; 0 until `count_phrases`.
    """

    def __init__(self, texts: Iterable[str]):
        self.notes = 0
        self.words: Counter[str] = Counter()
        self.lower: Counter[str] = Counter()
        self.phrases: Mapping[str, PhraseCount] = {}
        self.links = 0.0
        for text in texts:
            words = set(_PLAIN_WORD.findall(_NOT_PROSE.sub(" ", text[:_MAX_LENGTH])))
            lower = {word for word in words if word.islower()}
            self.notes += 1
            self.lower.update(lower)
            self.words.update(lower.union(FoldedText(word).text for word in words - lower))

    def share(self, word: str) -> float:
        """Return the share of the notes with a folded word, above 0 and up to 1."""
        return min(1.0, (self.words[word] + 0.5) / (max(self.notes, _SMALL_SAMPLE) + 1))

    def lower_share(self, word: str) -> float:
        return self.lower[word] / self.notes if self.notes else 0.0

    @cached_property
    def has_capital_nouns(self) -> bool:
        """True if many notes are in German, in which every noun has a capital."""
        least = _GERMAN_SHARE * max(self.notes, 1)
        return all(self.lower[word] >= least for word in _GERMAN_WORDS)

    def information(self, key: str) -> float:
        """Return how much a folded name tells, in bits: the sum over its different words."""
        return sum(-log2(self.share(word)) for word in set(WORD.findall(key)))

    def count_phrases(
        self, texts: Mapping[str, str], matcher: Matcher, names: NotesByName, index: Index
    ) -> None:
        """Count in which sample notes the names occur, apart from notes that have them."""
        found: Counter[str] = Counter()
        linked: Counter[str] = Counter()
        links = 0
        for path, text in texts.items():
            targets = frozenset(index.targets[path])
            links += sum(target is not None and is_note(target) for target in targets - {path})
            keys = {key for _, _, key in matcher.find(FoldedText(text[:_MAX_LENGTH]).text)}
            for key in keys:
                paths = {name.path for name in names[key]}
                if path not in paths:
                    found[key] += 1
                    linked[key] += not paths.isdisjoint(targets)
        self.links = links / max(1, len(texts))
        self.phrases = {key: PhraseCount(found[key], linked[key]) for key in found}
