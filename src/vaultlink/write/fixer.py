"""Find, plan and write the fixes of a vault on disk.

`Vault.fixer` returns a `Fixer`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from vaultlink.disk.scan import VaultScan
from vaultlink.engine.step import Change, State
from vaultlink.files import NO_FOLLOW, read_regular
from vaultlink.fix.causes import FixChooser
from vaultlink.fix.deferred import deferred_fixes
from vaultlink.fix.loop import FindingSelector, apply_rounds, find_fix, plan_fixes
from vaultlink.fix.path_fixes import count_path_fixes
from vaultlink.fix.plan import Plan
from vaultlink.fix.resolved import (
    ApplicableFixes,
    ResolvableFindings,
    select_applicable,
    select_resolvable,
)
from vaultlink.fix.select import FixFilter, allowed_fixes
from vaultlink.fix.sources import FixAnswers, FixMaker, FixSources
from vaultlink.fix.totals import MAX_TRIED, PathFixes
from vaultlink.fix.trial import ChosenFixes
from vaultlink.index.suggest import list_unresolved
from vaultlink.model import Diagnostic, Fix, Safety, Suggestion
from vaultlink.write.apply import AnalysedTexts, apply_plan, make_analyser, make_fix_sources
from vaultlink.write.lock import LOCK_SECONDS
from vaultlink.write.write import WriteResult

if TYPE_CHECKING:
    from vaultlink.mentions.mention import Mention

RoundSelector = Callable[[State, FixSources], Iterable[tuple[Diagnostic, Fix]]]
"""Returns the fixes of the next round, given the state after the last one. No fixes end the run."""


class Fixer(msgspec.Struct, frozen=True, dict=True):
    """The fixes of one vault in one state.

    Attributes:
        scan: The files and settings of the vault.
        state: The findings, and the index they were made with.
        suggest_all: Returns the suggestions of many unresolved targets.
        overlays: Unsaved contents by vault path, in bytes; they replace the files on disk.
        skip_reason: Returns why a note must not be changed, given its path and text, or None.
    """

    scan: VaultScan
    state: State
    suggest_all: Callable[[Sequence[str]], Mapping[str, tuple[Suggestion, ...]]]
    overlays: Mapping[str, bytes]
    skip_reason: Callable[[str, str], str | None] = lambda _path, _text: None

    def skipping(self, skip_reason: Callable[[str, str], str | None]) -> "Fixer":
        """Return a fixer that skips some notes.

        These are the notes for which `skip_reason(path, text)` returns a reason.
        """
        return replace(self, skip_reason=skip_reason)

    def lookup(
        self, diagnostics: Sequence[Diagnostic], answers: FixAnswers | None = None
    ) -> Callable[[Diagnostic], Fix | None]:
        """Return a function that finds the fix of each of these findings, or None."""
        sources = self.sources(self._list_unresolved(diagnostics))
        makers = deferred_fixes(self.state.settings.rules, answers)
        return lambda item: find_fix(self.state, sources, item, makers)

    def find_resolvable(
        self,
        findings: Sequence[Diagnostic],
        known: Sequence[Diagnostic] = (),
        wanted: Callable[[str], bool] = lambda _path: True,
        select: FindingSelector | None = None,
        *,
        guesses: bool = True,
    ) -> ResolvableFindings:
        """Return the fixes of the findings that `vaultlink fix` resolves.

        Notes that are only write-protected count as if they were not. Where there are very many
        fixes or known findings, the fixes are not tried, and the numbers are not exact.

        Args:
            findings: Reported findings of this state.
            known: Known findings of this state, which are only counted.
            wanted: Returns True for the paths of notes that may be fixed.
            select: Decides which findings to fix; by default all.
            guesses: False leaves out the fixes of unresolved targets, which take time to find.
        """
        rules, config = self.state.settings.rules, self.state.settings.config
        answers = FixAnswers() if guesses else None
        makers = deferred_fixes(rules, answers)
        items = [*findings, *known] if len(known) <= MAX_TRIED else findings
        sources = self.sources(self._list_unresolved(items) if guesses else [])
        sources = replace(sources, is_protected=self._texts.is_never_writable)
        fixes = self._find_allowed(items, sources, makers, wanted)

        def make_plan(safety: Safety) -> Plan:
            is_unsafe = safety is Safety.UNSAFE
            return plan_fixes(
                self.state,
                sources,
                allowed_fixes(rules, config, unsafe=is_unsafe, wanted=wanted),
                makers if is_unsafe else deferred_fixes(rules),
                self._analyse,
                select,
            )

        is_tried = len(known) <= MAX_TRIED and sum(map(bool, fixes)) <= MAX_TRIED
        if is_tried:
            fixes = select_resolvable(items, fixes, make_plan)
        else:
            fixes = select_applicable(self.state.index, fixes, self._make_lock_test(sources))
        has_all = is_tried and (guesses or not self._have_guesses(items))
        count = len(findings)
        return ResolvableFindings(fixes[:count], fixes[count:], is_tried, has_all)

    def applicable_finder(
        self,
        suggestions: Mapping[str, tuple[Suggestion, ...]],
        wanted: Callable[[str], bool],
    ) -> Callable[[Sequence[Diagnostic]], ApplicableFixes]:
        """Return a function that finds the fixes of some findings, guesses included.

        If there are more than `MAX_TRIED` allowed fixes in all, the fixes are those that
        `find_resolvable` returns.

        Args:
            suggestions: The suggestions for the unresolved targets of the findings.
            wanted: Returns True for the paths of notes that may be fixed.
        """
        makers = deferred_fixes(self.state.settings.rules, FixAnswers())
        sources = self._sources_with(suggestions)
        sources = replace(sources, is_protected=self._texts.is_never_writable)
        is_locked = self._make_lock_test(sources)

        def find(items: Sequence[Diagnostic]) -> ApplicableFixes:
            fixes = self._find_allowed(items, sources, makers, wanted)
            return ApplicableFixes(
                select_applicable(self.state.index, fixes, is_locked), sum(map(bool, fixes))
            )

        return find

    def _find_allowed(
        self,
        items: Sequence[Diagnostic],
        sources: FixSources,
        makers: Mapping[str, FixMaker],
        wanted: Callable[[str], bool],
    ) -> list[Fix | None]:
        """Return the fix of each finding if it has one that the settings allow."""
        settings = self.state.settings
        is_allowed = allowed_fixes(settings.rules, settings.config, unsafe=True, wanted=wanted)
        return [
            fix
            if (fix := item.fix or find_fix(self.state, sources, item, makers))
            and is_allowed(item, fix)
            else None
            for item in items
        ]

    def path_counter(self, wanted: Callable[[str], bool]) -> Callable[[str], PathFixes]:
        """Return a function that counts the fixes at a path, without guesses.

        If there are more than `MAX_TRIED` fixes in all, the sums of these numbers are those that
        `find_resolvable` returns.

        Args:
            wanted: Returns True for the paths of notes that may be fixed.
        """
        settings = self.state.settings
        sources = replace(self.sources(), is_protected=self._texts.is_never_writable)
        return partial(
            count_path_fixes,
            self.state,
            sources,
            deferred_fixes(settings.rules),
            allowed_fixes(settings.rules, settings.config, unsafe=True, wanted=wanted),
            self._make_lock_test(sources),
        )

    def _make_lock_test(self, sources: FixSources) -> Callable[[str], bool]:
        """Return a function that returns True for files that must not be changed."""
        files = self.state.index.files
        return cache(
            lambda path: (
                path in files and (sources.text(path) is None or sources.is_protected(path))
            )
        )

    def chooser(self, findings: Sequence[Diagnostic], answers: FixAnswers) -> FixChooser:
        """Return the causes of these findings, with all fixes that a user can choose."""
        sources = self.sources(self._list_unresolved(findings))
        return FixChooser(self.state, sources, findings, answers)

    def plan(
        self,
        wanted: FixFilter | None = None,
        answers: FixAnswers | None = None,
        select: FindingSelector | None = None,
    ) -> Plan:
        """Plan fixes, round by round, until none is left. Does not write.

        Args:
            wanted: Decides which fixes to apply; by default the safe ones.
            answers: Decisions on unresolved targets.
            select: Decides which findings to fix; by default all.
        """
        settings = self.state.settings
        wanted = wanted or allowed_fixes(settings.rules, settings.config)
        unresolved = self._list_unresolved(self._list_findings()) if answers else []
        sources, makers = (
            self.sources(unresolved),
            deferred_fixes(self.state.settings.rules, answers),
        )
        return plan_fixes(self.state, sources, wanted, makers, self._analyse, select)

    def plan_chosen(self, chosen: Sequence[tuple[Diagnostic, Fix]]) -> Plan:
        """Plan exactly these fixes. Does not write."""
        fixes = ChosenFixes(chosen)
        return apply_rounds(self.state, self.sources(), fixes, self._analyse, made=fixes.drop)

    def plan_rounds(self, select: RoundSelector) -> Plan:
        """Plan the fixes that `select` returns, round by round, until it returns none.

        Does not write.
        """
        return apply_rounds(self.state, self.sources(), select, self._analyse)

    def plan_mentions(
        self, mentions: "Iterable[Mention]", first: Plan | None = None, *, confirmed: bool = False
    ) -> Plan:
        """Plan the links for mentions. Does not write.

        Args:
            mentions: The mentions in the texts of this state, or of the state after `first`.
            first: A plan that is written in the same run, before the mentions.
            confirmed: True if the user chose the mentions. Then entries of an author's section may
                become redundant.
        """
        from vaultlink.mentions.planning import plan_mentions  # noqa: PLC0415

        sources = self.sources()
        if first is None:
            return plan_mentions(self.state, sources, mentions, self._analyse, confirmed=confirmed)
        texts = first.texts
        later = replace(
            sources, text=lambda path: texts[path][1] if path in texts else self._texts(path)
        )
        found = plan_mentions(first.after, later, mentions, self._analyse, confirmed=confirmed)
        return first.then(found)

    def explain_unchangeable(self, path: str) -> str:
        """Return why a note must not or can't be changed, as a clause; "" if it can be."""
        texts = self._texts
        if texts(path) is not None and not texts.is_unwritable(path):
            return ""
        return texts.explain(path)

    def data(self, path: str) -> bytes:
        """Return the bytes of a file, unsaved or on disk.

        The edits of a fix refer to these bytes. The result is b"" if the file can't be read.
        """
        content = self.overlays.get(path)
        if content is not None:
            return content
        try:
            return read_regular(self.scan.root / path, flags=NO_FOLLOW)
        except OSError:
            return b""

    def write(self, plan: Plan, command: str, summary: str) -> WriteResult:
        """Write a plan, and record the run so that `vaultlink undo` can revert it.

        Nothing is written if the vault has changed since it was read: `is_outdated` is True then.

        Args:
            plan: The changes.
            command: The command line, for the record.
            summary: One sentence about the run, for the record.

        Raises:
            JournalError: The run can't be recorded, or another run does not end in a minute.
                Nothing was written then.
        """
        return apply_plan(self.scan, plan, command, summary, timeout=LOCK_SECONDS)

    def sources(self, unresolved: Sequence[str] = ()) -> FixSources:
        """Return the texts of this state, and suggestions for these unresolved targets."""
        return self._sources_with(self.suggest_all(unresolved) if unresolved else {})

    @cached_property
    def _texts(self) -> AnalysedTexts:
        return AnalysedTexts(self.scan, self.skip_reason, self.overlays)

    @cached_property
    def _analyse(self) -> Callable[[Mapping[str, str]], list[Change]]:
        return make_analyser(self.state.settings, self.scan.settings.jobs)

    def _sources_with(self, known: Mapping[str, tuple[Suggestion, ...]]) -> FixSources:
        return make_fix_sources(
            self.scan,
            self._texts,
            lambda target: known[target] if target in known else self.suggest_all([target])[target],
        )

    def _have_guesses(self, findings: Iterable[Diagnostic]) -> bool:
        """Return True if fixes of findings may be guesses that are found on demand."""
        guessing = {
            rule.name for rule in self.state.settings.rules if rule.deferred_fix == "target"
        }
        return any(item.rule in guessing for item in findings)

    def _list_findings(self) -> Iterator[Diagnostic]:
        found = self.state.diagnostics
        for path in sorted(found):
            yield from found[path]

    def _list_unresolved(self, diagnostics: Iterable[Diagnostic]) -> list[str]:
        """Return the unresolved targets of findings."""
        return list_unresolved(diagnostics, self.state.index.names)
