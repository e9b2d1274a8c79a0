"""Find the names that are near the one in a broken link."""

import re
from _weakref import proxy  # weakref takes time to import
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import chain, compress, filterfalse
from operator import ne, not_
from typing import NamedTuple

from vaultlink.index.index import (
    Index,
    SteppedValue,
    alias_keys,
    link_name,
    title_keys,
    unresolved_keys,
)
from vaultlink.index.packed_map import list_differing_keys
from vaultlink.index.resolve import file_name, name_key, normalize_name
from vaultlink.index.words import (
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
from vaultlink.text import group_by, lazy_pattern

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
        )
    return _differs_in_one_word(words, others, use)


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
        content = drop_repeated(content)
        if len(content) < _MIN_REPEATING or content != drop_repeated(other_content):
            return False
    return len(content) > 1 and count_letters(content) >= MIN_LETTERS


_MIN_REPEATING = 4
"""Words of a name in which a word that stands twice is a slip. `Duran Duran` is a name."""


def drop_repeated(words: Sequence[str]) -> list[str]:
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


# -- tell targets without a near name from the others by looking up keys ---------------------------
# Most targets have no near name, and a lookup is much faster than a comparison with similar names.
# The keys are necessary, but not sufficient: `is_near` decides.


_NameGroups = dict[str, str | list[str]]
"""Names by key. A key of one name, as most have, has that itself: a list takes 90 bytes more."""


def _add_name(groups: _NameGroups, key: str, name: str) -> None:
    known = groups.setdefault(name if key == name else key, name)
    if isinstance(known, list):
        known.append(name)
    elif known is not name:
        groups[key] = [known, name]


def _list_names(groups: _NameGroups, key: str) -> Iterable[str]:
    found = groups.get(key, ())
    return (found,) if isinstance(found, str) else found


class NearKeys:
    """Names by the keys that they share with the targets that they are near."""

    def __init__(self, names: Iterable[str]):
        self._known_words: set[str] = set()
        self._words: set[str] = set()
        self._corrections: dict[str, list[str]] = {}
        self._originals: _NameGroups = {}
        self._names_by_key: _NameGroups = {}
        self._names_by_stems: _NameGroups = {}
        self._names_by_fold: dict[str, list[str]] = {}
        for name in names:
            _add_name(self._originals, _simplify_name(name), name)
        for name in self._originals:
            words = split_name(name)
            for key in {" ".join(words), *_related_keys(words)}:
                _add_name(self._names_by_key, key, name)
            _add_name(self._names_by_stems, _join_stems(words), name)
            if _is_plain(name):
                self._known_words.update(words)
            else:
                self._words.update(words)
                if mixes_scripts(name):
                    self._names_by_fold.setdefault(_fold_name(name), []).append(name)
        self._words |= self._known_words

    @cached_property
    def _words_by_shape(self) -> Mapping[tuple[str, str, int], Sequence[str]]:
        groups: dict[tuple[str, str, int], list[str]] = {}
        for word in self._words:
            if len(word) > MIN_SLIP:
                groups.setdefault((word[0], word[-1], len(word)), []).append(word)
        return groups

    @cached_property
    def _all_by_fold(self) -> Mapping[str, Sequence[str]]:
        return group_by(self._originals, _fold_name)

    def find(self, target: str) -> set[str]:
        """Return all names that may be near a target without folders."""
        found: set[str] = set()
        if mixes_scripts(target):
            found.update(self._all_by_fold.get(_fold_name(target), ()))
        elif self._names_by_fold:
            found.update(self._names_by_fold.get(_fold_name(target), ()))
        words = split_name(target)
        for name in _list_names(self._names_by_stems, _join_stems(words)):
            if _is_inflected(words, split_name(name)):
                found.add(name)
        keys = {*_related_keys(words), *self._correct(words)}
        if len(words) == 2:
            keys.add(" ".join(words[::-1]))
        for key in keys:
            found.update(_list_names(self._names_by_key, key))
        return {original for name in found for original in _list_names(self._originals, name)}

    def _correct(self, words: Words) -> Iterator[str]:
        """Yield the keys of names with these words but for a slip in an unknown one."""
        known = self._known_words
        doubtful = [word for word in words if word not in known]
        if len(set(doubtful) - self._words) > 1:
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
                found += self._words.intersection(make_slips(word))
                found += [
                    other
                    for other in self._words_by_shape.get(shape, ())
                    if is_slip(word, other, _ENOUGH_LETTERS)
                ]
        return found


"""Letters of the shortest word with a slip."""

_MAX_SLIP = 100
"""Letters of the longest one. The time to look for slips grows with the square."""

_MAX_INFLECTED = 2
"""Words of a near name that may have another form."""

_ENOUGH_LETTERS = 99
"""Letters of a name so long that its words may have any slip."""


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
    return [" ".join(part) for part in (rest, drop_repeated(content)) if part]


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
    return NearKeys(index.derive(list_different_names))


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
    return " ".join(split_words(name))


def split_words(name: str) -> list[str]:
    """Return the words of a name in lower case."""
    return normalize_name(name).translate(WORD_BREAKS).split()


_FEW = 64
"""Targets for which similar names are searched. For more, the keys of all names take less time."""

_MANY_CHANGED = 200
"""Changed files above which the names are listed anew."""


class NearFinder(SteppedValue):
    """Finds the names that may be near a target, for few or many targets."""

    is_weak = True

    def __init__(self, index: Index, names: "SearchableNames | None" = None):
        self._index, self._asked, self._known = index, 0, names

    def update(self, index: Index, paths: Iterable[str]) -> "NearFinder":
        """Return the finder of a later index. It may also find names that are gone."""
        changed = list(paths)
        if self._known is None or len(changed) > _MANY_CHANGED:
            return NearFinder(proxy(index))
        added = (name for path in changed for name in list_names(index, path))
        return NearFinder(proxy(index), self._known.with_names(added))

    def prepare(self, number: int) -> "NearFinder":
        """Prepare for a number of targets."""
        if number > _FEW:
            self._index.derive(build_near_keys)
        return self

    def __call__(self, target: str) -> set[str]:
        """Return all names that may be near a target without folders."""
        self._asked += 1
        if self._asked > _FEW or build_near_keys in self._index.memos:
            return self._index.derive(build_near_keys).find(target)
        if self._known is None:
            self._known = SearchableNames(self._index.derive(list_different_names))
        similar = self._known.find_similar(target)
        return {name for name in similar if is_near(target, name, _UNKNOWN_USE)}


class TargetFinder(SteppedValue):
    """Finds unresolved targets of an index. It may also find some that are gone."""

    on_targets = True

    def __init__(self, targets: "SearchableNames"):
        self._targets = targets

    def update(self, index: Index, paths: Iterable[str]) -> "TargetFinder":
        changed = list(paths)
        if len(changed) > _MANY_CHANGED:
            return list_searchable_targets(index)
        added = {target for path in changed for target in unresolved_keys(index, path)}
        return TargetFinder(self._targets.with_names(added))

    def find_near(self, name: str) -> set[str]:
        """Return the targets that may be near a name."""
        similar = self._targets.find_similar(name)
        return {target for target in similar if is_near(_strip_folders(target), name, _UNKNOWN_USE)}

    def find_containing(self, words: Iterable[str]) -> set[str]:
        """Return the targets with some words behind their folders."""
        return {
            target
            for word in words
            for target in self._targets.find_containing(word)
            if word in split_name(_strip_folders(target))
        }

    def list_in_folders(self) -> list[str]:
        return [target for target in self._targets.list_odd() if "/" in target]


def list_searchable_targets(index: Index) -> TargetFinder:
    """Return the unresolved targets of a vault, for `Index.derive`."""
    return TargetFinder(SearchableNames(index.unresolved_sources, _strip_folders, _PLAIN_TARGET))


def _strip_folders(target: str) -> str:
    return link_name(file_name(target))


def _keep_name(name: str) -> str:
    return name


_PLAIN_NAME = lazy_pattern(r"[0-9A-Za-z](?:[ -&(-_a-~]*[0-9A-Za-z])?")
"""Matches ASCII names without apostrophes, from a letter or digit to another one."""

_PLAIN_TARGET = lazy_pattern(r"[0-9A-Za-z](?:[ -&(-.0-_a-~]*[0-9A-Za-z])?(?<!\.[Mm][Dd])")
"""Matches such targets without folders and `.md`."""

_UNKNOWN_USE = TargetUse(lambda _word: False, lambda: False)
"""The use of a target that is not known: it may be near all names that it may ever be near."""


class SearchableNames:
    """Names as text, a line for each.

    The line of most names is the name in lower case. Those of names that are not plain, or that
    `shorten` changes, have the words of what `shorten` returns.
    """

    def __init__(
        self,
        names: Iterable[str],
        shorten: Callable[[str], str] = _keep_name,
        plain: re.Pattern[str] = _PLAIN_NAME,
        base: "SearchableNames | None" = None,
    ):
        self._shorten, self._pattern = shorten, plain
        self._plain: str = base._plain if base else "\n"
        self._lower: str = base._lower if base else "\n"
        self._odd_text: str = base._odd_text if base else "\n"
        self._odd: dict[str, tuple[str, ...]] = dict(base._odd) if base else {}
        self._add(names)

    def with_names(self, names: Iterable[str]) -> "SearchableNames":
        """Return these names and more."""
        added = [name for name in names if not self._has(name)]
        return SearchableNames(added, self._shorten, self._pattern, self) if added else self

    def _has(self, name: str) -> bool:
        if self._pattern.fullmatch(name):
            return f"\n{name}\n" in self._plain
        return name in self._odd.get(self._join_words(name), ())

    def _join_words(self, name: str) -> str:
        return " ".join(split_name(self._shorten(name)))

    def _add(self, names: Iterable[str]) -> None:
        listed = list(names)
        are_plain = list(map(bool, map(self._pattern.fullmatch, listed)))
        added = "".join([f"{name}\n" for name in compress(listed, are_plain)])
        self._plain, self._lower = self._plain + added, self._lower + added.lower()
        lines = list[str]()
        for name in compress(listed, map(not_, are_plain)):
            line = self._join_words(name)
            if line not in self._odd:
                lines.append(f"{line}\n")
            self._odd[line] = (*self._odd.get(line, ()), name)
        self._odd_text += "".join(lines)

    def find_similar(self, name: str) -> set[str]:
        """Return all names that may be near one, or that it may be near, and more.

        A near name has the beginnings of all words that matter, or all words but one.
        """
        if mixes_scripts(name):
            return {*self._plain.split("\n"), *self.list_odd()}
        words, found = split_name(name), set(self._mixed_names)
        content = _find_content_words(words)
        stems = {word[:MIN_STEM] for word in content}
        parts: Iterable[str] = content[:3] if len(words) > _MAX_INFLECTED + 1 else content[:2]
        if len(content) < _MAX_INFLECTED + 1 < len(words):
            parts = stems
        least = len(stems) - 1
        for line, names in self._find_lines(parts if len(content) > 1 else ()):
            # A line with a part has the stem of that part.
            if least < 2 or sum([stem in line for stem in stems]) >= least:
                found.update(names)
        if len(content) < 2:
            found.update(self._find_single(words, stems))
        return found

    def _find_single(self, words: Words, stems: set[str]) -> Iterator[str]:
        """Yield the names that may be near one of which at most one word matters."""
        others = sorted({word[:MIN_STEM] for word in words} - stems, key=len)
        for _, names in self._find_lines([*stems, *others[-1:]] if stems else others):
            yield from names
        if len(words) == 1:
            for line, names in self._find_lines({f"\n{char}" for char in words[0][:2]}):
                if abs(len(line) - len(words[0])) <= 1:
                    yield from names

    def find_containing(self, part: str) -> set[str]:
        """Return the names that contain a text without case and accents."""
        return {name for _, names in self._find_lines([part]) for name in names}

    def list_odd(self) -> list[str]:
        """Return the names that are not plain, or that `shorten` changes."""
        return list(chain.from_iterable(self._odd.values()))

    @cached_property
    def _mixed_names(self) -> list[str]:
        return [name for name in self.list_odd() if mixes_scripts(self._shorten(name))]

    def _find_lines(self, parts: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield the lines with one of some parts, and their names.

        A line feed stands for the start of a line.
        """
        plain, lower, odd = self._plain, self._lower, self._odd_text
        for part in parts:
            for start, end in _find_lines(lower, part):
                yield lower[start:end], (plain[start:end],)
            for start, end in _find_lines(odd, part):
                line = odd[start:end]
                yield line, self._odd[line]


def _find_content_words(words: Words) -> list[str]:
    """Return the words of a name that matter, the rarest, which are long, first."""
    content = filterfalse(NAME_FUNCTION_WORDS.__contains__, strip_prefix(words))
    return sorted({word for word in content if word.isalnum()}, key=lambda word: (-len(word), word))


def _find_lines(text: str, part: str) -> list[tuple[int, int]]:
    """Return start and end of the lines with a part.

    The text begins and ends with a line feed.
    """
    found, find, find_start = [], text.find, text.rfind
    at = find(part)
    while at != -1:
        start = find_start("\n", 0, at + 1) + 1
        end = find("\n", start)
        if end == -1:
            break
        found.append((start, end))
        at = find(part, end)
    return found


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
