"""Count findings and their fixes by rule, also in several processes."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from vaultlink.model import Diagnostic, Fix, Safety, Severity
from vaultlink.report.check_result import CheckResult
from vaultlink.report.concise import severity_colors
from vaultlink.report.layout import PLAIN, Palette

_FixCounts = Counter[tuple[str, str]]
"""The number of fixes by rule and safety."""


class RuleCount(NamedTuple):
    """The findings of a rule, and how many of them `vaultlink fix` resolves."""

    code: str
    rule: str
    severity: Severity
    findings: int
    safe: int
    unsafe: int


def count_result(result: CheckResult) -> list[RuleCount]:
    """Count the findings of a result, most frequent rule first."""
    return count_with_fixes(result.findings, result.forecast().fixes)


def count_with_fixes(
    findings: Sequence[Diagnostic], fixes: Sequence[Fix | None]
) -> list[RuleCount]:
    """Count findings and the fix of each, None for none."""
    return _rank(findings, _count_fixes(findings, fixes))


def count_findings(findings: Sequence[Diagnostic]) -> list[RuleCount]:
    """Count findings whose fixes are unknown."""
    return _rank(findings, _FixCounts())


def _count_fixes(findings: Sequence[Diagnostic], fixes: Sequence[Fix | None]) -> _FixCounts:
    return Counter(
        (d.rule, fix.safety.value)
        for d, fix in zip(findings, fixes, strict=True)
        if fix is not None
    )


def encode_fix_counts(result: CheckResult) -> bytes:
    """Encode the numbers of fixes of some findings, for `join_counts`."""
    counts = _count_fixes(result.findings, result.forecast().fixes)
    return msgspec.msgpack.encode(list(counts.items()))


def join_counts(findings: Sequence[Diagnostic], parts: Iterable[bytes]) -> list[RuleCount]:
    """Count findings, of whose fixes `encode_fix_counts` counted each part."""
    counts = _FixCounts()
    for part in parts:
        counts.update(dict(msgspec.msgpack.decode(part, type=list[tuple[tuple[str, str], int]])))
    return _rank(findings, counts)


def _rank(findings: Sequence[Diagnostic], fixes: _FixCounts) -> list[RuleCount]:
    counts = Counter([(d.code, d.rule, d.severity) for d in findings])
    return [
        RuleCount(code, rule, severity, count, *(fixes[rule, safety.value] for safety in _SAFETIES))
        for (code, rule, severity), count in sorted(
            counts.items(), key=lambda item: (-item[1], item[0][0])
        )
    ]


_SAFETIES = (Safety.SAFE, Safety.UNSAFE)

_HEADER = ("findings", "fix", "unsafe")


def render_statistics_result(result: CheckResult) -> str:
    """Render the counts of a result by rule."""
    return render_statistics(count_result(result), result.palette)


def join_statistics(result: CheckResult, parts: Sequence[bytes]) -> bytes:
    """Render the counts of a result whose fixes were counted in parts."""
    return render_statistics(join_counts(result.findings, parts), result.palette).encode()


def render_statistics(
    counts: Sequence[RuleCount], palette: Palette = PLAIN, *, has_fixes: bool = True
) -> str:
    """Render a line per rule: findings, fixes, unsafe fixes, code and name.

    Without `has_fixes` the fixes are left out.
    """
    if not counts:
        return ""
    colors = severity_colors(palette)
    header = _HEADER if has_fixes else _HEADER[:1]
    cells = [[f"{number:,}" for number in row[3 : 3 + len(header)]] for row in counts]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]

    def align(texts: Sequence[str]) -> str:
        return "  ".join(f"{text:>{width}}" for text, width in zip(texts, widths, strict=True))

    lines = [f"{palette.bold}{align(header)}  rule{palette.reset}"]
    lines += [
        f"{align(texts)}  {colors[row.severity]}{row.code}{palette.reset} {row.rule}"
        for row, texts in zip(counts, cells, strict=True)
    ]
    return "\n".join(lines) + "\n"
