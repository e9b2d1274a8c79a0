"""Findings for people: one line each, counts by rule, and the sentence that sums a run up.

Diagnostics enter, strings leave. Lines are built with plain formatting and joined once: there may be 70,000 of them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from vaultlink.engine.fingerprints import KnownCount
from vaultlink.model import Diagnostic, Safety, Severity
from vaultlink.report.check_result import CheckResult
from vaultlink.report.layout import PLAIN, Palette, escape_controls, format_count


def render_concise_result(result: CheckResult) -> str:
    """Render the findings of a check in the `concise` output format."""
    if result.statistics:
        return render_statistics(result.findings, result.palette)
    return render_concise(result.findings, result.palette)


def render_concise(diagnostics: Sequence[Diagnostic], palette: Palette = PLAIN) -> str:
    """One line a finding: `path:line:col: VL101 dangling-link message`."""
    if palette is not PLAIN:
        hues, bold, off = severity_colors(palette), palette.bold, palette.reset
        lines = [
            f"{bold}{escape_controls(d.path)}{off}:{d.line}:{d.column}: {hues[d.severity]}{d.code}{off} {bold}{d.rule}{off} "
            f"{escape_controls(d.message)}\n"
            for d in diagnostics
        ]
        return "".join(lines)
    rows = [f"{d.path}:{d.line}:{d.column}: {d.code} {d.rule} {d.message}" for d in diagnostics]
    return "\n".join([row if row.isprintable() else escape_controls(row) for row in rows]) + (
        "\n" if rows else ""
    )


def severity_colors(palette: Palette) -> Mapping[Severity, str]:
    """The colour of each severity."""
    return {
        Severity.ERROR: palette.red,
        Severity.WARNING: palette.yellow,
        Severity.INFO: palette.blue,
    }


def count_by_rule(diagnostics: Sequence[Diagnostic]) -> dict[str, int]:
    """How many findings each rule has, by name."""
    return dict(sorted(Counter([d.rule for d in diagnostics]).items()))


def render_statistics(diagnostics: Sequence[Diagnostic], palette: Palette = PLAIN) -> str:
    """Findings counted by rule, most first: count, code, name."""
    counts = Counter([(d.code, d.rule, d.severity) for d in diagnostics])
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0][0]))
    size = len(str(ranked[0][1])) if ranked else 0
    hues = severity_colors(palette)
    return "".join(
        f"{count:>{size}}  {hues[severity]}{code}{palette.reset}  {rule}\n"
        for (code, rule, severity), count in ranked
    )


def summarize_check(
    diagnostics: Sequence[Diagnostic], notes: int, debts: Sequence[KnownCount] = ()
) -> str:
    """The sentence at the end of a check. Where old findings are left out, those it speaks of are new."""
    if not diagnostics:
        return f"No {'new ' if debts else ''}findings in {format_count(notes, 'note')}."
    files = len({d.path for d in diagnostics})
    return f"Found {describe_severities(diagnostics, debts)} in {format_count(files, 'file')}; {format_count(notes, 'note')} checked."


def describe_severities(diagnostics: Sequence[Diagnostic], debts: Sequence[KnownCount] = ()) -> str:
    """How many findings there are of each severity, the worst first."""
    levels, new = Counter([d.severity for d in diagnostics]), "new " if debts else ""
    return ", ".join(
        [
            format_count(levels[level], new + word, new + many)
            for level, word, many in _SEVERITY_NOUNS
            if levels[level]
        ]
    )


def describe_fixable(diagnostics: Sequence[Diagnostic]) -> str:
    """How many findings can be fixed, "" if none."""
    counts = Counter([d.fix.safety for d in diagnostics if d.fix is not None])
    safe, unsafe = counts[Safety.SAFE], counts[Safety.UNSAFE]
    if not safe:
        return f"`vaultlink fix --unsafe-fixes` can fix {unsafe:,} of them." if unsafe else ""
    return f"`vaultlink fix` can fix {safe:,} of them" + (
        f", and {unsafe:,} more with --unsafe-fixes." if unsafe else "."
    )


_SEVERITY_NOUNS = (
    (Severity.ERROR, "error", "errors"),
    (Severity.WARNING, "warning", "warnings"),
    (Severity.INFO, "info", "info"),
)
