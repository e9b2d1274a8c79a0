"""The parts of a check result: the rendered bytes of each path, and its numbers.

They are made in several processes, which halves the time of a check with 50,000 findings on two
cores. They are kept for the next run with what they depend on, as is the result of fixes that are
tried together: after a change of one of 14,563 notes a check took 0.35 s of processor time, and
0.6 s with suggestions, not 1.5 and 5.7.
"""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from functools import cached_property
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace

from vaultlink.api import Vault, find_origin, make_suggester
from vaultlink.cli.terminal import encode_text
from vaultlink.disk.answers import Answer, AnswerStore, Facts, Needs
from vaultlink.disk.processes import count_processes, no_garbage_collection, run_parts
from vaultlink.engine.checks import FindingsByPath
from vaultlink.engine.diagnostics import fingerprint_all
from vaultlink.fix.forecast import (
    FixForecast,
    RuleCount,
    count_by_rule,
    count_fixes,
    join_forecasts,
    join_rule_counts,
)
from vaultlink.index.index import find_unresolved
from vaultlink.index.packed_map import count_items
from vaultlink.index.resolve import normalize_name
from vaultlink.index.suggest import list_unresolved
from vaultlink.index.vocabulary import drop_words_in_names, list_compared_words
from vaultlink.links.naming import find_named_by_display
from vaultlink.links.style import is_style_read
from vaultlink.model import Diagnostic, Fix, Suggestion
from vaultlink.report import OutputFormat
from vaultlink.report.check_result import CheckResult, GetSuggestions
from vaultlink.report.groups import FindingGroup, group_findings, has_shared_cause
from vaultlink.text import group_by
from vaultlink.write.cache import save_result

if TYPE_CHECKING:
    from vaultlink.fix.forecaster import FixForecaster

_MIN_SHARED = 4_000
"""Findings below which another process costs more than it saves."""

_MAX_DECODED = 20_000
"""Paths whose findings are in memory at once, so that they are decoded only once."""

_NOTHING_SHARED: Mapping[str, Sequence[FindingGroup]] = {}


class PartFacts(Facts, frozen=True, array_like=True, gc=False):
    """The numbers of findings and of untried fixes of a path."""

    counts: tuple[RuleCount, ...]
    forecast: FixForecast


Part = Answer[PartFacts]


class _TriedParts(msgspec.Struct, frozen=True, array_like=True):
    """The parts of the paths whose fixes were tried together.

    With `has_guesses`, some fixes were too many to try.
    """

    paths: list[str]
    parts: list[Part]
    has_guesses: bool = False


_TRIAL = ""
"""Stands for the path of the answer that has all parts whose fixes were tried."""


class CheckParts(NamedTuple):
    """The parts of a result by path, in order, and their numbers in all."""

    by_path: Mapping[str, Part]
    counts: Sequence[RuleCount]
    forecast: FixForecast

    def count_findings(self) -> Counter[str]:
        """Return the number of findings of each path."""
        facts = {id(part.facts): part.facts for part in self.by_path.values()}
        sums = {key: sum(row.findings for row in item.counts) for key, item in facts.items()}
        return Counter({path: sums[id(part.facts)] for path, part in self.by_path.items()})


class PartMaker(msgspec.Struct, frozen=True, eq=False, dict=True):
    """Makes the parts of a check result without known findings.

    `wanted` returns True for the paths whose findings are printed, and that may be fixed. `result`
    has no findings. Parts are kept under the name `kind`. With `is_brief`, lines only show what
    follows from the findings of their path. With `counts_guesses`, fixes of unresolved targets are
    counted.
    """

    vault: Vault
    wanted: Callable[[str], bool]
    row: OutputFormat
    result: CheckResult
    encode: Callable[[str | bytes], bytes]
    kind: str
    is_brief: bool
    counts_guesses: bool

    def make_parts(self) -> CheckParts:
        """Return the parts, made now or kept from an earlier run."""
        found, store = self.vault.state.diagnostics, self._open_store()
        paths, kept = sorted(filter(self.wanted, found)), store.load()
        if self.counts_guesses:
            store.take_over_style()
        made = self._make([path for path in paths if path not in kept], found)
        _save(store, kept, made)
        parts = {path: kept.get(path) or made[path] for path in paths} if kept else made
        shared = self._find_shared(parts, found)
        to_try = _find_paths_to_try(parts)
        tried = _TriedParts([], [])
        if to_try:
            # The trial is the same as long as those parts are that have the fixes to try.
            is_kept = all(store.holds(path, parts[path].facts) for path in to_try)
            tried = self._try(to_try, found, shared, is_kept=is_kept)
            parts |= zip(tried.paths, tried.parts, strict=True)
        others = [path for path in shared if path not in tried.paths]
        parts |= self._make(others, found, None, shared)
        total = join_forecasts((facts.forecast, times) for facts, times in _count_facts(parts))
        total = total._replace(has_guesses=tried.has_guesses or total.has_guesses)
        if self.counts_guesses and (data := store.encode_style()) and store.cache and store.key:
            save_result(store.cache, store.key, data, store.style_kind)
        counts = join_rule_counts(
            (row, times) for facts, times in _count_facts(parts) for row in facts.counts
        )
        return CheckParts(parts, counts, total)

    def _try(
        self,
        paths: list[str],
        found: FindingsByPath,
        shared: Mapping[str, Sequence[FindingGroup]],
        *,
        is_kept: bool,
    ) -> "_TriedParts":
        """Return the parts of the paths whose fixes must be tried.

        The result is kept from an earlier run, if it can be and `is_kept` is True.
        """
        store, tried = self._open_store("-tried"), None
        findings = {path: found[path] for path in paths}
        items = list(chain.from_iterable(findings.values()))
        # The text of a shared cause has the findings of other paths.
        is_kept = is_kept and not (self.row.for_people and any(map(has_shared_cause, items)))
        if is_kept and (known := store.load().get(_TRIAL)):
            with suppress(msgspec.MsgspecError, ValueError):
                tried = msgspec.msgpack.decode(known.text, type=_TriedParts)
        if tried is not None and tried.paths == paths:
            return tried
        forecast = self._forecaster(items)
        fixes = dict(zip(map(id, items), forecast.fixes, strict=True))
        parts = self._make(paths, findings, fixes, shared)
        tried = _TriedParts(paths, list(parts.values()), forecast.has_guesses)
        footprint = self._forecaster.describe_trial() if is_kept else None
        if footprint is not None:
            needs = Needs(
                footprint.notes,
                names=True,
                style=footprint.reads_style,
                history=True,
                targets=footprint.targets,
                words=footprint.words,
                unchecked=footprint.checked,
            )
            facts = PartFacts(needs, (), FixForecast())
            _save(store, {}, {_TRIAL: Answer(msgspec.msgpack.encode(tried), facts)})
        return tried

    def _find_shared(
        self, parts: Mapping[str, Part], found: FindingsByPath
    ) -> Mapping[str, Sequence[FindingGroup]]:
        """Return the findings with shared causes, by the path of the first one of each.

        The texts of all other parts leave them out.
        """
        rules = {rule.name for rule in self.vault.rules if has_shared_cause(rule)}
        if not (self.row.for_people and rules & self.vault.config.enabled):
            return {}
        items = [
            d
            for path, part in parts.items()
            if any(row.rule in rules for row in part.facts.counts)
            for d in found[path]
            if has_shared_cause(d)
        ]
        return group_by(group_findings(items), lambda group: group.first.path)

    def _open_store(self, kind: str = "") -> AnswerStore[PartFacts]:
        vault = self.vault
        return AnswerStore(
            vault.scan,
            vault.state,
            find_origin(vault),
            f"{self._kind}{kind}",
            self._variant,
            PartFacts,
            lambda path: self._is_locked(path),  # noqa: PLW0108 - imports what opens folders
        )

    @cached_property
    def _is_locked(self) -> Callable[[str], bool]:
        from vaultlink.write.open_folders import make_lock_test  # noqa: PLC0415 - only for fixes

        vault = self.vault
        return make_lock_test(os.fspath(vault.root), vault.state.settings.is_protected)

    @property
    def _kind(self) -> str:
        """The name of kept parts. Those without texts are the same in all formats."""
        if self.row.layout == "lines":
            return self.kind
        return "fix-numbers" if self.counts_guesses else "numbers"

    @property
    def _variant(self) -> object:
        """Everything but the vault that the parts depend on."""
        result = self.result
        if self.row.layout == "whole":
            return self.counts_guesses
        return (
            *(self.row.function, self.counts_guesses, self.is_brief, result.palette),
            *(result.show_path(""), result.link_path("", ""), result.width),
            *(result.groups_targets, result.version),
        )

    @property
    def _needs_suggestions(self) -> bool:
        """True if parts show suggestions, or count fixes that depend on these."""
        return self.counts_guesses or not (self.is_brief or self.row.layout == "whole")

    @cached_property
    def _forecaster(self) -> "FixForecaster":
        return self.vault.fixer.forecaster(self.wanted, guesses=self.counts_guesses)

    @cached_property
    def _render(self) -> Callable[[CheckResult], str | bytes]:
        render: Callable[[CheckResult], str | bytes]
        render = getattr(import_module(self.row.module), self.row.function)
        return render

    def _make(
        self,
        paths: Sequence[str],
        found: Mapping[str, Sequence[Diagnostic]],
        tried: Mapping[int, Fix | None] | None = None,
        shared: Mapping[str, Sequence[FindingGroup]] = _NOTHING_SHARED,
    ) -> dict[str, Part]:
        """Return the parts of some paths, made in several processes if there are many.

        `found` are the findings at these paths. `tried` is the fix of each by its identity, if
        fixes were tried. `shared` has the findings with shared causes whose first is at a path.
        """
        if not paths:
            return {}
        vault = self.vault
        files: Mapping[str, Sequence[Suggestion]] = {}
        if self._needs_suggestions:
            if len(paths) <= _MAX_DECODED:
                found = {path: found[path] for path in paths}
            findings = chain.from_iterable(map(found.__getitem__, paths))
            unresolved = list_unresolved(findings, vault.index.names)
            files = vault.suggest_all(unresolved)
        suggest = make_suggester(vault, (), files)
        result = replace(self.result, suggester=lambda: suggest)
        if self.is_brief:
            result = replace(result, suggester=limit_suggester(result.suggester))

        def make_some(part: Sequence[str], _done: object) -> list[Part]:
            return [
                self._make_part(result, found[path], tried, shared.get(path, ()), files)
                for path in part
            ]

        jobs = vault.scan.settings.jobs if count_items(found, paths) >= _MIN_SHARED else 1
        with no_garbage_collection():
            parts = run_parts(make_some, paths, count_processes(jobs, len(paths)), list[Part])
            known = dict[PartFacts, PartFacts]()
            return {
                path: Part(part.text, known.setdefault(part.facts, part.facts))
                for path, part in zip(paths, chain.from_iterable(parts), strict=True)
            }

    def _make_part(
        self,
        result: CheckResult,
        findings: Sequence[Diagnostic],
        tried: Mapping[int, Fix | None] | None,
        shared: Sequence[FindingGroup],
        suggested: Mapping[str, Sequence[Suggestion]],
    ) -> Part:
        rules, is_locked = self.vault.state.settings.rules_by_name, None
        kinds = {rules[d.rule].deferred_fix for d in findings}
        left_out = {""} if self.counts_guesses else {"", "target"}
        forecast = FixForecast()
        if tried is not None:
            forecast = count_fixes(tried.get(id(d)) for d in findings)
        elif not kinds <= left_out or any(d.fix for d in findings):
            forecast = self._forecaster(findings, tries=False)
            is_locked = self._forecaster.sources.is_protected(findings[0].path)
        forecast = forecast._replace(has_guesses="target" in kinds & left_out)
        facts = PartFacts(
            self._find_needs(findings, kinds, is_locked, suggested),
            tuple(count_by_rule(findings, forecast.fixes)),
            forecast._replace(fixes=()) if forecast.fixes else forecast,
        )
        if self.row.for_people and any(map(has_shared_cause, findings)):
            fixes, first = forecast.fixes or (None,) * len(findings), [one.first for one in shared]
            shown = [
                (d, fix)
                for d, fix in zip(findings, fixes, strict=True)
                if d in first or not has_shared_cause(d)
            ]
            findings = [d for d, _ in shown] + [d for group in shared for d in group.others]
            fixes = *(fix for _, fix in shown), *(d.fix for group in shared for d in group.others)
            forecast = forecast._replace(fixes=fixes)
        return Part(self._render_text(result, findings, forecast), facts)

    def _find_needs(
        self,
        findings: Sequence[Diagnostic],
        kinds: Set[str],
        is_locked: bool | None,
        suggested: Mapping[str, Sequence[Suggestion]],
    ) -> Needs | None:
        """Return what the part of a path depends on.

        `kinds` are the deferred fixes of the findings. `is_locked` is None if there is no fix.
        `suggested` has the suggestions of unresolved targets, if they are wanted.
        """
        path, state = findings[0].path, self.vault.state
        if not kinds <= {"", "target"} or any(
            edit.path != path for d in findings if d.fix for edit in d.fix.edits
        ):
            return None
        hinted = {d.resolved for d in findings if d.subpath is not None and d.resolved}
        needs = Needs(tuple(hinted), bool(hinted), is_locked is not None, is_locked)
        if not suggested:
            return needs
        targets = {d.target for d in findings if d.target is not None and d.target in suggested}
        if not targets:
            return needs
        note = state.index.notes.get(path)
        if note is None:
            return None
        needs = replace(needs, names=True, history=True)
        # A step names the notes of which suggestions may change, but not for what is no link.
        if state.settings.reads_suggestions:
            others = targets.difference(find_unresolved(note, state.index.targets[path]))
        else:
            others = targets
        if others:
            words = drop_words_in_names(state.index, list_compared_words(others))
            needs = replace(needs, targets=tuple(sorted(others)), words=tuple(sorted(words)))
        if not self.counts_guesses:
            return needs
        # A fix links to a file that has the heading of the link.
        unresolved = [link for link in note.links if link.subpath and link.target in targets]
        if any(link.display for link in unresolved):
            return None
        found = {item.path for link in unresolved for item in suggested[link.target]}
        has_links = any(suggested[target] for target in targets) or any(
            link.display and find_named_by_display(link, path, state.index)
            for link in note.links
            if link.target in targets
        )
        return replace(
            needs,
            notes=tuple(sorted(hinted | found)),
            style=has_links and is_style_read(state.settings.obsidian),
        )

    def _render_text(
        self, result: CheckResult, findings: Sequence[Diagnostic], forecast: FixForecast
    ) -> bytes:
        if self.row.layout == "whole":
            return b""
        if not forecast.fixes:
            forecast = FixForecast((None,) * len(findings))
        part = replace(
            result,
            findings=findings,
            forecast=lambda: forecast,
            fingerprints=lambda: fingerprint_all(findings, result.text),
        )
        text = self._render(part)
        # Brief lines are harmless already, and looking again takes a tenth of a cold check.
        return encode_text(text) if self.is_brief and isinstance(text, str) else self.encode(text)


def limit_suggester(get: Callable[[], GetSuggestions]) -> Callable[[], GetSuggestions]:
    """Return a suggester for what follows from the findings of a path only."""
    suggest = get()
    return lambda: lambda d: suggest(d) if d.subpath is not None else ()


def _find_paths_to_try(parts: Mapping[str, Part]) -> list[str]:
    """Return the paths whose fixes must be tried, in order."""
    forecasts = {path: part.facts.forecast for path, part in parts.items()}
    fixed = [path for path, found in forecasts.items() if found.safe or found.unsafe]
    is_joint = any(forecasts[path].is_joint for path in fixed)
    if is_joint or len(set(map(normalize_name, fixed))) < len(fixed):
        return fixed
    return [path for path in fixed if forecasts[path].untried]


def _save(
    store: AnswerStore[PartFacts], kept: Mapping[str, Part], made: Mapping[str, Part]
) -> None:
    data = store.encode(kept, made)
    if store.cache and store.key and data:
        save_result(store.cache, store.key, data, store.kind)


def _count_facts(parts: Mapping[str, Part]) -> list[tuple[PartFacts, int]]:
    facts = [part.facts for part in parts.values()]
    by_id = {id(item): item for item in facts}
    return [(by_id[key], times) for key, times in Counter(map(id, facts)).items()]
