"""Cases of notes that vanished: where their text or their authors say that they went."""

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from replay_cases import Case, Place, is_linkable, write_link
from replay_history import FileChange, History, Tree, is_visible, parse_text, split_text
from vaultlink.index.resolve import file_name, is_note, resolve

_MIN_WORDS = 8
"""Words of its own below which a note is tiny."""

_MIN_SHARE = 0.5
"""Share of the distinctive lines that an edited note keeps."""

_MIN_PART = 0.3
"""Share of a new note's lines that come from the vanished one, unless it has grown or is merged."""

_SLIGHT_SHARE = 0.2
"""Share below which another note has nothing of a text."""

_MAX_HOLDERS = 2
"""Notes that may have a line which is distinctive for one of them."""

_FOLLOWED_COMMITS = 20
"""Commits in which authors may change their links after a note vanished."""

_MAX_LINES = 3000
_MAX_SOURCES = 200
_LINK = re.compile(r"!?\[\[[^\]\n]*\]\]|!?\[[^\]\n]*\]\([^)\n]*\)")
_WORD = re.compile(r"\w+")


class NoteFate(NamedTuple):
    """What became of the text of a vanished note, and the note that has it."""

    sort: str
    path: str | None
    is_known: bool


class LineCounts:
    """How many notes of a state have a line, and which notes of the next one have it."""

    def __init__(self, history: History, number: int):
        self._history = history
        commits = history.commits
        self.before = history.read_tree(commits[number - 1].name)
        self.after = history.read_tree(commits[number].name)
        history.load(blob for tree in (self.before, self.after) for blob in _list_blobs(tree))
        self._counts: Counter[int] = Counter()
        for blob in _list_blobs(self.before):
            self._counts.update(history.hash_lines(blob))

    def find_distinctive(self, blob: str) -> frozenset[int]:
        """Return the hashes of the lines that at most one other note has."""
        return frozenset(
            line for line in self._history.hash_lines(blob) if self._counts[line] <= _MAX_HOLDERS
        )

    def count_words(self, blob: str) -> int:
        """Return the number of words in the distinctive lines of a note."""
        distinctive = self.find_distinctive(blob)
        lines = split_text(self._history.read_text(blob))
        return sum(len(_WORD.findall(line)) for line in lines if hash(line) in distinctive)

    def measure_shares(self, blob: str) -> Iterator[tuple[str, float]]:
        """Yield the notes that have distinctive lines of a note now, with their share."""
        distinctive = self.find_distinctive(blob)
        for path, other in self.after.items():
            if is_note(path) and is_visible(path):
                common = len(distinctive & self._history.hash_lines(other))
                if common:
                    yield path, common / len(distinctive)

    def is_mostly(self, path: str, blob: str, others: Sequence[str]) -> bool:
        """Return True if a new note has much of one vanished note and less of the others."""
        lines = self._history.hash_lines(self.after[path])
        parts = [len(lines & self.find_distinctive(other)) for other in {*others} - {blob}]
        part = len(lines & self._history.hash_lines(blob))
        return part >= _MIN_PART * len(lines) and part >= 2 * max(parts, default=0)


def _list_blobs(tree: Tree) -> list[str]:
    return [blob for path, blob in tree.items() if is_note(path) and is_visible(path)]


def judge_fate(
    counts: LineCounts, gone: FileChange, removed: Sequence[FileChange], added: Sequence[FileChange]
) -> NoteFate:
    """Say where the text of a vanished note went, by its lines."""
    same = [item.path for item in added if item.new_blob == gone.old_blob]
    is_unique = len(same) == 1 and [item.old_blob for item in removed].count(gone.old_blob) == 1
    if counts.count_words(gone.old_blob) < _MIN_WORDS:
        return NoteFate("tiny", same[0] if is_unique else None, is_unique)
    if is_unique:
        return NoteFate("same text", same[0], True)
    if same:
        return NoteFate("unclear", None, False)
    new = {item.path for item in added}
    shares = sorted(counts.measure_shares(gone.old_blob), key=lambda item: -item[1])
    best, share = shares[0] if shares else ("", 0.0)
    rival = shares[1][1] if len(shares) > 1 else 0.0
    if best in new and share >= _MIN_SHARE and rival <= share / 2:
        is_whole = counts.is_mostly(best, gone.old_blob, [item.old_blob for item in removed])
        return NoteFate("edited" if is_whole else "merged or grown", best, True)
    name = file_name(gone.path)
    if share >= _SLIGHT_SHARE or any(file_name(path) == name for path in new):
        return NoteFate("unclear", None, False)
    return NoteFate("deleted", None, True)


def find_pairs(history: History, number: int) -> list[Case]:
    """Return a link to each note that vanished in a commit."""
    commit = history.commits[number]
    removed, added = commit.list_notes("D"), commit.list_notes("A")
    linkable = [item for item in removed if is_linkable(item.path)]
    if not linkable:
        return []
    counts = LineCounts(history, number)
    cases = []
    for item in linkable:
        fate = judge_fate(counts, item, removed, added)
        place, truth = Place(item.path), Place(fate.path) if fate.path else None
        cases.append(Case("pairs", fate.sort, place, truth, fate.is_known, write_link(place)))
    return cases


# -- links that authors changed -------------------------------------------------------------------


def find_author_edits(history: History, number: int) -> list[Case]:
    """Return the vanished notes of which authors led links to another note."""
    commits = history.commits
    gone = {item.path for item in commits[number].list_notes("D") if is_linkable(item.path)}
    if not gone:
        return []
    votes: dict[str, Counter[str]] = {}
    start = history.read_tree(commits[number - 1].name)
    present = history.read_tree(commits[number].name)
    blobs = {path: blob for path, blob in start.items() if is_note(path) and is_visible(path)}
    followed: set[tuple[str, str]] = set()
    for later in range(number, min(number + _FOLLOWED_COMMITS + 1, len(commits))):
        changed = [item for item in commits[later].list_notes("M") if item.path in blobs]
        for item in changed[:_MAX_SOURCES]:
            for old, new in compare_links(history, number - 1, later, item, blobs[item.path]):
                if old in gone and new != old and (item.path, old) not in followed:
                    followed.add((item.path, old))
                    votes.setdefault(old, Counter())[new] += 1
    return [
        Case("authors", "led elsewhere", Place(old), Place(new), True, write_link(Place(old)))
        for old, counted in sorted(votes.items())
        for new in counted
        if len(counted) == 1 and new in present
    ]


def compare_links(
    history: History, before: int, after: int, item: FileChange, blob: str
) -> Iterator[tuple[str, str]]:
    """Yield the former and the present target of links that were changed in place.

    The rest of their line is equal. Targets are resolved in the state of their commit.
    """
    old, new = (history.read_text(name).splitlines() for name in (blob, item.new_blob))
    if max(len(old), len(new)) > _MAX_LINES:
        return
    old_names = history.read_names(history.commits[before].name)
    new_names = history.read_names(history.commits[after].name)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for operation, start, end, new_start, new_end in matcher.get_opcodes():
        if operation != "replace" or end - start != new_end - new_start:
            continue
        for line, new_line in zip(old[start:end], new[new_start:new_end], strict=True):
            if _LINK.sub("\0", line) != _LINK.sub("\0", new_line) or "\0" in line:
                continue
            links = parse_text(item.path, line).links
            new_links = parse_text(item.path, new_line).links
            if len(links) != len(new_links):
                continue
            for link, new_link in zip(links, new_links, strict=True):
                target = resolve(item.path, link.lookup_target, old_names)
                new_target = resolve(item.path, new_link.lookup_target, new_names)
                if target and new_target and not link.external and is_note(new_target):
                    yield target, new_target
