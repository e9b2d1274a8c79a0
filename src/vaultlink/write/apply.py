"""Apply fixes to a vault on disk.

Notes are read as they were analysed, fixed, and written with a journal record that can be undone.
`vaultlink.fix` computes the fixes, `vaultlink.write.write` writes.
"""

import os
import stat
from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property

from msgspec.structs import replace

from vaultlink.disk.scan import VaultScan
from vaultlink.disk.workers import analyse_texts
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import Change, State
from vaultlink.files import NO_FOLLOW, open_regular, read_handle
from vaultlink.fix.loop import FixPlan
from vaultlink.fix.sources import FixSources
from vaultlink.fix.verify import BrokenPromise
from vaultlink.index.conflicts import find_conflicted_files, has_merge_markers
from vaultlink.model import FileStamp, SkippedNote, Suggestion
from vaultlink.write.journal import record_and_write
from vaultlink.write.protection import make_barrier_finder
from vaultlink.write.replace import CHANGED_SINCE_READ, READ_ONLY
from vaultlink.write.write import PendingWrite, WriteResult


class AnalysedTexts:
    """Texts of notes, as they were analysed; call it with a path to get one.

    A note has no text if it changed since, has a conflict, can't be read, or if `skip_reason(path,
    text)` returns a reason to skip it. `skip_reasons` holds the reasons by path. `overlays` are
    bytes that were analysed instead of those on disk.
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
        """Return the text of a note; None if it must not be changed."""
        if path not in self._texts:
            text = self._read(path)
            reason = (
                None
                if text is None
                else (
                    "it contains merge conflict markers"
                    if has_merge_markers(text)
                    else self._skip_reason(path, text)
                )
            )
            if reason:
                self.skip_reasons[path] = reason
                text = None
            if path in self._conflicted_paths:
                self.skip_reasons[path] = "a sync service created a conflicting copy of it"
                text = None
            self._texts[path] = text
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
        if FileStamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns) != self._files.get(
            path
        ):
            self.skip_reasons[path] = CHANGED_SINCE_READ
            return None
        return data

    def is_unwritable(self, path: str) -> bool:
        """Return True if a note can't be written.

        No fixes of such a note are shown or tried.
        """
        if path not in self._unwritable:
            reason = None if path in self._overlays else self._unwritable_reason(path)
            self._unwritable[path] = reason is not None
            if reason:
                self.skip_reasons[path] = reason
        return self._unwritable[path]

    def is_never_writable(self, path: str) -> bool:
        """Return True if a note can't be written even without its write protection."""
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

    def encode_text(self, path: str, text: str) -> bytes:
        """Return the bytes of a text, with a byte order mark if the note has one."""
        return (BOM_UTF8 if path in self._paths_with_bom else b"") + text.encode()


def make_fix_sources(
    scan: VaultScan, texts: AnalysedTexts, suggest: Callable[[str], Sequence[Suggestion]] | None
) -> FixSources:
    """Return the texts, times and suggestions that fixes of a vault on disk use."""
    files = scan.listing.files
    return FixSources(
        texts,
        lambda path: files[path].modified if path in files else 0,
        suggest,
        texts.is_unwritable,
    )


def make_analyser(
    settings: LinterSettings, jobs: int | None
) -> Callable[[Mapping[str, str]], list[Change]]:
    """Return a function that analyses changed texts, in parallel if there are many."""

    def analyse_all(texts: Mapping[str, str]) -> list[Change]:
        return [
            Change(path, result)
            for path, result in zip(texts, analyse_texts(settings, texts, jobs), strict=True)
        ]

    return analyse_all


def list_skipped(texts: AnalysedTexts, plan: FixPlan) -> tuple[SkippedNote, ...]:
    """Return the notes that a fix plan skips or does not fix completely, with reasons."""
    unavailable = [
        SkippedNote(path, texts.skip_reasons.get(path, "it can't be read")) for path in plan.skipped
    ]
    return (
        *unavailable,
        *(
            SkippedNote(
                path, "its unsafe fixes would also change other content or cause new errors"
            )
            for path in plan.blocked
        ),
        *(SkippedNote(item.path, _describe_broken_promise(item)) for item in plan.broken_promises),
    )


def _describe_broken_promise(item: BrokenPromise) -> str:
    """Return the reason why a safe fix was left out, as a clause."""
    rules = " or ".join(item.rules) or "a rule"
    return (
        f"a fix of {rules} was left out because {item.problem.rstrip('.')}. "
        "This is a bug in vaultlink; please report it"
    )


def write_plan(
    scan: VaultScan,
    texts: AnalysedTexts,
    plan: FixPlan,
    command: str,
    summary: str,
    others: Sequence[PendingWrite] = (),
) -> WriteResult:
    """Write the notes of a fix plan, and `others` in the same run.

    Raises:
        JournalError: The journal record can't be written. Nothing is written then.
    """
    writes = [
        PendingWrite(
            path,
            None if old is None else texts.encode_text(path, old),
            texts.encode_text(path, new),
        )
        for path, (old, new) in sorted(plan.texts.items())
        if old != new
    ]
    result = record_and_write(scan.root, command, summary, [*writes, *others])
    return replace(result, skipped=(*list_skipped(texts, plan), *result.skipped))


def remaining_state(plan: FixPlan, written: Collection[str]) -> State:
    """Return the state after writing. Unwritten notes keep their old findings."""
    after, before = plan.after, plan.before
    paths = {path for path, (old, new) in plan.texts.items() if old != new}.difference(written)
    if not paths:
        return after
    diagnostics = dict(after.diagnostics)
    for path in paths:
        diagnostics.pop(path, None)
        if path in before.diagnostics:
            diagnostics[path] = before.diagnostics[path]
    return State(
        after.settings,
        after.index,
        after.all_findings,
        after.vault_findings,
        diagnostics,
        after.tallies,
    )
