"""Step a vault to what is on disk: look, read, follow moves, keep held texts."""

import os
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from vaultlink.api import Vault, fold_vault, open_recorded_moves, rebuild_settings
from vaultlink.disk.changes import read_changes
from vaultlink.disk.scan import (
    RACY_WINDOW_NS,
    VaultScan,
    is_noted_name,
    is_source_file,
    list_files,
    parse_leftover_name,
    read_stamp,
)
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import AnalysedNote, Change, State, step
from vaultlink.files import read_regular
from vaultlink.git.location import find_git_dir
from vaultlink.git.repository import filter_ignored
from vaultlink.history.file_pairs import Snapshot, follow
from vaultlink.history.link_changes import (
    leave_out,
    remember_created,
    remember_links,
    remember_names,
)
from vaultlink.history.matcher import PieceIndex
from vaultlink.index.index import Index
from vaultlink.index.resolve import is_note
from vaultlink.model import NO_HISTORY, UNCOMMITTED, FileStamp, History, Note
from vaultlink.watch.events import ChangeHints

# -- moves and deletions of files while a vault is watched, found by content -----------------------

_MAX_AGE_SECONDS = 600.0
"""Maximum seconds between the removal and the addition of a moved file.

The order does not matter: a file may be copied before it is deleted.
"""

V = TypeVar("V")

_MAX_RUN_NS = 60 * 10**9
"""Maximum time of a run that moves files."""

_MAX_REMEMBERED = 10_000
"""Maximum number of removed files and of added files that are remembered."""


class _SeenFile(NamedTuple):
    """A file when it was removed or added; `seen_at` is on the monotonic clock."""

    stamp: FileStamp
    note: Note | None
    seen_at: float


class MoveTracker:
    def __init__(self, history: History):
        self._past = _keep_files(history)
        self._removed: dict[str, _SeenFile] = {}
        self._added: dict[str, _SeenFile] = {}
        self._names: dict[str, list[str]] = {}
        self._fresh = NO_HISTORY
        self._forgotten: frozenset[str] = frozenset()

    def copy(self) -> "MoveTracker":
        other = MoveTracker(self._past)
        other._past = self._past  # with what was created
        other._removed, other._added = dict(self._removed), dict(self._added)
        other._names = dict(self._names)
        other._forgotten = self._forgotten
        return other

    def learn_history(self, history: History) -> None:
        self._past = self._past.then(_keep_files(history))

    def record_removed(self, path: str, stamp: FileStamp, note: Note | None) -> None:
        self._added.pop(path, None)
        self._removed[path] = _SeenFile(stamp, note, monotonic())

    def record_added(self, path: str, stamp: FileStamp, note: Note | None) -> None:
        self._removed.pop(path, None)
        self._names.pop(path, None)
        self._added[path] = _SeenFile(stamp, note, monotonic())

    def record_modified(self, path: str, stamp: FileStamp, note: Note | None) -> None:
        if path in self._added:
            self._added[path] = self._added[path]._replace(stamp=stamp, note=note)

    def record_names(self, path: str, names: Iterable[str]) -> None:
        """Record names that runs gave to a file before it was removed, all of them unseen.

        What becomes of the file becomes of these names.
        """
        seen = self._past.vanished.keys() | self._added.keys()
        if unseen := [name for name in names if name not in seen]:
            self._names[path] = unseen

    def match_new_moves(self, notes: PieceIndex) -> dict[str, str]:
        """Return the moves found since the last call, old path to new path.

        `notes` are those of the vault. `settle` must follow: else all removals count.
        """
        self._past = self._past.then(self._fresh)
        self._removed, self._added = _keep_recent(self._removed), _keep_recent(self._added)
        since = max(self._past.vanished.values(), default=UNCOMMITTED) + 1
        before, now = _to_snapshot(self._removed), _to_snapshot(self._added)
        fresh = follow(before, now, (), notes, since)
        self._forgotten = self._forgotten & self._removed.keys() - fresh.moves.keys()
        fresh = leave_out(fresh, self._forgotten)
        for old, new in fresh.moves.items():
            del self._removed[old], self._added[new]
        known = {
            path: self._past.vanished[path]
            for path in fresh.vanished
            if path in self._past.vanished
        }
        names = [(name, path) for path, given in self._names.items() for name in given]
        self._names = {path: given for path, given in self._names.items() if path in self._removed}
        self._fresh = replace(
            fresh,
            moves=_add_names(fresh.moves, names),
            deleted=fresh.deleted.union(_add_names(dict.fromkeys(fresh.deleted, ""), names)),
            vanished=_add_names({**fresh.vanished, **known}, names),
        )
        return dict(fresh.moves)

    def settle(self, before: Index, now: Index) -> None:
        """Add what `match_new_moves` found to the history.

        A file that was created and removed again is forgotten, as in other runs.
        """
        known, fresh = self._past.then(self._fresh), self._fresh
        self._past = remember_created(self._past, fresh, before, now)
        self._forgotten |= known.vanished.keys() - self._past.vanished.keys()
        self._fresh = NO_HISTORY

    def current_history(self, files: Collection[str]) -> History:
        return self._past.then(self._fresh).within(files)


def _add_names(found: Mapping[str, V], names: Iterable[tuple[str, str]]) -> dict[str, V]:
    """Return what was found by path, also by the other names of these files."""
    return {**found, **{name: found[path] for name, path in names if path in found}}


def _keep_files(history: History) -> History:
    return History(history.moves, history.deleted, history.vanished)


def _keep_recent(seen: dict[str, _SeenFile]) -> dict[str, _SeenFile]:
    since = monotonic() - _MAX_AGE_SECONDS
    recent = [(path, item) for path, item in seen.items() if item.seen_at >= since]
    return dict(recent[-_MAX_REMEMBERED:])


def _to_snapshot(seen: Mapping[str, _SeenFile]) -> Snapshot:
    return Snapshot(
        {path: item.stamp for path, item in seen.items()},
        lambda path: seen[path].note if path in seen else None,
    )


# -- check hinted files on disk and compare with the last scan. No note is read here ---------------

WatchFolders = Callable[[Mapping[str, str]], bool]
"""Starts to watch the folders of a vault; returns True if one was added."""


class Rescan(NamedTuple):
    """The new scan, and the paths that differ from the last one.

    `modified` files have another size or time; `maybe_modified` ones may have changed all the same.
    """

    scan: VaultScan
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    maybe_modified: tuple[str, ...] = ()

    @property
    def has_added_or_removed(self) -> bool:
        return bool(self.added or self.removed)

    def is_same(self, other: "Rescan") -> bool:
        files, others = self.scan.listing.files, other.scan.listing.files
        return self[1:] == other[1:] and all(
            files.get(path) == others.get(path) for path in self.paths
        )

    @property
    def paths(self) -> tuple[str, ...]:
        return (*self.added, *self.removed, *self.modified, *self.maybe_modified)


def folder_identity(root: Path) -> tuple[int, int] | None:
    """Return device and inode of a folder, which identify it; None if there is none."""
    try:
        status = os.stat(root)  # noqa: PTH116 - faster, runs for every batch
    except OSError:
        return None
    return status.st_dev, status.st_ino


def rescan(scan: VaultScan, hints: ChangeHints, watch_folders: WatchFolders) -> Rescan:
    """Compare the files on disk with a scan.

    In a full rescan new folders are watched (`watch_folders`) before their content is listed, so
    that no change is missed.
    """
    started = time.time_ns()
    files = None if hints.full_rescan else _update_files(scan, hints)
    if files is None:
        listing = list_files(scan.root)
        while watch_folders(listing.folders):
            listing = list_files(scan.root)
        paths: Iterable[str] = [
            *listing.files,
            *(path for path in scan.listing.files if path not in listing.files),
        ]
    else:
        listing, paths = replace(scan.listing, files=files), hints.paths
    after = replace(scan, listing=listing, started=started)
    return Rescan(after, *_compare_scans(scan, after, paths))


def _update_files(scan: VaultScan, hints: ChangeHints) -> dict[str, FileStamp] | None:
    """Return the files of `scan` with hinted paths read again; None for a full rescan.

    A full rescan is needed where folders behind symbolic links are added or removed, where hidden
    files that are noted appear, vanish or change, except temporary ones that come and go, and on
    systems that may report file names in another spelling than they list them.
    """
    root, before = os.fspath(scan.root), scan.listing
    if sys.platform != "linux" and not hints.paths <= before.files.keys():
        return None
    files = dict(before.files)
    for path in hints.paths:
        stamp = read_stamp(root, path)
        if stamp:
            files[path] = stamp
        elif (
            _has_hidden_changed(root, path, before.leftovers)
            or path in before.folders
            or os.path.islink(f"{root}/{path}")  # noqa: PTH114 - faster, runs for every file
        ):
            return None
        else:
            files.pop(path, None)
    return files


def _has_hidden_changed(root: str, path: str, leftovers: Collection[str]) -> bool:
    name = path[path.rfind("/") + 1 :]
    if parse_leftover_name(name):
        return (path in leftovers) != os.path.lexists(f"{root}/{path}")
    return is_noted_name(name)


def _compare_scans(
    scan: VaultScan, after: VaultScan, paths: Iterable[str]
) -> tuple[tuple[str, ...], ...]:
    before, now, trusted = scan.listing.files, after.listing.files, scan.started - RACY_WINDOW_NS
    added, removed, modified, maybe_modified = [], [], [], []
    for path in sorted(paths):
        old, new = before.get(path), now.get(path)
        if old is None or new is None:
            if new:
                added.append(path)
            elif old:
                removed.append(path)
        elif is_source_file(path):
            if old[:2] != new[:2]:
                modified.append(path)
            elif old != new or old.changed > trusted:
                maybe_modified.append(path)
    return tuple(added), tuple(removed), tuple(modified), tuple(maybe_modified)


def has_no_notes(scan: VaultScan) -> bool:
    """Return True if a vault has no notes, like an empty mount point."""
    return not any(is_note(path) for path in scan.listing.files)


class _IgnoredPaths(msgspec.Struct, frozen=True):
    """Test of the vault paths that git ignores.

    `is_known_ignored` answers for the files of the last full query, `ignored_since` holds the
    ignored files that were added since.
    """

    is_known_ignored: Callable[[str], bool] | None
    ignored_since: frozenset[str]

    def __call__(self, path: str) -> bool:
        return path in self.ignored_since or bool(
            self.is_known_ignored and self.is_known_ignored(path)
        )


def update_ignored(scan: VaultScan, added: Sequence[str]) -> VaultScan:
    """Return the scan with git's answer on the added files."""
    ignored = filter_ignored(scan.root, added) if added and find_git_dir(scan.root) else frozenset()
    before = (
        scan.is_git_ignored
        if isinstance(scan.is_git_ignored, _IgnoredPaths)
        else _IgnoredPaths(scan.is_git_ignored, frozenset())
    )
    ignored = frozenset(path for path in ignored if not before(path))
    if not ignored:
        return scan
    since = ignored.union(before.ignored_since & scan.listing.files.keys())
    return replace(scan, is_git_ignored=_IgnoredPaths(before.is_known_ignored, since))


# -- steps of a vault: each is prepared first, and can be dropped ----------------------------------
# Nothing is written to the vault here.


class PreparedStep(NamedTuple):
    """The result of a rescan.

    `covered` are the notes on disk that held texts cover, None where there is no note. `changed`
    are the paths whose content differs, `moved` the files that went from an old path to a new one.
    `has_news` is False if there is nothing to report.
    """

    before: Vault
    rescan: Rescan
    after: Vault
    move_tracker: MoveTracker
    covered: Mapping[str, Note | None]
    changed: frozenset[str]
    moved: Mapping[str, str]

    @property
    def has_news(self) -> bool:
        return bool(self.changed or self.rescan.modified)


class Stepper:
    """A vault that follows the disk; `vault` is its newest state.

    Texts that `vault` holds win over the disk: no step overrides them.
    """

    def __init__(self, vault: Vault):
        self.vault = vault
        self._move_tracker = MoveTracker(vault.state.settings.history)
        self._covered: Mapping[str, Note | None] = {}

    def prepare(self, rescan: Rescan, released: str | None = None) -> PreparedStep:
        """Compute the step that a rescan leads to. Changes nothing.

        `released` is a path of which the text on disk is taken again.
        """
        before, state, tracker = self.vault, self.vault.state, self._move_tracker.copy()
        scan = update_ignored(rescan.scan, rescan.added)
        held = {path: data for path, data in before.overlays.items() if path != released}
        settings = (
            state.settings
            if scan.is_git_ignored is before.scan.is_git_ignored
            else rebuild_settings(before, scan)
        )
        paths = dict.fromkeys((*rescan.paths, *((released,) if released else ())))
        read = list(read_changes(scan, settings, paths))
        changes = [change for change in read if change.path not in held]
        changed = [change for change in changes if _has_changed(state, change)]
        # Those of before will do: what changed is left out where notes are compared.
        pieces = PieceIndex(before.index.notes)
        moved = self._track_moves(tracker, rescan, read, pieces)
        is_other_set = rescan.has_added_or_removed or released is not None
        present = _list_present(scan, held)
        if is_other_set:
            settings = _with_history(settings, tracker.current_history(present))
        if changed or is_other_set or settings is not state.settings:
            state = step(state, changed, settings)
            past = follow(
                Snapshot(before.scan.listing.files, before.index.notes.get),
                Snapshot(scan.listing.files, state.index.notes.get),
                [change.path for change in changed],
                pieces,
            )
            if is_other_set:
                tracker.settle(before.index, state.index)
                settings = _with_history(settings, tracker.current_history(present))
            known, moves = settings.history, {**moved, **past.moves}
            moves = {old: new for old, new in moves.items() if old not in held}
            history = remember_links(known, before.index, state.index, moves)
            history = remember_names(history, before.index, state.index, moves)
            if history != state.settings.history:
                state = step(state, [], replace(settings, history=history))
        covered = {path: note for path, note in self._covered.items() if path in held}
        covered |= {change.path: _get_note(change) for change in read if change.path in held}
        paths_changed = frozenset(change.path for change in changed)
        after = Vault(scan, state, held)
        return PreparedStep(before, rescan, after, tracker, covered, paths_changed, moved)

    def is_still_valid(self, prepared: PreparedStep, rescan: Rescan) -> bool:
        return prepared.before is self.vault and rescan.is_same(prepared.rescan)

    def commit(self, prepared: PreparedStep) -> None:
        """Make a prepared step current."""
        self.vault, self._move_tracker = prepared.after, prepared.move_tracker
        self._covered = prepared.covered

    def hold(self, path: str, content: bytes) -> None:
        """Hold an unsaved text in place of the one on disk."""
        if self.vault.overlays.get(path) != content:
            before = self.vault
            if path not in before.overlays and _is_on_disk(before.scan, path, content):
                self.vault = Vault(before.scan, before.state, {**before.overlays, path: content})
            else:
                self.vault = before.holding(path, content)
            self._covered = {path: before.index.notes.get(path), **self._covered}
            if path not in before.index.files:
                self.vault = self._with_history(self.vault)

    def fold(self) -> None:
        """Encode again what steps changed. The vault stays equal, and needs less memory."""
        self.vault = fold_vault(self.vault)

    def replace_vault(self, vault: Vault) -> None:
        """Continue with a vault that was opened again. Held texts and the history stay."""
        held = self.vault.overlays
        self._covered = {path: vault.index.notes.get(path) for path in held}
        for path, content in held.items():
            vault = vault.holding(path, content)
        self.vault = self._learn(vault, vault.state.settings.history)

    def learn_history(self, history: History) -> bool:
        """Add a history from another source; return False if it is known already."""
        before, self.vault = self.vault, self._learn(self.vault, history)
        return self.vault is not before

    def _learn(self, vault: Vault, history: History) -> Vault:
        self._move_tracker.learn_history(history)
        return self._with_history(vault)

    def _with_history(self, vault: Vault) -> Vault:
        """Return a vault that knows the moves and deletions; the same one if it did."""
        before = vault.state.settings
        present = _list_present(vault.scan, vault.overlays)
        settings = _with_history(before, self._move_tracker.current_history(present))
        if settings is before:
            return vault
        return Vault(vault.scan, step(vault.state, [], settings), vault.overlays)

    def _track_moves(
        self, tracker: MoveTracker, rescan: Rescan, changes: list[Change], pieces: PieceIndex
    ) -> dict[str, str]:
        old, now = self.vault.scan.listing.files, rescan.scan.listing.files
        notes, covered = self.vault.index.notes, self._covered
        notes_read = {change.path: _get_note(change) for change in changes}
        names = self._follow_runs(rescan) if rescan.removed else {}
        for path in rescan.removed:
            note = covered[path] if path in covered else notes.get(path)
            tracker.record_names(path, names.get(path, ()))
            tracker.record_removed(path, old[path], note)
        for path in rescan.added:
            tracker.record_added(path, now[path], notes_read.get(path))
        for path in rescan.modified:
            tracker.record_modified(path, now[path], notes_read.get(path))
        return tracker.match_new_moves(pieces) if rescan.has_added_or_removed else {}

    def _follow_runs(self, rescan: Rescan) -> dict[str, Sequence[str]]:
        """Return the names that runs gave to removed files, and that are free again.

        A run may have begun before the last scan, which saw the files at their places.
        """
        scan, files = self.vault.scan, rescan.scan.listing.files
        found = open_recorded_moves(scan.root).follow(rescan.removed, scan.started - _MAX_RUN_NS)
        return {
            path: [name for name in names if name not in files] for path, names in found.items()
        }


def _get_note(change: Change) -> Note | None:
    return change.content.note if isinstance(change.content, AnalysedNote) else None


def _list_present(scan: VaultScan, held: Mapping[str, bytes]) -> Collection[str]:
    """Return the files on disk, and those that are only held."""
    files = scan.listing.files
    return files.keys() | held.keys() if held else files


def _with_history(settings: LinterSettings, history: History) -> LinterSettings:
    """Return settings with the files of this history; the same object if equal."""
    known = settings.history
    later = replace(known, moves=history.moves, deleted=history.deleted, vanished=history.vanished)
    return settings if later == known else replace(settings, history=later)


def _is_on_disk(scan: VaultScan, path: str, content: bytes) -> bool:
    """Return True if a text is that of a file as it was scanned."""
    stamp = scan.listing.files.get(path)
    if (
        stamp is None
        or stamp.size != len(content)
        or stamp.changed > scan.started - RACY_WINDOW_NS
        or stamp != read_stamp(os.fspath(scan.root), path)
    ):
        return False
    try:
        return read_regular(scan.root / path, len(content)) == content
    except OSError:
        return False


def _has_changed(state: State, change: Change) -> bool:
    """Return True if content or own findings changed; files without text always do."""
    content, note = change.content, state.index.notes.get(change.path)
    if not isinstance(content, AnalysedNote) or note is None:
        return True
    scopes = state.settings.scope_by_rule
    note_findings = tuple(
        item for item in state.all_findings.get(change.path, ()) if scopes[item.rule] == "note"
    )
    return note != content.note or note_findings != content.diagnostics
