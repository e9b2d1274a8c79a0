"""Decide which added file a removed one became, by content and by name."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from hashlib import sha1, sha256
from typing import NamedTuple

from vaultlink.history.file_similarity import FileChunks, compare_files, shared_bytes, split_chunks
from vaultlink.history.rename_checks import (
    file_extension,
    is_same_series,
    is_series_member,
    number_pattern,
)
from vaultlink.index.resolve import file_name

_MIN_CERTAIN = 60
"""Minimum similarity of a renamed file, in percent."""

_MIN_SAME_NAME = 75
"""Minimum similarity of files with a name that no other file has, in percent, as in git."""

_MIN_LIKELY = 50
"""Minimum similarity of a file that may be the renamed one. Less is no rename for git either."""

_CLEAR_MARGIN = 15
"""Lead of the most similar file over any other that is always enough, in percent points."""

_MIN_EXTENDED = 80
"""Minimum share of its former text in a file to which text was added, in percent."""

_MAX_GROWTH = 5
"""Maximum ratio of the sizes of a file before and after it was replaced by another one."""

_MAX_COMPARED = 2_000
"""Maximum number of removed or added notes that are compared by content."""

_MAX_REWRITTEN = 100
"""Maximum number of changed notes of which it is found out whether they were replaced."""

EMPTY_BLOBS = frozenset((sha1(b"blob 0\0").hexdigest(), sha256(b"blob 0\0").hexdigest()))
"""Names of the empty blob."""

Fate = tuple[str, str]
"""What became of a file: one of `FateKind`, and the new path ("" if there is none)."""


class FateKind(StrEnum):
    """The kinds of fates of a file that is no longer at its path."""

    MOVED = "moved"
    LIKELY = "likely"
    DELETED = "deleted"
    UNKNOWN = "unknown"


DELETED: Fate = (FateKind.DELETED, "")
UNKNOWN: Fate = (FateKind.UNKNOWN, "")

ReadContents = Callable[[Collection[str]], Mapping[str, bytes | None]]
"""Reads contents by their names; None if one can't be read."""


class FileChanges(NamedTuple):
    """The changes between two states of files.

    Attributes:
        removed: Path to the name of its content, such as a blob name.
        added: The same for files that are new.
        changed: Path to the names of its content before and after.
        may_be_swapped: Compare the contents of all changed notes, not only of those that another
            file has the content of, or that are in a series with a removed or added one.
    """

    removed: Mapping[str, str]
    added: Mapping[str, str]
    changed: Mapping[str, tuple[str, str]]
    may_be_swapped: bool = False


def pair_files(
    files: FileChanges, read: ReadContents, *, any_alike: bool = False
) -> dict[str, Fate]:
    """Return what became of each removed file, and of each replaced one.

    A changed file was replaced if another file has its former content, and its present content is
    that of another file or is not similar. Where several files are equally similar, the fate is
    unknown; with `any_alike` one of them is returned.
    """
    return _Pairing(files, read, any_alike).pair()


class _Pairing:
    """The pairs found so far, and the files that are left."""

    def __init__(self, files: FileChanges, read: ReadContents, any_alike: bool) -> None:
        self._files, self._any_alike = files, any_alike
        self._contents = _Contents(read)
        self._fates: dict[str, Fate] = {}
        self._taken: set[str] = set()

    def pair(self) -> dict[str, Fate]:
        """Return the fates of all removed and all replaced files."""
        files = self._files
        removed, added = files.removed, files.added
        self._pair_identical(removed, added)
        if files.changed:
            self._pair_identical(
                self._without_fate(removed), {path: new for path, (_, new) in files.changed.items()}
            )
        replaced = self._find_replaced()
        self._pair_identical(
            {path: files.changed[path][0] for path in replaced},
            {
                **self._not_taken(added),
                **self._not_taken({path: new for path, (_, new) in files.changed.items()}),
            },
        )
        sources = {**self._without_fate(removed), **{p: files.changed[p][0] for p in replaced}}
        targets = {**added, **{p: files.changed[p][1] for p in replaced}}
        self._pair_similar(
            {path: name for path, name in sources.items() if path not in self._fates},
            self._not_taken(targets),
        )
        for path in replaced:
            if path in self._taken:
                self._fates.setdefault(path, UNKNOWN)
        return {**dict.fromkeys(removed, DELETED), **self._fates}

    def _without_fate(self, sources: Mapping[str, str]) -> dict[str, str]:
        return {path: name for path, name in sources.items() if path not in self._fates}

    def _not_taken(self, targets: Mapping[str, str]) -> dict[str, str]:
        return {path: name for path, name in targets.items() if path not in self._taken}

    def _record(self, old: str, new: str, kind: FateKind = FateKind.MOVED) -> None:
        self._fates[old] = (kind, new)
        self._taken.add(new)

    # -- the same content ----------------------------------------------------------------------

    def _pair_identical(self, sources: Mapping[str, str], targets: Mapping[str, str]) -> None:
        """Pair files with the same content; the fate of others with it is unknown."""
        new_paths = _group_by_content(targets)
        for key, old_paths in _group_by_content(sources).items():
            found = [path for path in new_paths.get(key, ()) if path not in self._taken]
            if not found:
                continue
            for old, new in _pair_names(old_paths, found, key[0] in EMPTY_BLOBS, self._any_alike):
                self._record(old, new)
            for old in old_paths:
                self._fates.setdefault(old, UNKNOWN)

    def _find_replaced(self) -> list[str]:
        changed, removed = self._files.changed, self._files.removed
        left = self._without_fate(removed)
        new_names = {*self._files.added.values(), *(new for _, new in changed.values())}
        linked = [path for path, (old, _) in changed.items() if old in new_names]
        chained = [path for path in linked if path in self._taken]
        old_names = {old for old, _ in changed.values()}
        patterns = {number_pattern(path) for path in (*left, *self._not_taken(self._files.added))}
        asked = [
            path
            for path, (_, new) in changed.items()
            if path not in chained
            and (
                path in linked
                or path in self._taken
                or new in old_names
                or self._files.may_be_swapped
                or number_pattern(path) in patterns
            )
        ][:_MAX_REWRITTEN]
        chunks = self._contents.split(name for path in asked for name in changed[path])
        return chained + [
            path
            for path in asked
            if (before := chunks.get(changed[path][0])) is not None
            and (now := chunks.get(changed[path][1])) is not None
            and _lacks_text(before, now)
            and (path in linked or _has_similar_size(before, now))
        ]

    # -- similar content -----------------------------------------------------------------------

    def _pair_similar(self, sources: Mapping[str, str], targets: Mapping[str, str]) -> None:
        old, new = _keep_notes(sources), _keep_notes(targets)
        self._doubt_attachments(sources, targets)
        if not old or not new:
            return
        if len(old) > _MAX_COMPARED or len(new) > _MAX_COMPARED:
            self._fates.update(dict.fromkeys(old, UNKNOWN))
            return
        chunks = self._contents.split((*old.values(), *new.values()))
        unread = [path for path, name in new.items() if name not in chunks]
        self._fates.update(
            (path, UNKNOWN) for path, name in old.items() if unread or name not in chunks
        )
        similarities = compare_files(
            {path: chunks[name] for path, name in old.items() if name in chunks},
            {path: chunks[name] for path, name in new.items() if name in chunks},
            _MIN_LIKELY,
        )
        self._fates.update((path, UNKNOWN) for path, _ in similarities)
        pick = _pick_best if self._any_alike else _pick_unambiguous
        for path, fate in pick(similarities):
            self._record(path, fate[1], FateKind(fate[0]))

    def _doubt_attachments(self, sources: Mapping[str, str], targets: Mapping[str, str]) -> None:
        """Pair attachments by name as uncertain: their contents are not compared."""
        names = {file_name(path).casefold() for path in targets}
        for path in sources:
            if not _is_note(path) and file_name(path).casefold() in names:
                self._fates[path] = UNKNOWN


class _Contents:
    """The contents of files, read when needed."""

    def __init__(self, read: ReadContents) -> None:
        self._read = read
        self._chunks: dict[str, FileChunks | None] = {}

    def split(self, names: Iterable[str]) -> dict[str, FileChunks]:
        """Return the chunks of these contents, without those that can't be read."""
        asked = dict.fromkeys(names)
        missing = [name for name in asked if name not in self._chunks]
        if missing:
            self._chunks.update(
                (name, None if data is None else split_chunks(data))
                for name, data in self._read(missing).items()
            )
        return {name: chunks for name in asked if (chunks := self._chunks.get(name)) is not None}


def _is_note(path: str) -> bool:
    return path[-3:].lower() == ".md"


def _keep_notes(paths: Mapping[str, str]) -> dict[str, str]:
    return {
        path: name for path, name in paths.items() if _is_note(path) and name not in EMPTY_BLOBS
    }


def _lacks_text(before: FileChunks, now: FileChunks) -> bool:
    shared = 100 * shared_bytes(before, now)
    largest = max(before.size, now.size)
    return shared < _MIN_LIKELY * largest and shared < _MIN_EXTENDED * before.size


def _has_similar_size(before: FileChunks, now: FileChunks) -> bool:
    """Return True if a file was not emptied or filled."""
    smallest, largest = sorted((before.size, now.size))
    return smallest * _MAX_GROWTH >= largest


def _group_by_content(paths: Mapping[str, str]) -> dict[tuple[str, str], list[str]]:
    groups: dict[tuple[str, str], list[str]] = {}
    for path, name in paths.items():
        groups.setdefault((name, file_extension(path)), []).append(path)
    return groups


# -- choosing among candidates ---------------------------------------------------------------------


def _pair_names(
    old_paths: Collection[str], new_paths: Collection[str], is_empty: bool, any_alike: bool
) -> Iterator[tuple[str, str]]:
    """Pair files with the same content by their paths, unless there is only one pair."""
    if any_alike:
        same = {(old, new): 100 for old in old_paths for new in new_paths}
        yield from ((old, fate[1]) for old, fate in _pick_best(same))
        return
    if len(old_paths) == len(new_paths) == 1 and not is_empty:
        [old], [new] = old_paths, new_paths
        if not is_same_series(old, new, same=True):
            yield old, new
        return
    if len(old_paths) * len(new_paths) > _MAX_COMPARED**2:
        return
    scores = {
        (old, new): score
        for old in old_paths
        for new in new_paths
        if any(score := _compare_paths(old, new)) and (score[0] or not is_empty)
    }
    for (old, new), score in scores.items():
        if not is_same_series(old, new, same=True) and all(
            score > other
            for pair, other in scores.items()
            if pair != (old, new) and (pair[0] == old or pair[1] == new)
        ):
            yield old, new


def _compare_paths(old: str, new: str) -> tuple[int, bool]:
    """Return the number of equal names from the end, and True for one folder."""
    count = 0
    old_parts, new_parts = old.casefold().split("/"), new.casefold().split("/")
    for one, other in zip(reversed(old_parts), reversed(new_parts), strict=False):
        if one != other:
            break
        count += 1
    return count, old_parts[:-1] == new_parts[:-1]


_Similarities = Mapping[tuple[str, str], int]


def _pick_unambiguous(similarities: _Similarities) -> Iterator[tuple[str, Fate]]:
    """Yield the pairs that are clearly more similar than others with either path."""
    left = {
        pair: similarity
        for pair, similarity in similarities.items()
        if not is_series_member(*pair, similarity)
    }
    named = _pick_same_names(left)
    yield from ((old, (FateKind.MOVED, new)) for old, new in named)
    ends = {end for old, new in named for end in ((0, old), (1, new))}
    left = {pair: s for pair, s in left.items() if not {(0, pair[0]), (1, pair[1])} & ends}
    count = -1
    while count != len(left):
        count, taken = len(left), set[tuple[int, str]]()
        rivals = _Rivals(left)
        for pair in sorted(left, key=lambda pair: (-left[pair], pair)):
            ends = {(0, pair[0]), (1, pair[1])}
            if (
                left[pair] >= _MIN_CERTAIN
                and not ends & taken
                and all(_is_clear(pair, rival, left) for rival in rivals.find(pair, taken))
            ):
                yield pair[0], (FateKind.MOVED, pair[1])
                taken |= ends
        left = {pair: s for pair, s in left.items() if not {(0, pair[0]), (1, pair[1])} & taken}
    rivals = _Rivals(left)
    for pair, similarity in left.items():
        if all(similarity > left[rival] for rival in rivals.find(pair, ())):
            yield pair[0], (FateKind.LIKELY, pair[1])


def _pick_same_names(similarities: _Similarities) -> list[tuple[str, str]]:
    """Return the pairs with a file name that no other file has.

    As with git, they come first if they are similar enough. Less similar ones must be nearly as
    similar as any other pair with either path.
    """
    old = Counter(file_name(path) for path in {pair[0] for pair in similarities})
    new = Counter(file_name(path) for path in {pair[1] for pair in similarities})
    rivals = _Rivals(similarities)
    return [
        pair
        for pair, similarity in similarities.items()
        if similarity >= _MIN_CERTAIN
        and file_name(pair[0]) == file_name(pair[1])
        and old[file_name(pair[0])] == 1 == new[file_name(pair[1])]
        and (
            similarity >= _MIN_SAME_NAME
            or all(
                similarity + _CLEAR_MARGIN >= similarities[other] for other in rivals.find(pair, ())
            )
        )
    ]


class _Rivals:
    """Pairs of paths by their old and by their new path."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs: dict[tuple[int, str], list[tuple[str, str]]] = {}
        for pair in pairs:
            for side in enumerate(pair):
                self._pairs.setdefault(side, []).append(pair)

    def find(
        self, pair: tuple[str, str], taken: Collection[tuple[int, str]]
    ) -> Iterator[tuple[str, str]]:
        """Yield the other pairs with one of the two paths, without paths that are taken."""
        for number, path in enumerate(pair):
            for other in self._pairs[number, path]:
                if other != pair and (1 - number, other[1 - number]) not in taken:
                    yield other


def _is_clear(pair: tuple[str, str], rival: tuple[str, str], similarities: _Similarities) -> bool:
    similarity, other = similarities[pair], similarities[rival]
    return is_clearly_more(similarity, other) or (
        similarity >= other and _has_same_name(pair) and not _has_same_name(rival)
    )


def is_clearly_more(similarity: int, other: int) -> bool:
    """Return True if a similarity is clearly higher than another, both in percent."""
    return similarity >= other + _CLEAR_MARGIN or 100 - other >= 2 * (100 - similarity) + 2


def _has_same_name(pair: tuple[str, str]) -> bool:
    return file_name(pair[0]).casefold() == file_name(pair[1]).casefold()


def _pick_best(similarities: _Similarities) -> Iterator[tuple[str, Fate]]:
    """Yield the best pairs; of equals, those with the same file name."""
    used: set[tuple[int, str]] = set()
    for old, new in sorted(
        similarities,
        key=lambda pair: (-similarities[pair], not _has_same_name(pair), pair),
    ):
        if similarities[old, new] >= _MIN_CERTAIN and not {(0, old), (1, new)} & used:
            used |= {(0, old), (1, new)}
            yield old, (FateKind.MOVED, new)
