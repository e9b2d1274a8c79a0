"""Find, plan and write the fixes of a vault on disk."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from vaultlink.disk.scan import VaultScan
from vaultlink.disk.workers import analyse_texts
from vaultlink.engine.step import Change, State
from vaultlink.files import NO_FOLLOW, read_regular
from vaultlink.fix.causes import FixChooser
from vaultlink.fix.deferred import deferred_fixes
from vaultlink.fix.forecaster import FixForecaster
from vaultlink.fix.loop import FindingSelector, apply_rounds, find_fix, plan_fixes
from vaultlink.fix.plan import Plan
from vaultlink.fix.select import FixFilter, allowed_fixes
from vaultlink.fix.sources import FixAnswers, FixSources
from vaultlink.fix.trial import ChosenFixes
from vaultlink.index.suggest import list_unresolved
from vaultlink.model import Diagnostic, Fix, Suggestion
from vaultlink.write.apply import AnalysedTexts, apply_plan
from vaultlink.write.lock import LOCK_SECONDS
from vaultlink.write.write import WriteResult

if TYPE_CHECKING:
    from vaultlink.mentions.mention import Mention

RoundSelector = Callable[[State, FixSources], Iterable[tuple[Diagnostic, Fix]]]
"""Returns the fixes of the next round, given the state after the last one. No fixes end the run."""


class Fixer(msgspec.Struct, frozen=True, dict=True):
    """The fixes of one vault in one state.

    `suggest_all` returns the suggestions of many unresolved targets. `overlays` are unsaved
    contents by vault path, in bytes, in place of the files on disk. `skip_reason` returns why a
    note must not be changed, given its path and text, or None.
    """

    scan: VaultScan
    state: State
    suggest_all: Callable[[Sequence[str]], Mapping[str, tuple[Suggestion, ...]]]
    overlays: Mapping[str, bytes]
    skip_reason: Callable[[str, str], str | None] = lambda _path, _text: None

    def skipping(self, skip_reason: Callable[[str, str], str | None]) -> "Fixer":
        return replace(self, skip_reason=skip_reason)

    def lookup(
        self, diagnostics: Sequence[Diagnostic], answers: FixAnswers | None = None
    ) -> Callable[[Diagnostic], Fix | None]:
        sources = self.sources(diagnostics)
        makers = deferred_fixes(self.state.settings.rules, answers)
        return lambda item: find_fix(self.state, sources, item, makers)

    def forecaster(
        self, wanted: Callable[[str], bool] = lambda _path: True, *, guesses: bool = True
    ) -> FixForecaster:
        """Return a function that forecasts which findings `vaultlink fix` would fix.

        Notes that are only write-protected count as if they were not. `wanted` selects notes.
        Without `guesses`, the fixes of unresolved targets are left out, which take time to find.
        """
        sources = replace(self.sources(), is_protected=self._texts.is_never_writable)
        prepare = self._prepare_suggestions if guesses else None
        return FixForecaster(self.state, sources, self._analyse, wanted, prepare)

    def chooser(self, findings: Sequence[Diagnostic], answers: FixAnswers) -> FixChooser:
        sources = self.sources(findings)
        return FixChooser(self.state, sources, findings, answers)

    def plan(
        self,
        wanted: FixFilter | None = None,
        answers: FixAnswers | None = None,
        select: FindingSelector | None = None,
    ) -> Plan:
        """Plan fixes, by default all safe ones, round by round. Does not write."""
        settings = self.state.settings
        return plan_fixes(
            self.state,
            self.sources(chain.from_iterable(self.state.diagnostics.values()) if answers else ()),
            wanted or allowed_fixes(settings.rules, settings.config),
            deferred_fixes(settings.rules, answers),
            self._analyse,
            select,
        )

    def plan_chosen(self, chosen: Sequence[tuple[Diagnostic, Fix]]) -> Plan:
        """Plan exactly these fixes. Does not write."""
        fixes = ChosenFixes(chosen)
        return apply_rounds(self.state, self.sources(), fixes, self._analyse, made=fixes.drop)

    def plan_rounds(self, select: RoundSelector) -> Plan:
        """Plan the fixes that `select` returns, round by round, until it returns none."""
        return apply_rounds(self.state, self.sources(), select, self._analyse)

    def plan_mentions(
        self, mentions: "Iterable[Mention]", first: Plan | None = None, *, confirmed: bool = False
    ) -> Plan:
        """Plan the links for mentions. Does not write.

        `first` is a plan that is written in the same run before the mentions, which are those of
        the state after it. With `confirmed`, the user chose them, and entries of an author's
        section may become redundant.
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
        """Return the bytes of a file, unsaved or on disk; b"" if it can't be read."""
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
        Raises JournalError if the run can't be recorded, or another one does not end in a minute.
        """
        return apply_plan(self.scan, plan, command, summary, timeout=LOCK_SECONDS)

    def sources(self, findings: Iterable[Diagnostic] = ()) -> FixSources:
        """Return the texts and suggestions that fixes use; those for `findings` at once."""
        self._prepare_suggestions(findings)
        return FixSources(
            self._texts,
            lambda target: self.suggest_all([target])[target],
            self._texts.is_unwritable,
            self._texts.explain,
            self._texts.has_mark,
        )

    def _prepare_suggestions(self, findings: Iterable[Diagnostic]) -> None:
        self.suggest_all(list_unresolved(findings, self.state.index.names))

    @cached_property
    def _texts(self) -> AnalysedTexts:
        return AnalysedTexts(self.scan, self.skip_reason, self.overlays)

    def _analyse(self, texts: Mapping[str, str]) -> list[Change]:
        """Analyse changed texts, in parallel if there are many."""
        results = analyse_texts(self.state.settings, texts, self.scan.settings.jobs)
        return [Change(path, result) for path, result in zip(texts, results, strict=True)]
