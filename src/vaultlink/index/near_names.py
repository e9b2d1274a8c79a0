"""Find the names that are near the one in a broken link."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from operator import ne
from typing import NamedTuple

import msgspec

from vaultlink.index.index import (
    Index,
    alias_keys,
    link_name,
    title_keys,
)
from vaultlink.index.packed_map import list_differing_keys
from vaultlink.index.resolve import name_key, normalize_name
from vaultlink.index.words import (
    KEYS_BESIDE,
    MIN_LETTERS,
    MIN_STEM,
    NAME_FUNCTION_WORDS,
    VOWELS,
    SlipKind,
    Words,
    count_letters,
    find_slip,
    fold_look_alikes,
    is_dense,
    is_inflection,
    make_slips,
    may_lack_accents,
    mixes_scripts,
    split_name,
)
from vaultlink.model import Note
from vaultlink.text import count_shared, group_by, lazy_pattern

# -- decide if a name is probably the one that a broken link was meant to have ---------------------
# Most names that share letters or words with a target are other topics. Close are only names that
# differ in a way in which people misspell, inflect or renumber a name.


_CONFUSED_WORDS = """
angel/angle casual/causal marital/martial desert/dessert later/latter dairy/diary trail/trial
quiet/quite loose/lose united/untied board/broad sacred/scared form/from barely/barley bread/beard
super/supper hoping/hopping complement/compliment principal/principle discreet/discrete
conversation/conservation stationary/stationery personal/personnel
"""
_OTHER_WORDS = frozenset(frozenset(pair.split("/")) for pair in _CONFUSED_WORDS.split())
"""Pairs of words that differ like a typing error and its correction, but are two words."""

_LIST_SIGNS = frozenset(".-")
"""Signs behind a leading number. Others are part of a name, as in `@Stateless`."""

MIN_SLIP = 3
"""Letters of the shortest word with a doubled letter. Swapped letters need one more."""

_MIN_WORD = 6
"""Letters of the words that a missing letter may tell apart. Shorter words are other words."""

_MIN_SINGLE_WORD = 10
"""Letters of a name of one word with a missing letter: `GraphiQL` is not `GraphQL`."""

_MIN_SUBSTITUTED = 10
"""Letters of a name with one wrong vowel, the slip that most often makes another word.

A short word with a wrong vowel needs as many letters in the other words of the name.
"""


class TargetUse(NamedTuple):
    """Use of a target and its words in a vault.

    `is_known_word` returns True for words that the vault uses elsewhere, which are therefore not
    typing errors; `is_topic` returns True if several notes want the target.
    """

    is_known_word: Callable[[str], bool]
    is_topic: Callable[[], bool]


def is_near(target: str, name: str, use: TargetUse) -> bool:
    """Return True if a name is likely the one that a target was meant to be.

    Both are without folders and `.md`.
    """
    words, others = split_name(target), split_name(name)
    if words == others:
        return False  # the same words in another case
    if mixes_scripts(target) or mixes_scripts(name):
        return fold_look_alikes(target) == fold_look_alikes(name)
    if not may_lack_accents(target, name):
        return False
    if _find_content(target) == _find_content(name):
        return (
            _differs_in_prefix(words, others, use)
            or _differs_in_function_words(words, others)
            or _is_inverted(target, words, name, others)
            or _is_reordered(words, others)
        )
    return (
        _differs_in_one_word(words, others, use)
        or _differs_by_a_word(words, others, use)
        or _is_explained(target, others)
    )


@lru_cache(maxsize=1 << 15)
def _find_content(name: str) -> frozenset[str]:
    return frozenset(word for word in split_name(name) if word.isalpha()) - NAME_FUNCTION_WORDS


def strip_prefix(words: Words) -> Words:
    """Return the words of a name behind its leading numbers and emoji."""
    at = 0
    while at < len(words) and _is_prefix(words[at]):
        at += 1
    return words[at:]


def _is_prefix(word: str) -> bool:
    return word.isdigit() or word in _LIST_SIGNS or not (word.isascii() or word.isalpha())


def _differs_in_prefix(words: Words, others: Words, use: TargetUse) -> bool:
    """Return True if names differ only in a leading number or emoji.

    Names with different dates mean different days, and a name with a date means one thing about
    the topic that the rest names. A single word without a number that several notes want is a topic
    of its own.
    """
    rest = strip_prefix(words)
    if rest != strip_prefix(others) or count_letters(rest) < MIN_LETTERS - 1:
        return False
    prefixes = words[: len(words) - len(rest)], others[: len(others) - len(rest)]
    if all(any(len(word) >= 4 and word.isdigit() for word in prefix) for prefix in prefixes):
        return False
    if any(map(_has_date, prefixes)):
        return False
    if sum(word.isdigit() for word in prefixes[0]) > 1 and not prefixes[1]:
        return False  # more than a number in a list, as in `3-2-1 rule`
    return len(rest) > 1 or all(prefixes) or not use.is_topic()


_DATE = lazy_pattern(r"(?:19|20|21)\d\d(?:(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))?")
"""A year, or a day in one number. Longer numbers are those of Zettelkasten notes."""

_MIN_DATE_PARTS = 3
"""Numbers at the start of a name that are a date, as in `24-05-18 Ann`. Lists have fewer."""


def _has_date(prefix: Words) -> bool:
    numbers = [word for word in prefix if word.isdigit()]
    return len(numbers) >= _MIN_DATE_PARTS or any(map(_DATE.fullmatch, numbers))


def _differs_in_function_words(words: Words, others: Words) -> bool:
    """Return True if names of several words differ only in articles and the like.

    A single word is another thing with an article: `The Crowbar` may be a title. In longer names a
    word may be repeated.
    """
    if [word for word in words if not word.isalpha()] != [
        word for word in others if not word.isalpha()
    ]:
        return False
    content = [word for word in words if word not in NAME_FUNCTION_WORDS]
    other_content = [word for word in others if word not in NAME_FUNCTION_WORDS]
    if content != other_content:
        content = _drop_repeated(content)
        if len(content) < _MIN_REPEATING or content != _drop_repeated(other_content):
            return False
    return len(content) > 1 and count_letters(content) >= MIN_LETTERS


_MIN_REPEATING = 4
"""Words of a name in which a word that stands twice is a slip. `Duran Duran` is a name."""


def _drop_repeated(words: Sequence[str]) -> list[str]:
    """Return words without those that repeat the word before."""
    return [word for at, word in enumerate(words) if not at or words[at - 1] != word]


def _is_inverted(target: str, words: Words, name: str, others: Words) -> bool:
    """Return True for a name of two words in both orders, as in `Lee, Ann`."""
    return (
        ("," in target or "," in name)
        and len(words) == 2
        and words == others[::-1]
        and count_letters(words) >= MIN_LETTERS - 1
    )


_MIN_LONG, _MIN_VERY_LONG = 4, 8
"""Words of a name that may lack a word of another name, and of one that may lack one of a target.

In shorter names, each word is part of what they are about.
"""

_MIN_REORDERED = 3
"""Words other than function words of a name whose words may have another order."""

_CHANGING = """
to in on at with by of for from zu zum zur von vom fur mit im am de du des del di da do dos em al
"""
_CHANGING_WORDS = frozenset(_CHANGING.split())
"""Function words beside which words may not change places: `JSON to XML` is not `XML to JSON`."""

_NEGATING = "not no non nicht kein keine sin sans ohne without не без versus vs"
_NEGATIONS = frozenset(_NEGATING.split())


def _is_reordered(words: Words, others: Words) -> bool:
    """Return True for the same words, of which three and more matter, in another order."""
    content = [word for word in words if word not in NAME_FUNCTION_WORDS]
    return (
        len(words) >= _MIN_LONG
        and len(content) >= _MIN_REORDERED
        and sorted(words) == sorted(others)
        and all(word.isalpha() and not is_dense(word) for word in content)
        and _CHANGING_WORDS.isdisjoint(words)
    )


def _differs_by_a_word(words: Words, others: Words, use: TargetUse) -> bool:
    """Return True if a long name has one word more than a target, or a very long one one less.

    What several notes want is a topic of its own. A word that the vault uses, at the end of a
    target, tells it from the name: `... - Flashcards`.
    """
    word, is_longer = _find_odd_word(words, others), len(others) > len(words)
    least = _MIN_LONG if is_longer else _MIN_VERY_LONG
    if not word or min(len(words), len(others)) < least or word in _NEGATIONS:
        return False
    if not word.isalpha() or any(map(is_dense, others)) or any(map(is_dense, words)):
        return False
    if is_longer:
        return not use.is_topic()
    return not (word in (words[0], words[-1]) and use.is_known_word(word))


def _find_odd_word(words: Words, others: Words) -> str:
    """Return the word that one of two names has more than the other; "" for other names."""
    short, long = (words, others) if len(others) > len(words) else (others, words)
    at = count_shared(short, long)
    return long[at] if len(long) == len(short) + 1 and long[at + 1 :] == short[at:] else ""


_EXPLAINED = lazy_pattern(r"(.*\w)\s*\(([^\W\d_][\w.&-]{1,9})\)")


def _is_explained(target: str, others: Words) -> bool:
    """Return True for a name with its acronym: `Reciprocal Rank Fusion (RRF)`."""
    found = _EXPLAINED.fullmatch(target)
    if found is None or split_name(found[1]) != others:
        return False
    initials = "".join([word[0] for word in others if word.isalpha()])
    short = "".join(filter(str.isupper, found[2])).casefold()
    return len(short) > 1 and (short in initials or _has_in_order("".join(others), short))


def _has_in_order(text: str, letters: str) -> bool:
    """Return True if a text begins with the first of some letters, and has the others after it."""
    rest = iter(text)
    return text[:1] == letters[:1] and all(letter in rest for letter in letters)


_SUBTITLE = lazy_pattern(r"(?<=\w)(?::\s|：|\s+\(|\s+[-–—|]\s)\s*\S")


def find_first_part(name: str) -> Words:
    """Return the words before a subtitle or an explanation in a name; none if they are few.

    One or two words may name an author, or a row of notes, three before a dash too.
    """
    found = _SUBTITLE.search(name)
    if found is None:
        return ()
    words, is_dashed = split_name(name[: found.start()]), found[0].strip()[0] in "-–—|"
    is_few = len(words) < _MIN_LONG - (not is_dashed) or count_letters(words) < MIN_LETTERS
    return () if is_few or any(map(is_dense, words)) else words


def _differs_in_one_word(words: Words, others: Words, use: TargetUse) -> bool:
    if len(words) != len(others):
        return False
    pairs = [(one, other) for one, other in zip(words, others, strict=True) if one != other]
    if len(pairs) == 2 and len(words) > 3:
        return all(is_inflection(one, other) for one, other in pairs)
    if len(pairs) != 1:
        return False
    [(one, other)] = pairs
    if not (one.isalpha() and other.isalpha()) or is_dense(one) or is_dense(other):
        return False
    letters = count_letters(words)
    if frozenset(pairs[0]) in _OTHER_WORDS:
        return False
    if letters >= MIN_LETTERS and is_inflection(one, other):
        return True
    return is_slip(one, other, letters) and not use.is_topic() and not use.is_known_word(one)


def is_slip(one: str, other: str, letters: int) -> bool:
    """Return True if two words of a name with `letters` differ by a typing error.

    Two letters are swapped, or one is doubled. In longer names a letter may be missing or, in still
    longer ones, a vowel be wrong; the first letter must be right.
    """
    slip, size = find_slip(one, other), min(len(one), len(other))
    if slip is None or size < MIN_SLIP:
        return False
    if slip.kind is SlipKind.SWAPPED:
        return size > MIN_SLIP
    if slip.kind is SlipKind.DOUBLED:
        return True
    if not 0 < slip.at < size - (slip.kind is SlipKind.WRONG):
        return False
    others = letters - max(len(one), len(other))
    if slip.kind is SlipKind.MISSING:
        least = MIN_LETTERS if others > 0 else _MIN_SINGLE_WORD
        return size >= _MIN_WORD - 1 and letters >= least
    return (
        {one[slip.at], other[slip.at]} <= VOWELS
        and letters >= _MIN_SUBSTITUTED
        and (size >= MIN_LETTERS or others >= _MIN_SUBSTITUTED)
    )


def may_be_slip(target: str, name: str, is_known_word: Callable[[str], bool]) -> bool:
    """Return True if a word that the vault does not use tells a target from a name by a letter.

    It is swapped with the next one, doubled, missing, or on the key beside the right one.
    """
    words, others = split_name(target), split_name(name)
    pairs = [(one, other) for one, other in zip(words, others, strict=False) if one != other]
    if len(words) != len(others) or len(pairs) != 1:
        return False
    [(one, other)] = pairs
    slip = find_slip(one, other) if one.isalpha() and other.isalpha() else None
    if slip is None or is_dense(one) or min(len(one), len(other)) < MIN_SLIP:
        return False
    is_beside = slip.kind is not SlipKind.WRONG or other[slip.at] in KEYS_BESIDE.get(
        one[slip.at], ""
    )
    return is_beside and not is_known_word(one)


# -- tell targets without a near name from the others by looking up keys ---------------------------
# Most targets have no near name, and a lookup is much faster than a comparison with similar names.
# The keys are necessary, but not sufficient: `is_near` decides.


_Numbers = dict[str, int | list[int]]
"""Numbers of names by key. A key of one name, as most have, has that itself, without a list."""


def _add_number(groups: _Numbers, key: str, number: int) -> None:
    known = groups.setdefault(key, number)
    if isinstance(known, list):
        known.append(number)
    elif known != number:
        groups[key] = [known, number]


def _list_numbers(groups: _Numbers, key: str) -> Iterable[int]:
    found = groups.get(key, ())
    return (found,) if isinstance(found, int) else found


class NearKeys(msgspec.Struct, array_like=True, dict=True):
    """Names by the keys that they share with the targets that they are near.

    `names` has one name of each spelling in `originals`, and `others` the other ones. The names of
    `by_key` are those of which a key is not the name itself. `words` has all words of names,
    `known_words` those that readers see in names. `changes` counts the names that were added or
    taken away later: the latter may still be found.
    """

    names: list[str] = []
    others: dict[int, list[str]] = {}
    by_spelling: dict[str, int] = {}
    by_key: _Numbers = {}
    by_stems: _Numbers = {}
    by_fold: _Numbers = {}
    known_words: set[str] = set()
    words: set[str] = set()
    changes: int = 0

    @classmethod
    def build(cls, names: Iterable[str]) -> "NearKeys":
        """Return the keys of some names."""
        keys = cls()
        keys._add(names)
        return keys

    def with_changes(self, gone: Collection[str], new: Collection[str]) -> "NearKeys":
        """Return the keys after a change of names."""
        added = [name for name in new if name not in self._list_spelled(_simplify_name(name))]
        words = {word for name in gone for word in split_name(_simplify_name(name))}
        if not added and words.isdisjoint(self.known_words):
            return self
        keys = NearKeys(
            list(self.names),
            {number: list(others) for number, others in self.others.items()},
            dict(self.by_spelling),
            _copy(self.by_key),
            _copy(self.by_stems),
            _copy(self.by_fold),
            self.known_words - words,
            set(self.words),
            self.changes + len(added) + len(gone),
        )
        keys._add(added)
        return keys

    def _add(self, names: Iterable[str]) -> None:
        for name in names:
            spelling = _simplify_name(name)
            number = self.by_spelling.setdefault(spelling, len(self.names))
            if number < len(self.names):
                self.others.setdefault(number, []).append(name)
                continue
            self.names.append(name)
            words = split_name(spelling)
            for key in {" ".join(words), *_related_keys(words), *_list_part_keys(words)}:
                if key != spelling:
                    _add_number(self.by_key, key, number)
            _add_number(self.by_stems, _join_stems(words), number)
            if first := find_first_part(name):
                _add_number(self.by_key, _join_first(first), number)
            self.words.update(words)
            if _is_plain(spelling):
                self.known_words.update(words)
            elif mixes_scripts(spelling):
                _add_number(self.by_fold, _fold_name(spelling), number)

    def _list_spelled(self, spelling: str) -> Iterable[str]:
        number = self.by_spelling.get(spelling)
        return () if number is None else self._list_names(number)

    def _list_names(self, number: int) -> Iterable[str]:
        return (self.names[number], *self.others.get(number, ()))

    @cached_property
    def _corrections(self) -> dict[str, list[str]]:
        return {}

    @cached_property
    def _words_by_shape(self) -> Mapping[tuple[str, str, int], Sequence[str]]:
        groups: dict[tuple[str, str, int], list[str]] = {}
        for word in self.words:
            if len(word) > MIN_SLIP:
                groups.setdefault((word[0], word[-1], len(word)), []).append(word)
        return groups

    @cached_property
    def _all_by_fold(self) -> Mapping[str, Sequence[str]]:
        return group_by(self.by_spelling, _fold_name)

    def find(self, target: str) -> set[str]:
        """Return all names that may be near a target without folders."""
        found: set[int] = set()
        if mixes_scripts(target):
            spellings = self._all_by_fold.get(_fold_name(target), ())
            found.update([self.by_spelling[spelling] for spelling in spellings])
        elif self.by_fold:
            found.update(_list_numbers(self.by_fold, _fold_name(target)))
        words = split_name(target)
        for number in _list_numbers(self.by_stems, _join_stems(words)):
            if _is_inflected(words, split_name(_simplify_name(self.names[number]))):
                found.add(number)
        if len(words) >= _MIN_LONG:
            found.update(self._find_with_a_word_more_or_less(words))
        keys = {*_related_keys(words), *self._correct(words), _join_first(words)}
        if len(words) == 2:
            keys.add(" ".join(words[::-1]))
        if target.endswith(")") and (explained := _EXPLAINED.fullmatch(target)):
            keys.add(" ".join(split_name(explained[1])))
        for key in keys:
            found.update(_list_numbers(self.by_key, key))
            if key in self.by_spelling:
                found.add(self.by_spelling[key])
        return {name for number in found for name in self._list_names(number)}

    def _find_with_a_word_more_or_less(self, words: Words) -> Iterator[int]:
        """Yield the numbers of names with such words, or with the words in another order."""
        yield from _list_numbers(self.by_key, _join_sorted(words))
        keys = _join_halves(words, len(words) + 1)
        if len(words) > _MIN_VERY_LONG:
            keys += _join_halves(words, len(words) - 1)
        for key in keys:
            for number in _list_numbers(self.by_key, key):
                if _find_odd_word(words, split_name(_simplify_name(self.names[number]))):
                    yield number

    def _correct(self, words: Words) -> Iterator[str]:
        """Yield the keys of names with these words but for a slip in an unknown one."""
        known = self.known_words
        doubtful = [word for word in words if word not in known]
        if len(set(doubtful) - self.words) > 1:
            return
        for at, word in enumerate(words):
            if word in doubtful:
                for other in self._find_corrections(word):
                    yield " ".join([*words[:at], other, *words[at + 1 :]])

    def _find_corrections(self, word: str) -> list[str]:
        found = self._corrections.get(word)
        if found is None:
            found = self._corrections[word] = []
            if MIN_SLIP <= len(word) <= _MAX_SLIP and word.isalpha():
                shape = word[0], word[-1], len(word) + 1
                found += self.words.intersection(make_slips(word))
                found += [
                    other for other in self._words_by_shape.get(shape, ()) if find_slip(word, other)
                ]
        return found


_MAX_SLIP = 100
"""Letters of the longest one. The time to look for slips grows with the square."""

_MAX_INFLECTED = 2
"""Words of a near name that may have another form."""


def _copy(groups: _Numbers) -> _Numbers:
    return {key: list(it) if isinstance(it, list) else it for key, it in groups.items()}


def _simplify_name(name: str) -> str:
    """Return a name with the same words, often the same for a file and its title."""
    if not name.isascii():
        return name
    return name.lower() if "-" in name else name.lower().replace("_", " ")


def _is_plain(name: str) -> bool:
    """Return True if the words of a name are those that readers see."""
    return name.isascii() and "'" not in name and "`" not in name


_OTHER_CASE = str.maketrans("βζηκμԁԛԝһӏvy", "bzhkmdqwhlnu")
"""Letters that look like a Latin letter in one case, or like two letters in two cases."""


def _fold_name(name: str) -> str:
    """Return a name with Latin letters for those that look like them in any case."""
    return " ".join(split_name(fold_look_alikes(name).translate(_OTHER_CASE)))


def _related_keys(words: Words) -> list[str]:
    """Return the keys of words without a prefix and without function words."""
    rest = strip_prefix(words)
    content: Sequence[str] = words
    if not NAME_FUNCTION_WORDS.isdisjoint(words):
        content = [word for word in words if word not in NAME_FUNCTION_WORDS]
    elif len(rest) == len(words) == len(set(words)):
        return [" ".join(words)] if words else []
    return [" ".join(part) for part in (rest, _drop_repeated(content)) if part]


def _list_part_keys(words: Words) -> list[str]:
    """Return the keys of a name for targets with the same words but one, or in another order."""
    count, keys = len(words), list[str]()
    if count >= _MIN_LONG:
        keys.append(_join_sorted(words))
    if count > _MIN_LONG:
        keys += _join_halves(words, count)
    return keys


def _join_halves(words: Words, count: int) -> list[str]:
    """Return the keys of the first and the last words that a name of `count` words may share.

    A word more or less leaves one of both as it is.
    """
    half = (count - 1) // 2
    return [f"<{count} {' '.join(words[:half])}", f">{count} {' '.join(words[-half:])}"]


def _join_sorted(words: Words) -> str:
    return f"={' '.join(sorted(words))}"


def _join_first(words: Words) -> str:
    return f"^{' '.join(words)}"


def _join_stems(words: Words) -> str:
    return " ".join([word[:MIN_STEM] for word in words])


def _is_inflected(words: Words, others: Words) -> bool:
    """Return True if at most two words differ, and only in their forms."""
    return 0 < sum(map(ne, words, others)) <= _MAX_INFLECTED and all(
        one == other or is_inflection(one, other) for one, other in zip(words, others, strict=True)
    )


# -- all names of a vault: candidates for similar names -------------------------------------------


WORD_BREAKS = str.maketrans(dict.fromkeys("!\"#%&'()*,-./:;?@[\\]_{}\t", " "))


def list_titles(note: Note) -> Iterator[tuple[str, str]]:
    """Yield the title and the aliases of a note, each after `title` or `alias`."""
    if note.title:
        yield "title", note.title
    yield from (("alias", alias) for alias in note.aliases)


def build_near_keys(index: Index) -> NearKeys:
    """Return the keys of the names, titles and aliases of a vault, for `Index.derive`."""
    return NearKeys.build(list_different_names(index))


def list_different_names(index: Index) -> set[str]:
    """Return the names of a vault, titles and aliases normalized."""
    names = [path[path.rfind("/") + 1 :] for path in index.files]
    named = {name[:-3] if name[-3:].lower() == ".md" else name for name in names}  # as `link_name`
    return {*named, *index.notes_by_title, *index.notes_by_alias}


def list_named_files(index: Index, name: str) -> set[str]:
    """Return the files with one of the names in `list_different_names`."""
    key = normalize_name(name)
    found: set[str] = set()
    for paths in (
        index.names.get(name_key(f"{name}.md"), ()),
        index.names.get(name_key(name), ()),
        index.notes_by_title.get(key, ()),
        index.notes_by_alias.get(key, ()),
    ):
        found.update(paths)
    return found


def list_names(index: Index, path: str) -> Iterator[str]:
    """Yield a file's names in `list_different_names`."""
    if path in index.files:
        yield link_name(path)
        yield from title_keys(index, path)
        yield from alias_keys(index, path)


def normalize_words(name: str) -> str:
    return " ".join(_split_words(name))


def _split_words(name: str) -> list[str]:
    """Return the words of a name in lower case."""
    return normalize_name(name).translate(WORD_BREAKS).split()


def find_renamed(before: Index, after: Index) -> set[str]:
    """Return the files that were added or removed, or whose title or aliases changed."""
    renamed = set() if before.files is after.files else set(before.files ^ after.files)
    for old, new in (
        (before.notes_by_title, after.notes_by_title),
        (before.notes_by_alias, after.notes_by_alias),
    ):
        for name in list_differing_keys(old, new):
            renamed.update(set(old.get(name, ())) ^ set(new.get(name, ())))
    return renamed
