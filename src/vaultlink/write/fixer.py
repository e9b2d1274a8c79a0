"""Find, plan and write the fixes of a vault on disk."""

import os
import stat
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from vaultlink.config.checks import read_run_limits
from vaultlink.disk.read import UnreadableFile, decode_note
from vaultlink.disk.scan import VaultScan, is_source_file, list_files
from vaultlink.disk.workers import analyse_texts
from vaultlink.engine.step import Change, State
from vaultlink.errors import JournalError
from vaultlink.files import NO_FOLLOW, open_regular, read_handle, read_regular
from vaultlink.fix.causes import FixChooser, list_fix_makers
from vaultlink.fix.forecaster import FixForecaster
from vaultlink.fix.loop import ChosenFixes, FindingSelector, FixSelector, apply_rounds, find_fix
from vaultlink.fix.plan import Plan, VaultChanges
from vaultlink.fix.select import FixFilter, make_fix_filter
from vaultlink.fix.sources import FixAnswers, FixInputs
from vaultlink.index.file_kinds import find_conflict, find_conflicted_files
from vaultlink.index.resolve import is_any_path, list_outer_folders
from vaultlink.index.suggest import Suggester, list_unresolved
from vaultlink.model import Diagnostic, FileStamp, Fix, Suggestion
from vaultlink.write.open_folders import CHANGED_SINCE_READ, READ_ONLY, make_barrier_finder

if TYPE_CHECKING:
    from vaultlink.mentions.mention import Mention
    from vaultlink.write.write_notes import WriteResult


# -- read notes as they were analysed, and write plans for them ------------------------------------
# `apply_plan` is the only way from a plan to the disk.


class AnalysedTexts:
    """Texts of notes, as they were analysed; call it with a path to get one.

    A note has no text if it must not be changed: it changed since, has a conflict, can't be read,
    or `skip_reason(path, text)` returns a reason to skip it. `skip_reasons` holds the reasons by
    path. `overlays` are bytes that were analysed instead of those on disk. `find_protection`
    returns why the settings keep a path from changes, or "".
    """

    def __init__(
        self,
        scan: VaultScan,
        skip_reason: Callable[[str, str], str | None] = lambda _path, _text: None,
        overlays: Mapping[str, bytes] | None = None,
        find_protection: Callable[[str], str] = lambda _path: "",
    ):
        self._skip_reason, self._overlays = skip_reason, overlays or {}
        self._root = os.fspath(scan.root)
        self._files: Mapping[str, FileStamp] = scan.listing.files
        self._texts: dict[str, str | None] = {}
        self._paths_with_bom: set[str] = set()
        self._unwritable: dict[str, bool] = {}
        self._find_barrier = make_barrier_finder(self._root)
        self.find_protection = find_protection
        self.skip_reasons: dict[str, str] = {}

    def __call__(self, path: str) -> str | None:
        if path not in self._texts:
            text = self._read(path)
            reason = find_conflict(path, text, self._conflicted_paths)
            if text is not None and reason is None:
                reason = self._skip_reason(path, text)
            if reason:
                self.skip_reasons[path] = reason
            self._texts[path] = None if reason else text
        return self._texts[path]

    def peek(self, path: str) -> str | None:
        """Return the text of a file, also if it must not be changed."""
        return self._read(path)

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
            reason = self.find_protection(path) or None
            if reason is None and path not in self._overlays:
                reason = self._unwritable_reason(path)
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


class PlannedTexts:
    """Texts of notes as a plan leaves them; the others are as they were analysed."""

    def __init__(self, texts: AnalysedTexts, plan: Plan):
        self.texts, self.plan = texts, plan

    def __call__(self, path: str) -> str | None:
        old = self.plan.find_old_path(path)
        changed = self.plan.texts.get(old)
        return self.texts(old) if changed is None else changed[1]

    def peek(self, path: str) -> str | None:
        old = self.plan.find_old_path(path)
        changed = self.plan.texts.get(old)
        return self.texts.peek(old) if changed is None else changed[1]

    def is_unwritable(self, path: str) -> bool:
        if self.texts.find_protection(path):
            return True
        old = self.plan.find_old_path(path)
        is_new = self.plan.texts.get(old, ("",))[0] is None
        return not is_new and self.texts.is_unwritable(old)

    def is_never_writable(self, path: str) -> bool:
        return self.is_unwritable(path) and self.explain(path) != READ_ONLY

    def has_mark(self, path: str) -> bool:
        old = self.plan.find_old_path(path)
        return old in self.plan.marked or self.texts.has_mark(old)

    def explain(self, path: str) -> str:
        protection = self.texts.find_protection(path)
        return protection or self.texts.explain(self.plan.find_old_path(path))


def apply_plan(
    scan: VaultScan, plan: VaultChanges, command: str, summary: str, *, timeout: float | None = None
) -> "WriteResult":
    """Write a plan, and record the run so that `vaultlink undo` can revert it.

    Each file is compared with the bytes it was planned with; what changed meanwhile is skipped and
    named, or nothing is written if the plan is whole.

    With a `timeout`, the seconds to wait for the write lock, interrupted runs are reverted, and
    nothing is written if that or anybody else has changed the vault since the scan. Without it, the
    caller has held the lock since before the scan. Raises JournalError; nothing was written then.
    """
    from vaultlink.write.journal import record_and_write  # noqa: PLC0415 - `check` only plans
    from vaultlink.write.journal_files import lock_vault  # noqa: PLC0415
    from vaultlink.write.trash import copy_deleted  # noqa: PLC0415
    from vaultlink.write.undo import revert_interrupted  # noqa: PLC0415
    from vaultlink.write.write_notes import WriteResult  # noqa: PLC0415

    if timeout is not None:
        with lock_vault(scan.root, timeout=timeout):
            found = [item for item in revert_interrupted(scan.root) if not item.is_stuck]
            reverted = tuple([item.describe() for item in found])
            if reverted or _has_changed_since(scan):
                return WriteResult((), (), is_outdated=True, reverted=reverted)
            return apply_plan(scan, plan, command, summary)
    if any(not plan.moves.keys().isdisjoint(list_outer_folders(path)) for path in plan.moves):
        raise JournalError(
            "a plan can't move a folder and also what is in it; nothing was written."
        )
    skipped, renames = (plan.skipped, plan.renames) if isinstance(plan, Plan) else ((), ())
    with copy_deleted(scan.root, plan) as keep:
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
            limits=read_run_limits(scan.layers),
        )
        keep(result.written)
    return replace(result, skipped=(*skipped, *result.skipped))


def _has_changed_since(scan: VaultScan) -> bool:
    """Return True if file names or notes changed since a scan: plans could be wrong."""
    before, now = scan.listing.files, list_files(scan.root).files
    changed = (path for path, stamp in now.items() if before.get(path) != stamp)
    return before.keys() != now.keys() or any(map(is_source_file, changed))


RoundSelector = Callable[[State, FixInputs], Iterable[tuple[Diagnostic, Fix]]]
"""Returns the fixes of the next round, given the state after the last one. No fixes end the run."""


class Fixer(msgspec.Struct, frozen=True, dict=True):
    """The fixes of one vault in one state.

    `suggest_all` returns the suggestions of many unresolved targets. `overlays` are unsaved
    contents by vault path, in bytes, in place of the files on disk. `skip_reason` returns why a
    note must not be changed, given its path and text, or None. `planned` are the texts after a plan
    that is written before, in the same run.
    """

    scan: VaultScan
    state: State
    suggest_all: Callable[[Sequence[str]], Mapping[str, tuple[Suggestion, ...]]]
    overlays: Mapping[str, bytes]
    skip_reason: Callable[[str, str], str | None] = lambda _path, _text: None
    planned: PlannedTexts | None = None

    def after(self, plan: Plan) -> "Fixer":
        """Return the fixer of the state after a plan, which is written in the same run."""

        def suggest_all(targets: Sequence[str]) -> Mapping[str, tuple[Suggestion, ...]]:
            return {target: plan.after.index.derive(Suggester)(target) for target in targets}

        planned = PlannedTexts(self.planned.texts if self.planned else self._own_texts, plan)
        return replace(self, state=plan.after, suggest_all=suggest_all, planned=planned)

    def plan_next(self, plan: Plan) -> Plan:
        """Return the plan that this fixer is for the state after, followed by another one."""
        return self.planned.plan.then(plan) if self.planned else plan

    def skipping(self, skip_reason: Callable[[str, str], str | None]) -> "Fixer":
        return replace(self, skip_reason=skip_reason)

    def lookup(
        self, diagnostics: Sequence[Diagnostic], answers: FixAnswers | None = None
    ) -> Callable[[Diagnostic], Fix | None]:
        sources = self.sources(diagnostics)
        makers = list_fix_makers(self.state.settings.rules, answers)
        return lambda item: find_fix(self.state, sources, item, makers)

    def forecaster(
        self, wanted: Callable[[str], bool] = is_any_path, *, guesses: bool = True
    ) -> FixForecaster:
        """Return a function that forecasts which findings `vaultlink fix` would fix.

        Notes that are only write-protected count as if they were not. `wanted` selects notes.
        Without `guesses`, the fixes of unresolved targets are left out, which take time to find.
        """
        sources = replace(self.sources(), is_protected=self._texts.is_never_writable)
        prepare = self._prepare_suggestions if guesses else None
        analyse = partial(self._analyse, compares=False)
        return FixForecaster(self.state, sources, analyse, wanted, prepare)

    def chooser(self, findings: Sequence[Diagnostic], answers: FixAnswers) -> FixChooser:
        sources = self.sources(findings)
        return FixChooser(self.state, sources, findings, answers)

    def plan(
        self,
        wanted: FixFilter | None = None,
        answers: FixAnswers | None = None,
        select: FindingSelector | None = None,
        *,
        is_preview: bool = False,
    ) -> Plan:
        """Plan fixes, by default all safe ones, round by round. Does not write.

        With `is_preview`, the state after the plan need not have all of them, so less is tried.
        """
        settings = self.state.settings
        allowed = wanted or make_fix_filter(settings.rules, settings.config)
        return apply_rounds(
            self.state,
            self.sources(chain.from_iterable(self.state.diagnostics.values()) if answers else ()),
            FixSelector(allowed, list_fix_makers(settings.rules, answers), select),
            partial(self._analyse, compares=not is_preview),
            is_preview=is_preview and answers is None,
        )

    def plan_chosen(self, chosen: Sequence[tuple[Diagnostic, Fix]]) -> Plan:
        """Plan exactly these fixes. Does not write."""
        fixes = ChosenFixes(chosen)
        return apply_rounds(self.state, self.sources(), fixes, self._analyse, made=fixes.drop)

    def plan_rounds(self, select: RoundSelector) -> Plan:
        """Plan the fixes that `select` returns, round by round, until it returns none."""
        return apply_rounds(self.state, self.sources(), select, self._analyse)

    def plan_mentions(self, mentions: "Iterable[Mention]", *, confirmed: bool = False) -> Plan:
        """Plan the links for mentions; entries of sections may go for `confirmed` ones."""
        from vaultlink.mentions.planning import plan_mentions  # noqa: PLC0415

        sources = self.sources()
        return plan_mentions(self.state, sources, mentions, self._analyse, confirmed=confirmed)

    def explain_unchangeable(self, path: str) -> str:
        """Return why a note must not or can't be changed, as a clause; "" if it can be."""
        texts = self._texts
        if texts(path) is not None and not texts.is_unwritable(path):
            return ""
        return texts.explain(path)

    def data(self, path: str) -> bytes:
        """Return the bytes of a file, unsaved or on disk; b"" if it can't be read."""
        content = self.overlays.get(path)
        if content is not None:
            return content
        try:
            return read_regular(f"{self.scan.root}/{path}", flags=NO_FOLLOW)
        except OSError:
            return b""

    def read(self, path: str) -> str:
        """Return the text of a note as it is now; "" if it can't be read."""
        plan = self.planned.plan if self.planned else None
        old = plan.find_old_path(path) if plan else path
        if plan and old in plan.texts:
            return plan.texts[old][1] or ""
        text = decode_note(self.data(old))
        return "" if isinstance(text, UnreadableFile) else text

    def write(self, plan: Plan, command: str, summary: str) -> "WriteResult":
        """Write a plan, and record the run so that `vaultlink undo` can revert it.

        Nothing is written if the vault has changed since it was read: `is_outdated` is True then.
        Raises JournalError if the run can't be recorded, or another one does not end in a minute.
        """
        from vaultlink.write.journal_files import LOCK_SECONDS  # noqa: PLC0415 - `check` only plans

        return apply_plan(self.scan, plan, command, summary, timeout=LOCK_SECONDS)

    def sources(self, findings: Iterable[Diagnostic] = ()) -> FixInputs:
        """Return the texts and suggestions that fixes use; those for `findings` at once."""
        self._prepare_suggestions(findings)
        return FixInputs(
            self._texts,
            lambda target: self.suggest_all([target])[target],
            self._texts.is_unwritable,
            self._texts.explain,
            self._texts.has_mark,
            peek=self._texts.peek,
        )

    def _prepare_suggestions(self, findings: Iterable[Diagnostic]) -> None:
        self.suggest_all(list_unresolved(findings, self.state.index.names))

    @property
    def _texts(self) -> AnalysedTexts | PlannedTexts:
        return self.planned or self._own_texts

    @cached_property
    def _own_texts(self) -> AnalysedTexts:
        find_protection = self.state.settings.find_protection
        return AnalysedTexts(self.scan, self.skip_reason, self.overlays, find_protection)

    def _analyse(self, texts: Mapping[str, str], *, compares: bool = True) -> list[Change]:
        """Analyse changed texts, in parallel if there are many.

        Unless `compares`, nothing is compared with them later.
        """
        settings = self.state.settings
        if not compares:
            settings = replace(settings, compares=False)
        results = analyse_texts(settings, texts, self.scan.settings.jobs)
        return [Change(path, result) for path, result in zip(texts, results, strict=True)]
