"""One vault kept warm, for many readers and one writer."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from vaultlink.api import Vault, find_origin, open_vault
from vaultlink.disk.changes import Progress
from vaultlink.disk.git_history import find_git_history
from vaultlink.disk.obsidian_files import OBSIDIAN_FILES
from vaultlink.disk.read import config_candidates
from vaultlink.disk.scan import VaultScan, is_source_file, is_vault_path, scan_vault
from vaultlink.errors import ConfigError, DamagedCacheError, UsageError, VaultError
from vaultlink.fix.plan import Plan
from vaultlink.fix.requests import Request
from vaultlink.git.location import find_git_dir
from vaultlink.git.repository import find_git_settings, read_git_state
from vaultlink.index.packed_map import read_items
from vaultlink.index.resolve import parent_folder
from vaultlink.index.words import forget_words
from vaultlink.model import FileStamp
from vaultlink.refactor.relocation import RefusedError
from vaultlink.serve.stepper import Rescan, Stepper, folder_identity, has_no_notes, rescan
from vaultlink.text import list_first, quote_name
from vaultlink.watch.backend import BackendFactory, EventFeed, open_system_backend
from vaultlink.watch.events import ChangeHints, EventQueue
from vaultlink.watch.garbage import free_new_objects, free_unused_objects
from vaultlink.write.cache import forget_cache_file
from vaultlink.write.journal_files import digest_content
from vaultlink.write.write_notes import WriteResult

# -- changes of the files that hold a vault's settings ---------------------------------------------


class SettingsSnapshot:
    """Stamps of the settings files, and the git state, when last checked."""

    def __init__(self, scan: VaultScan):
        self._root = scan.root
        self._git_files = find_git_settings(scan.root)
        self._stamps, self._git_state = self._read_stamps(scan), read_git_state(scan.root)

    def has_changed(self, scan: VaultScan) -> bool:
        return self._read_stamps(scan) != self._stamps

    def has_git_changed(self) -> bool:
        return read_git_state(self._root) != self._git_state

    def _read_stamps(self, scan: VaultScan) -> list[FileStamp | None]:
        return [_read_stamp(file) for file in (*_list_settings_files(scan), *self._git_files)]


def _list_settings_files(scan: VaultScan) -> Iterator[Path]:
    if not scan.settings.isolated:
        yield from config_candidates(scan.root, scan.settings.config_file)
    yield from (scan.root / path for path in OBSIDIAN_FILES)
    git_dir = find_git_dir(scan.root)
    if git_dir:
        yield git_dir / "info" / "exclude"
        for parent in scan.root.parents if not (scan.root / ".git").exists() else ():
            yield parent / ".gitignore"
            if (parent / ".git").exists():
                break


def _read_stamp(file: Path) -> FileStamp | None:
    try:
        status = os.stat(file)  # noqa: PTH116 - faster, runs at every heartbeat
    except OSError:
        return None
    return FileStamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _reopen_if_changed(vault: Vault) -> Vault | None:
    """Return the vault opened with the current settings; None if nothing differs."""
    previous = vault.scan
    current = scan_vault(previous.root, previous.settings)
    files = current.listing.files
    is_same = (
        current.layers == previous.layers
        and current.obsidian == previous.obsidian
        and not any(_is_ignored(current, path) != _is_ignored(previous, path) for path in files)
    )
    return None if is_same else _open_lazily(current)


def _is_ignored(scan: VaultScan, path: str) -> bool:
    return bool(scan.is_git_ignored and scan.is_git_ignored(path))


def _use_single_process(vault: Vault) -> Vault:
    """Return the vault, set to read notes in one process: it can't fork with threads."""
    scan = replace(vault.scan, settings=replace(vault.scan.settings, jobs=1))
    return Vault(scan, vault.state, vault.overlays)


_LISTING_SHARE = 0.02
"""Share of the time that listing files may take where events are delivered.

Some systems deliver none for changes on other computers, so the files are listed now and then.
"""

_MAX_PLANS = 20
"""Plans that are kept. A program that makes more of them has forgotten the first."""

_MAX_ATTEMPTS = 3
"""How often a plan is made again because the vault changes just then."""

_MANY_WRITTEN = 20
"""Files that a run writes above which memory is given back at once."""

_MAX_NAMED = 5
"""Notes that a refusal names."""


class StoredPlan(msgspec.Struct, frozen=True):
    """A plan of some requests that is kept until it is applied, and its scan."""

    id: str
    requests: tuple[Request, ...]
    plan: Plan
    scan: VaultScan


class _KeptPlan(NamedTuple):
    """A plan without its texts: the requests, and digests of what it writes."""

    requests: tuple[Request, ...]
    digests: Mapping[str, bytes]


class _WholePlan(NamedTuple):
    """The newest plan, which has the texts and the states of all it changes."""

    stored: StoredPlan
    held: Mapping[str, bytes]

    def is_for(self, vault: Vault) -> bool:
        """Return True if the vault is still the one that the plan was made for."""
        return self.stored.scan is vault.scan and self.held == vault.overlays


class Workspace:
    """A vault that is kept up to date, for many readers and one writer.

    Readers take `vault`, which is immutable. All other calls must come from one thread at a time.
    Raises VaultError or ConfigError if the vault can't be opened.

    Args:
        scan: A finished scan of the vault.
        progress: As of `open_vault`.
        poll_seconds: Seconds between full rescans; None to use the events of `backend_factory`.
        rescan_interval: The same for a backend that may lose events.
        backend_factory: Opens the source of change events.

    Attributes:
        events: The events that are not handled yet.
        feed: Their source.
        stepper: Steps the vault.
    """

    def __init__(
        self,
        scan: VaultScan,
        progress: Progress | None = None,
        *,
        poll_seconds: float | None = None,
        rescan_interval: float = 60.0,
        backend_factory: BackendFactory = open_system_backend,
    ):
        self.root = scan.root
        self._settings = SettingsSnapshot(scan)
        self._settings_error: ConfigError | None = None
        self._identity = folder_identity(scan.root)
        self.stepper = Stepper(_open_lazily(scan, progress))
        self.events = EventQueue()
        self.feed = EventFeed(self.events, poll_seconds, rescan_interval, backend_factory)
        self._has_started = False
        self._next_listing = 0.0
        self._shared: set[str] = set()
        self._plans: dict[str, _KeptPlan] = {}
        self._newest: _WholePlan | None = None

    @property
    def vault(self) -> Vault:
        """The newest state of the vault, with the held texts."""
        return self.stepper.vault

    def start(self) -> None:
        """Begin to look for changes. The vault is read in one process from now on."""
        self.stepper.vault = _use_single_process(self.vault)
        self._has_started = True
        self._follow_files()

    def _follow_files(self) -> None:
        self.feed.start(self.vault.scan.listing.folders, time.monotonic())
        self._shared.clear()
        self._note_shared(self.vault.scan.listing.files)

    def refresh(self) -> Vault:
        """Take over what changed on disk, and return the vault.

        Raises VaultError while the folder does not exist or has no notes, and ConfigError while the
        settings are invalid. The vault stays as it was then.
        """
        if not self._has_started:
            self.start()
        if not self.is_in_place():
            self.reopen()
        elif self.is_outdated():
            self.reload_settings()
        elif self._settings_error:
            raise self._settings_error
        result = self._look()
        if self.has_new_settings(result.scan) and self.reload_settings():
            result = self.rescan(ChangeHints(full_rescan=True))
        if has_no_notes(result.scan):
            self.events.request_full_rescan()
            raise VaultError(f"{self.root}: there is no note in this vault any more.")
        if result.paths or result.scan.listing != self.vault.scan.listing:
            self.stepper.commit(self.stepper.prepare(result))
        return self.vault

    def hold(self, path: str, content: str | bytes) -> Vault:
        """Hold an unsaved text of a note, which wins over the disk, and return the vault.

        Raises VaultError if no note of a vault can have this path.
        """
        if not is_vault_path(path) or "\0" in path or not is_source_file(path):
            name = quote_name(path)
            raise VaultError(f"{name} is not the path of a note, canvas or base in a vault.")
        data = content.encode() if isinstance(content, str) else content
        self.stepper.hold(path, data)
        return self.vault

    def release(self, path: str) -> Vault:
        """Take the text on disk in place of a held one, and return the vault."""
        if path in self.vault.overlays:
            result = self.rescan(ChangeHints(frozenset({path})))
            self.stepper.commit(self.stepper.prepare(result, path))
        return self.vault

    # -- plans -------------------------------------------------------------------------------------

    def plan(self, requests: Sequence[Request]) -> StoredPlan:
        """Plan changes of the vault as it is now, and keep the plan. Does not write.

        Raises UsageError as `Vault.plan`, and as `refresh`.
        """
        self._newest = None  # it would take memory beside the one to be made
        vault = self.refresh()
        plan = vault.plan(*requests)
        stored = StoredPlan(os.urandom(4).hex(), tuple(requests), plan, vault.scan)
        kept = _KeptPlan(stored.requests, _digest_plan(plan))
        self._plans = dict([*self._plans.items(), (stored.id, kept)][-_MAX_PLANS:])
        self._newest = _WholePlan(stored, vault.overlays)
        return stored

    def apply(self, plan_id: str, command: str = "vaultlink (server)") -> WriteResult:
        """Write a plan that is kept, step over what was written, and return the result.

        If the vault changed since, the plan is made again. It is refused unless it writes the same:
        RefusedError names the notes. Raises UsageError if there is no such plan.
        """
        kept = self._plans.get(plan_id)
        if kept is None:
            raise UsageError(
                f"there is no plan {quote_name(plan_id)}: it was applied, or it is too old. "
                "Plan the change again."
            )
        for _ in range(_MAX_ATTEMPTS):
            vault = self.refresh()
            plan = self._renew_plan(plan_id, kept, vault)
            result = vault.apply(plan, command)
            if not result.is_outdated:
                del self._plans[plan_id], plan
                self._follow(result)
                return result
            self.events.request_full_rescan()
        raise RefusedError("the vault keeps changing, so the plan was not applied. Try again.")

    def undo(self, run: str | None = None) -> WriteResult:
        """Revert a run, by default the last one, and step over what was restored."""
        result = self.refresh().undo(run)
        self._follow(result)
        return result

    def _renew_plan(self, plan_id: str, kept: _KeptPlan, vault: Vault) -> Plan:
        """Return the plan for the vault as it is; refuse one that writes something else."""
        newest = self._newest
        if newest and newest.stored.id == plan_id and newest.is_for(vault):
            plan = newest.stored.plan
        else:
            plan = vault.plan(*kept.requests)
            now = _digest_plan(plan)
            differing = [
                path for path in {**kept.digests, **now} if kept.digests.get(path) != now.get(path)
            ]
            if differing:
                names = list_first(sorted(differing), _MAX_NAMED)
                raise RefusedError(
                    f"the vault changed since the plan was made: {names}. Nothing was written. "
                    "Plan the change again."
                )
        unsaved = sorted(vault.overlays.keys() & {*plan.texts, *plan.files})
        if unsaved:
            names = list_first(unsaved, _MAX_NAMED)
            raise RefusedError(f"unsaved texts would be lost: {names}. Save or close them first.")
        return plan

    def _follow(self, result: WriteResult) -> None:
        """Step over the paths that were written, and free what the run needed."""
        self._newest = None
        moved = {path for pair in result.moved for path in pair}
        paths = frozenset({*result.written, *moved})
        folders = self.vault.scan.listing.folders
        is_known = all(path not in folders and parent_folder(path) in folders for path in paths)
        hints = ChangeHints(paths) if is_known else ChangeHints(full_rescan=True)
        try:
            self.stepper.commit(self.stepper.prepare(self.rescan(hints)))
        except DamagedCacheError as error:  # else the caller would write again
            self.recover(error)
        if len(paths) > _MANY_WRITTEN:
            self.fold()

    def tidy(self) -> None:
        """Free what the last calls left, which takes some milliseconds."""
        self.stepper.fold()
        forget_words()
        free_new_objects()

    def fold(self) -> None:
        """Give back the memory that is not needed, when nothing is asked for a while."""
        self._newest = None
        self.stepper.fold()
        forget_words()
        free_unused_objects()

    def close(self) -> None:
        """Stop to look for changes."""
        self.feed.stop()

    # -- looking at the disk -----------------------------------------------------------------------

    def rescan(self, hints: ChangeHints) -> Rescan:
        """Compare the files on disk with the vault as last scanned. Changes nothing."""
        return rescan(self.vault.scan, hints, self.feed.watch_folders)

    def _look(self) -> Rescan:
        """Rescan what events name; everything where some may be missing."""
        now = time.monotonic()
        self.feed.check(self.vault.scan.listing.folders, now)
        has_all_events = self.feed.flush()
        hints = self.events.take()
        if has_all_events and not hints.full_rescan and now < self._next_listing:
            result = self.rescan(replace(hints, paths=hints.paths | self._shared))
        else:
            result = self.rescan(ChangeHints(full_rescan=True))
            end = time.monotonic()
            self._next_listing = end + (end - now) / _LISTING_SHARE
        self._note_shared(result.paths)
        return result

    def _note_shared(self, paths: Iterable[str]) -> None:
        """Note which files have another name: those change without an event."""
        for path in filter(is_source_file, paths):
            self._shared.discard(path)
            with suppress(OSError):
                if os.stat(self.root / path).st_nlink > 1:  # noqa: PTH116 - faster
                    self._shared.add(path)

    def is_in_place(self) -> bool:
        """Return True unless the vault's folder is gone, or another one has its place."""
        return folder_identity(self.root) == self._identity

    def reopen(self) -> None:
        """Open the vault again if its folder was replaced.

        Raises VaultError and ConfigError.
        """
        identity = folder_identity(self.root)
        scan = scan_vault(self.root, self.vault.scan.settings)
        settings = SettingsSnapshot(scan)
        self.stepper.replace_vault(_use_single_process(_open_lazily(scan)))
        self._identity, self._settings = identity, settings
        self._follow_files()

    def recover(self, error: DamagedCacheError) -> None:
        """Open the vault again without a damaged cache file.

        Raises the error if that file can't be deleted, and as `reopen`.
        """
        if not forget_cache_file(error.file):
            raise error
        self.reopen()

    # -- settings ----------------------------------------------------------------------------------

    def has_new_settings(self, scan: VaultScan) -> bool:
        """Return True if settings files changed, or a later scan has others."""
        listing, known = scan.listing, self.vault.scan.listing
        return (
            self._settings.has_changed(scan)
            or listing.gitignores != known.gitignores
            or listing.vaults != known.vaults
        )

    def is_outdated(self) -> bool:
        """Return True if settings files or the state of git changed."""
        return self.has_new_settings(self.vault.scan) or self._settings.has_git_changed()

    def reload_settings(self) -> bool:
        """Apply changed settings or git state; return True if the vault is another one.

        Raises ConfigError if the settings are invalid. The previous ones stay in force then.
        """
        has_git_changed = self._settings.has_git_changed()
        self._settings = SettingsSnapshot(self.vault.scan)
        try:
            vault = _reopen_if_changed(self.vault)
        except ConfigError as error:
            self._settings_error = error
            raise
        self._settings_error = None
        before = self.vault
        if vault:
            self.stepper.replace_vault(_use_single_process(vault))
        elif has_git_changed and before.scan.settings.history and _has_unresolved(before):
            self.stepper.learn_history(find_git_history(before.scan, before.state))
        if self.vault is before:
            return False
        self.events.request_full_rescan()
        return True


def _digest_plan(plan: Plan) -> dict[str, bytes]:
    """Return a digest of what a plan does at each path."""
    found = {path: repr(texts) for path, texts in plan.texts.items()}
    for old, new in plan.files.items():
        found[old] = f"{found.get(old, '')} {new}"
    return {
        path: digest_content(text.encode("utf-8", "surrogatepass")) or b""
        for path, text in found.items()
    }


def _has_unresolved(vault: Vault) -> bool:
    return any(counts.dangling for _, counts in read_items(vault.state.tallies))


def _open_lazily(scan: VaultScan, progress: Progress | None = None) -> Vault:
    """Open a vault, and leave its notes in the cache, if any, until they are needed.

    A vault that was analysed just now is opened again from the cache, which has it now.
    """
    vault = open_vault(scan.root, scan.settings, progress, scan)
    origin, cache = find_origin(vault), scan.open_cache()
    if cache is None or origin is None or not origin.is_saved:
        return vault
    saved = cache.load(scan.listing.files)
    if saved is None or saved[0].table.identity != origin.identity:
        return vault  # it could not be saved
    del vault
    free_unused_objects()
    return open_vault(scan.root, scan.settings, None, scan)
