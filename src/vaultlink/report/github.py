"""The output format `github`: workflow commands.

GitHub Actions shows them as annotations. GitHub shows ten errors, ten warnings and ten notices of a
step and silently drops the rest. So no more are printed, and the last line says how many are not
shown.
"""

from collections import Counter
from collections.abc import Sequence

from vaultlink.model import Diagnostic, Severity
from vaultlink.report.check_result import CheckResult
from vaultlink.report.concise import describe_known
from vaultlink.report.layout import escape_controls, format_count

MAX_ANNOTATIONS = 10
"""Annotations of one level that GitHub shows for a step."""

_COMMANDS = ((Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "notice"))


def render_github(result: CheckResult) -> str:
    """Render the findings as workflow commands, errors first.

    The last lines have the counts of findings that are not shown.
    """
    lines, omitted = [], []
    for severity, command in _COMMANDS:
        findings = [d for d in result.findings if d.severity is severity]
        lines += [
            _format_command(command, result.path_prefix, d) for d in _select_annotations(findings)
        ]
        if len(findings) > MAX_ANNOTATIONS:
            omitted.append(format_count(len(findings) - MAX_ANNOTATIONS, f"more {command}"))
    lines += filter(
        None, [describe_known(count, result.vault_option) for count in result.known_counts]
    )
    if omitted:
        lines.append(
            f"Not shown: {', '.join(omitted)}. GitHub shows ten annotations of each level per "
            "step. Other output formats, such as concise, list all findings."
        )
    return "".join([f"{line}\n" for line in lines])


def _select_annotations(findings: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Select at most `MAX_ANNOTATIONS` findings, and keep their order.

    The first finding of each note comes before the second of any note, so that a note with many
    findings does not hide the other notes.
    """
    counts: Counter[str] = Counter()
    ranks = []
    for index, d in enumerate(findings):
        ranks.append((counts[d.path], index))
        counts[d.path] += 1
    return [
        findings[index] for index in sorted(index for _, index in sorted(ranks)[:MAX_ANNOTATIONS])
    ]


def _format_command(command: str, path_prefix: str, d: Diagnostic) -> str:
    """Return a command; columns only for a span in one line, as GitHub drops others."""
    last = last_line(d)
    region = (
        {"line": d.line, "endLine": last}
        if last > d.line
        else {
            "line": d.line,
            "col": d.column,
            "endLine": d.line,
            "endColumn": d.end_column if d.end_line == d.line else d.column,
        }
    )
    properties = {"file": path_prefix + d.path, **region, "title": f"{d.code} {d.rule}"}
    parameters = ",".join(
        [f"{key}={_escape_property(str(value))}" for key, value in properties.items()]
    )
    return f"::{command} {parameters}::{_escape_data(d.message)}"


def last_line(d: Diagnostic) -> int:
    """Return the last line, from 1, with a character of the span.

    A span that ends at the start of a line has no character of that line.
    """
    return d.end_line - 1 if d.end_column == 1 and d.end_line > d.line else d.end_line


def _escape_data(text: str) -> str:
    """Escape text for the runner; spell out control characters except line ends."""
    return escape_controls(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _escape_property(text: str) -> str:
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")
