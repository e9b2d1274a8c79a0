"""Statistics: a line per rule with its findings and their fixes."""

from collections.abc import Sequence

from vaultlink.fix.forecast import RuleCount
from vaultlink.report.check_result import CheckResult
from vaultlink.report.concise import severity_colors
from vaultlink.report.layout import PLAIN, Palette

_HEADER = ("findings", "fix", "unsafe")


def render_statistics_result(result: CheckResult) -> str:
    """Render the counts of a result by rule."""
    return render_statistics(result.counts(), result.palette)


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
