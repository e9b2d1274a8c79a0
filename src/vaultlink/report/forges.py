"""The output formats `github` and `gitlab`: findings beside the lines of a change.

GitHub Actions shows workflow commands as annotations: ten errors, ten warnings and ten notices of a
step; it silently drops the rest. So no more are printed, and the last line says how many are not
shown.

GitLab shows a code quality report in merge requests and compares it with the report of the target
branch. It is a JSON array with one finding per line. GitLab reads some of the keys of Code Climate.
`content` is omitted, because GitLab does not show it and each finding would repeat the rule's
manual.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from vaultlink.model import Diagnostic, Severity
from vaultlink.report.check_result import CheckResult
from vaultlink.report.concise import describe_known
from vaultlink.report.json_document import encode_json_lines
from vaultlink.report.layout import escape_controls, format_count

# -- GitHub ----------------------------------------------------------------------------------------

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
        None, [describe_known(count, result.vault_option()) for count in result.known_counts]
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
    last = _last_line(d)
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


def _last_line(d: Diagnostic) -> int:
    """Return the last line, from 1, with a character of the span.

    A span that ends at the start of a line has no character of that line.
    """
    return d.end_line - 1 if d.end_column == 1 and d.end_line > d.line else d.end_line


def _escape_data(text: str) -> str:
    """Escape text for the runner; spell out control characters except line ends."""
    return escape_controls(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _escape_property(text: str) -> str:
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")


# -- GitLab ----------------------------------------------------------------------------------------

_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.INFO: "info"}
"""The higher levels, critical and blocker, are for harmful programs."""

_CATEGORIES = {Severity.ERROR: "Bug Risk", Severity.WARNING: "Clarity", Severity.INFO: "Style"}


def render_gitlab(result: CheckResult) -> bytes:
    """Render the findings as a code quality report."""
    counts: Counter[str] = Counter()
    rows = [
        _build_issue(result.path_prefix, d, _make_unique(fingerprint, counts))
        for d, fingerprint in zip(result.findings, result.fingerprints(), strict=True)
    ]
    # JSON has no raw line feed inside a row.
    lines = encode_json_lines(rows).replace(b"\n", b",\n").removesuffix(b",\n")
    return b"[\n" + lines + b"\n]\n" if rows else b"[]\n"


def _make_unique(fingerprint: str, counts: Counter[str]) -> str:
    """Make a fingerprint unique: GitLab keeps only the last finding with one."""
    counts[fingerprint] += 1
    number = counts[fingerprint]
    return fingerprint if number == 1 else _make_unique(f"{fingerprint}-{number}", counts)


def _build_issue(path_prefix: str, d: Diagnostic, fingerprint: str) -> dict[str, Any]:
    return {
        "type": "issue",
        "check_name": d.rule,
        # GitLab does not show the rule's name everywhere, and shows only one line.
        "description": f"{d.code} {escape_controls(d.message)}",
        "categories": [_CATEGORIES[d.severity]],
        "severity": _SEVERITIES[d.severity],
        "fingerprint": fingerprint,
        "location": {
            "path": path_prefix + d.path,
            "lines": {"begin": d.line, "end": _last_line(d)},
        },
    }
