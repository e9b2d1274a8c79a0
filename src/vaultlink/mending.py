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

from vaultlink.conflicts import disputed, unmerged
from vaultlink.engine import Change, Setting, State
from vaultlink.files import Stamp
from vaultlink.fixing.repair import Repair
from vaultlink.fixing.sources import Sources
from vaultlink.folders import OUTSIDE
from vaultlink.journal import perform
from vaultlink.model import Suggestion
from vaultlink.parallel import examine_texts
from vaultlink.replacing import CHANGED, READ_ONLY, SECOND_NAME
from vaultlink.survey import Survey
from vaultlink.writing import Outcome, Refusal, Write


class Texts:
    """The texts of a vault's notes as they were analysed. A note has none if it changed since, is in dispute, can't be read,
    or if `bar`, asked with its path and text, says why it is to be left alone; `why` says so. `held` are bytes that were analysed
    in place of those on disk."""

    def __init__(
        self,
        seen: Survey,
        bar: Callable[[str, str], str | None] = lambda _path, _text: None,
        held: Mapping[str, bytes] | None = None,
    ):
        self._barred, self._held = bar, held or {}
        self._root = os.fspath(seen.root)
        self._files: Mapping[str, Stamp] = seen.listing.files
        self._known: dict[str, str | None] = {}
        self._marked: set[str] = set()
        self._closed: dict[str, bool] = {}
        self.why: dict[str, str] = {}

    def __call__(self, path: str) -> str | None:
        """The text of a note; None if it must not be changed."""
        if path not in self._known:
            text = self._read(path)
            why = (
                None
                if text is None
                else (
                    "two versions of it are waiting to be merged"
                    if unmerged(text)
                    else self._barred(path, text)
                )
            )
            if why:
                self.why[path] = why
                text = None
            if path in self._disputed:
                self.why[path] = "a sync service left a conflicting copy of it"
                text = None
            self._known[path] = text
        return self._known[path]

    def _read(self, path: str) -> str | None:
        data = self._held[path] if path in self._held else self._on_disk(path)
        if data is None:
            return None
        if data.startswith(BOM_UTF8):
            self._marked.add(path)
            data = data[len(BOM_UTF8) :]
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            self.why[path] = "it is not UTF-8"
            return None

    def _on_disk(self, path: str) -> bytes | None:
        try:
            with open(f"{self._root}/{path}", "rb", buffering=0) as stream:  # noqa: PTH123 - the same file is asked for its times
                status = os.fstat(stream.fileno())
                data = stream.readall()
        except OSError as error:
            self.why[path] = f"it can't be read: {error.strerror or error}"
            return None
        if Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns) != self._files.get(path):
            self.why[path] = CHANGED
            return None
        return data

    def closed(self, path: str) -> bool:
        """Whether a note could not be written as it should be, so that no fix of it is shown or tried."""
        if path not in self._closed:
            why = None if path in self._held else self._bar(path)
            self._closed[path] = why is not None
            if why:
                self.why[path] = why
        return self._closed[path]

    def _bar(self, path: str) -> str | None:
        file = f"{self._root}/{path}"
        try:
            status = os.stat(file)  # noqa: PTH116 - asked of every note that is fixed
        except OSError:
            return None  # who writes will say it
        folder = os.path.realpath(os.path.dirname(file))  # noqa: PTH120 - as above
        if folder != self._root and not folder.startswith(f"{self._root}{os.sep}"):
            return OUTSIDE
        if status.st_nlink > 1:
            return SECOND_NAME
        return None if status.st_mode & stat.S_IWUSR and os.access(file, os.W_OK) else READ_ONLY

    @cached_property
    def _disputed(self) -> frozenset[str]:
        return disputed(self._files)

    def data(self, path: str, text: str) -> bytes:
        """A text as it stands on disk, with the mark the note has."""
        return (BOM_UTF8 if path in self._marked else b"") + text.encode()


def sources(
    seen: Survey, texts: Texts, suggest: Callable[[str], Sequence[Suggestion]] | None
) -> Sources:
    """What late fixes may ask of a vault on disk."""
    files = seen.listing.files
    return Sources(
        texts, lambda path: files[path].modified if path in files else 0, suggest, texts.closed
    )


def examiner(setting: Setting, jobs: int | None) -> Callable[[Mapping[str, str]], list[Change]]:
    """Examines changed texts, with all processors if there are many."""

    def examine(texts: Mapping[str, str]) -> list[Change]:
        return [
            Change(path, result)
            for path, result in zip(texts, examine_texts(setting, texts, jobs), strict=True)
        ]

    return examine


def spared(texts: Texts, repair: Repair) -> tuple[Refusal, ...]:
    """The notes that a repair leaves alone, each with why."""
    stuck = [Refusal(path, texts.why.get(path, "it can't be read")) for path in repair.stuck]
    return (
        *stuck,
        *(
            Refusal(path, "its unsafe fixes would change more than they should")
            for path in repair.barred
        ),
    )


def write(seen: Survey, texts: Texts, repair: Repair, command: str, summary: str) -> Outcome:
    """Write what a repair came to. Raises JournalError if no record of it can be kept; then nothing is written."""
    writes = [
        Write(path, None if old is None else texts.data(path, old), texts.data(path, new))
        for path, (old, new) in sorted(repair.texts.items())
        if old != new
    ]
    outcome = perform(seen.root, command, summary, writes)
    return replace(outcome, refused=(*spared(texts, repair), *outcome.refused))


def remaining(repair: Repair, refused: Sequence[Refusal]) -> State:
    """The state that is left: findings of notes that were not written are still there."""
    after, before = repair.after, repair.before
    paths = {refusal.path for refusal in refused} & repair.texts.keys()
    if not paths:
        return after
    diagnostics = dict(after.diagnostics)
    for path in paths:
        diagnostics.pop(path, None)
        if path in before.diagnostics:
            diagnostics[path] = before.diagnostics[path]
    return State(after.setting, after.index, after.found, after.whole, diagnostics, after.tallies)
