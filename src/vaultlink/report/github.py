"""Findings as workflow commands, of which GitHub Actions makes annotations beside the lines they are about.

What a check came to enters, lines leave. GitHub shows ten errors, ten warnings and ten notices of a step and drops the rest
without a word, so no more are printed, and the last line says what is left out.
"""

from collections import Counter
from collections.abc import Sequence

from vaultlink.model import Diagnostic, Severity
from vaultlink.report.check_result import CheckResult
from vaultlink.report.known_counts import describe_known
from vaultlink.report.layout import escape_controls, format_count

MAX_ANNOTATIONS = 10
"""Annotations of one kind that GitHub shows of a step."""

_COMMANDS = ((Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "notice"))


def render_github(checked: CheckResult) -> str:
    """The findings as commands, errors first; then what is old, and what was left out."""
    lines, lost = [], []
    for severity, command in _COMMANDS:
        found = [d for d in checked.findings if d.severity is severity]
        lines += [
            _format_command(command, checked.path_prefix, d) for d in _select_annotations(found)
        ]
        if len(found) > MAX_ANNOTATIONS:
            lost.append(format_count(len(found) - MAX_ANNOTATIONS, f"more {command}"))
    lines += filter(None, [describe_known(count) for count in checked.known_counts])
    if lost:
        lines.append(
            f"Not shown: {', '.join(lost)}. GitHub shows ten annotations of a kind for a step; other forms of "
            "output, such as concise or markdown, tell more."
        )
    return "".join([f"{line}\n" for line in lines])


def _select_annotations(found: Sequence[Diagnostic]) -> list[Diagnostic]:
    """As many findings as are shown. Each note has its first before any has its second, so that one bad note does not hide
    all others; they stay in their order."""
    seen: Counter[str] = Counter()
    turns = []
    for place, d in enumerate(found):
        turns.append((seen[d.path], place))
        seen[d.path] += 1
    return [found[place] for place in sorted(place for _, place in sorted(turns)[:MAX_ANNOTATIONS])]


def _format_command(command: str, place: str, d: Diagnostic) -> str:
    """One annotation. Columns only make sense to GitHub on a single line: for longer spans its runner drops them."""
    last = last_line(d)
    spot = (
        {"line": d.line, "endLine": last}
        if last > d.line
        else {
            "line": d.line,
            "col": d.column,
            "endLine": d.line,
            "endColumn": d.end_column if d.end_line == d.line else d.column,
        }
    )
    properties = {"file": place + d.path, **spot, "title": f"{d.code} {d.rule}"}
    listed = ",".join(
        [f"{key}={_escape_property(str(value))}" for key, value in properties.items()]
    )
    return f"::{command} {listed}::{_escape_data(d.message)}"


def last_line(d: Diagnostic) -> int:
    """The last line that a finding's span has a character of: a span that ends where a line begins has none of it."""
    return d.end_line - 1 if d.end_column == 1 and d.end_line > d.line else d.end_line


def _escape_data(text: str) -> str:
    """Text as the runner reads it back; other control characters than line ends are spelled out."""
    return escape_controls(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _escape_property(text: str) -> str:
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")
