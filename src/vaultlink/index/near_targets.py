"""Find the unresolved targets that a name is near: the other direction of a search by keys."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain, filterfalse
from typing import ClassVar

import msgspec

from vaultlink.index.index import Index, SteppedValue, link_name, unresolved_keys
from vaultlink.index.near_names import (
    TargetUse,
    find_first_part,
    is_near,
    may_be_slip,
    strip_prefix,
)
from vaultlink.index.resolve import file_name
from vaultlink.index.words import (
    MIN_STEM,
    NAME_FUNCTION_WORDS,
    Words,
    mixes_scripts,
    split_name,
)
from vaultlink.text import lazy_pattern

_MANY_CHANGED = 200
"""Changed files above which the names are listed anew."""

_FEW_WORDS = 3
"""Words of a name of which at least one has the same form in a near one."""


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
        found = {
            target
            for target in self.find_similar(name)
            if is_near(text := _strip_folders(target), name, _UNKNOWN_USE)
            or may_be_slip(text, name, _UNKNOWN_USE.is_known_word)
        }
        if first := find_first_part(name):
            similar = self.find_similar(" ".join(first))
            found.update(item for item in similar if split_name(_strip_folders(item)) == first)
        return found

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
        parts: Iterable[str] = content[:3] if len(words) > _FEW_WORDS else content[:2]
        if len(content) < _FEW_WORDS < len(words):
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
