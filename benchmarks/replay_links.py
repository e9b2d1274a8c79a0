"""Cases of notes renamed in several commits, and of links that lead elsewhere without notice."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from replay_cases import Case, Event, Limits, Place, is_linkable, write_link
from replay_history import Commit, History, is_visible, parse_text
from vaultlink.index.resolve import file_name, is_note, name_key, resolve
from vaultlink.model import Link

_MIN_SHARE = 0.5
"""Share of its lines that a note keeps in a rename."""

_MAX_ADDED = 30
_MAX_RENAMES = 5
_MAX_WINDOW = 40
"""Commits from the first to the last rename of a chain."""


class RenameChain(NamedTuple):
    """A note's path before its first rename, and the numbers of the commits that renamed it."""

    former: str
    commits: tuple[int, ...]


def list_renames(history: History, commit: Commit) -> Iterator[tuple[str, str]]:
    """Yield the former and the new path of notes whose text is equal or much alike."""
    removed, added = commit.list_notes("D"), commit.list_notes("A")
    old_counts = Counter(item.old_blob for item in removed)
    new_counts = Counter(item.new_blob for item in added)
    if not removed or not added:
        return
    if len(added) <= _MAX_ADDED:
        history.load([item.old_blob for item in removed] + [item.new_blob for item in added])
    found: dict[str, str] = {}
    for item in removed:
        same = [other.path for other in added if other.new_blob == item.old_blob]
        if same:
            if old_counts[item.old_blob] == new_counts[item.old_blob] == 1:
                found[item.path] = same[0]
            continue
        like = [
            other.path
            for other in (added if len(added) <= _MAX_ADDED else ())
            if _is_alike(history, item.old_blob, other.new_blob)
        ]
        if len(like) == 1:
            found[item.path] = like[0]
    claims = Counter(found.values())
    yield from ((old, new) for old, new in found.items() if claims[new] == 1)


def _is_alike(history: History, old: str, new: str) -> bool:
    """Return True if two texts have more than half of their lines in common."""
    lines, new_lines = history.hash_lines(old), history.hash_lines(new)
    return len(lines & new_lines) > _MIN_SHARE * max(len(lines), len(new_lines))


def list_chains(history: History, limits: Limits) -> Iterator[Event]:
    """Yield events of several commits, each with the notes that these renamed step by step."""
    chains: dict[str, RenameChain] = {}
    windows: dict[tuple[int, int], list[Case]] = {}
    for number, commit in enumerate(history.commits):
        if not number:
            continue
        renames = dict(list_renames(history, commit)) if commit.list_notes("D") else {}
        present = {
            new: RenameChain(
                *(chains[old].former, (*chains[old].commits, number))
                if old in chains and number - chains[old].commits[0] < _MAX_WINDOW
                else (old, (number,))
            )
            for old, new in renames.items()
        }
        for item in commit.list_notes("D"):
            chains.pop(item.path, None)
        chains.update(present)
        for path, chain in present.items():
            if 1 < len(chain.commits) <= _MAX_RENAMES and is_linkable(chain.former):
                place, sort = Place(chain.former), f"{len(chain.commits)} renames"
                case = Case("chains", sort, place, Place(path), True, write_link(place))
                windows.setdefault((chain.commits[0] - 1, number), []).append(case)
    keys = sorted(windows)
    chosen = limits.shuffle(range(len(keys)), "chains")[: limits.commits]
    for index in chosen:
        before, after = keys[index]
        names = history.read_tree(history.commits[after].name)
        cases = [case for case in windows[keys[index]] if case.former.path not in names]
        if cases:
            yield Event(before, after, limits.sample(cases, after))


# -- links that lead elsewhere --------------------------------------------------------------------


def list_retarget_commits(history: History, numbers: Sequence[int]) -> list[int]:
    """Return the commits that add a namesake of a note, or exchange the texts of notes."""
    wanted, found = set(numbers), []
    keys: Counter[str] = Counter()
    for number, commit in enumerate(history.commits):
        if number in wanted and _list_namesakes(commit, keys):
            found.append(number)
        for status, change in (("A", 1), ("D", -1)):
            for item in commit.list_notes(status):
                keys[name_key(item.path)] += change
    return found


def _list_namesakes(commit: Commit, keys: Mapping[str, int]) -> set[str]:
    """Return the name keys of which a commit may change the meaning."""
    gone = Counter(name_key(item.path) for item in commit.list_notes("D"))
    added = Counter(name_key(item.path) for item in commit.list_notes("A"))
    found = {key for key, count in added.items() if keys.get(key, 0) - gone[key] + count > 1}
    return found | {name_key(path) for path in find_exchanged(commit)}


def find_exchanged(commit: Commit) -> dict[str, str]:
    """Return the files whose text was replaced and is in another file now, and that file."""
    changed = [*commit.list_notes("M"), *commit.list_notes("A")]
    counts = Counter(item.new_blob for item in changed)
    places = {item.new_blob: item.path for item in changed}
    return {
        item.path: places[item.old_blob]
        for item in commit.list_notes("M")
        if counts[item.old_blob] == 1
    }


def find_retargets(history: History, number: int) -> list[Case]:
    """Return the vault's own links that lead to another file after a commit."""
    commit = history.commits[number]
    before, after = (history.read_tree(history.commits[n].name) for n in (number - 1, number))
    old_names = history.read_names(history.commits[number - 1].name)
    keys = _list_namesakes(commit, {key: len(paths) for key, paths in old_names.items()})
    sources = [path for path in before if path in after and is_note(path) and is_visible(path)]
    history.load([before[path] for path in sources] + [after[path] for path in sources])
    stems = {file_name(item.path)[:-3] for item in commit.changes if name_key(item.path) in keys}
    if not stems:
        return []
    spellings = {spelling for stem in stems for spelling in (stem, quote(stem))}
    pattern = re.compile(
        b"|".join(re.escape(word.encode("utf-8", "surrogateescape")) for word in sorted(spellings)),
        re.IGNORECASE,
    )
    moved = {**dict(list_renames(history, commit)), **find_exchanged(commit)}
    return [
        case
        for path in sources
        if pattern.search(history.read_bytes(after[path]))
        for case in _compare_targets(history, number, path, moved)
    ]


def _compare_targets(
    history: History, number: int, source: str, moved: Mapping[str, str]
) -> Iterator[Case]:
    """Yield the unchanged links of a note that resolve to another text now."""
    states = [history.commits[n].name for n in (number - 1, number)]
    texts = [history.read_text(history.read_tree(state)[source]) for state in states]
    names = [history.read_names(state) for state in states]
    links = [_group_links(source, text) for text in texts]
    after = history.read_tree(states[1])
    for raw, link in links[1].items():
        if raw not in links[0]:
            continue
        old, new = (resolve(source, link.lookup_target, known) for known in names)
        if not old or not new or not is_note(old):
            continue
        truth = moved.get(old, old)
        if truth != new and truth in after:
            if old == new:
                sort = "name taken over"
            else:
                sort = "namesake nearer" if truth == old else "moved, namesake"
            yield Case("retargets", sort, Place(old), Place(truth), source=source, start=link.start)


def _group_links(path: str, text: str) -> dict[str, Link]:
    """Return the first link in a note of each spelling."""
    links = parse_text(path, text).links
    return {link.raw: link for link in reversed(links) if link.target and not link.external}
