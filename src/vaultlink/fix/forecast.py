"""The findings that `vaultlink fix` would fix, in numbers by safety and by rule."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from vaultlink.model import Diagnostic, Fix, Safety, Severity

MAX_TRIED = 2_000
"""Maximum number of unsafe fixes that are tried in order to count them, and of known findings
whose unresolved targets are looked up for that. Safe fixes are always counted."""


class RuleCount(NamedTuple):
    """The findings of a rule, and how many of them `vaultlink fix` resolves."""

    code: str
    rule: str
    severity: Severity
    findings: int
    safe: int
    unsafe: int


class FixForecast(NamedTuple):
    """The findings that `vaultlink fix` would fix: their fixes and numbers.

    `fixes` has the fix of each reported finding, None if it would remain; it is () where only the
    numbers are needed. The numbers of safe fixes are exact, and those of unsafe ones are, too,
    unless some were left out: `has_guesses` is True then, `has_known_guesses` for known findings.

    Forecasts of parts of a vault have the number of `untried` fixes, which may turn out not to be
    made. With `is_joint`, the fixes of a part may depend on those of others.
    """

    fixes: tuple[Fix | None, ...] = ()
    safe: int = 0
    unsafe: int = 0
    known_safe: int = 0
    known_unsafe: int = 0
    untried: int = 0
    is_joint: bool = False
    has_guesses: bool = False
    has_known_guesses: bool = False

    @property
    def unsafe_number(self) -> int | None:
        """The number of unsafe fixes of reported findings; None if some were not counted."""
        return None if self.has_guesses else self.unsafe


def count_fixes(fixes: Iterable[Fix | None], known: Iterable[Fix | None] = ()) -> FixForecast:
    """Return the forecast with exactly these fixes of findings, and of known ones."""
    found = tuple(fixes)
    safeties, known_safeties = ([fix.safety for fix in part if fix] for part in (found, known))
    return FixForecast(
        found,
        safeties.count(Safety.SAFE),
        safeties.count(Safety.UNSAFE),
        known_safeties.count(Safety.SAFE),
        known_safeties.count(Safety.UNSAFE),
    )


def join_forecasts(parts: Iterable[tuple[FixForecast, int]]) -> FixForecast:
    """Join the forecasts of parts, each with the number of parts that are like it."""
    found = list(parts)
    return FixForecast(
        safe=sum(part.safe * times for part, times in found),
        unsafe=sum(part.unsafe * times for part, times in found),
        untried=sum(part.untried * times for part, times in found),
        is_joint=any(part.is_joint for part, _ in found),
        has_guesses=any(part.has_guesses for part, _ in found),
    )


def count_by_rule(
    findings: Iterable[Diagnostic], fixes: Sequence[Fix | None] = ()
) -> list[RuleCount]:
    """Count findings by rule, most frequent first; with the fix of each, if given."""
    findings = list(findings) if fixes else findings
    made: Mapping[tuple[str, Severity, Safety], int] = {}
    if any(fixes):
        pairs = zip(findings, fixes, strict=True)
        made = Counter([(d.code, d.severity, fix.safety) for d, fix in pairs if fix])
    counts = Counter([(d.code, d.rule, d.severity) for d in findings])
    rows = [
        RuleCount(
            *(code, rule, severity, number),
            made.get((code, severity, Safety.SAFE), 0),
            made.get((code, severity, Safety.UNSAFE), 0),
        )
        for (code, rule, severity), number in counts.items()
    ]
    return sorted(rows, key=_rank)


def join_rule_counts(parts: Iterable[tuple[RuleCount, int]]) -> list[RuleCount]:
    """Add up counts, most frequent rule first. Each has its number of occurrences."""
    totals: dict[tuple[str, str, Severity], tuple[int, int, int]] = {}
    for row, times in parts:
        key = row[:3]
        findings, safe, unsafe = totals.get(key, (0, 0, 0))
        totals[key] = (
            findings + row.findings * times,
            safe + row.safe * times,
            unsafe + row.unsafe * times,
        )
    rows = [RuleCount(*key, *numbers) for key, numbers in totals.items()]
    return sorted(rows, key=_rank)


def _rank(row: RuleCount) -> tuple[int, str]:
    return -row.findings, row.code
