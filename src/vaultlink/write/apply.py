"""Read notes as they were analysed, and write plans for them.

`apply_plan` is the only way from a plan to the disk.
"""

import os
import stat
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping
from functools import cached_property

from msgspec.structs import replace

from vaultlink.disk.scan import VaultScan, is_source_file, list_files
from vaultlink.files import NO_FOLLOW, open_regular, read_handle
from vaultlink.fix.plan import Plan, VaultChanges
from vaultlink.index.file_kinds import find_conflicted_files, has_merge_markers
from vaultlink.model import FileStamp
from vaultlink.write.journal import record_and_write
from vaultlink.write.lock import lock_vault
from vaultlink.write.protection import make_barrier_finder
from vaultlink.write.replace import CHANGED_SINCE_READ, READ_ONLY
from vaultlink.write.undo import revert_interrupted
from vaultlink.write.write import WriteResult


class AnalysedTexts:
    """Texts of notes, as they were analysed; call it with a path to get one.

    A note has no text if it must not be changed: it changed since, has a conflict, can't be read,
    or `skip_reason(path, text)` returns a reason to skip it. `skip_reasons` holds the reasons by
    path. `overlays` are bytes that were analysed instead of those on disk.
    """

    def __init__(
        self,
        scan: VaultScan,
        skip_reason: Callable[[str, str], str | None] = lambda _path, _text: None,
        overlays: Mapping[str, bytes] | None = None,
    ):
        self._skip_reason, self._overlays = skip_reason, overlays or {}
        self._root = os.fspath(scan.root)
        self._files: Mapping[str, FileStamp] = scan.listing.files
        self._texts: dict[str, str | None] = {}
        self._paths_with_bom: set[str] = set()
        self._unwritable: dict[str, bool] = {}
        self._find_barrier = make_barrier_finder(self._root)
        self.skip_reasons: dict[str, str] = {}

    def __call__(self, path: str) -> str | None:
        if path not in self._texts:
            text, reason = self._read(path), None
            if path in self._conflicted_paths:
                reason = "a sync service created a conflicting copy of it"
            elif text is not None and has_merge_markers(text):
                reason = "it contains merge conflict markers"
            elif text is not None:
                reason = self._skip_reason(path, text)
            if reason:
                self.skip_reasons[path] = reason
            self._texts[path] = None if reason else text
        return self._texts[path]

    def _read(self, path: str) -> str | None:
        data = self._overlays[path] if path in self._overlays else self._read_from_disk(path)
        if data is None:
            return None
        if data.startswith(BOM_UTF8):
            self._paths_with_bom.add(path)
            data = data[len(BOM_UTF8) :]
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            self.skip_reasons[path] = "it is not UTF-8"
            return None

    def _read_from_disk(self, path: str) -> bytes | None:
        try:
            handle = open_regular(f"{self._root}/{path}", NO_FOLLOW)
            try:
                status = os.fstat(handle)
                data = read_handle(handle)
            finally:
                os.close(handle)
        except OSError as error:
            self.skip_reasons[path] = f"it can't be read: {error.strerror or error}"
            return None
        stamp = FileStamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if stamp != self._files.get(path):
            self.skip_reasons[path] = CHANGED_SINCE_READ
            return None
        return data

    def is_unwritable(self, path: str) -> bool:
        """Return True if a note can't be written. None of its fixes are tried then."""
        if path not in self._unwritable:
            reason = None if path in self._overlays else self._unwritable_reason(path)
            self._unwritable[path] = reason is not None
            if reason:
                self.skip_reasons[path] = reason
        return self._unwritable[path]

    def is_never_writable(self, path: str) -> bool:
        return self.is_unwritable(path) and self.skip_reasons[path] != READ_ONLY

    def _unwritable_reason(self, path: str) -> str | None:
        file = f"{self._root}/{path}"
        try:
            status = os.stat(file)  # noqa: PTH116 - called for every fixed note
        except OSError:
            return None  # writing reports it
        barrier = self._find_barrier(file, status)
        if barrier:
            return barrier
        return None if status.st_mode & stat.S_IWUSR and os.access(file, os.W_OK) else READ_ONLY

    @cached_property
    def _conflicted_paths(self) -> frozenset[str]:
        return find_conflicted_files(self._files)

    def has_mark(self, path: str) -> bool:
        return path in self._paths_with_bom

    def explain(self, path: str) -> str:
        return self.skip_reasons.get(path, "it can't be read")


def apply_plan(
    scan: VaultScan, plan: VaultChanges, command: str, summary: str, *, timeout: float | None = None
) -> WriteResult:
    """Write a plan, and record the run so that `vaultlink undo` can revert it.

    Each file is compared with the bytes it was planned with; what changed meanwhile is skipped and
    named, or nothing is written if the plan is whole.

    With a `timeout`, the seconds to wait for the write lock, interrupted runs are reverted, and
    nothing is written if that or anybody else has changed the vault since the scan. Without it, the
    caller has held the lock since before the scan. Raises JournalError; nothing was written then.
    """
    if timeout is not None:
        with lock_vault(scan.root, timeout=timeout):
            reverted = tuple([item.describe() for item in revert_interrupted(scan.root)])
            if reverted or _has_changed_since(scan):
                return WriteResult((), (), is_outdated=True, reverted=reverted)
            return apply_plan(scan, plan, command, summary)
    skipped, renames = (plan.skipped, plan.renames) if isinstance(plan, Plan) else ((), ())
    result = record_and_write(
        scan.root,
        command,
        summary,
        plan.writes(),
        moves=plan.moves,
        first=plan.required,
        obsolete=plan.emptied,
        left_out=[note.path for note in skipped] if renames else (),
        all_or_nothing=plan.is_whole,
    )
    return replace(result, skipped=(*skipped, *result.skipped))


def _has_changed_since(scan: VaultScan) -> bool:
    """Return True if a vault changed since a scan: the names of files, or notes.

    Plans for the scanned state could be wrong: they depend on the names of all files.
    """
    before, now = scan.listing.files, list_files(scan.root).files
    return before.keys() != now.keys() or any(
        before[path] != stamp for path, stamp in now.items() if is_source_file(path)
    )
