"""Find the names that are near the one in a broken link."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import chain, filterfalse
from operator import ne
from typing import ClassVar, NamedTuple

import msgspec

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
            for key in {" ".join(words), *_related_keys(words)}:
                if key != spelling:
                    _add_number(self.by_key, key, number)
            _add_number(self.by_stems, _join_stems(words), number)
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
        keys = {*_related_keys(words), *self._correct(words)}
        if len(words) == 2:
            keys.add(" ".join(words[::-1]))
        for key in keys:
            found.update(_list_numbers(self.by_key, key))
            if key in self.by_spelling:
                found.add(self.by_spelling[key])
        return {name for number in found for name in self._list_names(number)}

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
    return " ".join(split_words(name))


def split_words(name: str) -> list[str]:
    """Return the words of a name in lower case."""
    return normalize_name(name).translate(WORD_BREAKS).split()


_MANY_CHANGED = 200
"""Changed files above which the names are listed anew."""


class TargetFinder(msgspec.Struct, SteppedValue, array_like=True, dict=True):
    """Finds unresolved targets of an index. It may also find some that are gone.

    Most targets are lines of the text `plain`. `odd` has the others, with folders or signs, by the
    words behind their folders.
    """

    on_targets: ClassVar[bool] = True
    plain: str = "\n"
    odd: dict[str, tuple[str, ...]] = {}

    def with_targets(self, targets: Iterable[str]) -> "TargetFinder":
        """Return a finder of these and more targets."""
        added = [target for target in targets if not self._has(target)]
        plain = [f"{target}\n" for target in added if _PLAIN_TARGET.fullmatch(target)]
        odd = dict(self.odd)
        for target in added:
            if not _PLAIN_TARGET.fullmatch(target):
                words = _join_words(target)
                odd[words] = (*odd.get(words, ()), target)
        return TargetFinder("".join([self.plain, *plain]), odd) if added else self

    def update(self, index: Index, paths: Iterable[str]) -> "TargetFinder":
        """Return a finder of a later index's targets. Those of many changes are listed anew."""
        changed = list(paths)
        if len(changed) > _MANY_CHANGED:
            return list_searchable_targets(index)
        return self.with_targets(
            {target for path in changed for target in unresolved_keys(index, path)}
        )

    def _has(self, target: str) -> bool:
        if _PLAIN_TARGET.fullmatch(target):
            return f"\n{target}\n" in self.plain
        return target in self.odd.get(_join_words(target), ())

    @cached_property
    def _lower(self) -> str:
        return self.plain.lower()

    @cached_property
    def _odd_text(self) -> str:
        return "\n".join(["", *self.odd, ""])

    def find_near(self, name: str) -> set[str]:
        """Return the targets that may be near a name."""
        similar = self.find_similar(name)
        return {target for target in similar if is_near(_strip_folders(target), name, _UNKNOWN_USE)}

    def find_with_words(self, words: Iterable[str]) -> set[str]:
        """Return the targets with some words behind their folders."""
        return {
            target
            for word in words
            for _, targets in self._find_lines([word])
            for target in targets
            if word in split_name(_strip_folders(target))
        }

    def list_odd(self) -> list[str]:
        return list(chain.from_iterable(self.odd.values()))

    def find_similar(self, name: str) -> set[str]:
        """Return all targets that may be near a name, or that it may be near, and more.

        A near name has the beginnings of all words that matter, or all words but one.
        """
        if mixes_scripts(name):
            return {*self.plain.split("\n"), *self.list_odd()} - {""}
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

    @cached_property
    def _mixed_names(self) -> list[str]:
        return [name for name in self.list_odd() if mixes_scripts(_strip_folders(name))]

    def _find_lines(self, parts: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield the lines with one of some parts, and their names.

        A line feed stands for the start of a line.
        """
        plain, lower, odd = self.plain, self._lower, self._odd_text
        for part in parts:
            for start, end in _find_lines(lower, part):
                yield lower[start:end], (plain[start:end],)
            for start, end in _find_lines(odd, part):
                line = odd[start:end]
                yield line, self.odd[line]


def list_searchable_targets(index: Index) -> TargetFinder:
    """Return the unresolved targets of a vault, for `Index.derive`."""
    return TargetFinder().with_targets(index.unresolved_sources)


def _strip_folders(target: str) -> str:
    return link_name(file_name(target))


def _join_words(target: str) -> str:
    return " ".join(split_name(_strip_folders(target)))


_PLAIN_TARGET = lazy_pattern(r"[0-9A-Za-z](?:[ -&(-.0-_a-~]*[0-9A-Za-z])?(?<!\.[Mm][Dd])")
"""Matches ASCII targets without folders, apostrophes and `.md` that begin and end with a letter."""

_UNKNOWN_USE = TargetUse(lambda _word: False, lambda: False)
"""The use of a target that is not known: it may be near all names that it may ever be near."""


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
