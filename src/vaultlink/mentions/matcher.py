"""Find names in folded texts, and count names and words in a sample of the notes."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from math import log2
from typing import Any, Self, cast

import msgspec

from vaultlink.index.index import Index
from vaultlink.index.resolve import is_note
from vaultlink.index.words import WORD, is_cjk, is_katakana, is_unspaced
from vaultlink.mentions.names import FoldedText, NotesByName
from vaultlink.text import lazy_pattern

# -- find all of many names in folded texts --------------------------------------------------------
# With the library ahocorasick-rs, the time does not depend on the number of names. Without it,
# only names are searched whose words all occur in the text, which takes about seven times as long.

Match = tuple[int, int, str]
"""Start and end of a name in a folded text, and the folded name."""


@lru_cache(maxsize=4096)
def is_word_char(char: str) -> bool:
    """Return True for letters, digits and the marks that belong to them."""
    return char.isalnum() or unicodedata.category(char) in ("Mn", "Mc", "Me", "Cf")


_PART_LENGTH = 2048
"""Characters of a text that are searched at once."""


class Matcher:
    """Finds names in folded texts. `is_fast` is True if the library is there."""

    def __init__(self, names: Iterable[str], rarities: Mapping[str, int], *, plain: bool = False):
        """Prepare the search for folded names; with `plain`, without the library.

        `rarities` has the number of notes that have a word; words that are missing are rare.
        """
        self._names = sorted(names)
        self._longest = max(map(len, self._names), default=0)
        self._automaton = None if plain else _build_automaton(self._names)
        self.is_fast = self._automaton is not None
        self._by_word: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        self._unbroken: list[str] = []
        if not self.is_fast:
            self._group_by_word(rarities)

    def find(self, text: str) -> Iterator[Match]:
        """Yield the names in a folded text that are whole words; they may overlap.

        They are ordered by start, the longest first. The text is searched in parts, because names
        that contain each other are found as often as there are of them at each place.
        """
        names = [] if self.is_fast else [*self._candidates(text)]
        for start in range(0, len(text), _PART_LENGTH):
            found = self._find_between(text, names, start, start + _PART_LENGTH)
            yield from sorted(found, key=lambda match: (match[0], -match[1]))

    def _find_between(
        self, text: str, names: Iterable[str], start: int, stop: int
    ) -> Iterator[Match]:
        """Yield the names that start in a part of a text; without the library, of these."""
        end = stop + self._longest
        if self._automaton is None:
            for name in names:
                found = find_one(text, name, start, end)
                yield from (match for match in found if match[0] < stop)
            return
        for number, first, last in self._search(text[start:end]):
            if start + first < stop and _is_bounded(text, start + first, start + last):
                yield start + first, start + last, self._names[number]

    def _search(self, text: str) -> list[tuple[int, int, int]]:
        """Return number, start and end of all occurrences; the library refuses surrogates."""
        assert self._automaton is not None
        try:
            found = self._automaton.find_matches_as_indexes(text, overlapping=True)
        except UnicodeEncodeError:
            plain = text.encode("utf-8", "replace").decode("utf-8")
            found = self._automaton.find_matches_as_indexes(plain, overlapping=True)
        return list(found)

    def _group_by_word(self, rarities: Mapping[str, int]) -> None:
        for name in self._names:
            words = WORD.findall(name)
            if any(map(is_unspaced, name)) or not words:
                self._unbroken.append(name)
                continue
            rarest = min(words, key=lambda word: (rarities.get(word, 0), -len(word), word))
            others = tuple(word for word in words if word != rarest)
            self._by_word.setdefault(rarest, []).append((name, others))

    def _candidates(self, text: str) -> Iterator[str]:
        words = set(WORD.findall(text))
        if not text.isascii():
            words.update([stem for word in words for stem in _list_stems(word)])
        for word in words.intersection(self._by_word):
            for name, others in self._by_word[word]:
                if words.issuperset(others):
                    yield name
        yield from self._unbroken


def find_one(text: str, name: str, start: int = 0, end: int | None = None) -> Iterator[Match]:
    """Yield the places of one folded name in a folded text, as whole words."""
    at = text.find(name, start, end)
    while at != -1:
        if _is_bounded(text, at, at + len(name)):
            yield at, at + len(name), name
        at = text.find(name, at + 1, end)


_SPACES = (" ", "\n", "")


def _is_bounded(text: str, start: int, end: int) -> bool:
    """Return True if no letter touches a span, except in unspaced scripts."""
    before, behind = text[start - 1 : start], text[end : end + 1]
    if before in _SPACES and behind in _SPACES:
        return True
    if before and is_word_char(before) and not _is_break(before, text[start]):
        return False
    if not behind or not is_word_char(behind) or _is_break(text[end - 1], behind):
        return True
    return has_particle(text, end)


def _is_break(one: str, other: str) -> bool:
    """Return True if a word may end between two letters."""
    if is_katakana(one) and is_katakana(other):
        return False  # of one foreign word in Japanese
    return is_unspaced(one) or is_unspaced(other)


_FIRST_HANGUL = "\u1100"
_CASES = (
    "은|는|이|가|을|를|의|에|에서|에게|에게서|께|한테|와|과|랑|이랑|하고|로|으로|도|만|까지|부터"
    "|보다|처럼|마다|마저|조차"
)
_COPULAS = (
    "이나|나|이든|든|이란|란|이라는|라는|이라고|라고|이라|이다|이며|며|이고|고|인|인데|이지만"
    "|입니다|이었다|였다"
)
_PARTICLE = lazy_pattern(rf"들?(?:(?:{_CASES}|{_COPULAS}|)(?:은|는|도|만|의|를|을)?)(?!\w)")
"""The particles that Korean writes behind a noun without a space, up to the end of the word."""

_LONGEST_PARTICLE = 8


def has_particle(text: str, end: int) -> bool:
    """Return True if a word continues behind a name with a particle of Korean."""
    if text[end : end + 1] < _FIRST_HANGUL:
        return False
    rest = unicodedata.normalize("NFC", text[end : end + 3 * _LONGEST_PARTICLE])
    return _PARTICLE.match(rest) is not None


def _list_stems(word: str) -> Iterator[str]:
    """Yield a word without what may be particles of Korean."""
    if word[-1] >= _FIRST_HANGUL:
        for at in range(max(1, len(word) - _LONGEST_PARTICLE), len(word)):
            if has_particle(word, at):
                yield word[:at]


def _build_automaton(names: list[str]) -> Any:
    try:
        import ahocorasick_rs  # noqa: PLC0415 - only for this command, and optional
    except ImportError:
        return None
    if not names:
        return None
    implementation = ahocorasick_rs.Implementation.ContiguousNFA
    return ahocorasick_rs.AhoCorasick(names, implementation=implementation)


# -- count the words and names of a vault in a sample of its notes ---------------------------------
# Precise counts need all texts, but to tell common words from rare ones a sample is enough. It
# depends on the paths alone, so that one note and the whole vault get the same scores.


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


_NOUN = lazy_pattern(
    r"\b(?:[Tt]he|[Aa]n?|[Tt]his|[Tt]hat|[Ee]ach|[Ee]very|its|their|our|your|of|[Tt]hese|[Aa]ll|many)"
    r" ([a-z]{3,})"
    r"(?=[.,;:)\n]| (?:of|is|are|was|were|in|to|and|for|with|on|that|has|have|can|will|at|by|from"
    r"|which|must|should|may)\b)"
)
"""An English word that ends a phrase which an article or the like begins."""

_MIN_NOUNS = 2
_NOUN_SHARE = 0.15
"""The share of the notes with a word in which it is a noun for sure, if it is one at all."""

_CJK_SHARE = 0.2
_CJK_LENGTH = 2000


def _is_cjk(start: str) -> bool:
    """Return True if a part of a text is in Chinese, Japanese or Korean."""
    if start.isascii():
        return False
    letters = [char for char in start if char.isalpha()]
    return sum(map(is_cjk, letters)) >= _CJK_SHARE * max(1, len(letters))


_MIN_SAMPLE = 100
"""In a smaller sample, a missing word need not be rare, and few links to a note say nothing."""

_FEW_LINKS = 1.5
"""In a vault whose notes have fewer links, few links to a note say nothing either."""

_GERMAN_WORDS = ("und", "der", "ist")
_GERMAN_SHARE = 0.15


class SampleNote(msgspec.Struct, array_like=True, gc=False):
    """The words of a note of the sample, which are counted. Parts are single texts.

    Attributes:
        lower: The words in lower case, with spaces between them.
        others: The other words, folded.
        nouns: The English words that end a phrase such as `the graph is`.
        names: The folded names in its prose, of notes to which it does not link, one a line.
        links: The number of other notes that it links to.
        is_cjk: True if it starts in Chinese, Japanese or Korean.
    """

    lower: str
    others: str
    nouns: str
    names: str = ""
    links: int = 0
    is_cjk: bool = False


def read_sample_note(text: str) -> SampleNote:
    """Return what the words of a note add to the counts."""
    prose = _find_prose(text)
    words = set(_PLAIN_WORD.findall(prose))
    lower = {word for word in words if word.islower()}
    others = {FoldedText(word).text for word in words - lower} - lower
    nouns = " ".join(set(_NOUN.findall(prose)))
    is_cjk = _is_cjk(text[:_CJK_LENGTH])
    return SampleNote(" ".join(lower), " ".join(others), nouns, is_cjk=is_cjk)


def _find_prose(text: str) -> str:
    return _NOT_PROSE.sub(" ", text[:_MAX_LENGTH])


class Tally(msgspec.Struct):
    """Counts of a sample of notes.

    Attributes:
        notes: What each note of the sample adds.
        words: Folded word to the number of notes that have it.
        lower: Word to the number of notes that have it in lower case.
        nouns: English word to the number of notes in which it ends a phrase such as `the graph is`.
        names: Folded name to the number of notes that have it in their prose, and neither have the
            name nor link to a note that has it; empty until `count_names`.
        scale: The number of notes in the vault for each of the sample; 1 until `count_names`.
        links: The number of other notes that the notes link to; 0 until `count_names`.
        asked: The words whose counts were read.
    """

    notes: dict[str, SampleNote]
    words: dict[str, int] = msgspec.field(default_factory=Counter)
    lower: dict[str, int] = msgspec.field(default_factory=Counter)
    nouns: dict[str, int] = msgspec.field(default_factory=Counter)
    names: dict[str, int] = msgspec.field(default_factory=Counter)
    scale: float = 1.0
    links: int = 0
    asked: set[str] = msgspec.field(default_factory=set)

    @classmethod
    def from_texts(cls, texts: Mapping[str, str]) -> Self:
        """Count the words of a sample of notes."""
        tally = cls({path: read_sample_note(text) for path, text in texts.items()})
        for note in tally.notes.values():
            for counts, found in tally._pair_counts(note):
                counts.update(found)
        return tally

    @property
    def is_mostly_cjk(self) -> bool:
        """True if most notes start in Chinese, Japanese or Korean."""
        return 2 * sum(note.is_cjk for note in self.notes.values()) > len(self.notes)

    @property
    def traits(self) -> tuple[bool, ...]:
        """The traits of the sample that all scores depend on."""
        return self.is_mostly_cjk, self.has_capital_nouns, self.has_few_links

    def _pair_counts(self, note: SampleNote) -> tuple[tuple[Any, list[str]], ...]:
        names = note.names.split("\n") if note.names else []
        lower = note.lower.split()
        return (
            (self.words, lower + note.others.split()),
            (self.lower, lower),
            (self.nouns, note.nouns.split()),
            (self.names, names),
        )

    def replace(self, path: str, note: SampleNote) -> set[str]:
        """Count a note of the sample anew; return the words and names with other counts."""
        before = self.notes[path]
        self.notes[path] = note
        self.links += note.links - before.links
        changed = set[str]()
        pairs = zip(self._pair_counts(before), self._pair_counts(note), strict=True)
        for (counts, old), (_, new) in pairs:
            for one, others, step in ((old, new, -1), (new, old, 1)):
                for word in set(one).difference(others):
                    counts[word] = counts.get(word, 0) + step
                    changed.add(word)
        return changed

    def count(self, word: str) -> int:
        """Return the number of notes with a folded word."""
        self.asked.add(word)
        return self.words.get(word, 0)

    def count_lower(self, word: str) -> int:
        """Return the number of notes with a word in lower case."""
        self.asked.add(word)
        return self.lower.get(word, 0)

    def count_name(self, key: str) -> float:
        """Return about how many notes of the vault have a name and no link to its note."""
        self.asked.add(key)
        return self.names.get(key, 0) * self.scale

    @property
    def is_large(self) -> bool:
        """True if a missing word is rare, and few links to a note say something."""
        return len(self.notes) >= _MIN_SAMPLE

    def share(self, word: str) -> float:
        """Return the share of the notes with a folded word, above 0 and up to 1."""
        return min(1.0, (self.count(word) + 0.5) / (max(len(self.notes), _SMALL_SAMPLE) + 1))

    def lower_share(self, word: str) -> float:
        return self.count_lower(word) / len(self.notes) if self.notes else 0.0

    @property
    def has_capital_nouns(self) -> bool:
        """True if many notes are in German, in which every noun has a capital."""
        least = _GERMAN_SHARE * max(len(self.notes), 1)
        return all(self.lower.get(word, 0) >= least for word in _GERMAN_WORDS)

    @property
    def has_few_links(self) -> bool:
        """True in a vault whose notes have so few links that few to a note say nothing."""
        return self.links / max(1, len(self.notes)) < _FEW_LINKS

    def is_noun(self, word: str) -> bool:
        """Return True if notes use an English word in lower case as a noun."""
        self.asked.add(word)
        count = self.nouns.get(word, 0)
        return count >= _MIN_NOUNS and count >= _NOUN_SHARE * self.lower.get(word, 0)

    def information(self, key: str) -> float:
        """Return how much a folded name tells, in bits: the sum over its different words."""
        return sum(-log2(self.share(word)) for word in set(WORD.findall(key)))

    def count_names(
        self, matcher: Matcher, names: NotesByName, index: Index, texts: Mapping[str, str]
    ) -> None:
        """Count the notes of the sample that have a name in their prose without its link."""
        for path, note in self.notes.items():
            add_sample_names(note, path, texts[path], matcher, names, index)
            self.links += note.links
            if note.names:
                cast("Counter[str]", self.names).update(note.names.split("\n"))
        self.scale = max(1.0, len(index.notes) / max(1, len(self.notes)))


def add_sample_names(
    note: SampleNote, path: str, text: str, matcher: Matcher, names: NotesByName, index: Index
) -> None:
    """Add the names in the prose of a note of the sample, and count its links."""
    targets = frozenset(index.targets[path])
    note.links = sum(target is not None and is_note(target) for target in targets - {path})
    found = []
    for key in {key for _, _, key in matcher.find(FoldedText(_find_prose(text)).text)}:
        paths = {name.path for name in names[key]}
        if path not in paths and paths.isdisjoint(targets):
            found.append(key)
    note.names = "\n".join(found)
