"""Fixing a vault on disk: notes are read as they were analysed, repaired, and written, with a record that undoes it.

A surveyed vault and its state enter; what was written and what was left alone, each with why, leaves. The fixing itself is
`fixing`'s, the writing `writing`'s.
"""

import os
import stat
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from vaultlink.disk.scan import VaultScan
from vaultlink.disk.workers import analyse_texts
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import Change, State
from vaultlink.fix.loop import FixPlan
from vaultlink.fix.sources import FixSources
from vaultlink.index.conflicts import find_conflicted_files, has_merge_markers
from vaultlink.model import FileStamp, SkippedNote, Suggestion
from vaultlink.write.journal import record_and_write
from vaultlink.write.open_folders import OUTSIDE_VAULT
from vaultlink.write.replace import CHANGED_SINCE_READ, HARD_LINKED, READ_ONLY
from vaultlink.write.write import PendingWrite, WriteResult


class AnalysedTexts:
    """The texts of a vault's notes as they were analysed. A note has none if it changed since, is in dispute, can't be read,
    or if `bar`, asked with its path and text, says why it is to be left alone; `skip_reasons` says so. `held` are bytes that were analysed
    in place of those on disk."""

    def __init__(
        self,
        scan: VaultScan,
        bar: Callable[[str, str], str | None] = lambda _path, _text: None,
        held: Mapping[str, bytes] | None = None,
    ):
        self._skip_reason, self._overlays = bar, held or {}
        self._root = os.fspath(scan.root)
        self._files: Mapping[str, FileStamp] = scan.listing.files
        self._texts: dict[str, str | None] = {}
        self._paths_with_bom: set[str] = set()
        self._unwritable: dict[str, bool] = {}
        self.skip_reasons: dict[str, str] = {}

    def __call__(self, path: str) -> str | None:
        """The text of a note; None if it must not be changed."""
        if path not in self._texts:
            text = self._read(path)
            why = (
                None
                if text is None
                else (
                    "two versions of it are waiting to be merged"
                    if has_merge_markers(text)
                    else self._skip_reason(path, text)
                )
            )
            if why:
                self.skip_reasons[path] = why
                text = None
            if path in self._conflicted_paths:
                self.skip_reasons[path] = "a sync service left a conflicting copy of it"
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
            with open(f"{self._root}/{path}", "rb", buffering=0) as stream:  # noqa: PTH123 - the same file is asked for its times
                status = os.fstat(stream.fileno())
                data = stream.readall()
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
        """Whether a note could not be written as it should be, so that no fix of it is shown or tried."""
        if path not in self._unwritable:
            why = None if path in self._overlays else self._unwritable_reason(path)
            self._unwritable[path] = why is not None
            if why:
                self.skip_reasons[path] = why
        return self._unwritable[path]

    def _unwritable_reason(self, path: str) -> str | None:
        file = f"{self._root}/{path}"
        try:
            status = os.stat(file)  # noqa: PTH116 - asked of every note that is fixed
        except OSError:
            return None  # who writes will say it
        folder = os.path.realpath(os.path.dirname(file))  # noqa: PTH120 - as above
        if folder != self._root and not folder.startswith(f"{self._root}{os.sep}"):
            return OUTSIDE_VAULT
        if status.st_nlink > 1:
            return HARD_LINKED
        return None if status.st_mode & stat.S_IWUSR and os.access(file, os.W_OK) else READ_ONLY

    @cached_property
    def _conflicted_paths(self) -> frozenset[str]:
        return find_conflicted_files(self._files)

    def encode_text(self, path: str, text: str) -> bytes:
        """A text as it stands on disk, with the mark the note has."""
        return (BOM_UTF8 if path in self._paths_with_bom else b"") + text.encode()


def make_fix_sources(
    scan: VaultScan, texts: AnalysedTexts, suggest: Callable[[str], Sequence[Suggestion]] | None
) -> FixSources:
    """What late fixes may ask of a vault on disk."""
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
    """Examines changed texts, with all processors if there are many."""

    def examine(texts: Mapping[str, str]) -> list[Change]:
        return [
            Change(path, result)
            for path, result in zip(texts, analyse_texts(settings, texts, jobs), strict=True)
        ]

    return examine


def list_skipped(texts: AnalysedTexts, plan: FixPlan) -> tuple[SkippedNote, ...]:
    """The notes that a repair leaves alone, each with why."""
    stuck = [
        SkippedNote(path, texts.skip_reasons.get(path, "it can't be read")) for path in plan.skipped
    ]
    return (
        *stuck,
        *(
            SkippedNote(path, "its unsafe fixes would change more than they should")
            for path in plan.blocked
        ),
    )


def write_plan(
    scan: VaultScan, texts: AnalysedTexts, plan: FixPlan, command: str, summary: str
) -> WriteResult:
    """Write what a repair came to. Raises JournalError if no record of it can be kept; then nothing is written."""
    writes = [
        PendingWrite(
            path,
            None if old is None else texts.encode_text(path, old),
            texts.encode_text(path, new),
        )
        for path, (old, new) in sorted(plan.texts.items())
        if old != new
    ]
    result = record_and_write(scan.root, command, summary, writes)
    return replace(result, skipped=(*list_skipped(texts, plan), *result.skipped))


def remaining_state(plan: FixPlan, refused: Sequence[SkippedNote]) -> State:
    """The state that is left: findings of notes that were not written are still there."""
    after, before = plan.after, plan.before
    paths = {skipped_note.path for skipped_note in refused} & plan.texts.keys()
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
