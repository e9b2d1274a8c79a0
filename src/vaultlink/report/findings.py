"""Findings for people: one line each, counts by rule, and the sentence that sums a run up.

Diagnostics enter, strings leave. Lines are built with plain formatting and joined once: there may be 70,000 of them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from vaultlink.fingerprints import Debt
from vaultlink.model import Diagnostic, Safety, Severity
from vaultlink.report.layout import PLAIN, Palette, clean, number


def concise(diagnostics: Sequence[Diagnostic], palette: Palette = PLAIN) -> str:
    """One line a finding: `path:line:col: VL101 dangling-link message`."""
    if palette is not PLAIN:
        hues, bold, off = severity_hues(palette), palette.bold, palette.off
        lines = [
            f"{bold}{clean(d.path)}{off}:{d.line}:{d.column}: {hues[d.severity]}{d.code}{off} {bold}{d.rule}{off} "
            f"{clean(d.message)}\n"
            for d in diagnostics
        ]
        return "".join(lines)
    rows = [f"{d.path}:{d.line}:{d.column}: {d.code} {d.rule} {d.message}" for d in diagnostics]
    return "\n".join([row if row.isprintable() else clean(row) for row in rows]) + (
        "\n" if rows else ""
    )


def severity_hues(palette: Palette) -> Mapping[Severity, str]:
    """The colour of each severity."""
    return {
        Severity.ERROR: palette.red,
        Severity.WARNING: palette.yellow,
        Severity.INFO: palette.blue,
    }


def by_rule(diagnostics: Sequence[Diagnostic]) -> dict[str, int]:
    """How many findings each rule has, by name."""
    return dict(sorted(Counter([d.rule for d in diagnostics]).items()))


def statistics(diagnostics: Sequence[Diagnostic], palette: Palette = PLAIN) -> str:
    """Findings counted by rule, most first: count, code, name."""
    counts = Counter([(d.code, d.rule, d.severity) for d in diagnostics])
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0][0]))
    size = len(str(ranked[0][1])) if ranked else 0
    hues = severity_hues(palette)
    return "".join(
        f"{count:>{size}}  {hues[severity]}{code}{palette.off}  {rule}\n"
        for (code, rule, severity), count in ranked
    )


def summary(diagnostics: Sequence[Diagnostic], notes: int, debts: Sequence[Debt] = ()) -> str:
    """The sentence at the end of a check. Where old findings are left out, those it speaks of are new."""
    if not diagnostics:
        return f"No {'new ' if debts else ''}findings in {number(notes, 'note')}."
    files = len({d.path for d in diagnostics})
    return f"Found {by_severity(diagnostics, debts)} in {number(files, 'file')}; {number(notes, 'note')} checked."


def by_severity(diagnostics: Sequence[Diagnostic], debts: Sequence[Debt] = ()) -> str:
    """How many findings there are of each severity, the worst first."""
    levels, new = Counter([d.severity for d in diagnostics]), "new " if debts else ""
    return ", ".join(
        [
            number(levels[level], new + word, new + many)
            for level, word, many in _WORDS
            if levels[level]
        ]
    )


def waiting_sentence(diagnostics: Sequence[Diagnostic]) -> str:
    """How many findings can be fixed, "" if none."""
    counts = Counter([d.fix.safety for d in diagnostics if d.fix is not None])
    safe, unsafe = counts[Safety.SAFE], counts[Safety.UNSAFE]
    if not safe:
        return f"`vaultlink fix --unsafe-fixes` can fix {unsafe:,} of them." if unsafe else ""
    return f"`vaultlink fix` can fix {safe:,} of them" + (
        f", and {unsafe:,} more with --unsafe-fixes." if unsafe else "."
    )


_WORDS = (
    (Severity.ERROR, "error", "errors"),
    (Severity.WARNING, "warning", "warnings"),
    (Severity.INFO, "info", "info"),
)
