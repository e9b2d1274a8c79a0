"""Findings as a code quality report, which GitLab shows in merge requests and compares with the target branch's.

What a check came to enters, a JSON array leaves, one finding a line: Code Climate's words, of which GitLab reads a part. Its
`content` is left out, since GitLab shows it nowhere and the rule's manual would be repeated with each finding.
"""

from collections import Counter
from typing import Any

from vaultlink.model import Diagnostic, Severity
from vaultlink.report.check_result import CheckResult
from vaultlink.report.github import last_line
from vaultlink.report.json_document import encode_json_lines
from vaultlink.report.layout import escape_controls

_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.INFO: "info"}
"""The steps above, critical and blocker, are for programs that do harm."""

_CATEGORIES = {Severity.ERROR: "Bug Risk", Severity.WARNING: "Clarity", Severity.INFO: "Style"}


def render_gitlab(checked: CheckResult) -> bytes:
    """The findings as a report."""
    seen: Counter[str] = Counter()
    rows = [
        _build_issue(checked.path_prefix, d, _make_unique(mark, seen))
        for d, mark in zip(checked.findings, checked.fingerprints(), strict=True)
    ]
    lines = (
        encode_json_lines(rows).replace(b"\n", b",\n").removesuffix(b",\n")
    )  # JSON holds no raw line feed inside a row
    return b"[\n" + lines + b"\n]\n" if rows else b"[]\n"


def _make_unique(mark: str, seen: Counter[str]) -> str:
    """A fingerprint that no finding before has: of those that share one GitLab keeps only the last."""
    seen[mark] += 1
    return mark if seen[mark] == 1 else _make_unique(f"{mark}-{seen[mark]}", seen)


def _build_issue(place: str, d: Diagnostic, mark: str) -> dict[str, Any]:
    return {
        "type": "issue",
        "check_name": d.rule,
        "description": f"{d.code} {escape_controls(d.message)}",  # the rule's name is not shown everywhere, and a line is all there is
        "categories": [_CATEGORIES[d.severity]],
        "severity": _SEVERITIES[d.severity],
        "fingerprint": mark,
        "location": {"path": place + d.path, "lines": {"begin": d.line, "end": last_line(d)}},
    }
