"""Compare what vaultlink reads in a vault with what Obsidian's command line lists."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from vaultlink.disk.obsidian_app import AppError, ObsidianApp, Pair, normalize_path
from vaultlink.index.index import Index
from vaultlink.index.resolve import is_canvas, is_note
from vaultlink.index.topics import topic_name
from vaultlink.text import quote_name

MAX_DIFFERENCES = 10
"""Differences of one kind, on either side, that are listed."""

_MAX_ASKED_NOTES = 20
"""Notes whose links are compared: Obsidian lists those of one note at a time."""

_FORMATS = frozenset(
    {"md", "base", "canvas", "pdf"}
    | {"avif", "bmp", "gif", "jpeg", "jpg", "png", "svg", "webp"}
    | {"flac", "m4a", "mp3", "ogg", "wav", "webm", "3gp", "mkv", "mov", "mp4", "ogv"}
)
"""The extensions of the files that Obsidian shows, by its documentation."""


class Difference(msgspec.Struct, frozen=True):
    """Something that only one of the two reads.

    Attributes:
        path: Vault path of the note with the link, or of the file that is listed.
        link: Text of the unresolved link, or the path that the note links to; None for a file.
    """

    path: str
    link: str | None = None


class AppComparison(msgspec.Struct, frozen=True):
    """A comparison of what vaultlink and Obsidian read.

    Attributes:
        kind: `unresolved` (unresolved links), `orphans`, `deadends`, or `links` (the files that
            notes link to).
        vaultlink: Number of items that vaultlink reads.
        obsidian: Number of items that Obsidian lists.
        differences: Number of items that only one of them has.
        only_vaultlink: The first items that only vaultlink has, at most ten.
        only_obsidian: The first items that only Obsidian lists, at most ten.
    """

    kind: str
    vaultlink: int
    obsidian: int
    differences: int
    only_vaultlink: tuple[Difference, ...]
    only_obsidian: tuple[Difference, ...]


class ReadLinks(NamedTuple):
    """The links of a vault as vaultlink reads them, in the form of Obsidian's lists.

    Paths and texts are normalized. `targets` has the files that each note or canvas links to.
    """

    files: frozenset[str]
    unresolved: frozenset[Pair]
    targets: Mapping[str, frozenset[str]]

    def find_orphans(self, listed: Iterable[str]) -> set[str]:
        """Return the files without a link to them that Obsidian shows, or has `listed`."""
        linked = set().union(*self.targets.values())
        shown = {path for path in self.files if path.rpartition(".")[2].lower() in _FORMATS}
        return (shown | self.files.intersection(listed)) - linked

    def find_dead_ends(self) -> set[str]:
        """Return the notes that link to no file."""
        return {path for path, targets in self.targets.items() if is_note(path) and not targets}


def read_links(index: Index) -> ReadLinks:
    """Return the links of a vault in the form of Obsidian's lists (5.19, 9.1).

    All links count, those in backlinks sections and to the note itself too.
    """
    unresolved: set[Pair] = set()
    targets: dict[str, frozenset[str]] = {}
    for path in index.notes:
        if not (is_note(path) or is_canvas(path)):
            continue
        links = list(index.resolved_links(path))
        source = normalize_path(path)
        targets[source] = frozenset(normalize_path(found) for _, found in links if found)
        unresolved.update(
            (source, normalize_path(topic_name(link.target)))
            for link, found in links
            if found is None and not link.external
        )
    return ReadLinks(frozenset(map(normalize_path, index.files)), frozenset(unresolved), targets)


def compare_with_app(app: ObsidianApp, own: ReadLinks) -> Iterable[AppComparison | AppError]:
    """Yield the comparison of each kind.

    AppError stands for one where Obsidian gave no answer that can be compared.
    """

    def compare_unresolved() -> AppComparison:
        return _compare("unresolved", own.unresolved, app.read_unresolved(own.files))

    def compare_orphans() -> AppComparison:
        listed = app.list_files("orphans", own.files)
        return _compare("orphans", own.find_orphans(listed), listed)

    def compare_dead_ends() -> AppComparison:
        listed = filter(is_note, app.list_files("deadends", own.files))
        return _compare("deadends", own.find_dead_ends(), listed)

    def compare_links() -> AppComparison:
        return _compare_links(app, own)

    for compare in (compare_unresolved, compare_orphans, compare_dead_ends, compare_links):
        try:
            yield compare()
        except AppError as error:
            yield error


def _compare_links(app: ObsidianApp, own: ReadLinks) -> AppComparison:
    """Compare the links of the notes with most, except those to the note itself."""
    notes = [path for path, targets in own.targets.items() if is_note(path) and targets]
    notes = sorted(notes, key=lambda path: (-len(own.targets[path]), path))[:_MAX_ASKED_NOTES]
    read = {(note, target) for note in notes for target in own.targets[note] if target != note}
    listed = {
        (note, target)
        for note in notes
        for target in app.read_targets(note, own.files)
        if target != note
    }
    return _compare("links", read, listed)


def _compare(
    kind: str, own: Iterable[Pair] | Iterable[str], listed: Iterable[Pair] | Iterable[str]
) -> AppComparison:
    read, theirs = set[Pair | str](own), set[Pair | str](listed)
    return AppComparison(
        kind,
        len(read),
        len(theirs),
        len(read ^ theirs),
        _list_first(read - theirs),
        _list_first(theirs - read),
    )


def _list_first(items: set[Pair | str]) -> tuple[Difference, ...]:
    differences = [
        Difference(item) if isinstance(item, str) else Difference(*item) for item in items
    ]
    ordered = sorted(differences, key=lambda item: (item.path, item.link or ""))
    return tuple(ordered[:MAX_DIFFERENCES])


def describe_comparison(comparison: AppComparison) -> str:
    """Return a comparison in words, with the first differences of either side."""
    if not comparison.differences:
        return f"{comparison.vaultlink:,} in both"
    sides = [
        f"only {name}: {'; '.join(map(_describe_difference, items))}"
        for name, items in (
            ("vaultlink", comparison.only_vaultlink),
            ("Obsidian", comparison.only_obsidian),
        )
        if items
    ]
    counts = f"vaultlink {comparison.vaultlink:,}, Obsidian {comparison.obsidian:,}"
    rest = comparison.differences - len(comparison.only_vaultlink) - len(comparison.only_obsidian)
    more = [f"{rest:,} more differences"] if rest > 1 else ["1 more difference"] if rest else []
    return ". ".join([counts, *sides, *more])


def _describe_difference(difference: Difference) -> str:
    if difference.link is None:
        return difference.path
    return f"{difference.path} to {quote_name(difference.link)}"
