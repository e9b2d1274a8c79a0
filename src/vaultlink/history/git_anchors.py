"""Find in git what became of headings and blocks of earlier commits."""

from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import msgspec

from vaultlink.git.location import ReadBudget
from vaultlink.git.objects import (
    RawDiffEntry,
    diff_budget,
    diff_working_tree,
    list_commit_changes,
    read_blobs,
)
from vaultlink.git.program import run_git
from vaultlink.git.repository import list_untracked
from vaultlink.history.git_log import LogStore, load_value
from vaultlink.history.headings import (
    NotePair,
    anchor_keys,
    find_moved_anchor,
    last_key,
    match_anchors_of,
)
from vaultlink.index.anchors import find_anchor
from vaultlink.index.resolve import is_note
from vaultlink.model import Destination, Note
from vaultlink.parse.note import parse_note
from vaultlink.text import group_by

_MAX_BYTES = 50_000_000
"""Maximum size of all versions of notes that are parsed."""

_MAX_READ_BYTES = 48_000_000
"""Bytes of the versions of notes that are read, as a budget."""

_MAX_PARSED_BYTES = 4_000_000
"""Bytes of the versions that are kept parsed, which takes many times as much memory."""


class NoteVersions:
    """Earlier versions of notes by blob name, parsed when needed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._data: dict[str, bytes | None] = {}
        self._notes: dict[tuple[str, str], Note | None] = {}
        self._texts: dict[str, str] = {}
        self._left = _MAX_BYTES
        self._budget = ReadBudget(root, _MAX_READ_BYTES)
        self._parsed_bytes = 0

    def read(self, names: Iterable[str]) -> None:
        missing = [name for name in dict.fromkeys(names) if name not in self._data]
        if missing:
            blobs = read_blobs(self._root, missing, self._budget)
            self._data.update(zip(missing, blobs, strict=True))

    def is_readable(self, name: str) -> bool:
        return self._left > 0 and self._data.get(name) is not None

    def has_text(self, name: str, text: str) -> bool:
        self.read([name])
        return text.encode("utf-8", "surrogatepass") in (self._data[name] or b"")

    def may_have(self, name: str, key: str) -> bool:
        """Return False if a blob lacks a word of a heading or block, and so lacks it."""
        if name not in self._texts:
            self.read([name])
            self._texts[name] = (self._data[name] or b"").decode("utf-8", "replace").lower()
        return max(key.split(), key=len, default="") in self._texts[name]

    def parse(self, path: str, name: str) -> Note | None:
        """Return a version of a note; None if git can't read it, or if it is no text."""
        if (path, name) not in self._notes:
            self.read([name])
            data, note = self._data[name], None
            self._left -= len(data or b"")
            self._parsed_bytes += len(data or b"")
            if self._parsed_bytes > _MAX_PARSED_BYTES:
                self._notes, self._parsed_bytes = {}, len(data or b"")
            if data is not None and self._left > 0:
                with suppress(UnicodeDecodeError):
                    note = parse_note(path, data.removeprefix(BOM_UTF8).decode("utf-8"))
            self._notes[path, name] = note
        return self._notes[path, name]


_MAX_COMMITS = 200
"""Maximum number of commits in which a note changed that are looked at."""

_MAX_NOTES = 100
"""Notes that are looked up in the log at once."""

_MAX_CANDIDATES = 100
"""Maximum number of notes changed in one commit that may have gained a heading."""

_MAX_DEPTH = 3
"""Maximum number of notes that a heading went through one after the other."""

_STORE_KEY = "git-anchors"

Wanted = Mapping[str, Collection[str]]
"""Vault path to keys of missing headings and blocks."""


class PresentNotes(NamedTuple):
    """The files and notes of the vault now; `moves` maps former to present paths."""

    files: Collection[str]
    notes: Mapping[str, Note]
    moves: Mapping[str, str]

    def follow(self, path: str) -> str:
        return path if path in self.files else self.moves.get(path, "")


def find_git_anchors(
    root: Path, wanted: Wanted, now: PresentNotes, store: LogStore | None = None
) -> dict[str, dict[str, Destination]]:
    """Return what became of missing anchors, without a subpath if no version had one."""
    head = (run_git(root, "rev-parse", "HEAD") or b"").decode().strip() if wanted else ""
    if not head:
        return {}
    stored = load_value(store, _STORE_KEY, tuple[str, dict[str, Destination | None]])
    kept = stored[1] if stored and stored[0] == head else {}
    reader = NoteVersions(root)
    missing = {
        path: [key for key in keys if f"{path}\0{key}" not in kept] for path, keys in wanted.items()
    }
    missing = {path: keys for path, keys in missing.items() if keys}
    if missing:
        found = _Commits(root, reader, now.moves).find(missing)
        for path, lost in missing.items():
            kept.update((f"{path}\0{key}", found.get((path, key))) for key in lost)
        if store is not None:
            store.save(_STORE_KEY, msgspec.msgpack.encode((head, kept)))
    working_tree = _Uncommitted(root, reader, now)
    result: dict[str, dict[str, Destination]] = {}
    for path, keys in wanted.items():
        for key in keys:
            place = working_tree.follow(kept.get(f"{path}\0{key}"), path, key)
            if place:
                result.setdefault(path, {})[key] = place
    return result


class _Version(NamedTuple):
    path: str
    blob: str


class _NoteChange(NamedTuple):
    """A change of a note in a commit: None before its creation, or after its end."""

    commit: str
    before: _Version | None
    after: _Version | None


def _list_versions(changes: Iterable[_NoteChange]) -> Iterator[_Version]:
    for change in changes:
        yield from filter(None, (change.before, change.after))


def _list_changes(
    root: Path, former_paths: Mapping[str, Collection[str]]
) -> dict[str, list[_NoteChange]]:
    """Return the changes of notes since their creation by present path, latest first."""
    present = {old: path for path, paths in former_paths.items() for old in paths}
    changes: dict[str, list[_NoteChange]] = {path: [] for path in former_paths}
    paths = ["--", *(f":(literal){path}" for path in present)]
    commits = run_git(
        root,
        *("rev-list", "--no-merges", f"--max-count={_MAX_COMMITS * 5}", "HEAD", *paths),
        ok_codes=(0, 128),
    )
    names = (commits or b"").decode().split()
    for entry in list_commit_changes(root, names, diff_budget(root), "--root", *paths):
        if entry.old not in present:
            continue
        known = changes[present[entry.old]]
        before = _Version(entry.old, entry.blob) if entry.blob else None
        after = _Version(entry.old, entry.new_blob) if entry.new_blob else None
        if known and known[-1].commit == entry.commit:
            # Renamed: one path was removed, and the other was added.
            last = known.pop()
            before, after = last.before or before, last.after or after
        elif known and known[-1].before is None:
            continue  # the file that was there before is another one
        known.append(_NoteChange(entry.commit, before, after))
    return {path: found[:_MAX_COMMITS] for path, found in changes.items()}


Candidates = Callable[[], Mapping[str, NotePair]]
"""Returns the notes of a commit that may have gained a heading, before (None if new) and after."""


def _follow_step(
    key: str, place: Destination, before: Note, after: Note | None, candidates: Candidates
) -> Destination | None:
    """Return the place, in the note afterwards, of an anchor; None if it is gone."""
    if key in anchor_keys(after):
        return place
    found = match_anchors_of(before, after).get(key) if after is not None else None
    if found is None or not found.is_certain:
        found = find_moved_anchor(key, before, candidates()) or found
    if found is None:
        return None
    return found._replace(is_certain=place.is_certain and found.is_certain)


class _Commits:
    def __init__(self, root: Path, versions: NoteVersions, moves: Mapping[str, str]) -> None:
        self._root, self._versions = root, versions
        self._old_paths = group_by(moves, moves.__getitem__)
        self._candidates: dict[str, list[RawDiffEntry]] = {}
        self._moves = moves
        self._budget = diff_budget(root)

    def find(self, wanted: Wanted, depth: int = 0) -> dict[tuple[str, str], Destination]:
        found: dict[tuple[str, str], Destination] = {}
        paths = list(wanted)
        for start in range(0, len(paths), _MAX_NOTES):
            part = paths[start : start + _MAX_NOTES]
            former = {path: (path, *self._old_paths.get(path, ())) for path in part}
            changes = _list_changes(self._root, former)
            versions = _list_versions(chain.from_iterable(changes.values()))
            self._versions.read(version.blob for version in versions)
            for path, listed in changes.items():
                for key in wanted[path]:
                    place = self._find_key(key, path, listed, depth)
                    if place:
                        found[path, key] = place
        return found

    def _find_key(
        self, key: str, path: str, changes: Sequence[_NoteChange], depth: int
    ) -> Destination | None:
        last = changes[0].after if changes else None
        if last and self._has_key(last, key):
            return Destination(last.path, f"#{key}")
        number = next((n for n, c in enumerate(changes) if self._has_key(c.before, key)), None)
        if number is None:
            return Destination(path) if self._is_complete(changes) else None
        place = Destination(path, f"#{key}")
        for change in reversed(changes[: number + 1]):
            before, after = self._parse(change.before), self._parse(change.after)
            if before is None:
                return None
            own_path = change.after.path if change.after else path
            candidates = partial(self._list_candidates, change, key)
            place = place._replace(path=own_path)
            found = _follow_step(key, place, before, after, candidates)
            if found is None:
                return None
            place = found
            key = last_key(place.subpath)
            if place.path != own_path:
                return self._follow_elsewhere(place, key, depth)
        return place

    def _is_complete(self, changes: Sequence[_NoteChange]) -> bool:
        """Return True if git has all versions of a note since it was created."""
        is_created = bool(changes) and changes[-1].before is None
        blobs = (version.blob for version in _list_versions(changes))
        return is_created and all(map(self._versions.is_readable, blobs))

    def _has_key(self, version: _Version | None, key: str) -> bool:
        if version is None or not self._versions.may_have(version.blob, key):
            return False
        return key in anchor_keys(self._versions.parse(*version))

    def _follow_elsewhere(self, place: Destination, key: str, depth: int) -> Destination | None:
        path = self._moves.get(place.path, place.path)
        if depth >= _MAX_DEPTH:
            return None
        later = self.find({path: [key]}, depth + 1).get((path, key))
        if later is None or not later.subpath:
            return None
        subpath = place.subpath if later.subpath == f"#{key}" else later.subpath
        return Destination(later.path, subpath, later.is_certain and place.is_certain)

    def _parse(self, version: _Version | None) -> Note | None:
        return self._versions.parse(*version) if version else None

    def _list_candidates(self, change: _NoteChange, key: str) -> Mapping[str, NotePair]:
        """Return the other notes changed in a commit that may have a heading or block."""
        if change.commit not in self._candidates:
            entries = [
                entry
                for entry in list_commit_changes(self._root, [change.commit], self._budget)
                if entry.status in "AM" and is_note(entry.old)
            ][:_MAX_CANDIDATES]
            blobs = (name for entry in entries for name in (entry.blob, entry.new_blob))
            self._versions.read(filter(None, blobs))
            self._candidates[change.commit] = entries
        own = {version.path for version in _list_versions([change])}
        return {
            entry.old: (self._versions.parse(entry.old, entry.blob) if entry.blob else None, note)
            for entry in self._candidates[change.commit]
            if entry.old not in own
            and self._versions.may_have(entry.new_blob, key)
            and (note := self._versions.parse(entry.old, entry.new_blob)) is not None
        }


class _Uncommitted:
    def __init__(self, root: Path, versions: NoteVersions, now: PresentNotes) -> None:
        self._root, self._versions, self._now = root, versions, now
        self._candidates: dict[str, NotePair] | None = None

    def follow(
        self, place: Destination | None, wanted_path: str, wanted_key: str
    ) -> Destination | None:
        """Return the present place of an anchor that was at `place`; None if it is gone."""
        if place is None or not place.subpath:
            return place
        path, key = self._now.follow(place.path), last_key(place.subpath)
        now = self._now.notes.get(path) if path else None
        if (path, key) == (wanted_path, wanted_key) or key not in anchor_keys(now):
            before = self._versions.parse(place.path, f"HEAD:./{place.path}")
            if before is None:
                return None
            candidates = partial(self._list_candidates, path)
            found = _follow_step(key, place._replace(path=path), before, now, candidates)
            if found is None or (found.path, last_key(found.subpath)) == (wanted_path, wanted_key):
                return None
            place = found
        target = self._now.notes.get(self._now.follow(place.path))
        if target is None or find_anchor(target, place.subpath) is None:
            return None
        return place._replace(path=target.path)

    def _list_candidates(self, own: str) -> Mapping[str, NotePair]:
        if self._candidates is None:
            entries = diff_working_tree(self._root, "HEAD") or ()
            names = {entry.old: entry.blob for entry in entries if entry.status in "AM"}
            names.update(dict.fromkeys(list_untracked(self._root)(), ""))
            notes = [
                (path, name, note)
                for path, name in names.items()
                if path in self._now.files and (note := self._now.notes.get(path)) is not None
            ][:_MAX_CANDIDATES]
            self._candidates = {
                path: (self._versions.parse(path, name) if name else None, note)
                for path, name, note in notes
            }
        return {path: notes for path, notes in self._candidates.items() if path != own}
